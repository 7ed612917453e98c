"""``vidctl playlists``: videos, podcast episodes or courses in an order of their own."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.commands.item_flags import Categories, Description, Tags, Thumbnail
from vidctl.cli.commands.upload import listed
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import fit, plural, visible, wrapped
from vidctl.timecode import clock, iso

app = noun("Playlists: add, list, show, edit, order, archive, restore, remove.")


class Kind(StrEnum):
    """What a playlist is made of."""

    video = "video"
    podcast = "podcast"
    course = "course"


class Status(StrEnum):
    """Which playlists a listing shows."""

    active = "active"
    archived = "archived"
    all = "all"


class By(StrEnum):
    """What a playlist can be put in order of."""

    title = "title"  # type: ignore[assignment]
    date = "date"
    duration = "duration"


Playlist = Annotated[str, typer.Argument(metavar="PLAYLIST", help="Slug, id or id prefix.")]
Playlists = Annotated[list[str], typer.Argument(metavar="PLAYLIST", help="Slugs or ids.")]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="Slug, id, id prefix or yt:ID.")]
Items = Annotated[list[str], typer.Argument(metavar="ITEM", help="Slugs or ids.")]
Before = Annotated[str | None, typer.Option(metavar="ITEM", help="In front of this item.")]
After = Annotated[str | None, typer.Option(metavar="ITEM", help="Behind this item.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Rows a page.")]
Page = Annotated[str | None, typer.Option(metavar="NEXT", help="Go on from the page before.")]

COLUMNS = (
    ("slug", lambda row: str(row["slug"])),
    ("title", lambda row: str(row["name"])),
    ("type", lambda row: str(row["properties"]["playlistType"])),
    ("items", lambda row: str(row["properties"]["itemCount"])),
    ("status", lambda row: str(row["status"])),
    ("added", lambda row: iso(row["createdAt"])[:10]),
)
ITEM_COLUMNS = (
    ("slug", lambda row: str(row["slug"])),
    ("place", lambda row: str(row["ordinal"])),
    ("title", lambda row: str(row["name"])),
    ("length", lambda row: length(row)),
    ("status", lambda row: str(row["status"])),
)
STATE = (COLUMNS[0], COLUMNS[4])


def length(item: dict[str, Any]) -> str:
    """Return an item's duration for people, nothing where it is not known."""
    seconds = item["properties"].get("duration")
    return "" if seconds is None else clock(seconds)


def given(**values: Any) -> dict[str, Any]:
    """Return the properties that options give; an empty text means "remove it" in an edit."""
    lists = {"tags", "categories"}
    return {
        key: (listed(value) or None if key in lists else value or None)
        for key, value in values.items()
        if value is not None
    }


@app.command("add", cls=WriteCommand)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Title.")],
    type: Annotated[Kind, typer.Option("--type", help="What goes into it.")] = Kind.video,
    slug: Annotated[str, typer.Option(metavar="SLUG", help="By default made from the title.")] = "",
    description: Description = None,
    thumbnail: Thumbnail = None,
    tags: Tags = None,
    categories: Categories = None,
    items: Annotated[
        list[str] | None,
        typer.Option("--items", metavar="ITEM,…", help="Put in at once; repeatable."),
    ] = None,
) -> None:
    """Add a playlist, empty or with items."""
    with call(ctx) as c:
        properties = given(
            playlistType=type.value,
            description=description,
            thumbnail=thumbnail,
            tags=tags,
            categories=categories,
        )
        kept = {key: value for key, value in properties.items() if value is not None}
        outcome = c.change(
            lambda: c.library.playlists.add(name, kept, slug=slug, with_items=listed(items or []))
        )
        said = f"{c.said('added', 'add')} playlist"
        c.finish(outcome, text=lambda: f"{said} {visible(outcome.data['slug'])}{held(outcome)}")


