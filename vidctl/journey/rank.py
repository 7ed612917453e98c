"""Find the passages that answer a question inside the chunks that the rankers brought.

A ranker names chunks of some 500 words. A person wants the moment: the few lines that speak of it.
So every chunk is cut into passages of some 80 words, each passage is scored by its own words, by
those around it, and by the rank of the embedded window it lies in; of passages that overlap or
nearly touch only the best is kept.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from vidctl.journey.stemming import WORD, stem
from vidctl.model.knowledge import Chunk
from vidctl.model.segment import Segment

PASSAGE_WORDS = 80
PASSAGE_LINES = 8
# A speech without a break is one segment; nobody wants to be sent to its beginning.
LINE_WORDS = 40
# Saturation and length normalisation of BM25, the usual values.
K1, B = 1.2, 0.75
# How much a passage's chunk counts beside the passage itself.
SURROUNDINGS = 0.3
# What the first of the vector ranker's windows is worth at weight 1, beside a text score of at
# most 1, and how fast that falls from rank to rank. Ranks, because cosines spread differently
# from one embedding model to the next. tests/benchmarks/retrieval.py compares alternatives.
VECTOR_SHARE = 0.2
VECTOR_K = 3
# Passages closer than this are one moment.
SECONDS_APART = 10.0

# Words that say how a question is asked, not what about; and what apostrophes leave behind.
STOP_WORDS = frozenset(
    [
        *("a", "about", "all", "also", "am", "an", "and", "any", "are", "as", "at", "be", "been"),
        *("but", "by", "can", "could", "d", "did", "do", "does", "don", "for", "from", "had"),
        *("has", "have", "he", "her", "him", "his", "how", "i", "if", "in", "into", "is", "it"),
        *("its", "just", "ll", "m", "me", "more", "my", "no", "not", "of", "on", "or", "our"),
        *("out", "over", "re", "s", "said", "say", "says", "she", "should", "so", "some", "t"),
        *("than", "that", "the", "their", "them", "then", "there", "these", "they", "this"),
        *("those", "to", "up", "us", "ve", "was", "we", "were", "what", "when", "where", "which"),
        *("while", "who", "whom", "why", "will", "with", "would", "you", "your"),
    ]
)


class Question:
    """What a query asks for: its telling words as typed, and their stems, none twice.

    Words that every question has are dropped unless there are no others; ``spoken`` keeps the
    stems of all words in order.
    """

    def __init__(self, query: str) -> None:
        found = WORD.findall(query)
        telling = [word for word in found if word.lower() not in STOP_WORDS] or found
        by_stem: dict[str, str] = {}
        for word in telling:
            by_stem.setdefault(stem(word), word)
        self._found = found
        self.spoken = tuple(stem(word) for word in found)
        self.words = tuple(by_stem.values())
        self.stems = tuple(by_stem)
        # Looked for by their first letters: only the last letter of a stem can be another one than
        # in the word (happi, happy).
        starts = sorted({one[:-1] if len(one) > 2 else one for one in self.stems})
        self._likely = re.compile(rf"\b(?:{'|'.join(starts)})[^\W_]*", re.IGNORECASE)

    def expression(self, operator: str) -> str:
        """Write the FTS5 expression that joins all words by ``AND`` or ``OR``, each quoted."""
        return f" {operator} ".join(f'"{word}"' for word in self.words)

    def quotation(self) -> str:
        """Write the FTS5 expression for the whole query, word after word; empty for one word."""
        return f'"{" ".join(self._found)}"' if len(self._found) > 1 else ""

    def occurrences(self, text: str) -> list[tuple[int, int, str]]:
        """Return where words of the question stand in a text: (start, end, stem)."""
        if not text or not self.stems:
            return []
        # Accents hide first letters, so in other than ASCII text every word is looked at.
        words = (self._likely if text.isascii() else WORD).finditer(text)
        found = ((match.start(), match.end(), stem(match[0])) for match in words)
        return [one for one in found if one[2] in self.stems]


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of text with its seconds (None without times) and the ordinal of its segment."""

    text: str
    start: float | None = None
    end: float | None = None
    ordinal: int | None = None
    speaker: str = ""


