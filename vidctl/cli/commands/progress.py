"""``vidctl progress``: what people have seen of what."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.commands.item_flags import Refs
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import plural, visible
from vidctl.errors import UsageError
from vidctl.outcome import Outcome
from vidctl.timecode import clock, iso, parse_date, parse_seconds, split_moment

app = noun("Progress: what people have seen of what, by the ranges they watched.")

# How many bad lines people are told one by one; programs get up to 1,000.
BAD_SHOWN = 20

Who = Annotated[
    str, typer.Option("--person", metavar="WHO", help="Who watched; by default who acts.")
]
Item = Annotated[
    str, typer.Argument(metavar="ITEM", help="Slug or id; a lesson stands for its video.")
]


class Format(StrEnum):
    """What a file of viewings is written in."""

    jsonl = "jsonl"
    csv = "csv"


@app.command("set", cls=WriteCommand)
def set_(
    ctx: typer.Context,
    item: Item,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Position, such as 754 or 12:34.")
    ] = None,
    reset: Annotated[
        bool, typer.Option("--reset", help="Take back all that was seen before.")
    ] = False,
    who: Who = "me",
) -> None:
    """Say where somebody is in an item; ITEM@12:34 will do as well.

    A lower position than before changes nothing, unless with --reset.
    """
    with call(ctx) as c:
        reference, moment = (item, parse_seconds(at)) if at else split_moment(item)
        if moment is None and not reset:
            raise UsageError("say where in the item", hint="--at TIME")
        outcome = c.change(
            lambda: c.library.progress.set(reference, moment or 0.0, reset=reset, person=who)
        )
        c.finish(outcome, text=lambda: said(outcome.data))


@app.command("watch", cls=WriteCommand)
def watch(
    ctx: typer.Context,
    item: Annotated[
        str, typer.Argument(metavar="ITEM", help="Slug or id; none or - reads stdin.")
    ] = "",
    ranges: Annotated[
        list[str] | None,
        typer.Option("--range", metavar="A-B", help="From and to, 10-90 or 0:10-1:30; repeatable."),
    ] = None,
    at_time: Annotated[
        str | None, typer.Option(metavar="DATE", help="When; by default now.")
    ] = None,
    device: Annotated[
        str | None, typer.Option(metavar="WORD", help="Kind of device, such as mobile.")
    ] = None,
    session: Annotated[
        str | None, typer.Option(metavar="ID", help="What belongs to one sitting.")
    ] = None,
    position: Annotated[
        str | None, typer.Option(metavar="TIME", help="Where they are now, if not at the end.")
    ] = None,
    who: Who = "me",
) -> None:
    """Add a viewing of an item, or one for each line of JSON on stdin.

    A line is {"item": …, "ranges": [[10, 90], …], "person": …, "at": …, "device": …,
    "session": …, "position": …, "id": …}; item and ranges (or position) are needed. A bad line is
    reported and the rest is stored; a line whose id is known adds nothing.
    """
    with call(ctx) as c:
        if item in ("", "-"):
            given = (ranges, at_time, device, session, position)
            _batch(c, who, is_single=any(value is not None for value in given))
            return
        spans = [span(text) for text in ranges or []]
        if not spans:
            raise UsageError("say what was watched", hint="--range 0:10-1:30")
        moment = parse_date(at_time) if at_time else None
        place = parse_seconds(position) if position else None
        outcome = c.change(
            lambda: c.library.progress.watch(
                item, spans, at=moment, device=device, session=session, position=place, person=who
            )
        )
        c.finish(outcome, text=lambda: said(outcome.data))


def span(text: str) -> tuple[float, float]:
    """Read a range such as ``10-90``, in seconds. Raises UsageError for what is none."""
    start, mark, end = text.partition("-")
    if not mark:
        raise UsageError(f"{text!r} is not a range", hint="write 10-90 or 0:10-1:30")
    return parse_seconds(start), parse_seconds(end)


def _batch(c: Call, who: str, *, is_single: bool) -> None:
    import sys

    from vidctl.library.intake import lines_of

    if is_single or sys.stdin.isatty():
        raise UsageError("say what was watched", hint="vidctl progress watch ITEM --range 10-90")
    lines = lines_of(sys.stdin.buffer)
    _finish(
        c, c.change(lambda: c.library.progress.take_in(lines, person=who)), "recorded", "record"
    )


def _finish(c: Call, outcome: Outcome, done: str, would: str) -> None:
    counts = outcome.data
    if counts["bad"] > BAD_SHOWN and c.output.format != "json":
        more = plural(counts["bad"] - BAD_SHOWN, "more bad line")
        outcome.notes.append(f"{more}; --json lists up to 1,000")
    c.finish(
        outcome,
        text=lambda: f"{c.said(done, would)} {plural(counts['new'], 'event')}",
        told=BAD_SHOWN,
    )


@app.command("done", cls=WriteCommand)
def done(ctx: typer.Context, items: Refs, who: Who = "me") -> None:
    """Mark items as completed, however much of them was seen."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.progress.done(items, person=who))
        c.finish(outcome, columns=(COLUMNS[0], COLUMNS[2], COLUMNS[6]))


