"""What became of the files of an upload, counted, and listed as far as people can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vidctl.catalog import items
from vidctl.errors import VidctlError
from vidctl.journey.ingest import Ingested
from vidctl.journey.replace import Replaced
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.thing import Thing

# Items and errors that are listed one by one; the rest is only counted.
LISTED = 10_000
# Names in a note.
NAMED = 5


@dataclass(frozen=True, slots=True)
class Done:
    """What became of a file: it is in the library, or it failed, or its turn never came (neither).

    ``number`` is its place among the sources. ``is_by_name``: nobody looked into it, because an
    item came from a file of that name.
    """

    number: int
    taken: Ingested | Replaced | None = None
    error: VidctlError | None = None
    is_by_name: bool = False

    @property
    def said(self) -> str:
        """What became of it, in a few words."""
        if self.error is not None:
            return f"not taken in: {self.error.message}"
        if self.taken is None:
            return "not done"
        thing = self.taken.thing
        if isinstance(self.taken, Replaced) and self.taken.is_new:
            return f"new version of {thing.type} {thing.slug}"
        if self.taken.is_new:
            return f"uploaded as {thing.type} {thing.slug}"
        state = ", archived" if thing.status == "archived" else ""
        if isinstance(self.taken, Ingested) and self.taken.is_former:
            state += ", as a former version"
        if self.is_by_name:
            return f"left out, {thing.type} {thing.slug} came from a file of that name{state}"
        if isinstance(self.taken, Ingested) and self.taken.restored:
            state += f"; {_files(self.taken.restored)} put back"
        return f"already here as {thing.type} {thing.slug}{state}"


@dataclass(slots=True)
class Tally:
    """Adds up what becomes of files.

    ``keeps_things``: remember the items, which are to be processed; ``things`` has their numbers.
    """

    keeps_things: bool = False
    new: int = 0
    known: int = 0
    by_name: int = 0
    failed: int = 0
    left: int = 0
    things: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    errors: list[VidctlError] = field(default_factory=list)
    records: dict[int, dict[str, Any]] = field(default_factory=dict)
    elsewhere: dict[str, tuple[str, int]] = field(default_factory=dict)
    warned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    put_back: int = 0

    def fail(self, error: VidctlError) -> None:
        """Count a failure."""
        self.failed += 1
        if len(self.errors) < LISTED:
            self.errors.append(error)

    def add(self, done: Done) -> None:
        """Count what became of a file."""
        if done.error is not None:
            self.fail(done.error)
        elif done.taken is None:
            self.left += 1
        else:
            self._take(done, done.taken)

    def _take(self, done: Done, taken: Ingested | Replaced) -> None:
        thing = taken.thing
        self.new += taken.is_new
        self.known += not taken.is_new
        self.by_name += done.is_by_name
        if self.keeps_things:
            self.things[thing.id] = done.number
        if len(self.records) < LISTED:
            record = {**items.record(thing), "new": taken.is_new}
            if isinstance(taken, Replaced):
                record["replaced"] = taken.is_new
            self.records[done.number] = record
        if taken.warnings and len(self.warned) < LISTED:
            self.warned[thing.slug] = taken.warnings
        if isinstance(taken, Replaced):
            self.notes += taken.notes
            return
        self.put_back += taken.restored
        if taken.elsewhere:
            first, count = self.elsewhere.get(taken.elsewhere, (thing.slug, 0))
            self.elsewhere[taken.elsewhere] = (first, count + 1)

    def update(self, thing: Thing, **more: Any) -> None:
        """Bring the record of an item up to date after more was done to it."""
        record = self.records.get(self.things[thing.id])
        if record is not None:
            record |= {**items.record(thing), **more}

    def outcome(self, *, halting: VidctlError | None, host: str, has_details: bool) -> Outcome:
        """Return what there is to say about the whole upload.

        ``halting`` is what ended the run early. It names the file that met it; the greatest number
        of new items is met by none.
        """
        errors = list(self.errors)
        if halting is not None and halting not in errors:
            errors.append(halting)
        count = len(self.records)
        total = self.new + self.known
        data = {
            "items": [self.records[number] for number in sorted(self.records)],
            "total": total,
            "next": None,
            "new": self.new,
            "known": self.known,
            "failed": self.failed,
            "left": self.left,
        }
        notes = [*self._notes(host, has_details=has_details), *dict.fromkeys(self.notes)]
        if total > count:
            notes.append(f"{total:,} items; the first {count:,} are listed")
        if self.failed > len(self.errors):
            notes.append(f"{self.failed:,} files failed; the first {len(self.errors):,} are listed")
        return Outcome(data, notes=notes, errors=errors, halting=halting)

    def _notes(self, host: str, *, has_details: bool) -> list[str]:
        notes = []
        same = self.known - self.by_name
        if same:
            stored = f"; {_files(self.put_back)} put back on {host}" if self.put_back else ""
            notes.append(f"{same:,} already here{stored or ', not stored again'}")
        if self.by_name:
            notes.append(f"{self.by_name:,} left out: an item here came from a file of that name")
        if self.known and has_details:
            notes.append(
                "what was here keeps its details: videos edit and podcasts edit change them"
            )
        for place, (first, count) in sorted(self.elsewhere.items()):
            said = f"{first} stays" if count == 1 else f"{first} and {count - 1:,} more stay"
            notes.append(f"{said} on {place}; vidctl media move {first} --to {host}")
        if self.left:
            notes.append(f"{_files(self.left)} not tried")
        for slug, warnings in list(self.warned.items())[:NAMED]:
            notes += [f"{slug}: {warning}" for warning in warnings]
        if len(self.warned) > NAMED:
            notes.append(f"{len(self.warned) - NAMED:,} more items have such warnings")
        return notes


def _files(count: int) -> str:
    return f"{count:,} file{'' if count == 1 else 's'}"
