"""Keep what was made from an item's media: on a host, with the item, in place of what was there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidctl import failpoints
from vidctl.catalog.items import edit_item
from vidctl.errors import VidctlError
from vidctl.ids import new_id
from vidctl.journey.holds import Holds
from vidctl.journey.letting_go import let_go
from vidctl.journey.send import Terms, send_small
from vidctl.model.event import Event
from vidctl.model.media import MediaRow, StoredMedia
from vidctl.model.thing import Thing
from vidctl.model.upload import BESIDE
from vidctl.ports import MediaHost, Store
from vidctl.progress import Report

Named = Callable[[str], MediaHost]


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was made from an item's media, and the role that it is to have.

    ``filename`` is what people call it, ``metadata`` how it was made.
    """

    role: str
    path: Path
    filename: str
    metadata: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Kept:
    """What an item has now: its rows, whether they are new, and what people should know."""

    rows: tuple[MediaRow, ...]
    is_new: bool
    notes: tuple[str, ...] = ()


def keep(
    thing: Thing,
    made: Sequence[Made],
    *,
    store: Store,
    host: MediaHost,
    named: Named,
    terms: Terms,
    report: Report,
    actor: Thing,
    now: Callable[[], int],
) -> Kept:
    """Put files on a host and let them take the place of those of the same roles.

    ``store`` is that of the item's group. A new thumbnail also becomes the item's picture, unless
    somebody gave it another one. Nothing is recorded when the same bytes are there already. Raises
    what ``MediaHost.put`` raises; then the item has what it had.
    """
    with Holds(store, BESIDE) as holds:
        stored = [
            send_small(
                each.path,
                store=store,
                host=host,
                terms=terms,
                report=report,
                label=thing.slug,
                holds=holds,
            )
            for each in made
        ]
        failpoints.reach("media.kept")
        rows = [_row(thing, each, put) for each, put in zip(made, stored, strict=True)]
        with store.transaction():
            held = store.media.of(thing.id)
            old = [row for row in held if any(_gives_way(row, each) for each in made)]
            if _places(old) == _places(rows):
                return Kept(tuple(old), is_new=False)
            lost = {row.sha256 for row in old}
            old += [row for row in held if row.role == "copy" and row.sha256 in lost]
            for row in old:
                store.media.remove(row.id)
            for row in rows:
                store.media.add(row)
            store.events.append([_made(thing, actor, row) for row in rows])
            changes = picture_changes(store.things.get(thing.id), old, rows, named)
            if changes:
                edit_item(store=store, actor=actor, thing=thing, changes=changes, now=now)
            holds.settle()
    failpoints.reach("media.recorded")
    return Kept(tuple(rows), True, discard(old, store=store, named=named))


def _gives_way(row: MediaRow, made: Made) -> bool:
    """Tell whether a row is replaced; sound may be kept in several formats."""
    if row.role != made.role:
        return False
    return row.role != "audio" or Path(row.locator).suffix == made.path.suffix


def _places(rows: Sequence[MediaRow]) -> set[tuple[str, str, str]]:
    return {(row.role, row.host, row.locator) for row in rows}


def _row(thing: Thing, made: Made, stored: StoredMedia) -> MediaRow:
    return MediaRow(
        id=new_id(),
        group_id=thing.group_id,
        thing_id=thing.id,
        role=made.role,
        sha256=stored.sha256,
        size=stored.size,
        host=stored.host,
        locator=stored.locator,
        filename=made.filename,
        metadata=made.metadata,
    )


def _made(thing: Thing, actor: Thing, row: MediaRow) -> Event:
    return Event(
        "content_event",
        "media_made",
        actor_id=actor.id,
        target_id=thing.id,
        metadata={"role": row.role, "size": row.size, "host": row.host, "sha256": row.sha256},
    )


def picture_changes(
    thing: Thing, old: Sequence[MediaRow], new: Sequence[MediaRow], named: Named
) -> dict[str, Any]:
    """Return the change to an item's ``thumbnail`` when its row went from ``old`` to ``new``.

    A picture that somebody set by hand stays.
    """
    taken = next((row for row in new if row.role == "thumbnail"), None)
    if taken is None:
        return {}
    shown = thing.properties.get("thumbnail")
    made = [url_of(row, named) for row in old if row.role == "thumbnail"]
    url = url_of(taken, named)
    return {"thumbnail": url} if url and url != shown and (shown is None or shown in made) else {}


def url_of(row: MediaRow, named: Named) -> str:
    """Return where people find bytes, empty where the settings do not know the host any more."""
    try:
        return named(row.host).url(row.locator)
    except VidctlError:
        return ""


def discard(rows: Sequence[MediaRow], *, store: Store, named: Named) -> tuple[str, ...]:
    """Remove the bytes of forgotten rows that nothing else needs.

    A host that cannot be reached keeps them; the returned notes say which.
    """
    notes = []
    for row in rows:
        try:
            let_go(named(row.host), row, store=store)
        except VidctlError as error:
            notes.append(f"{row.locator} is still on {row.host}: {error.message}")
    return tuple(notes)
