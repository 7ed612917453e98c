"""Every figure of the analytics against a plain count over the same events, in Python."""

from __future__ import annotations

import math
import random
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stores import World, add_thing, make_library

from vidctl.catalog import analytics, audience
from vidctl.ids import derived_id
from vidctl.model.analytics import DAY_MS, Question
from vidctl.model.connection import Connection
from vidctl.model.event import Event
from vidctl.model.thing import Thing
from vidctl.store import recount
from vidctl.store.sqlite import SqliteStore

WATCHING = ("video_viewed", "video_progressed", "video_completed")
# A week before a year ends, so that weeks, months and years begin among the events.
FIRST = 20_082
NOW = (FIRST + 120) * DAY_MS + 5
DEVICES = ("tv", "phone")


class Undo(Exception):
    """Takes an example back."""


@dataclass(frozen=True)
class Stock:
    """A library with two groups, one in the other, some items in each, and people."""

    world: World
    items: tuple[Thing, ...]
    people: tuple[Thing, ...]

    def store(self, name: str) -> SqliteStore:
        """Return the store of a scope."""
        found: SqliteStore = getattr(self.world, name)
        return found

    @contextmanager
    def example(self) -> Iterator[None]:
        """Take back what the block writes."""
        with suppress(Undo), self.world.acme.transaction():
            yield
            raise Undo


@pytest.fixture(scope="module")
def stock() -> Iterator[Stock]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "library.db"
        world = World(file, make_library(file))
        people = tuple(add_thing(world.acme, f"P{n}", type="user") for n in range(4))
        items = (
            *(add_thing(world.acme, f"A{n}", duration=100.0) for n in range(3)),
            *(add_thing(world.courses, f"C{n}") for n in range(2)),
        )
        for number, item in enumerate(items):
            store = world.acme if number < 3 else world.courses
            author = people[number % 2]
            made = Connection(f"a{number}", item.group_id, author.id, item.id, "authored")
            store.connections.add(replace(made, id=derived_id("x", "a", str(number))))
        yield Stock(world, items, people)
        world.close()


numbers = st.one_of(
    st.floats(0, 1000, allow_nan=False),
    st.decimals(0, 1000, places=4).map(float),
    st.integers(-2, 2000),
)
junk = st.sampled_from((None, "text", True, [], {}, -1.5, 1e300))
metadata = st.fixed_dictionaries(
    {},
    optional={
        "watchTime": numbers | junk,
        "completionRate": st.floats(0, 1) | st.decimals(0, 1, places=7).map(float) | junk,
        "deviceType": st.sampled_from((*DEVICES, "", 5, None)),
    },
)
# Few days, so that windows cut among them; now and then one long before.
moments = st.builds(
    lambda day, rest: day * DAY_MS + rest, st.integers(-1, 15), st.sampled_from((0, 5, DAY_MS - 1))
) | st.sampled_from((-FIRST * DAY_MS - 1, 100 * DAY_MS))
logged = st.tuples(
    st.integers(0, 500),  # which id: the same one twice is a replay
    st.sampled_from((*WATCHING, "video_viewed", "video_viewed", "video_uploaded")),
    st.sampled_from((None, 0, 1, 2, 3)),
    st.integers(0, 4),
    moments,
    metadata,
)
sparse = st.lists(st.lists(logged, max_size=12), max_size=4)


def crowd(seed: int) -> list[list[Any]]:
    """Return batches with something on nearly every day, which sums of weeks must not miss."""
    rng = random.Random(seed)
    events = [
        (
            rng.randrange(500),
            rng.choice((*WATCHING, "video_viewed", "video_viewed")),
            rng.choice((None, 0, 1, 2, 3)),
            rng.randrange(5),
            rng.randrange(-2, 40) * DAY_MS + rng.choice((0, 5, DAY_MS - 1)),
            {
                "watchTime": rng.randrange(10**6) / 1000,
                "completionRate": rng.random(),
                "deviceType": rng.choice(DEVICES),
            },
        )
        for _ in range(120)
    ]
    return [events[:50], events[40:90], events[90:]]


batches = sparse | st.integers(0, 2**32).map(crowd)


def write(stock: Stock, chosen: list[list[Any]]) -> list[Event]:
    """Log batches and return what is then in the log, with its group."""
    held: dict[str, Event] = {}
    for batch in chosen:
        events = [event_of(stock, one) for one in batch]
        stock.world.wide.events.append(events)
        for event in events:
            held.setdefault(event.id, event)
    return list(held.values())


