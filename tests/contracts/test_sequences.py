"""Order: what each operation does to it, for every place, with ties, gaps and hidden members."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import pytest
from stores import World, add_thing

from vidctl.errors import Conflict, NotFound, UsageError
from vidctl.ids import new_id
from vidctl.model.connection import Connection
from vidctl.model.place import Place
from vidctl.model.scope import Scope
from vidctl.model.thing import Thing
from vidctl.store.sqlite import SqliteStore


class Order:
    """A playlist and its items, which the tests call by letters."""

    def __init__(self, world: World, letters: str) -> None:
        self.world = world
        self.store = world.acme
        self.owner = add_thing(self.store, "List", type="playlist", status="active").id
        self.items = {letter: add_thing(self.store, letter) for letter in letters}
        self.names = {thing.id: letter for letter, thing in self.items.items()}

    def insert(self, letters: str, **place: Any) -> str:
        ids = [self.items[letter].id for letter in letters]
        return self.said(self.store.sequences.insert(self.owner, ids, self.place(**place)))

    def move(self, letter: str, **place: Any) -> bool:
        return self.store.sequences.move(self.owner, self.items[letter].id, self.place(**place))

    def place(self, **place: Any) -> Place:
        return Place(**{k: self.items[v].id if k != "at" else v for k, v in place.items()})

    def said(self, ids: Any) -> str:
        return "".join(self.names[each] for each in ids)

    @property
    def all(self) -> str:
        return self.said(link.to_id for link in self.store.sequences.links(self.owner))

    @property
    def shown(self) -> str:
        return self.paged(100)

    def paged(self, limit: int) -> str:
        """Return what is shown, page by page; every ordinal, total and count is right."""
        found: list[str] = []
        cursor = None
        while True:
            page = self.store.sequences.page(self.owner, limit=limit, cursor=cursor)
            assert page.total == self.store.sequences.count(self.owner)
            for placed in page.items:
                found.append(placed.thing.id)
                assert placed.ordinal == len(found)
                assert placed.link.to_id == placed.thing.id
                assert self.store.sequences.ordinal(self.owner, placed.thing.id) == len(found)
            cursor = page.next
            if cursor is None:
                assert page.total == len(found)
                return self.said(found)
            assert len(page.items) == limit

    def archive(self, letter: str) -> None:
        self.store.things.save(replace(self.items[letter], status="archived"))

    def put(self, positions: dict[str, float | None]) -> None:
        """Set positions as another machine may have left them."""
        for letter, position in positions.items():
            self.world.library.database.execute(
                "UPDATE connections SET position = ? WHERE to_id = ?",
                (position, self.items[letter].id),
            )

    def positions(self) -> list[float | None]:
        return [link.position for link in self.store.sequences.links(self.owner)]


@pytest.fixture
def order(world: World) -> Order:
    """A playlist that holds a, b, c and d; x, y and z are not in it."""
    made = Order(world, "abcdxyz")
    assert made.insert("abcd") == "abcd"
    return made


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ({}, "abcdxy"),
        ({"at": 1}, "xyabcd"),
        ({"at": 3}, "abxycd"),
        ({"at": 4}, "abcxyd"),
        ({"at": 5}, "abcdxy"),
        ({"at": 10**30}, "abcdxy"),
        ({"before": "a"}, "xyabcd"),
        ({"before": "c"}, "abxycd"),
        ({"after": "c"}, "abcxyd"),
        ({"after": "d"}, "abcdxy"),
    ],
)
def test_insert(order: Order, place: dict[str, Any], expected: str) -> None:
    assert order.insert("xyx", **place) == "xy"
    assert order.all == order.shown == expected
    assert order.insert("yxa", at=1) == "", "what is there stays where it is"
    assert order.all == expected


@pytest.mark.parametrize(
    ("letter", "place", "expected"),
    [
        ("a", {}, "bcda"),
        ("a", {"at": 1}, "abcd"),
        ("a", {"at": 2}, "bacd"),
        ("a", {"at": 4}, "bcda"),
        ("d", {"at": 1}, "dabc"),
        ("c", {"at": 2}, "acbd"),
        ("b", {"at": 99}, "acdb"),
        ("d", {"before": "a"}, "dabc"),
        ("a", {"before": "b"}, "abcd"),
        ("a", {"after": "c"}, "bcad"),
        ("b", {"after": "a"}, "abcd"),
        ("d", {}, "abcd"),
    ],
)
def test_move(order: Order, letter: str, place: dict[str, Any], expected: str) -> None:
    connection = order.world.library.database.connection
    before = connection.total_changes
    assert order.move(letter, **place) == (expected != "abcd")
    assert order.all == order.shown == expected
    assert connection.total_changes - before == (expected != "abcd"), "a move writes one row"


def test_a_place_is_one_place() -> None:
    with pytest.raises(UsageError):
        Place(at=1, before="a")
    for number in (0, -1):
        with pytest.raises(UsageError, match="count from 1"):
            Place(at=number)


def test_places_that_are_not_there(order: Order) -> None:
    before = order.positions()
    for act in (
        lambda: order.insert("x", before="y"),
        lambda: order.insert("x", after="x"),
        lambda: order.move("x", at=1),
        lambda: order.move("a", before="x"),
    ):
        with pytest.raises(NotFound):
            act()
    with pytest.raises(UsageError, match="itself"):
        order.move("a", after="a")
    assert order.positions() == before


def test_taking_out_and_putting_back(order: Order) -> None:
    rows = "SELECT id FROM connections WHERE to_id = ?", (order.items["b"].id,)
    kept = order.world.rows(*rows)
    assert order.store.sequences.remove(order.owner, order.items["b"].id)
    assert not order.store.sequences.remove(order.owner, order.items["b"].id)
    assert order.all == "acd"
    assert order.insert("b") == "b"
    assert order.all == "acdb"
    assert order.world.rows(*rows) == kept, "the same link comes back"


def test_what_is_archived_can_be_moved_by_number(order: Order) -> None:
    """It is left out of the count once, not as the moving one and as a hidden one."""
    order.archive("a")
    assert not order.move("a", at=1), "before b, which is the first shown, is where it is"
    assert order.move("a", at=2)
    links = order.store.sequences.links(order.owner)
    assert [order.names[link.to_id] for link in links][:3] == ["b", "a", "c"]


def test_what_is_archived_keeps_its_place(order: Order) -> None:
    order.archive("b")
    assert (order.shown, order.all) == ("acd", "abcd")
    assert order.store.sequences.ordinal(order.owner, order.items["b"].id) is None
    order.insert("x", at=2)
    assert order.shown == "axcd"
    order.move("d", at=2)
    assert order.shown == "adxc"
    order.store.things.save(order.items["b"])
    assert order.shown == order.all == "abdxc"


def test_what_is_purged_leaves(order: Order) -> None:
    order.store.things.purge(order.items["b"].id)
    assert order.all == order.shown == "acd"


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 5])
def test_pages(order: Order, limit: int) -> None:
    order.archive("c")
    assert order.paged(limit) == "abd"


def test_a_page_goes_on_where_it_stopped(order: Order) -> None:
    first = order.store.sequences.page(order.owner, limit=2)
    order.insert("x", at=1)
    order.move("d", after="b")
    second = order.store.sequences.page(order.owner, limit=2, cursor=first.next)
    assert [(p.ordinal, p.thing.name) for p in second.items] == [(4, "d"), (5, "c")]


FORGED = [
    *("x", "====", "é", "WzFd", "\udcff", "", " "),
    *([[]], [1, 2, 3], ["OWNER", "a", "b"], ["OWNER", 1.0, 2], ["OWNER", [], "x"]),
    *(["OWNER", True, "x"], ["OWNER", float("nan"), "x"], ["OWNER", 10**400, "x"]),
    *(["OWNER", 1.0, "\udcff"], {"OWNER": 1}),
]


@pytest.mark.parametrize("parts", FORGED)
def test_a_forged_page_is_a_mistake_of_the_caller(order: Order, parts: Any) -> None:
    cursor = parts
    if not isinstance(parts, str):
        raw = json.dumps(parts).replace("OWNER", order.owner).encode()
        cursor = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    with pytest.raises(UsageError):
        order.store.sequences.page(order.owner, limit=2, cursor=cursor)


def test_a_page_of_another_list_is_refused(order: Order) -> None:
    other = add_thing(order.store, "Other", type="playlist").id
    page = order.store.sequences.page(order.owner, limit=2)
    with pytest.raises(UsageError, match="another list"):
        order.store.sequences.page(other, limit=2, cursor=page.next)


def test_arrange(order: Order) -> None:
    ids = {letter: thing.id for letter, thing in order.items.items()}
    arrange = order.store.sequences.arrange
    assert arrange(order.owner, [ids[letter] for letter in "dcba"])
    assert order.all == "dcba"
    assert not arrange(order.owner, [ids[letter] for letter in "dcba"])
    assert arrange(order.owner, [ids["a"], ids["d"]])
    assert order.all == "acbd", "those that are not named stay at their places"
    with pytest.raises(NotFound):
        arrange(order.owner, [ids["a"], ids["x"]])


def test_ranks(order: Order) -> None:
    facts = {"a": ("Beta", 9.5, 5), "b": ("alpha", 1, 9), "c": ("Gamma", 9.5, 1), "d": ("x", 2, 7)}
    for letter, (name, duration, date) in facts.items():
        thing = replace(order.items[letter], name=name)
        order.store.things.save(
            replace(thing, properties={"duration": duration, "publishedAt": date})
        )
    ranked = order.store.sequences.ranked
    assert order.said(ranked(order.owner, "title")) == "bacd"
    assert order.said(ranked(order.owner, "duration")) == "bdac"
    assert order.said(ranked(order.owner, "duration", descending=True)) == "acdb"
    assert order.said(ranked(order.owner, "date")) == "cadb"
    assert order.store.sequences.duration(order.owner) == 22
    assert order.store.sequences.types(order.owner) == ["video"]


def test_what_links_say(order: Order) -> None:
    a = order.items["a"].id
    order.store.sequences.annotate(order.owner, a, {"section": "One"})
    order.store.sequences.insert(order.owner, [order.items["x"].id], metadata={"section": "Two"})
    said = [link.metadata.get("section") for link in order.store.sequences.links(order.owner)]
    assert said == ["One", None, None, None, "Two"]
    with pytest.raises(NotFound):
        order.store.sequences.annotate(order.owner, order.items["y"].id, {})


def test_owners(order: Order) -> None:
    course = add_thing(order.store, "Course", type="course").id
    order.store.sequences.insert(course, [order.items["a"].id])
    owners = order.store.sequences.owners
    assert owners(order.items["a"].id, "playlist") == [order.owner]
    assert owners(order.items["a"].id, "course") == [course]
    order.store.sequences.remove(course, order.items["a"].id)
    assert owners(order.items["a"].id, "course") == []


# --- scopes and sight ---------------------------------------------------------------------------


def test_content_links_never_cross_groups(world: World) -> None:
    above = add_thing(world.acme, "List", type="playlist")
    below = add_thing(world.courses, "Talk")
    with pytest.raises(Conflict):
        world.wide.sequences.insert(above.id, [below.id])
    inside = add_thing(world.courses, "List", type="playlist")
    world.wide.sequences.insert(inside.id, [below.id])
    (link,) = world.wide.sequences.links(inside.id)
    assert link.group_id == world.groups["acme/courses"].id
    assert world.wide.sequences.page(inside.id, limit=5).total == 1
    assert world.acme.sequences.page(inside.id, limit=5).total == 0


def viewed_by(world: World, person: Thing) -> SqliteStore:
    home = world.groups["acme"].id
    return world.library.open(Scope(home, (home,), viewer=person.id))


def test_a_viewer_is_shown_what_is_published(order: Order) -> None:
    person = add_thing(order.store, "Ann", type="user", status="active")
    seen = viewed_by(order.world, person).sequences
    for letter in "bd":
        order.store.things.save(replace(order.items[letter], status="published"))
    assert seen.page(order.owner, limit=9).items == ()
    order.store.connections.add(
        Connection(new_id(), order.store.scope.home, person.id, order.owner, "purchased")
    )
    page = seen.page(order.owner, limit=1)
    assert [(p.ordinal, p.thing.name) for p in page.items] == [(1, "b")]
    page = seen.page(order.owner, limit=1, cursor=page.next)
    assert [(p.ordinal, p.thing.name) for p in page.items] == [(2, "d")]
    assert page.total == seen.count(order.owner) == 2
    assert seen.ordinal(order.owner, order.items["a"].id) is None
    with pytest.raises(NotFound):
        seen.insert(order.owner, [order.items["x"].id])
    assert seen.move(order.owner, order.items["d"].id, Place(at=1))
    assert order.all in ("adbc", "dabc")


# --- positions that others left behind ----------------------------------------------------------

ODD = [
    {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0},
    {"a": None, "b": None, "c": None, "d": None},
    {"a": None, "b": None, "c": 2.0, "d": 2.0},
    {"a": -1e300, "b": -5.0, "c": 0.0, "d": 1e300},
    {"a": 1.0, "b": 1.0000000000000002, "c": 1.0000000000000004, "d": 2.0},
    {"a": 1.7e308, "b": 1.79e308, "c": 1.795e308, "d": 1.7976931348623157e308},
    {"a": -5e-324, "b": 0.0, "c": 5e-324, "d": 1e-323},
]


@pytest.mark.parametrize("positions", ODD)
def test_odd_positions(order: Order, positions: dict[str, float | None]) -> None:
    """Ties are in the order of ids, and there is always room; the order never changes by itself."""
    order.put(positions)
    assert order.all == order.shown == order.paged(1) == order.paged(3) == "abcd"
    order.insert("x", after="b")
    assert order.all == order.paged(2) == "abxcd"
    order.insert("y", at=1)
    order.insert("z")
    assert order.all == "yabxcdz"
    order.move("d", after="y")
    assert order.all == "ydabxcz"
    ids = [order.items[letter].id for letter in "zcxbady"]
    order.store.sequences.arrange(order.owner, ids)
    assert order.all == "zcxbady"


@pytest.mark.parametrize("positions", ODD)
def test_arranging_odd_positions(order: Order, positions: dict[str, float | None]) -> None:
    order.put(positions)
    order.store.sequences.arrange(order.owner, [order.items[letter].id for letter in "dcba"])
    assert order.all == "dcba"
