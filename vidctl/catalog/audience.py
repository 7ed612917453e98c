"""Who watched one item, what one person wrote, or one course.

Shares are fractions from 0 to 1, times of watching seconds, moments epoch milliseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vidctl.catalog.analytics import (
    Span,
    bucket_size,
    figures,
    frame,
    named,
    period_of,
    reading,
    sum_of,
    trend,
)
from vidctl.model.analytics import DAY_MS, EVER, Period, Question, Tally

if TYPE_CHECKING:
    from vidctl.model.thing import Thing
    from vidctl.ports import Store

# What is watched; a playlist or a course is a way to get there.
WATCHABLE = ("video", "podcast", "lesson")


def parts_of(store: Store, thing: Thing) -> list[str]:
    """Return the ids under which an item is watched: its own, and what a lesson contains."""
    if thing.type != "lesson":
        return [thing.id]
    return [thing.id, *(link.to_id for link in store.sequences.links(thing.id))]


def item(*, store: Store, thing: Thing, asked: Question, now: int) -> dict[str, Any]:
    """Return what was watched of an item; of a lesson, together with what it contains."""
    ids = parts_of(store, thing)
    moments = store.analytics.moments(ids)
    period = period_of(asked, _span(moments), now)
    by = bucket_size(period, asked.by)
    viewers, finished = _people(store, ids, asked, period)
    tallies = store.analytics.items(ids, reading(asked, period), asked.device)
    return {
        "item": named(thing, thing.id),
        **frame(period, by, asked.device),
        **figures(sum_of(tallies.values())),
        "uniqueViewers": viewers,
        "completedViewers": finished,
        "completionRate": finished / viewers if viewers and finished is not None else None,
        "firstViewedAt": moments[0] if moments else None,
        "lastViewedAt": moments[1] if moments else None,
        "trend": _trend(store.analytics.daily(ids, period, asked.device), period, by),
    }


def creator(
    *, store: Store, person: Thing, asked: Question, limit: int, now: int
) -> dict[str, Any]:
    """Return the sums over what a person is an author of, and the items viewed most."""
    written = [link.to_id for link in store.connections.outgoing(person.id, "authored")]
    known = {
        thing_id: thing
        for thing_id, thing in store.things.known(written).items()
        if thing.type in WATCHABLE
    }
    ids = sorted(known)
    days = store.analytics.daily(ids, EVER, asked.device)
    period = period_of(asked, (days[0][0], days[-1][0]) if days else None, now)
    by = bucket_size(period, asked.by)
    tallies = store.analytics.items(ids, reading(asked, period), asked.device)
    rows = [
        {**named(known[item_id], item_id), **figures(tallies.get(item_id, Tally()))}
        for item_id in ids
    ]
    rows.sort(key=lambda row: (-row["views"], -row["watchTime"], row["slug"]))
    return {
        "person": named(person, person.id),
        **frame(period, by, asked.device),
        **figures(sum_of(tallies.values())),
        "uniqueViewers": _viewers(store, ids, asked, period),
        "trend": _trend(days, period, by),
        "items": rows[:limit],
        "total": len(rows),
        "next": None,
    }


def _span(moments: tuple[int, int] | None) -> Span:
    return (moments[0] // DAY_MS, moments[1] // DAY_MS) if moments else None


def _people(
    store: Store, ids: Sequence[str], asked: Question, period: Period
) -> tuple[int, int | None]:
    """Return how many people watched any of some items, and how many finished one.

    Only a viewing says on what it happened, so who finished is not known of a kind of device.
    """
    found = store.analytics
    days = reading(asked, period)
    if asked.device is not None:
        return found.visitors(ids, days or EVER, asked.device)[0], None
    if days is not None:
        return found.visitors(ids, days)
    if len(ids) == 1:
        return found.reach(ids).get(ids[0], (0, 0))
    return found.audience(ids), found.audience(ids, is_finished=True)


def _viewers(store: Store, ids: Sequence[str], asked: Question, period: Period) -> int:
    if asked.is_ever and asked.device is None:
        return store.analytics.audience(ids)
    return _people(store, ids, asked, period)[0]


def _trend(days: Sequence[tuple[int, int]], period: Period, by: str) -> list[dict[str, Any]]:
    inside = ((day, Tally(views)) for day, views in days if period.first <= day <= period.last)
    return trend(inside, period, by, with_time=False)


def course(*, store: Store, thing: Thing, asked: Question, now: int) -> dict[str, Any]:
    """Return who takes a course: how many began and finished, and each lesson's share of them."""
    links = store.enrolments.of(thing.id)
    steps = store.courses.steps([thing.id])
    items = sorted({item_id for step in steps for item_id in step.items})
    people = [link.from_id for link in links]
    watched = store.enrolments.watched(items, people)
    lessons = store.things.known(step.lesson_id for step in steps)
    period = period_of(asked, _enrolled_span([link.metadata for link in links]), now)
    days = reading(asked, period) or EVER
    done = [
        sum(_is_done(watched.get(person, {}), step.items) for person in people) for step in steps
    ]
    return {
        "course": named(thing, thing.id),
        "since": period.start,
        "until": period.end,
        **_standing([link.metadata for link in links]),
        "active": store.analytics.active(thing.id, items, days),
        "newEnrolments": store.analytics.counted(thing.id, "course_enrolled", days),
        "newCompletions": store.analytics.counted(thing.id, "course_completed", days),
        "items": [
            {
                **named(lessons.get(step.lesson_id), step.lesson_id),
                "completed": count,
                "share": count / len(people) if people else None,
            }
            for step, count in zip(steps, done, strict=True)
        ],
        "total": len(steps),
        "next": None,
    }


def _is_done(watched: Mapping[str, Mapping[str, Any]], items: Sequence[str]) -> bool:
    return any("completedAt" in watched.get(item_id, {}) for item_id in items)


def _enrolled_span(said: Sequence[Mapping[str, Any]]) -> Span:
    days = [one["enrolledAt"] // DAY_MS for one in said if one.get("enrolledAt") is not None]
    return (min(days), max(days)) if days else None


def _standing(said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return where the people of a course stand now."""
    progress = [float(one.get("progress") or 0) for one in said]
    return {
        "enrolled": len(said),
        "started": sum(one.get("startedAt") is not None for one in said),
        "completed": sum(one.get("completedAt") is not None for one in said),
        "meanProgress": sum(progress) / len(said) if said else None,
    }
