"""Who sends to S3 keeps its upload however slow that is, and gives it up when it stops."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from servers.s3 import Call, S3Server, running_s3
from stores import World, make_library

from vidctl.errors import LibraryLocked, RemoteUnavailable
from vidctl.hosts.s3 import S3Host
from vidctl.hosts.s3.journal import Journal
from vidctl.model.media import Content
from vidctl.model.scope import Scope
from vidctl.model.upload import SentPart
from vidctl.ports import Sending
from vidctl.retry import Retry
from vidctl.store.sqlite import SqliteLibrary
from vidctl.transfer import PartReader

PART = 4096
# Seconds; a lease and a heartbeat are a minute and a quarter of one in real life.
LEASE, HEARTBEAT, SLOW = 0.8, 0.2, 2.0


class Stop(BaseException):
    """What a caller ends a sending with."""


@pytest.fixture(scope="module")
def service() -> Iterator[S3Server]:
    with running_s3() as server:
        server.hang = SLOW
        yield server


@pytest.fixture
def host(service: S3Server) -> Iterator[S3Host]:
    host = service.host(timeout=30.0, parallel=2)
    host.part_size, host.retry = PART, Retry(attempts=3)
    # To load the vendor's client takes as long as the leases here.
    host.check()
    service.forget()
    yield host
    host.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    file = tmp_path_factory.mktemp("library") / "library.db"
    made = World(file, make_library(file))
    yield made
    made.close()


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidctl.hosts.s3.journal.LEASE", LEASE)
    monkeypatch.setattr("vidctl.hosts.s3.journal.HEARTBEAT", HEARTBEAT)


def a_file(world: World, folder: Path, size: int) -> tuple[Path, Content]:
    data = os.urandom(size)
    path = folder / "talk.mp4"
    path.write_bytes(data)
    group = world.groups["acme"].id
    return path, Content(group, hashlib.sha256(data).hexdigest(), size, ".mp4")


@contextmanager
def watched(world: World) -> Iterator[list[str]]:
    """Look all the time, as another process would, what the state of the upload is."""
    seen: list[str] = []
    is_over = threading.Event()

    def look() -> None:
        library = SqliteLibrary(world.path)
        uploads = library.open(Scope.only(world.groups["acme"].id)).uploads
        while not is_over.wait(0.02):
            seen.extend(upload.state for upload in uploads.all())
        library.close()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


def silent(what: str) -> Callable[[Call], str]:
    """Return a fault that makes the first call of a kind last ``SLOW`` seconds and break."""
    return lambda call: "hang" if (call.what, call.ordinal) == (what, 1) else ""


def assert_kept(seen: list[str]) -> None:
    assert len(seen) > 20
    assert set(seen) == {"active"}


@pytest.mark.parametrize(
    ("what", "size"),
    [
        *(("head", 100), ("put", 100), ("head", 3 * PART), ("begin", 3 * PART)),
        *(("part", 3 * PART), ("complete", 3 * PART), ("list_uploads", 3 * PART)),
    ],
)
@pytest.mark.usefixtures("quick")
def test_a_silent_service_does_not_cost_the_upload(
    what: str, size: int, host: S3Host, service: S3Server, world: World, tmp_path: Path
) -> None:
    path, content = a_file(world, tmp_path, size)
    service.fault = silent(what)
    with watched(world) as seen:
        host.put(path, content, Sending(uploads=world.acme.uploads))
    assert_kept(seen)
    assert host.exists(host.locate(content), size=size)


@pytest.mark.parametrize("size", [100, 3 * PART], ids=["whole", "parts"])
@pytest.mark.usefixtures("quick")
def test_a_limited_rate_does_not_cost_the_upload(
    size: int, host: S3Host, world: World, tmp_path: Path
) -> None:
    path, content = a_file(world, tmp_path, size)
    sending = Sending(pace=lambda size: time.sleep(SLOW), uploads=world.acme.uploads)
    with watched(world) as seen:
        host.put(path, content, sending)
    assert_kept(seen)


@pytest.mark.usefixtures("quick")
def test_reading_back_does_not_cost_the_upload(
    service: S3Server, world: World, tmp_path: Path
) -> None:
    service.forget()
    host = service.host(timeout=30.0, verify="read")
    host.part_size, host.retry = PART, Retry(attempts=3)
    host.check()
    path, content = a_file(world, tmp_path, 3 * PART)
    service.fault = silent("get")
    with watched(world) as seen:
        host.put(path, content, Sending(uploads=world.acme.uploads))
    host.close()
    assert service.count("get") == 2
    assert_kept(seen)


@pytest.mark.usefixtures("quick")
def test_hashing_what_is_there_does_not_cost_the_upload(
    host: S3Host,
    service: S3Server,
    world: World,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A slow disk under a large file whose parts have all arrived."""
    path, content = a_file(world, tmp_path, 6 * PART)
    service.fault = lambda call: "500" if call.what == "complete" else ""
    sending = Sending(uploads=world.acme.uploads)
    with pytest.raises(RemoteUnavailable):
        host.put(path, content, sending)
    service.forget()
    part = PartReader._part

    def slowly(reader: PartReader, file: BinaryIO, size: int) -> bytes:
        time.sleep(SLOW / 6)
        return part(reader, file, size)

    monkeypatch.setattr(PartReader, "_part", slowly)
    with watched(world) as seen:
        host.put(path, content, sending)
    assert service.count("part") == 0
    # It is listed as failed until it is taken up.
    assert len(seen) > 20
    assert "interrupted" not in seen


