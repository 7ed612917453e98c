"""What the verbs of ``videos`` and ``podcasts`` do."""

from __future__ import annotations

from typing import Any

from vidctl.cli.call import Call
from vidctl.cli.commands.item_flags import youtube_id
from vidctl.cli.output import Columns
from vidctl.cli.text import plural, visible, wrapped
from vidctl.errors import UsageError
from vidctl.outcome import Outcome
from vidctl.timecode import clock, iso


def add(
    c: Call, type: str, source: str, title: str, slug: str, publish: bool, given: dict[str, Any]
) -> None:
    """Add an item that has no file here."""
    from vidctl.catalog import items
    from vidctl.library import now

    key = "videoUrl" if type == "video" else "audioUrl"
    if source:
        found = youtube_id(source) if type == "video" else None
        given.setdefault("youtubeId" if found else key, found or source)
    title = title or title_of(source)
    if not title:
        raise UsageError("an item without a file needs a title", hint="add --title TEXT")
    given = _kept(given)
    c.library.writable()
    if c.is_rehearsal:
        from vidctl.model.properties import checked_properties

        checked = {"name": items.checked_name(title), "properties": checked_properties(type, given)}
        c.finish(
            Outcome(checked, notes=["nothing was changed"]),
            text=lambda: f"would add {visible(title)}",
        )
        return
    thing = items.add_item(
        store=c.library.store,
        actor=c.library.actor,
        type=type,
        name=title,
        properties=given,
        slug=slug,
        status="published" if publish else "draft",
        now=now,
    )
    notes = _alike(c, thing)
    c.finish(
        Outcome(items.record(thing), notes=notes),
        text=lambda: f"added {type} {visible(thing.slug)}",
    )