def held(outcome: Any) -> str:
    """Return how much a new playlist holds, for people; nothing for an empty one."""
    count = outcome.data["properties"]["itemCount"]
    return f" with {plural(count, 'item')}" if count else ""


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    type: Annotated[Kind | None, typer.Option("--type", help="Only of these.")] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only these; by default the active ones.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Title or description contains.")] = None,
    author: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Only by this person.")
    ] = None,
    limit: Limit = 20,
    page: Page = None,
) -> None:
    """List playlists, newest first."""
    with call(ctx) as c:
        from vidctl.model.thing import ThingQuery

        query = ThingQuery(
            ("playlist",),
            status=status.value if status else None,
            text=text,
            limit=limit,
            cursor=page,
        )
        outcome = c.library.playlists.page(
            query, author=author or "", type=type.value if type else ""
        )
        c.finish(outcome, columns=COLUMNS, cut=True)


@app.command("show", cls=Command)
def show(ctx: typer.Context, playlist: Playlist) -> None:
    """Show a playlist with its length and its first items."""
    with call(ctx) as c:
        outcome = c.library.playlists.show(playlist)
        c.finish(outcome, text=lambda: described(outcome.data, c.output.columns))


def described(data: dict[str, Any], columns: int) -> str:
    """Return a playlist for people: one property a line, then its first items."""
    properties = dict(data["properties"])
    count, seconds = properties.pop("itemCount"), properties.pop("totalDuration")
    kind = properties.pop("playlistType")
    rows = {
        "type": f"playlist of {kind}s",
        "status": data["status"],
        "slug": data["slug"],
        "id": data["id"],
        "authors": ", ".join(author["name"] for author in data["authors"]),
        **properties,
        "items": str(count),
        "duration": clock(seconds) if seconds else "",
        "added": iso(data["createdAt"]),
        "changed": iso(data["updatedAt"]),
    }
    lines = [visible(data["name"]), ""]
    for key, value in rows.items():
        if value not in (None, "", [], {}):
            said = ", ".join(map(str, value)) if isinstance(value, (list, dict)) else str(value)
            first, *rest = wrapped(visible(said), columns, " " * 15)
            lines += [f"{visible(key):<14} {first[15:]}", *rest]
    shown = data["firstItems"]
    if shown:
        lines.append("")
    for item in shown:
        line = f"{item['ordinal']:>4}  {length(item):>8}  {visible(item['name'])}"
        lines.append(fit(line, columns))
    if count > len(shown):
        lines.append(f"      {count - len(shown):,} more: vidctl playlists items {data['slug']}")
    return "\n".join(lines)


@app.command("edit", cls=WriteCommand)
def edit(
    ctx: typer.Context,
    playlist: Playlist,
    title: Annotated[str | None, typer.Option(help="New title.")] = None,
    slug: Annotated[str | None, typer.Option(metavar="SLUG", help="New slug.")] = None,
    type: Annotated[
        Kind | None, typer.Option("--type", help="What goes into it; not while others are in it.")
    ] = None,
    description: Description = None,
    thumbnail: Thumbnail = None,
    tags: Tags = None,
    categories: Categories = None,
) -> None:
    """Change a playlist; an empty value removes a property."""
    with call(ctx) as c:
        changes = given(
            playlistType=type.value if type else None,
            description=description,
            thumbnail=thumbnail,
            tags=tags,
            categories=categories,
        )
        outcome = c.change(
            lambda: c.library.playlists.edit(playlist, changes, name=title, slug=slug)
        )
        said = f"{c.said('edited', 'edit')} playlist"
        c.finish(outcome, text=lambda: f"{said} {visible(outcome.data['slug'])}")


@app.command("archive", cls=WriteCommand)
def archive(ctx: typer.Context, playlists: Playlists) -> None:
    """Put playlists away; restore brings them back."""
    with call(ctx) as c:
        c.finish(c.change(lambda: c.library.playlists.archive(playlists)), columns=STATE)


