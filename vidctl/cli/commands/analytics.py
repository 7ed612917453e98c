"""``vidctl analytics``: what was watched, by whom, how far, and what people searched for."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, noun
from vidctl.timecode import parse_date

app = noun("Analytics: views, viewers, watch time, retention, courses, searches.")


class Bucket(StrEnum):
    """How a trend is cut."""

    day = "day"
    week = "week"
    month = "month"


class Order(StrEnum):
    """What items are ranked by."""

    views = "views"
    watch_time = "watch-time"
    viewers = "viewers"


Since = Annotated[
    str | None, typer.Option(metavar="DATE", help="From this day on (UTC); also 30d.")
]
Until = Annotated[str | None, typer.Option(metavar="DATE", help="Before this day (UTC); also 7d.")]
By = Annotated[
    Bucket | None, typer.Option(help="Cut the trend by this; by default what makes a picture.")
]
Device = Annotated[
    str | None, typer.Option(metavar="KIND", help="Only viewings on this kind of device.")
]
Item = Annotated[str, typer.Argument(metavar="ITEM", help="Video, podcast episode or lesson.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="Rows.")]


def asked(
    since: str | None, until: str | None, device: str | None = None, **more: Any
) -> dict[str, Any]:
    """Return what every question has in common, as the library takes it."""
    return {
        "since": parse_date(since) if since else None,
        "until": parse_date(until) if until else None,
        **({"device": device} if device else {}),
        **more,
    }


def _by(by: Bucket | None) -> str:
    return by.value if by else ""


def _has_blocks(c: Call) -> bool:
    """Tell whether pictures may use more than ASCII where they go."""
    import sys

    from vidctl.cli.charts import can_say

    return c.output.file is not None or can_say(sys.stdout.encoding)


@app.command("summary", cls=Command)
def summary(
    ctx: typer.Context,
    since: Since = None,
    until: Until = None,
    by: By = None,
    device: Device = None,
) -> None:
    """Show what was watched, and with --since how that compares with the time before."""
    with call(ctx) as c:
        from vidctl.cli import screens

        outcome = c.library.analytics.summary(**asked(since, until, device, by=_by(by)))
        c.finish(outcome, text=lambda: screens.summary(outcome.data, ascii=not _has_blocks(c)))


@app.command("video", cls=Command)
def video(
    ctx: typer.Context,
    item: Item,
    since: Since = None,
    until: Until = None,
    by: By = None,
    device: Device = None,
) -> None:
    """Show what was watched of one item: a video, podcast episode or lesson."""
    with call(ctx) as c:
        from vidctl.cli import screens

        outcome = c.library.analytics.video(item, **asked(since, until, device, by=_by(by)))
        c.finish(outcome, text=lambda: screens.item(outcome.data, ascii=not _has_blocks(c)))


@app.command("creator", cls=Command)
def creator(
    ctx: typer.Context,
    who: Annotated[str, typer.Argument(metavar="PERSON", help="By default oneself.")] = "",
    since: Since = None,
    until: Until = None,
    by: By = None,
    device: Device = None,
    limit: Limit = 20,
) -> None:
    """Show the sums over what a person is an author of."""
    with call(ctx) as c:
        from vidctl.cli import screens

        question = asked(since, until, device, by=_by(by), limit=limit)
        outcome = c.library.analytics.creator(who, **question)
        c.finish(outcome, text=lambda: screens.creator(outcome.data, ascii=not _has_blocks(c)))


@app.command("course", cls=Command)
def course(
    ctx: typer.Context,
    which: Annotated[str, typer.Argument(metavar="COURSE", help="Slug or id.")],
    since: Since = None,
    until: Until = None,
) -> None:
    """Show who takes a course, and how many finished each lesson."""
    with call(ctx) as c:
        from vidctl.cli import screens

        outcome = c.library.analytics.course(which, **asked(since, until))
        c.finish(outcome, text=lambda: screens.course(outcome.data, ascii=not _has_blocks(c)))


@app.command("popular", cls=Command)
def popular(
    ctx: typer.Context,
    sort: Annotated[Order, typer.Option(help="Rank by this.")] = Order.views,
    since: Since = None,
    until: Until = None,
    device: Device = None,
    limit: Limit = 20,
) -> None:
    """List the items that are watched most."""
    with call(ctx) as c:
        from vidctl.cli import screens

        question = asked(since, until, device, sort=sort.value, limit=limit)
        c.finish(c.library.analytics.popular(**question), columns=screens.POPULAR)


@app.command("retention", cls=Command)
def retention(
    ctx: typer.Context,
    item: Item,
    text: Annotated[
        bool, typer.Option("--text", help="Show what is said where people leave.")
    ] = False,
    buckets: Annotated[
        int, typer.Option(min=1, max=1000, help="Parts that the item is cut into.")
    ] = 100,
    since: Since = None,
    until: Until = None,
    device: Device = None,
) -> None:
    """Draw which parts of an item are watched, and where people leave it."""
    with call(ctx) as c:
        from vidctl.cli import screens

        question = asked(since, until, device, buckets=buckets, with_text=text)
        outcome = c.library.analytics.retention(item, **question)
        c.finish(outcome, text=lambda: screens.retention(outcome.data, ascii=not _has_blocks(c)))


@app.command("searches", cls=Command)
def searches(
    ctx: typer.Context,
    zero: Annotated[
        bool, typer.Option("--zero", help="Only what found nothing when last asked.")
    ] = False,
    since: Since = None,
    until: Until = None,
    limit: Limit = 20,
) -> None:
    """List what people searched for, most often first."""
    with call(ctx) as c:
        from vidctl.cli import screens

        outcome = c.library.analytics.searches(is_zero=zero, limit=limit, **asked(since, until))
        c.finish(outcome, columns=screens.SEARCHES)


@app.command("export", cls=Command)
def export(
    ctx: typer.Context,
    by: Annotated[Bucket, typer.Option(help="Length of the stretches that are summed.")] = (
        Bucket.day
    ),
    since: Since = None,
    until: Until = None,
    device: Device = None,
) -> None:
    """Write one row for each day, item and kind of device, for a spreadsheet or a database."""
    with call(ctx) as c:
        from vidctl.cli import screens

        rows = c.library.analytics.export(by=by.value, **asked(since, until, device))
        c.stream(rows, columns=screens.cells(by.value))
