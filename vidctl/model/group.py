"""Groups: tenants, nested to any depth."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

GROUP_TYPES = (
    "business",
    "community",
    "dao",
    "friend_circle",
    "government",
    "organization",
)


@dataclass(frozen=True, slots=True)
class Group:
    """One tenant. ``path`` is the chain of slugs from the top (``acme/courses``)."""

    id: str
    slug: str
    name: str
    type: str
    parent_id: str | None
    path: str
    status: str
    created_at: int
    updated_at: int
    description: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
