"""Give an item another version of its media; everything that hangs on the item stays."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from vidctl import failpoints
from vidctl.catalog import items
from vidctl.errors import Conflict, InvalidMedia, NotFound, VidctlError
from vidctl.journey.examine import Examined, MediaFile, examine
from vidctl.journey.holds import Holds
from vidctl.journey.ingest import PLAIN, Details, resumable, uploaded
from vidctl.journey.letting_go import let_go
from vidctl.journey.prepare import Prepared, Workshop
from vidctl.journey.send import Terms
from vidctl.journey.transcribe import STAGE
from vidctl.model.media import MediaRow
from vidctl.model.thing import Thing
from vidctl.model.upload import REPLACE
from vidctl.ports import MediaHost, Store
from vidctl.progress import Report

if TYPE_CHECKING:
    from vidctl.media.sandbox import Sandbox

# What the bytes themselves decide; a new version has its own, or none.
OF_THE_BYTES = ("duration", "media", "loudness", "chapters", "sourceUrl")
# Rows that stay when the bytes they were made from are another version's.
LASTING = ("source", "copy", "version", "captions")


@dataclass(frozen=True, slots=True)
class Replaced:
    """An item and whether it has new media now; ``notes`` are what people should know."""

    thing: Thing
    is_new: bool
    size: int
    duration: float
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def replace_media(
    file: MediaFile,
    thing: Thing,
    details: Details,
    *,
    store: Store,
    host: MediaHost,
    named: Callable[[str], MediaHost],
    sandbox: Sandbox,
    actor: Thing,
    report: Report,
    now: Callable[[], int],
    terms: Terms = PLAIN,
) -> Replaced:
    """Make a file the media of an item; what it had becomes a former version and stays.

    ``named`` gives the host of a name. Nothing happens when the item has these bytes already.
    Raises Conflict when another item has them, InvalidMedia when a video would lose its picture,
    LibraryLocked while the item is being transcribed, and what ``ingest`` raises.
    """
    began = time.monotonic()
    terms = replace(terms, is_rereading=True)
    seen = examine(file, store=store, sandbox=sandbox, terms=terms, report=report)
    assert seen.probe is not None
    if not is_another_version(seen, thing):
        return Replaced(thing, False, seen.size, seen.duration)
    if thing.type == "video" and seen.probe.kind != "video":
        raise InvalidMedia(
            f"{thing.slug} is a video, and this file has no picture",
            hint="upload it as an item of its own",
        )
    known = resumable(file, details, terms)
    with (
        terms.alone(seen.sha256),
        Holds(store, REPLACE, thing_id=thing.id, details=known) as holds,
    ):
        shop = Workshop(
            store=store, host=host, sandbox=sandbox, terms=terms, report=report, holds=holds
        )
        captions = details.captions or terms.captions(file.path)
        prepared = shop.prepare(seen, thing.type, captions)
        change = _Change(shop, thing, prepared, named)
        saved = change.record(actor, now, began)
        failpoints.reach("upload.recorded")
    notes = change.clear()
    return Replaced(saved, True, seen.size, seen.duration, notes, prepared.warnings)


class _Change:
    """The one transaction of a replacement, and the clearing away after it."""

    def __init__(
        self, shop: Workshop, thing: Thing, prepared: Prepared, named: Callable[[str], MediaHost]
    ) -> None:
        self.store = store = shop.store
        self.holds = shop.holds
        self.thing = thing
        self.prepared = prepared
        self.named = named
        self.rows = store.media.of(thing.id)
        self.dropped: list[MediaRow] = []
        self.notes: list[str] = []

    def record(self, actor: Thing, now: Callable[[], int], began: float) -> Thing:
        former = next((row.sha256 for row in self.rows if row.role == "source"), "")
        event = uploaded(self.prepared, actor, began, replaces=former)
        changes = self._properties()
        with self.store.transaction():
            self._refresh()
            self._move_rows()
            self._void_transcript()
            thing = items.edit_item(
                store=self.store, actor=actor, thing=self.thing, changes=changes, now=now
            )
            self.store.events.append([replace(event, target_id=thing.id)])
            self.holds.settle()
        return thing

    def _refresh(self) -> None:
        """Read the item's rows again. Raises Conflict when its media are others by now."""
        present = self.store.media.of(self.thing.id)
        if _sources(present) != _sources(self.rows):
            raise Conflict(
                f"the media of {self.thing.slug} were replaced or moved meanwhile",
                hint="run the same command again",
            )
        self.rows = present

    def _move_rows(self) -> None:
        source, *beside = self.prepared.rows(self.thing.group_id, self.thing.id)
        has_captions = any(row.role == "captions" for row in beside)
        again = self._former(source)
        for row in self.rows:
            if row.role in ("source", "copy"):
                self.store.media.recast(row.id, "version")
            elif row.role not in LASTING or (row.role == "captions" and has_captions):
                self.store.media.remove(row.id)
                self.dropped.append(row)
            elif row.role == "captions":
                self.notes.append(
                    f"{self.thing.slug} keeps the captions of its former version;"
                    f" vidctl transcribe {self.thing.slug} --captions FILE reads others"
                )
        if again is not None:
            self.store.media.recast(again.id, "source")
            self.store.media.annotate(again.id, source.metadata)
        for row in (*(() if again else (source,)), *beside):
            self.store.media.add(row)

    def _former(self, source: MediaRow) -> MediaRow | None:
        """Return the row of a former version that comes back."""
        place = (source.host, source.locator, source.sha256)
        return next(
            (
                row
                for row in self.rows
                if row.role == "version" and (row.host, row.locator, row.sha256) == place
            ),
            None,
        )

    def _void_transcript(self) -> None:
        """Let ``process`` make the transcript anew; until then the old one serves."""
        is_transcribed = self.store.segments.source(self.thing.id) is not None
        states = self.store.jobs.states([self.thing.id])
        if is_transcribed or any(job["stage"] == STAGE for job in states):
            job = self.store.jobs.claim(self.thing.id, STAGE, self.prepared.stored.sha256)
            self.store.jobs.finish(job, error="the media was replaced")
            self.notes.append(
                f"the transcript is the former version's; vidctl process {self.thing.slug}"
            )

    def _properties(self) -> dict[str, Any]:
        found = {**self.prepared.described, **self.prepared.properties}
        changes = {key: found.get(key) for key in OF_THE_BYTES}
        if self._shows_own_picture():
            changes["thumbnail"] = found.get("thumbnail")
        return changes

    def _shows_own_picture(self) -> bool:
        """Tell whether the item's picture was made from its media, not set by somebody."""
        shown = self.thing.properties.get("thumbnail")
        made = [row for row in self.rows if row.role == "thumbnail"]
        return shown is None or any(shown == self._url(row) for row in made)

    def _url(self, row: MediaRow) -> str:
        try:
            return self.named(row.host).url(row.locator)
        except VidctlError:  # a host that the settings do not know any more
            return ""

    def clear(self) -> tuple[str, ...]:
        """Remove the bytes of dropped rows that nothing else needs; return the notes."""
        for row in self.dropped:
            try:
                let_go(self.named(row.host), row, store=self.store)
            except NotFound:
                continue
            except VidctlError as error:
                self.notes.append(f"{row.locator} is still on {row.host}: {error.message}")
        return tuple(self.notes)


def _sources(rows: Sequence[MediaRow]) -> list[str]:
    return [row.id for row in rows if row.role == "source"]


def is_another_version(seen: Examined, thing: Thing) -> bool:
    """Tell whether a file would change an item's media. Raises Conflict when another one has it."""
    if seen.row is None or seen.held is None or seen.row.role != "source":
        return True
    if seen.row.thing_id != thing.id:
        raise Conflict(
            f"another item has these bytes: {seen.held.slug}",
            hint=f"vidctl media list {seen.held.slug}",
        )
    return False
