"""What every command promises, found by introspection: a new one is tested without being named."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from harness import CAPTIONS, Clock, Runner, files_below
from surface import (
    ARGUMENTS,
    ENVELOPE,
    ERROR,
    LEAVES,
    ONCE,
    QUICK,
    READING,
    REMOTE,
    TELLING,
    WITHOUT_LIBRARY,
    WRITING,
)

from vidctl.cli import flags

IN_LIBRARY = [path for path in QUICK if path not in WITHOUT_LIBRARY]


def line(path: str, *more: str) -> list[str]:
    """Return a command line that works in the stocked library."""
    return [*path.split(), *ARGUMENTS[path], *more]


def test_every_command_is_known_here() -> None:
    assert ARGUMENTS.keys() == LEAVES.keys()


# --- help and mistakes --------------------------------------------------------------------------


def long_options(*, writes: bool) -> list[str]:
    """Return the long names of the global flags."""
    return [
        name
        for param in flags.common(writes=writes)
        for name in param.opts
        if name.startswith("--")
    ]


@pytest.mark.parametrize("path", LEAVES)
def test_help_names_the_command_and_every_global_flag(run: Runner, path: str) -> None:
    shown = run.ok(*path.split(), "--help")
    assert shown == run.ok(*path.split(), "-h")
    assert shown.err == ""
    assert shown.out.startswith(f"Usage: vidctl {path} ")
    for name in long_options(writes=LEAVES[path].writes):
        assert name in shown.out, name
    assert "\x1b" not in shown.out


@pytest.mark.parametrize("path", LEAVES)
def test_every_option_says_what_it_does(path: str) -> None:
    """Options and arguments alike, and no option means two things."""
    command = LEAVES[path].command
    names = [name for param in command.params for name in param.opts]
    assert len(names) == len(set(names))
    for param in command.params:
        assert param.help, f"{path} {param.name}"
        assert param.help.endswith((".", ")")), f"{path} {param.name}: {param.help}"


@pytest.mark.parametrize("path", LEAVES)
def test_an_unknown_option_is_a_mistake_with_a_hint(run: Runner, path: str) -> None:
    result = run(*path.split(), "--no-such-option")
    assert result.code == 2
    assert result.out == ""
    assert result.err.startswith("error: No such option: --no-such-option")
    assert result.err.endswith(f"hint: vidctl {path} --help\n")


def failed(result: Any, path: str, code: int) -> dict[str, Any]:
    """Check the envelope of a failure and return its one error."""
    assert result.code == code, result
    envelope = result.envelope
    assert list(envelope) == ENVELOPE
    assert envelope["command"] == path
    assert (envelope["status"], envelope["exit_code"], envelope["data"]) == ("failed", code, None)
    (error,) = envelope["errors"]
    assert list(error) == ERROR
    assert error["message"] in result.err
    return dict(error)


@pytest.mark.parametrize("path", LEAVES)
def test_a_mistake_has_an_envelope(run: Runner, path: str) -> None:
    for arguments in (["--json", "--no-such-option"], ["--no-such-option", "--json"]):
        error = failed(run(*path.split(), *arguments), path, 2)
        assert (error["code"], error["hint"]) == ("usage", f"vidctl {path} --help")


@pytest.mark.parametrize("path", IN_LIBRARY)
def test_without_a_library_a_command_says_so(run: Runner, path: str) -> None:
    result = run(*line(path))
    assert (result.code, result.out) == (10, "")
    assert result.err.startswith("error: there is no vidctl library at ")
    assert result.err.endswith("hint: vidctl init\n")
    error = failed(run(*line(path, "--json")), path, 10)
    assert error["code"] == "no_library"
    assert list(run.folder.iterdir()) == [], "and leaves nothing behind"


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", IN_LIBRARY)
def test_an_unknown_group_is_not_found(run: Runner, path: str) -> None:
    error = failed(run(*line(path, "--json", "-g", "nope")), path, 6)
    assert (error["code"], error["message"]) == ("not_found", "there is no group 'nope'")


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", IN_LIBRARY)
def test_two_formats_at_once_are_a_mistake(run: Runner, path: str) -> None:
    result = run(*line(path, "--csv", "--jsonl"))
    assert result.code == 2
    assert "--jsonl and --csv exclude each other" in result.err


# --- results ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", QUICK)
def test_json_is_one_envelope(run: Runner, path: str) -> None:
    result = run.ok(*line(path, "--json"))
    envelope = result.envelope
    assert list(envelope) == ENVELOPE
    assert (envelope["version"], envelope["command"]) == (1, path)
    assert (envelope["status"], envelope["exit_code"], envelope["errors"]) == ("ok", 0, [])
    assert result.out.count("\n") == 1
    data = envelope["data"]
    if isinstance(data, dict) and isinstance(data.get("items"), list):
        assert data["total"] >= len(data["items"])
        assert data["next"] is None


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", TELLING)
def test_json_lines_are_json_lines(run: Runner, path: str) -> None:
    lines = run.ok(*line(path, "--jsonl")).out.splitlines()
    assert lines
    assert all(isinstance(json.loads(each), dict) for each in lines)


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", TELLING)
def test_csv_is_a_table(run: Runner, path: str) -> None:
    rows = list(csv.reader(io.StringIO(run.ok(*line(path, "--csv")).out, newline="")))
    assert len(rows) >= 2
    assert len(set(map(len, rows))) == 1


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", QUICK)
def test_quiet_says_nothing_when_all_is_well(run: Runner, path: str) -> None:
    assert run.ok(*line(path, "--quiet")).err == ""


# What is searched for is remembered, unless the setting search.log says otherwise.
UNTOUCHED = [path for path in READING if path not in ("search", *ONCE)]


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", UNTOUCHED)
def test_reading_twice_gives_the_same_and_changes_nothing(run: Runner, path: str) -> None:
    run.ok(*line(path))
    before = files_below(run.folder)
    first, second = run.ok(*line(path)), run.ok(*line(path))
    assert first == second
    assert files_below(run.folder) == before


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("path", [path for path in READING if path not in ONCE])
def test_a_file_gets_what_stdout_would_have(run: Runner, path: str) -> None:
    for format in ("--json", "--csv"):
        shown = run.ok(*line(path, format))
        written = run.ok(*line(path, format, "-o", "out.txt"))
        assert written.out == ""
        raw = (run.folder / "out.txt").read_bytes()
        assert raw.decode() == shown.out


def test_a_file_that_cannot_be_written_is_found_out_before_the_work(
    run: Runner, stocked: Path
) -> None:
    result = run("videos", "add", "--title", "Late", "-o", "missing/out.txt")
    assert (result.code, result.out) == (6, "")
    assert "there is no folder for 'missing/out.txt'" in result.err
    assert run.ok("videos", "list", "--text", "Late", "--json").data["total"] == 0


# --- rehearsal ----------------------------------------------------------------------------------


@pytest.mark.parametrize("path", WRITING)
def test_a_rehearsal_changes_nothing(run: Runner, stocked: Path, home: Path, path: str) -> None:
    """Not the library, not the media, not a setting, and no file appears anywhere."""
    run.ok("videos", "list")  # folds in whatever the copy left open
    before = files_below(stocked, home)
    for flag in ("--dry-run", "-n"):
        result = run.ok(*line(path, flag, "--json"))
        assert result.envelope["status"] == "ok"
        assert files_below(stocked, home) == before


@pytest.mark.parametrize("path", WRITING)
def test_a_rehearsal_in_an_empty_library_makes_no_owner(
    run: Runner, library: Path, tmp_path: Path, path: str
) -> None:
    run.ok("videos", "list")
    before = files_below(tmp_path)
    run(*line(path, "--dry-run"))
    assert files_below(tmp_path) == before


@pytest.mark.parametrize(
    "path", [path for path in WRITING if path not in ("doctor", "index", *REMOTE)]
)
def test_without_rehearsal_something_changes(
    run: Runner, stocked: Path, home: Path, path: str
) -> None:
    """So that the tests above have something to prove."""
    if path == "process":
        (stocked / "other.vtt").write_text(CAPTIONS, encoding="utf-8")
        run.ok("upload", "other.wav")
    before = files_below(stocked, home)
    run.ok(*line(path))
    assert files_below(stocked, home) != before


@pytest.mark.usefixtures("stocked")
def test_purging_needs_a_yes(run: Runner) -> None:
    for arguments in (["--no-input"], []):
        result = run("videos", "rm", "clip", "--purge", *arguments)
        assert (result.code, result.out) == (2, "")
        assert result.err.endswith("hint: add --yes to do it\n")
    assert run("videos", "rm", "clip", "--purge", "--no-input", tty=True, stdin="y\n").code == 2
    run.ok("videos", "show", "clip")
    run.ok("videos", "rm", "clip", "--purge", "--yes")
    assert run("videos", "show", "clip").code == 6


def test_a_purged_items_bytes_are_gone(run: Runner, stocked: Path) -> None:
    media = [file for file in (stocked / ".vidctl" / "media").rglob("*") if file.is_file()]
    assert media
    run.ok("podcasts", "rm", "talk", "--purge", "-n")
    assert all(file.is_file() for file in media)
    run.ok("podcasts", "rm", "talk", "--purge", "-y")
    assert not any(file.exists() for file in media)
    assert b"kingfisher" not in run.ok("podcasts", "list", "--json", "--status", "all").out.encode()
    assert run.ok("search", "kingfisher", "--mode", "text").out == ""


# --- aliases ------------------------------------------------------------------------------------


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize(
    ("alias", "verb"),
    [
        (["videos", "ls"], ["videos", "list"]),
        (["videos", "get", "clip"], ["videos", "show", "clip"]),
        (["groups", "get", "acme"], ["groups", "show", "acme"]),
        (["videos", "create", "--title", "x", "-n"], ["videos", "add", "--title", "x", "-n"]),
        (
            ["videos", "update", "clip", "--title", "x", "-n"],
            ["videos", "edit", "clip", "--title", "x", "-n"],
        ),
        (["videos", "delete", "clip", "-n"], ["videos", "rm", "clip", "-n"]),
    ],
)
def test_hidden_aliases_are_the_same_verbs(
    run: Runner, frozen: Clock, alias: list[str], verb: list[str]
) -> None:
    first, second = run.ok(*alias, "--json"), run.ok(*verb, "--json")
    # What is rehearsed gets an id, a new one each time.
    new = [result.envelope["data"].get("id", "none") for result in (first, second)]
    assert first.out.replace(new[0], "ID") == second.out.replace(new[1], "ID")
    assert first.err == second.err


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["vidoes"], "No such command 'vidoes'. Did you mean 'videos'?"),
        (["serach", "x"], "No such command 'serach'. Did you mean 'search'?"),
        (["videos", "lits"], "No such command 'lits'. Did you mean 'list'?"),
        (["videos", "list", "--stauts"], "--status"),
        (["config", "get", "search.limits"], "did you mean search.limit?"),
    ],
)
def test_did_you_mean(run: Runner, typed: list[str], said: str) -> None:
    result = run(*typed)
    assert result.code == 2
    assert said in result.err
