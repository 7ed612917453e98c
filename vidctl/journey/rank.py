"""Find the passages that answer a question inside the chunks that the rankers brought.

A ranker names chunks of some 500 words. A person wants the moment: the few lines of speech that
speak of it. So every chunk is cut into passages of some 80 words, each passage is scored against
the question by BM25 and by the similarity of the embedded window it lies in, and of passages that
lie close together only the best is kept.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from vidctl.journey.stemming import WORD, stem

# Saturation and length normalisation of BM25, as in Lucene.
K1, B = 1.2, 0.75
PASSAGE_WORDS = 80
PASSAGE_LINES = 8
# How much the chunk around a passage counts beside the passage's own words.
SURROUNDINGS = 0.3
# Passages closer than this are one moment.
APART_WORDS = 80
# Cormack, Clarke and Büttcher, "Reciprocal rank fusion outperforms Condorcet …", SIGIR 2009.
RRF_K = 60

# Words that say how a question is asked, not what about; and what apostrophes leave behind.
STOP_WORDS = frozenset(
    "a about all also am an and any are as at be been but by can could d did do does don for from"
    " had has have he her him his how i if in into is it its just ll m me more my no not of on or"
    " our out over re s said say says she should so some t than that the their them then there"
    " these they this those to up us ve was we were what when where which while who whom why will"
    " with would you your".split()
)


class Question:
    """What a query asks for: its telling words as typed, and their stems, none twice.

    Words that every question has are dropped unless there are no others.
    """

    def __init__(self, query: str) -> None:
        found = WORD.findall(query)
        telling = [word for word in found if word.lower() not in STOP_WORDS] or found
        by_stem: dict[str, str] = {}
        for word in telling:
            by_stem.setdefault(stem(word), word)
        self.words = tuple(by_stem.values())
        self.stems = tuple(by_stem)
        # A stem differs from its words only behind its last letter but one ("happi", "happy").
        starts = "|".join(re.escape(one[: max(1, len(one) - 1)]) for one in self.stems)
        self._candidate = re.compile(rf"\b(?:{starts})[^\W_]*", re.IGNORECASE)

    def expression(self, operator: str) -> str:
        """Write the FTS5 expression that joins all words by ``AND`` or ``OR``, each quoted."""
        return f" {operator} ".join(f'"{word}"' for word in self.words)

    def occurrences(self, text: str) -> list[tuple[int, int, str]]:
        """Return where words of the question stand in a text: (start, end, stem)."""
        if not self.stems:
            return []
        # Folding may change the length of other text, so there every word is looked at.
        pattern = self._candidate if text.isascii() else WORD
        found = []
        for match in pattern.finditer(text):
            root = stem(match[0])
            if root in self.stems:
                found.append((match.start(), match.end(), root))
        return found


@dataclass(frozen=True, slots=True)
class Line:
    """A stretch of text with its seconds (None without times) and the ordinal of its segment."""

    text: str
    ordinal: int | None = None
    start: float | None = None
    end: float | None = None
    speaker: str = ""


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
    """Neighbouring lines of a candidate; ``text``, ``similarity`` and ``score`` are 0 to 1."""

    candidate: Candidate
    first: int
    last: int
    words: int
    counts: dict[str, int]
    is_in_window: bool
    text: float = 0.0
    score: float = 0.0

    @property
    def lines(self) -> tuple[Line, ...]:
        """The lines of the passage."""
        return self.candidate.lines[self.first : self.last + 1]

    @property
    def similarity(self) -> float:
        """The cosine of the window that the passage lies in, 0 outside of it."""
        return max(0.0, self.candidate.similarity) if self.is_in_window else 0.0


def passages(question: Question, candidates: Sequence[Candidate]) -> list[Passage]:
    """Cut the candidates into overlapping passages and score the words of each."""
    found = [passage for one in candidates for passage in _cut(question, one)]
    if not found or not question.stems:
        return found
    weights = _weights(question, found)
    whole = sum(weights.values())
    chunks = {p.candidate.chunk_id: p.candidate for p in found}
    around = {}
    sizes = {one.chunk_id: sum(len(line.text.split()) for line in one.lines) for one in candidates}
    avgc = sum(sizes.values()) / len(sizes)
    average = sum(passage.words for passage in found) / len(found)
    for one in candidates:
        counts = Counter(root for line in one.lines for text in (line.text, line.speaker) for _, _, root in question.occurrences(text))
        around[one.chunk_id] = _bm25(counts, weights, sizes[one.chunk_id] / avgc)
    for passage in found:
        own = _bm25(passage.counts, weights, passage.words / average)
        passage.text = (own + SURROUNDINGS * around[passage.candidate.chunk_id]) / whole / (1 + SURROUNDINGS)
    return found


def _bm25(counts, weights, length):
    norm = K1 * (1 - B + B * length)
    return sum(weights[root] * tf / (tf + norm) for root, tf in counts.items())


def _weights(question: Question, found: Sequence[Passage]) -> dict[str, float]:
    df = Counter(root for passage in found for root in passage.counts)
    return {
        root: math.log(1 + (len(found) - df[root] + 0.5) / (df[root] + 0.5))
        for root in question.stems
    }


def _cut(question: Question, candidate: Candidate) -> Iterator[Passage]:
    lines = candidate.lines
    sizes = [len(line.text.split()) for line in lines]
    offsets = [0, *accumulate(sizes)]
    found = [
        [root for text in (line.text, line.speaker) for _, _, root in question.occurrences(text)]
        for line in lines
    ]
    for first, last in _runs(sizes):
        start, end = offsets[first], offsets[last + 1] - 1
        shared = min(end, candidate.window[1]) - max(start, candidate.window[0]) + 1
        counts = Counter(root for roots in found[first : last + 1] for root in roots)
        yield Passage(
            candidate,
            first,
            last,
            end - start + 1,
            counts,
            is_in_window=2 * shared >= min(end - start + 1, candidate.window[1] - candidate.window[0] + 1) and shared > 0,
        )


def _runs(sizes: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut lines of these sizes into runs of about PASSAGE_WORDS which overlap by half."""
    first = 0
    while first < len(sizes):
        last, words = first, sizes[first]
        while last + 1 < min(len(sizes), first + PASSAGE_LINES):
            if words + sizes[last + 1] / 2 > PASSAGE_WORDS:
                break
            last += 1
            words += sizes[last]
        yield first, last
        if last + 1 == len(sizes):
            return
        passed = 0
        while first < last and passed < words / 2:
            passed += sizes[first]
            first += 1
        first = max(first, last) if first == last and passed < words/2 else first
        if passed == 0: first += 1
