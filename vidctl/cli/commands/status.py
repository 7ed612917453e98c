"""``vidctl status``: what is here, and what is left."""

from __future__ import annotations

from typing import Any

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.cli.text import plural, size, visible
from vidctl.outcome import Outcome
from vidctl.timecode import clock


def status(ctx: typer.Context) -> None:
    """Show what the library holds and what is left to do."""
    with call(ctx) as c:
        from vidctl.overview import status as overview

        data = overview(c.library)
        c.finish(Outcome(data), text=lambda: told(data))


def told(data: dict[str, Any]) -> str:
    """Return a library's state for people."""
    counts = ", ".join(plural(count, kind) for kind, count in sorted(data["items"].items()))
    below = f" and {plural(data['groups'] - 1, 'group')} below" if data["groups"] > 1 else ""
    lines = [
        f"library  {visible(data['library'])}",
        f"group    {visible(data['group'])}{below}",
        f"items    {counts or 'none'}",
        f"length   {clock(data['duration'])}",
        f"media    {size(data['bytes'])}",
    ]
    for identity, count in data["vectors"].items():
        lines.append(f"vectors  {plural(count, 'chunk')} by {identity}")
    waiting = data["waiting"]
    lines.append(f"left     {plural(len(waiting), 'item')}" if waiting else "left     nothing")
    for item in waiting[:20]:
        error = f": {item['error']}" if item["error"] else ""
        lines.append(visible(f"  {item['slug']}  {item['stage']} {item['state']}{error}"))
    if waiting:
        lines.append("next     vidctl process")
    return "\n".join(lines)


app = verb(status)
