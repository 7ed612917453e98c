"""``vidctl people``: who may act here, with which role, and what they may see."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import visible, wrapped
from vidctl.outcome import Outcome
from vidctl.timecode import iso

app = noun("People: add, list, show, edit, remove, roles, grants.")
role_app = noun("What people are in a group.")
app.add_typer(role_app, name="role")


class Type(StrEnum):
    """What a person is."""

    creator = "creator"
    user = "user"


class Role(StrEnum):
    """What a person is in a group."""

    org_owner = "org_owner"
    org_user = "org_user"
    customer = "customer"


class NewRole(StrEnum):
    """What a person becomes in a group."""

    org_owner = "org_owner"
    org_user = "org_user"
    customer = "customer"
    none = "none"


class Status(StrEnum):
    """Which people a listing shows."""

    active = "active"
    archived = "archived"
    all = "all"


Who = Annotated[str, typer.Argument(metavar="WHO", help="Slug, id, id prefix or me.")]
Whole = Annotated[list[str], typer.Argument(metavar="WHO", help="Slugs or ids.")]
Things = Annotated[
    list[str], typer.Argument(metavar="THING", help="Videos, podcasts, playlists or courses.")
]

COLUMNS = (
    ("slug", lambda item: str(item["slug"])),
    ("name", lambda item: str(item["name"])),
    ("type", lambda item: str(item["type"])),
    ("role", lambda item: str(item["role"] or "none")),
    ("status", lambda item: str(item["status"])),
    ("added", lambda item: iso(item["createdAt"])[:10]),
)


@app.command("add", cls=WriteCommand)
def add(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="Name.")],
    type: Annotated[
        Type, typer.Option("--type", help="A creator makes things, a user watches.")
    ] = Type.user,
    role: Annotated[Role, typer.Option(help="Role in this group.")] = Role.org_user,
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
    bio: Annotated[str | None, typer.Option(help="A few words about them.")] = None,
    slug: Annotated[str, typer.Option(metavar="SLUG", help="By default made from the name.")] = "",
) -> None:
    """Add a person to the group, with a role there."""
    with call(ctx) as c:
        given = {key: value for key, value in (("email", email), ("bio", bio)) if value}
        outcome = c.change(
            lambda: c.library.people.add(name, given, type=type.value, role=role.value, slug=slug)
        )
        _told(c, outcome, c.said("added", "add"))


def _told(c: Call, outcome: Outcome, said: str) -> None:
    data = outcome.data
    role = data["role"] or "no role"
    c.finish(outcome, text=lambda: f"{said} {data['type']} {visible(data['slug'])} ({role})")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    role: Annotated[Role | None, typer.Option(help="Only with this role in their group.")] = None,
    type: Annotated[Type | None, typer.Option("--type", help="Only this type.")] = None,
    status: Annotated[
        Status | None, typer.Option(help="Only these; by default the active ones.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1000, help="People a page.")
    ] = 20,
    page: Annotated[
        str | None, typer.Option(metavar="NEXT", help="Go on from the page before.")
    ] = None,
) -> None:
    """List the people of the group by name."""
    with call(ctx) as c:
        from vidctl.model.thing import ThingQuery

        query = ThingQuery(
            (type.value,) if type else (),
            status=status.value if status else None,
            role=role.value if role else None,
            sort="title",
            descending=False,
            limit=limit,
            cursor=page,
        )
        c.finish(c.library.people.page(query), columns=COLUMNS, cut=True)


@app.command("show", cls=Command)
def show(ctx: typer.Context, who: Who) -> None:
    """Show a person: roles, purchases, and counts of what they did."""
    with call(ctx) as c:
        outcome = c.library.people.show(who)
        c.finish(outcome, text=lambda: described(outcome.data, c.output.columns))


def described(data: dict[str, Any], columns: int) -> str:
    """Return a person for people: one field a line."""
    rows = {
        "type": data["type"],
        "status": data["status"],
        "slug": data["slug"],
        "id": data["id"],
        **data["properties"],
        "roles": ", ".join(f"{role['role']} in {role['group']}" for role in data["roles"]),
        "purchases": ", ".join(f"{thing['slug']} ({thing['type']})" for thing in data["purchases"]),
        "enrolments": data["enrolments"],
        "authored": data["authored"],
        "added": iso(data["createdAt"]),
        "changed": iso(data["updatedAt"]),
    }
    lines = [visible(data["name"]), ""]
    for key, value in rows.items():
        if value not in (None, "", {}):
            first, *rest = wrapped(visible(str(value)), columns, " " * 12)
            lines += [f"{key:<11} {first[12:]}", *rest]
    return "\n".join(lines)


@app.command("edit", cls=WriteCommand)
def edit(
    ctx: typer.Context,
    who: Who,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    email: Annotated[str | None, typer.Option(help="E-mail address.")] = None,
    bio: Annotated[str | None, typer.Option(help="A few words about them.")] = None,
    slug: Annotated[str | None, typer.Option(metavar="SLUG", help="New slug.")] = None,
) -> None:
    """Change a person; an empty value removes a property."""
    with call(ctx) as c:
        given = (("email", email), ("bio", bio))
        changes = {key: value or None for key, value in given if value is not None}
        outcome = c.change(lambda: c.library.people.edit(who, changes, name=name, slug=slug))
        _told(c, outcome, c.said("edited", "edit"))


@app.command("rm", cls=WriteCommand)
def rm(
    ctx: typer.Context,
    whom: Whole,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove name, email and bio for good.")
    ] = False,
) -> None:
    """Archive people, who can no longer act then, or remove what is known about them for good.

    What they made and watched stays, attributed to their id.
    """
    with call(ctx) as c:
        people = c.library.people
        if not purge:
            c.finish(c.change(lambda: people.archive(whom)), columns=CHANGED)
            return
        # Found out before the question: whom it is about, and whether it can be done at all.
        rehearsed = c.library.attempt(lambda: people.purge(whom), rehearse=True)
        if c.is_rehearsal:
            c.finish(rehearsed, columns=(COLUMNS[0], ("state", lambda item: "would be removed")))
            return
        names = ", ".join(item["slug"] for item in rehearsed.data["items"])
        c.confirm(f"Remove what is known about {names} for good?")
        done = c.change(lambda: people.purge(whom))
        c.finish(done, columns=(COLUMNS[0], ("state", lambda item: "removed")))


@app.command("restore", cls=WriteCommand)
def restore(ctx: typer.Context, whom: Whole) -> None:
    """Let archived people act again, with the role they had."""
    with call(ctx) as c:
        c.finish(c.change(lambda: c.library.people.restore(whom)), columns=CHANGED)


CHANGED = (COLUMNS[0], COLUMNS[4])


@role_app.command("set", cls=WriteCommand)
def role_set(
    ctx: typer.Context,
    who: Who,
    role: Annotated[
        NewRole, typer.Argument(metavar="ROLE", help="org_owner, org_user, customer or none.")
    ],
) -> None:
    """Give a person a role in this group, which counts in the groups below it too."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.people.set_role(who, role.value))
        _told(c, outcome, c.said("changed", "change"))


@app.command("grant", cls=WriteCommand)
def grant(ctx: typer.Context, who: Who, things: Things) -> None:
    """Let a customer see things, and what those contain, as if they had bought them."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.people.grant(who, things))
        _granted(c, outcome, c.said("granted", "grant"))


@app.command("revoke", cls=WriteCommand)
def revoke(ctx: typer.Context, who: Who, things: Things) -> None:
    """Take back what was granted."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.people.revoke(who, things))
        _granted(c, outcome, c.said("revoked", "revoke"))


def _granted(c: Call, outcome: Outcome, said: str) -> None:
    columns = (
        ("person", lambda item: str(item["person"])),
        ("thing", lambda item: str(item["slug"])),
        ("type", lambda item: str(item["type"])),
        ("state", lambda item: said if item["changed"] else "unchanged"),
    )
    c.finish(outcome, columns=columns)
