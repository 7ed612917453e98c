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
