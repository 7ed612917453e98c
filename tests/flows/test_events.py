"""The log through commands: who may read it, what of it has a name, and following it live."""

from __future__ import annotations

import json
import os
import pty
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from harness import Runner, Spawner

from vidctl.config import Config
from vidctl.errors import NotFound, PermissionRefused
from vidctl.ids import new_id
from vidctl.library import Library
from vidctl.model.event import EventQuery

PATIENCE = 30.0


@pytest.fixture
def school(run: Runner, library: Path) -> Path:
    """Two videos and people of every role; Ana has watched one of them."""
    for name, type, role in (
        ("Oda", "user", "org_owner"),
        ("Ana", "creator", "org_user"),
        ("Cleo", "user", "customer"),
    ):
        run.ok("people", "add", name, "--type", type, "--role", role)
    run.ok("videos", "add", "--title", "Heron", "--publish")
    run.ok("videos", "add", "--title", "Secret")
    for who, what in (("ana", "heron"), ("ana", "secret"), ("oda", "secret")):
        run.ok("events", "record", "--action", "noted", "--target", what, "--actor", who)
    return library


def seen(run: Runner, *words: str) -> list[tuple[Any, Any]]:
    data = run.ok("events", "list", "--action", "noted", "--json", *words).data
    return [(event["actor"], event["target"]) for event in data["items"]]


# --- who may --------------------------------------------------------------------------------------


@pytest.mark.usefixtures("school")
def test_an_owner_sees_all_and_the_others_their_own(run: Runner) -> None:
    everything = [("oda", "secret"), ("ana", "secret"), ("ana", "heron")]
    assert seen(run) == seen(run, "--as", "oda") == everything
    assert seen(run, "--as", "ana", "--actor", "me") == everything[1:]
    assert seen(run, "--as", "ana", "--actor", "ana") == everything[1:]
    assert seen(run, "--as", "cleo", "--actor", "me") == []
    for command in (["list"], ["export"], ["list", "--follow"], ["list", "--actor", "oda"]):
        refused = run("events", *command, "--as", "ana")
        assert (refused.code, refused.out) == (4, "")
        assert refused.err == (
            "error: ana may not view events\nhint: ask for your own: --actor me\n"
        )
    assert run("events", "list", "--as", "cleo", "--actor", "oda").code == 6


@pytest.mark.usefixtures("school")
def test_an_event_of_somebody_else_is_a_missing_one(run: Runner) -> None:
    def id_of(who: str) -> str:
        words = ("events", "list", "--action", "noted", "--actor", who, "--limit", "1")
        return run.ok(*words, "--fields", "id").out.strip()

    assert run.ok("events", "show", id_of("ana"), "--as", "ana", "--json").data["actor"] == "ana"
    foreign, missing = id_of("oda"), new_id()
    there = run("events", "show", foreign, "--as", "ana")
    absent = run("events", "show", missing, "--as", "ana")
    assert there.code == absent.code == 6
    assert there.err.replace(foreign, "ID") == absent.err.replace(missing, "ID")


@pytest.mark.usefixtures("school")
def test_what_is_out_of_sight_has_no_name(run: Runner) -> None:
    run.ok("people", "grant", "cleo", "heron")
    run.ok("events", "record", "--action", "noted", "--target", "heron", "--actor", "cleo")
    run.ok("events", "record", "--action", "noted", "--target", "secret", "--actor", "cleo")
    own = ("--as", "cleo", "--actor", "me")
    assert seen(run, *own) == [("cleo", None), ("cleo", "heron")]
    (hidden,) = run.ok("events", "list", "--limit", "1", "--json", *own).data["items"]
    assert hidden["targetId"]
    assert hidden["targetName"] is None
    assert hidden["targetId"] in run.ok("events", "list", *own).out
    assert run("events", "list", "--target", "secret", *own).code == 6


@pytest.mark.usefixtures("school")
def test_what_was_removed_shows_as_its_id(run: Runner) -> None:
    gone = run.ok("videos", "show", "secret", "--json").data["id"]
    run.ok("videos", "rm", "secret", "--purge", "--yes")
    assert seen(run)[0] == ("oda", None)
    assert gone in run.ok("events", "list").out
    assert len(seen(run, "--target", gone)) == 2, "by its id it can be asked for"
    assert run("events", "list", "--target", "secret").code == 6
    assert seen(run, "--target", new_id()) == []


def test_reading_makes_nobody(run: Runner, library: Path) -> None:
    before = library.read_bytes()
    assert run.ok("events", "list", "--actor", "me").out == ""
    assert run.ok("videos", "list", "--where", "author=me").out == ""
    assert library.read_bytes() == before


