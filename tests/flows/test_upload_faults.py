"""A service that misbehaves: what is said to be stored is stored, and once; else an error says so.

Every fault of the stand-in at every place of an upload, and a file of twelve parts that is cut,
or whose sender is killed, at each of them.
"""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.cloudinary import FAULTS, CloudinaryServer
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
from vidctl.hosts.cloudinary import CloudinaryHost
from vidctl.model.media import Content
from vidctl.ports import Sending
from vidctl.retry import Retry

PART = 1 << 16
SMALL, LARGE, LONG = 5_000, 3 * PART + 1_000, 11 * PART + 30_000
# What an upload ends in when one of its requests meets a fault; not named is success.
ENDS = {
    **{"400": RemoteFailed, "401": KeyRefused, "403": KeyRefused, "404": NotFound},
    **{"409": Conflict, "420": RateLimited},
}
SPOILS = {"flip": NotVerified, "truncate": NotVerified, "lie": NotVerified}
# What it ends in when all of its requests do.
ALWAYS = {
    **ENDS,
    **SPOILS,
    "429": RateLimited,
    **dict.fromkeys(("cut", "hang", "500", "502", "503", "not_json"), RemoteUnavailable),
}
# Where the one fault strikes: at a request of that sort, counted from 0.
PLACES = {
    "small": (SMALL, "upload", 0),
    "first": (LARGE, "upload", 0),
    "middle": (LARGE, "upload", 2),
    "last": (LARGE, "upload", 3),
}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    path = tmp_path / "library.db"
    world = World(path, make_library(path))
    yield world
    world.close()


@pytest.fixture
def service() -> Iterator[CloudinaryServer]:
    with CloudinaryServer(least_part=PART) as server:
        yield server


def host_at(
    service: CloudinaryServer, *, attempts: int = 4, fault: str = "", **options: object
) -> CloudinaryHost:
    """Make a host that never pauses; only where nobody answers it does not wait long."""
    host = service.host(timeout=0.5 if fault == "hang" else 20.0, **options)
    host.retry = Retry(attempts=attempts, base=0.0, cap=0.0)
    return host


def make_file(folder: Path, size: int, group: str) -> tuple[Path, Content]:
    path = folder / "talk.mp4"
    path.write_bytes(random.Random(size).randbytes(size))
    return path, Content(group, hashlib.sha256(path.read_bytes()).hexdigest(), size, ".mp4")


def strike(service: CloudinaryServer, what: str, count: int, fault: str) -> None:
    """Let one fault meet the request number ``count`` of a sort."""

    def choose(call: dict[str, object]) -> str:
        is_it = call["what"] == what and len(service.of(what)) == count + 1
        return fault if is_it else ""

    service.fault = choose


def attempt(
    host: CloudinaryHost, source: tuple[Path, Content], world: World
) -> type[VidctlError] | None:
    """Send a file and return how it ended; success must be true."""
    path, content = source
    try:
        stored = host.put(path, content, Sending(uploads=world.acme.uploads))
    except VidctlError as error:
        return type(error)
    assert (stored.sha256, stored.size) == (content.sha256, content.size)
    return None


