"""Videos and podcast episodes: add, edit, publish, archive, restore, purge, and how they look."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.errors import Conflict, UsageError
from vidctl.ids import new_id
from vidctl.model.connection import Connection
from vidctl.model.event import Event
from vidctl.model.thing import MEDIA_TYPES, Thing, ThingQuery

if TYPE_CHECKING:
    from vidctl.model.media import MediaRow
    from vidctl.ports import Store

Clock = Callable[[], int]
LONGEST_NAME = 2000


def add_item(
    *,
    store: Store,
    actor: Thing,
    type: str,
    name: str,
    properties: dict[str, Any],
    status: str = "draft",
    slug: str = "",
    now: Clock,
    thing_id: str = "",
    events: Sequence[Event] = (),
) -> Thing:
    """Add a video or podcast with its author link and its ``entity_created`` event.

    Raises UsageError for a bad property or an empty name, Conflict for a slug that is taken.
    """
    from vidctl.model.properties import checked_properties

    name = checked_name(name)
    checked = checked_properties(type, properties)
    moment = now()
    if status == "published":
        checked.setdefault("publishedAt", moment)
    with store.transaction():
        thing = Thing(
            id=thing_id or new_id(),
            group_id=store.scope.home,
            type=type,
            slug=checked_slug(store, slug) if slug else store.things.free_slug(name),
            name=name,
            status=status,
            created_at=moment,
            updated_at=moment,
            properties=checked,
        )
        store.things.add(thing)
        store.connections.add(
            Connection(
                new_id(),
                thing.group_id,
                actor.id,
                thing.id,
                "authored",
                metadata={"role": "creator"},
            )
        )
        created = Event(
            "entity_created", actor_id=actor.id, target_id=thing.id, metadata={"type": type}
        )
        store.events.append([created, *(replace(event, target_id=thing.id) for event in events)])
    return thing


def checked_name(name: str, what: str = "title") -> str:
    """Return a name without surrounding space. Raises UsageError for an empty or huge one."""
    stripped = name.strip()
    if not stripped:
        raise UsageError(f"a {what} cannot be empty")
    if len(stripped) > LONGEST_NAME:
        raise UsageError(f"a {what} has at most {LONGEST_NAME} characters")
    return stripped


def checked_type(type: str) -> str:
    """Return a type of media. Raises UsageError with the list for anything else."""
    if type not in MEDIA_TYPES:
        raise UsageError(f"{type!r} is no type of media", hint=", ".join(MEDIA_TYPES))
    return type


def checked_slug(store: Store, slug: str) -> str:
    """Return a slug that is well-formed and free. Raises UsageError or Conflict."""
    from vidctl.ids import slugify

    if slug != slugify(slug):
        raise UsageError(f"{slug!r} is not a slug", hint=f"such as {slugify(slug)!r}")
    if store.things.free_slug(slug) != slug:
        raise Conflict(f"something here is already called {slug!r}")
    return slug


def edit_item(
    *,
    store: Store,
    actor: Thing,
    thing: Thing,
    name: str | None = None,
    slug: str | None = None,
    changes: dict[str, Any],
    now: Clock,
) -> Thing:
    """Change a thing's name, slug or properties; a property set to None is removed.

    Nothing is written and no event logged when nothing changes.
    """
    edited = revised(store, thing, name=name, slug=slug, changes=changes)
    changed = difference(thing, edited)
    return save(store, actor, edited, now, "entity_updated", changed=changed) if changed else thing


def revised(
    store: Store, thing: Thing, *, name: str | None, slug: str | None, changes: dict[str, Any]
) -> Thing:
    """Return a thing as changes would make it, checked; nothing is written."""
    from vidctl.model.properties import checked_properties

    merged = {**thing.properties, **changes}
    kept = {key: value for key, value in merged.items() if value is not None}
    return replace(
        thing,
        name=thing.name if name is None else checked_name(name),
        slug=thing.slug if slug in (None, thing.slug) else checked_slug(store, slug or ""),
        properties=checked_properties(thing.type, kept),
    )


def difference(old: Thing, new: Thing) -> list[str]:
    """Return the names of what differs between two states of a thing."""
    names = [
        name for name in ("name", "slug", "status") if getattr(old, name) != getattr(new, name)
    ]
    keys = sorted(old.properties.keys() | new.properties.keys())
    return names + [key for key in keys if old.properties.get(key) != new.properties.get(key)]


def save(store: Store, actor: Thing, thing: Thing, now: Clock, type: str, **metadata: Any) -> Thing:
    """Write what changed in a thing together with the event that says so; return it as written.

    What changed are the names under ``changed``, else the status. Only that is written: what others
    wrote since the thing was read stays.
    """
    changed = metadata.get("changed", ["status"])
    with store.transaction():
        present = store.things.get(thing.id)
        fields = {
            name: getattr(thing, name) for name in ("name", "slug", "status") if name in changed
        }
        kept = {key: value for key, value in present.properties.items() if key not in changed}
        # In the order of the edited thing, as people gave it.
        ordered = {
            key: value if key in changed else kept[key]
            for key, value in thing.properties.items()
            if key in changed or key in kept
        }
        saved = replace(present, **fields, properties={**ordered, **kept}, updated_at=now())
        store.things.save(saved)
        store.events.append([Event(type, actor_id=actor.id, target_id=thing.id, metadata=metadata)])
    return saved


def publish_item(*, store: Store, actor: Thing, thing: Thing, at: int | None, now: Clock) -> Thing:
    """Publish a thing, dated ``at`` (epoch milliseconds) or now; its first date stays."""
    if thing.status == "archived":
        raise Conflict(
            f"{thing.slug} is archived", hint=f"vidctl {thing.type}s restore {thing.slug}"
        )
    date = at if at is not None else thing.properties.get("publishedAt", now())
    if thing.status == "published" and thing.properties.get("publishedAt") == date:
        return thing
    published = replace(
        thing, status="published", properties={**thing.properties, "publishedAt": date}
    )
    return save(store, actor, published, now, "entity_updated", changed=["status", "publishedAt"])


def archive_item(*, store: Store, actor: Thing, thing: Thing, now: Clock) -> Thing:
    """Put a thing away: it leaves listings and searches and can be restored."""
    if thing.status == "archived":
        return thing
    return save(store, actor, replace(thing, status="archived"), now, "entity_archived")


def restore_item(*, store: Store, actor: Thing, thing: Thing, now: Clock) -> Thing:
    """Bring an archived thing back: published if it ever was, else a draft."""
    if thing.status != "archived":
        return thing
    status = "published" if "publishedAt" in thing.properties else "draft"
    return save(store, actor, replace(thing, status=status), now, "entity_restored")


def purge_item(*, store: Store, actor: Thing, thing: Thing) -> list[MediaRow]:
    """Remove a thing for good and return where bytes are that nobody needs any more."""
    with store.transaction():
        rows = store.media.of(thing.id)
        store.knowledge.replace(thing.id, [])
        store.segments.replace(thing.id, [], source="")
        for row in rows:
            store.media.remove(row.id)
        for label in store.labels.of([thing.id]).get(thing.id, []):
            store.labels.remove(label, [thing.id])
        store.things.purge(thing.id)
        store.events.append(
            [
                Event(
                    "entity_purged",
                    actor_id=actor.id,
                    target_id=thing.id,
                    metadata={"type": thing.type},
                )
            ]
        )
        still = {(row.host, row.locator) for row in store.media.all()}
    return [row for row in rows if (row.host, row.locator) not in still]


def record(thing: Thing) -> dict[str, Any]:
    """Return a thing as it appears in JSON."""
    return {
        "id": thing.id,
        "groupId": thing.group_id,
        "type": thing.type,
        "slug": thing.slug,
        "name": thing.name,
        "status": thing.status,
        "properties": thing.properties,
        "createdAt": thing.created_at,
        "updatedAt": thing.updated_at,
    }


def authors_of(store: Store, thing: Thing) -> list[dict[str, Any]]:
    """Return who made a thing, each with their part in it."""
    links = store.connections.incoming(thing.id, "authored")
    people = store.people.known(link.from_id for link in links)
    return [
        {
            "id": person.id,
            "slug": person.slug,
            "name": person.name,
            "role": link.metadata.get("role"),
        }
        for link in links
        if (person := people.get(link.from_id)) is not None
    ]


def full_record(store: Store, thing: Thing) -> dict[str, Any]:
    """Return a thing with what is derived: views, transcript, authors and stage state."""
    properties = dict(thing.properties)
    views = store.events.count(thing.id, "video_viewed")
    properties["viewCount"] = int(properties.get("viewCount", 0)) + views
    transcript = store.segments.transcripts([thing.id]).get(thing.id)
    if transcript is not None:
        properties["transcript"] = transcript
    return {
        **record(replace(thing, properties=properties)),
        "authors": authors_of(store, thing),
        "labels": store.labels.of([thing.id]).get(thing.id, []),
        "stages": {job["stage"]: job["state"] for job in store.jobs.states([thing.id])},
        "segments": len(store.segments.of(thing.id)),
        "chunks": len(store.knowledge.chunks(thing.id)),
    }


def listing(store: Store, query: ThingQuery, *, with_transcripts: bool = False) -> dict[str, Any]:
    """Return a page of things as it appears in JSON: items, total, next.

    Transcripts are long, so they are joined in only when asked for.
    """
    page = store.things.page(query)
    items = [record(thing) for thing in page.items]
    if with_transcripts:
        texts = store.segments.transcripts([thing.id for thing in page.items])
        for item in items:
            if item["id"] in texts:
                item["properties"] = {**item["properties"], "transcript": texts[item["id"]]}
    return {"items": items, "total": page.total, "next": page.next}
