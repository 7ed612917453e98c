"""The media hosts under test, each with what a test may look at and do behind its back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from servers.cloudinary import CloudinaryServer
from servers.s3 import ACCESS, S3Server, running_s3

from vidctl.errors import MissingKey
from vidctl.hosts.cloudinary import CloudinaryHost
from vidctl.hosts.folder import FolderHost
from vidctl.hosts.s3 import S3Host
from vidctl.ports import MediaHost
from vidctl.registry import HOSTS

# Parts of the hosts that send in parts, in bytes.
PART = 64 << 10


@dataclass(frozen=True)
class Place:
    """A host and what is behind it.

    ``held`` are the bytes that it holds; ``damage`` changes what is at a locator; ``sent`` are
    the sizes of what it was sent, whole files or parts; ``unfinished`` counts transfers that
    neither ended nor were dropped. ``break_part`` makes the connection end in the nth part, before
    the part counts or, with True, after. ``wrong`` and ``keyless`` are the same host with a wrong
    key and with none, and ``secrets`` is what no message may hold.
    """

    host: MediaHost
    held: Callable[[], list[bytes]]
    damage: Callable[[str, bytes], None]
    sent: Callable[[], list[int]]
    unfinished: Callable[[], int]
    break_part: Callable[[int, bool], None]
    wrong: MediaHost
    keyless: MediaHost
    secrets: tuple[str, ...]
    takes_empty: bool = True


def no_key() -> str:
    """Be asked for a key that there is not."""
    raise MissingKey("there is no key")


@contextmanager
def folder(place: Path) -> Iterator[Place]:
    """A folder; it asks for no key and copies in one go."""
    root = place / "media"
    host = FolderHost(root)

    def files() -> list[bytes]:
        return [path.read_bytes() for path in root.rglob("*") if path.is_file()]

    yield Place(
        host=host,
        held=files,
        damage=lambda locator, data: (root / locator).write_bytes(data) and None,
        sent=lambda: [path.stat().st_ino for path in root.rglob("*") if path.is_file()],
        unfinished=lambda: 0,
        break_part=lambda ordinal, is_after: None,
        wrong=host,
        keyless=host,
        secrets=(),
    )


@contextmanager
def s3(place: Path) -> Iterator[Place]:
    """A bucket of a service on this machine."""
    wrong = "AKIAWRONG0000000001:wr0ng/secret+of-somebody"
    with running_s3() as server:
        host = server.host(prefix="media/of-vidctl", parallel=1)
        hosts = [host, server.host(key=wrong), server.host(key=f"{ACCESS}:wr0ng/secret")]
        settings = {
            "bucket": server.bucket,
            "endpoint": server.address,
            "prefix": "media/of-vidctl",
        }
        keyless = S3Host.configured("s3", settings, no_key)

        def break_part(ordinal: int, is_after: bool) -> None:
            _break(server, ordinal, "lost" if is_after else "body")

        yield Place(
            host=host,
            held=lambda: list(server.objects.values()),
            damage=lambda locator, data: server.damage(f"media/of-vidctl/{locator}", data),
            sent=lambda: [call.size for call in server.calls if call.what in ("put", "part")],
            unfinished=lambda: server.unfinished,
            break_part=break_part,
            wrong=hosts[1],
            keyless=keyless,
            secrets=tuple(wrong.split(":")),
        )
        for each in hosts:
            each.close()


def _break(server: S3Server, ordinal: int, fault: str) -> None:
    begun = server.count("part")
    server.fault = lambda call: (
        fault if (call.what, call.ordinal) == ("part", begun + ordinal) else ""
    )


@contextmanager
def cloudinary(place: Path) -> Iterator[Place]:
    """A cloud on this machine."""
    wrong = "cloudinary://161803398874989:wr0ng-secret-of-somebody@demo"
    with CloudinaryServer(least_part=PART) as server:
        host = server.host()
        settings = {"api": server.address, "cloud": "demo"}
        other = CloudinaryHost.configured("cloudinary", settings, lambda: wrong)
        other.sleep = host.sleep

        def damage(locator: str, data: bytes) -> None:
            kind, _, name = locator.partition("/")
            server.damage(kind, name.rpartition(".")[0], data)

        def break_part(ordinal: int, is_after: bool) -> None:
            until = len(server.of("upload")) + ordinal
            fault = "lost" if is_after else "cut"
            server.fault = lambda call: (
                fault if call["what"] == "upload" and len(server.of("upload")) == until else ""
            )

        yield Place(
            host=host,
            held=lambda: [server.content(*name) for name in server.assets],
            damage=damage,
            sent=lambda: [call["bytes"] for call in server.of("upload")],
            unfinished=lambda: len(server.uploads),
            break_part=break_part,
            wrong=other,
            keyless=CloudinaryHost.configured("cloudinary", settings, no_key),
            secrets=("161803398874989", "wr0ng-secret-of-somebody"),
            takes_empty=False,
        )
        host.close()
        other.close()


MAKERS: dict[str, Callable[[Path], AbstractContextManager[Place]]] = {
    "cloudinary": cloudinary,
    "folder": folder,
    "s3": s3,
}
REMOTE = sorted(MAKERS.keys() - {"folder"})

assert MAKERS.keys() == HOSTS.keys(), "each registered host has a place here"
