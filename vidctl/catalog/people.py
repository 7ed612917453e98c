"""People: who acts and with what standing; adding, editing, roles, grants, removal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.catalog.items import checked_name, checked_slug, edit_item, record, save
from vidctl.catalog.policy import Access, role_in, standing
from vidctl.errors import Ambiguous, Conflict, NotFound, PermissionRefused, UsageError
from vidctl.ids import derived_id, new_id, slugify
from vidctl.model.connection import Connection
from vidctl.model.event import Event
from vidctl.model.person import ROLES
from vidctl.model.thing import PEOPLE_TYPES, Thing

if TYPE_CHECKING:
    from vidctl.ports import Store

Clock = Callable[[], int]
OWNER_SLUG = "owner"
# How a person calls themselves; nobody else can be called that.
ME = "me"
# The word for having no role.
NO_ROLE = "none"


def local_owner_id(group_id: str) -> str:
    """Return the id of a group's local owner, the same on every machine."""
    return derived_id(group_id, "person", "local-owner")


def is_local_owner(person: Thing) -> bool:
    """Tell whether a person stands for whoever works on the library file."""
    return person.id == local_owner_id(person.group_id)


def local_owner(*, store: Store, now: Clock) -> Thing:
    """Return the person who acts in the home group when nobody is named, made on first use."""
    owner_id = local_owner_id(store.scope.home)
    with store.transaction():
        found = store.things.find(owner_id)
        if found is not None:
            return found
        owner = new_owner(store, now())
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


def new_owner(store: Store, moment: int) -> Thing:
    """Return the local owner of the home group as they will be made on first use."""
    return Thing(
        id=local_owner_id(store.scope.home),
        group_id=store.scope.home,
        type="creator",
        slug=store.things.free_slug(OWNER_SLUG),
        name="Owner",
        status="active",
        created_at=moment,
        updated_at=moment,
    )


def access_of(store: Store, reference: str) -> Access:
    """Return what a person may do in each group of the scope where they have a role.

    A local owner is an org_owner of their group and of those below. Raises NotFound for somebody
    who is neither of the scope nor of a group above it, PermissionRefused for an archived person.
    """
    person = store.people.resolve(reference)
    if person.status == "archived":
        raise PermissionRefused(
            f"{person.slug} is archived and may not act",
            hint=f"vidctl people restore {person.slug}",
        )
    roles = roles_of(store, person)
    standings, parents = {}, store.people.parents()
    for group_id in store.scope.group_ids:
        chain = chain_of(group_id, parents)
        if role_in(roles, chain) is not None:
            standings[group_id] = standing(person.type, roles, chain)
    return Access(person.id, person.slug, standings)


def roles_of(store: Store, person: Thing) -> dict[str, str]:
    """Return the roles that a person has from a group itself, by group, in scope and above."""
    roles = store.people.roles(person.id)
    around = (*store.scope.group_ids, *store.scope.above)
    if is_local_owner(person) and person.group_id in around:
        roles[person.group_id] = ROLES[0]
    return roles


def chain_of(group_id: str, parents: dict[str, str | None]) -> tuple[str, ...]:
    """Return a group and those it lies in, nearest first."""
    chain: list[str] = []
    following: str | None = group_id
    while following is not None and following not in chain:
        chain.append(following)
        following = parents.get(following)
    return tuple(chain)


# --- adding and changing ------------------------------------------------------------------------


def add_person(
    *,
    store: Store,
    actor: Thing,
    type: str,
    name: str,
    role: str,
    properties: dict[str, Any],
    slug: str = "",
    now: Clock,
) -> Thing:
    """Add a person to the home group with their role there and an ``entity_created`` event.

    Raises UsageError for a bad name, type, role or property, Conflict for a slug that is taken.
    """
    from vidctl.model.properties import checked_properties

    if type not in PEOPLE_TYPES:
        raise UsageError(f"{type!r} is no type of person", hint=", ".join(PEOPLE_TYPES))
    name, role = checked_name(name, "name"), checked_role(role)
    properties = checked_properties(type, properties)
    moment = now()
    with store.transaction():
        wanted = name if slugify(name) != ME else f"{name} 2"
        person = Thing(
            id=new_id(),
            group_id=store.scope.home,
            type=type,
            slug=_checked_slug(store, slug) if slug else _free_slug(store, wanted),
            name=name,
            status="active",
            created_at=moment,
            updated_at=moment,
            properties=properties,
        )
        store.things.add(person)
        _link_role(store, person, role)
        metadata = {"type": type, "role": role}
        store.events.append(
            [Event("entity_created", actor_id=actor.id, target_id=person.id, metadata=metadata)]
        )
    return person


