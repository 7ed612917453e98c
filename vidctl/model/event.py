"""Events: the append-only log of what happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened ``at`` an epoch millisecond, to ``target_id``, by ``actor_id``."""

    type: str
    action: str | None = None
    actor_id: str | None = None
    target_id: str | None = None
    at: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)
    id: str = ""
    group_id: str = ""


@dataclass(frozen=True, slots=True)
class EventQuery:
    """Which events are asked for: all of the scope, or those that fit what is named.

    ``actor`` and ``target`` are ids, ``since`` (inclusive) and ``until`` (exclusive) epoch
    milliseconds; ``cursor`` is the ``next`` of the page before.
    """

    type: str | None = None
    action: str | None = None
    actor: str | None = None
    target: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class EventPage:
    """One page of events, newest first, how many fit in all, and the cursor of the next page."""

    items: tuple[Event, ...]
    total: int
    next: str | None = None
