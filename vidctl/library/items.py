"""Videos and podcast episodes, for front ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.catalog import editing, items, where
from vidctl.catalog.editing import Change, Edit, Marks
from vidctl.errors import Ambiguous, UsageError, VidctlError
from vidctl.journey.letting_go import let_go
from vidctl.library.controller import Controller, listed
from vidctl.library.core import BATCH, now
from vidctl.model.thing import ThingQuery
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.media import MediaRow
    from vidctl.model.thing import Thing

NO_MARKS = Marks()
STALE = "its text changed; vidctl process brings semantic search up to date"


class Items(Controller):
    """Items of one type (``video`` or ``podcast``)."""

    def __init__(self, library: Library, type: str) -> None:
        super().__init__(library)
        self.type = type

    def add(
        self,
        name: str,
        properties: dict[str, Any],
        *,
        slug: str = "",
        publish: bool = False,
    ) -> Outcome:
        """Add an item that has no file here.

        Raises UsageError for a bad name or property, Conflict for a taken slug.
        """
        self.library.allow("add")
        self.library.writable()
        thing = items.add_item(
            store=self.store,
            actor=self.actor,
            type=self.type,
            name=name,
            properties=properties,
            slug=slug,
            status="published" if publish else "draft",
            now=now,
        )
        return Outcome(items.record(thing), notes=self._alike(thing))

    def _alike(self, thing: Thing) -> list[str]:
        video = thing.properties.get("youtubeId")
        if video is None:
            return []
        try:
            self.library.resolve(f"yt:{video}", ())
        except Ambiguous:
            return [f"yt:{video} is on other items as well; nothing was merged"]
        return []

    def edit(
        self,
        reference: str,
        changes: dict[str, Any],
        *,
        name: str | None = None,
        slug: str | None = None,
        marks: Marks = NO_MARKS,
    ) -> Outcome:
        """Change an item; a property set to None is removed.

        ``changed`` of the data names what did. Raises UsageError when no change is given.
        """
        thing = self.library.resolve(reference, (self.type,))
        self.library.allow("edit", thing)
        edits, notes = self._edit([thing], Change(changes, marks, name, slug))
        return Outcome(edits[0].record(), notes=notes)

    def edit_each(self, references: Sequence[str], change: Change) -> Outcome:
        """Change several items in one transaction; the data lists those that did change.

        Those that are not found, or not to be edited, are errors. Raises UsageError for a property
        that only one item can have, and then changes none.
        """
        things, errors = self.library.select(references, (self.type,), action="edit")
        if errors and not things:
            raise errors[0]
        outcome = self._edited(*self._edit(things, change))
        outcome.errors += errors
        return outcome

    def edit_where(self, expressions: Sequence[str], change: Change) -> Outcome:
        """Change the items that fit every expression, such as ``tag=birds``, in one transaction.

        Items that the acting person may not edit are left alone, and a note says how many. Raises
        UsageError for a bad expression, or a property that only one item can have.
        """
        with self.store.transaction():
            found = list(self._matching(expressions))
            things = [thing for thing in found if self.library.may("edit", thing)]
            outcome = self._edited(*self._edit(things, change))
        if len(things) < len(found):
            outcome.notes.append(f"{len(found) - len(things)} more are not yours to edit")
        return outcome

    def _edit(self, things: Sequence[Thing], change: Change) -> tuple[list[Edit], list[str]]:
        if not change:
            raise UsageError("nothing to change was given", hint=f"vidctl {self.type}s edit --help")
        if len(things) > 1 and change.for_one:
            raise UsageError(f"one {change.for_one[0]} cannot be for {len(things)} {self.type}s")
        self.library.writable(things)
        with self.store.transaction():
            edits = [
                editing.edit(
                    store=self.store, actor=self.actor, thing=thing, change=change, now=now
                )
                for thing in things
            ]
            stale = sum(self._reindex(edit.thing) for edit in edits if edit.changed)
        return edits, [STALE] if stale else []

    def _edited(self, edits: Sequence[Edit], notes: list[str]) -> Outcome:
        outcome = listed([edit.record() for edit in edits if edit.changed], notes=notes)
        outcome.data["matched"] = len(edits)
        if not edits:
            outcome.notes.append(f"no {self.type}s found")
        return outcome

    def _matching(self, expressions: Sequence[str]) -> Iterator[Thing]:
        query = self._narrowed(ThingQuery((self.type,), descending=False, limit=BATCH), expressions)
        while True:
            page = self.store.things.page(query)
            yield from page.items
            if page.next is None:
                return
            query = replace(query, cursor=page.next)

    def _narrowed(self, query: ThingQuery, expressions: Sequence[str]) -> ThingQuery:
        """Return a query with conditions; its own status counts more than theirs."""
        asked = where.parse(expressions)
        conditions = tuple(
            replace(each, value=self.library.person_id(str(each.value)))
            if each.key == "author"
            else each
            for each in asked.conditions
        )
        return replace(query, where=conditions, status=query.status or asked.status)

    def _reindex(self, thing: Thing) -> bool:
        """Bring an item's chunks up to date; True when that leaves some without a vector."""
        from vidctl.journey import index
        from vidctl.progress import Silent

        chunking = self.library.chunking()
        if not self.store.knowledge.chunks(thing.id):
            return False
        if index.is_fresh(thing, store=self.store, identity=None, **chunking):
            return False
        index.index(thing, store=self.store, embedder=None, report=Silent(), **chunking)
        return True

    def page(
        self,
        query: ThingQuery,
        *,
        author: str = "",
        expressions: Sequence[str] = (),
        with_transcripts: bool = False,
    ) -> Outcome:
        """Return one page of items, all of them when the query names nothing else.

        ``author`` is a person as people call them; ``expressions`` are such as ``tag=birds``.
        """
        asked = self._narrowed(replace(query, types=(self.type,)), expressions)
        if author:
            asked = replace(asked, author=self.library.person_id(author))
        data = items.listing(self.store, asked, with_transcripts=with_transcripts)
        notes = [] if data["items"] else [f"no {self.type}s found"]
        return Outcome(data, notes=notes)

    def show(self, reference: str) -> Outcome:
        """Return one item with everything derived."""
        thing = self.library.resolve(reference, (self.type,))
        return Outcome(items.full_record(self.store, thing))

    def publish(self, references: Sequence[str], *, at: int | None = None) -> Outcome:
        """Publish items, dated ``at`` (epoch milliseconds) or now."""

        def act(thing: Thing) -> Thing:
            return items.publish_item(
                store=self.store, actor=self.actor, thing=thing, at=at, now=now
            )

        return self._change(references, act)

    def archive(self, references: Sequence[str]) -> Outcome:
        """Put items away; ``restore`` brings them back."""
        return self._change(
            references,
            lambda thing: items.archive_item(
                store=self.store, actor=self.actor, thing=thing, now=now
            ),
        )

    def restore(self, references: Sequence[str]) -> Outcome:
        """Bring archived items back."""
        return self._change(
            references,
            lambda thing: items.restore_item(
                store=self.store, actor=self.actor, thing=thing, now=now
            ),
        )

    def _change(self, references: Sequence[str], act: Any) -> Outcome:
        things, errors = self.library.select(references, (self.type,))
        self.library.writable(things)

        def one(thing: Thing) -> dict[str, Any]:
            self.library.allow("edit", thing)
            return items.record(act(thing))

        return self.each(things, errors, one)

    def _purged(self, thing: Thing) -> list[MediaRow]:
        """Purge an item; the courses it was part of go on without it."""
        from vidctl.catalog import enrolment

        weight = self.library.config.text("courses.weight")
        with self.store.transaction():
            courses = self.store.courses.containing([thing.id])
            gone = items.purge_item(store=self.store, actor=self.actor, thing=thing)
            for course_id in courses:
                enrolment.update(store=self.store, course_id=course_id, now=now, weight=weight)
        return gone

    def _removed(self, slug: str, gone: Sequence[MediaRow]) -> list[VidctlError]:
        """Remove an item's bytes; what a host keeps is told, for no row names it any more."""
        left: list[VidctlError] = []
        for row in gone:
            try:
                let_go(self.library.hosts.named(row.host), row, store=self.store)
            except VidctlError as error:
                said = f"{row.locator} is still on {row.host}, remove it there: {error.message}"
                left.append(VidctlError(said, hint=f"vidctl hosts check {row.host}", item=slug))
        return left

    def purge(self, references: Sequence[str], *, rehearse: bool = False) -> Outcome:
        """Remove items for good, with their media and transcripts; nothing brings them back.

        Bytes that a host would not remove are errors of the outcome; the item is gone then too.
        """
        things, errors = self.library.select(references, (self.type,))
        self.library.writable(things)
        for thing in things:
            self.library.allow("purge", thing)
        records = []
        for thing in things:
            if not rehearse:
                errors += self._removed(thing.slug, self._purged(thing))
            records.append({**items.record(thing), "purged": not rehearse})
        if errors and not records:
            raise errors[0]
        return listed(records, errors=errors)
