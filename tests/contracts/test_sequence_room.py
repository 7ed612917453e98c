"""Positions that run out: the surroundings are spread anew, locally, and the order stays."""

from __future__ import annotations

import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import World, add_thing

from vidctl.model.place import Place


def strictly_rising(positions: list[float | None]) -> bool:
    known = [each for each in positions if each is not None]
    return len(known) == len(positions) == len(set(known)) and known == sorted(known)


def filled(world: World, count: int) -> tuple[str, list[str]]:
    with world.acme.transaction():
        owner = add_thing(world.acme, "List", type="playlist").id
        items = [add_thing(world.acme, slug=f"t-{n}").id for n in range(count)]
    return owner, items


@pytest.mark.parametrize("side", ["before", "after"])
def test_ten_thousand_insertions_at_one_spot(world: World, side: str) -> None:
    count = 10_000 if world.library.database.driver.name == "pysqlite3" else 500
    owner, items = filled(world, count + 2)
    sequences = world.acme.sequences
    ends, rest = items[:2], items[2:]
    connection = world.library.database.connection
    with world.acme.transaction():
        sequences.insert(owner, ends)
        written = connection.total_changes
        for item in rest:
            anchor = {"before": ends[1]} if side == "before" else {"after": ends[0]}
            sequences.insert(owner, [item], Place(**anchor))
        written = connection.total_changes - written
    expected = rest if side == "before" else rest[::-1]
    links = sequences.links(owner)
    assert [link.to_id for link in links] == [ends[0], *expected, ends[1]]
    assert strictly_rising([link.position for link in links])
    assert written < 10 * count, "spreading stays local"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20)
@given(seed=st.integers(0, 2**32), spots=st.integers(1, 4))
def test_moves_around_a_few_spots(world: World, seed: int, spots: int) -> None:
    """Moves between the same neighbours use up the room; the order follows a plain list."""
    rng = random.Random(seed)
    owner, items = filled_once(world)
    sequences = world.acme.sequences
    model = [link.to_id for link in sequences.links(owner)]
    anchors = rng.sample(items, spots)
    with world.acme.transaction():
        for _ in range(150):
            item, anchor = rng.choice(items), rng.choice(anchors)
            if item == anchor:
                continue
            side = rng.choice(("before", "after"))
            sequences.move(owner, item, Place(**{side: anchor}))
            model.remove(item)
            model.insert(model.index(anchor) + (side == "after"), item)
    links = sequences.links(owner)
    assert [link.to_id for link in links] == model
    assert strictly_rising([link.position for link in links])


def filled_once(world: World) -> tuple[str, list[str]]:
    found = world.rows("SELECT id FROM things WHERE type = 'playlist'")
    if found:
        owner = found[0][0]
        return owner, sorted(link.to_id for link in world.acme.sequences.links(owner))
    owner, items = filled(world, 12)
    world.acme.sequences.insert(owner, items)
    return owner, items
