"""Media of items and of files: what is in them, where they are, and what is made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from vidctl.errors import (
    LimitReached,
    MissingKey,
    StorageFailed,
    StorageFull,
    UsageError,
    VidctlError,
)
from vidctl.ids import decode
from vidctl.journey.keep import url_of
from vidctl.journey.relocate import LEFT, Move, Moved
from vidctl.library.controller import listed
from vidctl.library.core import now
from vidctl.library.derived import QUIET, UNCHANGED, Derived
from vidctl.model.media import ROLES, MediaRow, Probe, Track
from vidctl.outcome import Outcome
from vidctl.progress import Report

if TYPE_CHECKING:
    from vidctl.model.thing import Thing
    from vidctl.ports import MediaHost

# After one of these the next item would fail as well.
HALTING = (MissingKey, LimitReached, StorageFull, StorageFailed)


class Media(Derived):
    """The media of items and of files: list, probe, make pictures and sound of them, move them."""

    def of(self, reference: str) -> Outcome:
        """Return where the bytes of an item are, and of what was made from them.

        Copies on other hosts and former versions are listed as well.
        """
        thing = self.library.resolve(reference)
        rows = sorted(
            self.library.store.media.of(thing.id), key=lambda row: (ROLES.index(row.role), row.id)
        )
        notes = [] if rows else [f"{thing.slug} has no media here"]
        records = [self._row_record(row) for row in rows]
        if (thing.properties.get("media") or {}).get("truncated"):
            cut = {row.sha256 for row in rows if row.role == "source"}
            for record in records:
                record["truncated"] = record["sha256"] in cut
        if not self.library.may("edit", thing):
            # Where the author keeps the file, and what it is called there, is theirs.
            for record in records:
                record |= {"filename": "", "locator": "", "metadata": {}}
        return listed(records, notes=notes)

    def _row_record(self, row: MediaRow) -> dict[str, Any]:
        return {
            "id": row.id,
            "role": row.role,
            "host": row.host,
            "size": row.size,
            "filename": row.filename,
            # An id begins with the millisecond that it was made in.
            "createdAt": decode(row.id) >> 80,
            "sha256": row.sha256,
            "locator": row.locator,
            "url": url_of(row, self.library.hosts.named),
            "metadata": row.metadata,
            "truncated": False,
        }

    def probe(self, reference: str, *, loudness: bool = False) -> Outcome:
        """Look into a media file; the data says what is in it, times in seconds.

        With ``loudness`` all the sound is decoded. A file that was cut short is a note. Raises
        InvalidMedia for what is not media, NotFound for an item without any here.
        """
        subject = self.subject(reference)
        with self.opened(subject) as path:
            probed = self.sandbox.probe(path)
            measured = self.sandbox.loudness(path) if loudness else None
        data = {**subject.record(), **probe_record(probed)}
        if measured is not None:
            data["loudness"] = measured.record()
        return Outcome(data, notes=[_cut_short(probed)] if probed.truncated else [])

    def move(
        self,
        references: Sequence[str],
        to: str,
        *,
        deletes: bool = False,
        clears: bool = False,
        rehearse: bool = False,
        report: Report = QUIET,
    ) -> Outcome:
        """Move items' media to the host called ``to``; no reference means all items.

        What was on the old host stays there as a copy; with ``deletes`` it is removed, once the new
        one is verified and recorded, with ``clears`` copies on third hosts are too. A rehearsal
        sends nothing. Items that fail are errors, the rest go on; raises the first error when none
        could be moved.
        """
        target = self.library.hosts.named(to)
        if self.library.is_offline and not target.is_local:
            raise UsageError(f"{to} is not on this machine, and --offline forbids the network")
        things, errors = self.library.select(references, action="edit")
        if errors and not things:
            raise errors[0]
        self.library.writable(things if references else ())
        archived = self.library.archived_groups()
        open_things = [thing for thing in things if thing.group_id not in archived]
        records, notes = self._moved(
            open_things,
            lambda thing: self._move_one(
                self._move_of(thing, target, deletes=deletes, clears=clears), rehearse, report
            ),
            target,
            errors,
            is_named=bool(references),
        )
        if errors and not records:
            raise errors[0]
        if len(open_things) < len(things):
            notes.append("items of archived groups were left alone")
        notes += self._left(open_things, target, is_all=not references)
        if rehearse:
            notes.append(UNCHANGED)
        return listed(records, errors=errors, notes=notes)

    def _left(self, things: Iterable[Thing], target: MediaHost, *, is_all: bool) -> list[str]:
        """Say what a move leaves on other hosts: former versions, and archived items not named."""
        media = self.library.store.media
        versions = sum(
            row.host != target.name for thing in things for row in media.of(thing.id, "version")
        )
        archived = sum(
            any(row.role not in LEFT and row.host != target.name for row in media.of(thing.id))
            for thing in (self.library.every(status="archived") if is_all else ())
            if self.library.may("edit", thing)
        )
        notes = []
        if versions:
            notes.append(f"former versions left where they are: {versions}")
        if archived:
            notes.append(f"archived items left where they are: {archived}; name one to move it")
        return notes

    def _moved(
        self,
        things: Iterable[Thing],
        act: Callable[[Thing], Moved | None],
        target: MediaHost,
        errors: list[VidctlError],
        *,
        is_named: bool,
    ) -> tuple[list[dict[str, Any]], list[str]]:
        """Return the records of items that went through, and notes; the others are errors."""
        records: list[dict[str, Any]] = []
        notes: list[str] = []
        left = 0
        halted = False
        for thing in things:
            if halted:
                left += 1
                continue
            try:
                moved = act(thing)
            except VidctlError as error:
                # The host names a locator, which says nothing to people.
                error.item = thing.slug
                errors.append(error)
                halted = isinstance(error, HALTING)
                continue
            if moved is not None:
                records.append(_moved_record(thing, target, moved))
            elif is_named:
                notes.append(f"{thing.slug} has no media here")
        if left:
            notes.append(f"{left} more were not tried")
        return records, notes

    def _move_of(self, thing: Thing, target: MediaHost, *, deletes: bool, clears: bool) -> Move:
        return Move(
            thing,
            store=self.library.store_of(thing.group_id),
            target=target,
            named=self.library.hosts.named,
            local=self.library.hosts.local,
            deletes=deletes,
            clears=clears,
        )

    def _move_one(self, move: Move, rehearse: bool, report: Report) -> Moved | None:
        """Move one item; None where it has no media here."""
        if not move.live:
            return None
        if rehearse:
            return move.plan()
        moved = move.run(
            terms=self._terms(move.thing), report=report, actor=self.library.actor, now=now
        )
        report.finish(move.thing.slug, _told(moved, move.target.name))
        return moved


def _moved_record(thing: Thing, target: MediaHost, moved: Moved) -> dict[str, Any]:
    return {
        "id": thing.id,
        "slug": thing.slug,
        "type": thing.type,
        "from": list(moved.origins),
        "to": target.name,
        "files": moved.files,
        "sent": moved.sent,
        "deleted": moved.deleted,
        "changed": moved.is_changed,
    }


def _told(moved: Moved, to: str) -> str:
    if moved.is_changed:
        return f"moved to {to}"
    return f"is on {to} already"


def probe_record(probed: Probe) -> dict[str, Any]:
    """Return what a probe found as it appears in JSON."""
    return {
        "kind": probed.kind,
        "format": probed.format,
        "duration": probed.duration,
        "size": probed.size,
        "bitRate": probed.bit_rate,
        "width": probed.width,
        "height": probed.height,
        "rotation": probed.rotation,
        "fps": probed.fps,
        "videoCodec": probed.video_codec,
        "audioCodec": probed.audio_codec,
        "sampleRate": probed.sample_rate,
        "channels": probed.channels,
        "truncated": probed.truncated,
        "promised": probed.promised,
        "hasCover": probed.has_cover,
        "streamCount": probed.stream_count,
        "streams": [_track_record(track) for track in probed.streams],
        "chapters": [
            {"start": each.start, "end": each.end, "title": each.title} for each in probed.chapters
        ],
        "tags": probed.tags,
    }


def _track_record(track: Track) -> dict[str, Any]:
    named = {
        "index": track.index,
        "type": track.type,
        "codec": track.codec,
        "language": track.language or None,
        "title": track.title or None,
        "width": track.width,
        "height": track.height,
        "fps": track.fps,
        "dynamicRange": track.dynamic_range,
        "sampleRate": track.sample_rate,
        "channels": track.channels,
        "layout": track.layout,
        "bitRate": track.bit_rate,
        "isDefault": track.is_default or None,
        "isForced": track.is_forced or None,
    }
    return {key: value for key, value in named.items() if value is not None}


def _cut_short(probed: Probe) -> str:
    whole = "" if probed.promised is None else f" of {probed.promised:.1f} s"
    return f"the file was cut short: {probed.duration:.1f} s{whole} can be played"
