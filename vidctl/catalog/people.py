"""People: who acts, and with what standing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vidctl.catalog.policy import Access, standing
from vidctl.ids import derived_id
from vidctl.model.event import Event
from vidctl.model.thing import Thing

if TYPE_CHECKING:
    from vidctl.ports import Store

OWNER_SLUG = "owner"


def local_owner_id(group_id: str) -> str:
    """Return the id of a group's local owner, the same on every machine."""
    return derived_id(group_id, "person", "local-owner")


def local_owner(*, store: Store, now: Callable[[], int]) -> Thing:
    """Return the person who acts in the home group when nobody is named, made on first use."""
    owner_id = local_owner_id(store.scope.home)
    with store.transaction():
        found = store.things.find(owner_id)
        if found is not None:
            return found
        moment = now()
        owner = Thing(
            id=owner_id,
            group_id=store.scope.home,
            type="creator",
            slug=store.things.free_slug(OWNER_SLUG),
            name="Owner",
            status="active",
            created_at=moment,
            updated_at=moment,
        )
        store.things.add(owner)
        store.events.append(
            [
                Event(
                    "entity_created",
                    actor_id=owner.id,
                    target_id=owner.id,
                    metadata={"type": "creator"},
                )
            ]
        )
    return owner


def access_of(store: Store, reference: str) -> Access:
    """Return what a person may do in each group of the scope where they have a role.

    A local owner is an org_owner of their group and of those below. Raises NotFound for somebody
    who is neither of the scope nor of a group above it, PermissionRefused for an archived person.
    """
    person = store.people.resolve(reference)
    if person.status == "archived":
        raise Access(person.id, person.slug).refuse("act", "any more")
    roles = store.people.roles(person.id)
    for group_id in (*store.scope.group_ids, *store.scope.above):
        if person.id == local_owner_id(group_id):
            roles[group_id] = "org_owner"
    standings, parents = {}, store.people.parents()
    for group_id in store.scope.group_ids:
        chain = chain_of(group_id, parents)
        if any(group in roles for group in chain):
            standings[group_id] = standing(person.type, roles, chain)
    return Access(person.id, person.slug, standings)


def chain_of(group_id: str, parents: dict[str, str | None]) -> tuple[str, ...]:
    """Return a group and those it lies in, nearest first."""
    chain: list[str] = []
    following: str | None = group_id
    while following is not None and following not in chain:
        chain.append(following)
        following = parents.get(following)
    return tuple(chain)
