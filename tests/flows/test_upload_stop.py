"""Ctrl-C and a service manager's SIGTERM, while a service or a web server is silent.

The command ends at once, leaves nothing behind, and the next run goes on from what had arrived.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Runner, Spawner, write_tone
from servers.s3 import KEY, Call, S3Server, running_s3
from servers.web import Page, WebServer
from upload_samples import tones

from vidctl.files import TEMPORARY_PREFIX

# What is promised is about two seconds; this machine may be busy.
SOON = 3.0
PART = 5 << 20
SIZE = 12_000_044
# Longer than any test may take, and what services do when they are gone.
SILENCE = 40.0
ENDINGS = (signal.SIGINT, signal.SIGTERM)

needs_signals = pytest.mark.skipif(os.name == "nt", reason="POSIX signals")
pytestmark = needs_signals


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own for temporary files, to see what is left there."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with running_s3() as server:
        server.hang = SILENCE
        yield server


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture
def bucket(run: Runner, library: Path, s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """A library whose media goes to S3 in parts of 5 MB, two at a time."""
    monkeypatch.setenv("VIDCTL_S3_KEY", KEY)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    for key, value in (
        ("media.host", "s3"),
        ("hosts.s3.bucket", s3.bucket),
        ("hosts.s3.endpoint", s3.address),
        ("hosts.s3.part_mb", "5"),
        ("hosts.s3.parallel", "2"),
    ):
        run.ok("config", "set", key, value)
    return s3


def long_file(path: Path) -> Path:
    """Write a minute of noise: three parts."""
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(os.urandom(4_000) * 3_000)
    return path


def children_of(process: subprocess.Popen[bytes]) -> list[int]:
    """Return the child processes of one, by the system's word."""
    found = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True
    )
    return [int(pid) for pid in found.stdout.split()]


def is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not state.exists() or state.read_text().rpartition(")")[2].split()[0] != "Z"


