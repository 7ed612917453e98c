"""What the verbs of ``videos`` and ``podcasts`` do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidctl.cli.call import Call
from vidctl.cli.commands.item_flags import youtube_id
from vidctl.cli.text import plural, visible, wrapped
from vidctl.errors import UsageError
from vidctl.outcome import Outcome
from vidctl.timecode import clock, iso

if TYPE_CHECKING:
    from vidctl.library.items import Items


def controller(c: Call, type: str) -> Items:
    """Return the library's controller of a type of item."""
    return c.library.videos if type == "video" else c.library.podcasts


def add(
    c: Call, type: str, source: str, title: str, slug: str, publish: bool, given: dict[str, Any]
) -> None:
    """Add an item that has no file here."""
    key = "videoUrl" if type == "video" else "audioUrl"
    if source:
        found = youtube_id(source) if type == "video" else None
        given.setdefault("youtubeId" if found else key, found or source)
    title = title or title_of(source)
    if not title:
        raise UsageError("an item without a file needs a title", hint="add --title TEXT")
    kept = {name: value for name, value in given.items() if value != ""}
    outcome = c.change(lambda: controller(c, type).add(title, kept, slug=slug, publish=publish))
    said = f"{c.said('added', 'add')} {type}"
    c.finish(outcome, text=lambda: f"{said} {visible(outcome.data['slug'])}")


def title_of(source: str) -> str:
    """Return a title for an address that came without one: the name in it, else all of it."""
    from urllib.parse import unquote, urlsplit

    found = youtube_id(source)
    if found:
        return f"YouTube {found}"
    last = unquote(urlsplit(source).path).rstrip("/").rpartition("/")[2]
    stem = last.rpartition(".")[0] or last
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or source


def edit(
    c: Call, type: str, item: str, title: str | None, slug: str | None, given: dict[str, Any]
) -> None:
    """Change an item; an empty text removes a property."""
    changes = {key: (None if value == "" else value) for key, value in given.items()}
    outcome = c.change(lambda: controller(c, type).edit(item, changes, name=title, slug=slug))
    said = f"{c.said('edited', 'edit')} {type}"
    c.finish(outcome, text=lambda: f"{said} {visible(outcome.data['slug'])}")


def show_list(c: Call, type: str, asked: dict[str, Any], author: str | None) -> None:
    """List the items of a type that fit; ``asked`` are fields of a ThingQuery."""
    from vidctl.model.thing import ThingQuery

    outcome = controller(c, type).page(
        ThingQuery((type,), **asked),
        author=author or "",
        with_transcripts=any("transcript" in name for name in c.output.fields),
    )
    c.finish(outcome, columns=COLUMNS, cut=True)


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
    outcome = controller(c, type).show(item)
    c.finish(outcome, text=lambda: described(outcome.data, c.output.columns))


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
    items = controller(c, type)

    def act() -> Outcome:
        if verb == "publish":
            return items.publish(references, at=at)
        return items.archive(references) if verb == "archive" else items.restore(references)

    c.finish(c.change(act), columns=(COLUMNS[0], COLUMNS[3]))


def remove(c: Call, type: str, references: list[str], purge: bool) -> None:
    """Archive items or, with ``purge`` and a yes, remove them and their bytes for good."""
    if not purge:
        change(c, type, references, "archive")
        return
    items = controller(c, type)
    rehearsed = items.purge(references, rehearse=True)
    outcome = rehearsed
    if c.is_rehearsal:
        outcome.notes.append("nothing was changed")
    else:
        names = ", ".join(item["slug"] for item in rehearsed.data["items"])
        c.confirm(f"Remove {names} for good, with media and transcripts?")
        outcome = items.purge(references)
    said = "would be removed" if c.is_rehearsal else "removed"
    c.finish(outcome, columns=(COLUMNS[0], ("state", lambda item: said)))
