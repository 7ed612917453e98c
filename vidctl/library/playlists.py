"""Playlists, for front ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from vidctl.catalog import items, playlists
from vidctl.errors import UsageError, VidctlError
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.condition import Condition
from vidctl.model.place import Place
from vidctl.model.thing import Thing, ThingQuery
from vidctl.outcome import Outcome

TYPES = ("playlist",)


class Playlists(Controller):
    """Playlists of videos, podcast episodes or courses, in an order of their own."""

    def add(
        self,
        name: str,
        properties: dict[str, Any] | None = None,
        *,
        slug: str = "",
        with_items: Sequence[str] = (),
    ) -> Outcome:
        """Add a playlist, with items if some are named; all of it or nothing.

        ``properties`` may say a ``playlistType``, ``video`` by default. Raises UsageError for a
        bad name or property, Conflict for a taken slug or an item of another type.
        """
        self.library.allow("add")
        self.library.writable()
        given = {"playlistType": "video", **(properties or {})}
        with self.store.transaction():
            playlist = items.add_item(
                store=self.store,
                actor=self.actor,
                type="playlist",
                name=name,
                properties=given,
                slug=slug,
                status="active",
                now=now,
            )
            things = [playlists.find_item(self.store, playlist, each) for each in with_items]
            if things:
                playlists.add_items(
                    store=self.store,
                    actor=self.actor,
                    playlist=playlist,
                    things=things,
                    place=Place(),
                )
        return Outcome(playlists.record(self.store, playlist))

    def edit(
        self,
        reference: str,
        changes: dict[str, Any],
        *,
        name: str | None = None,
        slug: str | None = None,
    ) -> Outcome:
        """Change a playlist; a property set to None is removed.

        The outcome notes when nothing changed. Raises UsageError when no change is given,
        Conflict for a ``playlistType`` that its items are not of.
        """
        playlist = self._resolve(reference)
        self.library.allow("edit", playlist)
        if not changes and name is None and slug is None:
            raise UsageError("nothing to change was given", hint="vidctl playlists edit --help")
        self.library.writable([playlist])
        edited = playlists.edit(
            store=self.store,
            actor=self.actor,
            playlist=playlist,
            name=name,
            slug=slug,
            changes=changes,
            now=now,
        )
        notes = [f"nothing to change in {playlist.slug}"] if edited == playlist else []
        return Outcome(playlists.record(self.store, edited), notes=notes)

    def page(self, query: ThingQuery | None = None, *, author: str = "", type: str = "") -> Outcome:
        """Return one page of playlists, each with its ``itemCount``.

        ``author`` is a person as people call them, ``type`` a ``playlistType``.
        """
        asked = replace(query or ThingQuery(TYPES), types=TYPES)
        if author:
            asked = replace(asked, author=self.library.person_id(author))
        if type:
            asked = replace(asked, where=(*asked.where, Condition("playlistType", "=", type)))
        data = playlists.listing(self.store, asked)
        return Outcome(data, notes=[] if data["items"] else ["no playlists found"])

    def show(self, reference: str) -> Outcome:
        """Return one playlist with its authors, total duration (seconds) and first items."""
        return Outcome(playlists.full_record(self.store, self._resolve(reference)))

    def items(self, reference: str, *, limit: int = 20, cursor: str | None = None) -> Outcome:
        """Return one page of a playlist's items in order, each with its ``ordinal`` from 1."""
        playlist = self._resolve(reference)
        data = playlists.items_of(self.store, playlist, limit=limit, cursor=cursor)
        return Outcome(data, notes=[] if data["items"] else [f"nothing is in {playlist.slug}"])

    def add_items(
        self,
        reference: str,
        references: Sequence[str],
        *,
        at: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> Outcome:
        """Put items into a playlist, at its end unless a place is given; ``at`` counts from 1.

        Items already there stay where they are. One that cannot go in is an error, the rest do.
        Raises the first error when none can.
        """
        playlist = self._changing(reference)
        place = self._place(playlist, at, before, after)
        things, errors = self._found(playlist, references)
        new = playlists.add_items(
            store=self.store, actor=self.actor, playlist=playlist, things=things, place=place
        )
        notes = [f"{t.slug} is in {playlist.slug} already" for t in things if t.id not in new]
        records = [self._placed(playlist, thing) for thing in things]
        return listed(records, notes=notes, errors=errors)

    def remove_items(self, reference: str, references: Sequence[str]) -> Outcome:
        """Take items out of a playlist; they stay in the library.

        One that is not in it is an error, the rest go on. Raises the first when none is.
        """
        playlist = self._changing(reference)
        errors: list[VidctlError] = []
        things = []
        for each in dict.fromkeys(references):
            try:
                things.append(playlists.find_item(self.store, playlist, each))
            except VidctlError as error:
                error.item = each
                errors.append(error)

        def act(thing: Thing) -> dict[str, Any]:
            playlists.remove_item(
                store=self.store, actor=self.actor, playlist=playlist, thing=thing
            )
            return items.record(thing)

        return self.each(things, errors, act)

    def move(
        self,
        reference: str,
        item: str,
        *,
        to: int | None = None,
        before: str | None = None,
        after: str | None = None,
    ) -> Outcome:
        """Move an item of a playlist to a number, counted from 1, or before or after another."""
        if to is None and before is None and after is None:
            raise UsageError("no place was given", hint="add --to N, --before ITEM or --after ITEM")
        playlist = self._changing(reference)
        thing = playlists.member(self.store, playlist, item)
        moved = playlists.move_item(
            store=self.store,
            actor=self.actor,
            playlist=playlist,
            thing=thing,
            place=self._place(playlist, to, before, after),
        )
        notes = [] if moved else [f"{thing.slug} is there already"]
        return Outcome(self._placed(playlist, thing), notes=notes)

    def sort(self, reference: str, *, by: str, descending: bool = False) -> Outcome:
        """Put a playlist in order of ``title``, ``date`` (published, else added) or ``duration``.

        Equal items stay in the order they have.
        """
        if by not in playlists.ORDERS:
            raise UsageError(f"{by!r} is no order", hint=", ".join(playlists.ORDERS))
        playlist = self._changing(reference)
        changed = playlists.sort(
            store=self.store, actor=self.actor, playlist=playlist, by=by, descending=descending
        )
        notes = [] if changed else [f"{playlist.slug} is in that order already"]
        return Outcome(playlists.record(self.store, playlist), notes=notes)

    def archive(self, references: Sequence[str]) -> Outcome:
        """Put playlists away; ``restore`` brings them back. Their items stay as they are."""
        return self._change(
            references,
            lambda playlist: items.archive_item(
                store=self.store, actor=self.actor, thing=playlist, now=now
            ),
        )

    def restore(self, references: Sequence[str]) -> Outcome:
        """Bring archived playlists back."""
        return self._change(
            references,
            lambda playlist: playlists.restore(
                store=self.store, actor=self.actor, playlist=playlist, now=now
            ),
        )

    def _change(self, references: Sequence[str], act: Callable[[Thing], Thing]) -> Outcome:
        found, errors = self.library.select(references, TYPES)
        self.library.writable(found)

        def one(playlist: Thing) -> dict[str, Any]:
            self.library.allow("edit", playlist)
            return playlists.record(self.store, act(playlist))

        return self.each(found, errors, one)

    def purge(self, references: Sequence[str]) -> Outcome:
        """Remove playlists for good; their items stay in the library."""
        found, errors = self.library.select(references, TYPES)
        self.library.writable(found)
        for playlist in found:
            self.library.allow("purge", playlist)

        def one(playlist: Thing) -> dict[str, Any]:
            before = playlists.record(self.store, playlist)
            items.purge_item(store=self.store, actor=self.actor, thing=playlist)
            return {**before, "purged": True}

        return self.each(found, errors, one)

    # --- what references mean -------------------------------------------------------------------

    def _resolve(self, reference: str) -> Thing:
        return self.library.resolve(reference, TYPES)

    def _changing(self, reference: str) -> Thing:
        """Return a playlist that may be changed."""
        playlist = self._resolve(reference)
        self.library.allow("edit", playlist)
        self.library.writable([playlist])
        return playlist

    def _place(
        self, playlist: Thing, at: int | None, before: str | None, after: str | None
    ) -> Place:
        """Return the place that is meant. Raises NotFound for a neighbour that is not there."""
        place = Place(at, before, after)  # refuses two at once before anything is looked up
        return replace(
            place, before=self._member(playlist, before), after=self._member(playlist, after)
        )

    def _member(self, playlist: Thing, reference: str | None) -> str | None:
        if reference is None:
            return None
        return playlists.member(self.store, playlist, reference).id

    def _found(
        self, playlist: Thing, references: Sequence[str]
    ) -> tuple[list[Thing], list[VidctlError]]:
        """Return the things that can go into a playlist, and an error for each that cannot."""
        found: dict[str, Thing] = {}
        errors: list[VidctlError] = []
        for each in references:
            try:
                thing = playlists.find_item(self.store, playlist, each)
                playlists.check_item(playlist, thing)
            except VidctlError as error:
                error.item = each
                errors.append(error)
            else:
                found[thing.id] = thing
        if errors and not found:
            raise errors[0]
        return list(found.values()), errors

    def _placed(self, playlist: Thing, thing: Thing) -> dict[str, Any]:
        ordinal = self.store.sequences.ordinal(playlist.id, thing.id)
        return {**items.record(thing), "ordinal": ordinal}
