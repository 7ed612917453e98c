"""Videos and podcast episodes, for front ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.catalog import items
from vidctl.errors import Ambiguous, UsageError
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.thing import ThingQuery
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.thing import Thing


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
    ) -> Outcome:
        """Change an item; a property set to None is removed.

        The outcome notes when nothing changed. Raises UsageError when no change is given.
        """
        thing = self.library.resolve(reference, (self.type,))
        self.library.allow("edit", thing)
        if not changes and name is None and slug is None:
            raise UsageError("nothing to change was given", hint=f"vidctl {self.type}s edit --help")
        self.library.writable([thing])
        edited = items.edit_item(
            store=self.store,
            actor=self.actor,
            thing=thing,
            name=name,
            slug=slug,
            changes=changes,
            now=now,
        )
        is_same = edited == thing
        notes = [f"nothing to change in {thing.slug}"] if is_same else self._reindex(edited)
        return Outcome(items.record(edited), notes=notes)

    def _reindex(self, thing: Thing) -> list[str]:
        from vidctl.journey import index
        from vidctl.progress import Silent

        chunking = self.library.chunking()
        if not self.store.knowledge.chunks(thing.id):
            return []
        if index.is_fresh(thing, store=self.store, identity=None, **chunking):
            return []
        index.index(thing, store=self.store, embedder=None, report=Silent(), **chunking)
        return ["its text changed; vidctl process brings semantic search up to date"]

    def page(
        self, query: ThingQuery, *, author: str = "", with_transcripts: bool = False
    ) -> Outcome:
        """Return one page of items, all of them when the query names nothing else.

        ``author`` is a person as people call them.
        """
        asked = replace(query, types=(self.type,))
        if author:
            asked = replace(asked, author=self.library.person(author).id)
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

    def purge(self, references: Sequence[str], *, rehearse: bool = False) -> Outcome:
        """Remove items for good, with their media and transcripts; nothing brings them back."""
        things, errors = self.library.select(references, (self.type,))
        self.library.writable(things)
        for thing in things:
            self.library.allow("purge", thing)
        records = []
        for thing in things:
            if not rehearse:
                gone = items.purge_item(store=self.store, actor=self.actor, thing=thing)
                for _, locator in gone:
                    self.library.host.remove(locator)
            records.append({**items.record(thing), "purged": not rehearse})
        if errors and not records:
            raise errors[0]
        return listed(records, errors=errors)
