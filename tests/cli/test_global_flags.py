"""Every global flag, before and after the command, and as a variable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from harness import Result, Runner
from surface import LEAVES

from vidctl import ids
from vidctl.cli import flags

FLAGS: dict[str, Any] = {param.name: param for param in flags.common(writes=True)}


@dataclass(frozen=True)
class Case:
    """A flag's value as a variable, and the command whose result it changes."""

    value: str
    command: tuple[str, ...] = ("videos", "list")
    prepare: Callable[[Runner], None] = lambda run: None
    tty: bool = False


def elsewhere(run: Runner) -> None:
    run.ok("init", "--db", "other.db")


def below(run: Runner) -> None:
    run.ok("-g", "acme/courses", "videos", "add", "--title", "Lesson")


def person(run: Runner) -> None:
    """Make somebody to act as: the owner of another group is a person there."""
    below(run)


SHOWN = ("videos", "show", "nope")
PURGE = ("videos", "rm", "clip", "--purge")
# What each flag is tried with. A new flag must be added here.
CASES: dict[str, Case] = {
    "db": Case("other.db", prepare=elsewhere),
    "group": Case("acme/courses", prepare=below),
    "recursive": Case("1", ("-g", "acme", "videos", "list"), prepare=below),
    "person": Case("nobody", ("videos", "add", "--title", "x")),
    "json": Case("1"),
    "jsonl": Case("true"),
    "csv": Case("yes"),
    "fields": Case("slug,status"),
    "output": Case("out.txt"),
    "quiet": Case("1", ("videos", "list", "--limit", "1", "--status", "all")),
    "verbose": Case("1", ("videos", "list", "--csv", "--db", "broken.db")),
    "no_input": Case("1", PURGE, tty=True),
    "offline": Case("1", ("transcribe", "talk", "--engine", "local", "--download")),
    "color": Case("always", SHOWN),
    "progress": Case("never", ("index", "talk"), tty=True),
    "dry_run": Case("1", ("videos", "archive", "clip")),
    "yes": Case("1", PURGE),
}


def prepared(run: Runner, name: str) -> Case:
    (run.folder / "broken.db").write_bytes(b"no database" * 100)
    case = CASES[name]
    case.prepare(run)
    return case


def option(name: str, value: str) -> list[str]:
    """Return a flag as it is typed."""
    param = FLAGS[name]
    return [param.opts[0]] if param.is_flag or param.count else [param.opts[0], value]


def result_of(run: Runner, case: Case, arguments: list[str], env: dict[str, str]) -> Any:
    """Return all that a call came to, files written included, and put everything back."""
    import shutil

    copy = run.folder.with_name(run.folder.name + "-copy")
    shutil.copytree(run.folder, copy)
    ids.start_anew()
    result: Result = run(*arguments, env=env, tty=case.tty)
    out = run.folder / "out.txt"
    written = out.read_text(encoding="utf-8") if out.exists() else None
    shutil.rmtree(run.folder)
    copy.rename(run.folder)
    return result, written


def test_every_flag_is_tried() -> None:
    assert CASES.keys() == FLAGS.keys()


@pytest.mark.usefixtures("stocked")
@pytest.mark.parametrize("name", CASES)
def test_a_flag_means_the_same_in_every_place(
    run: Runner, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the command, after it, as a variable; and without it, something else happens."""
    case = prepared(run, name)
    monkeypatch.setattr("vidctl.ids.os.urandom", lambda length: bytes(length))
    monkeypatch.setattr("time.time_ns", lambda: 1_736_244_000_000_000_000)
    typed = option(name, case.value)
    plain = result_of(run, case, [*case.command], {})
    before = result_of(run, case, [*typed, *case.command], {})
    after = result_of(run, case, [*case.command, *typed], {})
    variable = result_of(run, case, [*case.command], {FLAGS[name].envvar: case.value})
    assert before == after == variable
    assert plain != before


@pytest.mark.parametrize("name", FLAGS)
def test_a_variable_is_named_like_its_flag(name: str) -> None:
    param = FLAGS[name]
    long = next(option for option in param.opts if option.startswith("--"))
    assert param.envvar == "VIDCTL_" + long.removeprefix("--").upper().replace("-", "_")


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_takes_every_flag(path: str) -> None:
    """A command may use a short letter for itself; the long name means the same everywhere."""
    command = LEAVES[path].command
    taken = {name for param in command.params for name in param.opts}
    for param in flags.common(writes=command.writes):
        assert any(name in taken for name in param.opts if name.startswith("--")), param.opts


@pytest.mark.usefixtures("stocked")
def test_a_flag_wins_over_a_variable_wherever_it_stands(run: Runner) -> None:
    """A group that was typed is never replaced by one that happens to be set."""
    run.ok("-g", "acme", "videos", "add", "--title", "Mine")
    env = {"VIDCTL_GROUP": "default"}
    listing = ["videos", "list", "--fields", "slug"]
    assert run.ok(*listing, env=env).out != "mine\n"
    assert run.ok("-g", "acme", *listing, env=env).out == "mine\n"
    assert run.ok(*listing, "-g", "acme", env=env).out == "mine\n"
    assert run.ok("-g", "default", *listing, "-g", "acme", env=env).out == "mine\n"


@pytest.mark.usefixtures("stocked")
def test_a_commands_own_options_have_variables(run: Runner) -> None:
    env = {"VIDCTL_VIDEOS_LIST_STATUS": "archived"}
    assert run.ok("videos", "list", "--fields", "slug", env=env).out == "old\n"


def test_where_a_setting_came_from_is_told_right(run: Runner, stocked: Path) -> None:
    def source(*arguments: str, env: dict[str, str] | None = None) -> str:
        shown = run.ok(*arguments, "config", "get", "group", "--json", env=env)
        return str(shown.data["source"])

    assert source() == str(stocked / "vidctl.toml")
    assert source(env={"VIDCTL_GROUP": "acme"}) == "VIDCTL_GROUP"
    assert source("-g", "acme", env={"VIDCTL_GROUP": "default"}) == "flag"


@pytest.mark.usefixtures("stocked")
def test_colour_only_where_it_is_wanted(run: Runner) -> None:
    def is_colored(*arguments: str, **options: Any) -> bool:
        result = run(*SHOWN, *arguments, **options)
        return "\x1b" in result.out + result.err

    assert not is_colored()
    assert is_colored(tty=True)
    assert not is_colored(tty=True, env={"NO_COLOR": "1"})
    assert is_colored(env={"CLICOLOR_FORCE": "1"})
    assert is_colored("--color", "always", env={"NO_COLOR": "1"})
    assert not is_colored("--color=never", tty=True)
    assert not is_colored(tty=True, env={"TERM": "dumb"})
