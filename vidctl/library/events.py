"""The log of what happened, for front ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from vidctl.catalog.events import Names, records
from vidctl.errors import NotFound, PermissionRefused
from vidctl.ids import is_id
from vidctl.library.controller import Controller
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.event import EventQuery


class Events(Controller):
    """The append-only log.

    ``actor`` and ``target`` are what people type: somebody, an item, a group, or the full id of
    what is gone. Whoever may not view all events must ask for their own (``me``); else
    PermissionRefused is raised.
    """

    def page(self, query: EventQuery, *, actor: str = "", target: str = "") -> Outcome:
        """Return one page of events, newest first."""
        page = self.store.events.page(self._asked(query, actor, target))
        items = list(records(page.items, self._names))
        data = {"items": items, "total": page.total, "next": page.next}
        return Outcome(data, notes=[] if items else ["no events found"])

    def show(self, reference: str) -> Outcome:
        """Return one event by its id, or the beginning of it.

        Raises NotFound, also for an event that the acting person may not view.
        """
        only = None if self.library.may("view events") else self.library.access.person_id
        event = self.store.events.find(reference, actor=only)
        return Outcome(next(records([event], self._names)))

    def export(
        self, query: EventQuery, *, actor: str = "", target: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Return all events that fit, oldest first; they are read as they are taken."""
        events = self.store.events.each(self._asked(query, actor, target))
        return records(events, self._names)

    def follow(
        self, query: EventQuery, *, actor: str = "", target: str = "", wait: Callable[[], bool]
    ) -> Iterator[dict[str, Any]]:
        """Return the last ``limit`` events and then those that are written, by whatever process.

        They come in the order of writing. ``wait`` is called between two looks and ends it all by
        returning False.
        """
        return self._followed(self._asked(query, actor, target), wait)

    def _followed(self, asked: EventQuery, wait: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        place: int | None = None
        while True:
            events, place = self.store.events.after(place, asked)
            yield from records(events, Names(self.store, self._paths, self._sees))
            if not wait():
                return

    def record(self, lines: Iterable[bytes]) -> Outcome:
        """Log the events of lines of JSON; a bad line is an error, the rest is stored."""
        from vidctl.library.intake import take_in

        self.library.writable()
        return take_in(self.library, lines, form="event")

    def _asked(self, query: EventQuery, actor: str, target: str) -> EventQuery:
        actor_id = self._actor_id(actor) if actor else query.actor
        try:
            self.library.allow("view events", person=actor_id or "")
        except PermissionRefused as error:
            error.hint = "ask for your own: --actor me"
            raise
        target_id = self._target_id(target) if target else query.target
        return replace(query, actor=actor_id, target=target_id)

    def _actor_id(self, reference: str) -> str:
        try:
            return self.library.person_id(reference)
        except NotFound:
            if is_id(reference):
                return reference
            raise

    def _target_id(self, reference: str) -> str:
        with suppress(NotFound):
            return self.store.things.resolve(reference).id
        with suppress(NotFound):
            return self.library.person_id(reference)
        with suppress(NotFound):
            return self.library.groups.resolve(reference).id
        if is_id(reference):
            return reference
        raise NotFound(f"nothing here is called {reference!r}", hint="vidctl events list")

    @cached_property
    def _names(self) -> Names:
        return Names(self.store, self._paths, self._sees)

    @property
    def _paths(self) -> dict[str, str]:
        if not self.library.may("view groups"):
            return {}
        return {group.id: group.path for group in self.library.groups.all()}

    def _sees(self, person_id: str) -> bool:
        return self.library.may("view people", person=person_id)