def is_whole(service: CloudinaryServer, source: tuple[Path, Content]) -> bool:
    """Tell whether the service holds one asset, and that is the file."""
    (place,) = service.assets
    return service.content(*place) == source[0].read_bytes()


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("fault", FAULTS)
def test_one_fault(
    fault: str, place: str, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    size, what, count = PLACES[place]
    source = make_file(tmp_path, size, world.acme.scope.home)
    host = host_at(service, fault=fault, verify="read" if fault == "lie" else "checksum")
    strike(service, what, count, fault)
    ended = attempt(host, source, world)
    is_final = place in ("small", "last")
    assert ended is (SPOILS if is_final else {}).get(fault, ENDS.get(fault))
    if ended is None:
        assert is_whole(service, source)
    else:
        assert service.assets == {}
    # Whatever happened, the same command again brings it to its end.
    service.fault = None
    assert attempt(host, source, world) is None
    assert is_whole(service, source)
    assert list(world.acme.uploads.all()) == []
    host.close()


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("fault", sorted(ALWAYS))
def test_a_fault_that_stays(
    fault: str, size: int, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    source = make_file(tmp_path, size, world.acme.scope.home)
    host = host_at(
        service, attempts=2, fault=fault, verify="read" if fault == "lie" else "checksum"
    )
    service.fault = lambda call: fault if call["what"] == "upload" else ""
    assert attempt(host, source, world) is ALWAYS[fault]
    assert service.assets == {}
    service.fault = None
    assert attempt(host, source, world) is None
    assert is_whole(service, source)
    host.close()


ASKING = ("cut", "hang", "lost", "420", "429", "500", "503", "not_json")


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("fault", ASKING)
def test_a_fault_while_asking_what_is_there(
    fault: str, size: int, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    source = make_file(tmp_path, size, world.acme.scope.home)
    host = host_at(service, attempts=2, fault=fault)
    service.fault = lambda call: fault if call["what"] == "resource" else ""
    assert attempt(host, source, world) is None
    assert attempt(host, source, world) is None
    assert is_whole(service, source)
    host.close()


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("fault", ["cut", "hang", "429", "500", "503", "404"])
def test_a_fault_while_reading_back(
    fault: str, size: int, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    source = make_file(tmp_path, size, world.acme.scope.home)
    host = host_at(service, fault=fault, verify="read")
    strike(service, "delivery", 0, fault)
    assert attempt(host, source, world) is None
    assert is_whole(service, source)
    host.close()


@pytest.mark.parametrize("first", ["lost", "cut", "503"])
@pytest.mark.parametrize("then", ["lost", "cut", "503", "flip", "twice"])
def test_two_faults_in_a_row(
    first: str, then: str, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    source = make_file(tmp_path, LARGE, world.acme.scope.home)
    host = host_at(service)
    faults = ["", "", "", first, then]
    service.fault = lambda call: faults.pop(0) if call["what"] == "upload" and faults else ""
    ended = attempt(host, source, world)
    assert ended is (NotVerified if then == "flip" and first != "lost" else None)
    if ended is not None:
        assert service.assets == {}
        assert attempt(host, source, world) is None
    assert is_whole(service, source)
    host.close()


# --- a file of twelve parts ---------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["cut", "lost"])
@pytest.mark.parametrize("part", range(12))
def test_a_cut_connection_costs_one_part(
    part: int, fault: str, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    """The first command fails; the second one goes on."""
    source = make_file(tmp_path, LONG, world.acme.scope.home)
    strike(service, "upload", part, fault)
    assert attempt(host_at(service, attempts=1), source, world) is RemoteUnavailable
    assert len(service.of("upload")) == part + 1
    (row,) = world.acme.uploads.all()
    assert row.sent == part * PART
    assert attempt(host_at(service), source, world) is None
    assert len(service.of("upload")) <= 12 + 1
    assert is_whole(service, source)
    assert list(world.acme.uploads.all()) == []


@pytest.mark.parametrize("seed", range(6))
def test_cuts_again_and_again(
    seed: int, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    """Each cut costs one part at most, however many there are."""
    chance = random.Random(seed)
    source = make_file(tmp_path, LONG, world.acme.scope.home)
    cuts = sorted(chance.sample(range(12), 4))
    service.fault = lambda call: (
        chance.choice(["cut", "lost", "500"])
        if call["what"] == "upload" and len(service.of("upload")) - 1 in cuts
        else ""
    )
    while attempt(host_at(service, attempts=1), source, world) is not None:
        assert len(service.of("upload")) <= 12 + len(cuts)
    assert len(service.of("upload")) <= 12 + len(cuts)
    assert len({call["upload_id"] for call in service.of("upload")}) == 1
    assert is_whole(service, source)


SEND = """
import sys
from pathlib import Path
from vidctl.hosts.cloudinary import CloudinaryHost
from vidctl.model.media import Content
from vidctl.model.scope import Scope
from vidctl.ports import Sending
from vidctl.store.sqlite import SqliteLibrary
api, key, path, library, group, sha256, size = sys.argv[1:]
store = SqliteLibrary(Path(library)).open(Scope.only(group))
host = CloudinaryHost("cloudinary", {"api": api, "part_mb": 1 / 16, "timeout": 20}, lambda: key)
host.put(Path(path), Content(group, sha256, int(size), ".mp4"), Sending(uploads=store.uploads))
"""


@pytest.mark.parametrize("fault", ["cut", "lost"])
@pytest.mark.parametrize("part", range(12))
def test_a_killed_sender_costs_one_part(
    part: int, fault: str, service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    """The process dies for good, before or after the service has taken the part."""
    path, content = make_file(tmp_path, LONG, world.acme.scope.home)
    words = [service.address, service.key_text, path, world.path, content.group_id]
    senders: list[subprocess.Popen[bytes]] = []
    is_started = threading.Event()

    def kill(call: dict[str, object]) -> str:
        if call["what"] != "upload" or len(service.of("upload")) != part + 1:
            return ""
        is_started.wait(60)
        senders[0].send_signal(signal.SIGKILL)
        senders[0].wait()
        return fault

    # The service reads what a dead process sent only where the kernel has all of it.
    service.fault = kill if fault == "cut" else None
    if fault == "lost":
        take = service.take

        def taken(call: dict[str, object], *rest: object) -> object:
            answer = take(call, *rest)  # type: ignore[arg-type]
            kill(call)
            return answer

        service.take = taken  # type: ignore[method-assign,assignment]
    command = [sys.executable, "-c", SEND, *words, content.sha256, content.size]
    senders.append(subprocess.Popen([str(word) for word in command]))
    is_started.set()
    assert senders[0].wait(60) == -signal.SIGKILL
    assert len(service.of("upload")) == part + 1
    service.fault = None
    host = host_at(service)
    assert attempt(host, (path, content), world) is None
    assert len(service.of("upload")) <= 12 + 1
    assert is_whole(service, (path, content))
    assert list(world.acme.uploads.all()) == []
    host.close()


def test_a_service_that_forgot_the_upload_gets_it_anew(
    service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    source = make_file(tmp_path, LONG, world.acme.scope.home)
    strike(service, "upload", 6, "cut")
    assert attempt(host_at(service, attempts=1), source, world) is RemoteUnavailable
    service.fault = None
    service.forget_uploads()
    assert attempt(host_at(service), source, world) is None
    assert is_whole(service, source)
    assert len({call["upload_id"] for call in service.of("upload")}) == 2
    assert list(world.acme.uploads.all()) == []


def test_another_part_size_does_not_confuse_what_was_begun(
    service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    source = make_file(tmp_path, LONG, world.acme.scope.home)
    strike(service, "upload", 6, "cut")
    assert attempt(host_at(service, attempts=1), source, world) is RemoteUnavailable
    service.fault = None
    assert attempt(host_at(service, part_mb=0.25), source, world) is None
    assert is_whole(service, source)
    assert list(world.acme.uploads.all()) == []


def test_a_file_that_changed_in_between_starts_anew(
    service: CloudinaryServer, world: World, tmp_path: Path
) -> None:
    path, content = make_file(tmp_path, LONG, world.acme.scope.home)
    strike(service, "upload", 6, "cut")
    assert attempt(host_at(service, attempts=1), (path, content), world) is RemoteUnavailable
    service.fault = None
    path.write_bytes(path.read_bytes()[::-1])
    assert attempt(host_at(service), (path, content), world) is Conflict
    assert service.assets == {}
    assert list(world.acme.uploads.all()) == []
    changed = Content(content.group_id, hashlib.sha256(path.read_bytes()).hexdigest(), LONG, ".mp4")
    assert attempt(host_at(service), (path, changed), world) is None
    assert is_whole(service, (path, changed))
