"""``vidctl whoami``: who acts."""

from __future__ import annotations

from typing import Any

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.cli.text import visible


def whoami(ctx: typer.Context) -> None:
    """Show who acts, and what they are in this group.

    Without --as that is the local owner: whoever works on the library file.
    """
    with call(ctx) as c:
        outcome = c.library.people.whoami()
        c.finish(outcome, text=lambda: told(outcome.data))


def told(data: dict[str, Any]) -> str:
    """Return who acts for people."""
    owns = ", owner of the library file" if data["ownsLibrary"] else ""
    lines = [
        f"person   {visible(data['slug'])}  {visible(data['name'])}",
        f"type     {data['type']}{owns}",
        f"group    {visible(data['group'])}",
        f"here as  {data['standing']}",
    ]
    below = [group for group in data["groups"] if group["id"] != data["groupId"]]
    for number, group in enumerate(below):
        head = "below" if number == 0 else ""
        lines.append(f"{head:<8} {visible(group['path'])}  {group['standing']}")
    return "\n".join(lines)


app = verb(whoami)
