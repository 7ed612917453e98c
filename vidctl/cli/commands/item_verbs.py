"""What the verbs of ``videos`` and ``podcasts`` do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidctl.cli.call import Call
from vidctl.cli.commands.item_flags import youtube_id
from vidctl.cli.commands.media_screens import chapter_lines, is_cut_short, loudness_said, media_said
from vidctl.cli.text import plural, visible, wrapped
from vidctl.errors import UsageError
from vidctl.outcome import Outcome
from vidctl.timecode import clock, iso

if TYPE_CHECKING:
    from vidctl.catalog.editing import Change
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
    c: Call,
    type: str,
    chosen: tuple[list[str], list[str]],
    names: tuple[str | None, str | None],
    given: dict[str, Any],
    marked: dict[str, tuple[str, ...]],
) -> None:
    """Change items that are ``chosen`` by reference or by expression.

    ``names`` are a new title and slug; an empty text removes a property.
    """
    from vidctl.catalog.editing import Change, Marks

    references, expressions = chosen
    if bool(references) == bool(expressions):
        raise UsageError(
            f"say which {type}s to change", hint="either name them, or --where 'tag=x'"
        )
    properties = {key: (None if value == "" else value) for key, value in given.items()}
    wanted = Change(properties, Marks(**marked), *names)
    items = controller(c, type)
    if len(references) == 1:
        _edit_one(c, type, references[0], wanted)
        return
    outcome = c.change(
        lambda: (
            items.edit_where(expressions, wanted)
            if expressions
            else items.edit_each(references, wanted)
        )
    )
    if outcome.data["matched"]:
        changed = f"{outcome.data['total']} of {plural(outcome.data['matched'], type)}"
        outcome.notes.insert(0, f"{c.said('changed', 'change')} {changed}")
    c.finish(outcome, columns=(COLUMNS[0], ("change", told)))


def _edit_one(c: Call, type: str, item: str, wanted: Change) -> None:
    outcome = c.change(
        lambda: controller(c, type).edit(
            item, wanted.properties, name=wanted.name, slug=wanted.slug, marks=wanted.marks
        )
    )
    said = c.said("edited", "edit") if outcome.data["changed"] else "unchanged"
    c.finish(outcome, text=lambda: f"{said} {type} {visible(outcome.data['slug'])}")


def told(item: dict[str, Any]) -> str:
    """Return what an edit changed, each with its value before and after."""
    before, after = item["before"], item["after"]
    return "; ".join(
        f"{key} {_value(key, before[key])} → {_value(key, after[key])}" for key in item["changed"]
    )


def _value(key: str, value: Any) -> str:
    return "none" if value in (None, "", [], {}) else _shown(key, value)


def show_list(
    c: Call, type: str, asked: dict[str, Any], author: str, expressions: list[str]
) -> None:
    """List the items of a type that fit; ``asked`` are fields of a ThingQuery."""
    from vidctl.model.thing import ThingQuery

    outcome = controller(c, type).page(
        ThingQuery((type,), **asked),
        author=author,
        expressions=expressions,
        with_transcripts=any("transcript" in name for name in c.output.fields),
    )
    c.finish(outcome, columns=COLUMNS, cut=True)


COLUMNS = (
    ("slug", lambda item: str(item["slug"])),
    ("title", lambda item: str(item["name"])),
    (
        "length",
        lambda item: _length(item["properties"]) if "duration" in item["properties"] else "",
    ),
    ("status", lambda item: str(item["status"])),
    ("tags", lambda item: ", ".join(item["properties"].get("tags", []))),
    ("added", lambda item: iso(item["createdAt"])[:10]),
)


def _length(properties: dict[str, Any]) -> str:
    """Return how long an item lasts, and whether its file ends before its end."""
    said = clock(properties["duration"])
    return f"{said} (cut short)" if is_cut_short(properties) else said


def show(c: Call, type: str, item: str) -> None:
    """Show one item with everything derived."""
    outcome = controller(c, type).show(item)
    c.finish(outcome, text=lambda: described(outcome.data, c.output.columns))


def described(data: dict[str, Any], columns: int) -> str:
    """Return an item for people: one property a line, the transcript last."""
    properties = dict(data["properties"])
    transcript = properties.pop("transcript", None)
    chapters = properties.pop("chapters", None)
    if "duration" in properties:
        properties["duration"] = _length(properties)
    lines = [visible(data["name"]), ""]
    rows = {
        "type": data["type"],
        "status": data["status"],
        "slug": data["slug"],
        "id": data["id"],
        "authors": ", ".join(author["name"] for author in data["authors"]),
        "labels": data["labels"],
        **properties,
        "added": iso(data["createdAt"]),
        "changed": iso(data["updatedAt"]),
        "transcript": f"{plural(data['segments'], 'segment')}, {plural(data['chunks'], 'chunk')}",
    }
    for key, value in rows.items():
        if value not in (None, "", [], {}):
            first, *rest = wrapped(_shown(key, value), columns, " " * 15)
            lines += [f"{key:<14} {first[15:]}", *rest]
    if chapters:
        lines += ["", "chapters", *chapter_lines(chapters, columns)]
    if transcript:
        lines.append("")
        for line in visible(transcript, lines=True).split("\n"):
            lines += wrapped(line, columns, "")
    return "\n".join(lines)


def _shown(key: str, value: Any) -> str:
    if key == "publishedAt":
        return iso(value)
    if key == "duration" and not isinstance(value, str):
        return clock(value)
    if key == "media":
        return media_said(value)
    if key == "loudness":
        return loudness_said(value)
    if key == "chapters":
        return "; ".join(line.strip() for line in chapter_lines(value))
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
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