@pytest.mark.usefixtures("school")
def test_only_what_one_did_oneself_is_recorded(run: Runner) -> None:
    run.ok("events", "record", "--action", "noted", "--target", "heron", "--as", "ana")
    for words in (["--actor", "oda"], ["--actor", "owner"]):
        refused = run("events", "record", "--action", "x", *words, "--as", "ana")
        assert refused.code == 4, refused
    before = run.ok("events", "export").out
    assert run("events", "record", "--action", "x", "--target", "no", "--as", "ana").code == 6
    assert run("events", "record", "--action", "", "--target", "heron").code == 2
    assert run("events", "record", "--action", "x", "--metadata", "nonsense").code == 2
    assert run.ok("events", "export").out == before


@pytest.mark.usefixtures("school")
def test_bad_lines_are_told_and_the_rest_is_stored(run: Runner) -> None:
    good = '{"action": "noted", "target": "heron", "actor": "ana"}'
    text = "\n".join([good, *["nonsense"] * 30, good])
    told = run("events", "record", "-", stdin=text)
    assert (told.code, told.out) == (3, "recorded 2 events\n")
    assert told.err.count("error: line ") == 20
    assert "10 more bad lines; --json lists up to 1,000" in told.err
    errors = run("events", "record", "--json", stdin=text).envelope["errors"]
    assert [error["item"] for error in errors] == [f"line {n}" for n in range(2, 32)]
    assert len(seen(run)) == 7


# --- groups ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("school")
def test_each_group_has_its_own_log(run: Runner) -> None:
    run.ok("groups", "add", "default/below")
    run.ok("videos", "add", "--title", "Deep", "-g", "default/below")
    deep = ("events", "list", "--type", "entity_created", "--target", "deep", "--fields", "target")
    assert run(*deep).code == 6
    assert run.ok(*deep, "-g", "default/below").out == run.ok(*deep, "-r").out == "deep\n"
    made = ("events", "list", "--target", "default/below", "--json")
    (event,) = run.ok(*made, "-r").data["items"]
    assert (event["type"], event["target"]) == ("entity_created", "default/below")


# --- all of it ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("school")
def test_an_export_is_the_listing_backwards(run: Runner) -> None:
    listed = run.ok("events", "list", "--limit", "1000", "--json").data["items"]
    lines = [json.loads(line) for line in run.ok("events", "export").out.splitlines()]
    assert lines == listed[::-1]
    assert run.ok("events", "export", "--json").data["items"] == lines
    assert run.ok("events", "export", "--jsonl").out == run.ok("events", "export").out
    run.ok("events", "export", "-o", "all.jsonl")
    assert (run.folder / "all.jsonl").read_text() == run.ok("events", "export").out
    noted = run.ok("events", "export", "--action", "noted", "--fields", "actor", "--csv").out
    assert noted == "actor\r\nana\r\nana\r\noda\r\n"


@pytest.mark.usefixtures("school")
def test_an_export_that_fails_leaves_the_file_as_it_was(run: Runner) -> None:
    (run.folder / "all.jsonl").write_text("old")
    assert run("events", "export", "--fields", "nothing", "-o", "all.jsonl").code == 2
    assert (run.folder / "all.jsonl").read_text() == "old"


def test_a_large_export_is_not_held(run: Runner, library: Path, spawn: Spawner) -> None:
    """150,000 events take hardly more memory than a few."""

    def peak() -> int:
        code = (
            "import resource, sys; from vidctl.cli.app import run;"
            "code = run(['events', 'export', '-o', 'out.jsonl']);"
            "print(code, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
        )
        done = spawn.python(code).out.split()
        assert done[0] == "0"
        return int(done[1])

    few = peak()
    from vidctl.model.event import Event
    from vidctl.model.scope import Scope
    from vidctl.store.sqlite import SqliteLibrary

    opened = SqliteLibrary(library)
    store = opened.open(Scope.only(opened.groups().all()[0].id))
    for _ in range(15):
        store.events.append(
            [Event("x", at=n + 1, metadata={"s": "y" * 200}) for n in range(10_000)]
        )
    opened.close()
    many = peak()
    assert (run.folder / "out.jsonl").read_text().count("\n") == 150_000
    # What SQLite may keep of the file in its cache does not count.
    assert many - few < 100_000, (few, many)


# --- following ------------------------------------------------------------------------------------


def read_lines(process: subprocess.Popen[bytes], count: int) -> list[dict[str, Any]]:
    """Read lines of JSON from a process as they come."""
    assert process.stdout is not None
    return [json.loads(process.stdout.readline()) for _ in range(count)]


def follow(spawn: Spawner, *words: str) -> subprocess.Popen[bytes]:
    return spawn.start("events", "list", "--follow", *words)


