"""Numbers about watching and searching, for front ends; nothing here writes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from vidctl.catalog import analytics, audience, retention
from vidctl.errors import NotFound
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.analytics import Question
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.thing import Thing

ACTION = "view analytics"
CURVE = 40


class Analytics(Controller):
    """What was watched, by whom, how far, and what people searched for.

    ``since`` and ``until`` are epoch milliseconds, taken as whole days of UTC; ``by`` is day, week
    or month; ``device`` is a kind of device.
    """

    def summary(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        by: str = "",
        device: str | None = None,
    ) -> Outcome:
        """Return what was watched in the scope, and how that compares with the time before."""
        self.library.allow(ACTION)
        asked = Question(since, until, by, device)
        data = analytics.summary(store=self.store, asked=asked, now=now())
        return Outcome(data, notes=_nothing(data))

    def popular(
        self,
        *,
        sort: str = "views",
        limit: int = 20,
        since: int | None = None,
        until: int | None = None,
        device: str | None = None,
    ) -> Outcome:
        """Return the items that stand first by views, watch-time or viewers."""
        self.library.allow(ACTION)
        asked = Question(since, until, "", device)
        rows = analytics.popular(store=self.store, asked=asked, sort=sort, limit=limit, now=now())
        outcome = listed(rows)
        outcome.notes = [] if rows else ["nothing was watched"]
        return outcome

    def video(
        self,
        reference: str,
        *,
        since: int | None = None,
        until: int | None = None,
        by: str = "",
        device: str | None = None,
    ) -> Outcome:
        """Return what was watched of a video, podcast episode or lesson, and which parts of it."""
        thing = self._item(reference)
        asked = Question(since, until, by, device)
        data = audience.item(store=self.store, thing=thing, asked=asked, now=now())
        parts = retention.retention(
            store=self.store, thing=thing, asked=asked, buckets=CURVE, now=now()
        )
        data["retention"] = [part["share"] for part in parts["items"]] if parts["viewings"] else []
        return Outcome(data, notes=_nothing(data))

    def retention(
        self,
        reference: str,
        *,
        buckets: int = retention.BUCKETS,
        with_text: bool = False,
        since: int | None = None,
        until: int | None = None,
        device: str | None = None,
    ) -> Outcome:
        """Return the share of viewings that include each part of an item, and where people leave.

        ``with_text`` adds what is being said there.
        """
        thing = self._item(reference)
        data = retention.retention(
            store=self.store,
            thing=thing,
            asked=Question(since, until, "", device),
            buckets=buckets,
            with_text=with_text,
            now=now(),
        )
        notes = [] if data["viewings"] else ["no viewing says which parts it covered"]
        return Outcome(data, notes=notes)

    def creator(
        self,
        reference: str = "",
        *,
        since: int | None = None,
        until: int | None = None,
        by: str = "",
        device: str | None = None,
        limit: int = 20,
    ) -> Outcome:
        """Return the sums over what a person is an author of; by default over one's own."""
        person = self._person(reference)
        self.library.allow(ACTION, person=person.id)
        data = audience.creator(
            store=self.store,
            person=person,
            asked=Question(since, until, by, device),
            limit=limit,
            now=now(),
        )
        return Outcome(data, notes=_nothing(data))

    def course(
        self, reference: str, *, since: int | None = None, until: int | None = None
    ) -> Outcome:
        """Return who takes a course, how many finished it, and how many finished each lesson."""
        thing = self.library.resolve(reference, ("course",))
        self.library.allow(ACTION, thing)
        asked = Question(since, until)
        data = audience.course(store=self.store, thing=thing, asked=asked, now=now())
        notes = [] if data["enrolled"] else [f"nobody is enrolled in {thing.slug}"]
        return Outcome(data, notes=notes)

    def searches(
        self,
        *,
        is_zero: bool = False,
        limit: int = 20,
        since: int | None = None,
        until: int | None = None,
    ) -> Outcome:
        """Return what people searched for most; with ``is_zero`` only what found nothing."""
        self.library.allow(ACTION)
        rows, total = analytics.searches(
            store=self.store, asked=Question(since, until), limit=limit, is_zero=is_zero, now=now()
        )
        notes = [] if rows else ["no searches found"]
        if total > len(rows) > 0:
            notes.append(f"{len(rows)} of {total}; more with --limit")
        return Outcome({"items": rows, "total": total, "next": None}, notes=notes)

    def export(
        self,
        *,
        by: str = "day",
        since: int | None = None,
        until: int | None = None,
        device: str | None = None,
    ) -> Iterator[dict[str, Any]]:
        """Yield flat rows, one for each bucket, item and kind of device, as they are read."""
        self.library.allow(ACTION)
        return analytics.cells(
            store=self.store, asked=Question(since, until, by, device), now=now()
        )

    def _item(self, reference: str) -> Thing:
        thing = self.library.resolve(reference, audience.WATCHABLE)
        self.library.allow(ACTION, thing)
        # A lesson of one's own does not open the figures of somebody else's video in it.
        for part_id in audience.parts_of(self.store, thing)[1:]:
            self.library.allow(ACTION, self.store.things.get(part_id))
        return thing

    def _person(self, reference: str) -> Thing:
        """Return the person that is meant; asking about oneself must not make the local owner."""
        from vidctl.catalog.people import ME, local_owner_id

        if reference not in ("", ME) or not self.library.access.owns_library:
            return self.library.person(reference or ME)
        owner = self.store.things.find(local_owner_id(self.library.home))
        if owner is None:
            raise NotFound("nobody has added anything yet", hint="vidctl upload FILE")
        return owner


def _nothing(data: dict[str, Any]) -> list[str]:
    return [] if data["views"] else ["nothing was watched"]
