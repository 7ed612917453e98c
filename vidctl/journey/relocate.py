"""Move an item's media to another host: copy, verify, switch, and only then let the old ones go.

Until the switch, which is one transaction, the item has what it had. Names on a host come from
hashes, so a move that was interrupted anywhere is run again and sends nothing twice.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path

from vidctl import failpoints
from vidctl.catalog.items import edit_item
from vidctl.errors import Conflict, NotVerified
from vidctl.files import sha256_of
from vidctl.formats.storyboard import readdressed
from vidctl.ids import new_id
from vidctl.journey.holds import Holds
from vidctl.journey.keep import Named, picture_changes
from vidctl.journey.letting_go import cleared
from vidctl.journey.send import Terms, send, send_small
from vidctl.journey.sprites import address_of, locator_in
from vidctl.model.event import Event, EventQuery
from vidctl.model.media import MediaRow, StoredMedia
from vidctl.model.thing import Thing
from vidctl.model.upload import MOVE
from vidctl.ports import MediaHost, Store
from vidctl.progress import Report

# Former versions stay where they are: whoever wants one back finds it there.
LEFT = ("copy", "version")


@dataclass(frozen=True, slots=True)
class Moved:
    """What a move did: how many files, the bytes that were sent for them, and what was let go.

    ``origins`` are the hosts that the files were on; none when all were there already.
    """

    files: int = 0
    sent: int = 0
    deleted: int = 0
    origins: tuple[str, ...] = ()

    @property
    def is_changed(self) -> bool:
        """Whether anything happened."""
        return bool(self.files or self.deleted)


@dataclass(frozen=True, slots=True)
class _Arrival:
    """A row, the one that takes its place, and whether its bytes had to be sent."""

    old: MediaRow
    new: MediaRow
    is_sent: bool = True


class Move:
    """The move of one item to ``target``; ``store`` is that of the item's group.

    ``local`` gives a row's bytes as a file. With ``deletes``, the bytes that were moved from are
    removed once the switch is recorded; with ``clears``, copies on all other hosts are as well.
    """

    def __init__(
        self,
        thing: Thing,
        *,
        store: Store,
        target: MediaHost,
        named: Named,
        local: Callable[[MediaRow], AbstractContextManager[Path]],
        deletes: bool = False,
        clears: bool = False,
    ) -> None:
        self.thing = thing
        self.store = store
        self.target = target
        self.named = named
        self.local = local
        self.deletes = deletes or clears
        self.clears = clears
        self.holds = Holds(store, MOVE, thing_id=thing.id)
        rows = store.media.of(thing.id)
        # A storyboard's cues name its pictures, so they come after those.
        live = [row for row in rows if row.role not in LEFT]
        self.live = sorted(live, key=lambda row: row.role == "storyboard_cues")
        self.copies = [row for row in rows if row.role == "copy"]
        self.leaving = [row for row in self.live if row.host != target.name]

    def plan(self) -> Moved:
        """Return what a move would do; the target is not asked."""
        waiting = {row.sha256 for row in self.copies if row.host == self.target.name}
        sent = sum(row.size for row in self.leaving if row.sha256 not in waiting)
        going = len(self.leaving) + len(self._going()) if self.deletes else 0
        return Moved(len(self.leaving), sent, going, self._origins())

    def run(self, *, terms: Terms, report: Report, actor: Thing, now: Callable[[], int]) -> Moved:
        """Move what is elsewhere.

        Raises what ``MediaHost.put`` and ``local`` raise, and Conflict when the item's media were
        changed meanwhile; then the item has what it had.
        """
        self._check_places()
        with self.holds:
            if self.deletes:
                self._secure(terms, report)
            arrived: list[_Arrival] = []
            for row in self.leaving:
                report.step(self.thing.slug, "move")
                if row.role == "storyboard_cues":
                    sprites = {each.old.locator: each.new.locator for each in arrived}
                    arrived.append(self._cues(row, sprites, terms, report))
                else:
                    arrived.append(self._arrived(row, terms, report))
            failpoints.reach("move.copied")
            if arrived:
                self._switch(arrived, actor, now)
        failpoints.reach("move.switched")
        sent = sum(each.new.size for each in arrived if each.is_sent)
        return Moved(len(arrived), sent, self._let_go(), self._origins())

    def _check_places(self) -> None:
        """Raise Conflict where two names stand for one place: deleting there would delete here."""
        for name in {row.host for row in (*self.leaving, *self._elsewhere())}:
            if self.named(name).place == self.target.place:
                raise Conflict(
                    f"{name} and {self.target.name} are the same place",
                    hint="vidctl hosts list",
                )

    def _origins(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(row.host for row in self.leaving))

    def _elsewhere(self) -> list[MediaRow]:
        return [row for row in self.copies if row.host != self.target.name]

    def _going(self) -> list[MediaRow]:
        """Return the copies that are to be let go: those where the media were, unless all are."""
        if not self.deletes:
            return []
        sources = set(self._origins() if self.leaving else self._former_origins())
        return [row for row in self._elsewhere() if self.clears or row.host in sources]

    def _former_origins(self) -> Sequence[str]:
        """Return where the last move to the target came from: it may have been killed."""
        query = EventQuery(action="media_moved", target=self.thing.id, limit=1)
        last = self.store.events.page(query).items
        if not last or last[0].metadata.get("to") != self.target.name:
            return ()
        return tuple(last[0].metadata.get("from", ()))

    def _waiting(self, sha256: str) -> MediaRow | None:
        """Return the copy of some bytes that is on the target already."""
        return next(
            (
                copy
                for copy in self.copies
                if copy.host == self.target.name and copy.sha256 == sha256
            ),
            None,
        )

    def _arrived(self, row: MediaRow, terms: Terms, report: Report) -> _Arrival:
        held = self._waiting(row.sha256)
        # Kept from now on, so that nobody removes what is looked at.
        self.holds.take(self.target, row.content, _origin(row), heed=terms.heed)
        # A service that has it would be sent small files again, and keeps what it verified; a disk
        # may not, and nothing may be deleted for what nobody looked at.
        is_trusted = not self.deletes and not self.target.is_local
        if held and is_trusted and self.target.exists(held.locator, size=held.size):
            stored = StoredMedia(held.host, held.locator, held.sha256, held.size)
        else:
            stored = self._put(row, terms, report)
        return self._arrival(row, stored, is_sent=self._waiting(row.sha256) is None)

    def _put(self, row: MediaRow, terms: Terms, report: Report) -> StoredMedia:
        """Make sure that the target holds a row's bytes; it is sent only what it lacks."""
        with self.local(row) as file:
            return send(
                file,
                row.content,
                store=self.store,
                host=self.target,
                terms=terms,
                report=report,
                label=self.thing.slug,
                holds=self.holds,
                origin=_origin(row),
            )

    def _secure(self, terms: Terms, report: Report) -> None:
        """Make sure that the target holds what copies are let go of, before they are."""
        there = {row.sha256 for row in self.live if row.host == self.target.name}
        for copy in self._going():
            # One whose bytes are gone already, as a killed move leaves it, saves nothing.
            is_left = self.named(copy.host).stat(copy.locator) is not None
            if copy.sha256 in there and is_left:
                self._put(copy, terms, report)

    def _cues(
        self, row: MediaRow, sprites: dict[str, str], terms: Terms, report: Report
    ) -> _Arrival:
        """Write a storyboard's cues anew: they name pictures that are on another host now."""
        old_host = self.named(row.host)

        def renamed(address: str) -> str:
            old = locator_in(address, old_host, sprites)
            return address if old is None else address_of(sprites[old], self.target)

        with self.local(row) as file, tempfile.TemporaryDirectory(prefix="vidctl-") as folder:
            cues = Path(folder) / "storyboard.vtt"
            if sha256_of(file) != row.sha256:
                raise NotVerified(f"the storyboard's cues on {row.host} are damaged")
            cues.write_bytes(readdressed(file.read_text("utf-8"), renamed).encode())
            stored = send_small(
                cues,
                store=self.store,
                host=self.target,
                terms=terms,
                report=report,
                label=self.thing.slug,
                holds=self.holds,
            )
        return self._arrival(row, stored)

    def _arrival(self, row: MediaRow, stored: StoredMedia, *, is_sent: bool = True) -> _Arrival:
        held = self._waiting(stored.sha256)
        new = replace(
            row,
            id=new_id() if held is None else held.id,
            host=stored.host,
            locator=stored.locator,
            sha256=stored.sha256,
            size=stored.size,
        )
        return _Arrival(row, new, is_sent)

    def _switch(self, arrived: Sequence[_Arrival], actor: Thing, now: Callable[[], int]) -> None:
        waiting = {row.id for row in self.copies}
        old, new = [each.old for each in arrived], [each.new for each in arrived]
        media = self.store.media
        with self.store.transaction():
            present = {row.id: row for row in media.of(self.thing.id)}
            is_gone = any(row.id in waiting and row.id not in present for row in new)
            if is_gone or any(present.get(row.id) != row for row in old):
                raise Conflict(
                    f"the media of {self.thing.slug} changed while they were being moved",
                    hint="run the same command again",
                )
            for row in old:
                media.recast(row.id, "copy")
            for row in new:
                if row.id in waiting:
                    media.recast(row.id, row.role)
                    media.annotate(row.id, row.metadata)
                else:
                    media.add(row)
            shown = self.store.things.get(self.thing.id)
            changes = picture_changes(shown, old, new, self.named)
            if changes:
                edit_item(store=self.store, actor=actor, thing=self.thing, changes=changes, now=now)
            self.store.events.append([self._event(actor, new)])
            self.holds.settle()

    def _event(self, actor: Thing, rows: Sequence[MediaRow]) -> Event:
        return Event(
            "content_event",
            "media_moved",
            actor_id=actor.id,
            target_id=self.thing.id,
            metadata={
                "from": list(self._origins()),
                "to": self.target.name,
                "files": len(rows),
                "size": sum(row.size for row in rows),
            },
        )

    def _let_go(self) -> int:
        """Remove copies on other hosts where that was asked for, and always copies of nothing.

        Such a copy is left by a storyboard's cues, which are other bytes on each host.
        """
        rows = self.store.media.of(self.thing.id)
        live = {row.sha256 for row in rows if row.role not in LEFT}
        left = {row.id for row in self.leaving}
        going = {row.id for row in self._going()} | (left if self.deletes else set())
        gone = 0
        for row in rows:
            is_elsewhere = row.role == "copy" and row.host != self.target.name
            if is_elsewhere and (row.id in going or row.sha256 not in live):
                self._drop(row)
                gone += row.id in going
        return gone

    def _drop(self, row: MediaRow) -> None:
        """Remove a copy that is still one: its bytes, then its row.

        Killed between, it is tried again. The bytes stay where somebody else is about to use them.
        """
        host = self.named(row.host)
        content = row.content
        with cleared(host, row.locator, content, store=self.store, besides=row.id) as is_free:
            if not self._is_unchanged(row):
                return
            if is_free:
                host.remove(row.locator)
            failpoints.reach("move.removed")
            with self.store.transaction():
                if self._is_unchanged(row):
                    self.store.media.remove(row.id)

    def _is_unchanged(self, row: MediaRow) -> bool:
        return row in self.store.media.of(self.thing.id)


def _origin(row: MediaRow) -> str:
    return f"{row.host}:{row.locator}"
