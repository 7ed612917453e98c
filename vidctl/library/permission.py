"""What the acting person may do: the part of a library that asks the policy."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from vidctl.errors import NotFound
from vidctl.model.scope import Scope

if TYPE_CHECKING:
    from vidctl.catalog.policy import Access
    from vidctl.model.group import Group
    from vidctl.model.thing import Thing
    from vidctl.ports import Store
    from vidctl.store.sqlite import SqliteLibrary


class Permissions:
    """The part of a library that says yes or no, and finds people."""

    access: Access
    database: SqliteLibrary
    scope: Scope
    store: Store

    @property
    def home(self) -> str:
        """The id of the group that new rows belong to."""
        return self.scope.home

    @cached_property
    def actor(self) -> Thing:
        """The person who acts: ``--as``, the setting ``person``, or the local owner."""
        from vidctl.catalog.people import local_owner
        from vidctl.library.core import now

        if self.access.owns_library:
            return local_owner(store=self.store, now=now)
        return self.store.people.known([self.access.person_id])[self.access.person_id]

    def may(self, action: str, thing: Thing | None = None, *, person: str = "") -> bool:
        """Tell whether the acting person may do ``action`` to a thing, or to what is ``person``'s.

        Without either, whether they may do it to anything in the home group.
        """
        group_id = thing.group_id if thing is not None else self.home
        granted = self.access.grants(action, group_id)
        if "all" in granted:
            return True
        if "self" in granted and person == self.access.person_id:
            return True
        return "own" in granted and thing is not None and self._wrote(thing)

    def allow(self, action: str, thing: Thing | None = None, *, person: str = "") -> None:
        """Raise PermissionRefused where ``may`` says no."""
        if not self.may(action, thing, person=person):
            raise self.access.refuse(action, "" if thing is None else thing.slug)

    def allow_group(self, action: str, group: Group | None) -> None:
        """Raise PermissionRefused where the person may not do ``action`` to a group.

        None stands for the top of the library, which belongs to whoever owns the file.
        """
        if group is None and not self.access.owns_library:
            raise self.access.refuse(action)
        if group is not None and "all" not in self._access_in(group.id).grants(action, group.id):
            raise self.access.refuse(action)

    def allow_everywhere(self, action: str) -> None:
        """Raise PermissionRefused where the person may not do ``action`` to the whole library."""
        for group in self.database.groups().all():
            if group.parent_id is None:
                self.allow_group(action, group)

    def _access_in(self, group_id: str) -> Access:
        """Return what the person may do in a group, also in one outside of the scope."""
        if self.access.owns_library or group_id in self.scope.group_ids:
            return self.access
        from vidctl.catalog.people import access_of

        try:
            return access_of(self.store_of(group_id), self.access.person_id)
        except NotFound:
            return replace(self.access, standings={})

    def store_of(self, group_id: str) -> Store:
        """Return the store of one group with the people of those above, as its owner sees it."""
        above = self.database.groups().ancestors(group_id)
        return self.database.open(Scope(group_id, (group_id,), above=above))

    def _wrote(self, thing: Thing) -> bool:
        links = self.store.connections
        me = self.access.person_id
        if links.find(me, "authored", thing.id) is not None:
            return True
        # A lesson belongs to whoever wrote its course.
        return thing.type == "lesson" and any(
            links.find(me, "authored", link.from_id)
            for link in links.incoming(thing.id, "contains")
        )

    def person(self, reference: str) -> Thing:
        """Return the person that is meant, ``me`` being the one who acts.

        Raises NotFound for somebody whom the acting person may not see.
        """
        from vidctl.catalog.people import ME

        if reference == ME:
            return self.actor
        found = self.store.people.resolve(reference)
        inside = found if found.group_id in self.scope.group_ids else None
        if not self.may("view people", inside, person=found.id):
            raise NotFound(f"no person here is called {reference!r}", hint="vidctl people list")
        return found

    def person_id(self, reference: str) -> str:
        """Return the id of the person that is meant; nobody is made for it.

        Raises NotFound for somebody whom the acting person may not see.
        """
        from vidctl.catalog.people import ME, local_owner_id

        if reference == ME and self.access.owns_library:
            return local_owner_id(self.home)
        return self.person(reference).id
