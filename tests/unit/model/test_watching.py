"""Watching as a pure function: any order, replays ignored, against a brute-force model."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidctl.model.event import Event
from vidctl.model.watching import (
    COMPLETED,
    PROGRESSED,
    RESET,
    VIEWED,
    Watch,
    advance,
    fold,
    in_milliseconds,
    in_seconds,
    length,
    union,
    viewing_of,
)

END = 40


@pytest.mark.parametrize(
    ("given_ranges", "expected"),
    [
        ([], ()),
        ([(5, 9)], ((5, 9),)),
        ([(5, 9), (0, 2)], ((0, 2), (5, 9))),
        ([(0, 5), (5, 9)], ((0, 9),)),
        ([(0, 5), (6, 9)], ((0, 9),)),
        ([(0, 5), (7, 9)], ((0, 5), (7, 9))),
        ([(0, 9), (2, 3)], ((0, 9),)),
        ([(0, 9), (0, 9), (0, 9)], ((0, 9),)),
        ([(0, 0)], ((0, 0),)),
        ([(0, 4), (2, 6), (5, 8), (20, 21)], ((0, 8), (20, 21))),
    ],
)
def test_union(given_ranges: list[tuple[int, int]], expected: tuple[tuple[int, int], ...]) -> None:
    assert union(given_ranges) == expected


spans = st.tuples(st.integers(0, END), st.integers(0, END)).map(lambda p: (min(p), max(p)))


@given(st.lists(spans))
def test_a_union_is_sorted_disjoint_and_covers_the_same(ranges: list[tuple[int, int]]) -> None:
    found = union(ranges)
    assert union(found) == found
    assert all(one[1] + 1 < other[0] for one, other in itertools.pairwise(found))
    inside = {at for start, end in ranges for at in range(start, end)}
    covered = {at for start, end in found for at in range(start, end)}
    assert inside <= covered
    gaps = covered - inside
    assert all(at - 1 not in gaps for at in gaps), "only gaps of a millisecond are closed"


@given(st.lists(spans), st.lists(spans))
def test_a_union_can_be_made_in_steps(
    one: list[tuple[int, int]], other: list[tuple[int, int]]
) -> None:
    assert union([*union(one), *other]) == union([*one, *other])


@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 10**10))))
def test_seconds_keep_every_millisecond(ranges: list[tuple[int, int]]) -> None:
    assert in_milliseconds(in_seconds(ranges)) == ranges


# --- events, and what they must come to ---------------------------------------------------------


def event(number: int, at: int, action: str, **metadata: Any) -> Event:
    return Event("content_event", action, "person", "item", at, metadata, f"{number:026}")


@st.composite
def histories(draw: st.DrawFn, least: int = 0, most: int = 14) -> list[Event]:
    """Events with few distinct times, so that ids decide, and ranges that meet in many ways."""
    found = []
    for number in range(draw(st.integers(least, most))):
        at = draw(st.integers(1, 8))
        action = draw(st.sampled_from([VIEWED, VIEWED, VIEWED, PROGRESSED, COMPLETED, RESET]))
        said: dict[str, Any] = {}
        if action == VIEWED:
            said["ranges"] = in_seconds(draw(st.lists(spans, max_size=3)))
        if action == PROGRESSED or (action == VIEWED and draw(st.booleans())):
            said["position"] = draw(st.integers(0, END)) / 1000
        found.append(event(number, at, action, **said))
    return found


def model(events: Sequence[Event]) -> dict[str, Any]:
    """The same by brute force: a set of milliseconds, and one pass in order of (at, id)."""
    seen: set[int] = set()
    places, completed, watched, current = [0], [], 0, 0
    for each in sorted({e.id: e for e in events}.values(), key=lambda e: (e.at, e.id)):
        if each.action == RESET:
            seen, places, completed, current = set(), [0], [], 0
        ranges = in_milliseconds(each.metadata.get("ranges", []))
        for start, end in ranges:
            seen |= set(range(2 * start, 2 * end + 1))
            watched, current = watched + end - start, current + end - start
            places.append(end)
        if "position" in each.metadata:
            places.append(round(each.metadata["position"] * 1000))
        if each.action == COMPLETED:
            completed.append(each.at)
    # Half-milliseconds, with gaps of one millisecond closed.
    seen |= {at + 1 for at in seen if at % 2 == 0 and at + 2 in seen}
    distinct = {e.id: e for e in events}.values()
    return {
        "points": seen,
        "watched": watched,
        "current": current,
        "position": max(places),
        "views": sum(e.action == VIEWED for e in distinct),
        "started_at": min((e.at for e in distinct if e.action != RESET), default=None),
        "last_at": max((e.at for e in distinct), default=None),
        "completed_at": min(completed, default=None),
        "reset": max(((e.at, e.id) for e in distinct if e.action == RESET), default=None),
    }


def check(watch: Watch, events: Sequence[Event]) -> None:
    expected = model(events)
    points = expected.pop("points")
    assert {name: getattr(watch, name) for name in expected} == expected
    inside = {at for start, end in watch.ranges for at in range(2 * start, 2 * end + 1)}
    assert inside == points
    assert Watch.of(watch.metadata()) == watch if watch.last_at is not None else True


@settings(max_examples=400)
@given(histories(), st.randoms())
def test_fold_is_what_the_events_come_to(events: list[Event], chance: random.Random) -> None:
    check(fold(events), events)
    replayed = [*events, *chance.choices(events, k=5)] if events else []
    chance.shuffle(replayed)
    assert fold(replayed) == fold(events)


@settings(max_examples=400)
@given(histories(1), st.data())
def test_adding_in_steps_is_folding_everything(events: list[Event], data: st.DataObject) -> None:
    """What cannot be told step by step says so, and is never wrong."""
    watch, known = Watch(), []
    while events:
        count = data.draw(st.integers(1, len(events)))
        batch, events = events[:count], events[count:]
        known += batch
        grown = advance(watch, [viewing_of(each) for each in batch])
        watch = fold(known) if grown is None else grown
        assert watch == fold(known)


def test_requirement_16_progress_is_the_union_of_what_was_seen() -> None:
    """And hangs on nothing but the events: 5,000 histories, against a set of milliseconds."""
    chance = random.Random(16)
    for _ in range(5000):
        events = []
        for number in range(chance.randrange(1, 8)):
            ranges = [sorted((chance.randrange(END), chance.randrange(END))) for _ in range(2)]
            said = in_seconds([(low, high) for low, high in ranges])
            events.append(event(number, chance.randrange(1, 99), VIEWED, ranges=said))
        check(fold(events), events)


def test_requirement_17_a_late_or_zero_position_never_lowers_progress() -> None:
    """5,000 histories shuffled and replayed: the result is the maximum, unless reset is asked."""
    chance = random.Random(17)
    for case in range(5000):
        events = [
            event(n, chance.randrange(1, 99), PROGRESSED, position=chance.choice([0, n, n * 2.5]))
            for n in range(chance.randrange(1, 9))
        ]
        if case % 3 == 0:
            events.append(event(90, chance.randrange(1, 99), RESET))
        expected = fold(events)
        seen: list[Event] = []
        watch = Watch()
        arriving = [*events, *chance.choices(events, k=3)]
        chance.shuffle(arriving)
        for each in arriving:
            before = watch.position
            seen.append(each)
            watch = fold(seen)
            assert watch.position >= before or watch.reset is not None
        assert watch == expected
        check(watch, events)


def test_zero_events_come_to_nothing() -> None:
    assert fold([]) == Watch()
    assert fold([event(1, 1, "note_taken")]) == Watch()
    assert (Watch().seen, Watch().rewatched, Watch().coverage(0)) == (0, 0, None)


def test_what_a_reset_takes_back_is_not_watched_again() -> None:
    once = event(1, 1, VIEWED, ranges=[[0, 10]])
    twice = event(2, 2, VIEWED, ranges=[[5, 10]])
    assert fold([once, twice]).rewatched == 5000
    after = fold([once, twice, event(3, 3, RESET)])
    assert (after.seen, after.rewatched, after.watched, after.views) == (0, 0, 15_000, 2)


def test_coverage_ends_at_all_of_it() -> None:
    watch = fold([event(1, 1, VIEWED, ranges=[[0, 10]])])
    assert watch.coverage(20_000) == 0.5
    assert watch.coverage(8_000) == 1.0
    assert length(watch.ranges) == 10_000
