"""Uploads under way: what of a file has reached a host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

# An upload's row goes when what it brought is recorded; the media row says the rest.
STATES = ("active", "interrupted", "failed")
# What bytes are on their way for. BESIDE belongs to something else that is sent; a REMOVAL holds
# the place of bytes that are being removed.
ITEM, REPLACE, MOVE, BESIDE, REMOVAL = PURPOSES = ("item", "replace", "move", "beside", "removal")


@dataclass(frozen=True, slots=True)
class SentPart:
    """A part that the host has acknowledged; ``etag`` is the host's word for it.

    ``ordinal`` counts from 0, ``offset`` and ``size`` are bytes.
    """

    ordinal: int
    offset: int
    size: int
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way to a host, in parts of ``part_size`` bytes.

    ``remote_id`` is the host's name for the transfer, empty until it began; ``source`` the path
    or address that the bytes come from; ``parts`` what has arrived, by ordinal; ``has_arrived``
    that all has, and is not recorded yet. ``purpose`` is one of PURPOSES, ``thing_id`` the item
    that the bytes are for, empty for a new one, and ``details`` what a resumption needs to know.
    """

    id: str
    group_id: str
    host: str
    locator: str
    sha256: str
    size: int
    source: str
    state: str
    part_size: int = 0
    remote_id: str = ""
    parts: dict[int, SentPart] = field(default_factory=dict)
    error: str = ""
    created_at: int = 0
    updated_at: int = 0
    purpose: str = ITEM
    thing_id: str = ""
    details: dict[str, Any] = field(default_factory=dict)
    has_arrived: bool = False

    @property
    def sent(self) -> int:
        """How many bytes have arrived."""
        return self.size if self.has_arrived else sum(part.size for part in self.parts.values())
