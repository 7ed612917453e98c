"""Whole sessions: what is typed, and everything that is printed for it.

A session is a file in ``golden/``. ``$`` begins a command; the lines below it are what it wrote:
four spaces before stdout, ``  ! `` before stderr, ``  = `` before an exit code that is not 0.
``@`` names what is there before the first command. After a change that is meant,
``pytest tests/cli --update-goldens`` writes the files anew; read the difference.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import CAPTIONS, Clock, Result, Runner, write_tone
from surface import LEAVES, NOUNS

import vidctl
from vidctl.ids import is_id

GOLDEN = Path(__file__).parent / "golden"
DEMO = Path(vidctl.__file__).parent / "data" / "demo" / "ask-not.mp4"
SESSIONS = sorted(path.stem for path in GOLDEN.glob("*.txt"))


def commands(session: str) -> list[str]:
    """Return the command lines of a session."""
    text = (GOLDEN / f"{session}.txt").read_text(encoding="utf-8")
    return [line[2:] for line in text.splitlines() if line.startswith("$ ")]


# --- what is there before -----------------------------------------------------------------------


def _library(run: Runner) -> None:
    run.ok("init")


def _files(run: Runner) -> None:
    (run.folder / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
    write_tone(run.folder / "talk.wav")
    shelf = run.folder / "shelf"
    shelf.mkdir()
    write_tone(shelf / "one.wav", pitch=220)
    write_tone(shelf / "two_words.wav", pitch=330)
    (shelf / "bad.mp4").write_text("this is no film", encoding="utf-8")


def _indexed(run: Runner) -> None:
    _library(run)
    _files(run)
    run.ok("upload", "talk.wav", "--process")


def _film(run: Runner) -> None:
    _library(run)
    _files(run)
    shutil.copy(DEMO, run.folder / DEMO.name)
    run.ok("upload", DEMO.name, "--title", "Ask")


SETUPS: dict[str, Callable[[Runner], None]] = {
    "library": _library,
    "files": _files,
    "indexed": _indexed,
    "film": _film,
}


# --- running a session --------------------------------------------------------------------------

VARIABLE = re.compile(r"[A-Z][A-Z_]*=.*")
ID = re.compile(r"\b[0-7][0-9a-hjkmnp-tv-z]{25}\b")
# What differs between machines, and pages, which hold ids.
VOLATILE = (
    (re.compile(r"(--page |\"next\": \")[A-Za-z0-9_=-]{20,}"), r"\1<page>"),
    (
        re.compile(r"^(ok   (?:python|sqlite|sqlite-vec|speech model|embedding model) +).*", re.M),
        r"\1…",
    ),
    (re.compile(r"\d\d\d\d\d+ B|\d+\.\d kB"), "<size>"),
)


class Session:
    """Runs the lines of a session and writes what they print."""

    def __init__(self, run: Runner, clock: Clock, home: Path) -> None:
        self.run = run
        self.clock = clock
        self.home = home
        self.ids: dict[str, str] = {}

    def replayed(self, text: str) -> str:
        """Return the session's file with the output that its commands have now."""
        lines: list[str] = []
        for line in text.splitlines():
            if line.startswith("@ "):
                SETUPS[line[2:]](self.run)
            if not line.startswith("  "):
                lines.append(line)
            if line.startswith("$ "):
                self.clock.milliseconds += 1000
                lines += self.output(line[2:])
        return "\n".join(lines) + "\n"

    def output(self, line: str) -> list[str]:
        """Run one line and return what it printed, marked and with everything volatile named."""
        words = [self.known(word) for word in shlex.split(line)]
        env = {}
        while VARIABLE.fullmatch(words[0]):
            name, _, value = words.pop(0).partition("=")
            env[name] = value
        if words[0] == "cat":
            content = (self.run.folder / words[1]).read_text(encoding="utf-8")
            result = Result(0, content, "")
        else:
            assert words[0] == "vidctl", line
            is_terminal, stdin = bool(env.pop("TERMINAL", "")), env.pop("STDIN", "")
            result = self.run(*words[1:], env=env, tty=is_terminal, stdin=stdin + "\n")
        out, err = self.named(result.out), self.named(result.err)
        shown = [f"    {each}" for each in out.split("\n")[:-1]]
        if not out.endswith("\n") and out:
            shown.append(f"    {out.rpartition(chr(10))[2]}<no newline>")
        shown += [f"  ! {each}" for each in err.split("\n")[:-1]]
        return [*shown, f"  = {result.code}"] if result.code else shown

    def known(self, word: str) -> str:
        """Put an id back in where the session has its name (``<id3>``)."""
        return next((key for key, name in self.ids.items() if name == word), word)

    def named(self, text: str) -> str:
        """Give ids and places names that are the same on every machine and every day."""
        text = text.replace(str(self.run.folder), "<dir>").replace(str(self.home), "<home>")
        for found in ID.findall(text):
            if is_id(found):
                self.ids.setdefault(found, f"<id{len(self.ids) + 1}>")
        for found, name in self.ids.items():
            text = text.replace(found, name)
        for pattern, name in VOLATILE:
            text = pattern.sub(name, text)
        return text.replace("\r", "\\r")


@pytest.mark.parametrize("session", SESSIONS)
def test_session(
    session: str, run: Runner, frozen: Clock, home: Path, request: pytest.FixtureRequest
) -> None:
    file = GOLDEN / f"{session}.txt"
    expected = file.read_text(encoding="utf-8")
    found = Session(run, frozen, home).replayed(expected)
    assert "  = 70\n" not in found, "a bug is nothing to expect"
    if request.config.getoption("--update-goldens"):
        file.write_text(found, encoding="utf-8")
    else:
        assert found == expected


def test_a_session_that_says_something_else_fails(run: Runner, frozen: Clock, home: Path) -> None:
    text = (GOLDEN / "groups.txt").read_text(encoding="utf-8")
    assert Session(run, frozen, home).replayed(text.replace("Acme", "Other")) != text
    shutil.rmtree(run.folder / ".vidctl")


# --- nothing is left out ------------------------------------------------------------------------

LINES = [shlex.split(line) for session in SESSIONS for line in commands(session)]
CALLS = [" ".join(words[words.index("vidctl") + 1 :]) for words in LINES if "vidctl" in words]


def is_call_of(line: str, path: str) -> bool:
    return line == path or line.startswith(path + " ")


@pytest.mark.parametrize("path", [*LEAVES, *NOUNS])
def test_every_help_page_is_in_a_session(path: str) -> None:
    assert f"{path} --help" in CALLS


@pytest.mark.parametrize("path", LEAVES)
def test_every_command_is_in_a_session(path: str) -> None:
    calls = [line for line in CALLS if is_call_of(line, path) and not line.endswith("--help")]
    assert calls or path == "demo", "add it to a session in tests/cli/golden"
