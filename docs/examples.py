"""What commands print in a small library, with a clock and ids that stand still."""

from __future__ import annotations

import io
import itertools
import json
import os
import shlex
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from types import SimpleNamespace

from vidctl import ids
from vidctl.cli import app as cli

# 2025-01-07T10:00:00Z
MOMENT = 1_736_244_000_000

EXAMPLES = {
    "listing": "vidctl videos list --limit 1 --json",
    "thing": "vidctl podcasts show kingfisher --json",
    "search": 'vidctl search "ask for a kingfisher" --json',
    "envelope": "vidctl videos show nothing --json",
}
CAPTIONS = """WEBVTT

00:00.000 --> 00:01.000
The library remembers what people say.

00:01.000 --> 00:02.000
Ask for a kingfisher and it comes.
"""


# Each prints an envelope; what its data holds is told by its keys.
LINES = (
    "vidctl init --json",
    "vidctl upload kingfisher.wav --json",
    "vidctl process --json",
    "vidctl search kingfisher --json",
    "vidctl status --json",
    "vidctl podcasts list --json",
    "vidctl podcasts show kingfisher --json",
    "vidctl podcasts edit kingfisher --title Kingfisher --json",
    "vidctl podcasts publish kingfisher --json",
    "vidctl people add Ana --role customer --json",
    "vidctl people list --json",
    "vidctl people grant ana opening-talk --json",
    "vidctl people show ana --json",
    "vidctl whoami --json",
    "vidctl groups members --json",
    "vidctl groups list --json",
    "vidctl groups show default --json",
    "vidctl config show --json",
    "vidctl config get search.limit --json",
    "vidctl config path --json",
    "vidctl doctor --json",
    "vidctl backup copy.db --json",
    "vidctl completion bash --json",
)


def keys() -> list[tuple[str, list[str], list[str]]]:
    """Return, for each of LINES, the keys of its data and of the first of its items."""
    with small_library():
        found = []
        for line in LINES:
            data = json.loads(run(*words(line)))["data"]
            rows = data.get("items") or data.get("hits") or [{}]
            found.append((line, list(data), list(rows[0]) if isinstance(rows, list) else []))
        return found


def examples() -> dict[str, list[tuple[str, str]]]:
    """Return what some commands print in a small library, by the shape it shows."""
    with small_library():
        return {
            shape: [(line, json.dumps(json.loads(run(*words(line))), indent=2, ensure_ascii=False))]
            for shape, line in EXAMPLES.items()
        }


@contextmanager
def small_library() -> Iterator[None]:
    """Work in a library with one podcast episode, found by its words, and two videos."""
    with sandbox() as folder:
        tone(folder / "kingfisher.wav")
        (folder / "kingfisher.vtt").write_text(CAPTIONS, encoding="utf-8")
        run("init")
        run("config", "set", "embed.engine", "none")
        run("upload", "kingfisher.wav", "--process")
        run("videos", "add", "https://youtu.be/dQw4w9WgXcQ", "--title", "Opening talk")
        run("videos", "add", "https://example.org/talk.mp4", "--title", "Second talk")
        yield


def words(line: str) -> list[str]:
    """Split a command line, leaving out the program."""
    return shlex.split(line)[1:]


def run(*arguments: str) -> str:
    """Run a command in this process and return its stdout."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        cli.run(arguments)
    return out.getvalue()


@contextmanager
def sandbox() -> Iterator[Path]:
    """Work in an empty folder, without settings from outside, at a moment that does not pass."""
    kept, here, clock = dict(os.environ), Path.cwd(), time.time_ns
    bits = itertools.count(1)
    counted = SimpleNamespace(urandom=lambda length: next(bits).to_bytes(length, "big"))
    with tempfile.TemporaryDirectory() as name:
        for variable in [key for key in os.environ if key.startswith("VIDCTL_")]:
            del os.environ[variable]
        os.environ["VIDCTL_HOME"] = str(Path(name) / "home")
        work = Path(name) / "work"
        work.mkdir()
        os.chdir(work)
        time.time_ns = lambda: MOMENT * 1_000_000
        ids.os, system = counted, ids.os  # type: ignore[assignment]
        ids.start_anew()
        try:
            yield work
        finally:
            ids.os = system
            time.time_ns = clock
            os.chdir(here)
            os.environ.clear()
            os.environ.update(kept)


def tone(file: Path) -> None:
    """Write two seconds of a square tone."""
    samples = ((1000 if (n // 9) % 2 else -1000) for n in range(16000))
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(b"".join(value.to_bytes(2, "little", signed=True) for value in samples))
