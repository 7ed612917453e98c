"""What references in lines mean and what is allowed, looked up once for each text."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple

from vidctl.catalog.watching import WATCHABLE, length_of, watched_item
from vidctl.errors import Conflict, VidctlError
from vidctl.model.watching import ACTIONS, COMPLETED

if TYPE_CHECKING:
    from vidctl.library.core import Library

MOST_REMEMBERED = 200_000


class Place(NamedTuple):
    """A thing that a reference means: its id, its group, and its length in milliseconds."""

    id: str
    group_id: str
    length: int


class Known:
    """What references mean and what is allowed, looked up once for each text.

    ``lengths`` are those of the items met so far.
    """

    def __init__(self, library: Library, person: str, action: str) -> None:
        self.library = library
        self.person = person
        self.action = action or "record progress"
        self.lengths: dict[str, int] = {}
        self._since = time.monotonic()
        self._forget()

    def _forget(self) -> None:
        self.items: dict[tuple[str, str], Place | VidctlError] = {}
        self.people: dict[str | None, str | VidctlError] = {}
        self.allowed: set[tuple[str, str]] = set()
        self.lengths.clear()
        self._archived = self.library.archived_groups()

    def refresh(self, seconds: float) -> None:
        """Forget everything when it is older than some seconds, or too much."""
        held = len(self.items) + len(self.people) + len(self.allowed)
        if held > MOST_REMEMBERED or time.monotonic() - self._since > seconds:
            self._since = time.monotonic()
            self._forget()

    def person_id(self, reference: str | None) -> str:
        """Return the id of a person. Raises NotFound for one whom the acting person cannot see."""
        found = self.people.get(reference)
        if found is None:
            try:
                found = self.library.person(self.person if reference is None else reference).id
            except VidctlError as error:
                found = error
            self.people[reference] = found
        if isinstance(found, VidctlError):
            raise _anew(found)
        return found

    def item(self, reference: str, action: str) -> Place:
        """Return what an action is about. Raises NotFound, Ambiguous, or Conflict."""
        found = self.items.get((action, reference))
        if found is None:
            try:
                found = self._item(reference, action)
            except VidctlError as error:
                found = error
            self.items[action, reference] = found
        if isinstance(found, VidctlError):
            raise _anew(found)
        return found

    def _item(self, reference: str, action: str) -> Place:
        types = WATCHABLE if action in ACTIONS else ()
        thing = self.library.resolve(reference, types)
        if action in ACTIONS and action != COMPLETED:
            thing = watched_item(self.library.store, thing)
        if thing.group_id in self._archived:
            raise Conflict(f"the group {self._archived[thing.group_id]} is archived")
        whole = length_of(thing)
        if action in ACTIONS:
            self.lengths[thing.id] = whole
        return Place(thing.id, thing.group_id, whole)

    def allow(self, person_id: str, group_id: str, reference: str = "") -> None:
        """Raise PermissionRefused when the person may not record this for somebody in a group."""
        if (person_id, group_id) in self.allowed:
            return
        thing = self.library.resolve(reference, ()) if reference else None
        self.library.allow(self.action, thing, person=person_id)
        self.allowed.add((person_id, group_id))


def _anew(error: VidctlError) -> VidctlError:
    """Return an error to raise instead of a remembered one, whose traceback would only grow."""
    return type(error)(error.message, hint=error.hint)
