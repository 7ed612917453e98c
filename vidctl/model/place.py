"""Order: where something goes in a playlist, course or lesson, and a page of what is in it."""

from __future__ import annotations

from dataclasses import dataclass

from vidctl.errors import UsageError
from vidctl.model.connection import Connection
from vidctl.model.thing import Thing


@dataclass(frozen=True, slots=True)
class Place:
    """Where something goes in an order: at most one is set, none means the end.

    ``at`` counts from 1 and only what is shown; beyond the end it means the end. ``before`` and
    ``after`` are a member's id. Raises UsageError for an ``at`` below 1, and for two at once.
    """

    at: int | None = None
    before: str | None = None
    after: str | None = None

    def __post_init__(self) -> None:
        if sum(given is not None for given in (self.at, self.before, self.after)) > 1:
            raise UsageError("a place is one of: a number, before an item, after an item")
        if self.at is not None and self.at < 1:
            raise UsageError(f"there is no place {self.at}: places count from 1")


@dataclass(frozen=True, slots=True)
class Placed:
    """A member with its place among those that are shown, from 1, and the link that holds it."""

    ordinal: int
    thing: Thing
    link: Connection


@dataclass(frozen=True, slots=True)
class LinkPage:
    """One page of an order: its members, how many are shown in all, the cursor of the next."""

    items: tuple[Placed, ...]
    total: int
    next: str | None = None