@app.command("show", cls=Command)
def show(
    ctx: typer.Context,
    who: Annotated[
        str, typer.Option("--person", metavar="WHO", help="Whose; by default who acts.")
    ] = "",
    item: Annotated[
        str, typer.Option(metavar="ITEM", help="Of this item, everybody's one may see.")
    ] = "",
    course: Annotated[str, typer.Option(metavar="COURSE", help="Only what is in it.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Rows a page.")] = 20,
    page: Annotated[
        str | None, typer.Option(metavar="NEXT", help="Go on from the page before.")
    ] = None,
) -> None:
    """Show how much was seen of what, what was watched last first."""
    with call(ctx) as c:
        outcome = c.library.progress.page(
            person=who, item=item, course=course, limit=limit, cursor=page
        )
        c.finish(outcome, columns=COLUMNS, cut=True)


COLUMNS = (
    ("item", lambda row: str(row["item"])),
    ("person", lambda row: str(row["person"] or row["personId"])),
    ("seen", lambda row: percent(row["coverage"]) or clock(row["seen"])),
    ("watched", lambda row: clock(row["watchTime"])),
    ("again", lambda row: clock(row["rewatched"]) if row["rewatched"] else ""),
    ("at", lambda row: clock(row["lastPosition"])),
    ("completed", lambda row: iso(row["completedAt"])[:10] if row["completed"] else ""),
    ("last", lambda row: iso(row["lastAt"])[:10]),
)


def percent(share: float | None) -> str:
    """Write a share for people; nothing for one that is not known, 100% only for all."""
    return "" if share is None else f"{int(share * 100)} %"


def said(row: dict[str, Any]) -> str:
    """Return in a line how far somebody is."""
    shown = [f"{visible(row['item'])} at {clock(row['lastPosition'])}"]
    if row["coverage"] is not None:
        shown.append(f"{percent(row['coverage'])} seen")
    if row["rewatched"]:
        shown.append(f"{clock(row['rewatched'])} watched again")
    if row["completed"]:
        shown.append("completed")
    return ", ".join(shown)


@app.command("import", cls=WriteCommand)
def import_(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Viewings as JSON lines or CSV.")],
    format: Annotated[
        Format | None, typer.Option(help="What the file is; by default told by its name.")
    ] = None,
    who: Who = "me",
) -> None:
    """Import viewings, such as another library's export; importing again adds nothing."""
    with call(ctx) as c:
        chosen = format.value if format else ""
        outcome = c.change(lambda: c.library.progress.load(file, format=chosen, person=who))
        _finish(c, outcome, "imported", "import")


@app.command("export", cls=Command)
def export(
    ctx: typer.Context,
    who: Annotated[
        str, typer.Option("--person", metavar="WHO", help="Whose; by default all one may see.")
    ] = "",
    item: Annotated[str, typer.Option(metavar="ITEM", help="Only of this item.")] = "",
    course: Annotated[str, typer.Option(metavar="COURSE", help="Only what is in it.")] = "",
    xapi: Annotated[
        bool, typer.Option("--xapi", help="As statements of the xAPI video profile.")
    ] = False,
) -> None:
    """Print viewings, oldest first, as JSON lines or with --csv; import takes both."""
    with call(ctx) as c:
        if xapi and c.output.format == "csv":
            raise UsageError("--xapi and --csv exclude each other")
        make = c.library.progress.xapi if xapi else c.library.progress.export
        c.stream(make(person=who, item=item, course=course))
