"""Uploads that broke off: seen, gone on with, given up; and what is left of them on hosts."""

from __future__ import annotations

import os
import signal
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_samples import tone
from harness import Result, Runner, Spawner
from servers.s3 import KEY, Call, S3Server, running_s3
from servers.web import Page, WebServer

from vidctl.config import Config
from vidctl.files import sha256_of
from vidctl.library import Library
from vidctl.model.locator import locator_of
from vidctl.model.media import Content
from vidctl.model.upload import SentPart
from vidctl.store import leases

PART = 5 << 20
SIZE = 12_000_044
KILLED = -signal.SIGKILL


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture
def talk(run: Runner, library: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A library whose media goes to S3 in parts of 5 MB, and a file of three parts."""
    monkeypatch.setenv("VIDCTL_S3_KEY", KEY)
    for key, value in (
        ("media.host", "s3"),
        ("hosts.s3.bucket", s3.bucket),
        ("hosts.s3.endpoint", s3.address),
        ("hosts.s3.part_mb", "5"),
        ("hosts.s3.parallel", "1"),
    ):
        run.ok("config", "set", key, value)
    return long_file(run.folder / "talk.wav")


def long_file(path: Path, seed: int = 0) -> Path:
    """Write a minute of noise, 12 MB."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes((seed.to_bytes(4, "little") + os.urandom(3_996)) * 3_000)
    return path


def breaking(part: int) -> Any:
    """Return a fault that refuses the key from a part on, counted from 1."""

    def choose(call: Call) -> str:
        return "key" if call.what == "part" and call.ordinal >= part else ""

    return choose


def broken(
    run: Runner, s3: S3Server, file: Path | str, *more: str, part: int = 2
) -> dict[str, Any]:
    """Upload a file until a part is refused, and return its row."""
    s3.forget()
    s3.fault = breaking(part)
    result = run("upload", file, "--no-loudness", *more)
    assert result.code in (3, 4), result
    s3.forget()
    found = rows(run, *(more if "-g" in more else ()))
    assert len(found) == 1, result
    (row,) = found
    return row


def rows(run: Runner, *more: str) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = run.ok("uploads", "list", "--json", *more).data["items"]
    return items


def told(result: Result) -> list[tuple[str, str]]:
    return [(error["code"], error["message"]) for error in result.envelope["errors"]]


def test_an_upload_that_broke_off_is_listed_and_gone_on_with(
    run: Runner, s3: S3Server, talk: Path
) -> None:
    row = broken(run, s3, talk)
    assert row["file"] == str(talk)
    assert (row["host"], row["state"], row["parts"]) == ("s3", "failed", 1)
    assert (row["sent"], row["size"]) == (PART, SIZE)
    assert "key" in row["error"]
    shown = run.ok("uploads", "list").out.strip().split("\t")
    assert shown[0] == row["id"][:10]
    assert shown[3] == "5.2 MB of 12.0 MB"
    assert shown[5].startswith("failed: ")
    planned = run.ok("uploads", "resume", "-n", "--json").data["items"]
    assert [(each["id"], each["item"]) for each in planned] == [(row["id"], None)]
    assert (rows(run), s3.calls) == ([row], [])
    done = run.ok("uploads", "resume", row["id"][:6], "--json").data["items"]
    assert [each["item"] for each in done] == ["talk"]
    assert s3.count("part") == 2, "what had arrived was not sent again"
    assert (s3.unfinished, rows(run)) == (0, [])
    assert [len(data) for data in s3.objects.values()] == [SIZE]
    assert run.ok("uploads", "resume").err == "nothing to go on with\n"
    run.ok("doctor")


def test_a_killed_upload_reads_as_interrupted_and_goes_on(
    run: Runner, spawn: Spawner, s3: S3Server, talk: Path
) -> None:
    s3.fault = lambda call: "hang" if call.what == "part" and call.ordinal == 2 else ""
    s3.hang = 60.0
    process = spawn.start("upload", "talk.wav", "--no-loudness", env={"no_proxy": "127.0.0.1"})
    try:
        deadline = time.monotonic() + 60
        while not [row for row in rows(run) if row["parts"]] and time.monotonic() < deadline:
            time.sleep(0.05)
        (row,) = rows(run)
        assert row["state"] == "active"
        for words in (["resume", row["id"]], ["abort", row["id"], "-y"]):
            refused = run("uploads", *words, "--json")
            assert refused.code == 11
            assert rows(run)[0]["state"] == "active"
        assert run.ok("uploads", "abort", "--all", "-y").err == "nothing to give up\n"
        assert run.ok("uploads", "orphans", "--older-than", "0s").err == "no orphans found\n"
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == KILLED
    (row,) = rows(run)
    assert (row["state"], row["parts"]) == ("interrupted", 1)
    s3.forget()
    assert run.ok("uploads", "resume", "--json").data["items"][0]["item"] == "talk"
    assert s3.count("part") == 2
    assert (s3.unfinished, rows(run)) == (0, [])


def test_a_file_that_is_gone_or_changed_is_not_gone_on_with(
    run: Runner, s3: S3Server, talk: Path
) -> None:
    row = broken(run, s3, talk)
    content = talk.read_bytes()
    for data, code, word in (
        (None, 6, "the file is gone"),
        (content + b"x", 9, "the file has changed since"),
        (content[:-1] + b"\x01", 9, "the file has changed since"),
    ):
        talk.unlink(missing_ok=True)
        if data is not None:
            talk.write_bytes(data)
        refused = run("uploads", "resume", "--json")
        assert refused.code == code
        (error,) = refused.envelope["errors"]
        assert (error["message"], error["item"]) == (word, str(talk))
        assert error["hint"] == f"vidctl uploads abort {row['id'][:10]}"
    assert (rows(run), s3.calls) == ([row], [])
    talk.write_bytes(content)
    other = long_file(run.folder / "other.wav", 1)
    s3.fault = breaking(2)
    assert run("upload", other, "--no-loudness").code != 0
    s3.forget()
    other.unlink()
    partly = run("uploads", "resume", "--json")
    assert partly.code == 3
    assert [each["item"] for each in partly.envelope["data"]["items"]] == ["talk"]
    assert told(partly) == [("not_found", "the file is gone")]


def test_what_is_given_up_leaves_nothing_on_the_host(run: Runner, s3: S3Server, talk: Path) -> None:
    row = broken(run, s3, talk)
    assert s3.unfinished == 1
    assert run("uploads", "abort").code == 2
    assert run("uploads", "abort", row["id"], "--all").code == 2
    assert run("uploads", "abort", "--all").code == 2, "nobody said yes"
    assert run.ok("uploads", "abort", "--all", "-n").out.endswith("\twould abort\n")
    assert run("uploads", "abort", "nothing", "-y").code == 6
    assert (rows(run), s3.unfinished, s3.calls) == ([row], 1, [])
    partly = run("uploads", "abort", row["id"][:8], "nothing", "-y", "--json")
    assert partly.code == 3
    assert [each["id"] for each in partly.envelope["data"]["items"]] == [row["id"]]
    assert (rows(run), s3.unfinished) == ([], 0)
    run.ok("upload", talk, "--no-loudness")


def test_what_the_host_does_not_drop_stays_on_the_list(
    run: Runner, s3: S3Server, talk: Path
) -> None:
    row = broken(run, s3, talk)
    s3.fault = lambda call: "403" if call.what == "abort" else ""
    refused = run("uploads", "abort", "--all", "-y", "--json")
    assert refused.code == 4
    (held,) = rows(run)
    assert (held["id"], held["state"], held["parts"]) == (row["id"], "failed", 1)
    assert held["error"].startswith("not aborted: ")
    offline = run("uploads", "abort", "--all", "-y", "--offline")
    assert offline.code == 2
    assert rows(run) == [held]
    s3.forget()
    assert run.ok("uploads", "resume", "--json").data["items"][0]["item"] == "talk"
    assert s3.count("part") == 2


@pytest.fixture
def opened(run: Runner, talk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.chdir(run.folder)
    made = Library.open(Config())
    yield made
    made.close()


def content_of(library: Library, file: Path, suffix: str = ".wav") -> Content:
    return Content(library.home, sha256_of(file, lambda *_: None), file.stat().st_size, suffix)


def test_orphans_are_what_no_upload_knows_of(
    run: Runner, s3: S3Server, talk: Path, opened: Library
) -> None:
    row = broken(run, s3, talk)
    run.ok("groups", "add", "rival")
    rival = run.ok("groups", "show", "rival", "--json").data["id"]
    stranger = "0" * 26
    client = s3.host()._bucket
    for group in (opened.home, rival, stranger):
        key = locator_of(Content(group, "ab" * 32, 9, ".mp4"))
        client.call("create_multipart_upload", Key=key)
    assert s3.unfinished == 4
    # moto says of every transfer that it began in 2010.
    old = run.ok("uploads", "orphans", "--older-than", "90y")
    assert (old.out, old.err) == ("", "no orphans found\n")
    data = run.ok("uploads", "orphans", "--json").data
    (found,) = data["items"]
    assert found["locator"].startswith(opened.home)
    assert (found["host"], found["aborted"]) == ("s3", False)
    (theirs,) = run.ok("uploads", "orphans", "--older-than", "0s", "-g", "rival", "--json").data[
        "items"
    ]
    assert theirs["locator"].startswith(rival)
    words = ["uploads", "orphans", "--older-than", "0s", "--abort"]
    assert run(*words).code == 2, "nobody said yes"
    run.ok(*words, "-n")
    assert s3.unfinished == 4
    assert run.ok(*words, "-y").out.split("\t")[3] == "aborted"
    assert s3.unfinished == 3, "neither the upload's, nor the other groups'"
    words = ["uploads", "orphans", "--older-than", "0s", "--all"]
    found = run.ok(*words, "--json").data["items"]
    assert {row["owner"]: row["locator"].partition("/")[0] for row in found} == {
        "rival": rival,
        None: stranger,
    }, "not the upload's own"
    assert "vidctl uploads orphans --all --abort removes them" in run.ok(*words).err
    refused = run(*words, "--abort")
    assert (refused.code, "1 of them of no group of this library" in refused.err) == (2, True)
    run.ok(*words, "--abort", "-n")
    assert s3.unfinished == 3
    run.ok(*words, "--abort", "-y")
    assert s3.unfinished == 1, "the upload's own stays"
    assert rows(run) == [row]
    assert run("uploads", "orphans", "--host", "nowhere").code == 2
    assert run("uploads", "orphans", "--older-than", "soon").code == 2
    s3.fault = lambda call: "403" if call.what == "list_uploads" else ""
    assert run("uploads", "orphans").code == 3
    assert run("uploads", "orphans", "--host", "s3").code == 4
    assert run.ok("uploads", "orphans", "--host", "folder").err == "no orphans found\n"


def test_what_was_no_items_own_upload_is_left_to_its_command(
    run: Runner, s3: S3Server, talk: Path, opened: Library
) -> None:
    run.ok("upload", tone(run.folder / "here.wav", seconds=0.2), "--to", "folder")
    captions = run.folder / "talk.vtt"
    captions.write_text("WEBVTT\n", encoding="utf-8")
    for file, suffix in ((run.folder / "here.wav", ".wav"), (captions, ".vtt")):
        content = content_of(opened, file, suffix)
        claimed = opened.store.uploads.claim(
            "s3", locator_of(content), content, source=str(file), part_size=PART
        )
        opened.store.uploads.finish(claimed.id, error="broke off")
    refused = run("uploads", "resume", "--json")
    assert refused.code == 9
    refused = run("uploads", "resume", *(row["id"] for row in rows(run)), "--json")
    assert refused.code == 9
    run.ok("uploads", "abort", "--all", "-y")
    assert (rows(run), s3.calls) == ([], [])


def test_groups_have_uploads_of_their_own(run: Runner, s3: S3Server, talk: Path) -> None:
    run.ok("groups", "add", "default/below")
    row = broken(run, s3, talk, "-g", "default/below")
    assert rows(run) == []
    assert rows(run, "-r") == [row]
    assert run("uploads", "resume", row["id"]).code == 6
    assert run.ok("uploads", "resume", "-r", "--json").data["items"][0]["item"] == "talk"
    assert s3.count("part") == 2
    assert run.ok("podcasts", "list", "-g", "default/below", "--fields", "slug").out == "talk\n"
    assert run.ok("podcasts", "list").out == ""


def test_a_host_that_is_no_longer_set_up_is_named(run: Runner, talk: Path, opened: Library) -> None:
    content = content_of(opened, talk)
    claimed = opened.store.uploads.claim(
        "archive", locator_of(content), content, source=str(talk), part_size=PART
    )
    opened.store.uploads.begin(claimed.id, "remote", PART)
    opened.store.uploads.save_part(claimed.id, SentPart(0, 0, PART))
    opened.store.uploads.finish(claimed.id, error="broke off")
    for words in (["resume"], ["abort", "--all", "-y"]):
        refused = run("uploads", *words)
        assert refused.code == 2
        assert "there is no media host 'archive'" in refused.err
    assert [row["parts"] for row in rows(run)] == [1]


def test_an_upload_of_another_machine_is_left_alone_while_it_may_live(
    run: Runner, talk: Path, opened: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = content_of(opened, talk)
    with monkeypatch.context() as patch:
        patch.setattr(leases, "this_worker", lambda: "another-machine:1:nonce")
        opened.store.uploads.claim(
            "s3", locator_of(content), content, source=str(talk), part_size=PART
        )
    refused = run("upload", talk, "--no-loudness", "--json")
    assert refused.code in (3, 11)
    assert [error["code"] for error in refused.envelope["errors"]] == ["locked"]
    assert [row["state"] for row in rows(run)] == ["active"]


# --- what an upload was for ---------------------------------------------------------------------


def test_a_resumed_upload_has_the_details_that_were_given(
    run: Runner, s3: S3Server, talk: Path
) -> None:
    captions = run.folder / "words.vtt"
    captions.write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nThe kingfisher.\n", encoding="utf-8")
    given = ("--title", "On rivers", "--tag", "birds", "--publish", "--captions", "words.vtt")
    row = broken(run, s3, talk, *given)
    assert row["purpose"] == "item"
    run.ok("uploads", "resume")
    shown = run.ok("podcasts", "show", "on-rivers", "--json").data
    assert (shown["name"], shown["status"]) == ("On rivers", "published")
    assert shown["properties"]["tags"] == ["birds"]
    media = run.ok("media", "list", "on-rivers", "--json").data["items"]
    assert [each["role"] for each in media] == ["source", "captions"]
    assert s3.count("part") == 2


def test_a_resumed_replacement_is_one(run: Runner, s3: S3Server, talk: Path) -> None:
    run.ok("upload", tone(run.folder / "old.wav", seconds=0.5), "--no-loudness", "--to", "folder")
    before = run.ok("podcasts", "show", "old", "--json").data
    row = broken(run, s3, talk, "--replace", "old")
    assert row["purpose"] == "replace"
    (done,) = run.ok("uploads", "resume", "--json").data["items"]
    assert done["item"] == "old"
    assert s3.count("part") == 2
    after = run.ok("podcasts", "show", "old", "--json").data
    assert (after["id"], after["createdAt"]) == (before["id"], before["createdAt"])
    media = run.ok("media", "list", "old", "--json").data["items"]
    assert [(each["role"], each["filename"]) for each in media] == [
        ("source", "talk.wav"),
        ("version", "old.wav"),
    ]
    assert run.ok("podcasts", "list", "--json").data["total"] == 1
    assert rows(run) == []


def test_a_resumed_move_deletes_nothing(run: Runner, s3: S3Server, talk: Path) -> None:
    """A library can come from anybody: deleting takes the command that asks for it."""
    run.ok("upload", talk, "--no-loudness", "--to", "folder")
    s3.fault = breaking(2)
    assert run("media", "move", "talk", "--to", "s3", "--delete-source").code == 4
    s3.forget()
    (row,) = rows(run)
    assert (row["purpose"], row["state"], row["parts"]) == ("move", "failed", 1)
    (done,) = run.ok("uploads", "resume", "--json").data["items"]
    assert (done["item"], s3.count("part"), s3.unfinished) == ("talk", 2, 0)
    media = run.ok("media", "list", "talk", "--json").data["items"]
    assert [(each["role"], each["host"]) for each in media] == [
        ("source", "s3"),
        ("copy", "folder"),
    ]
    assert rows(run) == []
    run.ok("media", "move", "talk", "--to", "s3", "--delete-source")
    media = run.ok("media", "list", "talk", "--json").data["items"]
    assert [(each["role"], each["host"]) for each in media] == [("source", "s3")]


def test_captions_that_were_changed_are_not_sent(run: Runner, s3: S3Server, talk: Path) -> None:
    captions = run.folder / "words.vtt"
    captions.write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nThe kingfisher.\n", encoding="utf-8")
    broken(run, s3, talk, "--captions", "words.vtt")
    captions.write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nA secret.\n", encoding="utf-8")
    refused = run("uploads", "resume", "--json")
    assert refused.code == 9
    assert told(refused) == [("conflict", "its captions have changed since")]
    assert s3.objects == {}


def test_a_folder_that_looks_like_a_link_is_a_path(
    run: Runner, s3: S3Server, talk: Path, opened: Library
) -> None:
    """A journal that somebody else wrote must not send what nobody knows the hash of."""
    elsewhere = run.folder / "a:" / "private"
    elsewhere.mkdir(parents=True)
    tone(elsewhere / "diary.wav", seconds=0.5)
    content = Content(opened.home, "ab" * 32, 9, ".wav")
    claimed = opened.store.uploads.claim(
        "s3", locator_of(content), content, source="./a://private", part_size=PART
    )
    opened.store.uploads.finish(claimed.id, error="broke off")
    assert run("uploads", "resume").code == 6
    assert s3.objects == {}


def test_what_an_upload_was_for_may_be_gone(run: Runner, s3: S3Server, talk: Path) -> None:
    run.ok("upload", tone(run.folder / "old.wav", seconds=0.5), "--no-loudness", "--to", "folder")
    broken(run, s3, talk, "--replace", "old")
    run.ok("podcasts", "rm", "old", "--purge", "-y")
    refused = run("uploads", "resume", "--json")
    assert refused.code == 6
    assert told(refused) == [("not_found", "the item that it was for is gone")]
    run.ok("uploads", "abort", "--all", "-y")
    assert (rows(run), s3.unfinished) == ([], 0)


def test_a_moved_item_that_has_changed_is_not_gone_on_with(
    run: Runner, s3: S3Server, talk: Path
) -> None:
    run.ok("upload", talk, "--no-loudness", "--to", "folder")
    s3.fault = breaking(2)
    assert run("media", "move", "talk", "--to", "s3").code == 4
    s3.forget()
    run.ok("podcasts", "rm", "talk", "--purge", "-y")
    assert run("uploads", "resume").code == 6


def test_a_link_of_which_only_a_part_was_kept_is_not_followed(
    run: Runner, s3: S3Server, talk: Path
) -> None:
    with WebServer() as web:
        web.pages["/talk.wav"] = Page(talk.read_bytes(), headers={"Content-Type": "audio/wav"})
        run.ok("config", "set", "net.allow_private", "127.0.0.1")
        row = broken(run, s3, f"{web.base}/talk.wav?token=canary")
        assert row["file"] == f"{web.base}/talk.wav"
        refused = run("uploads", "resume", "--json")
        assert refused.code == 9
        assert "was not kept" in told(refused)[0][1]
        run.ok("upload", f"{web.base}/talk.wav?token=canary", "--no-loudness")
        assert (s3.count("part"), rows(run)) == (2, [])
