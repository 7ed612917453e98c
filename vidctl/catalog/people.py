"""The person who acts."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from vidctl.ids import derived_id
from vidctl.model.event import Event
from vidctl.model.thing import PEOPLE_TYPES, Thing

if TYPE_CHECKING:
    from vidctl.ports import Store

OWNER_SLUG = "owner"


def acting_person(*, store: Store, reference: str, now: Callable[[], int]) -> Thing:
    """Return the person called ``reference``, or the group's local owner for an empty one.

    The local owner is made on first use; its id is derived from the group's, so the same group on
    two machines has the same owner. Raises NotFound for an unknown person.
    """
    if reference:
        return store.things.resolve(reference, PEOPLE_TYPES)
    owner_id = derived_id(store.scope.home, "person", "local-owner")
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
