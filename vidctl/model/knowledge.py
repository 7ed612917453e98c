"""Knowledge: chunks of text, the windows of them that were embedded, and search hits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Chunk:
    """About 500 words of a thing's text; the unit of answer.

    ``start``/``end`` are seconds and ``segment_first``/``segment_last`` the ordinals of the first
    and last segment; all four are None for text without times (a description). ``role`` is
    ``chunk_of`` for transcript text and ``summary`` for title and description.
    """

    id: str
    thing_id: str
    ordinal: int
    text: str
    content_hash: str
    role: str = "chunk_of"
    start: float | None = None
    end: float | None = None
    segment_first: int | None = None
    segment_last: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a chunk that fits the embedding model, with its vector.

    ``first_word``/``last_word`` count whitespace-separated words of the chunk from 0, inclusive.
    ``vector`` is float32 little-endian of unit length.
    """

    chunk_id: str
    part: int
    first_word: int
    last_word: int
    text_hash: str
    vector: bytes


@dataclass(frozen=True, slots=True)
class Match:
    """A chunk that a ranker found: ``rank`` counts from 1, ``score`` is the ranker's own."""

    group_id: str
    chunk_id: str
    thing_id: str
    rank: int
    score: float
    first_word: int | None = None
    last_word: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A place in a thing that answers a query; ``start``/``end`` are seconds or None.

    ``marks`` are the (start, end) characters of ``text`` that match words of the query.
    """

    ref: str
    thing: dict[str, Any]
    start: float | None
    end: float | None
    text: str
    score: float
    marks: tuple[tuple[int, int], ...] = ()
    context: tuple[str, ...] = ()
    explain: dict[str, Any] = field(default_factory=dict)
