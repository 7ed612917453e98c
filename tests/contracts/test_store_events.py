"""The log is read by pages that do not slip, as a whole, and as it grows."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import World, add_thing

from vidctl.errors import Ambiguous, NotFound, UsageError
from vidctl.ids import new_id
from vidctl.model.event import Event, EventQuery
from vidctl.store.event_log import narrowed, read_cursor, write_cursor
from vidctl.store.sqlite import SqliteStore

TYPES = ("content_event", "entity_updated")
ACTIONS = (None, "note_taken", "noted")
ACTORS = (None, "ana", "ben")
NOTES = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=40)


def pages(store: SqliteStore, query: EventQuery) -> list[Event]:
    """Return a whole listing, page by page; every total is right."""
    found: list[Event] = []
    totals = set()
    while True:
        page = store.events.page(query)
        assert len(page.items) <= query.limit
        totals.add(page.total)
        found += page.items
        if page.next is None:
            assert totals == {len(found)}
            return found
        query = replace(query, cursor=page.next)


def fits(event: Event, query: EventQuery) -> bool:
    """Say once more what a query means."""
    return (
        query.type in (None, event.type)
        and query.action in (None, event.action)
        and query.actor in (None, event.actor_id)
        and query.target in (None, event.target_id)
        and (query.since is None or event.at >= query.since)
        and (query.until is None or event.at < query.until)
    )


def logged(world: World) -> list[Event]:
    """Log events of all kinds, many at the same moment, none in the order of time."""
    things = [add_thing(world.acme), add_thing(world.courses)]
    made = [
        Event(
            TYPES[number % 2],
            ACTIONS[number % 3],
            ACTORS[number % 3],
            things[number % 2].id if number % 5 else None,
            at=1000 + (number * 7) % 10,
            metadata={"n": number},
            id=new_id(),
        )
        for number in range(60)
    ]
    world.wide.events.append(made)
    return made


def test_pages_against_a_model(world: World) -> None:
    made = logged(world)
    targets = sorted({event.target_id or "" for event in made} - {""})

    @NOTES
    @given(
        type=st.sampled_from((None, *TYPES, "other")),
        action=st.sampled_from((*ACTIONS, "other")),
        actor=st.sampled_from((*ACTORS, "zoe")),
        target=st.sampled_from((None, *targets)),
        since=st.none() | st.integers(998, 1012),
        until=st.none() | st.integers(998, 1012),
        limit=st.integers(1, 70),
    )
    def check(**asked: Any) -> None:
        query = EventQuery(**asked)
        expected = [event for event in made if fits(event, query)]
        expected.sort(key=lambda event: (event.at, event.id), reverse=True)
        found = pages(world.wide, query)
        assert [event.id for event in found] == [event.id for event in expected]
        assert [event.metadata for event in found] == [event.metadata for event in expected]
        assert list(world.wide.events.each(query)) == found[::-1]
        last, _ = world.wide.events.after(None, query)
        written = [event.id for event in made if fits(event, query)]
        assert [event.id for event in last] == written[-query.limit :]

    check()


def test_a_page_does_not_slip_when_events_are_added(world: World) -> None:
    made = logged(world)
    first = world.wide.events.page(EventQuery(limit=10))
    world.wide.events.append([Event("entity_updated", at=5000), Event("entity_updated", at=1)])
    rest = pages_after(world.wide, first.next)
    seen = [event.id for event in (*first.items, *rest)]
    assert len(seen) == len(set(seen))
    assert {event.id for event in made} <= set(seen)


def pages_after(store: SqliteStore, cursor: str | None) -> list[Event]:
    found: list[Event] = []
    while cursor is not None:
        page = store.events.page(EventQuery(limit=10, cursor=cursor))
        found += page.items
        cursor = page.next
    return found


@pytest.mark.parametrize(
    "query",
    [
        EventQuery(),
        EventQuery(type="content_event"),
        EventQuery(action="noted"),
        EventQuery(actor="ana"),
        EventQuery(target="x"),
        EventQuery(target="x", action="noted"),
        EventQuery(since=5, until=9),
        EventQuery(actor="ana", since=5),
    ],
    ids=lambda query: ",".join(narrowed(query)[1]) or "all",
)
@pytest.mark.parametrize("is_next", [False, True], ids=["first", "next"])
def test_no_page_reads_the_whole_table(world: World, query: EventQuery, is_next: bool) -> None:
    logged(world)
    if is_next:
        query = replace(query, cursor=write_cursor(Event("x", at=1005, id="x")))
    index = r"events_by_target \(group_id=\? AND target_id=\?" if query.target else "events_by_"
    read = [lambda: world.acme.events.page(query), lambda: list(world.acme.events.each(query))]
    for act in read:
        for plan in plans(world, act):
            assert re.search(rf"SEARCH e USING (COVERING )?INDEX {index}", plan[0]), plan
            assert query.target or len(plan) == 1, "nothing is sorted"


def plans(world: World, act: Callable[[], Any]) -> list[list[str]]:
    """Return how SQLite goes about each question that is asked of the log."""
    asked: list[str] = []
    world.library.database.connection.set_trace_callback(asked.append)
    act()
    world.library.database.connection.set_trace_callback(None)
    selects = [text for text in asked if " FROM events AS e" in text]
    assert selects
    return [[row[-1] for row in world.rows(f"EXPLAIN QUERY PLAN {text}")] for text in selects]


def test_following_reads_only_what_is_new(world: World) -> None:
    logged(world)
    query = EventQuery(type="content_event", target="x")
    assert plans(world, lambda: world.acme.events.after(3, query)) == [
        ["SEARCH e USING INTEGER PRIMARY KEY (rowid>?)"]
    ]


def test_what_is_logged_late_is_new(world: World) -> None:
    logged(world)
    first, place = world.wide.events.after(None, EventQuery(limit=5))
    assert len(first) == 5
    assert world.wide.events.after(place, EventQuery()) == ([], place)
    late = [Event("content_event", "note_taken", at=at, id=new_id()) for at in (9000, 1)]
    world.acme.events.append(late)
    world.rival.events.append([Event("content_event", "foreign")])
    found, after = world.wide.events.after(place, EventQuery())
    assert [event.id for event in found] == [event.id for event in late], "as they were written"
    assert after == place + 3
    assert world.wide.events.after(place, EventQuery(action="other")) == ([], after)


def test_an_event_is_found_by_the_beginning_of_its_id(world: World) -> None:
    ids = ["01aaaaaaaaaaaaaaaaaaaaaaaa", "01aaaaabaaaaaaaaaaaaaaaaaa"]
    world.acme.events.append(
        [Event("x", actor_id=who, id=i) for who, i in zip("ab", ids, strict=True)]
    )
    for reference in (ids[0], ids[0].upper(), "01aaaaaa"):
        assert world.acme.events.find(reference).id == ids[0]
    with pytest.raises(Ambiguous, match="fits several events"):
        world.acme.events.find("01aaaa")
    assert world.acme.events.find("01aaaa", actor="b").id == ids[1]
    for reference in ("", "01a", "nope", "01aaaaaaz", "%%%%%", f"{ids[0]}a", "\x00" * 5):
        with pytest.raises(NotFound, match="no event here is called"):
            world.acme.events.find(reference)
    with pytest.raises(NotFound):
        world.rival.events.find(ids[0])


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "nonsense", "bnVsbA", "WzFd", "WyIxIiwiYSJd", "WzEuNSwiYSJd", "é", "WzEsMl0"],
)
def test_a_damaged_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(UsageError, match="is no page of a listing of events"):
        read_cursor(cursor)


@given(st.integers(-(2**63), 2**63 - 1), st.text(st.characters(exclude_categories=["Cs"])))
def test_a_cursor_is_read_back(at: int, event_id: str) -> None:
    assert read_cursor(write_cursor(Event("x", at=at, id=event_id))) == (at, event_id)


def test_a_long_log_is_not_held(world: World) -> None:
    """What ``each`` gives is read as it is taken, while others write."""
    import tracemalloc

    said = "x" * 1000
    world.acme.events.append([Event("x", at=n + 1, metadata={"s": said}) for n in range(20_000)])
    tracemalloc.start()
    try:
        count = sum(1 for _ in world.acme.events.each(EventQuery()))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 1_000_000