def checked_role(role: str) -> str:
    """Return a role. Raises UsageError with the list for anything else."""
    if role not in ROLES:
        raise UsageError(f"{role!r} is no role", hint=", ".join(ROLES))
    return role


def _checked_slug(store: Store, slug: str) -> str:
    if slug == ME:
        raise UsageError(f"{ME!r} always means the person who acts", hint="choose another slug")
    if _is_taken(store, slug):
        raise Conflict(f"somebody here is already called {slug!r}", hint="choose another slug")
    return checked_slug(store, slug)


def _free_slug(store: Store, name: str) -> str:
    slug, number = store.things.free_slug(name), 2
    while _is_taken(store, slug):
        slug, number = store.things.free_slug(f"{name} {number}"), number + 1
    return slug


def _is_taken(store: Store, slug: str) -> bool:
    """Tell whether somebody of the scope or above it has a slug: nobody may stand in for another.

    People below call those above by the same names as those above do.
    """
    try:
        return store.people.resolve(slug).slug == slug
    except NotFound:
        return False
    except Ambiguous:
        return True


def edit_person(
    *,
    store: Store,
    actor: Thing,
    person: Thing,
    name: str | None = None,
    slug: str | None = None,
    changes: dict[str, Any],
    now: Clock,
) -> Thing:
    """Change a person's name, slug or properties; a property set to None is removed."""
    if slug not in (None, person.slug):
        _checked_slug(store, slug or "")
    return edit_item(
        store=store,
        actor=actor,
        thing=person,
        name=None if name is None else checked_name(name, "name"),
        slug=slug,
        changes=changes,
        now=now,
    )


def archive_person(*, store: Store, actor: Thing, person: Thing, now: Clock) -> Thing:
    """Put a person away: they can no longer act. Raises Conflict for the local owner."""
    refuse_owner(person, "removed")
    if person.status == "archived":
        return person
    return save(store, actor, replace(person, status="archived"), now, "entity_archived")


def restore_person(*, store: Store, actor: Thing, person: Thing, now: Clock) -> Thing:
    """Let an archived person act again, with the role they had."""
    if person.status != "archived":
        return person
    return save(store, actor, replace(person, status="active"), now, "entity_restored")


def purge_person(*, store: Store, actor: Thing, person: Thing) -> None:
    """Remove a person's name, slug and properties for good; their id and progress stay.

    Raises Conflict for the local owner.
    """
    refuse_owner(person, "removed")
    with store.transaction():
        store.people.purge(person.id)
        metadata = {"type": person.type}
        store.events.append(
            [Event("entity_purged", actor_id=actor.id, target_id=person.id, metadata=metadata)]
        )


def refuse_owner(person: Thing, what: str) -> None:
    """Raise Conflict when a person is the local owner, without whom nobody could act."""
    if is_local_owner(person):
        raise Conflict(f"{person.slug} owns the library file and cannot be {what}")


# --- roles and grants ---------------------------------------------------------------------------


def _link_role(store: Store, person: Thing, role: str) -> None:
    home = store.scope.home
    store.connections.add(
        Connection(new_id(), home, person.id, home, "member_of", metadata={"role": role})
    )


