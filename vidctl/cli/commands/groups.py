"""``vidctl groups``: tenants."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import visible
from vidctl.model.group import GROUP_TYPES
from vidctl.outcome import Outcome
from vidctl.timecode import iso

if TYPE_CHECKING:
    from vidctl.model.group import Group

app = noun("Groups: tenants, nested to any depth.")

COLUMNS = (
    ("path", lambda item: str(item["path"])),
    ("name", lambda item: str(item["name"])),
    ("type", lambda item: str(item["type"])),
    ("items", lambda item: str(item.get("items", ""))),
    ("status", lambda item: str(item["status"])),
)
MEMBERS = (
    ("slug", lambda item: str(item["slug"])),
    ("name", lambda item: str(item["name"])),
    ("type", lambda item: str(item["type"])),
    ("role", lambda item: str(item["role"])),
    ("from", lambda item: str(item["roleGroup"])),
    ("status", lambda item: str(item["status"])),
)
KINDS = f"One of {', '.join(GROUP_TYPES)}."
Path_ = Annotated[str, typer.Argument(metavar="GROUP", help="Path, slug or id.")]


class Status(StrEnum):
    """Which groups a listing shows."""

    active = "active"
    archived = "archived"
    all = "all"


@app.command("add", cls=WriteCommand)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name; or a path, whose last part is the slug.")],
    parent: Annotated[str | None, typer.Option(metavar="GROUP", help="Group to put it in.")] = None,
    slug: Annotated[str, typer.Option(metavar="SLUG", help="By default made from the name.")] = "",
    type: Annotated[str, typer.Option("--type", metavar="KIND", help=KINDS)] = "organization",
    description: Annotated[str, typer.Option(help="Description.")] = "",
) -> None:
    """Add a group at the top, below --parent, or at a path (acme/courses)."""
    with call(ctx) as c:
        from vidctl.catalog import groups
        from vidctl.library import now

        head, mark, tail = name.strip("/").rpartition("/")
        if mark and parent is None:
            parent, name = head, tail
        # With -g, a new group belongs below that group: nothing can be made outside of it.
        wanted = parent or c.library.root
        above = c.library.groups.resolve(wanted) if wanted else None
        c.library.allow_group("manage groups", above)
        _change(
            c,
            "entity_created",
            "add",
            "added",
            lambda: groups.add_group(
                c.library.groups,
                name=name,
                parent=above,
                type=type,
                slug=slug,
                description=description,
                now=now,
            ),
        )


def _change(
    c: Call,
    event: str,
    would: str,
    said: str,
    change: Callable[[], Group],
    before: Group | None = None,
) -> None:
    from vidctl.catalog import groups

    group = c.library.change_group(change, event, before=before, rehearse=c.is_rehearsal)
    notes = ["nothing was changed"] if c.is_rehearsal or group is before else []
    verb = f"would {would}" if c.is_rehearsal else said
    c.finish(
        Outcome(groups.record(group), notes=notes),
        text=lambda: f"{verb} group {visible(group.path)}",
    )


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    status: Annotated[
        Status | None, typer.Option(help="Only these; by default the active ones.")
    ] = None,
) -> None:
    """List groups, parents before children; with -g only from that group down."""
    with call(ctx) as c:
        from vidctl.catalog import groups

        c.library.allow("view groups")
        data = groups.listing(c.library.groups, status=status.value if status else None)
        c.finish(Outcome(data), columns=COLUMNS)


@app.command("tree", cls=Command)
def tree(ctx: typer.Context) -> None:
    """Draw the groups as a tree."""
    with call(ctx) as c:
        from vidctl.catalog import groups

        c.library.allow("view groups")
        data = groups.listing(c.library.groups)
        c.finish(Outcome(data), text=lambda: drawn(data["items"]))


def drawn(items: list[dict[str, Any]]) -> str:
    """Return groups as an indented tree with the number of their items."""
    if not items:
        return ""
    known = {item["id"] for item in items}
    children: dict[str | None, list[dict[str, Any]]] = {}
    for item in items:
        parent = item["parentId"] if item["parentId"] in known else None
        children.setdefault(parent, []).append(item)
    lines: list[str] = []

    def walk(parent: str | None, indent: str) -> None:
        below = children.get(parent, [])
        for number, item in enumerate(below):
            is_last = number == len(below) - 1
            branch = "" if parent is None else ("└── " if is_last else "├── ")
            count = f" ({item['items']})" if item["items"] else ""
            lines.append(f"{indent}{branch}{visible(item['slug'])}{count}")
            deeper = "" if parent is None else ("    " if is_last else "│   ")
            walk(item["id"], indent + deeper)

    walk(None, "")
    return "\n".join(lines)


@app.command("show", cls=Command)
def show(ctx: typer.Context, wanted: Path_) -> None:
    """Show one group."""
    with call(ctx) as c:
        from vidctl.catalog import groups

        found = c.library.groups.resolve(wanted)
        c.library.allow_group("view groups", found)
        counts = c.library.groups.counts([found.id])
        data = groups.record(found, counts.get(found.id, 0))
        c.finish(Outcome(data), text=lambda: described(data))


def described(data: dict[str, Any]) -> str:
    """Return a group for people, one field a line."""
    rows = {**data, "createdAt": iso(data["createdAt"]), "updatedAt": iso(data["updatedAt"])}
    kept = {key: value for key, value in rows.items() if value not in (None, "", {})}
    return "\n".join(f"{key:<12} {visible(str(value))}" for key, value in kept.items())


@app.command("members", cls=Command)
def members(
    ctx: typer.Context,
    wanted: Annotated[
        str, typer.Argument(metavar="GROUP", help="Path, slug or id; by default the group of -g.")
    ] = "",
) -> None:
    """List who has a role in a group, and which group it comes from."""
    with call(ctx) as c:
        c.finish(c.library.people.members(wanted), columns=MEMBERS)


@app.command("edit", cls=WriteCommand)
def edit(
    ctx: typer.Context,
    wanted: Path_,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    slug: Annotated[
        str | None, typer.Option(metavar="SLUG", help="New slug; changes the path.")
    ] = None,
    type: Annotated[str | None, typer.Option("--type", metavar="KIND", help=KINDS)] = None,
    description: Annotated[str | None, typer.Option(help="Description.")] = None,
) -> None:
    """Change a group's name, slug, type or description."""
    with call(ctx) as c:
        from vidctl.catalog import groups
        from vidctl.library import now

        found = c.library.groups.resolve(wanted)
        c.library.allow_group("manage groups", found)
        _change(
            c,
            "entity_updated",
            "edit",
            "edited",
            lambda: groups.edit_group(
                c.library.groups,
                found,
                name=name,
                slug=slug,
                type=type,
                description=description,
                now=now,
            ),
            found,
        )