def title_of(source: str) -> str:
    """Return a title for an address that came without one: the name in it, else all of it."""
    from urllib.parse import unquote, urlsplit

    found = youtube_id(source)
    if found:
        return f"YouTube {found}"
    last = unquote(urlsplit(source).path).rstrip("/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or source


def _alike(c: Call, thing: Any) -> list[str]:
    from vidctl.errors import Ambiguous

    video = thing.properties.get("youtubeId")
    if video is None:
        return []
    try:
        c.library.resolve(f"yt:{video}", ())
    except Ambiguous:
        return [f"yt:{video} is on other items as well; nothing was merged"]
    return []


def _kept(given: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value != ""}


def edit(
    c: Call, type: str, item: str, title: str | None, slug: str | None, given: dict[str, Any]
) -> None:
    """Change an item; an empty text removes a property."""
    from vidctl.catalog import items
    from vidctl.library import now

    thing = c.library.resolve(item, (type,))
    if not given and title is None and slug is None:
        raise UsageError("nothing to change was given", hint=f"vidctl {type}s edit --help")
    changes = {key: (None if value == "" else value) for key, value in given.items()}
    c.library.writable([thing])
    if c.is_rehearsal:
        c.finish(
            Outcome(changes, notes=["nothing was changed"]), text=lambda: f"would edit {thing.slug}"
        )
        return
    edited = items.edit_item(
        store=c.library.store,
        actor=c.library.actor,
        thing=thing,
        name=title,
        slug=slug,
        changes=changes,
        now=now,
    )
    said = "nothing to change in" if edited == thing else "edited"
    notes = [] if edited == thing else _reindex(c, edited)
    c.finish(
        Outcome(items.record(edited), notes=notes),
        text=lambda: f"{said} {type} {visible(edited.slug)}",
    )


def _reindex(c: Call, thing: Any) -> list[str]:
    from vidctl.journey import index
    from vidctl.progress import Silent

    chunking = c.library.chunking()
    if not c.library.store.knowledge.chunks(thing.id):
        return []
    if index.is_fresh(thing, store=c.library.store, identity=None, **chunking):
        return []
    index.index(thing, store=c.library.store, embedder=None, report=Silent(), **chunking)
    return ["its text changed; vidctl process brings semantic search up to date"]


def show_list(c: Call, type: str, query: dict[str, Any], author: str | None) -> None:
    """List items of a type."""
    from vidctl.catalog import items
    from vidctl.model.thing import PEOPLE_TYPES, ThingQuery

    if author:
        query["author"] = c.library.resolve(author, PEOPLE_TYPES).id
    fields = c.output.fields
    data = items.listing(
        c.library.store,
        ThingQuery((type,), **query),
        with_transcripts=any("transcript" in f for f in fields),
    )
    notes = [] if data["items"] else [f"no {type}s found"]
    c.finish(Outcome(data, notes=notes), columns=COLUMNS, cut=True)


COLUMNS = (
    ("slug", lambda item: str(item["slug"])),
    ("title", lambda item: str(item["name"])),
    (
        "length",
        lambda item: (
            clock(item["properties"].get("duration", 0)) if "duration" in item["properties"] else ""
        ),
    ),
    ("status", lambda item: str(item["status"])),
    ("tags", lambda item: ", ".join(item["properties"].get("tags", []))),
    ("added", lambda item: iso(item["createdAt"])[:10]),
)


def show(c: Call, type: str, item: str) -> None:
    """Show one item with everything derived."""
    from vidctl.catalog import items

    thing = c.library.resolve(item, (type,))
    data = items.full_record(c.library.store, thing)
    c.finish(Outcome(data), text=lambda: described(data, c.output.columns))


def described(data: dict[str, Any], columns: int) -> str:
    """Return an item for people: one property a line, the transcript last."""
    properties = dict(data["properties"])
    transcript = properties.pop("transcript", None)
    lines = [visible(data["name"]), ""]
    rows = {
        "type": data["type"],
        "status": data["status"],
        "slug": data["slug"],
        "id": data["id"],
        "authors": ", ".join(author["name"] for author in data["authors"]),
        **properties,
        "added": iso(data["createdAt"]),
        "changed": iso(data["updatedAt"]),
        "transcript": f"{plural(data['segments'], 'segment')}, {plural(data['chunks'], 'chunk')}",
    }
    for key, value in rows.items():
        if value not in (None, "", [], {}):
            first, *rest = wrapped(_shown(key, value), columns, " " * 15)
            lines += [f"{key:<14} {first[15:]}", *rest]
    if transcript:
        lines.append("")
        for line in visible(transcript, lines=True).split("\n"):
            lines += wrapped(line, columns, "")
    return "\n".join(lines)


def _shown(key: str, value: Any) -> str:
    if key == "publishedAt":
        return iso(value)
    if key == "duration":
        return clock(value)
    if isinstance(value, list):
        return visible(", ".join(map(str, value)))
    if isinstance(value, dict):
        return visible(", ".join(f"{name} {inner}" for name, inner in value.items()))
    return visible(str(value))


def change(c: Call, type: str, references: list[str], verb: str, at: int | None = None) -> None:
    """Publish, archive or restore items; one that cannot be is an error, the rest go on."""
    from vidctl.catalog import items
    from vidctl.errors import VidctlError
    from vidctl.library import now

    things, errors = c.library.select(references, (type,))
    c.library.writable(things)
    records = []
    for thing in things:
        if c.is_rehearsal:
            records.append(items.record(thing))
            continue
        same: dict[str, Any] = {
            "store": c.library.store,
            "actor": c.library.actor,
            "thing": thing,
            "now": now,
        }
        try:
            if verb == "publish":
                done = items.publish_item(at=at, **same)
            else:
                done = (items.archive_item if verb == "archive" else items.restore_item)(**same)
            records.append(items.record(done))
        except VidctlError as error:
            error.item = thing.slug
            errors.append(error)
    outcome = Outcome({"items": records, "total": len(records), "next": None}, errors=errors)
    if c.is_rehearsal:
        outcome.notes.append("nothing was changed")
    finish_change(c, outcome)


def finish_change(c: Call, outcome: Outcome, columns: Columns = ()) -> None:
    """Write changed items; when every item failed, the first error is the command's."""
    if outcome.errors and not outcome.data["items"]:
        raise outcome.errors[0]
    c.finish(outcome, columns=columns or (COLUMNS[0], COLUMNS[3]))


def remove(c: Call, type: str, references: list[str], purge: bool) -> None:
    """Archive items or, with ``purge`` and a yes, remove them and their bytes for good."""
    if not purge:
        change(c, type, references, "archive")
        return
    from vidctl.catalog import items

    things, errors = c.library.select(references, (type,))
    if things and not c.is_rehearsal:
        names = ", ".join(thing.slug for thing in things)
        c.confirm(f"Remove {names} for good, with media and transcripts?")
        c.library.writable(things)
        for thing in things:
            for _, locator in items.purge_item(
                store=c.library.store, actor=c.library.actor, thing=thing
            ):
                c.library.host.remove(locator)
    purged = not c.is_rehearsal
    records = [{**items.record(thing), "purged": purged} for thing in things]
    notes = [] if purged else ["nothing was changed"]
    outcome = Outcome(
        {"items": records, "total": len(records), "next": None}, notes=notes, errors=errors
    )
    said = "removed" if purged else "would be removed"
    finish_change(c, outcome, (COLUMNS[0], ("state", lambda item: said)))
