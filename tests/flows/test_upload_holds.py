"""Bytes on their way to an item are never removed by whoever lets go of the same bytes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flow_samples import captioned, tone
from harness import Runner, Spawner
from servers.cloudinary import CloudinaryServer

from vidctl import failpoints
from vidctl.journey import holds

CUES = ["The kingfisher waits.", "Then it dives."]


@pytest.fixture(params=["folder", "cloudinary"])
def host(
    request: pytest.FixtureRequest, run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[str]:
    """The name of the host that media goes to: on this machine, and on another."""
    run.ok("config", "set", "embed.engine", "none")
    if request.param == "folder":
        yield "folder"
        return
    with CloudinaryServer() as server:
        run.ok("config", "set", "hosts.cloudinary.api", server.address)
        run.ok("config", "set", "media.host", "cloudinary")
        monkeypatch.setenv("VIDCTL_CLOUDINARY_KEY", server.key_text)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        yield "cloudinary"


def at(monkeypatch: pytest.MonkeyPatch, point: str, act: Callable[[], object]) -> list[str]:
    """Do something once, when ``point`` is reached; the list says whether it was."""
    reach, done = failpoints.reach, list[str]()

    def reached(name: str) -> None:
        if name == point and not done:
            done.append(name)
            act()
        reach(name)

    monkeypatch.setattr(failpoints, "reach", reached)
    return done


def is_whole(run: Runner, slug: str) -> None:
    """Make sure that the host has everything that the library says of an item."""
    assert run.ok("media", "list", slug, "--json").data["total"]
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0


@pytest.mark.parametrize("point", ["ingest.copied", "ingest.derived"])
def test_what_two_files_share_stays_when_the_first_goes_meanwhile(
    run: Runner, spawn: Spawner, host: str, monkeypatch: pytest.MonkeyPatch, point: str
) -> None:
    captioned(run.folder / "first.wav", CUES, pitch=400)
    captioned(run.folder / "second.wav", CUES, pitch=500)
    run.ok("upload", "first.wav")

    def purge() -> None:
        result = spawn("podcasts", "rm", "first", "--purge", "-y", env={"no_proxy": "127.0.0.1"})
        assert result.code == 0, result

    done = at(monkeypatch, point, purge)
    run.ok("upload", "second.wav")
    assert done
    roles = [row["role"] for row in run.ok("media", "list", "second", "--json").data["items"]]
    assert roles == ["source", "captions"]
    is_whole(run, "second")
    assert run.ok("uploads", "list", "--json").data["items"] == []


def test_whoever_sends_waits_for_whoever_removes(
    run: Runner, spawn: Spawner, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the removal nobody can rely on the bytes that are going."""
    captioned(run.folder / "talk.wav", CUES)
    run.ok("upload", "talk.wav")
    started = []

    def again() -> None:
        started.append(spawn.start("upload", "talk.wav", env={"no_proxy": "127.0.0.1"}))
        # Long enough for the other to get to the host if nothing held it back.
        time.sleep(1.5)

    assert at(monkeypatch, "media.cleared", again) is not None
    run.ok("podcasts", "rm", "talk", "--purge", "-y")
    (process,) = started
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    is_whole(run, "talk")


def test_waiting_for_a_removal_ends(
    run: Runner, spawn: Spawner, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    captioned(run.folder / "talk.wav", CUES)
    run.ok("upload", "talk.wav")
    monkeypatch.setattr(holds, "PATIENCE", 0.2)
    code: list[int] = []
    done = at(
        monkeypatch, "media.cleared", lambda: code.append(run("upload", "talk.wav", "--json").code)
    )
    run.ok("podcasts", "rm", "talk", "--purge", "-y")
    assert (done, code) == (["media.cleared"], [3])
    run.ok("upload", "talk.wav")
    is_whole(run, "talk")


def test_a_killed_removal_keeps_nobody_out(run: Runner, spawn: Spawner, host: str) -> None:
    captioned(run.folder / "talk.wav", CUES)
    run.ok("upload", "talk.wav")
    environment = {"no_proxy": "127.0.0.1", "VIDCTL_FAILPOINT": "media.cleared:1:kill"}
    assert spawn("podcasts", "rm", "talk", "--purge", "-y", env=environment).code < 0
    run.ok("upload", "talk.wav")
    is_whole(run, "talk")


@pytest.mark.parametrize("point", ["ingest.copied", "ingest.derived"])
def test_a_killed_upload_keeps_nothing_for_ever(
    run: Runner, spawn: Spawner, host: str, point: str
) -> None:
    """What it sent is its own again when it is run again, and else nobody's."""
    captioned(run.folder / "talk.wav", CUES)
    environment = {"no_proxy": "127.0.0.1", "VIDCTL_FAILPOINT": f"{point}:1:kill"}
    assert spawn("upload", "talk.wav", env=environment).code < 0
    left = run.ok("uploads", "list", "--json").data["items"]
    wanted = [] if host == "folder" else [("interrupted", "item")]
    assert [(each["state"], each["purpose"]) for each in left] == wanted
    run.ok("upload", "talk.wav")
    is_whole(run, "talk")
    run.ok("podcasts", "rm", "talk", "--purge", "-y")
    assert run.ok("uploads", "list", "--json").data["items"] == []


def test_a_copy_that_is_let_go_is_not_one_that_somebody_moves_back_to(
    run: Runner, spawn: Spawner, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tone(run.folder / "talk.wav")
    run.ok("config", "set", "hosts.shelf.kind", "folder")
    run.ok("config", "set", "hosts.shelf.path", "shelf")
    run.ok("upload", "talk.wav", "--no-loudness")

    def back() -> None:
        spawn("media", "move", "talk", "--to", "folder")

    done = at(monkeypatch, "move.switched", back)
    run("media", "move", "talk", "--to", "shelf", "--delete-source")
    assert done
    assert run.ok("doctor", "--verify-data", "--json").data["problems"] == 0
    (row,) = [
        each
        for each in run.ok("media", "list", "talk", "--json").data["items"]
        if each["role"] == "source"
    ]
    root = {"folder": run.folder / ".vidctl" / "media", "shelf": run.folder / "shelf"}
    assert (root[row["host"]] / row["locator"]).is_file()