def lines_of(chunk: Chunk, segments: Mapping[int, Segment]) -> tuple[Line, ...]:
    """Return a chunk as lines of at most 40 words: its segments, the long ones cut.

    A chunk whose segments are not at hand, or say something else by now, is cut evenly; its times,
    if it has any, are shared out by the number of words.
    """
    words = chunk.text.split()
    if chunk.segment_first is not None and chunk.segment_last is not None:
        ordinals = range(chunk.segment_first, chunk.segment_last + 1)
        known = [(n, segments[n], segments[n].text.split()) for n in ordinals if n in segments]
        skipped = _offset([word for _, _, spoken in known for word in spoken], words)
        if skipped is not None:
            return tuple(_clipped(known, skipped, skipped + len(words)))
    return tuple(_pieces(words, 0, len(words), Line("", chunk.start, chunk.end)))


def _offset(spoken: list[str], words: list[str]) -> int | None:
    """Return after how many words of the first segments the chunk begins."""
    starts = range(len(spoken) - len(words) + 1)
    return next((n for n in starts if spoken[n : n + len(words)] == words), None)


def _clipped(
    known: Sequence[tuple[int, Segment, list[str]]], first: int, after: int
) -> Iterator[Line]:
    position = 0
    for ordinal, segment, spoken in known:
        begin, stop = max(first - position, 0), min(after - position, len(spoken))
        position += len(spoken)
        if begin < stop:
            whole = Line("", segment.start, segment.end, ordinal, segment.speaker or "")
            yield from _pieces(spoken, begin, stop, whole)


def _pieces(words: Sequence[str], begin: int, stop: int, whole: Line) -> Iterator[Line]:
    """Cut ``words[begin:stop]`` into lines of like length; all ``words`` last as ``whole`` does."""
    count = math.ceil((stop - begin) / LINE_WORDS)
    bounds = [begin + (stop - begin) * n // count for n in range(count + 1)] if count else []
    for first, after in pairwise(bounds):
        start, end = whole.start, whole.end
        if start is not None and end is not None:
            length = end - start
            start, end = start + length * first / len(words), start + length * after / len(words)
        yield Line(" ".join(words[first:after]), start, end, whole.ordinal, whole.speaker)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A chunk that a ranker brought, as lines.

    Ranks count from 1, None where that ranker did not bring it; scores are the rankers' own (BM25,
    cosine). ``window`` holds the words (first, last) of the chunk that the cosine belongs to.
    """

    chunk_id: str
    thing_id: str
    lines: tuple[Line, ...]
    text_rank: int | None = None
    text_score: float = 0.0
    vector_rank: int | None = None
    similarity: float = 0.0
    window: tuple[int, int] = (0, -1)


@dataclass(slots=True)
class Passage:
    """Neighbouring lines of a candidate; ``text`` and ``score`` are between 0 and 1."""

    candidate: Candidate
    first: int
    last: int
    words: int
    counts: Mapping[str, int]
    is_in_window: bool
    text: float = 0.0
    score: float = 0.0

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the passage."""
        return self.candidate.lines[self.first : self.last + 1]

    @property
    def start(self) -> float | None:
        """Where it begins, in seconds."""
        return self.lines[0].start

    @property
    def end(self) -> float | None:
        """Where it ends, in seconds: speakers may overlap, so not always with its last line."""
        ends = [line.end for line in self.lines if line.end is not None]
        return max(ends, default=None)


def rank(
    question: Question,
    candidates: Sequence[Candidate],
    *,
    vector_weight: float,
    limit: int,
    is_quoting: Callable[[Passage], bool] = lambda passage: False,
) -> list[Passage]:
    """Return the best passages of the candidates, best first, no moment twice.

    ``vector_weight`` is how much the vector ranker counts beside the words, from 0 (not at all) to
    1; infinity leaves the words only to decide between passages of one window. A passage of which
    ``is_quoting`` is true, since it says the query word for word, scores above one half.
    """
    found = _scored(question, candidates)
    for passage in found:
        passage.score = _fused(passage, vector_weight)
        if is_quoting(passage):
            passage.score = (1 + passage.score) / 2
    found.sort(key=lambda passage: (-passage.score, -passage.text))
    kept: list[Passage] = []
    for passage in found:
        if passage.score <= 0 or len(kept) == limit:
            break
        same = [one for one in kept if one.candidate.thing_id == passage.candidate.thing_id]
        # What a thing says about itself adds nothing to a moment in it.
        is_aside = passage.start is None and any(one.start is not None for one in same)
        if not is_aside and not any(_is_same_moment(passage, one, vector_weight) for one in same):
            kept.append(passage)
    return kept


