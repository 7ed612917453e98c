"""An S3 that breaks off, lies, damages and refuses: nothing wrong is ever taken for sent."""

from __future__ import annotations

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.s3 import Call, S3Server, running_s3
from stores import World, make_library

from vidctl.errors import (
    Conflict,
    KeyRefused,
    NotFound,
    NotVerified,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    VidctlError,
)
from vidctl.hosts.s3 import S3Host
from vidctl.model.media import Content
from vidctl.ports import Sending
from vidctl.retry import Retry

GROUP = "01jgzzzzzz7000000000000000"
PART = 4096
SIZES = {"small": PART - 100, "large": 3 * PART - 100}

# What the host makes of a fault that happens each time.
LASTING: dict[str, type[VidctlError]] = {
    **dict.fromkeys(("cut", "body", "lost", "answer", "hang"), RemoteUnavailable),
    **dict.fromkeys(("500", "502", "400", "409", "digest"), RemoteUnavailable),
    **dict.fromkeys(("503", "429"), RateLimited),
    **dict.fromkeys(("403", "key", "signature"), KeyRefused),
    **dict.fromkeys(("skew", "large"), RemoteFailed),
    "bucket": NotFound,
    "flip": NotVerified,
    "truncate": NotVerified,
    "wrong_size": NotVerified,
}
# What a second try puts right, and what needs none.
PASSING = {
    *("cut", "body", "lost", "answer", "hang", "500", "502", "503", "429", "400", "409", "digest"),
    *("twice", "wrong_etag", "501"),
}
ANY = ("cut", "lost", "hang", "500", "502", "503", "429", "skew", "twice", "key")
STEPS = {
    ("small", "head", 1): ANY,
    ("small", "put", 1): (
        *(*ANY, "body", "flip", "truncate", "digest", "400", "409", "501", "page", "large"),
        *("bucket", "signature", "403"),
    ),
    ("small", "head", 2): (*ANY, "wrong_size", "wrong_etag"),
    ("large", "begin", 1): (*ANY, "answer", "page", "bucket", "403"),
    ("large", "part", 2): (
        *(*ANY, "body", "flip", "truncate", "digest", "400", "page", "forgotten", "large"),
    ),
    ("large", "complete", 1): (*ANY, "answer", "409", "501", "page", "forgotten"),
    ("large", "head", 2): (*ANY, "wrong_size", "wrong_etag"),
    ("large", "list_uploads", 1): ("cut", "lost", "500", "503", "403", "page"),
}
CASES = [(*step, fault) for step, faults in STEPS.items() for fault in faults]


@pytest.fixture(scope="module")
def service() -> Iterator[S3Server]:
    with running_s3() as server:
        server.hang = 2.0
        yield server


@pytest.fixture(scope="module")
def _host(service: S3Server) -> Iterator[S3Host]:
    host = service.host(timeout=0.5, parallel=1)
    host.part_size = PART
    yield host
    host.close()


@pytest.fixture
def host(_host: S3Host, service: S3Server) -> S3Host:
    service.forget()
    _host.retry = Retry(attempts=3)
    return _host


def a_file(folder: Path, size: int) -> tuple[Path, bytes, Content]:
    data = os.urandom(size)
    path = folder / "talk.mp4"
    path.write_bytes(data)
    return path, data, Content(GROUP, hashlib.sha256(data).hexdigest(), size, ".mp4")


def outcome(host: S3Host, source: Path, content: Content) -> VidctlError | None:
    try:
        host.put(source, content)
    except VidctlError as error:
        return error
    return None


@pytest.mark.parametrize("is_lasting", [False, True], ids=["once", "always"])
@pytest.mark.parametrize(("size", "what", "ordinal", "fault"), CASES)
def test_a_fault(
    size: str,
    what: str,
    ordinal: int,
    fault: str,
    is_lasting: bool,
    host: S3Host,
    service: S3Server,
    tmp_path: Path,
) -> None:
    source, data, content = a_file(tmp_path, SIZES[size])

    def choose(call: Call) -> str:
        is_it = call.what == what and (
            call.ordinal >= ordinal if is_lasting else call.ordinal == ordinal
        )
        return fault if is_it else ""

    service.fault = choose
    error = outcome(host, source, content)
    assert [call.fault for call in service.calls if call.fault], "the fault never happened"
    held = service.objects.get(host.locate(content))
    assert held in ((data,) if error is None else (data, None))
    if what == "list_uploads" or (not is_lasting and fault in PASSING):
        assert error is None
    elif is_lasting and fault in LASTING and (what, fault) != ("complete", "409"):
        assert isinstance(error, LASTING[fault]), error
    assert "s3cr3t" not in str(error)

    # What failed goes through as soon as the service is well again.
    service.forget()
    host.put(source, content)
    assert service.objects[host.locate(content)] == data
    assert service.unfinished == 0
    host.remove(host.locate(content))


def test_there_are_enough_faults() -> None:
    assert len(CASES) * 2 >= 150


# --- reading ------------------------------------------------------------------------------------

