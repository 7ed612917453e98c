"""What every test runs in: a home of its own, no settings from outside, no network.

``run`` calls the command line in this process, ``spawn`` as a real process; ``library`` makes a
project to work in; ``frozen`` makes ids and times repeatable.
"""

from __future__ import annotations

import ipaddress
import itertools
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from harness import CAPTIONS, MOMENT, Clock, Runner, Spawner, write_tone
from hypothesis import HealthCheck, settings

from vidctl import failpoints, ids
from vidctl.keys.redaction import Redactor

FOREIGN_SETTINGS = ("VIDCTL_", "_VIDCTL_", "OPENAI_", "CLOUDINARY_", "AWS_")
TERMINAL_SETTINGS = ("NO_COLOR", "CLICOLOR_FORCE", "FORCE_COLOR", "TERM", "PAGER", "PYTHONUTF8")

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
    # The keyring of whoever runs the tests is theirs.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    monkeypatch.setattr("vidctl.keys.redaction._redactor", Redactor())
    return folder


@pytest.fixture(autouse=True)
def _disarmed() -> Iterator[None]:
    """Failpoints are state of the process: leave none armed for the next test."""
    failpoints.arm("")
    yield
    failpoints.arm("")


# --- the command line ---------------------------------------------------------------------------


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Runner:
    """Run the command line in this process, in ``tmp_path``."""
    return Runner(monkeypatch, tmp_path)


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
def frozen(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that stands still, and random bits that count, so that ids sort as they are made."""
    clock, bits = Clock(MOMENT), itertools.count(1)
    monkeypatch.setattr(time, "time_ns", clock)
    counted = SimpleNamespace(urandom=lambda length: next(bits).to_bytes(length, "big"))
    monkeypatch.setattr("vidctl.ids.os", counted)
    ids.start_anew()
    return clock


# --- files to put in ----------------------------------------------------------------------------


@pytest.fixture
def tone(tmp_path: Path) -> Path:
    """Two seconds of sound with captions beside it: ``talk.wav`` and ``talk.vtt``."""
    (tmp_path / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
    return write_tone(tmp_path / "talk.wav")