def _fused(passage: Passage, weight: float) -> float:
    rank = passage.candidate.vector_rank
    nearness = (1 + VECTOR_K) / (rank + VECTOR_K) if rank and passage.is_in_window else 0.0
    if math.isinf(weight):
        return nearness
    share = VECTOR_SHARE * weight
    return (passage.text + share * nearness) / (1 + share)


def _is_same_moment(one: Passage, other: Passage, weight: float) -> bool:
    # By vectors alone, all passages of a window are alike.
    if math.isinf(weight) and one.candidate.chunk_id == other.candidate.chunk_id:
        return True
    if one.start is None or one.end is None or other.start is None or other.end is None:
        return one.candidate.chunk_id == other.candidate.chunk_id
    return one.start < other.end + SECONDS_APART and other.start < one.end + SECONDS_APART


def _scored(question: Question, candidates: Sequence[Candidate]) -> list[Passage]:
    """Cut the candidates into passages and score the words of each by BM25 (0 to 1)."""
    chunks: list[Passage] = []
    found: list[Passage] = []
    for candidate in candidates:
        whole, *parts = _cut(question, candidate)
        chunks.append(whole)
        found += parts
    if not found or not question.stems:
        return found
    weights = _weights(question, found)
    ideal = (1 + SURROUNDINGS) * sum(weights.values())
    around = {
        chunk.candidate.chunk_id: SURROUNDINGS * score
        for chunk, score in zip(chunks, _bm25(chunks, weights), strict=True)
    }
    for passage, own in zip(found, _bm25(found, weights), strict=True):
        passage.text = (own + around[passage.candidate.chunk_id]) / ideal if own else 0.0
    return found


def _weights(question: Question, found: Sequence[Passage]) -> dict[str, float]:
    """Weigh each stem by how few of the passages have it (inverse document frequency)."""
    having = Counter(root for passage in found for root in passage.counts)
    return {
        root: math.log(1 + (len(found) - having[root] + 0.5) / (having[root] + 0.5))
        for root in question.stems
    }


def _bm25(texts: Sequence[Passage], weights: Mapping[str, float]) -> Iterator[float]:
    average = sum(text.words for text in texts) / len(texts)
    for text in texts:
        norm = K1 * (1 - B + B * text.words / average)
        yield sum(weights[root] * tf / (tf + norm) for root, tf in text.counts.items())


def _cut(question: Question, candidate: Candidate) -> Iterator[Passage]:
    """Yield the whole candidate as one passage, then its passages."""
    sizes = [len(line.text.split()) for line in candidate.lines]
    offsets = [0, *accumulate(sizes)]
    # A speaker's name counts as if each of their lines had it: "what did Anna say about prices".
    names = {name: question.occurrences(name) for name in {x.speaker for x in candidate.lines}}
    roots = [
        [root for _, _, root in (*question.occurrences(line.text), *names[line.speaker])]
        for line in candidate.lines
    ]
    for first, last in ((0, len(sizes) - 1), *_runs(sizes)):
        words = offsets[last + 1] - offsets[first]
        shared = min(offsets[last + 1], candidate.window[1] + 1) - max(
            offsets[first], candidate.window[0]
        )
        smaller = min(words, candidate.window[1] + 1 - candidate.window[0])
        counts = Counter(root for line in roots[first : last + 1] for root in line)
        yield Passage(candidate, first, last, words, counts, shared > 0 and 2 * shared >= smaller)


def _runs(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut lines of these sizes into runs of about PASSAGE_WORDS, each half over the last."""
    first, covered = 0, -1
    while first < len(sizes):
        last, words = first, sizes[first]
        while last + 1 < min(len(sizes), first + PASSAGE_LINES):
            if words + sizes[last + 1] / 2 > PASSAGE_WORDS:
                break
            last += 1
            words += sizes[last]
        if last > covered:
            yield first, last
            covered = last
        if last + 1 == len(sizes):
            return
        passed = sizes[first]
        first += 1
        while first < last and passed < words / 2:
            passed += sizes[first]
            first += 1
