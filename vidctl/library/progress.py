"""What people have seen of what, for front ends."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.catalog.watching import (
    WATCHABLE,
    Rules,
    length_of,
    record,
    watched_item,
    watches,
)
from vidctl.errors import NotFound, UsageError, VidctlError
from vidctl.formats.xapi import Told, timestamp
from vidctl.ids import new_ids
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.watching import (
    COMPLETED,
    PROGRESSED,
    RESET,
    VIEWED,
    Watch,
    WatchQuery,
    viewing_of,
)
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.connection import Connection
    from vidctl.model.event import Event
    from vidctl.model.thing import Thing

ME = "me"
FORMATS = ("jsonl", "csv")


class Progress(Controller):
    """Record what people watch, show how far they are, import and export it.

    ``person`` is who watched, ``me`` being the one who acts. Items are videos, podcast episodes,
    and lessons, which stand for the video in them. Positions are seconds.
    """

    def set(self, item: str, at: float, *, reset: bool = False, person: str = ME) -> Outcome:
        """Say where somebody is in an item; a lower position than before needs ``reset``.

        A reset takes back all that was seen of the item, and its completion. Raises UsageError for
        a position that is none.
        """
        steps: list[dict[str, Any]] = [{"action": PROGRESSED, "position": at}]
        if reset:
            steps.insert(0, {"action": RESET})
        with self.store.transaction():
            pair, before = self._known(item, PROGRESSED, person)
            if not reset and before is not None and round(at * 1000) < before.position:
                outcome = self._outcome(pair, item)
                held = f"{before.position / 1000:g}"
                outcome.notes.append(
                    f"the position stays at {held} seconds, which is further; --reset takes it back"
                )
                return outcome
            return self._record(item, steps, pair, before, person)

    def watch(
        self,
        item: str,
        ranges: Sequence[tuple[float, float]],
        *,
        at: int | None = None,
        device: str | None = None,
        session: str | None = None,
        position: float | None = None,
        person: str = ME,
    ) -> Outcome:
        """Add a viewing: the ranges that somebody saw of an item, at a time (now by default).

        Raises UsageError for a range that is none.
        """
        said = {"device": device, "session": session, "position": position, "at": at}
        step: dict[str, Any] = {key: value for key, value in said.items() if value is not None}
        with self.store.transaction():
            pair, before = self._known(item, VIEWED, person)
            step |= {"action": VIEWED, "ranges": [list(span) for span in ranges]}
            return self._record(item, [step], pair, before, person)

    def done(self, items: Sequence[str], *, person: str = ME) -> Outcome:
        """Mark items as completed, a lesson itself; those that were stay as they are."""
        rows: list[dict[str, Any]] = []
        errors: list[VidctlError] = []
        notes: list[str] = []
        for item in dict.fromkeys(items):
            try:
                with self.store.transaction():
                    pair, before = self._known(item, COMPLETED, person)
                    if before is not None and before.completed_at is not None:
                        outcome = self._outcome(pair, item)
                        notes.append(f"{item} was completed before")
                    else:
                        outcome = self._record(item, [{"action": COMPLETED}], pair, before, person)
            except VidctlError as error:
                error.item = item
                errors.append(error)
            else:
                rows.append(outcome.data)
        if errors and not rows:
            raise errors[0]
        return listed(rows, notes=notes, errors=errors)

    def take_in(self, lines: Iterable[bytes], *, person: str = ME) -> Outcome:
        """Add a viewing for each line of JSON; see ``vidctl.library.intake``."""
        from vidctl.library.intake import take_in

        return take_in(self.library, lines, form="watch", person=person)

    def load(self, file: Path, *, format: str = "", person: str = ME) -> Outcome:
        """Import viewings from a file of JSON lines or CSV; what is known already adds nothing.

        The format is told by the file's name unless it is given. Raises NotFound when there is no
        such file, UsageError for another format.
        """
        from vidctl.library.intake import lines_of, take_in

        chosen = format or ("csv" if file.suffix.lower() == ".csv" else "jsonl")
        if chosen not in FORMATS:
            raise UsageError(f"{chosen!r} is no format", hint=", ".join(FORMATS))
        try:
            with file.open("rb") as stream:
                lines = lines_of(stream) if chosen == "jsonl" else lines_of_csv(file)
                return take_in(self.library, lines, form="watch", person=person, imported=True)
        except FileNotFoundError:
            raise NotFound(f"there is no file {str(file)!r}") from None
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise UsageError(f"{file} cannot be read: {error}") from None

    def page(
        self,
        *,
        person: str = "",
        item: str = "",
        course: str = "",
        limit: int = 20,
        cursor: str | None = None,
    ) -> Outcome:
        """Return what people have seen of items, those watched last first.

        Of oneself, unless a ``person`` is named, or an ``item``: then of everybody whose progress
        the acting person may view. ``course`` leaves what is not in it out. Raises
        PermissionRefused for what the person may not view.
        """
        people, items = self._chosen(person, item, course)
        if items == ():
            return listed([], notes=["the course has nothing to watch"])
        query = WatchQuery(people, items or (), limit, cursor)
        found = self.store.watched.page(query)
        data = {"items": self._rows(found.links), "total": found.total, "next": found.next}
        return Outcome(data, notes=[] if found.links else ["nothing was watched"])

    def _chosen(
        self, person: str, item: str, course: str
    ) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """Return whose progress in what is asked for; no people means everybody."""
        is_own = False
        items: set[str] | None = None
        enrolled: tuple[str, ...] = ()
        if item:
            thing = self.library.resolve(item, WATCHABLE)
            inner = watched_item(self.store, thing)
            # A lesson of one's own does not open what others watched of the video in it.
            is_own = self._is_own(thing) and self._is_own(inner)
            items = {thing.id, inner.id}
        if course:
            owner = self.library.resolve(course, ("course",))
            if self._is_own(owner):
                enrolled = tuple(link.from_id for link in self.store.enrolments.of(owner.id))
            rows = self.store.courses.outline(owner.id)
            inside = {row.lesson.id for row in rows} | {row.item.id for row in rows if row.item}
            items = inside if items is None else items & inside
        me = self.library.person_id(ME)
        chosen = None if items is None else tuple(sorted(items))
        if not person and not item and not course:
            return (me,), chosen
        who = self.library.person_id(person) if person else ""
        if who == me or self._sees_all or is_own:
            return ((who,) if who else ()), chosen
        if enrolled and (not who or who in enrolled):
            return ((who,) if who else enrolled), chosen
        if who:
            self.library.allow("view progress", person=who)
        return (me,), chosen

    @property
    def _sees_all(self) -> bool:
        access = self.library.access
        groups = self.library.scope.group_ids
        return all("all" in access.grants("view progress", group) for group in groups)

    def _is_own(self, thing: Thing) -> bool:
        return self.library.may("view progress", thing)

    def export(
        self, *, person: str = "", item: str = "", course: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Yield every viewing as a line that ``load`` takes, oldest first."""
        for event, who, thing in self._events(person, item, course):
            said = event.metadata
            yield {
                "id": event.id,
                "at": timestamp(event.at),
                "action": event.action,
                "person": who,
                "item": thing.slug,
                "ranges": said.get("ranges") if event.action == VIEWED else None,
                "position": said.get("position"),
                "device": said.get("deviceType"),
                "session": said.get("sessionId"),
                "duration": said.get("duration"),
            }

    def xapi(
        self, *, person: str = "", item: str = "", course: str = ""
    ) -> Iterator[dict[str, Any]]:
        """Yield every viewing as statements of the xAPI video profile, person by person."""
        found = self._events(person, item, course, by_pair=True)
        for _, run in groupby(found, key=lambda each: (each[0].actor_id, each[0].target_id)):
            events = list(run)
            first, who, thing = events[0]
            names = self.store.people.known([str(first.actor_id)])
            shown = next((each.name for each in names.values()), who)
            told = Told(
                str(first.actor_id), first.group_id, thing.id, shown, thing.name, length_of(thing)
            )
            yield from told.statements(viewing_of(event) for event, _, _ in events)

    def _events(
        self, person: str, item: str, course: str, *, by_pair: bool = False
    ) -> Iterator[tuple[Event, str, Thing]]:
        """Yield events about watching with what people call their person and item."""
        people, items = self._chosen(person, item, course)
        if not person and not item and self._sees_all:
            people = ()
        if items == ():
            return
        things: dict[str, Thing | None] = {}
        names: dict[str, str] = {}
        for event in self.store.watched.every(people, items or (), by_pair=by_pair):
            if event.actor_id is None or event.target_id is None:
                continue
            if event.target_id not in things:
                things[event.target_id] = self.store.things.find(event.target_id)
            thing = things[event.target_id]
            if event.actor_id not in names:
                known = self.store.people.known([event.actor_id])
                names[event.actor_id] = next((each.slug for each in known.values()), event.actor_id)
            if thing is not None:
                yield event, names[event.actor_id], thing

    def _known(self, item: str, action: str, person: str) -> tuple[tuple[str, str], Watch | None]:
        """Return the ids of a person and an item, and what is known of them.

        Raises NotFound, PermissionRefused or Conflict.
        """
        thing = self.library.resolve(item, WATCHABLE)
        if action != COMPLETED:
            thing = watched_item(self.store, thing)
        who = self.library.person(person)
        self.library.allow("record progress", thing, person=who.id)
        self.library.writable([thing])
        pair = (who.id, thing.id)
        return pair, watches(self.store, [pair]).get(pair)

    def _record(
        self,
        item: str,
        steps: Sequence[dict[str, Any]],
        pair: tuple[str, str],
        before: Watch | None,
        person: str,
    ) -> Outcome:
        from vidctl.library.intake import BAD
        from vidctl.library.known import Known
        from vidctl.library.lines import WatchLines

        known = Known(self.library, person, "")
        reader = WatchLines(known, imported=False)
        reader.begin(new_ids(len(steps)))
        moment = _moment(before, is_reset=steps[0]["action"] == RESET)
        try:
            viewings = [
                reader.read(json.dumps({"item": item, "at": moment, **step}).encode())
                for step in steps
            ]
        except BAD as error:
            if isinstance(error, VidctlError):
                raise
            raise UsageError(str(error)) from None
        config = self.library.config
        rules = Rules(config.number("progress.threshold"), config.text("courses.weight"), now)
        record(store=self.store, viewings=viewings, lengths=known.lengths, rules=rules)
        return self._outcome(pair, item)

    def _outcome(self, pair: tuple[str, str], item: str) -> Outcome:
        link = self.store.connections.find(pair[0], "watched", pair[1])
        assert link is not None, item
        return Outcome(self._rows([link])[0])

    def _rows(self, links: Sequence[Connection]) -> list[dict[str, Any]]:
        things = self.store.things.known(link.to_id for link in links)
        people = self.store.people.known(link.from_id for link in links)
        return [row(link, people.get(link.from_id), things[link.to_id]) for link in links]


