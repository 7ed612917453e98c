"""Where an upload ends early, what it says then, and what it refuses or only remarks on."""

from __future__ import annotations

import errno
import itertools
import json
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_samples import tone
from harness import CAPTIONS, Runner, Spawner
from media_samples import make_audio, make_video
from servers.cloudinary import CloudinaryServer
from upload_samples import BROKEN, tones

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


@pytest.mark.parametrize("value", ["0", "0.0", "00:00"])
def test_zero_is_no_limit(run: Runner, library: Path, value: str) -> None:
    """As --help says."""
    tones(run.folder / "in", 2)
    words = ("--max-duration", value, "--limit-rate", "0", "--max-items", "0")
    assert run.ok("upload", "in", *words, "--json").data["new"] == 2
    said = " ".join(run.ok("upload", "--help").out.split())
    assert said.count("0 is no limit") == 3, said


@pytest.mark.parametrize(
    "words",
    [
        *(("--max-items", value) for value in ("-1", "nan", "many", "1.5", "")),
        *(("--max-duration", value) for value in ("-1", "nan", "inf", "soon", "1:75", "")),
        *(("--limit-rate", value) for value in ("-1", "nan", "inf", "fast", "0.1", "")),
        *(("-j", value) for value in ("0", "-1", "65", "nan")),
        *((option, "") for option in ("--to", "--replace")),
    ],
)
def test_limits_that_are_none_are_refused(
    run: Runner, library: Path, words: tuple[str, str]
) -> None:
    tones(run.folder / "in", 1)
    result = run("upload", "in", *words)
    assert result.code == 2, result
    assert "hint: " in result.err
    assert run.ok("podcasts", "list", "--json").data["total"] == 0


# --- how it ends --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code", "errors"),
    [
        (("gone.wav",), 3, [("not_found", 6)]),
        (("gone.wav", "missing.wav"), 3, [("not_found", 6), ("not_found", 6)]),
        (("gone.wav", "in"), 3, [("not_found", 6)]),
        (("empty",), 3, [("not_found", 6)]),
        (("*.ogg",), 3, [("not_found", 6)]),
        (("text.mp3",), 3, [("invalid_media", 1)]),
        (("text.mp3", "in"), 3, [("invalid_media", 1)]),
        (("http://127.0.0.1/a.mp4",), 3, [("address_refused", 4)]),
        (("in", "--max-items", "1"), 8, [("limit", 8)]),
        (("in",), 0, []),
    ],
)
@pytest.mark.parametrize("rehearsal", [(), ("-n",)], ids=["real", "rehearsal"])
def test_exit_codes_are_those_of_the_table(
    run: Runner,
    library: Path,
    words: tuple[str, ...],
    code: int,
    errors: list[tuple[str, int]],
    rehearsal: tuple[str, ...],
) -> None:
    """One bad file or several: 3, with each file's own code in its error; see how-to/upload."""
    tones(run.folder / "in", 2)
    (run.folder / "empty").mkdir()
    (run.folder / "text.mp3").write_bytes(BROKEN["text.mp3"])
    result = run("upload", *words, *rehearsal, "--json")
    if rehearsal and words[0].startswith("http:"):
        errors, code = [], 0  # nobody looks where a name leads
    assert result.code == code, result
    assert [(e["code"], e["exit_code"]) for e in result.envelope["errors"]] == errors
    assert result.envelope["exit_code"] == code


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
    assert result.code == 1, result
    data = result.envelope["data"]
    (error,) = result.envelope["errors"]
    assert (error["code"], Path(error["item"]).parent) == ("disk_full", run.folder / "in")
    assert data["left"] >= 20 - 2 - 3 * int(jobs)
    assert data["new"] + data["left"] + data["failed"] == 20
    assert f"{data['left']} files not tried" in result.envelope["notes"]
    assert run.ok("upload", "in", "--json").data["total"] == 20
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_temporary_folder_ends_the_run_with_its_tally(
    run: Runner, library: Path, jobs: str
) -> None:
    """Pictures of videos are made there; the error names the folder, which is not the library's."""
    (run.folder / "in").mkdir()
    for number in range(6):
        make_video(run.folder / "in" / f"film-{number}.mp4", 0.2 + number / 10)
    failpoints.arm("folder.make:2:enospc")
    result = run("upload", "in", "-j", jobs, "--json")
    failpoints.arm("")
    assert result.code == 1, result
    data = result.envelope["data"]
    (error,) = result.envelope["errors"]
    assert error["code"] == "disk_full"
    assert error["message"].endswith(f"for {tempfile.gettempdir()}")
    assert Path(error["item"]).name.startswith("film-")
    assert data["failed"] == 1
    assert data["left"] >= 5 - 3 * int(jobs)
    assert data["new"] + data["failed"] + data["left"] == 6
    assert run.ok("upload", "in", "--json").data["total"] == 6
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0


def test_what_the_system_refuses_somewhere_else_is_in_the_tally_too(
    run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error that nobody foresaw must not take the account of the others with it."""
    files = tones(run.folder / "in", 5)

    def refuse(media: Path) -> None:
        raise OSError(errno.EMFILE, "Too many open files", str(media))

    monkeypatch.setattr("vidctl.transcribers.captions.sidecars", refuse)
    (run.folder / "in" / "talk-0003.vtt").write_text(CAPTIONS, encoding="utf-8")
    result = run("upload", "in", "--json")
    assert result.code == 1, result
    (error,) = result.envelope["errors"]
    assert (error["code"], error["item"]) == ("storage", str(files[0]))
    assert result.envelope["data"]["left"] == 4


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
    assert Path(result.envelope["errors"][0]["item"]).name == "talk-0000.wav"
    assert result.envelope["data"]["left"] == 4
    assert "4 files not tried" in result.envelope["notes"]
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
    files = tones(cloud.folder / "in", 8)
    service.fault = lambda call: "503"
    result = cloud("upload", "in", "--json", env=with_key(service))
    assert result.code == 5, result
    data = result.envelope["data"]
    assert (data["new"], data["failed"], data["left"]) == (0, 3, 5)
    assert [error["item"] for error in result.envelope["errors"]] == [str(f) for f in files[:3]]
    assert "5 files not tried" in result.envelope["notes"]
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
    refused = [error["item"] for error in result.envelope["errors"]]
    assert refused
    assert set(refused) <= {str(file) for file in files}, "each names the file that met the cap"
    assert data["failed"] + data["left"] == 3
    assert any("not tried" in note for note in result.envelope["notes"]) == bool(data["left"])
    spent = cloud.ok("cost", "show", "--json").data["amount"]
    assert spent == pytest.approx(0.30)
    again = cloud("upload", "in", "--json", env=with_key(service))
    assert (again.code, again.envelope["data"]["new"]) == (8, 0)
    (met,) = again.envelope["errors"]
    assert (met["code"], met["exit_code"]) == ("limit", 8)
    assert met["item"] in {str(file) for file in files}
    # Which three came first depends on the threads.
    assert again.envelope["data"]["known"] + again.envelope["data"]["left"] == 5
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
