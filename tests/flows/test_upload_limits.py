"""Where an upload ends early, what it says then, and what it refuses or only remarks on."""

from __future__ import annotations

import itertools
import json
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_samples import tone
from harness import Runner, Spawner
from media_samples import make_audio, make_video
from servers.cloudinary import CloudinaryServer
from upload_samples import tones

from vidctl import failpoints


@pytest.fixture
def service() -> Iterator[CloudinaryServer]:
    with CloudinaryServer() as server:
        yield server


@pytest.fixture
def cloud(run: Runner, library: Path, service: CloudinaryServer) -> Runner:
    """A library whose media goes to a Cloudinary on this machine."""
    run.ok("config", "set", "media.host", "cloudinary")
    run.ok("config", "set", "hosts.cloudinary.api", service.address)
    return run


def with_key(service: CloudinaryServer) -> dict[str, str]:
    return {"CLOUDINARY_URL": service.key_text}


# --- limits that were asked for -----------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_max_items_ends_the_run_and_the_next_goes_on(run: Runner, library: Path, jobs: str) -> None:
    tones(run.folder / "in", 10)
    for number in range(1, 4):
        result = run("upload", "in", "--max-items", "3", "-j", jobs, "--json")
        assert result.code == 8, result
        data = result.envelope["data"]
        assert data["new"] == 3
        assert data["left"] > 0
        assert data["new"] + data["known"] + data["left"] == 10
        assert run.ok("podcasts", "list", "--json").data["total"] == 3 * number
        (error,) = result.envelope["errors"]
        assert (error["code"], error["exit_code"], error["item"]) == ("limit", 8, "")
        assert result.envelope["status"] == "partial"
    result = run("upload", "in", "--max-items", "3", "--json")
    assert (result.code, result.envelope["data"]["new"]) == (0, 1)


def test_max_items_that_are_just_enough_are_no_limit(run: Runner, library: Path) -> None:
    tones(run.folder / "in", 3)
    assert run("upload", "in", "--max-items", "3").code == 0
    assert run("upload", "in", "--max-items", "1").code == 0, "nothing in it is new"


def test_a_file_that_is_too_long_is_refused_and_the_others_go_in(
    run: Runner, library: Path
) -> None:
    (run.folder / "in").mkdir()
    tone(run.folder / "in" / "long.wav", seconds=5)
    tone(run.folder / "in" / "short.wav", seconds=2)
    result = run("upload", "in", "--max-duration", "4s", "--json")
    assert result.code == 3, result
    (error,) = result.envelope["errors"]
    assert (error["code"], Path(error["item"]).name) == ("limit", "long.wav")
    assert "it lasts 00:05, and the limit is 00:04" in error["message"]
    assert result.envelope["data"]["new"] == 1
    assert run("upload", "in", "--max-duration", "soon").code == 2


def test_the_rate_is_for_all_threads_together(run: Runner, library: Path) -> None:
    for number in range(4):
        tone(run.folder / f"{number}.wav", seconds=10, pitch=300 + 50 * number)  # 160 kB each
    files = [f"{number}.wav" for number in range(4)]
    run.ok("upload", files[0], "--no-loudness")
    began = time.monotonic()
    run.ok("upload", *files[1:], "-j", "3", "--limit-rate", "160K", "--no-loudness")
    assert 2.5 < time.monotonic() - began < 12
    assert run("upload", files[0], "--limit-rate", "fast").code == 2


# --- files that are short -----------------------------------------------------------------------


def test_a_truncated_file_is_stored_only_when_asked_and_is_marked(
    run: Runner, library: Path
) -> None:
    whole = make_video(run.folder / "whole.mp4", 6.0, options={"movflags": "faststart"})
    cut = run.folder / "cut.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    refused = run("upload", "cut.mp4", "--json")
    assert refused.code == 3
    assert "--allow-truncated" in refused.envelope["errors"][0]["hint"]
    result = run.ok("upload", "cut.mp4", "--allow-truncated", "--json")
    properties = result.data["items"][0]["properties"]
    assert properties["media"]["truncated"] is True
    assert properties["duration"] < 5
    assert any(note.startswith("cut: it ends early") for note in result.envelope["notes"])
    run.ok("upload", "whole.mp4", "--replace", "cut")
    shown = run.ok("videos", "show", "cut", "--json").data["properties"]
    assert "truncated" not in shown["media"]
    assert shown["duration"] == pytest.approx(6.0, abs=0.2)


