"""While a file is on its way to Cloudinary: what is told, what is kept, and when it ends."""

from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from servers.cloudinary import CloudinaryServer
from stores import World, make_library

from vidctl.errors import LibraryLocked, RemoteUnavailable
from vidctl.hosts.cloudinary import CloudinaryHost, sending, underway
from vidctl.model.media import Content
from vidctl.ports import Sending
from vidctl.retry import Retry

GROUP = "01jgzzzzzz7000000000000000"
BLOCK = underway.BLOCK
PART = 4 * BLOCK
DATA = os.urandom(3 * PART - 1000)
SMALL = DATA[: PART - 500]
# Seconds within which work ends that is no longer wanted.
SOON = 1.5


def content_of(data: bytes, world: World | None = None) -> Content:
    group = world.acme.scope.home if world else GROUP
    return Content(group, hashlib.sha256(data).hexdigest(), len(data), ".mp4")


@pytest.fixture
def service() -> Iterator[CloudinaryServer]:
    with CloudinaryServer(least_part=1 << 16) as server:
        yield server


@pytest.fixture
def host(service: CloudinaryServer) -> Iterator[CloudinaryHost]:
    host = service.host(part_mb=PART / (1 << 20))
    yield host
    host.close()


@pytest.fixture(params=["one part", "parts"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(SMALL if request.param == "one part" else DATA)
    return path


class Heard:
    """Who is told how far it is; ``there`` is whether the service had the file by then."""

    def __init__(self, service: CloudinaryServer) -> None:
        self.service = service
        self.done: list[float] = []
        self.there: list[bool] = []

    def __call__(self, done: float, total: float) -> None:
        self.done.append(done)
        self.there.append(bool(self.service.assets))


class Stop(BaseException):
    """What ends the work."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    file = tmp_path / "library.db"
    made = World(file, make_library(file))
    yield made
    made.close()


# --- progress and pace --------------------------------------------------------------------------


def test_progress_moves_within_a_part_and_ends_when_the_service_has_it(
    service: CloudinaryServer, host: CloudinaryHost, source: Path
) -> None:
    data = source.read_bytes()
    heard = Heard(service)
    paced: list[int] = []

    def pace(size: int) -> None:
        paced.append(size)
        time.sleep(0.15)

    def take(*words: Any) -> Any:
        time.sleep(0.4)  # all bytes have left, and are not acknowledged
        return taking(*words)

    taking, service.take = service.take, take  # type: ignore[method-assign]
    host.put(source, content_of(data), Sending(heard, pace))
    assert heard.done == sorted(heard.done)
    within = {done for done in heard.done if done % PART}
    assert len(within) >= 3
    assert heard.done[-1] == len(data)
    assert [
        there for done, there in zip(heard.done, heard.there, strict=True) if done == len(data)
    ] == [True]
    assert sum(paced) == len(data)
    assert max(paced) <= BLOCK


def test_a_service_that_does_not_say_that_it_has_all_is_not_believed_to(
    service: CloudinaryServer, host: CloudinaryHost, source: Path
) -> None:
    data = source.read_bytes()
    host.retry = Retry(attempts=1)
    last = 1 if len(data) < PART else 3
    service.fault = lambda call: "500" if len(service.of("upload")) == last else ""
    heard = Heard(service)
    with pytest.raises(RemoteUnavailable):
        host.put(source, content_of(data), Sending(heard, lambda size: time.sleep(0.11)))
    assert len(data) - BLOCK <= max(heard.done) < len(data)
    assert service.assets == {}


@pytest.mark.parametrize("fault", ["cut", "503", "lost"])
def test_progress_stands_still_while_bytes_leave_again(
    fault: str, service: CloudinaryServer, host: CloudinaryHost, source: Path
) -> None:
    data = source.read_bytes()
    service.faults.extend([fault] if len(data) < PART else ["", fault])
    heard = Heard(service)
    paced: list[int] = []

    def pace(size: int) -> None:
        paced.append(size)
        time.sleep(0.05)

    host.put(source, content_of(data), Sending(heard, pace))
    assert heard.done == sorted(heard.done)
    assert heard.done[-1] == len(data)
    # What leaves again is paced again; after a lost answer a small file is found to be there.
    assert sum(paced) > len(data) or (fault == "lost" and len(data) < PART)
    assert service.content(*next(iter(service.assets))) == data


def test_a_new_beginning_is_told(
    service: CloudinaryServer, host: CloudinaryHost, tmp_path: Path
) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(SMALL)
    host.put(path, content_of(SMALL))
    service.damage("video", next(iter(service.assets))[1], b"damaged")
    heard = Heard(service)
    host.put(path, content_of(SMALL), Sending(heard))
    back = [
        after for before, after in zip(heard.done, heard.done[1:], strict=False) if after < before
    ]
    assert back in ([], [0])
    # What had left before is told when it took long enough.
    assert 0 in heard.done
    assert heard.done[-1] == len(SMALL)


# --- ending -------------------------------------------------------------------------------------

FAR = Retry(base=1000.0)


def whole_is_silent(service: CloudinaryServer, host: CloudinaryHost) -> None:
    service.fault = lambda call: "hang" if call["what"] == "upload" else ""


def second_is_silent(service: CloudinaryServer, host: CloudinaryHost) -> None:
    service.fault = lambda call: "hang" if len(service.of("upload")) == 2 else ""


def all_is_silent(service: CloudinaryServer, host: CloudinaryHost) -> None:
    service.fault = lambda call: "hang"


def service_is_troubled(service: CloudinaryServer, host: CloudinaryHost) -> None:
    host.retry, host.sleep = FAR, time.sleep
    service.fault = lambda call: "503" if call["what"] == "upload" else ""


def service_asks_for_a_pause(service: CloudinaryServer, host: CloudinaryHost) -> None:
    host.sleep = time.sleep
    service.retry_after = "200"
    service.fault = lambda call: "429" if call["what"] == "upload" else ""


def delivery_is_silent(service: CloudinaryServer, host: CloudinaryHost) -> None:
    host.options = {**host.options, "verify": "read"}
    service.fault = lambda call: "hang" if call["what"] == "delivery" else ""


def delivery_is_late(service: CloudinaryServer, host: CloudinaryHost) -> None:
    host.retry, host.sleep = FAR, time.sleep
    host.options = {**host.options, "verify": "read"}
    service.fault = lambda call: "404" if call["what"] == "delivery" else ""


SILENCES: list[Callable[[CloudinaryServer, CloudinaryHost], None]] = [
    *(whole_is_silent, second_is_silent, all_is_silent, service_is_troubled),
    *(service_asks_for_a_pause, delivery_is_silent, delivery_is_late),
]


@pytest.mark.parametrize("silence", SILENCES, ids=lambda act: act.__name__)
def test_work_that_is_not_wanted_ends_at_once(
    silence: Callable[[CloudinaryServer, CloudinaryHost], None],
    service: CloudinaryServer,
    host: CloudinaryHost,
    world: World,
    tmp_path: Path,
) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(DATA)
    silence(service, host)
    uploads = world.acme.uploads
    stop_at = time.monotonic() + 1.0

    def heed() -> None:
        if time.monotonic() >= stop_at:
            raise Stop

    with pytest.raises(Stop):
        host.put(path, content_of(DATA, world), Sending(heed=heed, uploads=uploads))
    assert 0 <= time.monotonic() - stop_at < SOON
    (row,) = uploads.all()
    assert (row.state, row.error) == ("failed", "stopped"), "anybody may go on with it at once"


def test_nothing_leaves_after_the_end(
    service: CloudinaryServer, host: CloudinaryHost, source: Path
) -> None:
    data = source.read_bytes()
    ended = threading.Event()
    paced: list[bool] = []

    def pace(size: int) -> None:
        paced.append(ended.is_set())
        time.sleep(0.3)

    def heed() -> None:
        if len(paced) >= 2:
            raise Stop

    with pytest.raises(Stop):
        host.put(source, content_of(data), Sending(pace=pace, heed=heed))
    ended.set()
    time.sleep(0.7)
    assert paced.count(True) == 0
    assert service.assets == {}
    assert [t.name for t in threading.enumerate() if t.name in ("cloudinary", "reader")] == []


def test_what_the_pace_raises_ends_it(
    service: CloudinaryServer, host: CloudinaryHost, source: Path
) -> None:
    def pace(size: int) -> None:
        raise Stop

    with pytest.raises(Stop):
        host.put(source, content_of(source.read_bytes()), Sending(pace=pace))
    assert service.assets == {}


SEND = """
import sys
from pathlib import Path
from vidctl.hosts.cloudinary import CloudinaryHost
from vidctl.model.media import Content
api, key, path, sha256, size = sys.argv[1:]
host = CloudinaryHost("x", {"api": api}, lambda: key)
print("ready", flush=True)
try:
    host.put(Path(path), Content("g", sha256, int(size), ".mp4"))
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.mark.parametrize("fault", ["hang", "429"])
def test_an_interrupted_process_is_gone_at_once(
    fault: str, service: CloudinaryServer, tmp_path: Path
) -> None:
    """Neither a thread that waits for the service nor one that pauses holds it."""
    path = tmp_path / "talk.mp4"
    path.write_bytes(SMALL)
    service.retry_after = "100"
    service.fault = lambda call: fault
    content = content_of(SMALL)
    words = (service.address, service.key_text, str(path), content.sha256, str(content.size))
    with subprocess.Popen(
        [sys.executable, "-c", SEND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        deadline = time.monotonic() + 30
        while not service.of("upload") and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        assert process.wait(30) == 130
        assert time.monotonic() - began < SOON
        assert process.stderr is not None
        assert process.stderr.read() == b""


# --- the lease ----------------------------------------------------------------------------------


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(underway, "HEARTBEAT", 0.2)
    monkeypatch.setattr(sending, "LEASE", LEASE)


# What an upload is kept for here, and something that takes longer, in seconds.
LEASE, LONG = 1.5, 2.5
TWO_PARTS = DATA[: PART + 1000]


def slow_pace(service: CloudinaryServer, host: CloudinaryHost) -> Sending:
    return Sending(pace=lambda size: time.sleep(LONG * size / PART))


def slow_service(service: CloudinaryServer, host: CloudinaryHost) -> Sending:
    def fault(call: dict[str, Any]) -> str:
        time.sleep(LONG if len(service.of("upload")) == 1 else 0)
        return ""

    service.fault = fault
    return Sending()


def long_pause(service: CloudinaryServer, host: CloudinaryHost) -> Sending:
    host.sleep, service.retry_after = time.sleep, str(LONG)
    service.faults.extend(["", "", "429"])
    return Sending()


def slow_reading_back(service: CloudinaryServer, host: CloudinaryHost) -> Sending:
    host.options = {**host.options, "verify": "read"}

    def fault(call: dict[str, Any]) -> str:
        time.sleep(LONG if call["what"] == "delivery" else 0)
        return ""

    service.fault = fault
    return Sending()


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize(
    "delay",
    [slow_pace, slow_service, long_pause, slow_reading_back],
    ids=lambda act: act.__name__,
)
def test_an_upload_that_is_slow_stays_ours(
    delay: Callable[[CloudinaryServer, CloudinaryHost], Sending],
    service: CloudinaryServer,
    host: CloudinaryHost,
    world: World,
    tmp_path: Path,
) -> None:
    """The lease is short, so it is kept while nothing arrives."""
    path = tmp_path / "talk.mp4"
    path.write_bytes(TWO_PARTS)
    how = replace(delay(service, host), uploads=world.acme.uploads)
    ended = threading.Event()
    left: list[float] = []

    def watch() -> None:
        database = sqlite3.connect(world.path)
        while not ended.wait(0.1):
            for (until,) in database.execute("SELECT lease_until FROM uploads"):
                left.append(until / 1000 - time.time())
        database.close()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        host.put(path, content_of(TWO_PARTS, world), how)
    finally:
        ended.set()
        watching.join()
    assert len(left) >= LONG / 0.1 / 2
    assert 0 < min(left) < max(left) <= LEASE
    assert list(world.acme.uploads.all()) == []


def test_a_process_that_died_is_waited_for_a_minute_at_most() -> None:
    assert underway.HEARTBEAT * 2 < underway.LEASE <= 60


@pytest.mark.usefixtures("hurried")
def test_an_upload_that_was_lost_is_not_gone_on_with(
    service: CloudinaryServer, host: CloudinaryHost, world: World, tmp_path: Path
) -> None:
    path = tmp_path / "talk.mp4"
    path.write_bytes(DATA)

    def fault(call: dict[str, Any]) -> str:
        if len(service.of("upload")) != 2:
            return ""
        with sqlite3.connect(world.path) as database:
            database.execute("UPDATE uploads SET lease_owner = 'elsewhere:1:x'")
        database.close()
        return "hang"

    service.fault = fault
    began = time.monotonic()
    with pytest.raises(LibraryLocked):
        host.put(path, content_of(DATA, world), Sending(uploads=world.acme.uploads))
    assert time.monotonic() - began < 5
    assert service.assets == {}
    (row,) = world.acme.uploads.all()
    assert row.state == "active", "what the other one does is left to that one"