# --- stopping -----------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["hang", "deaf"])
def test_who_stops_gives_the_upload_up(
    fault: str, host: S3Host, service: S3Server, world: World, tmp_path: Path
) -> None:
    path, content = a_file(world, tmp_path, 3 * PART)
    service.hang = 20.0
    service.fault = lambda call: fault if call.what == "part" and call.ordinal > 1 else ""
    began = time.monotonic()

    def heed() -> None:
        if time.monotonic() - began > 0.7:
            raise Stop

    with pytest.raises(Stop):
        host.put(path, content, Sending(heed=heed, uploads=world.acme.uploads))
    assert time.monotonic() - began < 2.5
    (upload,) = world.acme.uploads.all()
    assert (upload.state, len(upload.parts)) == ("interrupted", 1)
    service.hang = SLOW
    service.forget()
    host.put(path, content, Sending(uploads=world.acme.uploads))
    assert service.count("part") == 2
    assert list(world.acme.uploads.all()) == []


@pytest.mark.parametrize("is_deaf", [False, True], ids=["answering", "silent"])
def test_who_stops_without_a_journal_takes_the_parts_back(
    is_deaf: bool, host: S3Host, service: S3Server, world: World, tmp_path: Path
) -> None:
    """Nobody would go on with them; but nobody waits long for that either."""
    path, content = a_file(world, tmp_path, 3 * PART)
    service.hang = 20.0
    deaf = ("part", "abort") if is_deaf else ("part",)
    service.fault = lambda call: "hang" if call.what in deaf else ""
    began = time.monotonic()

    def heed() -> None:
        if service.count("part"):
            raise Stop

    before = service.unfinished
    with pytest.raises(Stop):
        host.put(path, content, Sending(heed=heed))
    assert time.monotonic() - began < 4
    assert service.unfinished - before == int(is_deaf)
    service.hang = SLOW


def test_a_read_that_is_left_does_not_keep_anybody(
    service: S3Server, world: World, tmp_path: Path
) -> None:
    """Closing an answer waits for whoever reads it."""
    service.forget()
    host = service.host(timeout=30.0, verify="read")
    host.part_size = PART
    path, content = a_file(world, tmp_path, 3 * PART)
    reading = threading.Event()

    class Body:
        def read(self, size: int) -> bytes:
            reading.set()
            time.sleep(10)
            return b""

        def close(self) -> None:
            time.sleep(10)

    client = host._bucket._client.made()
    client.get_object = lambda **_: {"Body": Body()}

    def heed() -> None:
        if reading.is_set():
            raise Stop

    began = time.monotonic()
    with pytest.raises(Stop):
        host.put(path, content, Sending(heed=heed, uploads=world.acme.uploads))
    assert time.monotonic() - began < 4
    host.close()


class Uploads:
    """Counts the signs of life, and takes the upload away where it is told to."""

    def __init__(self) -> None:
        self.extended: list[float] = []
        self.is_lost = False

    def extend(self, upload_id: str, *, seconds: float) -> None:
        if self.is_lost:
            raise LibraryLocked("another vidctl took this upload over")
        self.extended.append(seconds)

    def save_part(self, upload_id: str, part: SentPart, *, seconds: float) -> None:
        self.extended.append(seconds)


def test_signs_of_life_are_few_and_in_time() -> None:
    now = 0.0
    uploads: Any = Uploads()
    upload: Any = type("Upload", (), {"id": "1", "remote_id": "", "part_size": 0, "parts": {}})()
    journal = Journal(PART, uploads, upload, clock=lambda: now)
    for _ in range(1000):
        now += 0.1
        journal.tick()
    assert uploads.extended == [60.0] * 6
    journal.save(SentPart(0, 0, 5))
    now += 14
    journal.tick()
    assert len(uploads.extended) == 7, "a part that arrived is a sign of life"
    uploads.is_lost = True
    now += 2
    with pytest.raises(LibraryLocked):
        journal.tick()