READING = {
    **dict.fromkeys(("cut", "lost", "answer", "hang", "500", "502"), RemoteUnavailable),
    **dict.fromkeys(("503", "429"), RateLimited),
    **dict.fromkeys(("403", "key"), KeyRefused),
    **dict.fromkeys(("spoil", "page"), NotVerified),
    "skew": RemoteFailed,
    "bucket": NotFound,
}


@pytest.mark.parametrize("is_lasting", [False, True], ids=["once", "always"])
@pytest.mark.parametrize("fault", READING)
def test_a_fault_while_reading(
    fault: str, is_lasting: bool, host: S3Host, service: S3Server, tmp_path: Path
) -> None:
    source, data, content = a_file(tmp_path, 100_000)
    locator = host.put(source, content).locator
    target = tmp_path / "back.mp4"
    service.forget()
    service.fault = lambda call: fault if is_lasting or call.ordinal == 1 else ""
    if not is_lasting and fault in PASSING:
        host.fetch(locator, target, content)
        assert target.read_bytes() == data
    else:
        with pytest.raises(READING[fault]):
            # The half of an answer is more than nothing: it is gone on from there.
            host.fetch(locator, target, content)
        assert not target.exists()
    assert {path.name for path in tmp_path.iterdir()} <= {"talk.mp4", "back.mp4"}


def test_a_reading_goes_on_where_it_broke(service: S3Server, tmp_path: Path) -> None:
    """It breaks more often than a request is tried, but much arrives each time."""
    service.forget()
    host = service.host()
    host.part_size, host.retry = 64 << 20, Retry(attempts=2)
    source, data, content = a_file(tmp_path, 20_000_000)
    locator = host.put(source, content).locator
    service.forget()
    service.faults.extend(["answer", "answer", "answer"])
    heard: list[float] = []
    host.fetch(locator, tmp_path / "back.mp4", content, lambda done, total: heard.append(done))
    assert (tmp_path / "back.mp4").read_bytes() == data
    assert heard == sorted(set(heard))
    assert service.count("get") == 4
    host.remove(locator)
    host.close()


# --- twelve parts -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    file = tmp_path_factory.mktemp("library") / "library.db"
    made = World(file, make_library(file))
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(50))
def test_twelve_parts_cut_in_one(
    seed: int, host: S3Host, service: S3Server, world: World, tmp_path: Path
) -> None:
    print(f"seed {seed}")
    chance = random.Random(seed)
    source, data, content = a_file(tmp_path, 12 * PART - chance.randrange(PART))
    content = Content(world.groups["acme"].id, content.sha256, content.size, ".mp4")
    cut_in = seed % 12 + 1
    fault = chance.choice(["cut", "body", "lost", "answer", "500"])
    service.fault = lambda call: fault if (call.what, call.ordinal) == ("part", cut_in) else ""
    sending = Sending(uploads=world.acme.uploads)
    host.retry = Retry(attempts=1)
    before = set(service.objects)
    try:
        host.put(source, content, sending)
    except RemoteUnavailable:
        assert len(world.acme.uploads.all()) == 1
        service.fault = None
        host.put(source, content, sending)
    made = {key: value for key, value in service.objects.items() if key not in before}
    assert made == {host.locate(content): data}
    assert 12 <= service.count("part") <= 13
    assert service.count("begin", "complete") == 2
    assert service.unfinished == 0
    assert list(host.orphans()) == []
    assert list(world.acme.uploads.all()) == []


# --- several at a time --------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["cut", "body", "lost", "500", "forgotten"])
def test_parts_side_by_side(fault: str, service: S3Server, world: World, tmp_path: Path) -> None:
    host = service.host(timeout=5.0, parallel=4)
    host.part_size, host.retry = PART, Retry(attempts=1)
    source, data, content = a_file(tmp_path, 12 * PART)
    content = Content(world.groups["acme"].id, content.sha256, content.size, ".mp4")
    service.forget()
    service.fault = lambda call: fault if (call.what, call.ordinal) == ("part", 6) else ""
    sending = Sending(uploads=world.acme.uploads)
    try:
        host.put(source, content, sending)
    except RemoteUnavailable:
        service.fault = None
        host.put(source, content, sending)
    host.close()
    assert service.objects[host.locate(content)] == data
    assert service.unfinished == 0
    # A transfer that the service forgot starts anew; else only what was on its way is sent again.
    assert service.count("part") <= (12 + 12 if fault == "forgotten" else 12 + 4)


def test_a_transfer_that_is_forgotten_again_and_again(
    host: S3Host, service: S3Server, tmp_path: Path
) -> None:
    source, _, content = a_file(tmp_path, 3 * PART)
    service.fault = lambda call: "forgotten" if call.what == "complete" else ""
    with pytest.raises(RemoteUnavailable, match="dropped the parts"):
        host.put(source, content)
    assert service.count("begin") == 2
    assert service.objects.get(host.locate(content)) is None
    service.forget()
    host.put(source, content)
    assert service.unfinished == 0


def test_a_conflict_drops_the_parts(host: S3Host, service: S3Server, tmp_path: Path) -> None:
    source, _, content = a_file(tmp_path, 3 * PART)
    source.write_bytes(source.read_bytes()[:-1] + b"\0")
    with pytest.raises(Conflict):
        host.put(source, content)
    assert service.count("part") == 3
    assert service.unfinished == 0