def wait_for(condition: Callable[[], Any], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def stopped(
    process: subprocess.Popen[bytes], *signals: signal.Signals, code: int = 130
) -> tuple[float, str]:
    """Send signals, and return the seconds until the process was gone and what it said.

    Its children must be gone too, and nothing of Python's own may have been printed.
    """
    children = children_of(process)
    began = time.monotonic()
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    _, said = process.communicate(timeout=60)
    taken = time.monotonic() - began
    text = said.decode()
    assert process.returncode == code, text
    assert not re.search("Traceback|Exception ignored|Fatal Python", text), text
    deadline = time.monotonic() + 2
    while any(map(is_there, children)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [pid for pid in children if is_there(pid)] == []
    return taken, text


def leftovers(folder: Path) -> list[Path]:
    """Return temporary files and folders of a project, and what is where the system has such."""
    below = [*(folder / ".vidctl").rglob("*"), *(folder / "tmp").iterdir()]
    return [
        file
        for file in below
        if file.name.startswith(TEMPORARY_PREFIX) or file.parent.name in ("tmp", "cache")
    ]


def hanging(what: str, fault: str = "hang", *, first: int = 1) -> Callable[[Call], str]:
    return lambda call: fault if call.what == what and call.ordinal >= first else ""


# --- S3 -----------------------------------------------------------------------------------------

# What is silent, from which call of its kind on, and whether the file has parts.
SILENT = [
    ("head", "hang", 1, False),
    ("put", "hang", 1, False),
    ("head", "hang", 2, False),
    ("begin", "hang", 1, True),
    ("part", "hang", 2, True),
    ("part", "deaf", 1, True),
    ("complete", "hang", 1, True),
    ("list_uploads", "hang", 1, True),
]


@pytest.mark.parametrize("jobs", ["1", "8"])
@pytest.mark.parametrize(("what", "fault", "first", "has_parts"), SILENT)
def test_a_silent_bucket_does_not_keep_anybody(
    what: str,
    fault: str,
    first: int,
    has_parts: bool,
    jobs: str,
    run: Runner,
    spawn: Spawner,
    bucket: S3Server,
) -> None:
    write = long_file if has_parts else write_tone
    file = write(run.folder / "talk.wav")
    bucket.fault = hanging(what, fault, first=first)
    process = spawn.start("upload", file, "--no-loudness", "-j", jobs)
    wait_for(lambda: any(call.fault for call in bucket.calls), process)
    time.sleep(0.3)
    number = ENDINGS[len(what) % 2]
    taken, said = stopped(process, number)
    assert taken < SOON
    assert "interrupted" in said
    assert leftovers(run.folder) == []
    rows = run.ok("uploads", "list", "--json").data["items"]
    assert {row["state"] for row in rows} <= {"interrupted"}
    arrived = sum(call.what == "part" and call.status == 200 for call in bucket.calls)
    if what in ("part", "complete"):
        assert [row["parts"] for row in rows] == [arrived]
    bucket.forget()
    assert run.ok("upload", file, "--no-loudness", "-j", jobs, "--json").data["new"] == 1
    if has_parts and what != "begin":
        assert bucket.count("part") == (0 if what == "list_uploads" else 3 - arrived)
    assert [len(data) for data in bucket.objects.values()] == [file.stat().st_size]
    assert run.ok("uploads", "list", "--json").data["items"] == []
    assert bucket.unfinished == 0


def test_eight_silent_files_end_together(
    run: Runner, spawn: Spawner, bucket: S3Server, tmp_path: Path
) -> None:
    """The time for all threads is one, not the sum of theirs."""
    files = tones(tmp_path / "in", 8)
    bucket.fault = hanging("put")
    process = spawn.start("upload", *files, "--no-loudness", "-j", "8")
    wait_for(lambda: bucket.count("put") == 8, process)
    taken, _ = stopped(process, signal.SIGINT)
    assert taken < SOON
    bucket.forget()
    assert run.ok("upload", "in", "--json").data["new"] == 8


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_a_limited_rate_is_left_as_well(
    jobs: str, run: Runner, spawn: Spawner, bucket: S3Server
) -> None:
    file = long_file(run.folder / "talk.wav")
    process = spawn.start("upload", file, "--no-loudness", "-j", jobs, "--limit-rate", "50K")
    wait_for(lambda: bucket.count("begin"), process)
    taken, _ = stopped(process, signal.SIGINT)
    assert taken < SOON
    (row,) = run.ok("uploads", "list", "--json").data["items"]
    assert (row["state"], row["parts"]) == ("interrupted", 0)


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_a_second_time_ends_it_hard(
    jobs: str, run: Runner, spawn: Spawner, bucket: S3Server
) -> None:
    file = long_file(run.folder / "talk.wav")
    bucket.fault = hanging("part")
    process = spawn.start("upload", file, "--no-loudness", "-j", jobs)
    wait_for(lambda: bucket.count("part"), process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    began = time.monotonic()
    _, said = process.communicate(timeout=60)
    assert time.monotonic() - began < SOON
    # The second may come when all is said, and then it ends the process itself.
    assert process.returncode in (130, -signal.SIGINT)
    assert "Traceback" not in said.decode()
    bucket.forget()
    assert run.ok("upload", file, "--no-loudness", "--json").data["new"] == 1
    assert len(bucket.objects) == 1


# --- links --------------------------------------------------------------------------------------

PAGES = {
    "nothing": Page(hangs=True),
    "trickle": Page(b"x" * 1000, pause=0.2),
    "head": Page(b"x" * 1000, pause=0.2, slow="head"),
    "pause": Page(status=503, headers={"Retry-After": "60"}),
}


@pytest.mark.parametrize("jobs", ["1", "8"])
@pytest.mark.parametrize("kind", list(PAGES))
def test_a_silent_web_server_does_not_keep_anybody(
    kind: str, jobs: str, run: Runner, spawn: Spawner, library: Path, web: WebServer
) -> None:
    run.ok("config", "set", "net.allow_private", "127.0.0.1")
    web.pages["/talk.wav"] = PAGES[kind]
    process = spawn.start("upload", f"{web.base}/talk.wav", "-j", jobs)
    wait_for(lambda: web.calls, process)
    time.sleep(0.5)
    taken, said = stopped(process, ENDINGS[len(kind) % 2])
    assert taken < SOON
    assert "interrupted" in said
    assert leftovers(run.folder) == []
    web.pages["/talk.wav"] = Page(write_tone(run.folder / "talk.wav").read_bytes())
    assert run.ok("upload", f"{web.base}/talk.wav", "--json").data["new"] == 1


def test_a_server_that_never_ends_its_greeting(run: Runner, spawn: Spawner, library: Path) -> None:
    """It takes the connection and says nothing of TLS."""
    import socket

    run.ok("config", "set", "net.allow_private", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"https://127.0.0.1:{listening.getsockname()[1]}/talk.mp4"
        process = spawn.start("upload", address, "-j", "8")
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.recv(1) == b"\x16", "the client's part of the greeting"
            taken, _ = stopped(process, signal.SIGINT)
    assert taken < SOON
    assert leftovers(run.folder) == []


# --- decoding -----------------------------------------------------------------------------------


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_decoding_is_left_as_well(
    jobs: str, run: Runner, spawn: Spawner, library: Path, web: WebServer
) -> None:
    """The copy of a link goes although a thread was waiting for a decoder."""
    run.ok("config", "set", "net.allow_private", "127.0.0.1")
    long = run.folder / "long.wav"
    with wave.open(str(long), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(48_000)
        sound.writeframes(os.urandom(4_000) * 30_000)
    web.pages["/long.wav"] = Page(long.read_bytes())
    process = spawn.start("upload", f"{web.base}/long.wav", "-j", jobs)
    wait_for(lambda: children_of(process), process)
    time.sleep(1)
    taken, _ = stopped(process, signal.SIGINT)
    assert taken < SOON
    assert leftovers(run.folder) == []