def event_of(stock: Stock, one: Any) -> Event:
    number, action, who, what, when, said = one
    item = stock.items[what]
    return Event(
        "content_event",
        action,
        None if who is None else stock.people[who].id,
        item.id,
        FIRST * DAY_MS + when,
        said,
        # An id belongs to one group: the log does not know what others have.
        derived_id(item.group_id, "event", str(number)),
        item.group_id,
    )


# --- the plain count ----------------------------------------------------------------------------


def number(value: Any, top: float) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return min(max(float(value), 0.0), top) if is_number else None


def whole(value: float) -> int:
    return math.floor(value + 0.500001)


def device_of(event: Event) -> str:
    said = event.metadata.get("deviceType")
    return said if isinstance(said, str) and said else "unknown"


def figures(events: list[Event]) -> dict[str, Any]:
    """Return the sums over the viewings among some events."""
    views = [event for event in events if event.action == "video_viewed"]
    rates = [number(event.metadata.get("completionRate"), 1.0) for event in views]
    rated = [whole(rate * 1e6) for rate in rates if rate is not None]
    watched = [number(event.metadata.get("watchTime"), 3_155_760_000.0) or 0 for event in views]
    return {
        "views": len(views),
        "watchTime": sum(whole(seconds * 1000) for seconds in watched) / 1000,
        "averagePercentageViewed": sum(rated) / len(rated) / 1e6 if rated else None,
    }


@dataclass(frozen=True)
class Count:
    """The events of a scope that are about watching, and a window over them."""

    events: list[Event]
    first: int
    last: int
    device: str | None

    def inside(self, first: int | None = None, last: int | None = None) -> list[Event]:
        low = self.first if first is None else first
        high = self.last if last is None else last
        return [event for event in self.events if low <= event.at // DAY_MS <= high]

    def chosen(self, events: list[Event]) -> list[Event]:
        """Leave what counts: with a device only the viewings on it."""
        if self.device is None:
            return events
        return [
            event
            for event in events
            if event.action == "video_viewed" and device_of(event) == self.device
        ]

    def totals(self, first: int | None = None, last: int | None = None) -> dict[str, Any]:
        low = self.first if first is None else first
        high = self.last if last is None else last
        events = self.chosen(self.inside(low, high))
        pairs: dict[tuple[str, str], list[Event]] = {}
        for event in self.events:
            if event.actor_id:
                pairs.setdefault((event.actor_id, event.target_id or ""), []).append(event)
        begun = [
            any(event.action == "video_completed" for event in all_)
            for all_ in pairs.values()
            if low <= min(event.at for event in all_) // DAY_MS <= high
        ]
        return {
            **figures(events),
            "uniqueViewers": people(events),
            "completionRate": sum(begun) / len(begun) if begun and self.device is None else None,
        }


def people(events: list[Event]) -> int:
    return len({event.actor_id for event in events if event.actor_id})


def start_of(day: int, by: str) -> int:
    date = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=day)
    if by == "week":
        date -= timedelta(days=date.weekday())
    if by == "month":
        date = date.replace(day=1)
    return (date - datetime(1970, 1, 1, tzinfo=UTC)).days


# --- the properties -----------------------------------------------------------------------------

TABLES = ("days", "items", "item_days", "viewers", "reach", "starts")


def rollups(stock: Stock) -> dict[str, Any]:
    return {name: stock.world.rows(f"SELECT * FROM rollup_{name}") for name in TABLES}


@given(batches)
def test_rollups_are_what_a_recount_gives(stock: Stock, chosen: list[list[Any]]) -> None:
    database = stock.world.library.database
    with stock.example():
        write(stock, chosen)
        assert list(recount.differences(database)) == []
        before = rollups(stock)
        recount.rebuild(database)
        assert list(recount.differences(database)) == []
        assert rollups(stock) == before


lengths = (0, 2, 5, 8, 13, 20, 33)
windows = st.sampled_from(
    (None, *[(first, length) for first in (None, *range(-3, 12)) for length in lengths])
)
scopes = st.sampled_from(("acme", "courses", "wide"))
devices = st.sampled_from((*[None] * 5, *DEVICES))
buckets = st.sampled_from(("day", "week", "month"))


