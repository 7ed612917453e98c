"""``vidctl events``: the log of what happened."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.options import Given, takes
from vidctl.cli.text import plural, visible
from vidctl.errors import UsageError
from vidctl.timecode import iso, parse_date

app = noun("Events: list, show, export, record.")

# How many events a follower sees first, and how often it looks for more.
FIRST, PAUSE = 10, 0.25
# How many bad lines people are told one by one; programs get up to 1,000.
BAD_SHOWN = 20


def narrowing(
    *,
    type: Annotated[
        str | None, typer.Option("--type", help="Only of this type, such as content_event.")
    ] = None,
    action: Annotated[
        str | None, typer.Option(help="Only with this action, such as video_viewed.")
    ] = None,
    actor: Annotated[
        str, typer.Option(metavar="PERSON", help="Only by this person; me for oneself.")
    ] = "",
    target: Annotated[
        str, typer.Option(metavar="REF", help="Only about this item, person or group.")
    ] = "",
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Happened at or after; also 7d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Happened before; also 7d.")
    ] = None,
) -> dict[str, Any]:
    """Return the fields of an EventQuery, and actor and target as they were typed."""
    return {
        "type": type,
        "action": action,
        "actor": actor,
        "target": target,
        "since": parse_date(since) if since else None,
        "until": parse_date(until) if until else None,
    }


def _query(asked: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return the arguments of the library's calls: the query, and what remains to be resolved."""
    from vidctl.model.event import EventQuery

    names = {"actor": asked.pop("actor"), "target": asked.pop("target")}
    return {"query": EventQuery(**asked, **more), **names}


@app.command("list", cls=Command)
@takes(asked=narrowing)
def list_(
    ctx: typer.Context,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=1000, help="Events a page.")
    ] = None,
    page: Annotated[
        str | None, typer.Option(metavar="NEXT", help="Go on from the page before.")
    ] = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Print the last ones, then new ones as they come."),
    ] = False,
    *,
    asked: Given,
) -> None:
    """List events, newest first; with --follow oldest first, and without an end."""
    with call(ctx) as c:
        if follow:
            _follow(c, asked(), limit, page)
            return
        outcome = c.library.events.page(**_query(asked(), limit=limit or 20, cursor=page))
        c.finish(outcome, columns=COLUMNS, cut=True)


def _follow(c: Call, asked: dict[str, Any], limit: int | None, page: str | None) -> None:
    if c.output.format == "json" or c.output.file is not None or page is not None:
        raise UsageError(
            "--follow has no end, so it goes with neither --json, --output nor --page",
            hint="--jsonl prints one object a line",
        )
    found = c.library.events.follow(
        **_query(asked, limit=limit or FIRST), wait=lambda: c.output.wait(PAUSE)
    )
    # A title would leave no room for the rest; who follows looks at what happens.
    c.stream(found, columns=COLUMNS[:4], is_live=True)


COLUMNS = (
    ("time", lambda event: iso(event["at"])),
    ("event", lambda event: str(event["action"] or event["type"])),
    ("actor", lambda event: str(event["actor"] or event["actorId"] or "")),
    ("target", lambda event: str(event["target"] or event["targetId"] or "")),
    ("title", lambda event: str(event["targetName"] or "")),
)


@app.command("show", cls=Command)
def show(
    ctx: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Id, or the beginning of it.")],
) -> None:
    """Show one event with everything it says."""
    with call(ctx) as c:
        outcome = c.library.events.show(event)
        c.finish(outcome, text=lambda: described(outcome.data))


def described(data: dict[str, Any]) -> str:
    """Return an event for people, one field a line."""
    rows = {
        "id": data["id"],
        "time": iso(data["at"]),
        "type": data["type"],
        "action": data["action"],
        "actor": _named(data["actor"], data["actorId"]),
        "target": _named(data["target"], data["targetId"]),
        "title": data["targetName"],
        **data["metadata"],
    }
    kept = {key: value for key, value in rows.items() if value not in (None, "", [], {})}
    return "\n".join(f"{visible(key):<14} {visible(str(value))}" for key, value in kept.items())


def _named(slug: str | None, thing_id: str | None) -> str:
    return f"{slug} ({thing_id})" if slug else thing_id or ""


@app.command("export", cls=Command)
@takes(asked=narrowing)
def export(ctx: typer.Context, *, asked: Given) -> None:
    """Print all events, oldest first, as JSON lines or with --csv, however many they are."""
    with call(ctx) as c:
        c.stream(c.library.events.export(**_query(asked())))


@app.command("record", cls=WriteCommand)
def record(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="-", help="Events from stdin, one JSON object a line.")
    ] = "",
    type: Annotated[str | None, typer.Option("--type", help="Type; content_event.")] = None,
    action: Annotated[str | None, typer.Option(help="What happened, such as note_taken.")] = None,
    actor: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Who did it; by default who acts.")
    ] = None,
    target: Annotated[str | None, typer.Option(metavar="REF", help="What it was done to.")] = None,
    at: Annotated[str | None, typer.Option(metavar="DATE", help="When; by default now.")] = None,
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="KEY=VALUE", help="What else to know; repeatable, JSON or text."),
    ] = None,
) -> None:
    """Log one event that options describe, or many from stdin as JSON lines.

    A line is {"action": …, "target": …, "actor": …, "at": …, "metadata": {…}, "id": …}; only the
    action is needed. A bad line is reported and the rest is stored; a line whose id is known adds
    nothing.
    """
    with call(ctx) as c:
        from vidctl.cli.commands.item_flags import set_pairs

        given = {
            "type": type,
            "action": action,
            "actor": actor,
            "target": target,
            "at": parse_date(at) if at else None,
            "metadata": set_pairs(metadata) if metadata else None,
        }
        one = {key: value for key, value in given.items() if value is not None}
        _record(c, source, one)


def _record(c: Call, source: str, one: dict[str, Any]) -> None:
    if source not in ("", "-") or (source and one):
        raise UsageError(
            "events come either from options or, for -, from stdin",
            hint="vidctl events record - < FILE",
        )
    lines = _line(one) if one else _stdin()
    outcome = c.change(lambda: c.library.events.record(lines))
    if one and outcome.errors:
        outcome.errors[0].item = ""
        raise outcome.errors[0]
    counts = outcome.data
    if counts["bad"] > BAD_SHOWN and c.output.format != "json":
        more = plural(counts["bad"] - BAD_SHOWN, "more bad line")
        outcome.notes.append(f"{more}; --json lists up to 1,000")
    said = f"{c.said('recorded', 'record')} {plural(counts['new'], 'event')}"
    c.finish(outcome, text=lambda: said, told=BAD_SHOWN)


def _stdin() -> Iterable[bytes]:
    import sys

    from vidctl.library.intake import lines_of

    if sys.stdin.isatty():
        raise UsageError(
            "nothing to record was given", hint="--action WORD, or JSON lines on stdin"
        )
    return lines_of(sys.stdin.buffer)


def _line(one: dict[str, Any]) -> Iterable[bytes]:
    import json

    if "action" not in one:
        raise UsageError("an event needs an action", hint="--action WORD")
    return [json.dumps({"type": "content_event", **one}).encode()]
