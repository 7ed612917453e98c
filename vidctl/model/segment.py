"""Segments: timed lines of a transcript."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Word:
    """One spoken word with its start and end in seconds from the start of the media."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Segment:
    """A line of speech short enough to read at once; start and end are seconds.

    ``words`` is empty where the source (a caption file) times only lines.
    """

    start: float
    end: float
    text: str
    speaker: str | None = None
    words: tuple[Word, ...] = ()


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of media transcribed in one go; the unit that a rerun does not repeat."""

    ordinal: int
    start: float
    end: float
