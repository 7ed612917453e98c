"""Look at a file before it is taken in: what it is, and whether its bytes are here already."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import LimitReached, TruncatedMedia
from vidctl.files import as_text, read_errors, sha256_of
from vidctl.journey.send import Terms
from vidctl.model.media import MediaRow, Probe
from vidctl.model.thing import Thing
from vidctl.ports import Store
from vidctl.progress import Report
from vidctl.timecode import clock

if TYPE_CHECKING:
    from vidctl.media.sandbox import Sandbox

# A file that was written this short a time ago may be written again without its time changing.
RACY_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class MediaFile:
    """A file to take in: what people call it, and the address that it was fetched from, if any.

    ``is_partial_url`` tells that the address had more to it, which may be a token and is not kept.
    """

    path: Path
    label: str
    url: str = ""
    is_partial_url: bool = False

    @property
    def name(self) -> str:
        """The file's own name, as text."""
        return as_text(self.path.name)

    @property
    def origin(self) -> str:
        """Where the bytes come from, as people know it."""
        return self.url or str(self.path)


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known about a file. ``probe`` is None where memory made reading it needless.

    ``held`` is the item that has these bytes, ``row`` where they are; ``memory`` is what a media
    row keeps to know the file again.
    """

    file: MediaFile
    size: int
    sha256: str
    memory: dict[str, Any]
    probe: Probe | None = None
    held: Thing | None = None
    row: MediaRow | None = None

    @property
    def duration(self) -> float:
        """How long it lasts, in seconds; 0.0 where nobody has looked."""
        if self.probe is not None:
            return self.probe.duration
        return 0.0 if self.held is None else float(self.held.properties.get("duration", 0.0))


def examine(
    file: MediaFile, *, store: Store, sandbox: Sandbox, terms: Terms, report: Report
) -> Examined:
    """Probe and hash a file, and look for its bytes in the home group.

    A file with the path, size, time and number that it had when it was taken in is not read
    again. Raises InvalidMedia, TruncatedMedia (unless the terms take it), LimitReached for a new
    file that is too long, NotFound, PermissionRefused and StorageFailed.
    """
    with read_errors(file.path):
        status = file.path.stat()
    memory = _memory(file, status.st_size, status.st_mtime_ns, status.st_ino)
    if not terms.is_rereading:
        row = _unchanged(file, memory, store)
        thing = store.things.find(row.thing_id) if row is not None else None
        if row is not None and thing is not None:
            return Examined(file, row.size, row.sha256, memory, held=thing, row=row)
    report.step(file.label, "probe")
    probed = sandbox.probe(file.path)
    if probed.truncated and not terms.takes_truncated:
        raise TruncatedMedia(
            f"the file ends early: about {probed.duration:.0f} s of it can be read",
            hint="copy or download it again; --allow-truncated takes it as it is",
        )

    def advance(done: float, total: float) -> None:
        terms.heed()
        report.advance(file.label, done, total)

    report.step(file.label, "hash")
    sha256 = sha256_of(file.path, advance)
    row = store.media.by_hash(sha256)
    if row is not None:
        thing = store.things.get(row.thing_id)
        return Examined(file, probed.size, sha256, memory, probed, thing, row)
    if terms.longest and probed.duration > terms.longest:
        raise LimitReached(
            f"it lasts {clock(probed.duration)}, and the limit is {clock(terms.longest)}",
            hint="raise --max-duration, or leave the file out",
        )
    return Examined(file, probed.size, sha256, memory, probed)


def _memory(file: MediaFile, size: int, changed_ns: int, number: int) -> dict[str, Any]:
    """Return what to keep of a file, so that it is recognised; a row names its size itself."""
    if file.url:
        return {"url": file.url}
    kept: dict[str, Any] = {"path": as_text(str(file.path.absolute()))}
    if time.time_ns() - changed_ns > RACY_NS:
        kept |= {"size": size, "changedNs": changed_ns, "inode": number}
    return kept


def _unchanged(file: MediaFile, memory: dict[str, Any], store: Store) -> MediaRow | None:
    if "changedNs" not in memory:
        return None
    row = store.media.by_file(file.name, memory["path"])
    return row if row is not None and row.metadata == memory else None


def remember(seen: Examined, store: Store) -> None:
    """Keep up with a file whose time changed though its bytes did not."""
    row, memory = seen.row, seen.memory
    if row is None or "changedNs" not in memory or row.metadata == memory:
        return
    if row.metadata.get("path") == memory["path"]:
        store.media.annotate(row.id, memory)