def counted(
    stock: Stock, scope: str, events: list[Event], window: Any, device: str | None
) -> tuple[SqliteStore, Question, Count]:
    """Return the store, the question, and the plain count that answers it."""
    store = stock.store(scope)
    seen = [
        event
        for event in events
        if event.group_id in store.scope.group_ids and event.action in WATCHING
    ]
    days = [event.at // DAY_MS for event in seen]
    if window is None:
        first = min(days, default=NOW // DAY_MS)
        count = Count(seen, first, max([NOW // DAY_MS, *days]), device)
        return store, Question(device=device), count
    if window[0] is None:
        last = FIRST + window[1]
        count = Count(seen, min([last, *days]), last, device)
        return store, Question(until=(last + 1) * DAY_MS, device=device), count
    first, last = FIRST + window[0], FIRST + window[0] + window[1]
    asked = Question(first * DAY_MS + 7, (last + 1) * DAY_MS, device=device)
    return store, asked, Count(seen, first, last, device)


@given(batches, windows, scopes, devices, buckets)
@settings(max_examples=150)
def test_a_summary_is_a_count(
    stock: Stock, chosen: list[list[Any]], window: Any, scope: str, device: str | None, by: str
) -> None:
    with stock.example():
        events = write(stock, chosen)
        store, asked, count = counted(stock, scope, events, window, device)
        if by == "day" and count.last - count.first > 4000:
            by = "month"
        data = analytics.summary(store=store, asked=replace(asked, by=by), now=NOW)
        expected = count.totals()
        assert {key: data[key] for key in expected} == pytest.approx(expected)
        inside = count.chosen(count.inside())
        if window is not None and window[0] is not None:
            length = count.last - count.first + 1
            before = count.totals(count.first - length, count.first - 1)
            assert data["previous"] == pytest.approx(before)
        check_trend(data["trend"], inside, by)
        split: dict[str, list[Event]] = {}
        for event in inside:
            if event.action == "video_viewed":
                split.setdefault(device_of(event), []).append(event)
        assert {row["device"]: row["views"] for row in data["devices"]} == {
            name: len(views) for name, views in split.items()
        }
        views = {item.id: 0 for item in stock.items}
        for event in inside:
            views[event.target_id or ""] += event.action == "video_viewed"
        assert {row["id"]: row["views"] for row in data["top"]} == {
            item_id: n for item_id, n in views.items() if n
        }
        order = [row["views"] for row in data["top"]]
        assert order == sorted(order, reverse=True)


def check_trend(rows: list[dict[str, Any]], events: list[Event], by: str) -> None:
    views: dict[int, int] = {}
    for event in events:
        if event.action == "video_viewed":
            start = start_of(event.at // DAY_MS, by) * DAY_MS
            views[start] = views.get(start, 0) + 1
    assert {row["start"]: row["views"] for row in rows if row["views"]} == views
    starts = [row["start"] for row in rows]
    assert starts == sorted(set(starts))
    assert all(start_of(start // DAY_MS, by) * DAY_MS == start for start in starts)


@given(batches, windows, scopes, devices, st.sampled_from(("views", "watch-time", "viewers")))
@settings(max_examples=150)
def test_a_ranking_is_a_count(
    stock: Stock, chosen: list[list[Any]], window: Any, scope: str, device: str | None, sort: str
) -> None:
    with stock.example():
        events = write(stock, chosen)
        store, asked, count = counted(stock, scope, events, window, device)
        rows = analytics.popular(store=store, asked=asked, sort=sort, limit=10, now=NOW)
        inside = count.chosen(count.inside())
        expected = {}
        for item in stock.items:
            mine = [event for event in inside if event.target_id == item.id]
            sums = {**figures(mine), "uniqueViewers": people(mine)}
            if sums["views"]:
                expected[item.id] = sums
        found = {row["id"]: {key: row[key] for key in figures([])} for row in rows if row["views"]}
        assert found.keys() == expected.keys()
        for row in rows:
            if row["views"]:
                wanted = expected[row["id"]]
                assert {key: row[key] for key in wanted} == pytest.approx(wanted)
        key = {"views": "views", "watch-time": "watchTime", "viewers": "uniqueViewers"}[sort]
        assert [row[key] for row in rows] == sorted((row[key] for row in rows), reverse=True)


@given(batches, windows, devices, st.integers(0, 2))
@settings(max_examples=150)
def test_an_item_is_a_count(
    stock: Stock, chosen: list[list[Any]], window: Any, device: str | None, which: int
) -> None:
    with stock.example():
        item = stock.items[which]
        events = [one for one in write(stock, chosen) if one.target_id == item.id]
        store, asked, count = counted(stock, "acme", events, window, device)
        if window is None:
            count = replace(count, first=-(10**6), last=10**6)
        data = audience.item(store=store, thing=item, asked=replace(asked, by="month"), now=NOW)
        inside = count.chosen(count.inside())
        expected: dict[str, Any] = {**figures(inside), "uniqueViewers": people(inside)}
        done = [event for event in inside if event.action == "video_completed"]
        expected["completedViewers"] = None if device else people(done)
        assert {key: data[key] for key in expected} == pytest.approx(expected)
        views = [event.at for event in count.events if event.action == "video_viewed"]
        assert data["firstViewedAt"] == min(views, default=None)
        assert data["lastViewedAt"] == max(views, default=None)
        check_trend(data["trend"], inside, "month")


@given(batches, windows, devices)
@settings(max_examples=100)
def test_a_creator_is_a_count(
    stock: Stock, chosen: list[list[Any]], window: Any, device: str | None
) -> None:
    with stock.example():
        mine = {item.id for item in stock.items[::2]}
        events = [one for one in write(stock, chosen) if one.target_id in mine]
        store, asked, count = counted(stock, "wide", events, window, device)
        if window is None:
            count = replace(count, first=-(10**6), last=10**6)
        person = stock.people[0]
        data = audience.creator(
            store=store, person=person, asked=replace(asked, by="month"), limit=20, now=NOW
        )
        inside = count.chosen(count.inside())
        expected = {**figures(inside), "uniqueViewers": people(inside), "total": 3}
        assert {key: data[key] for key in expected} == pytest.approx(expected)
        assert {row["id"] for row in data["items"]} == mine
        check_trend(data["trend"], inside, "month")


@given(batches, windows, scopes, devices, buckets)
def test_an_export_adds_up(
    stock: Stock, chosen: list[list[Any]], window: Any, scope: str, device: str | None, by: str
) -> None:
    with stock.example():
        events = write(stock, chosen)
        store, asked, count = counted(stock, scope, events, window, device)
        rows = list(analytics.cells(store=store, asked=replace(asked, by=by), now=NOW))
        cells: dict[tuple[Any, ...], list[Event]] = {}
        for event in count.chosen(count.inside()):
            if event.action == "video_viewed":
                start = start_of(event.at // DAY_MS, by) * DAY_MS
                key = (start, event.target_id, device_of(event))
                cells.setdefault(key, []).append(event)
        found = {
            (row["start"], row["itemId"], row["device"]): {key: row[key] for key in figures([])}
            for row in rows
        }
        assert len(rows) == len(found)
        assert found.keys() == cells.keys()
        for key, sums in found.items():
            assert sums == pytest.approx(figures(cells[key]))
        assert [row["start"] for row in rows] == sorted(row["start"] for row in rows)


# --- how questions are answered -----------------------------------------------------------------


def plans(stock: Stock, ask: Callable[[], Any]) -> str:
    """Return the query plans of everything that a question asks the database."""
    database = stock.world.library.database
    statements: list[tuple[str, Any]] = []
    real = database.connection

    class Recorder:
        def execute(self, sql: str, parameters: Any = ()) -> Any:
            statements.append((sql, parameters))
            return real.execute(sql, parameters)

        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

    database.connection = Recorder()
    try:
        ask()
    finally:
        database.connection = real
    lines = []
    for sql, parameters in statements:
        lines += [row[3] for row in real.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)]
    return "\n".join(lines)


@pytest.mark.parametrize("scope", ["acme", "wide"])
def test_no_question_reads_a_whole_table(stock: Stock, scope: str) -> None:
    """Every table with rows of many groups is reached by a key that begins with the group."""
    store, item, person = stock.store(scope), stock.items[0], stock.people[0]
    days = Question(FIRST * DAY_MS, (FIRST + 30) * DAY_MS)
    asks: list[Callable[[], Any]] = [
        lambda: analytics.summary(store=store, asked=days, now=NOW),
        lambda: analytics.summary(store=store, asked=Question(), now=NOW),
        lambda: audience.item(store=store, thing=item, asked=Question(), now=NOW),
        lambda: audience.item(store=store, thing=item, asked=days, now=NOW),
        lambda: audience.creator(store=store, person=person, asked=days, limit=5, now=NOW),
    ]
    for sort in ("views", "watch-time"):
        for asked in (days, Question()):
            asks.append(
                lambda sort=sort, asked=asked: analytics.popular(
                    store=store, asked=asked, sort=sort, limit=5, now=NOW
                )
            )
    for ask in asks:
        plan = plans(stock, ask)
        scans = [line for line in plan.splitlines() if line.startswith("SCAN")]
        tables = [line for line in scans if line.split()[1] in TABLE_ALIASES]
        assert tables == [], plan


# The aliases under which the parts of the store read tables; what else is scanned is a subquery.
TABLE_ALIASES = {"d", "e", "i", "r", "s", "t", "v", "c"}


def test_a_summary_reads_no_event(stock: Stock) -> None:
    plan = plans(
        stock,
        lambda: analytics.summary(
            store=stock.world.acme,
            asked=Question(FIRST * DAY_MS, (FIRST + 30) * DAY_MS),
            now=NOW,
        ),
    )
    events = [line for line in plan.splitlines() if " e " in line]
    assert events, "enrolments are looked up by course"
    assert all("events_by_target (group_id=? AND target_id=? AND action=?" in e for e in events)
