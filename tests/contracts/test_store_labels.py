"""Labels against a dict: put on, taken off, renamed, merged, in several groups."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from stores import ALL, World, add_thing, chunk, make_library

from vidctl.catalog.items import purge_item
from vidctl.catalog.labels import add_label, merge_label, remove_label
from vidctl.model.condition import Condition
from vidctl.model.label import Label, label_key
from vidctl.model.thing import Thing, ThingQuery
from vidctl.store import checkup
from vidctl.store.sqlite import SqliteStore

TEXTS = ("birds", "Birds", "BIRDS ", "straße", "STRASSE", "ﬁ", "fi", "two  words", "Two words", "x")
HOMES = ("acme", "rival")


class Labelling(RuleBasedStateMachine):
    """Two groups with three items each, and what they carry said once more as dicts.

    A model is label key -> (spelling, ids of items).
    """

    folder: Callable[[], Path]

    def __init__(self) -> None:
        super().__init__()
        path = type(self).folder() / "library.db"
        self.world = World(path, make_library(path))
        self.stores: dict[str, SqliteStore] = {home: getattr(self.world, home) for home in HOMES}
        self.things: dict[str, list[Thing]] = {}
        self.model: dict[str, dict[str, tuple[str, set[str]]]] = {home: {} for home in HOMES}
        self.clock = itertools.count(2_000_000_000_000)
        self.logged = dict.fromkeys(HOMES, 0)

    def teardown(self) -> None:
        self.world.close()

    @initialize()
    def begin(self) -> None:
        for home, store in self.stores.items():
            self.things[home] = [add_thing(store, f"Talk {number}") for number in range(3)]

    def _put(self, home: str, text: str, ids: set[str]) -> None:
        if ids:
            spelling, held = self.model[home].get(label_key(text), (" ".join(text.split()), set()))
            self.model[home][label_key(text)] = (spelling, held | ids)

    def _take(self, home: str, text: str, ids: set[str]) -> None:
        spelling, held = self.model[home].get(label_key(text), ("", set()))
        self.model[home].pop(label_key(text), None)
        if held - ids:
            self.model[home][label_key(text)] = (spelling, held - ids)

    @rule(
        home=st.sampled_from(HOMES), text=st.sampled_from(TEXTS), which=st.sets(st.integers(0, 2))
    )
    def add(self, home: str, text: str, which: set[int]) -> None:
        things = [self.things[home][number] for number in which]
        ids = {thing.id for thing in things}
        held = self.model[home].get(label_key(text), ("", set()))[1]
        new = (
            add_label(
                store=self.stores[home], actor=things[0], text=text, things=things, now=self._now
            )
            if things
            else set()
        )
        assert new == ids - held
        self.logged[home] += len(new)
        self._put(home, text, ids)

    @rule(
        home=st.sampled_from(HOMES), text=st.sampled_from(TEXTS), which=st.sets(st.integers(0, 2))
    )
    def remove(self, home: str, text: str, which: set[int]) -> None:
        things = [self.things[home][number] for number in which]
        ids = {thing.id for thing in things}
        held = self.model[home].get(label_key(text), ("", set()))[1]
        had = remove_label(
            store=self.stores[home],
            actor=self.things[home][0],
            text=text,
            things=things,
            now=self._now,
        )
        assert had == ids & held
        self.logged[home] += len(had)
        self._take(home, text, ids)

    @rule(home=st.sampled_from(HOMES), old=st.sampled_from(TEXTS), new=st.sampled_from(TEXTS))
    def merge(self, home: str, old: str, new: str) -> None:
        spelling, held = self.model[home].get(label_key(old), ("", set()))
        changed = merge_label(
            store=self.stores[home], actor=self.things[home][0], old=old, new=new, now=self._now
        )
        named = " ".join(new.split())
        is_same = label_key(old) == label_key(new)
        expected = held if not is_same or spelling != named else set()
        assert {thing.id for thing in changed} == expected
        self.logged[home] += len(changed)
        if is_same and held:
            self.model[home][label_key(new)] = (named, held)
        elif not is_same:
            self._take(home, old, held)
            self._put(home, new, held)

    @rule(home=st.sampled_from(HOMES), number=st.integers(0, 2))
    def purge_and_add_another(self, home: str, number: int) -> None:
        gone = self.things[home][number]
        purge_item(store=self.stores[home], actor=gone, thing=gone)
        for text, _ in list(self.model[home].values()):
            self._take(home, text, {gone.id})
        self.things[home][number] = add_thing(self.stores[home])

    def _now(self) -> int:
        return next(self.clock)

    @invariant()
    def every_store_agrees(self) -> None:
        for home, store in self.stores.items():
            if home not in self.things:
                continue
            model = self.model[home]
            found = store.labels.all()
            assert sorted(found, key=lambda label: label.text) == sorted(
                (Label(text, len(ids)) for text, ids in model.values()),
                key=lambda label: label.text,
            )
            ids = [thing.id for thing in self.things[home]]
            held = store.labels.of(ids)
            for thing_id in ids:
                mine = {text for text, carriers in model.values() if thing_id in carriers}
                assert set(held.get(thing_id, [])) == mine
            for text in TEXTS:
                carriers = model.get(label_key(text), ("", set()))[1]
                query = ThingQuery(("video",), labels=(text,))
                assert {thing.id for thing in store.things.page(query).items} == carriers
                assert {thing.id for thing in store.labels.carriers(text)} == carriers
            events = self.world.rows(
                "SELECT count(*) FROM events WHERE group_id = ? AND type = 'entity_updated'",
                (store.scope.home,),
            )
            assert events == [(self.logged[home],)]


def test_labels_machine(tmp_path_factory: pytest.TempPathFactory) -> None:
    from hypothesis.stateful import run_state_machine_as_test

    Labelling.folder = staticmethod(lambda: tmp_path_factory.mktemp("labels"))
    run_state_machine_as_test(
        Labelling,
        settings=settings(
            max_examples=25,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_a_wide_scope_sees_one_label(world: World) -> None:
    above, below = add_thing(world.acme), add_thing(world.courses)
    world.acme.labels.add("Birds", [above.id])
    world.courses.labels.add("birds", [below.id])
    assert world.wide.labels.all() == [Label("Birds", 2)]
    assert [thing.id for thing in world.wide.labels.carriers("BIRDS")] == [above.id, below.id]
    assert world.acme.labels.all() == [Label("Birds", 1)]
    assert world.wide.labels.add("New", [above.id, below.id]) != []
    assert world.courses.labels.of([below.id]) == {below.id: ["birds", "New"]}


def test_labels_are_in_no_index(world: World) -> None:
    thing = add_thing(world.acme)
    world.acme.knowledge.replace(thing.id, [chunk(thing, 0, "heron")])
    world.acme.labels.add("kingfisher", [thing.id])
    for _ in range(2):
        assert world.acme.knowledge.match_text('"kingfisher"', ALL, 5) == []
        assert len(world.acme.knowledge.match_text('"heron"', ALL, 5)) == 1
        findings = {each.check: each for each in checkup.check(world.library.database)}
        assert findings["full-text index"].is_ok
        assert findings["full-text index"].message == "1 chunks"
        assert findings["references"].is_ok
        checkup.rebuild_derived(world.library.database)
    assert [piece.text for piece in world.acme.knowledge.chunks(thing.id)] == ["heron"]


def test_a_label_nobody_carries_keeps_no_text(world: World) -> None:
    thing = add_thing(world.acme)
    world.acme.labels.add("Secret", [thing.id])
    world.acme.labels.remove("secret", [thing.id])
    assert world.rows("SELECT text FROM knowledge WHERE deleted_at IS NOT NULL") == [("",)]
    world.acme.labels.add("SECRET", [thing.id])
    assert world.acme.labels.all() == [Label("SECRET", 1)]
    assert world.rows("SELECT count(*) FROM knowledge") == [(1,)], "the same row came back"


def test_labels_are_found_without_going_through_the_chunks(world: World) -> None:
    database = world.library.database
    asked: list[str] = []
    database.connection.set_trace_callback(asked.append)
    world.acme.labels.all()
    world.acme.labels.carriers("x")
    world.acme.knowledge.chunks("x")
    database.connection.set_trace_callback(None)
    plans = [world.rows(f"EXPLAIN QUERY PLAN {text}") for text in asked]
    first = [plan[0][-1] for plan in plans]
    assert [line.split(" INDEX ")[1].split(" ")[0] for line in first] == [
        *["knowledge_labels"] * 2,
        "knowledge_by_thing",
    ]


def test_not_labelled(world: World) -> None:
    one, other = add_thing(world.acme), add_thing(world.acme)
    world.acme.labels.add("x", [one.id])
    query = ThingQuery((), where=(Condition("label", "!=", "X"),))
    assert [thing.id for thing in world.acme.things.page(query).items] == [other.id]