@app.command("move", cls=WriteCommand)
def move(
    ctx: typer.Context,
    wanted: Path_,
    to: Annotated[str | None, typer.Option(metavar="GROUP", help="Group to move it into.")] = None,
    top: Annotated[bool, typer.Option("--top", help="Move it to the top.")] = False,
) -> None:
    """Move a group, with everything below it, into another group or to the top."""
    with call(ctx) as c:
        from vidctl.catalog import groups
        from vidctl.errors import UsageError
        from vidctl.library import now

        if (to is None) == (not top):
            raise UsageError("say where to", hint="--to GROUP or --top")
        if top and c.library.root:
            raise UsageError("--top would leave the group of -g", hint="leave out -g")
        found = c.library.groups.resolve(wanted)
        above = None if to is None else c.library.groups.resolve(to)
        c.library.allow_group("manage groups", found)
        c.library.allow_group("manage groups", above)
        _change(
            c,
            "entity_updated",
            "move to",
            "moved to",
            lambda: groups.move_group(c.library.groups, found, above, now=now),
            found,
        )


@app.command("archive", cls=WriteCommand)
def archive(ctx: typer.Context, wanted: Path_) -> None:
    """Archive a group: it can be read, and nothing can be added to it."""
    with call(ctx) as c:
        _shelve(c, wanted, "entity_archived", "archive", "archived")


@app.command("restore", cls=WriteCommand)
def restore(ctx: typer.Context, wanted: Path_) -> None:
    """Make an archived group active again."""
    with call(ctx) as c:
        _shelve(c, wanted, "entity_restored", "restore", "restored")


def _shelve(c: Call, wanted: str, event: str, would: str, said: str) -> None:
    from vidctl.catalog import groups
    from vidctl.library import now

    found = c.library.groups.resolve(wanted)
    c.library.allow_group("manage groups", found)
    act = groups.restore_group if would == "restore" else groups.archive_group
    _change(c, event, would, said, lambda: act(c.library.groups, found, now=now), found)