def ended(process: subprocess.Popen[bytes]) -> int:
    """Wait for a process to end, and return its exit code."""
    try:
        return process.wait(PATIENCE)
    finally:
        process.kill()
        for stream in (process.stdin, process.stdout, process.stderr):
            assert stream is not None
            stream.close()


@pytest.mark.usefixtures("school")
def test_following_another_process(run: Runner, spawn: Spawner) -> None:
    """The last ones first, then each within a second of being written, until Ctrl-C."""
    process = follow(spawn, "--jsonl", "--action", "noted")
    assert [event["actor"] for event in read_lines(process, 3)] == ["ana", "ana", "oda"]
    for word in ("one", "two"):
        done = spawn(
            *("events", "record", "--action", "noted", "--target", "heron"),
            *("--metadata", f"word={word}", "--at", "2020-01-01"),
        )
        written = time.monotonic()
        assert done.code == 0
        (event,) = read_lines(process, 1)
        assert (event["metadata"], event["target"]) == ({"word": word}, "heron")
        assert time.monotonic() - written < 1.5
    spawn("events", "record", "--action", "other", "--target", "heron")
    process.send_signal(signal.SIGINT)
    assert process.stdout is not None
    assert process.stdout.read() == b"", "what does not fit is not shown"
    assert ended(process) == 130


@pytest.mark.usefixtures("school")
def test_following_ends_when_nobody_reads(spawn: Spawner) -> None:
    process = follow(spawn, "--limit", "2")
    assert process.stdout is not None
    assert process.stdout.readline().endswith(b"\tnoted\tana\tsecret\n")
    process.stdout.close()
    started = time.monotonic()
    assert ended(process) == 0
    assert time.monotonic() - started < 5, "without waiting for the next event"


@pytest.mark.usefixtures("school")
def test_following_on_a_terminal(spawn: Spawner) -> None:
    """In columns, below 80 cells each line, and it ends when the terminal goes away."""
    outer, inner = pty.openpty()
    words = ("events", "list", "--follow", "--limit", "3")
    process = spawn.start(*words, stdout=inner, stdin=subprocess.DEVNULL)
    os.close(inner)
    seen = b""
    while seen.count(b"\n") < 3 and select.select([outer], [], [], PATIENCE)[0]:
        seen += os.read(outer, 4096)
    lines = seen.decode().splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert [line.split()[1:] for line in lines] == [
        ["noted", "ana", "heron"],
        ["noted", "ana", "secret"],
        ["noted", "oda", "secret"],
    ]
    os.close(outer)
    try:
        assert process.wait(PATIENCE) == 0
    finally:
        process.kill()
        assert process.stderr is not None
        process.stderr.close()


@pytest.mark.usefixtures("school")
def test_following_as_csv_has_one_header(spawn: Spawner) -> None:
    process = follow(spawn, "--csv", "--fields", "action,actor", "--action", "noted")
    assert process.stdout is not None
    lines = [process.stdout.readline() for _ in range(4)]
    assert lines == [b"action,actor\r\n", *[b"noted,ana\r\n"] * 2, b"noted,oda\r\n"]
    process.send_signal(signal.SIGINT)
    assert ended(process) == 130


@pytest.mark.usefixtures("school")
@pytest.mark.parametrize("words", [["--json"], ["-o", "x"], ["--page", "x"]])
def test_following_has_no_end(run: Runner, words: list[str]) -> None:
    result = run("events", "list", "--follow", *words)
    assert result.code == 2
    assert "--follow has no end" in result.err
    assert not (run.folder / "x").exists()


# --- from Python ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("school")
def test_from_python(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder)
    library = Library.open(Config())
    try:
        query = EventQuery(action="noted", limit=2)
        page = library.events.page(query, target="secret").data
        assert ([event["actor"] for event in page["items"]], page["total"]) == (["oda", "ana"], 2)
        assert library.events.show(page["items"][0]["id"]).data == page["items"][0]
        assert list(library.events.export(query, target="secret")) == page["items"][::-1]
        lines = [b'{"action": "noted", "target": "heron", "id": "1"}', b"nonsense"]
        rounds = iter([True, False])

        def wait() -> bool:
            library.events.record(lines)
            return next(rounds)

        found = [event["target"] for event in library.events.follow(query, wait=wait)]
        assert found == ["secret", "secret", "heron"]
        with pytest.raises(NotFound):
            library.events.page(query, target="nothing")
    finally:
        library.close()
    library = Library.open(Config(flags={"person": "ana"}))
    try:
        with pytest.raises(PermissionRefused):
            library.events.follow(query, wait=lambda: False)
        assert len(list(library.events.export(query, actor="me"))) == 2
    finally:
        library.close()
