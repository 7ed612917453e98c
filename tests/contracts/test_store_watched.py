"""Watched links: written by the batch, read by pages, folded from their events."""

from __future__ import annotations

from dataclasses import replace

import pytest
from stores import World, add_thing

from vidctl.errors import Conflict, UsageError
from vidctl.ids import new_id, new_ids
from vidctl.model.connection import Connection
from vidctl.model.scope import Scope
from vidctl.model.thing import Thing
from vidctl.model.watching import Viewing, Watch, WatchQuery
from vidctl.store.sqlite import SqliteStore

SEEN = Watch(((0, 1500), (2000, 3000)), 4000, 4000, 3000, 2, 5, 9, None, None)


def people(store: SqliteStore, count: int) -> list[Thing]:
    return [add_thing(store, f"Person {number}", type="user") for number in range(count)]


def test_links_are_written_and_read_by_the_batch(world: World) -> None:
    (ann, bob), item = people(world.acme, 2), add_thing(world.acme)
    pairs = [(ann.id, item.id), (bob.id, item.id)]
    assert world.acme.watched.load(pairs) == {}
    world.acme.watched.save(dict.fromkeys(pairs, SEEN.metadata()))
    found = world.acme.watched.load([*pairs, (new_id(), item.id)])
    assert {pair: Watch.of(said) for pair, said in found.items()} == dict.fromkeys(pairs, SEEN)
    ids = [link.id for link in world.acme.connections.incoming(item.id, "watched")]
    again = replace(SEEN, views=3)
    world.acme.watched.save({pairs[0]: again.metadata()})
    assert Watch.of(world.acme.watched.load(pairs)[pairs[0]]) == again
    assert ids == [link.id for link in world.acme.connections.incoming(item.id, "watched")]


def test_a_link_is_kept_where_its_item_is(world: World) -> None:
    """Somebody of a group above watches what is below, and the group below remembers."""
    (ann,), item = people(world.acme, 1), add_thing(world.courses)
    world.wide.watched.save({(ann.id, item.id): SEEN.metadata()})
    assert world.acme.watched.load([(ann.id, item.id)]) == {}
    assert list(world.courses.watched.load([(ann.id, item.id)])) == [(ann.id, item.id)]


def test_a_link_needs_both_ends(world: World) -> None:
    (ann,), item = people(world.acme, 1), add_thing(world.acme)
    for pair in ((new_id(), item.id), (ann.id, new_id())):
        with pytest.raises(Conflict):
            world.acme.watched.save({pair: SEEN.metadata()})


def test_a_removed_link_comes_back(world: World) -> None:
    (ann,), item = people(world.acme, 1), add_thing(world.acme)
    pair = (ann.id, item.id)
    world.acme.watched.save({pair: SEEN.metadata()})
    world.acme.connections.remove(world.acme.connections.incoming(item.id, "watched")[0].id)
    assert world.acme.watched.load([pair]) == {}
    world.acme.watched.save({pair: SEEN.metadata()})
    assert list(world.acme.watched.load([pair])) == [pair]


def test_events_are_found_by_pair_and_in_order(world: World) -> None:
    (ann, bob), items = people(world.acme, 2), [add_thing(world.acme) for _ in range(2)]
    pairs = [(person.id, item.id) for person in (ann, bob) for item in items]
    viewings = [
        Viewing(10 - number, id_, "video_viewed", (), None, *pair)
        for number, (id_, pair) in enumerate(zip(new_ids(4), pairs, strict=True))
    ]
    other = Viewing(1, new_id(), "note_taken", (), None, *pairs[0])
    world.acme.events.log([*viewings, other])
    found = world.acme.watched.events(pairs[:1])
    assert [event.id for event in found[pairs[0]]] == [viewings[0].id]
    assert [event.at for event in world.acme.watched.every()] == [7, 8, 9, 10]
    assert len(list(world.acme.watched.every([ann.id]))) == 2
    assert len(list(world.acme.watched.every([], [items[0].id]))) == 2
    apart = [(e.target_id, e.actor_id) for e in world.acme.watched.every(by_pair=True)]
    assert apart == sorted(apart)


def test_many_rows_are_logged_as_few_are(world: World) -> None:
    """Rows are inserted by the hundred; none is lost where the last statement is shorter."""
    item = add_thing(world.acme)
    for count in (1, 99, 100, 101, 227):
        ids = new_ids(count)
        world.acme.events.log([Viewing(1, id_, "note_taken", item_id=item.id) for id_ in ids])
        assert world.acme.events.known(ids) == set(ids)
    assert world.acme.events.count(item.id, "note_taken") == 528


def test_pages_go_from_the_last_watched_on(world: World) -> None:
    item, crowd = add_thing(world.acme), people(world.acme, 7)
    for number, person in enumerate(crowd):
        said = replace(SEEN, last_at=number // 2).metadata()
        world.acme.watched.save({(person.id, item.id): said})
    shown: list[Connection] = []
    cursor: str | None = None
    while True:
        page = world.acme.watched.page(WatchQuery(items=(item.id,), limit=3, cursor=cursor))
        assert page.total == 7
        shown += page.links
        cursor = page.next
        if cursor is None:
            break
    assert len({link.from_id for link in shown}) == 7
    times = [link.metadata["lastAt"] for link in shown]
    assert times == sorted(times, reverse=True)
    one = world.acme.watched.page(WatchQuery(people=(crowd[3].id,)))
    assert [link.from_id for link in one.links] == [crowd[3].id]


@pytest.mark.parametrize("cursor", ["x", "W10", "WzEsMl0", "bnVsbA", "WyJhIiwiYiJd"])
def test_a_damaged_page_is_refused(world: World, cursor: str) -> None:
    with pytest.raises(UsageError, match="no page of a listing"):
        world.acme.watched.page(WatchQuery(cursor=cursor))


def test_a_page_hides_what_its_viewer_does_not_see(world: World) -> None:
    (ann,) = people(world.acme, 1)
    items = [add_thing(world.acme, status="published") for _ in range(2)]
    world.acme.watched.save({(ann.id, item.id): SEEN.metadata() for item in items})
    world.acme.connections.add(
        Connection(new_id(), world.acme.scope.home, ann.id, items[0].id, "purchased")
    )
    scope = Scope(world.acme.scope.home, world.acme.scope.group_ids, viewer=ann.id)
    page = world.library.open(scope).watched.page(WatchQuery())
    assert ([link.to_id for link in page.links], page.total) == ([items[0].id], 1)


def test_events_of_pairs_are_found_by_an_index(world: World) -> None:
    plan = world.rows(
        "EXPLAIN QUERY PLAN SELECT e.id FROM events AS e WHERE e.group_id = 'x'"
        " AND e.target_id IN (SELECT value FROM json_each('[]'))"
        " AND e.actor_id IN (SELECT value FROM json_each('[]'))"
    )
    assert any("events_by_target" in str(row[3]) or "INDEX" in str(row[3]) for row in plan), plan
