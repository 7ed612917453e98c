"""Playlists: what may go into one, what happens to its order, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.catalog import items
from vidctl.errors import Conflict, NotFound
from vidctl.model.event import Event
from vidctl.model.thing import MEDIA_TYPES, Thing, ThingQuery

if TYPE_CHECKING:
    from vidctl.model.place import Place
    from vidctl.ports import Store

Clock = Callable[[], int]
# What a playlist can be made of; it takes things of one type.
HELD_TYPES = (*MEDIA_TYPES, "course")
ORDERS = ("title", "date", "duration")
# How many items the page of one playlist shows.
FIRST_ITEMS = 10


def find_item(store: Store, playlist: Thing, reference: str) -> Thing:
    """Return the thing a reference means, those of the playlist's type first.

    Raises NotFound, or Ambiguous when several fit.
    """
    try:
        return store.things.resolve(reference, (kind_of(playlist),))
    except NotFound as error:
        others = tuple(type for type in HELD_TYPES if type != kind_of(playlist))
        try:
            return store.things.resolve(reference, others)
        except NotFound:
            raise error from None


def member(store: Store, playlist: Thing, reference: str) -> Thing:
    """Return the item of a playlist that a reference means. Raises NotFound when it holds none."""
    thing = find_item(store, playlist, reference)
    if store.connections.find(playlist.id, "contains", thing.id) is None:
        raise _absent(playlist, thing)
    return thing


def _absent(playlist: Thing, thing: Thing) -> NotFound:
    return NotFound(
        f"{thing.slug} is not in {playlist.slug}", hint=f"vidctl playlists items {playlist.slug}"
    )


def kind_of(playlist: Thing) -> str:
    """Return the type of the items that a playlist takes."""
    return str(playlist.properties.get("playlistType", HELD_TYPES[0]))


def check_item(playlist: Thing, thing: Thing) -> None:
    """Raise Conflict when a thing cannot go into a playlist."""
    if thing.type != kind_of(playlist):
        raise Conflict(
            f"{thing.slug} is a {thing.type}; {playlist.slug} takes {kind_of(playlist)}s"
        )
    if thing.status == "archived":
        raise Conflict(
            f"{thing.slug} is archived", hint=f"vidctl {thing.type}s restore {thing.slug}"
        )
    if thing.group_id != playlist.group_id:
        raise Conflict(f"{thing.slug} belongs to another group than {playlist.slug}")


def add_items(
    *, store: Store, actor: Thing, playlist: Thing, things: Sequence[Thing], place: Place
) -> list[str]:
    """Put things into a playlist, one behind the other, and return the ids that were new.

    Those already there stay where they are. Raises Conflict for a thing of another type, NotFound
    for a neighbour that is not in the playlist.
    """
    with store.transaction():
        # Its type may have changed since it was read.
        playlist = store.things.get(playlist.id)
        for thing in things:
            check_item(playlist, thing)
        new = store.sequences.insert(playlist.id, [thing.id for thing in things], place)
        if new:
            _log(store, actor, playlist, "items_added", items=new, **_said(place))
    return new


def remove_item(*, store: Store, actor: Thing, playlist: Thing, thing: Thing) -> None:
    """Take a thing out of a playlist. Raises NotFound when it is not in it."""
    with store.transaction():
        if not store.sequences.remove(playlist.id, thing.id):
            raise _absent(playlist, thing)
        _log(store, actor, playlist, "items_removed", items=[thing.id])


def move_item(*, store: Store, actor: Thing, playlist: Thing, thing: Thing, place: Place) -> bool:
    """Put an item of a playlist elsewhere; False when it is there already."""
    with store.transaction():
        moved = store.sequences.move(playlist.id, thing.id, place)
        if moved:
            _log(store, actor, playlist, "item_moved", item=thing.id, **_said(place))
    return moved


def sort(*, store: Store, actor: Thing, playlist: Thing, by: str, descending: bool) -> bool:
    """Put a playlist in order of ``title``, ``date`` or ``duration``; False when it is already.

    Archived items keep their places.
    """
    with store.transaction():
        ranked = store.sequences.ranked(playlist.id, by, descending=descending)
        changed = store.sequences.arrange(playlist.id, ranked)
        if changed:
            _log(store, actor, playlist, "items_sorted", by=by, descending=descending)
    return changed


def _said(place: Place) -> dict[str, Any]:
    """Return a place as it is logged; nothing for the end."""
    given = {"at": place.at, "before": place.before, "after": place.after}
    return {name: value for name, value in given.items() if value is not None}


def _log(store: Store, actor: Thing, playlist: Thing, action: str, **metadata: Any) -> None:
    event = Event(
        "content_event", action, actor_id=actor.id, target_id=playlist.id, metadata=metadata
    )
    store.events.append([event])


def edit(
    *,
    store: Store,
    actor: Thing,
    playlist: Thing,
    name: str | None,
    slug: str | None,
    changes: dict[str, Any],
    now: Clock,
) -> Thing:
    """Change a playlist as ``edit_item`` does.

    Raises Conflict for a type that items in it are not of, archived ones too.
    """
    with store.transaction():
        kind = changes.get("playlistType", kind_of(playlist))
        others = [type for type in store.sequences.types(playlist.id) if type != kind]
        if others and kind != kind_of(playlist):
            raise Conflict(
                f"{playlist.slug} holds {others[0]}s; it cannot become a playlist of {kind}s",
                hint=f"vidctl playlists items {playlist.slug}",
            )
        return items.edit_item(
            store=store,
            actor=actor,
            thing=playlist,
            name=name,
            slug=slug,
            changes=changes,
            now=now,
        )


def restore(*, store: Store, actor: Thing, playlist: Thing, now: Clock) -> Thing:
    """Bring an archived playlist back."""
    if playlist.status != "archived":
        return playlist
    active = replace(playlist, status="active")
    return items.save(store, actor, active, now, "entity_restored")


def record(store: Store, playlist: Thing) -> dict[str, Any]:
    """Return a playlist as it appears in JSON, with how many items it shows."""
    properties = {**playlist.properties, "itemCount": store.sequences.count(playlist.id)}
    return items.record(replace(playlist, properties=properties))


def full_record(store: Store, playlist: Thing) -> dict[str, Any]:
    """Return a playlist with its authors, the seconds it takes in all, and its first items."""
    properties = {
        **playlist.properties,
        "itemCount": store.sequences.count(playlist.id),
        "totalDuration": store.sequences.duration(playlist.id),
    }
    return {
        **items.record(replace(playlist, properties=properties)),
        "authors": items.authors_of(store, playlist),
        "firstItems": items_of(store, playlist, limit=FIRST_ITEMS)["items"],
    }


def listing(store: Store, query: ThingQuery) -> dict[str, Any]:
    """Return a page of playlists as it appears in JSON: items, total, next."""
    page = store.things.page(query)
    records = [record(store, playlist) for playlist in page.items]
    return {"items": records, "total": page.total, "next": page.next}


def items_of(
    store: Store, playlist: Thing, *, limit: int, cursor: str | None = None
) -> dict[str, Any]:
    """Return a page of what is in a playlist, in order, each item with its ``ordinal`` from 1."""
    page = store.sequences.page(playlist.id, limit=limit, cursor=cursor)
    records = [{**items.record(placed.thing), "ordinal": placed.ordinal} for placed in page.items]
    return {"items": records, "total": page.total, "next": page.next}