# --- episodes -----------------------------------------------------------------------------------


def test_tags_chapters_and_loudness_of_an_episode(run: Runner, library: Path) -> None:
    tags = {"title": "On birds", "artist": "Ana", "album": "The Show", "track": "7/12"}
    make_audio(run.folder / "e7.mp3", 4.0, codec="libmp3lame", tags={**tags, "date": "2024-05-06"})
    result = run.ok("upload", "e7.mp3", "--json")
    (item,) = result.data["items"]
    found = item["properties"]
    assert (item["name"], found["episodeNumber"], found["publishedAt"]) == (
        "On birds",
        7,
        1_714_953_600_000,
    )
    assert -70 < found["loudness"]["integrated"] < 0
    run.ok("upload", "e7.mp3", "--description", "Mine", "--json")
    tone(run.folder / "quiet.wav", seconds=4)
    loud = run.ok("upload", "quiet.wav", "--json")
    measured = loud.data["items"][0]["properties"]["loudness"]["integrated"]
    assert any(f"{measured:.1f} LUFS" in note for note in loud.envelope["notes"])
    tone(run.folder / "other.wav", seconds=4, pitch=500)
    plain = run.ok("upload", "other.wav", "--no-loudness", "--json")
    assert "loudness" not in plain.data["items"][0]["properties"]
    assert plain.envelope["notes"] == []


def test_what_was_said_counts_more_than_what_tags_say(run: Runner, library: Path) -> None:
    make_audio(run.folder / "e.mp3", 2.0, codec="libmp3lame", tags={"comment": "From the tags"})
    result = run.ok("upload", "e.mp3", "--description", "Mine", "--json")
    assert result.data["items"][0]["properties"]["description"] == "Mine"


# --- what the next file would meet as well ------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_a_full_disk_ends_the_run_and_says_how_many_were_not_tried(
    run: Runner, library: Path, jobs: str
) -> None:
    tones(run.folder / "in", 20)
    failpoints.arm("copy.write:3:enospc")
    result = run("upload", "in", "-j", jobs, "--json")
    failpoints.arm("")
    assert result.code == 3, result
    data = result.envelope["data"]
    assert [error["code"] for error in result.envelope["errors"]] == ["disk_full"]
    assert data["left"] >= 20 - 2 - 3 * int(jobs)
    assert data["new"] + data["left"] + data["failed"] == 20
    assert f"{data['left']} files not tried" in result.envelope["notes"]
    assert run.ok("upload", "in", "--json").data["total"] == 20
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0


def test_a_file_that_cannot_be_read_does_not_end_the_run(run: Runner, library: Path) -> None:
    tones(run.folder / "in", 3)
    failpoints.arm("")
    (run.folder / "pipe.wav").mkdir()
    result = run("upload", "pipe.wav", "in", "--json")
    assert (result.code, result.envelope["data"]["new"]) == (3, 3)


def test_without_a_key_nothing_is_tried(cloud: Runner, service: CloudinaryServer) -> None:
    tones(cloud.folder / "in", 5)
    result = cloud("upload", "in", "--json")
    assert result.code == 4, result
    assert [error["code"] for error in result.envelope["errors"]] == ["missing_key"]
    assert "vidctl keys set cloudinary" in result.envelope["errors"][0]["hint"]
    assert result.envelope["data"]["left"] == 4
    assert service.calls == []


def test_a_refused_key_ends_the_run(cloud: Runner, service: CloudinaryServer) -> None:
    tones(cloud.folder / "in", 5)
    wrong = service.key_text.replace(service.secret, "n0t-the-s3cret")
    result = cloud("upload", "in", "--json", env={"CLOUDINARY_URL": wrong})
    assert result.code == 4, result
    assert [error["code"] for error in result.envelope["errors"]] == ["key_refused"]
    assert "n0t-the-s3cret" not in result.out + result.err
    assert len(service.calls) == 1
    assert cloud.ok("upload", "in", "--json", env=with_key(service)).data["new"] == 5


