"""Conditions in SQL against the same conditions in Python."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import World, add_thing, link

from vidctl.model.condition import NUMBER_OPERATORS, OPERATORS, Condition
from vidctl.model.label import label_key
from vidctl.model.thing import Thing, ThingQuery

WORDS = ("birds", "Birds", "STRASSE", "straße", "x", "100%", "it's", '"', "中文")
NUMBERS = (0.0, 0.1, 600.0, 1000.0, 1003.0)
COMPARED = {
    ">": float.__gt__,
    ">=": float.__ge__,
    "<": float.__lt__,
    "<=": float.__le__,
    "=": float.__eq__,
}
MEASURES = ("duration", "published", "added")


@st.composite
def conditions(draw: st.DrawFn, authors: tuple[str, ...]) -> Condition:
    key = draw(st.sampled_from(sorted(OPERATORS)))
    values: dict[str, st.SearchStrategy[Any]] = {
        "status": st.sampled_from(("draft", "published", "archived")),
        "author": st.sampled_from((*authors, "nobody")),
    }
    plain = st.sampled_from(NUMBERS if key in MEASURES else WORDS)
    value = draw(values.get(key, plain))
    return Condition(key, draw(st.sampled_from(OPERATORS[key])), value)


def holds(thing: Thing, labels: list[str], authors: set[str], condition: Condition) -> bool:
    """Say once more in Python what a condition means."""
    properties, value = thing.properties, condition.value
    if condition.key in MEASURES:
        measures = {
            "duration": properties.get("duration"),
            "published": properties.get("publishedAt"),
            "added": thing.created_at,
        }
        measure = measures[condition.key]
        return measure is not None and COMPARED[condition.operator](float(measure), float(value))
    word = str(value)
    found = {
        "tag": word.casefold() in [tag.casefold() for tag in properties.get("tags", [])],
        "category": word.casefold() in [c.casefold() for c in properties.get("categories", [])],
        "label": label_key(word) in [label_key(label) for label in labels],
        "status": thing.status == word,
        "author": word in authors,
        "language": properties.get("language", "").casefold() == word.casefold(),
        "title": word.casefold() in thing.name.casefold(),
        "description": word.casefold() in properties.get("description", "").casefold(),
    }[condition.key]
    return found != (condition.operator == "!=")


def shelf(world: World) -> tuple[list[tuple[Thing, list[str], set[str]]], tuple[str, ...]]:
    """Add things with something, nothing or several of everything that can be asked for."""
    people = [add_thing(world.acme, name, type="user") for name in ("Ana", "Ben")]
    made = []
    for number in range(30):
        properties: dict[str, Any] = {}
        for name, step in (("tags", 2), ("categories", 3)):
            if number % step == 0:
                properties[name] = [WORDS[number % 9], WORDS[(number * 5 + 1) % 9]]
        for name, step, values in (
            ("description", 4, WORDS),
            ("language", 5, WORDS),
            ("duration", 3, NUMBERS),
            ("publishedAt", 2, NUMBERS),
        ):
            if number % step == 1:
                properties[name] = values[number % len(values)]
        store = world.acme if number % 2 else world.courses
        thing = add_thing(
            store,
            f"{WORDS[number % 9]} {WORDS[number % 7]}",
            slug=f"thing-{number}",
            status=("draft", "published", "archived")[number % 3],
            created_at=1000 + number % 5,
            **properties,
        )
        labels = [WORDS[number % 9]] if number % 4 == 0 else []
        for label in labels:
            store.labels.add(label, [thing.id])
        authors = set()
        if store is world.acme and number % 3:
            world.acme.connections.add(link(world.acme, people[number % 2], thing, "authored"))
            authors.add(people[number % 2].id)
        made.append((thing, labels, authors))
    add_thing(world.rival, "birds", tags=["birds"])
    return made, tuple(person.id for person in people)


def test_conditions_against_a_model(world: World) -> None:
    made, authors = shelf(world)

    @settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=150)
    @given(st.lists(conditions(authors), min_size=1, max_size=3))
    def check(asked: list[Condition]) -> None:
        query = ThingQuery(("video",), "all", where=tuple(asked), limit=1000)
        found = {thing.slug for thing in world.wide.things.page(query).items}
        assert found == {
            thing.slug
            for thing, labels, who in made
            if all(holds(thing, labels, who, condition) for condition in asked)
        }

    check()


@pytest.mark.parametrize("operator", NUMBER_OPERATORS)
def test_what_has_no_length_compares_with_none(world: World, operator: str) -> None:
    add_thing(world.acme)
    query = ThingQuery((), where=(Condition("duration", operator, 0.0),))
    assert world.acme.things.page(query).total == 0
