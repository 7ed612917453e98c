"""What every test runs in: a home of its own, no settings from outside, no network.

``run`` calls the command line in this process, ``spawn`` as a real process; ``library`` makes a
project to work in; ``frozen`` makes ids and times repeatable.
"""

from __future__ import annotations

import io
import ipaddress
import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from vidctl import failpoints

FOREIGN_SETTINGS = ("VIDCTL_", "_VIDCTL_", "OPENAI_", "CLOUDINARY_", "AWS_")
TERMINAL_SETTINGS = ("NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "TERM", "PAGER", "PYTHONUTF8")
# 2025-01-07T10:00:00Z
MOMENT = 1_736_244_000_000

settings.register_profile(
    "vidctl",
    deadline=None,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("vidctl")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens", action="store_true", help="write what the commands print as expected"
    )


# --- no network ---------------------------------------------------------------------------------


class NetworkUsed(Exception):
    """A test reached for another machine."""


def _is_local(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(str(host).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse_network(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        # AF_UNIX addresses are text or bytes; sendmsg on a connected socket has none.
        if isinstance(address, tuple) and not _is_local(address[0]):
            raise NetworkUsed(f"{event} {address}")
    elif event in ("socket.getaddrinfo", "socket.gethostbyname") and not _is_local(arguments[0]):
        raise NetworkUsed(f"{event} {arguments[0]}")


# An audit hook sees the C level as well, so that no library can get round it.
sys.addaudithook(_refuse_network)


# --- a home of its own --------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home; nothing of the person who runs the tests can be read or written."""
    folder = tmp_path_factory.mktemp("home")
    for name in list(os.environ):
        if name.startswith(FOREIGN_SETTINGS) or name in TERMINAL_SETTINGS:
            monkeypatch.delenv(name)
    for name, below in (
        ("HOME", ""),
        ("USERPROFILE", ""),
        ("XDG_CONFIG_HOME", ".config"),
        ("XDG_DATA_HOME", ".local/share"),
        ("XDG_STATE_HOME", ".local/state"),
        ("XDG_CACHE_HOME", ".cache"),
        ("VIDCTL_HOME", "vidctl"),
    ):
        monkeypatch.setenv(name, str(folder / below))
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return folder


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    """Failpoints are state of the process: leave none armed for the next test."""
    failpoints.arm("")
    yield
    failpoints.arm("")


# --- the command line ---------------------------------------------------------------------------


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
        from vidctl.cli.app import run

        out, err = _Stream(tty=tty, errors="strict"), _Stream(tty=tty, errors="backslashreplace")
        source = _Stream(tty=tty, errors="strict")
        source.write(stdin)
        source.seek(0)
        with self._monkeypatch.context() as patch:
            patch.chdir(self.folder)
            patch.setattr(sys, "stdout", out)
            patch.setattr(sys, "stderr", err)
            patch.setattr(sys, "stdin", source)
            for name, value in (env or {}).items():
                patch.setenv(name, value)
            code = run([str(argument) for argument in arguments])
            return Result(int(code), out.text(), err.text())

    def ok(self, *arguments: str | Path, **options: Any) -> Result:
        """Run a command that must end with 0."""
        result = self(*arguments, **options)
        assert result.code == 0, result
        return result


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    """Run the command line in this process, in ``tmp_path``."""
    return Runner(monkeypatch, tmp_path)


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
            **{**streams, **options},
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


@pytest.fixture
def spawn(tmp_path: Path) -> Spawner:
    """Run the command line as a process, in ``tmp_path``."""
    return Spawner(tmp_path)


@pytest.fixture
def library(run: Runner, tmp_path: Path) -> Path:
    """An empty project in ``tmp_path``; the path of its library file."""
    run.ok("init")
    return tmp_path / ".vidctl" / "library.db"


# --- ids and times that repeat ------------------------------------------------------------------


@pytest.fixture
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that starts at MOMENT and moves one millisecond a look; random bits that count."""
    ticks = itertools.count(MOMENT)
    bits = itertools.count(1)
    monkeypatch.setattr(time, "time_ns", lambda: next(ticks) * 1_000_000)
    counted = SimpleNamespace(urandom=lambda length: next(bits).to_bytes(length, "big"))
    monkeypatch.setattr("vidctl.ids.os", counted)


# --- files to put in ----------------------------------------------------------------------------

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


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Two seconds of sound with captions beside it: ``talk.wav`` and ``talk.vtt``."""
    (tmp_path / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
    return write_tone(tmp_path / "talk.wav")


def database_bytes(*roots: Path) -> dict[str, bytes]:
    """Return every file below some folders with its content, write-ahead logs left out.

    The last connection to close folds its log in, so a plain read is what is stored.
    """
    found: Sequence[Path] = [file for root in roots for file in sorted(root.rglob("*"))]
    return {
        str(file): file.read_bytes()
        for file in found
        if file.is_file() and not file.name.endswith(("-wal", "-shm"))
    }
