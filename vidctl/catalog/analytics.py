"""What the numbers about watching mean, and the shapes in which they are told.

Shares are fractions from 0 to 1, times of watching seconds, moments epoch milliseconds. A figure
that cannot be known is None. ``docs/reference/analytics.md`` defines each.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from vidctl.errors import UsageError
from vidctl.model.analytics import BUCKETS, DAY_MS, EVER, EVER_DAYS, SORTS, Period, Question, Tally

if TYPE_CHECKING:
    from vidctl.model.thing import Thing
    from vidctl.ports import Store

Span = tuple[int, int] | None
EPOCH = date(1970, 1, 1)
# Days that a trend shows by day, and by week, when nobody says how; more go by month.
MOST_DAYS, MOST_WEEKS_DAYS = 31, 26 * 7
MOST_BUCKETS = 4000
TOP = 5
COMPARED = ("views", "uniqueViewers", "watchTime", "averagePercentageViewed", "completionRate")
# What a calendar of four-digit years has, with room for the period before.
EARLIEST, LATEST = (date(1, 1, 1) - EPOCH).days, (date(9999, 11, 30) - EPOCH).days


# --- time ---------------------------------------------------------------------------------------


def period_of(asked: Question, span: Span, now: int) -> Period:
    """Return the whole days of UTC that are meant.

    The day of ``since`` is the first; the last is the one before the day that begins at ``until``,
    or the one that ``until`` is in. Without them: from the first day of ``span`` to its last, and
    to today at the least. Raises UsageError when no day is left.
    """
    today = now // DAY_MS
    last = max(today, span[1]) if span else today
    if asked.until is not None:
        last = -(-asked.until // DAY_MS) - 1
    first = min(span[0], last) if span else last
    if asked.since is not None:
        first = asked.since // DAY_MS
    if first > last:
        raise UsageError("no day is left between --since and --until")
    if not EARLIEST <= first <= last <= LATEST:
        raise UsageError("that is outside of the calendar")
    return Period(first, last)


def unless_whole(period: Period, span: Span) -> Period | None:
    """Return None for a period that leaves nothing out: sums of all time are there already."""
    is_whole = span is not None and period.first <= span[0] and span[1] <= period.last
    return None if is_whole else period


def reading(asked: Question, period: Period) -> Period | None:
    """Return the days to read: where nobody says since when, everything before counts too."""
    if asked.is_ever:
        return None
    return period if asked.since is not None else Period(-EVER_DAYS, period.last)


def narrowed(asked: Question, span: Span, now: int) -> Period | None:
    """Return the days that are meant, None where nothing is left out."""
    return None if asked.is_ever else unless_whole(period_of(asked, span, now), span)


def day_of(day: int) -> date:
    """Return a day of UTC as a date."""
    return EPOCH + timedelta(days=day)


def bucket_start(day: int, by: str) -> int:
    """Return the first day of the bucket that a day is in; weeks begin on Monday."""
    if by == "week":
        return day - (day + 3) % 7
    if by == "month":
        return (day_of(day).replace(day=1) - EPOCH).days
    return day


def checked_bucket(by: str) -> str:
    """Return a name of a bucket. Raises UsageError for an unknown one."""
    if by not in BUCKETS:
        raise UsageError(f"{by!r} is no part of a calendar", hint=", ".join(BUCKETS))
    return by


def bucket_size(period: Period, by: str) -> str:
    """Return how a trend is cut: as asked, else by what makes a picture that can be read.

    Raises UsageError for an unknown word, and for more than 4,000 buckets.
    """
    if not by:
        by = "week" if period.days <= MOST_WEEKS_DAYS else "month"
        by = "day" if period.days <= MOST_DAYS else by
    if period.days / {"day": 1, "week": 7, "month": 28}[checked_bucket(by)] > MOST_BUCKETS:
        raise UsageError(f"those are too many {by}s", hint="a larger --by, or a later --since")
    return by


def bucket_starts(period: Period, by: str) -> Iterator[int]:
    """Yield the first days of all buckets that a period touches, oldest first."""
    day = bucket_start(period.first, by)
    while day <= period.last:
        yield day
        day = bucket_start(day + {"day": 1, "week": 7, "month": 31}[by], by)


def trend(
    days: Iterable[tuple[int, Tally]], period: Period, by: str, *, with_time: bool = True
) -> list[dict[str, Any]]:
    """Return the sums of each bucket of a period, empty ones too, oldest first.

    ``days`` come oldest first, and none is outside of the period.
    """
    starts = list(bucket_starts(period, by))
    sums = [Tally() for _ in starts]
    place, following = 0, [*starts[1:], period.last + 1]
    for day, tally in days:
        while day >= following[place]:
            place += 1
        sums[place].add(tally)
    rows = []
    for start, tally in zip(starts, sums, strict=True):
        row: dict[str, Any] = {"start": start * DAY_MS, "views": tally.views}
        if with_time:
            row["watchTime"] = tally.watch_time
        rows.append(row)
    return rows


def frame(period: Period, by: str, device: str | None) -> dict[str, Any]:
    """Return what was asked for, as it appears in JSON."""
    return {"since": period.start, "until": period.end, "by": by, "device": device}


# --- the whole scope ----------------------------------------------------------------------------


def summary(*, store: Store, asked: Question, now: int) -> dict[str, Any]:
    """Return what was watched in the scope in a period, and in the one of equal length before it.

    There is nothing before all time, so without ``since`` nothing is compared.
    """
    found, device = store.analytics, asked.device
    span = found.span()
    period = period_of(asked, span, now)
    by = bucket_size(period, asked.by)
    days = found.days(period, device)
    totals, before = _totals(store, period, days, span, device), None
    if asked.since is not None:
        before = _totals(store, period.before, found.days(period.before, device), span, device)
    # People are enrolled before anybody watches.
    within = reading(asked, period) or EVER
    return {
        **frame(period, by, device),
        **totals,
        "enrolments": found.happened("course_enrolled", "course", within),
        "courseCompletions": found.happened("course_completed", "course", within),
        "previous": before,
        "change": {key: change(totals[key], before[key]) for key in COMPARED} if before else None,
        "devices": _devices(store, period, device),
        "trend": trend(days, period, by),
        "top": _top(store, unless_whole(period, span), device),
    }


def _totals(
    store: Store,
    period: Period,
    days: Sequence[tuple[int, Tally]],
    span: Span,
    device: str | None,
) -> dict[str, Any]:
    total = sum_of(tally for _, tally in days)
    asked = unless_whole(period, span)
    starts, finishes = (0, 0) if device else store.analytics.starts(asked)
    return {
        "views": total.views,
        "uniqueViewers": store.analytics.viewers(asked, device),
        "watchTime": total.watch_time,
        "averagePercentageViewed": total.average,
        "completionRate": finishes / starts if starts else None,
    }


def sum_of(tallies: Iterable[Tally]) -> Tally:
    """Return the sum of tallies."""
    total = Tally()
    for tally in tallies:
        total.add(tally)
    return total


def change(now: float | None, before: float | None) -> float | None:
    """Return the change as a share of what was before, None where there was nothing."""
    if not before or now is None:
        return None
    return (now - before) / before


def _devices(store: Store, period: Period, device: str | None) -> list[dict[str, Any]]:
    split = store.analytics.devices(period)
    total = sum(tally.views for _, tally in split)
    return [
        {
            "device": name,
            "views": tally.views,
            "watchTime": tally.watch_time,
            "share": tally.views / total,
        }
        for name, tally in split
        if device in (None, name)
    ]


def _top(store: Store, period: Period | None, device: str | None) -> list[dict[str, Any]]:
    if device is None:
        found = store.rankings.top(TOP, period)
    else:
        ranking = store.rankings.ranking("views", TOP, period, device)
        found = [(one.item_id, one.tally.views) for one in ranking]
    known = store.things.known(item_id for item_id, _ in found)
    return [{**named(known.get(item_id), item_id), "views": views} for item_id, views in found]


def named(thing: Thing | None, thing_id: str) -> dict[str, Any]:
    """Return what a row is about; of what was removed only the id is left."""
    if thing is None:
        return {"id": thing_id, "slug": None, "name": None, "type": None}
    return {"id": thing.id, "slug": thing.slug, "name": thing.name, "type": thing.type}


def figures(tally: Tally) -> dict[str, Any]:
    """Return a tally as it appears in JSON."""
    return {
        "views": tally.views,
        "watchTime": tally.watch_time,
        "averagePercentageViewed": tally.average,
    }


def popular(
    *, store: Store, asked: Question, sort: str, limit: int, now: int
) -> list[dict[str, Any]]:
    """Return the items that stand first, best first. Raises UsageError for an unknown order."""
    if sort not in SORTS:
        raise UsageError(f"{sort!r} is no order of items", hint=", ".join(SORTS))
    period = narrowed(asked, store.analytics.span(), now)
    ranking = store.rankings.ranking(sort, limit, period, asked.device)
    known = store.things.known(one.item_id for one in ranking)
    return [
        {
            **named(known.get(one.item_id), one.item_id),
            **figures(one.tally),
            "uniqueViewers": one.viewers,
        }
        for one in ranking
    ]


def searches(
    *, store: Store, asked: Question, limit: int, is_zero: bool, now: int
) -> tuple[list[dict[str, Any]], int]:
    """Return what was searched for, most often first, and how many queries there were."""
    period = reading(asked, period_of(asked, None, now))
    found, total = store.rankings.searches(limit, period, is_zero=is_zero)
    rows = [
        {
            "query": one.query,
            "count": one.count,
            "hits": one.hits,
            "mode": one.mode,
            "lastAt": one.last_at,
        }
        for one in found
    ]
    return rows, total


def cells(*, store: Store, asked: Question, now: int) -> Iterator[dict[str, Any]]:
    """Return flat rows for a spreadsheet: bucket, item and kind of device, oldest first.

    Raises UsageError before the first row for what cannot be asked.
    """
    by = checked_bucket(asked.by or "day")
    period = None if asked.is_ever else period_of(asked, store.analytics.span(), now)
    return (
        {
            "start": cell.first * DAY_MS,
            by: day_of(cell.first).isoformat(),
            "item": cell.slug or None,
            "itemId": cell.item_id,
            "device": cell.device,
            "views": cell.tally.views,
            "watchTime": cell.tally.watch_time,
            "ratedViews": cell.tally.rated,
            "averagePercentageViewed": cell.tally.average,
        }
        for cell in store.rankings.cells(by, period, asked.device)
    )
