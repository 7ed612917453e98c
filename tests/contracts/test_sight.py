"""What a person sees, compared with a model that follows every link by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import ALL, DIMENSION, IDENTITY, World, add_thing, chunk, unit, window

from vidctl.errors import NotFound
from vidctl.ids import new_id
from vidctl.model.connection import Connection
from vidctl.model.scope import Scope
from vidctl.model.thing import Thing, ThingQuery
from vidctl.store.sqlite import SqliteStore

TYPES = ("video", "podcast", "playlist", "course", "lesson")
STATUSES = ("draft", "published", "active", "archived")
SHOWN = ("published", "active")
GROUPS = ("acme", "acme/courses", "rival")


class Undo(Exception):
    """Takes back an example."""


@dataclass
class Plan:
    """What an example puts into the library; links are by number of thing."""

    things: list[tuple[str, str, str]]  # group, type, status
    contains: list[tuple[int, int]]
    purchased: list[int]
    authored: list[int]
    unlinked: list[bool]
    seen: list[str] = field(default_factory=list)


@st.composite
def plans(draw: Callable[..., Any]) -> Plan:
    things = draw(
        st.lists(
            st.tuples(st.sampled_from(GROUPS), st.sampled_from(TYPES), st.sampled_from(STATUSES)),
            min_size=1,
            max_size=14,
        )
    )
    numbers = st.integers(0, len(things) - 1)
    contains = draw(st.lists(st.tuples(numbers, numbers), max_size=20))
    purchased = draw(st.lists(numbers, max_size=4))
    authored = draw(st.lists(numbers, max_size=3))
    count = len(contains) + len(purchased) + len(authored)
    unlinked = draw(st.lists(st.sampled_from([False, False, False, True]), min_size=count))
    seen = draw(st.lists(st.sampled_from(GROUPS[:2]), max_size=1))
    return Plan(things, contains, purchased, authored, unlinked, seen)


class Example:
    """A plan put into the library, and who looks at it."""

    def __init__(self, world: World, plan: Plan) -> None:
        self.world = world
        self.plan = plan
        self.stores = dict(zip(GROUPS, (world.acme, world.courses, world.rival), strict=True))
        self.viewer = add_thing(world.acme, "Viewer", type="user", status="active")
        self.other = add_thing(world.acme, "Other", type="user", status="active")
        self.things = [
            add_thing(self.stores[group], f"{type} {number}", type=type, status=status)
            for number, (group, type, status) in enumerate(plan.things)
        ]
        self.links: set[tuple[str, str, str]] = set()
        gone = iter([*plan.unlinked, *[False] * 99])
        for one, other in plan.contains:
            self.link(self.things[one], "contains", self.things[other], next(gone))
        for number in plan.purchased:
            self.link(self.viewer, "purchased", self.things[number], next(gone))
        for number in plan.authored:
            self.link(self.viewer, "authored", self.things[number], next(gone))
        for thing in self.things:
            self.link(self.other, "purchased", thing, False)

    def link(self, one: Thing, type: str, other: Thing, is_gone: bool) -> None:
        """Link two things as the commands would: what is contained is of the same group."""
        is_person = one in (self.viewer, self.other)
        if one.id == other.id or (not is_person and one.group_id != other.group_id):
            return
        store = next(s for s in self.stores.values() if s.scope.home == other.group_id)
        made = Connection(new_id(), other.group_id, one.id, other.id, type)
        store.connections.add(made)
        self.links.add((one.id, type, other.id))
        if is_gone:
            held = store.connections.find(one.id, type, other.id)
            assert held is not None
            store.connections.remove(held.id)
            self.links.discard((one.id, type, other.id))

    def seen_through(self, paths: list[str]) -> SqliteStore:
        """Open the scope of acme and below for the viewer, who sees some groups whole."""
        ids = [self.world.groups[path].id for path in GROUPS[:2]]
        seen = tuple(self.world.groups[path].id for path in paths)
        return self.world.library.open(Scope(ids[0], tuple(ids), viewer=self.viewer.id, seen=seen))

    def expected(self) -> set[str]:
        """Return the ids of what the viewer sees, link by link."""
        inside = {self.world.groups[path].id for path in GROUPS[:2]}
        whole = {self.world.groups[path].id for path in self.plan.seen}
        by_id = {thing.id: thing for thing in self.things if thing.group_id in inside}
        shown = {key for key, thing in by_id.items() if thing.status in SHOWN}
        reached: set[str] = set()
        waiting = [to for one, type, to in self.links if (one, type) == self.bought]
        while waiting:
            key = waiting.pop()
            if key in shown and key not in reached:
                reached.add(key)
                waiting += [to for one, type, to in self.links if (one, type) == (key, "contains")]
        own = {to for one, type, to in self.links if (one, type) == (self.viewer.id, "authored")}
        everything = {thing.id for thing in by_id.values() if thing.group_id in whole}
        return reached | (own & by_id.keys()) | everything

    @property
    def bought(self) -> tuple[str, str]:
        """What a link from the viewer to something bought begins with."""
        return self.viewer.id, "purchased"


@settings(max_examples=250, suppress_health_check=list(HealthCheck), deadline=None)
@given(plan=plans())
def test_sight_is_what_links_lead_to(world: World, plan: Plan) -> None:
    """Listing, finding and saving agree with the model; people are seen only where all is."""
    try:
        with world.library.database.transaction():
            example = Example(world, plan)
            store = example.seen_through(plan.seen)
            expected = example.expected()
            query = ThingQuery(TYPES, status="all", limit=100)
            assert {thing.id for thing in store.things.page(query).items} == expected
            assert store.things.page(query).total == len(expected)
            for thing in example.things:
                found = store.things.find(thing.id)
                assert (found is not None) == (thing.id in expected)
            people = ThingQuery(("user",), limit=100)
            names = {thing.name for thing in store.things.page(people).items}
            assert names == ({"Viewer", "Other"} if "acme" in plan.seen else {"Viewer"})
            raise Undo
    except Undo:
        pass


def test_both_rankers_keep_to_what_is_in_sight(world: World) -> None:
    store = world.acme
    viewer = add_thing(store, "Viewer", type="user", status="active")
    bought = add_thing(store, "Bought", status="published")
    hidden = add_thing(store, "Hidden", status="published")
    draft = add_thing(store, "Draft", status="draft")
    vector = unit([1, 0, 0, 0])
    for thing in (bought, hidden, draft):
        piece = chunk(thing, 0, "kingfisher")
        store.knowledge.replace(thing.id, [piece])
        store.knowledge.add_vectors(IDENTITY, DIMENSION, [window(piece, vector)])
    for thing in (bought, draft):
        store.connections.add(
            Connection(new_id(), thing.group_id, viewer.id, thing.id, "purchased")
        )
    own = world.library.open(Scope(store.scope.home, (store.scope.home,), viewer=viewer.id))
    text = own.knowledge.match_text('"kingfisher"', ALL, 10)
    near = own.knowledge.match_vector(IDENTITY, vector, ALL, 10)
    assert [one.thing_id for one in text] == [one.thing_id for one in near] == [bought.id]


def test_a_viewer_resolves_nobody_but_themselves(world: World) -> None:
    home = world.acme.scope.home
    below = world.courses.scope.home
    viewer = add_thing(world.acme, "Viewer", type="user", status="active")
    other = add_thing(world.acme, "Other", type="user", status="active")
    inside = add_thing(world.courses, "Inside", type="user", status="active")

    def seen(group: str, *whole: str) -> set[str]:
        above = (home,) if group == below else ()
        scope = Scope(group, (group,), above=above, viewer=viewer.id, seen=whole)
        people = world.library.open(scope).people
        found = set()
        for person in (viewer, other, inside):
            try:
                found.add(people.resolve(person.slug).name)
            except NotFound:
                continue
        return found

    assert seen(home) == {"Viewer"}
    assert seen(below) == {"Viewer"}
    assert seen(below, below) == {"Viewer", "Other", "Inside"}
    assert seen(home, home) == {"Viewer", "Other"}
