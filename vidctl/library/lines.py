"""Lines of JSON that say what happened, read into events: checked, resolved and allowed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from vidctl.catalog.watching import viewed_metadata
from vidctl.ids import derived_id, is_id
from vidctl.library.core import now
from vidctl.library.known import Known, Place
from vidctl.model.watching import (
    ACTIONS,
    COMPLETED,
    PROGRESSED,
    VIEWED,
    Range,
    Viewing,
)

LONGEST_SECONDS = 3_600_000.0
LAST_MOMENT = 253_402_300_799_999
# How far a player's clock may be ahead: a day, in milliseconds.
AHEAD = 86_400_000
# What vidctl logs itself when it does something; from outside it would be a forgery.
RESERVED = frozenset(
    (
        *("course_completed", "course_enrolled", "course_unenrolled", "searched", "video_uploaded"),
        *("item_moved", "items_added", "items_removed", "items_sorted"),
    )
)
DEEPEST = 64
_DEVICE = re.compile(r"[a-z0-9_-]{1,20}")
_ACTION = re.compile(r"[a-z][a-z0-9_]{0,63}")

Seconds = Annotated[float, Meta(ge=0, le=LONGEST_SECONDS)]
Span = tuple[Seconds, Seconds]
Moment = Annotated[int, Meta(ge=1, le=LAST_MOMENT)] | str
Name = Annotated[str, Meta(min_length=1, max_length=500)]
Share = Annotated[float, Meta(ge=0, le=1)]
Watching = Literal["video_viewed", "video_progressed", "video_completed", "progress_reset"]


# What a NamedTuple does, without its detour through Python.
_new = tuple.__new__


class BadLine(Exception):
    """A line that says nothing that can be stored."""


class WatchLine(Struct, forbid_unknown_fields=True, gc=False):
    """What somebody saw of an item, or did with it; without an action, what its fields say."""

    item: Name
    person: Name | None = None
    ranges: list[Span] | None = None
    at: Moment | None = None
    device: str | None = None
    session: Name | None = None
    position: Seconds | None = None
    duration: Seconds | None = None
    id: Name | None = None
    action: Watching | None = None


class EventLine(Struct, forbid_unknown_fields=True, gc=False):
    """A ``content_event`` about anything."""

    action: str
    type: str = "content_event"
    actor: Name | None = None
    target: Name | None = None
    at: Moment | None = None
    metadata: msgspec.Raw = msgspec.Raw(b"null")
    id: Name | None = None


class _Loose(Struct):
    """What the metadata of an event about watching may hold besides anything else."""

    ranges: list[Span] = []
    watchTime: Seconds | None = None  # noqa: N815
    completionRate: Share | None = None  # noqa: N815
    duration: Seconds | None = None
    deviceType: str | None = None  # noqa: N815
    position: Seconds | None = None
    sessionId: Name | None = None  # noqa: N815


class _Exact(_Loose, forbid_unknown_fields=True, gc=False):
    """The same and nothing else, which is quicker to read."""


class Lines:
    """Reads lines of one form; ``begin`` gives it the ids of the next chunk.

    ``derived`` are the ids made from what lines of the chunk say, with the id they gave if that is
    one of ours.
    """

    def __init__(self, known: Known, *, imported: bool) -> None:
        self.known = known
        self.imported = imported
        self.derived: dict[str, str] = {}
        self._devices: dict[str, str] = {}
        self._encode = msgspec.json.Encoder().encode

    def begin(self, ids: Sequence[str]) -> None:
        """Start a chunk."""
        self._ids = iter(ids)
        self._latest = now() + AHEAD
        self.derived = {}

    def _id(self, group_id: str, given: str | None, said: Sequence[Any]) -> str:
        if given is None and not self.imported:
            return next(self._ids)
        native = given if given is not None else self._encode(said).decode()
        # An id is the sender's own: two people may number their viewings alike.
        whose = f"{said[1] or ''}/" if given is not None else ""
        found = derived_id(group_id, "event", whose + native)
        self.derived[found] = native if is_id(native) else ""
        return found

    def _device(self, given: str) -> str:
        found = self._devices.get(given)
        if found is None:
            found = given.strip().lower()
            if not _DEVICE.fullmatch(found):
                raise BadLine("a device is a word of a-z, 0-9, - and _, at most 20 of them")
            if len(self._devices) < 1000:
                self._devices[given] = found
        return found


def moment_of(at: int | str | None) -> int:
    """Return a time as epoch milliseconds, the present for None.

    Raises BadLine for what is no ISO 8601 date.
    """
    if at is None:
        return now()
    if isinstance(at, int):
        return at
    try:
        moment = datetime.fromisoformat(at.strip())
        found = round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        raise BadLine(f"at: {at[:50]!r} is neither milliseconds nor an ISO 8601 date") from None
    if not 0 < found <= LAST_MOMENT:
        raise BadLine(f"at: {at[:50]!r} is before 1970")
    return found


def spans_of(ranges: Sequence[Span], whole: int) -> list[Range]:
    """Return ranges of seconds as milliseconds, cut at the end of an item of a known length.

    Empty ranges are left out. Raises BadLine when one ends before it starts, or all lie beyond the
    end.
    """
    found: list[Range] = []
    for first, last in ranges:
        start, end = int(first * 1000 + 0.5), int(last * 1000 + 0.5)
        if last < first:
            raise BadLine(f"a range ends before it starts: {first:g}-{last:g}")
        if end > whole > 0:
            end = whole
        if end > start:
            found.append((start, end))
    if (
        not found
        and whole > 0
        and any(first * 1000 >= whole for first, last in ranges if last > first)
    ):
        raise BadLine(f"the item ends at {whole / 1000:g} seconds")
    return found


def place_of(position: float, whole: int) -> int:
    """Return a position in milliseconds, the end of the item at most."""
    found = round(position * 1000)
    return min(found, whole) if whole > 0 else found


class WatchLines(Lines):
    """Reads lines of the form ``watch``."""

    def __init__(self, known: Known, *, imported: bool) -> None:
        super().__init__(known, imported=imported)
        self._decode = msgspec.json.Decoder(WatchLine).decode

    def read(self, raw: bytes) -> Viewing:
        """Read one line. Raises BadLine, a VidctlError or a MsgspecError."""
        line = self._decode(raw)
        known = self.known
        ranges = line.ranges
        action: str = line.action or (PROGRESSED if ranges is None else VIEWED)
        place = known.items.get((action, line.item))
        if type(place) is not Place:
            place = known.item(line.item, action)
        item, group_id, whole = place
        person = known.people.get(line.person)
        if type(person) is not str:
            person = known.person_id(line.person)
        if (person, group_id) not in known.allowed:
            known.allow(person, group_id, line.item)
        at = line.at
        if type(at) is not int:
            at = moment_of(at)
        if at > self._latest:
            raise BadLine("at: more than a day ahead of now")
        spans: list[Range] = []
        position = None if line.position is None else place_of(line.position, whole)
        if action == VIEWED and ranges is not None:
            spans = spans_of(ranges, whole)
            metadata = viewed_metadata(
                spans,
                whole or int((line.duration or 0) * 1000 + 0.5),
                position,
                line.device and (self._devices.get(line.device) or self._device(line.device)),
                line.session,
            )
        else:
            metadata = self._other(action, ranges, position)
        if line.id is None and not self.imported:
            id_ = next(self._ids)
        else:
            id_ = self._id(group_id, line.id, (action, person, item, line.at, spans, position))
        return _new(Viewing, (at, id_, action, spans, position, person, item, metadata))

    def _other(
        self, action: str, ranges: list[Span] | None, position: int | None
    ) -> dict[str, Any]:
        """Return the metadata of what is no viewing."""
        if action == VIEWED:
            raise BadLine("a viewing needs ranges")
        if ranges:
            raise BadLine(f"ranges do not belong to {action}")
        if action == PROGRESSED:
            if position is None:
                raise BadLine("neither ranges nor a position")
            return {"position": position / 1000}
        if position is not None:
            raise BadLine(f"a position does not belong to {action}")
        return {"by": "hand"} if action == COMPLETED else {}


class EventLines(Lines):
    """Reads lines of the form ``event``."""

    def __init__(self, known: Known, *, imported: bool) -> None:
        super().__init__(known, imported=imported)
        self._decode = msgspec.json.Decoder(EventLine).decode
        self._exact = msgspec.json.Decoder(_Exact).decode
        self._any = msgspec.json.Decoder(dict[str, Any] | None).decode

    def read(self, raw: bytes) -> Viewing:
        """Read one line. Raises BadLine, a VidctlError or a MsgspecError."""
        line = self._decode(raw)
        known, action = self.known, line.action
        if line.type != "content_event":
            raise BadLine(f"{line.type[:50]!r} events are written by vidctl itself")
        if action in RESERVED or action.startswith("entity_"):
            raise BadLine(f"{action[:50]!r} events are written by vidctl itself")
        item: str | None = None
        if line.target is not None:
            place = known.items.get((action, line.target))
            if type(place) is not Place:
                place = known.item(line.target, action)
            item, group_id, whole = place
        elif action in ACTIONS:
            raise BadLine(f"{action} needs a target")
        else:
            group_id, whole = known.library.home, 0
        person = known.people.get(line.actor)
        if type(person) is not str:
            person = known.person_id(line.actor)
        if (person, group_id) not in known.allowed:
            known.allow(person, group_id, line.target or "")
        metadata, spans, position = self._said(action, line.metadata, whole)
        at = line.at
        if type(at) is not int:
            at = moment_of(at)
        if at > self._latest:
            raise BadLine("at: more than a day ahead of now")
        if line.id is None and not self.imported:
            id_ = next(self._ids)
        else:
            id_ = self._id(group_id, line.id, (action, person, item, line.at, metadata))
        return _new(Viewing, (at, id_, action, spans, position, person, item, metadata))

    def _said(
        self, action: str, raw: msgspec.Raw, whole: int
    ) -> tuple[dict[str, Any], list[Range], int | None]:
        """Return metadata, of watching checked and completed, with its ranges and position."""
        if action == VIEWED:
            try:
                return self._viewed(self._exact(raw), whole)
            except msgspec.ValidationError:
                pass  # it says more than we know, or something wrong, which is told below
        text = bytes(raw)
        metadata = self._any(text) or {}
        if text.count(b"[") + text.count(b"{") > DEEPEST and is_deep(metadata, DEEPEST):
            raise BadLine("nested too deeply")
        if action not in ACTIONS:
            if not _ACTION.fullmatch(action):
                raise BadLine("an action is a word of a-z, 0-9 and _")
            return metadata, [], None
        given = msgspec.convert(metadata, _Loose)
        if action == VIEWED:
            said, spans, position = self._viewed(given, whole)
            return {**metadata, **said}, spans, position
        if given.ranges:
            raise BadLine(f"ranges do not belong to {action}")
        if action == PROGRESSED:
            if given.position is None:
                raise BadLine("video_progressed needs a position")
            position = place_of(given.position, whole)
            return {**metadata, "position": position / 1000}, [], position
        return {**metadata, **({"by": "hand"} if action == COMPLETED else {})}, [], None

    def _viewed(self, given: _Loose, whole: int) -> tuple[dict[str, Any], list[Range], int | None]:
        spans = spans_of(given.ranges, whole)
        position = None if given.position is None else place_of(given.position, whole)
        device = given.deviceType
        if device is not None:
            device = self._devices.get(device) or self._device(device)
        known = whole or int((given.duration or 0) * 1000 + 0.5)
        said = viewed_metadata(spans, known, position, device, given.sessionId)
        if given.watchTime is not None:
            said["watchTime"] = given.watchTime
        if given.completionRate is not None:
            said["completionRate"] = given.completionRate
        return said, spans, position


def is_deep(value: Any, levels: int) -> bool:
    """Tell whether lists and objects are nested deeper than some levels."""
    if isinstance(value, dict):
        value = list(value.values())
    if not isinstance(value, list):
        return False
    return levels <= 0 or any(is_deep(each, levels - 1) for each in value)
