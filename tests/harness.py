"""What tests call: the command line in this process or in one of its own, and small files."""

from __future__ import annotations

import functools
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer

from vidctl.cli.app import run

# 2025-01-07T10:00:00Z, where the clock of ``frozen`` starts.
MOMENT = 1_736_244_000_000


class Clock:
    """Stands in for ``time.time_ns``: stands still until ``milliseconds`` is moved."""

    def __init__(self, milliseconds: int) -> None:
        self.milliseconds = milliseconds

    def __call__(self) -> int:
        return self.milliseconds * 1_000_000


@dataclass(frozen=True)
class Result:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str

    @property
    def envelope(self) -> dict[str, Any]:
        """The JSON envelope on stdout."""
        parsed: dict[str, Any] = json.loads(self.out)
        return parsed

    @property
    def data(self) -> Any:
        """The data of the envelope of a command that worked."""
        assert self.code == 0, self
        return self.envelope["data"]


class _Stream(io.TextIOWrapper):
    """A standard stream over memory that may claim to be a terminal."""

    def __init__(self, *, tty: bool, errors: str) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", errors=errors)
        self.is_terminal = tty

    def isatty(self) -> bool:
        return self.is_terminal

    def text(self) -> str:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue().decode("utf-8")


_get_command = typer.main.get_command


@functools.cache
def _command_of(app: typer.Typer) -> Any:
    """Make the command of a Typer app once; a process does not need it twice, the tests do."""
    return _get_command(app)


class Runner:
    """Runs commands in this process: a few milliseconds each."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self.folder = folder

    def __call__(
        self,
        *arguments: str | Path,
        env: Mapping[str, str] | None = None,
        tty: bool = False,
        stdin: str = "",
    ) -> Result:
        """Run ``vidctl ARGUMENTS`` with the streams captured; ``tty`` makes them a terminal."""
        out, err = _Stream(tty=tty, errors="strict"), _Stream(tty=tty, errors="backslashreplace")
        source = _Stream(tty=tty, errors="strict")
        source.write(stdin)
        source.seek(0)
        with self._monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", source)
            patch.setattr(typer.main, "get_command", _command_of)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            code = run([str(argument) for argument in arguments])
            return Result(int(code), out.text(), err.text())

    def ok(self, *arguments: str | Path, **options: Any) -> Result:
        """Run a command that must end with 0."""
        result = self(*arguments, **options)
        assert result.code == 0, result
        return result


def _hear_interrupts() -> None:
    """Undo what a background job inherits: a shell makes it deaf to Ctrl-C."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Spawner:
    """Runs commands as real processes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def environment(self, env: Mapping[str, str] | None = None) -> dict[str, str]:
        """The variables of a child; anything it might fetch goes to a closed port."""
        nowhere = "http://127.0.0.1:9"
        proxies = {"http_proxy": nowhere, "https_proxy": nowhere, "all_proxy": nowhere}
        return {**os.environ, **proxies, "PYTHONDONTWRITEBYTECODE": "1", **(env or {})}

    def start(
        self, *arguments: str | Path, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """Start a command with all three streams as pipes."""
        streams: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
        return subprocess.Popen(
            [sys.executable, "-m", "vidctl", *map(str, arguments)],
            cwd=self.folder,
            env=self.environment(env),
            **{**streams, "preexec_fn": _hear_interrupts, **options},
        )

    def __call__(self, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Result:
        """Run a command to its end."""
        process = self.start(*arguments, env=env)
        out, err = process.communicate(timeout=120)
        return Result(process.returncode, out.decode(), err.decode())

    def python(self, code: str, *arguments: str) -> Result:
        """Run a piece of Python to its end."""
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            timeout=120,
        )
        return Result(done.returncode, done.stdout.decode(), done.stderr.decode())


CAPTIONS = """WEBVTT

00:00.000 --> 00:01.000
The library remembers what people say.

00:01.000 --> 00:02.000
Ask for a kingfisher and it comes.
"""


def write_tone(file: Path, *, seconds: float = 2.0, pitch: int = 440) -> Path:
    """Write a WAV file of a square tone; other pitches are other bytes."""
    import wave

    rate = 8000
    half = max(1, rate // (2 * pitch))
    samples = ((1000 if (n // half) % 2 else -1000) for n in range(int(rate * seconds)))
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(b"".join(value.to_bytes(2, "little", signed=True) for value in samples))
    return file


def files_below(*roots: Path) -> dict[str, bytes]:
    """Return every file below some folders with its content, write-ahead logs left out.

    The last connection to close folds its log in, so a plain read is what is stored.
    """
    found = [file for root in roots for file in sorted(root.rglob("*"))]
    return {
        str(file): file.read_bytes()
        for file in found
        if file.is_file() and not file.name.endswith(("-wal", "-shm"))
    }
