"""Rules about people, on a real store: roles, grants, the local owner, and what a purge leaves."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from stores import World, add_thing, make_library

from vidctl.catalog import people
from vidctl.errors import Conflict, NotFound, PermissionRefused, UsageError
from vidctl.ids import new_id
from vidctl.model.connection import Connection
from vidctl.model.scope import Scope
from vidctl.model.thing import Thing
from vidctl.store.sqlite import SqliteStore

Add = Callable[..., Thing]


def now() -> int:
    return 1_736_244_000_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    groups = make_library(tmp_path / "library.db")
    made = World(tmp_path / "library.db", groups)
    made.courses = made.library.open(
        Scope(made.courses.scope.home, made.courses.scope.group_ids, above=(made.acme.scope.home,))
    )
    yield made
    made.close()


@pytest.fixture
def owner(world: World) -> Thing:
    return people.local_owner(store=world.acme, now=now)


@pytest.fixture
def add(world: World, owner: Thing) -> Add:
    def made(name: str, role: str = "org_user", **fields: Any) -> Thing:
        store = fields.pop("store", world.acme)
        values = {"type": "user", "properties": {}, **fields}
        return people.add_person(store=store, actor=owner, name=name, role=role, now=now, **values)

    return made


def events_of(store: SqliteStore, target: Thing) -> list[tuple[str, dict[str, Any]]]:
    return [(event.type, event.metadata) for event in reversed(store.events.of(target.id))]


# --- adding -------------------------------------------------------------------------------------


def test_a_person_comes_with_their_role_and_event(world: World, add: Add) -> None:
    ana = add("Ana", "customer", type="creator", properties={"email": " ana@example.org "})
    assert (ana.slug, ana.status, ana.properties) == ("ana", "active", {"email": "ana@example.org"})
    (link,) = world.acme.connections.outgoing(ana.id, "member_of")
    home = world.acme.scope.home
    assert (link.to_id, link.group_id, link.metadata) == (home, home, {"role": "customer"})
    assert events_of(world.acme, ana) == [
        ("entity_created", {"type": "creator", "role": "customer"})
    ]


@pytest.mark.parametrize(
    ("fields", "kind"),
    [
        ({"name": " "}, UsageError),
        ({"name": "x" * 2001}, UsageError),
        ({"role": "boss"}, UsageError),
        ({"role": "none"}, UsageError),
        ({"type": "video"}, UsageError),
        ({"slug": "Not A Slug"}, UsageError),
        ({"slug": "me"}, UsageError),
        ({"slug": "owner"}, Conflict),
        ({"properties": {"email": "nobody"}}, UsageError),
    ],
)
def test_a_bad_person_leaves_nothing(
    world: World, add: Add, fields: dict[str, Any], kind: type[Exception]
) -> None:
    before = world.dump("acme")
    with pytest.raises(kind):
        add(**{"name": "Ana", **fields})
    assert world.dump("acme") == before


def test_nobody_is_called_me(add: Add) -> None:
    assert [add(name).slug for name in ("Me", "me", "ME!")] == ["me-2", "me-2-2", "me-2-3"]


# --- roles --------------------------------------------------------------------------------------


def test_a_role_is_changed_taken_and_logged_once(world: World, add: Add, owner: Thing) -> None:
    ana = add("Ana")

    def give(role: str) -> bool:
        return people.set_role(store=world.acme, actor=owner, person=ana, role=role)

    done = [give(r) for r in ("org_user", "org_owner", "org_owner", "none", "none", "customer")]
    assert done == [False, True, False, True, False, True]
    # Events of one millisecond come in any order.
    steps = [(said["was"], said["role"]) for _, said in events_of(world.acme, ana) if "was" in said]
    assert len(steps) == 3
    assert set(steps) == {
        ("org_user", "org_owner"),
        ("org_owner", None),
        (None, "customer"),
    }
    assert world.acme.people.roles(ana.id) == {world.acme.scope.home: "customer"}
    with pytest.raises(UsageError):
        give("boss")


def test_a_person_of_a_group_above_gets_a_role_below(world: World, add: Add, owner: Thing) -> None:
    """The link and its event lie in the group below, and the role means nothing above."""
    ana = add("Ana", "customer")
    home = world.courses.scope.home
    assert people.set_role(store=world.courses, actor=owner, person=ana, role="org_owner")
    assert people.access_of(world.courses, "ana").standings == {home: "org_owner"}
    assert people.access_of(world.acme, "ana").standings == {world.acme.scope.home: "customer"}
    assert [type for type, _ in events_of(world.courses, ana)] == ["entity_updated"]
    members = {row["slug"]: row for row in people.members(world.courses)}
    assert (members["ana"]["role"], members["ana"]["roleGroupId"]) == ("org_owner", home)
    assert "owner" not in members, "who owns the group above is not told of below"


def test_a_person_of_a_group_below_gets_none_above(world: World, add: Add, owner: Thing) -> None:
    ben = add("Ben", store=world.courses)
    with pytest.raises(Conflict):
        people.set_role(store=world.wide, actor=owner, person=ben, role="org_owner")


def test_the_local_owner_is_not_touched(world: World, owner: Thing) -> None:
    assert people.local_owner(store=world.acme, now=now) == owner
    for role in ("org_user", "customer", "none"):
        with pytest.raises(Conflict):
            people.set_role(store=world.acme, actor=owner, person=owner, role=role)
    assert not people.set_role(store=world.acme, actor=owner, person=owner, role="org_owner")
    with pytest.raises(Conflict):
        people.archive_person(store=world.acme, actor=owner, person=owner, now=now)
    with pytest.raises(Conflict):
        people.purge_person(store=world.acme, actor=owner, person=owner)


def test_a_local_owner_owns_what_is_below(world: World, owner: Thing) -> None:
    home = world.courses.scope.home
    assert people.access_of(world.courses, owner.id).standings == {home: "org_owner"}
    below = people.local_owner(store=world.courses, now=now)
    with pytest.raises(NotFound):
        people.access_of(world.acme, below.id)


def test_an_archived_person_may_not_act_until_restored(
    world: World, add: Add, owner: Thing
) -> None:
    ana = add("Ana", "org_owner")
    gone = people.archive_person(store=world.acme, actor=owner, person=ana, now=now)
    assert people.archive_person(store=world.acme, actor=owner, person=gone, now=now) is gone
    with pytest.raises(PermissionRefused):
        people.access_of(world.acme, "ana")
    back = people.restore_person(store=world.acme, actor=owner, person=gone, now=now)
    assert people.restore_person(store=world.acme, actor=owner, person=back, now=now) is back
    assert people.access_of(world.acme, "ana").standings == {world.acme.scope.home: "org_owner"}
    told = [type for type, _ in events_of(world.acme, ana)]
    assert told == ["entity_created", "entity_archived", "entity_restored"]


# --- grants -------------------------------------------------------------------------------------


def test_a_grant_is_logged_once_and_lies_with_the_thing(
    world: World, add: Add, owner: Thing
) -> None:
    ana, talk = add("Ana"), add_thing(world.courses, "Talk")

    def grant(granted: bool) -> bool:
        return people.set_grant(
            store=world.courses, actor=owner, person=ana, thing=talk, granted=granted
        )

    assert [grant(g) for g in (False, True, True, False, False, True)] == [
        *(False, True, False, True, False, True)
    ]
    said = {"type": "video", "personId": ana.id}
    assert events_of(world.courses, talk) == [
        ("entity_granted", said),
        ("entity_revoked", said),
        ("entity_granted", said),
    ]
    (link,) = world.courses.connections.outgoing(ana.id, "purchased")
    assert link.group_id == world.courses.scope.home
    assert people.full_person(world.courses, ana)["purchases"][0]["slug"] == "talk"
    assert people.full_person(world.acme, ana)["purchases"] == []


def test_nothing_is_granted_across_groups(world: World, add: Add, owner: Thing) -> None:
    ben, talk = add("Ben", store=world.courses), add_thing(world.acme, "Talk")
    with pytest.raises(Conflict):
        people.set_grant(store=world.wide, actor=owner, person=ben, thing=talk, granted=True)


# --- purging ------------------------------------------------------------------------------------


def test_a_purge_leaves_no_word_and_keeps_progress(world: World, add: Add, owner: Thing) -> None:
    ana = add("Ana Quokka", properties={"email": "quokka@example.org", "bio": "quokka"})
    talk, course = add_thing(world.acme, "Talk"), add_thing(world.courses, "C", type="course")
    watched = {"ranges": [[0, 5.5]], "watchTime": 5.5, "note": "quokka", "more": {"x": "quokka"}}
    for store, target, type, metadata in (
        (world.acme, talk.id, "watched", watched),
        (world.acme, talk.id, "authored", {"role": "quokka"}),
        (world.acme, talk.id, "related_to", {"why": "quokka"}),
        (world.courses, course.id, "enrolled_in", {"progress": 0.5, "by": "quokka"}),
        (world.courses, course.id, "purchased", {"receipt": "quokka"}),
        (world.courses, world.courses.scope.home, "member_of", {"role": "org_user", "t": "quokka"}),
    ):
        group = store.scope.home
        store.connections.add(Connection(new_id(), group, ana.id, target, type, None, metadata))
    (bond,) = world.acme.connections.outgoing(ana.id, "related_to")
    world.acme.connections.remove(bond.id)
    people.purge_person(store=world.acme, actor=owner, person=ana)
    assert "quokka" not in json.dumps(world.dump("acme", "acme/courses"), default=str).lower()
    left = world.rows(
        "SELECT type, metadata FROM connections WHERE from_id = ? AND deleted_at IS NULL"
        " ORDER BY type",
        (ana.id,),
    )
    assert left == [
        ("authored", "{}"),
        ("enrolled_in", '{"progress":0.5}'),
        ("watched", '{"ranges":[[0,5.5]],"watchTime":5.5}'),
    ]
    with pytest.raises(NotFound):
        world.acme.people.resolve(ana.id)
    assert events_of(world.acme, ana)[-1] == ("entity_purged", {"type": "user"})


def test_a_purge_stays_in_the_groups_below(world: World, add: Add) -> None:
    """Also when another group has a person of the same id."""
    ana = add("Ana")
    add_thing(world.rival, "Twin", id=ana.id, type="user")
    world.rival.connections.add(
        Connection(
            new_id(),
            world.rival.scope.home,
            ana.id,
            world.rival.scope.home,
            "member_of",
            None,
            {"role": "org_owner"},
        )
    )
    before = world.dump("rival")
    world.acme.people.purge(ana.id)
    assert world.dump("rival") == before
