"""Taking in events by the line: JSON in, committed events and ``watched`` links out.

Every step of it is paid a million times for a million lines; that is why lines are decoded into
typed structs, references are resolved once for each text, and a chunk is written at a time.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO, Literal

import msgspec

from vidctl.catalog.watching import Rules, record
from vidctl.errors import UsageError, VidctlError
from vidctl.ids import new_ids
from vidctl.library.core import now
from vidctl.library.known import Known
from vidctl.library.lines import BadLine, EventLines, WatchLines
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.watching import Viewing

Form = Literal["watch", "event"]

CHUNK = 20_000
CHUNK_BYTES = 16 * 1024 * 1024
# A feed that trickles is stored by the second.
CHUNK_SECONDS = 1.0
# How long what a reference means is remembered: things are renamed while a feed runs.
REMEMBERED_SECONDS = 30.0
LONGEST_LINE = 1_000_000
BLOCK = 1 << 18
# Bad lines that are told one by one.
ERRORS_KEPT = 1000

BOM = b"\xef\xbb\xbf"
BAD = (BadLine, VidctlError, msgspec.MsgspecError, ValueError, OverflowError, RecursionError)


def take_in(
    library: Library,
    lines: Iterable[bytes],
    *,
    form: Form,
    person: str = "me",
    imported: bool = False,
) -> Outcome:
    """Log the event of every line of JSON and bring what people have seen up to date.

    ``person`` is who did it where a line does not say. A line of the form ``watch`` is what
    somebody saw of an item, one of the form ``event`` is any ``content_event``. The id of an event
    is derived from the ``id`` of its line, so a line that is sent again adds nothing; lines without
    one are new each time, except when ``imported``: then what they say identifies them.

    Lines are stored by the chunk, each in one transaction. A bad line is an error with its number,
    the rest is stored. The data counts ``lines new known completed bad``.
    """
    with _uncollected():
        return _Intake(library, form, person, imported=imported).run(lines)


def lines_of(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream; of one that is too long, no more than shows that it is."""
    read: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
    rest, is_dropping = b"", False
    while block := read(BLOCK):
        *lines, rest = (rest + block).split(b"\n")
        if is_dropping and lines:
            del lines[0]
            is_dropping = False
        yield from lines
        if is_dropping:
            rest = b""
        elif len(rest) > LONGEST_LINE:
            yield rest
            rest, is_dropping = b"", True
    if rest:
        yield rest


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep the collector of cycles away: a chunk makes none, and has many objects to visit."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


class _Intake:
    def __init__(self, library: Library, form: Form, person: str, *, imported: bool) -> None:
        self.library = library
        self.known = Known(library, person, "record events" if form == "event" else "")
        kind = EventLines if form == "event" else WatchLines
        self.reader = kind(self.known, imported=imported)
        self.rules = Rules(
            library.config.number("progress.threshold"), library.config.text("courses.weight"), now
        )
        self.counts = dict.fromkeys(("lines", "new", "known", "completed", "bad"), 0)
        self.errors: list[VidctlError] = []

    def run(self, lines: Iterable[bytes]) -> Outcome:
        """Take everything in and say how much it was."""
        viewings: list[Viewing] = []
        number, size, clock = 0, 0, time.monotonic
        began = clock()
        self._begin()
        read, add = self.reader.read, viewings.append
        for number, line in enumerate(lines, start=1):
            if not viewings and clock() - began > CHUNK_SECONDS:
                self._begin()  # the feed had nothing to say for a while
            try:
                if len(line) > LONGEST_LINE:
                    raise BadLine(f"longer than {LONGEST_LINE:,} bytes")
                add(read(line.removeprefix(BOM) if number == 1 else line))
            except BAD as error:
                self._refuse(number, line, error)
            size += len(line)
            if len(viewings) >= CHUNK or size >= CHUNK_BYTES or clock() - began > CHUNK_SECONDS:
                self._store(viewings)
                viewings.clear()
                size, began = 0, clock()
        self._store(viewings)
        self.counts["lines"] += number
        notes = [] if self.counts["lines"] else ["no lines were given"]
        if self.counts["known"]:
            notes.append(f"{self.counts['known']:,} were known already")
        if self.counts["bad"] > len(self.errors):
            notes.append(f"{self.counts['bad']:,} bad lines; the first {ERRORS_KEPT:,} are listed")
        return Outcome(self.counts, notes=notes, errors=self.errors)

    def _begin(self) -> None:
        """Get ready for a chunk: ids in rising order, and references that are not too old."""
        self.reader.begin(new_ids(CHUNK))
        self.known.refresh(REMEMBERED_SECONDS)

    def _refuse(self, number: int, line: bytes, error: Exception) -> None:
        if not line.removeprefix(BOM).strip():
            self.counts["lines"] -= 1
            return
        self.counts["bad"] += 1
        if len(self.errors) < ERRORS_KEPT:
            said = error.message if isinstance(error, VidctlError) else str(error)
            if isinstance(error, RecursionError):
                said = "nested too deeply"
            kind = type(error) if isinstance(error, VidctlError) else UsageError
            self.errors.append(kind(said or "not JSON", item=f"line {number}"))

    def _store(self, viewings: list[Viewing]) -> None:
        """Write a chunk; what is logged already, or stands in it twice, is left out."""
        store = self.library.store
        with store.transaction():
            fresh = viewings
            if self.reader.derived:
                # A line of our own export carries the id of its event.
                derived = self.reader.derived
                seen = store.events.known([*derived, *filter(None, derived.values())])
                seen |= {made for made, original in derived.items() if original in seen}
                chosen: dict[str, Viewing] = {}
                for each in viewings:
                    if each.id not in seen:
                        chosen.setdefault(each.id, each)
                fresh = list(chosen.values())
            if fresh:
                self.counts["completed"] += record(
                    store=store, viewings=fresh, lengths=self.known.lengths, rules=self.rules
                )
        self.counts["new"] += len(fresh)
        self.counts["known"] += len(viewings) - len(fresh)
        self._begin()
