"""Listings: every order, every page size, every filter, and pages that do not slip."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import World, add_thing, link

from vidctl.errors import UsageError
from vidctl.model.thing import Thing, ThingQuery
from vidctl.store.sqlite import SqliteStore
from vidctl.store.things import SORTS, read_cursor

# What each sort looks at, said once more in Python.
KEYS: dict[str, Any] = {
    "created": lambda thing: thing.created_at,
    "updated": lambda thing: thing.updated_at,
    "published": lambda thing: thing.properties.get("publishedAt", 0),
    "title": lambda thing: thing.name.casefold(),
    "duration": lambda thing: thing.properties.get("duration", 0),
}


def pages(store: SqliteStore, query: ThingQuery) -> list[Thing]:
    """Return a whole listing, page by page; no page is longer than asked, every total is right."""
    from dataclasses import replace

    found: list[Thing] = []
    totals = set()
    while True:
        page = store.things.page(query)
        assert len(page.items) <= query.limit
        totals.add(page.total)
        found += page.items
        if page.next is None:
            break
        assert len(page.items) == query.limit
        query = replace(query, cursor=page.next)
    assert totals == {len(found)}
    return found


def mixed(store: SqliteStore) -> list[Thing]:
    """Add things with ties and gaps in everything that can be sorted by."""
    made = []
    for number in range(23):
        properties: dict[str, Any] = {}
        if number % 3:
            properties["publishedAt"] = 1000 * (number % 4)
        if number % 2:
            properties["duration"] = [0.1, 10, 2.5][number % 3]
        name = ["Ähre", "ähre", "Straße", "zebra", "中文", "A"][number % 6]
        made.append(
            add_thing(
                store,
                name,
                created_at=1 + number // 5,
                updated_at=1 + number % 4,
                **properties,
            )
        )
    return made


def test_the_sorts_are_all_tried() -> None:
    assert KEYS.keys() == SORTS.keys()


@pytest.mark.parametrize("limit", [1, 2, 5, 23, 100])
def test_pages_give_everything_once_and_in_order(world: World, limit: int) -> None:
    made = mixed(world.acme)
    add_thing(world.rival, "Foreign")
    for sort, key in KEYS.items():
        for descending in (True, False):
            query = ThingQuery(("video",), sort=sort, descending=descending, limit=limit)
            expected = sorted(made, key=lambda t: (key(t), t.id), reverse=descending)
            assert pages(world.acme, query) == expected, (sort, descending)


def test_a_page_does_not_slip_when_something_is_added_or_taken(world: World) -> None:
    made = [add_thing(world.acme, f"T{n}", created_at=n + 1) for n in range(6)]
    first = world.acme.things.page(ThingQuery(("video",), limit=2))
    assert [thing.name for thing in first.items] == ["T5", "T4"]
    add_thing(world.acme, "New", created_at=99)
    world.acme.things.purge(made[5].id)
    second = world.acme.things.page(ThingQuery(("video",), limit=2, cursor=first.next))
    assert [thing.name for thing in second.items] == ["T3", "T2"]


def test_a_wide_listing_is_one_listing(world: World) -> None:
    made = [add_thing(store, "T") for store in (world.acme, world.courses) * 4]
    assert pages(world.wide, ThingQuery(("video",), descending=False, limit=3)) == made


# --- filters ------------------------------------------------------------------------------------


@pytest.fixture
def shelf(world: World) -> dict[str, Thing]:
    """Things that differ in what filters look at."""
    made = {
        "plain": add_thing(world.acme, "Plain", created_at=1000),
        "tagged": add_thing(world.acme, "Tagged", tags=["Go", "straße"], categories=["Talks"]),
        "public": add_thing(world.acme, "Public", status="published", publishedAt=500, tags=["go"]),
        "away": add_thing(world.acme, "Away", status="archived"),
        "pod": add_thing(world.acme, "Cast", type="podcast", description="About 100% KINGFISHERS"),
    }
    person = add_thing(world.acme, "Ann", type="creator")
    made["person"] = person
    world.acme.connections.add(link(world.acme, person, made["plain"], "authored"))
    gone = link(world.acme, person, made["tagged"], "authored")
    world.acme.connections.add(gone)
    world.acme.connections.remove(gone.id)
    return made


BOTH = ("video", "podcast")
FILTERS: list[tuple[dict[str, Any], set[str]]] = [
    ({}, {"plain", "tagged", "public", "pod"}),
    ({"types": ("podcast",)}, {"pod"}),
    ({"types": ()}, {"plain", "tagged", "public", "pod", "person"}),
    ({"status": "all"}, {"plain", "tagged", "public", "pod", "away"}),
    ({"status": "archived"}, {"away"}),
    ({"status": "published"}, {"public"}),
    ({"tags": ("GO",)}, {"tagged", "public"}),
    ({"tags": ("go", "STRASSE")}, {"tagged"}),
    ({"tags": ("g",)}, set()),
    ({"categories": ("talks",)}, {"tagged"}),
    ({"text": "kingfisher"}, {"pod"}),
    ({"text": "%"}, {"pod"}),
    ({"text": "PUB"}, {"public"}),
    ({"text": "' OR 1 --"}, set()),
    ({"since": 400, "until": 1001}, {"plain", "public"}),
    ({"since": 501, "until": 1000}, set()),
    ({"since": 1000, "until": 1001}, {"plain"}),
]


def test_filters(world: World, shelf: dict[str, Thing]) -> None:
    names = {thing.id: name for name, thing in shelf.items()}
    for query, expected in FILTERS:
        found = pages(world.acme, ThingQuery(**{"types": BOTH, "limit": 2, **query}))
        assert {names[thing.id] for thing in found} == expected, query


def test_the_author_filter(world: World, shelf: dict[str, Thing]) -> None:
    query = ThingQuery(BOTH, author=shelf["person"].id)
    assert pages(world.acme, query) == [shelf["plain"]]


# --- cursors ------------------------------------------------------------------------------------


def test_a_page_of_another_order_is_refused(world: World) -> None:
    mixed(world.acme)
    page = world.acme.things.page(ThingQuery(("video",), limit=2))
    for other in ({"sort": "title"}, {"descending": False}):
        with pytest.raises(UsageError, match="that page belongs to another order"):
            world.acme.things.page(ThingQuery(("video",), cursor=page.next, **other))


def forged(*parts: Any) -> str:
    raw = json.dumps(parts).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


PLAIN = ThingQuery(("video",))
FORGED = [
    *("x", "====", "é", "WzFd", "\udcff", " "),
    forged("created", True, None, "a"),
    forged("created", True, [], "a"),
    forged("created", True, 1, 2),
    forged("created", True, 1),
    forged(),
    forged("created", True, 10**40, "a"),
    forged("created", True, "\udcff", "a"),
    forged("created", True, 1, "\udcff"),
    forged("created", True, float("nan"), "a"),
    forged("created", True, float("inf"), "a"),
]


def test_a_forged_page_is_a_mistake_of_the_caller(world: World) -> None:
    add_thing(world.acme)
    for cursor in FORGED:
        with pytest.raises(UsageError):
            world.acme.things.page(ThingQuery(("video",), cursor=cursor))


@given(st.one_of(st.text(), st.binary().map(lambda raw: base64.urlsafe_b64encode(raw).decode())))
def test_any_text_is_a_page_or_refused(cursor: str) -> None:
    try:
        read_cursor(cursor, PLAIN)
    except UsageError:
        return
    raise AssertionError("nothing random is a page")


WORDS = st.lists(st.text(max_size=20), max_size=3).map(tuple)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(tags=WORDS, text=st.text(max_size=30), author=st.text(max_size=30))
def test_no_filter_text_is_read_as_sql(
    world: World, tags: tuple[str, ...], text: str, author: str
) -> None:
    query = ThingQuery(("video",), tags=tags, text=text, author=author or None)
    assert world.rival.things.page(query).items == ()
