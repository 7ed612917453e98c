"""Uploads under way: what of a file has reached a host."""

from __future__ import annotations

from dataclasses import dataclass, field

# An upload's row goes when it is done; the media row says the rest.
STATES = ("active", "interrupted", "failed")


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
    or address that the bytes come from; ``parts`` what has arrived, by ordinal.
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

    @property
    def sent(self) -> int:
        """How many bytes have arrived."""
        return sum(part.size for part in self.parts.values())
