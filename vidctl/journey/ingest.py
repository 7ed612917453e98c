"""Take one media file in: probe, hash, send, thumbnail, then one transaction that says so.

Everything before the transaction can be repeated: names on a host come from hashes. So a process
killed at any point leaves either nothing in the library or the whole item, and running the same
command again finishes the work.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl import failpoints
from vidctl.catalog.items import add_item
from vidctl.errors import Conflict
from vidctl.files import as_text, sha256_of
from vidctl.ids import new_id
from vidctl.journey.examine import Examined, MediaFile, examine, remember
from vidctl.journey.holds import Holds
from vidctl.journey.prepare import Prepared, Workshop, title_of, type_of
from vidctl.journey.send import Terms
from vidctl.model.event import Event
from vidctl.model.media import MediaRow
from vidctl.model.thing import Thing
from vidctl.model.upload import ITEM
from vidctl.ports import MediaHost, Store
from vidctl.progress import Report

if TYPE_CHECKING:
    from vidctl.media.sandbox import Sandbox

PLAIN = Terms()


@dataclass(frozen=True, slots=True)
class Details:
    """What the person says about the files of an upload; empty means "find out"."""

    type: str = ""
    title: str = ""
    properties: dict[str, Any] = field(default_factory=dict)
    is_published: bool = False
    captions: tuple[Path, ...] = ()

    def record(self) -> dict[str, Any]:
        """Return what ``of`` makes the same details from, as values that JSON has."""
        return {
            "type": self.type,
            "title": self.title,
            "properties": self.properties,
            "isPublished": self.is_published,
            "captions": [as_text(str(path.absolute())) for path in self.captions],
            "captionHashes": [sha256_of(path) for path in self.captions],
        }

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Details:
        """Make details of what ``record`` returned."""
        return cls(
            type=record["type"],
            title=record["title"],
            properties=record["properties"],
            is_published=record["isPublished"],
            captions=tuple(Path(path) for path in record["captions"]),
        )


@dataclass(frozen=True, slots=True)
class Ingested:
    """An item that is in the library; ``is_new`` is false when its bytes were there before.

    ``elsewhere`` names the host that has bytes which were there before, when it is not the one
    asked for; ``is_former`` tells that they are a former version's. ``restored`` is how many files
    had gone from the host and were put back. ``warnings`` are about the file.
    """

    thing: Thing
    is_new: bool
    size: int
    duration: float
    elsewhere: str = ""
    is_former: bool = False
    restored: int = 0
    warnings: tuple[str, ...] = ()


def ingest(
    file: MediaFile,
    details: Details,
    *,
    store: Store,
    host: MediaHost,
    sandbox: Sandbox,
    actor: Thing,
    report: Report,
    now: Callable[[], int],
    terms: Terms = PLAIN,
) -> Ingested:
    """Take a file into the scope's home group and return the item.

    Raises what ``examine`` and ``MediaHost.put`` raise, and LimitReached where the terms do not
    admit another item; then nothing is recorded.
    """
    began = time.monotonic()
    seen = examine(file, store=store, sandbox=sandbox, terms=terms, report=report)
    with (
        terms.alone(seen.sha256),
        Holds(store, ITEM, details=resumable(file, details, terms)) as holds,
    ):
        shop = Workshop(
            store=store, host=host, sandbox=sandbox, terms=terms, report=report, holds=holds
        )
        if seen.held is not None and seen.row is not None:
            remember(seen, store)
            restored = _restore(seen, seen.held, details, shop)
            return _known(seen, seen.held, seen.row, host, restored)
        found = _found(store, seen)
        if found is not None:  # another thread was quicker
            return _known(seen, *found, host)
        with terms.admit():
            assert seen.probe is not None
            type = type_of(details.type, seen.probe)
            captions = details.captions or terms.captions(file.path)
            prepared = shop.prepare(seen, type, captions)
            try:
                thing = _record(prepared, details, type, shop, actor, now, began)
            except Conflict:
                # Another process took the same bytes in while this one sent them.
                found = _found(store, seen)
                if found is None:
                    raise
                return _known(seen, *found, host)
            failpoints.reach("upload.recorded")
    return Ingested(thing, True, seen.size, seen.duration, warnings=prepared.warnings)


def _found(store: Store, seen: Examined) -> tuple[Thing, MediaRow] | None:
    row = store.media.by_hash(seen.sha256)
    return None if row is None else (store.things.get(row.thing_id), row)


def _known(
    seen: Examined, thing: Thing, row: MediaRow, host: MediaHost, restored: int = 0
) -> Ingested:
    return Ingested(
        thing,
        False,
        seen.size,
        seen.duration,
        elsewhere="" if row.host == host.name else row.host,
        is_former=row.role == "version",
        restored=restored,
    )


def _restore(seen: Examined, held: Thing, details: Details, shop: Workshop) -> int:
    """Put bytes back that have gone from the host since the item was taken in; return how many.

    A service is only asked when every file is to be read: a look costs a request.
    """
    host = shop.host
    if not host.is_local and not shop.terms.is_rereading:
        return 0
    restored = 0
    for row in shop.store.media.of(held.id):
        if row.host != host.name or host.exists(row.locator, size=row.size):
            continue
        if row.role in ("source", "version") and row.sha256 == seen.sha256:
            shop.put(seen, row.content)
        elif row.role == "thumbnail":
            shop.thumbnail(seen)
        elif row.role == "captions":
            for caption in details.captions or shop.terms.captions(seen.file.path):
                shop.captions(seen, caption)
        restored += host.exists(row.locator, size=row.size)
    return restored


def resumable(file: MediaFile, details: Details, terms: Terms) -> dict[str, Any]:
    """Return what somebody needs to know who goes on with an upload that broke off."""
    return {
        **details.record(),
        "takesTruncated": terms.takes_truncated,
        "measuresLoudness": terms.measures_loudness,
        "isPartialUrl": file.is_partial_url,
    }


def uploaded(prepared: Prepared, actor: Thing, began: float, **more: Any) -> Event:
    """Return the event that says that bytes arrived; ``began`` is a monotonic time in seconds."""
    probed, stored = prepared.probe, prepared.stored
    return Event(
        "content_event",
        "video_uploaded",
        actor_id=actor.id,
        metadata={
            "size": probed.size,
            "format": probed.format,
            "duration": round(probed.duration, 3),
            "processingTime": round(time.monotonic() - began, 3),
            "mediaType": probed.kind,
            "sha256": stored.sha256,
            "host": stored.host,
            **more,
        },
    )


def _record(
    prepared: Prepared,
    details: Details,
    type: str,
    shop: Workshop,
    actor: Thing,
    now: Callable[[], int],
    began: float,
) -> Thing:
    store = shop.store
    with store.transaction():
        thing = add_item(
            store=store,
            actor=actor,
            type=type,
            name=details.title or title_of(prepared.seen, prepared.probe),
            properties={**prepared.described, **prepared.properties, **details.properties},
            status="published" if details.is_published else "draft",
            now=now,
            thing_id=new_id(),
            events=[uploaded(prepared, actor, began)],
        )
        for row in prepared.rows(thing.group_id, thing.id):
            store.media.add(row)
        shop.holds.settle()
    return thing