def _moment(before: Watch | None, *, is_reset: bool) -> int:
    """Return the present, made later than what it must come after.

    A reset takes back whatever is known; anything else happens after the last reset.
    """
    known = None if before is None else (before.last_at if is_reset else (before.reset or (0,))[0])
    return max(now(), (known or 0) + 1)


def row(link: Connection, person: Thing | None, thing: Thing) -> dict[str, Any]:
    """Return a ``watched`` link as it appears in JSON: seconds, and epoch milliseconds."""
    watch, whole = Watch.of(link.metadata), length_of(thing)
    return {
        "personId": link.from_id,
        "person": person.slug if person else None,
        "itemId": thing.id,
        "item": thing.slug,
        "name": thing.name,
        "type": thing.type,
        "coverage": watch.coverage(whole),
        "seen": watch.seen / 1000,
        "rewatched": watch.rewatched / 1000,
        "watchTime": watch.watched / 1000,
        "lastPosition": watch.position / 1000,
        "duration": whole / 1000 if whole else None,
        "completed": watch.completed_at is not None,
        "completedAt": watch.completed_at,
        "startedAt": watch.started_at,
        "lastAt": watch.last_at,
        "views": watch.views,
        "ranges": link.metadata["ranges"],
    }


def lines_of_csv(file: Path) -> Iterator[bytes]:
    """Yield the rows of a CSV file with a header as lines of JSON.

    ``ranges`` are JSON, or written as ``0-10;20.5-30``. Raises csv.Error or UnicodeDecodeError.
    """
    from vidctl.library.intake import LONGEST_LINE

    numbers = {"position", "duration"}
    # The module stops at cells of 131,072 characters, which a long list of ranges exceeds.
    before = csv.field_size_limit(LONGEST_LINE)
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            for cells in csv.DictReader(stream):
                said: dict[str, Any] = {}
                for key, cell in cells.items():
                    text = cell.strip() if isinstance(cell, str) else cell
                    if key is None or text in ("", None):
                        continue
                    if key == "ranges":
                        said[key] = ranges_of(str(text))
                    elif key in numbers or (key == "at" and str(text).isdigit()):
                        said[key] = number_of(str(text))
                    else:
                        said[key] = text
                yield json.dumps(said).encode()
    finally:
        csv.field_size_limit(before)


def ranges_of(text: str) -> Any:
    """Read ranges of a cell; what cannot be read comes back as it is."""
    try:
        if text.startswith("["):
            return json.loads(text)
        pairs = [part.split("-") for part in text.split(";")]
        return [[float(start), float(end)] for start, end in pairs]
    except ValueError:
        return text


def number_of(text: str) -> Any:
    """Read a number of a cell; what is none comes back as it is."""
    try:
        return json.loads(text)
    except ValueError:
        return text
