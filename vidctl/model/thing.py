"""Things: people, videos, podcasts, playlists, courses and lessons."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vidctl.model.condition import Condition

MEDIA_TYPES = ("video", "podcast")
PEOPLE_TYPES = ("creator", "user")


@dataclass(frozen=True, slots=True)
class Thing:
    """One row of ``things``. Times are epoch milliseconds; ``properties`` keys are camelCase."""

    id: str
    group_id: str
    type: str
    slug: str
    name: str
    status: str
    created_at: int
    updated_at: int
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThingQuery:
    """What a listing asks for. Times are epoch milliseconds, durations seconds.

    ``sort`` is one of ``created updated published title duration``; ``cursor`` is the ``next`` of
    the page before. ``archived`` things are left out unless ``status`` names them. All of
    ``labels`` and ``where`` must hold. ``role`` asks for people with that role in their own group;
    those of ``role_owners`` (ids) have it without a link.
    """

    types: tuple[str, ...]
    status: str | None = None
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    where: tuple[Condition, ...] = ()
    author: str | None = None
    role: str | None = None
    role_owners: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None
    text: str | None = None
    sort: str = "created"
    descending: bool = True
    limit: int = 20
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing: its rows, how many match in all, and the cursor of the next page."""

    items: tuple[Thing, ...]
    total: int
    next: str | None = None