@app.command("restore", cls=WriteCommand)
def restore(ctx: typer.Context, playlists: Playlists) -> None:
    """Bring archived playlists back."""
    with call(ctx) as c:
        c.finish(c.change(lambda: c.library.playlists.restore(playlists)), columns=STATE)


@app.command("rm", cls=WriteCommand)
def rm(
    ctx: typer.Context,
    playlists: Playlists,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove for good; items stay in the library.")
    ] = False,
) -> None:
    """Archive playlists, or remove them for good; their items stay."""
    with call(ctx) as c:
        if not purge:
            c.finish(c.change(lambda: c.library.playlists.archive(playlists)), columns=STATE)
            return
        library = c.library
        outcome = library.attempt(lambda: library.playlists.purge(playlists), rehearse=True)
        if not c.is_rehearsal:
            names = ", ".join(row["slug"] for row in outcome.data["items"])
            c.confirm(f"Remove {names} for good? The items stay.")
            outcome = library.playlists.purge(playlists)
        said = c.said("removed", "be removed")
        c.finish(outcome, columns=(COLUMNS[0], ("state", lambda row: said)))


@app.command("items", cls=Command)
def items_(ctx: typer.Context, playlist: Playlist, limit: Limit = 20, page: Page = None) -> None:
    """List what is in a playlist, in order."""
    with call(ctx) as c:
        outcome = c.library.playlists.items(playlist, limit=limit, cursor=page)
        c.finish(outcome, columns=ITEM_COLUMNS, cut=True)


@app.command("add-item", cls=WriteCommand)
def add_item(
    ctx: typer.Context,
    playlist: Playlist,
    items: Items,
    at: Annotated[int | None, typer.Option(metavar="N", help="At this place, from 1.")] = None,
    before: Before = None,
    after: After = None,
) -> None:
    """Put items into a playlist, at the end unless a place is given."""
    with call(ctx) as c:
        outcome = c.change(
            lambda: c.library.playlists.add_items(
                playlist, items, at=at, before=before, after=after
            )
        )
        c.finish(outcome, columns=ITEM_COLUMNS[:3])


@app.command("rm-item", cls=WriteCommand)
def rm_item(ctx: typer.Context, playlist: Playlist, items: Items) -> None:
    """Take items out of a playlist; they stay in the library."""
    with call(ctx) as c:
        said = c.said("taken out", "be taken out")
        c.finish(
            c.change(lambda: c.library.playlists.remove_items(playlist, items)),
            columns=(COLUMNS[0], ("state", lambda row: said)),
        )


@app.command("move", cls=WriteCommand)
def move(
    ctx: typer.Context,
    playlist: Playlist,
    item: Item,
    to: Annotated[int | None, typer.Option(metavar="N", help="To this place, from 1.")] = None,
    before: Before = None,
    after: After = None,
) -> None:
    """Move an item within a playlist."""
    with call(ctx) as c:
        outcome = c.change(
            lambda: c.library.playlists.move(playlist, item, to=to, before=before, after=after)
        )
        said = c.said("moved", "move")
        c.finish(
            outcome,
            text=lambda: f"{said} {visible(outcome.data['slug'])} to {outcome.data['ordinal']}",
        )


@app.command("sort", cls=WriteCommand)
def sort(
    ctx: typer.Context,
    playlist: Playlist,
    by: Annotated[By, typer.Option(help="A date is that of publication, else of adding.")],
    descending: Annotated[
        bool, typer.Option("--desc", help="Largest, newest or last letter first.")
    ] = False,
) -> None:
    """Put a playlist in order; equal items stay in the order they have."""
    with call(ctx) as c:
        outcome = c.change(
            lambda: c.library.playlists.sort(playlist, by=by.value, descending=descending)
        )
        said = f"{c.said('sorted', 'sort')} playlist"
        c.finish(outcome, text=lambda: f"{said} {visible(outcome.data['slug'])}")
