"""People, their roles, and what they may see, for front ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.catalog import people
from vidctl.errors import Conflict, UsageError, VidctlError
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.person import ROLES
from vidctl.model.thing import PEOPLE_TYPES, Thing, ThingQuery
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.group import Group

# What can be bought: a lesson comes with its course.
GRANTABLE = ("video", "podcast", "playlist", "course")
TRUST = "--as is trust, not authentication: whoever can run vidctl on this file can be anybody"


class People(Controller):
    """The people of a library."""

    def add(
        self,
        name: str,
        properties: dict[str, Any],
        *,
        type: str = "user",
        role: str = "org_user",
        slug: str = "",
    ) -> Outcome:
        """Add a person to the home group with a role there.

        Raises UsageError for a bad name or property, Conflict for a taken slug.
        """
        self.library.allow("manage people")
        self.library.writable()
        person = people.add_person(
            store=self.store,
            actor=self.actor,
            type=type,
            name=name,
            role=role,
            properties=properties,
            slug=slug,
            now=now,
        )
        return Outcome(people.person_record(self.store, person))

    def page(self, query: ThingQuery) -> Outcome:
        """Return one page of the people of the scope; ``query.types`` narrows their type."""
        self.library.allow("view people")
        asked = replace(query, types=query.types or PEOPLE_TYPES)
        if asked.role is not None:
            owners = map(people.local_owner_id, self.store.scope.group_ids)
            is_owners = people.checked_role(asked.role) == ROLES[0]
            asked = replace(asked, role_owners=tuple(owners) if is_owners else ())
        page = self.store.things.page(asked)
        items = [people.person_record(self.store, person) for person in page.items]
        notes = [] if items else ["no people found"]
        return Outcome({"items": items, "total": page.total, "next": page.next}, notes=notes)

    def show(self, reference: str) -> Outcome:
        """Return one person with their roles, purchases, and counts of what they did."""
        is_owner = reference == people.ME and self.library.access.owns_library
        person = self._acting() if is_owner else self.library.person(reference)
        data = people.full_person(self.store, person)
        paths = {group.id: group.path for group in self.library.database.groups().all()}
        for role in data["roles"]:
            role["group"] = paths[role["groupId"]]
        return Outcome(data)

    def edit(
        self,
        reference: str,
        changes: dict[str, Any],
        *,
        name: str | None = None,
        slug: str | None = None,
    ) -> Outcome:
        """Change a person; a property set to None is removed.

        The outcome notes when nothing changed. Raises UsageError when no change is given.
        """
        person = self._own(reference)
        self.library.allow("edit people", person, person=person.id)
        if slug not in (None, person.slug):
            # By their slug, roles and purchases are given to people.
            self.library.allow("manage people", person)
        if not changes and name is None and slug is None:
            raise UsageError("nothing to change was given", hint="vidctl people edit --help")
        self.library.writable([person])
        edited = people.edit_person(
            store=self.store,
            actor=self.actor,
            person=person,
            name=name,
            slug=slug,
            changes=changes,
            now=now,
        )
        notes = [f"nothing to change in {person.slug}"] if edited == person else []
        return Outcome(people.person_record(self.store, edited), notes=notes)

    def archive(self, references: Sequence[str]) -> Outcome:
        """Put people away: they can no longer act; ``restore`` brings them back."""
        return self._change(references, people.archive_person)

    def restore(self, references: Sequence[str]) -> Outcome:
        """Let archived people act again."""
        return self._change(references, people.restore_person)

    def purge(self, references: Sequence[str]) -> Outcome:
        """Remove everything that people said about themselves; nothing brings it back.

        Their ids stay, so that what they watched and did remains theirs.
        """

        def purge(*, person: Thing, **_: Any) -> Thing:
            people.purge_person(store=self.store, actor=self.actor, person=person)
            return person

        outcome = self._change(references, purge)
        for item in outcome.data["items"]:
            item["purged"] = True
        return outcome

    def _change(self, references: Sequence[str], act: Callable[..., Thing]) -> Outcome:
        chosen: dict[str, Thing] = {}
        errors: list[VidctlError] = []
        for reference in references:
            try:
                person = self._own(reference)
                self.library.allow("manage people", person, person=person.id)
            except VidctlError as error:
                error.item = reference
                errors.append(error)
            else:
                chosen[person.id] = person
        self.library.writable(chosen.values())

        def one(person: Thing) -> dict[str, Any]:
            before = people.person_record(self.store, person)
            done = act(store=self.store, actor=self.actor, person=person, now=now)
            return {**before, "status": done.status, "updatedAt": done.updated_at}

        return self.each(chosen.values(), errors, one)

    def _own(self, reference: str) -> Thing:
        """Return a person of the scope; those of groups above can be seen, not changed."""
        person = self.library.person(reference)
        if person.group_id not in self.store.scope.group_ids:
            raise Conflict(
                f"{person.slug} belongs to a group above this one",
                hint="name that group with -g",
            )
        return person

    def set_role(self, reference: str, role: str) -> Outcome:
        """Give a person a role in the home group, or take theirs away with ``none``.

        The outcome notes when nothing changed, and when a role from a group above is stronger.
        """
        person = self.library.person(reference)
        self.library.allow("manage people", person=person.id)
        self.library.writable()
        is_new = people.set_role(store=self.store, actor=self.actor, person=person, role=role)
        data = people.person_record(self.store, person)
        notes = [] if is_new else [f"nothing to change in {person.slug}"]
        has = data["role"] or people.NO_ROLE
        if has != role:
            notes.append(f"{person.slug} stays {has} here: a role from a group above is stronger")
        return Outcome(data, notes=notes)

    def grant(self, reference: str, things: Sequence[str]) -> Outcome:
        """Let a customer see things, with all that they contain, once those are published."""
        return self._grant(reference, things, granted=True)

    def revoke(self, reference: str, things: Sequence[str]) -> Outcome:
        """Take back what was granted; what else leads a person to a thing stays."""
        return self._grant(reference, things, granted=False)

    def _grant(self, reference: str, names: Sequence[str], *, granted: bool) -> Outcome:
        person = self.library.person(reference)
        things, errors = self.library.select(names, GRANTABLE)
        self.library.writable(things)
        notes: list[str] = []

        def one(thing: Thing) -> dict[str, Any]:
            if not self.library.may("manage people", thing):
                raise self.library.access.refuse("grant" if granted else "revoke", thing.slug)
            is_new = people.set_grant(
                store=self.store, actor=self.actor, person=person, thing=thing, granted=granted
            )
            if not is_new:
                said = "has" if granted else "does not have"
                notes.append(f"{person.slug} {said} {thing.slug}; nothing changed")
            elif granted and thing.status not in ("published", "active"):
                notes.append(f"{thing.slug} is not published, so customers do not see it")
            return {
                "person": person.slug,
                "personId": person.id,
                **{name: getattr(thing, name) for name in ("id", "type", "slug", "name", "status")},
                "granted": granted,
                "changed": is_new,
            }

        outcome = self.each(things, errors, one)
        outcome.notes += notes
        return outcome

    def members(self, group: str = "") -> Outcome:
        """Return who has a role in a group (the home group by default), and where it comes from.

        Raises NotFound for a group that the acting person may not see.
        """
        groups = self.library.database.groups()
        home = groups.subtree(self.library.home)[0]
        found = self.library.groups.resolve(group) if group else home
        self.library.allow_group("view people", found)
        paths = {one.id: one.path for one in groups.all()}
        rows = [
            {
                **{key: row[key] for key in ("id", "slug", "name", "type", "status", "role")},
                "roleGroup": paths[row["roleGroupId"]],
                "roleGroupId": row["roleGroupId"],
                "inherited": row["roleGroupId"] != found.id,
            }
            for row in people.members(self.library.store_of(found.id))
        ]
        outcome = listed(rows)
        outcome.notes = [] if rows else [f"nobody has a role in {found.path}"]
        return outcome

    def whoami(self) -> Outcome:
        """Return who acts, and their standing in each group of the scope; nothing is written."""
        access, scope = self.library.access, self.store.scope
        person = self._acting()
        listing = self.library.database.groups().all()
        groups: list[Group] = [group for group in listing if group.id in scope.group_ids]
        standings = {
            group.id: "org_owner" if access.owns_library else access.standings.get(group.id)
            for group in groups
        }
        data = {
            "id": person.id,
            "slug": person.slug,
            "name": person.name,
            "type": person.type,
            "status": person.status,
            "ownsLibrary": access.owns_library,
            "groupId": scope.home,
            "group": next(group.path for group in groups if group.id == scope.home),
            "standing": standings[scope.home] or "customer",
            "groups": [
                {"id": group.id, "path": group.path, "standing": standings[group.id]}
                for group in groups
                if standings[group.id] is not None
            ],
        }
        return Outcome(data, notes=[] if access.owns_library else [TRUST])

    def _acting(self) -> Thing:
        if not self.library.access.owns_library:
            return self.actor
        owner_id = people.local_owner_id(self.store.scope.home)
        return self.store.things.find(owner_id) or people.new_owner(self.store, now())
