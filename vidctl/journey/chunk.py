"""Cut a thing's text into chunks of equal length which overlap: what search ranks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

from vidctl.errors import UsageError
from vidctl.ids import derived_id
from vidctl.model.knowledge import Chunk
from vidctl.model.segment import Segment, Word

WORDS = 500
OVERLAP = 50


@dataclass(frozen=True, slots=True)
class _Timed:
    """A whitespace-separated word, the ordinal of its segment, and its seconds."""

    text: str
    segment: int
    start: float
    end: float


def chunk_segments(
    segments: Sequence[Segment],
    *,
    thing_id: str,
    role: str = "chunk_of",
    words: int = WORDS,
    overlap: int = OVERLAP,
) -> list[Chunk]:
    """Cut a transcript into chunks of ``words`` words, each repeating ``overlap`` of the last.

    The last chunk may be shorter. Words are what ``text.split()`` gives. A word without a time of
    its own gets one from its place in its segment. The same transcript gives the same ids.
    Raises UsageError for settings that cannot work.
    """
    timed = _timed_words(segments)
    chunks = []
    for ordinal, (first, last) in enumerate(_spans(len(timed), words, overlap)):
        inside = timed[first:last]
        chunk = _chunk(thing_id, role, ordinal, [word.text for word in inside])
        chunks.append(
            replace(
                chunk,
                start=inside[0].start,
                end=max(word.end for word in inside),
                segment_first=inside[0].segment,
                segment_last=inside[-1].segment,
            )
        )
    return chunks


def chunk_text(
    text: str,
    *,
    thing_id: str,
    role: str = "summary",
    words: int = WORDS,
    overlap: int = OVERLAP,
) -> list[Chunk]:
    """Cut a text without times (a description) in the same way."""
    split = text.split()
    return [
        _chunk(thing_id, role, ordinal, split[first:last])
        for ordinal, (first, last) in enumerate(_spans(len(split), words, overlap))
    ]


def _chunk(thing_id: str, role: str, ordinal: int, words: list[str]) -> Chunk:
    text = " ".join(words)
    content_hash = hashlib.sha256(text.encode()).hexdigest()
    return Chunk(
        id=derived_id(thing_id, role, f"{ordinal}:{content_hash}"),
        thing_id=thing_id,
        ordinal=ordinal,
        text=text,
        content_hash=content_hash,
        role=role,
    )


def _spans(count: int, words: int, overlap: int) -> Iterator[tuple[int, int]]:
    if words < 1 or overlap < 0:
        raise UsageError("a chunk needs at least one word, and an overlap cannot be negative")
    if overlap >= words:
        raise UsageError(
            f"chunks of {words} words cannot overlap by {overlap}",
            hint="choose an overlap smaller than the chunk",
        )
    for first in range(0, count, words - overlap):
        yield first, min(first + words, count)
        # What would follow is only the overlap, which this chunk has already.
        if first + words >= count:
            return


def _timed_words(segments: Sequence[Segment]) -> list[_Timed]:
    timed = []
    latest = 0.0
    for ordinal, segment in enumerate(segments):
        words = segment.text.split()
        for text, (start, end) in zip(words, _word_times(segment, words), strict=True):
            # Speakers talk over each other and engines err: a word never starts before the last.
            latest = max(latest, start)
            timed.append(_Timed(text, ordinal, latest, max(latest, end)))
    return timed


def _word_times(segment: Segment, words: list[str]) -> list[tuple[float, float]]:
    """Time each word by the timed words under its characters, else by its share of them.

    Engines split words otherwise than whitespace does (``it 's``, Chinese), hence characters.
    """
    bounds = [0, *accumulate(map(len, words))]
    owners = [word for word in segment.words for _ in "".join(word.text.split())]
    if len(owners) != bounds[-1]:
        owners = [_share(segment, index, bounds[-1]) for index in range(bounds[-1])]
    return [(owners[first].start, owners[after - 1].end) for first, after in pairwise(bounds)]


def _share(segment: Segment, index: int, count: int) -> Word:
    length = segment.end - segment.start
    return Word(
        "", segment.start + length * index / count, segment.start + length * (index + 1) / count
    )