def set_role(*, store: Store, actor: Thing, person: Thing, role: str) -> bool:
    """Give a person a role in the home group, or take it with ``none``; False when it is theirs.

    Raises UsageError for an unknown role, Conflict when the local owner would be demoted or the
    person belongs to a group below, where a role from here would not reach them.
    """
    wanted = None if role == NO_ROLE else checked_role(role)
    home = store.scope.home
    if person.group_id not in (home, *store.scope.above):
        raise Conflict(
            f"{person.slug} belongs to a group below this one", hint="name that group with -g"
        )
    if is_local_owner(person):
        if wanted != ROLES[0]:
            refuse_owner(person, "demoted")
        return False
    with store.transaction():
        held = store.connections.find(person.id, "member_of", home)
        was = None if held is None else held.metadata.get("role")
        if was == wanted:
            return False
        if wanted is not None:
            _link_role(store, person, wanted)
        elif held is not None:
            store.connections.remove(held.id)
        metadata = {"changed": ["role"], "role": wanted, "was": was}
        store.events.append(
            [Event("entity_updated", actor_id=actor.id, target_id=person.id, metadata=metadata)]
        )
    return True


def set_grant(*, store: Store, actor: Thing, person: Thing, thing: Thing, granted: bool) -> bool:
    """Let a customer see a thing, or no longer; False when it was so already.

    The link is in the group of the thing. Raises Conflict for a person who is neither of that
    group nor of one above it.
    """
    if person.group_id not in chain_of(thing.group_id, store.people.parents()):
        raise Conflict(f"{person.slug} belongs to another group than {thing.slug}")
    with store.transaction():
        held = store.connections.find(person.id, "purchased", thing.id)
        if (held is not None) == granted:
            return False
        if held is None:
            store.connections.add(
                Connection(new_id(), thing.group_id, person.id, thing.id, "purchased")
            )
        else:
            store.connections.remove(held.id)
        type = "entity_granted" if granted else "entity_revoked"
        metadata = {"type": thing.type, "personId": person.id}
        store.events.append([Event(type, actor_id=actor.id, target_id=thing.id, metadata=metadata)])
    return True


# --- how people look ----------------------------------------------------------------------------


def person_record(store: Store, person: Thing) -> dict[str, Any]:
    """Return a person as they appear in JSON, with the strongest role in their own group.

    For a person of a group above, the role is the one in the home group.
    """
    is_inside = person.group_id in store.scope.group_ids
    group_id = person.group_id if is_inside else store.scope.home
    chain = chain_of(group_id, store.people.parents())
    return {**record(person), "role": role_in(roles_of(store, person), chain)}


def full_person(store: Store, person: Thing) -> dict[str, Any]:
    """Return a person with roles by group, what they bought, and counts of what they did.

    Only what is of the scope and in sight counts.
    """
    bought = [
        {"id": thing.id, "type": thing.type, "slug": thing.slug, "name": thing.name}
        for link in store.connections.outgoing(person.id, "purchased")
        if (thing := store.things.find(link.to_id)) is not None
    ]
    counts = store.people.counts(person.id)
    roles = [{"groupId": group, "role": role} for group, role in roles_of(store, person).items()]
    return {
        **person_record(store, person),
        "roles": sorted(roles, key=lambda role: role["groupId"]),
        "purchases": bought,
        "enrolments": counts.get("enrolled_in", 0),
        "authored": counts.get("authored", 0),
    }


def members(store: Store) -> list[dict[str, Any]]:
    """Return everybody with a role in the home group, by name, each with the strongest one.

    ``roleGroupId`` is the group the role was given in. The group's own local owner counts as
    org_owner where their row exists; those of the groups above are not told of.
    """
    chain = chain_of(store.scope.home, store.people.parents())
    people: dict[str, Thing] = {}
    roles: dict[str, dict[str, str]] = {}
    for member in store.people.members():
        people[member.person.id] = member.person
        roles.setdefault(member.person.id, {})[member.group_id] = member.role
    for owner in store.people.known([local_owner_id(store.scope.home)]).values():
        people[owner.id] = owner
        roles.setdefault(owner.id, {})[owner.group_id] = ROLES[0]
    found = []
    for person in sorted(people.values(), key=lambda one: (one.name.casefold(), one.id)):
        given = roles[person.id]
        role = role_in(given, chain)
        if role is not None:
            source = next(group for group in chain if given.get(group) == role)
            found.append({**record(person), "role": role, "roleGroupId": source})
    return found
