"""Watching: what one person has seen of one item, as a pure function of the events about it.

Positions are whole milliseconds here, so that sums do not depend on the order of their parts;
events and links hold them as seconds.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from vidctl.model.connection import Connection
    from vidctl.model.event import Event

# Ranges this close are one: 9.9994 and 10 are the same place of a recording.
EPSILON = 1

VIEWED, PROGRESSED, COMPLETED, RESET = (
    "video_viewed",
    "video_progressed",
    "video_completed",
    "progress_reset",
)
ACTIONS = frozenset((VIEWED, PROGRESSED, COMPLETED, RESET))

# From and to, in milliseconds of the recording.
Range = tuple[int, int]


class Viewing(NamedTuple):
    """One event as it is counted: times in epoch milliseconds, positions in milliseconds.

    ``metadata`` is the event's own.
    """

    at: int
    id: str
    action: str
    ranges: Sequence[Range] = ()
    position: int | None = None
    person_id: str | None = None
    item_id: str | None = None
    metadata: dict[str, Any] = {}  # noqa: RUF012  (never changed)


@dataclass(frozen=True, slots=True)
class Watch:
    """What somebody has seen of an item.

    ``ranges``, ``current``, ``position`` and ``completed_at`` are since the last reset, the rest is
    of all events. ``watched`` and ``current`` count twice what was seen twice; ``reset`` is when
    the last reset was, and its id.
    """

    ranges: tuple[Range, ...] = ()
    watched: int = 0
    current: int = 0
    position: int = 0
    views: int = 0
    started_at: int | None = None
    last_at: int | None = None
    completed_at: int | None = None
    reset: tuple[int, str] | None = None

    @property
    def seen(self) -> int:
        """Milliseconds of the item that were seen, each counted once."""
        return length(self.ranges)

    @property
    def rewatched(self) -> int:
        """Milliseconds that were watched and had been seen before, since the last reset."""
        return max(0, self.current - self.seen)

    def coverage(self, duration: int) -> float | None:
        """Return the share of an item that was seen (0 to 1), None when its length is unknown."""
        return min(1.0, self.seen / duration) if duration > 0 else None

    def metadata(self) -> dict[str, Any]:
        """Return the metadata of a ``watched`` link; what is unknown is left out."""
        found: dict[str, Any] = {
            "ranges": in_seconds(self.ranges),
            "watchTime": self.watched / 1000,
            "lastPosition": self.position / 1000,
            "lastAt": self.last_at,
            "views": self.views,
        }
        if self.started_at is not None:
            found["startedAt"] = self.started_at
        if self.completed_at is not None:
            found["completedAt"] = self.completed_at
        if self.reset is not None:
            found["resetAt"], found["resetId"] = self.reset
            found["resetWatchTime"] = (self.watched - self.current) / 1000
        return found

    @classmethod
    def of(cls, metadata: dict[str, Any]) -> Watch:
        """Read the metadata of a ``watched`` link back."""
        reset = metadata.get("resetAt")
        watched = round(metadata["watchTime"] * 1000)
        return cls(
            ranges=tuple(in_milliseconds(metadata["ranges"])),
            watched=watched,
            current=watched - round(metadata.get("resetWatchTime", 0) * 1000),
            position=round(metadata["lastPosition"] * 1000),
            views=metadata["views"],
            started_at=metadata.get("startedAt"),
            last_at=metadata["lastAt"],
            completed_at=metadata.get("completedAt"),
            reset=None if reset is None else (reset, metadata["resetId"]),
        )


@dataclass(frozen=True, slots=True)
class WatchQuery:
    """Which pairs of a person and an item a listing shows, those watched last first.

    Nothing named means all of the scope; ``cursor`` is the ``next`` of the page before.
    """

    people: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class WatchPage:
    """One page of ``watched`` links, how many match in all, and the cursor of the next page."""

    links: tuple[Connection, ...]
    total: int
    next: str | None = None


def union(ranges: Iterable[Range]) -> tuple[Range, ...]:
    """Return ranges sorted and disjoint; those that overlap or touch become one."""
    ordered = sorted(ranges)
    if not ordered:
        return ()
    merged: list[Range] = []
    start, end = ordered[0]
    for first, last in ordered:
        if first > end + EPSILON:
            merged.append((start, end))
            start, end = first, last
        elif last > end:
            end = last
    merged.append((start, end))
    return tuple(merged)


def length(ranges: Iterable[Range]) -> int:
    """Return the milliseconds that ranges take together."""
    return sum([end - start for start, end in ranges])


def in_milliseconds(ranges: Iterable[Sequence[float]]) -> list[Range]:
    """Return ranges of seconds as whole milliseconds."""
    return [(round(start * 1000), round(end * 1000)) for start, end in ranges]


def in_seconds(ranges: Iterable[Range]) -> list[list[float]]:
    """Return ranges of milliseconds as seconds."""
    return [[start / 1000, end / 1000] for start, end in ranges]


def fold(events: Iterable[Event]) -> Watch:
    """Return what the events about one person and item come to, in whatever order they are given.

    An event counts once, however often it is given.
    """
    distinct = {event.id: viewing_of(event) for event in events if event.action in ACTIONS}
    found = advance(Watch(), list(distinct.values())) if distinct else Watch()
    assert found is not None, "nothing is known that a reset could be older than"
    return found


def viewing_of(event: Event) -> Viewing:
    """Return a logged event as it is counted."""
    position = event.metadata.get("position")
    return Viewing(
        event.at,
        event.id,
        str(event.action),
        in_milliseconds(event.metadata.get("ranges") or ()),
        None if position is None else round(position * 1000),
        event.actor_id,
        event.target_id,
        event.metadata,
    )


def advance(watch: Watch, viewings: Sequence[Viewing]) -> Watch | None:
    """Add distinct events that are not counted yet, one at least, in any order.

    Returns None where a reset is not later than everything known: then only all events can tell
    what it took back.
    """
    reset, ranges, position, completed = watch.reset, watch.ranges, watch.position, []
    before = watch.current
    if watch.completed_at is not None:
        completed.append(watch.completed_at)
    resets = [(each.at, each.id) for each in viewings if each.action == RESET]
    if resets and (reset is None or max(resets) > reset):
        reset = max(resets)
        if watch.last_at is not None and reset[0] <= watch.last_at:
            return None
        ranges, position, completed, before = (), 0, [], 0
    current = since(viewings, reset)
    spans = [span for each in current for span in each.ranges]
    whole = spans
    if current is not viewings:
        whole = [span for each in viewings for span in each.ranges]
    if spans:
        ranges = union([*ranges, *spans])
        position = max(position, ranges[-1][1])
    places = [each.position for each in current if each.position is not None]
    completed += [each.at for each in current if each.action == COMPLETED]
    times = [each.at for each in viewings]
    starts = [each.at for each in viewings if each.action != RESET] if resets else times
    return Watch(
        ranges=ranges,
        watched=watch.watched + length(whole),
        current=before + length(spans),
        position=max(position, *places) if places else position,
        views=watch.views + [each.action for each in viewings].count(VIEWED),
        started_at=_first(watch.started_at, starts),
        last_at=max(times) if watch.last_at is None else max(watch.last_at, *times),
        completed_at=min(completed, default=None),
        reset=reset,
    )


def _first(known: int | None, times: list[int]) -> int | None:
    return min(times, default=known) if known is None else min(known, *times, known)


def since(viewings: Sequence[Viewing], reset: tuple[int, str] | None) -> Sequence[Viewing]:
    """Return the events later than a reset, all where there was none."""
    if reset is None:
        return viewings
    return [each for each in viewings if (each.at, each.id) > reset]
