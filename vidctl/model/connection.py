"""Connections: typed, directed links between things."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Connection:
    """A link of ``type`` from one thing to another; ``position`` orders ``contains``."""

    id: str
    group_id: str
    from_id: str
    to_id: str
    type: str
    position: float | None = None
    metadata: dict[str, Any] = field(default_factory=dict)