def test_a_service_that_is_gone_ends_the_run_after_three_files(
    cloud: Runner, service: CloudinaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidctl.retry.Retry.call", lambda self, act, **_: act())
    tones(cloud.folder / "in", 8)
    service.fault = lambda call: "503"
    result = cloud("upload", "in", "--json", env=with_key(service))
    assert result.code == 5, result
    data = result.envelope["data"]
    assert (data["new"], data["failed"], data["left"]) == (0, 3, 5)
    assert [error["item"] for error in result.envelope["errors"]][-1] == ""
    service.fault = None
    assert cloud.ok("upload", "in", "--json", env=with_key(service)).data["new"] == 8


def test_one_file_that_meets_trouble_is_one_error(
    cloud: Runner, service: CloudinaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vidctl.retry.Retry.call", lambda self, act, **_: act())
    files = tones(cloud.folder / "in", 4)
    uploads = itertools.count()
    service.fault = lambda call: "503" if call["what"] == "upload" and next(uploads) == 1 else None
    result = cloud("upload", "in", "--json", env=with_key(service))
    assert result.code == 3, result
    data = result.envelope["data"]
    assert (data["new"], data["failed"], data["left"]) == (3, 1, 0)
    assert [error["item"] for error in result.envelope["errors"]] == [str(files[1])]


def test_a_cap_on_costs_ends_the_run_before_it_is_passed(
    cloud: Runner, service: CloudinaryServer
) -> None:
    files = tones(cloud.folder / "in", 6)
    size = files[0].stat().st_size
    cloud.ok(
        "config", "set", "prices.cloudinary.gigabyte", str(0.10 * 1e9 / size)
    )  # ten cents each
    cloud.ok("config", "set", "cost.cap_month", "0.35")
    result = cloud("upload", "in", "-j", "3", "--json", env=with_key(service))
    assert result.code == 8, result
    data = result.envelope["data"]
    assert data["new"] == 3
    assert len(service.of("upload")) == 3
    spent = cloud.ok("cost", "show", "--json").data["amount"]
    assert spent == pytest.approx(0.30)
    again = cloud("upload", "in", "--json", env=with_key(service))
    assert (again.code, again.envelope["data"]["known"]) == (8, 3)
    cloud.ok("config", "set", "cost.cap_month", "0")
    assert cloud.ok("upload", "in", "--json", env=with_key(service)).data["new"] == 3


# --- Ctrl-C -------------------------------------------------------------------------------------


def test_ctrl_c_ends_threads_in_the_midst_of_files_at_once(
    run: Runner, spawn: Spawner, library: Path
) -> None:
    for number in range(3):
        tone(run.folder / f"{number}.wav", seconds=60, pitch=300 + 50 * number)  # 1 MB each
    words = ("upload", "0.wav", "1.wav", "2.wav", "-j", "3", "--limit-rate", "50K", "--json")
    process = spawn.start(*words)
    media = run.folder / ".vidctl" / "media"
    deadline = time.monotonic() + 60
    while not list(media.rglob(".vidctl-tmp-*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert time.monotonic() - began < 8
    assert json.loads(out)["errors"][0]["code"] == "interrupted"
    assert b"Traceback" not in err
    assert list(media.rglob(".vidctl-tmp-*")) == []
    assert run.ok("podcasts", "list", "--json").data["total"] == 0
    assert run.ok("upload", *words[1:4], "--json").data["new"] == 3


def test_several_processes_on_one_folder_make_each_item_once(
    run: Runner, spawn: Spawner, library: Path
) -> None:
    tones(run.folder / "in", 40)
    results: list[Any] = []
    threads = [
        threading.Thread(target=lambda: results.append(spawn("upload", "in", "-j", "2", "--json")))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.code for result in results] == [0, 0, 0], results
    assert sum(result.data["new"] for result in results) == 40
    assert run.ok("podcasts", "list", "--json").data["total"] == 40
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0
