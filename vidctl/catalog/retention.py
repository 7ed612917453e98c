"""Which parts of an item are watched, and where people leave it."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from vidctl.catalog.analytics import named, period_of, reading
from vidctl.catalog.audience import parts_of
from vidctl.errors import UsageError
from vidctl.model.analytics import Question

if TYPE_CHECKING:
    from vidctl.model.segment import Segment
    from vidctl.model.thing import Thing
    from vidctl.ports import Store

BUCKETS = 100
MOST_BUCKETS = 1000
DROPS = 5
# A range that ends this close behind a border does not reach into the part behind it, in seconds.
TOUCH = 1e-6


def retention(
    *,
    store: Store,
    thing: Thing,
    asked: Question,
    buckets: int = BUCKETS,
    with_text: bool = False,
    now: int,
) -> dict[str, Any]:
    """Return the share of viewings that include each part of an item, and the largest drops.

    A viewing counts that says which ranges it covered; it includes a part that it covered any of.
    With ``with_text``, each drop comes with the line of the transcript that is said there. Raises
    UsageError for an impossible number of parts.
    """
    if not 1 <= buckets <= MOST_BUCKETS:
        raise UsageError(f"an item has from 1 to {MOST_BUCKETS} parts")
    ids = parts_of(store, thing)
    period = reading(asked, period_of(asked, None, now))
    viewings = [
        spans for one in store.analytics.ranges(ids, period, asked.device) if (spans := clean(one))
    ]
    duration = _duration(store, thing, ids, viewings)
    counts = curve(viewings, duration, buckets)
    step = duration / buckets
    shares = [count / len(viewings) if viewings else 0.0 for count in counts]
    drops = largest_drops(shares, step)
    if with_text:
        lines = list(itertools.chain.from_iterable(map(store.segments.of, ids)))
        drops = [{**drop, "text": line_at(lines, drop["at"])} for drop in drops]
    return {
        "item": named(thing, thing.id),
        "device": asked.device,
        "viewings": len(viewings),
        "duration": duration,
        "drops": drops,
        "items": [
            {"start": number * step, "end": (number + 1) * step, "share": share}
            for number, share in enumerate(shares)
        ],
        "total": buckets,
        "next": None,
    }


def clean(ranges: Iterable[Any]) -> list[tuple[float, float]]:
    """Return the ranges of a viewing that are some: pairs of numbers with time between them."""
    found = []
    for one in ranges:
        if isinstance(one, list) and len(one) == 2 and all(type(x) in (int, float) for x in one):
            first, last = max(0.0, float(one[0])), float(one[1])
            if last > first and math.isfinite(last):
                found.append((first, last))
    return sorted(found)


def _duration(
    store: Store, thing: Thing, ids: Sequence[str], viewings: Iterable[list[tuple[float, float]]]
) -> float:
    """Return an item's length in seconds: its own, what it contains, or as far as anybody came."""
    known = store.things.known(ids)
    said = [one.properties.get("duration") for one in (thing, *known.values())]
    lengths = [float(length) for length in said if length]
    furthest = max((last for spans in viewings for _, last in spans), default=0.0)
    return lengths[0] if lengths else furthest


def curve(
    viewings: Iterable[Sequence[tuple[float, float]]], duration: float, buckets: int
) -> list[int]:
    """Return how many viewings include each of so many equal parts of a duration.

    A viewing's ranges come in order. One that covers a part twice counts there once.
    """
    steps = [0] * (buckets + 1)
    if duration <= 0:
        return steps[:-1]
    scale = buckets / duration
    for spans in viewings:
        done = 0
        for first, last in spans:
            begin = max(done, int((first + TOUCH) * scale))
            end = min(buckets, math.ceil((last - TOUCH) * scale))
            if end > begin:
                steps[begin] += 1
                steps[end] -= 1
                done = end
    return list(itertools.accumulate(steps))[:-1]


def largest_drops(shares: Sequence[float], step: float) -> list[dict[str, Any]]:
    """Return where the share falls most from one part to the next, the largest fall first."""
    falls = [
        (before - after, number)
        for number, (before, after) in enumerate(itertools.pairwise(shares), start=1)
        if before > after
    ]
    falls.sort(key=lambda fall: (-fall[0], fall[1]))
    return [
        {"at": number * step, "before": shares[number - 1], "after": shares[number]}
        for _, number in falls[:DROPS]
    ]


def line_at(lines: Sequence[Segment], second: float) -> str | None:
    """Return what is being said at a second, or was last; None before the first word."""
    ordered = sorted(lines, key=lambda line: line.start)
    place = bisect.bisect_right([line.start for line in ordered], second)
    return ordered[place - 1].text if place else None
