"""Find the line inside a passage where the answer begins: the second a person is sent to."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from vidctl.journey.rank import Line, Passage, Question
from vidctl.journey.stemming import WORD, stem
from vidctl.model.segment import Segment

# What is shown of an answer: from its line on, about this many words.
SNIPPET_WORDS = 40
# Two words of the query side by side count this much beside a telling word; a mere stop word less.
PAIR, COMMON = 0.5, 0.05


def stems_of(text: str) -> list[str]:
    """Return the stems of all words of a text, in order."""
    return [stem(word) for word in WORD.findall(text)]


def moment(question: Question, passage: Passage) -> Sequence[Line]:
    """Return the lines of a passage from the one that answers best, as many as are shown.

    A line is worth its distinct telling words, and more for words that stand side by side as in
    the query: "what you can do for your country" is not "what your country can do for you".
    """
    lines = passage.lines
    spoken = [stems_of(line.text) for line in lines]
    worth = [
        _worth(question, words, following)
        for words, following in zip(spoken, [*spoken[1:], []], strict=True)
    ]
    best = max(range(len(lines)), key=lambda n: (worth[n], -n))
    last, words = best, len(spoken[best])
    while last + 1 < len(lines) and words + len(spoken[last + 1]) <= SNIPPET_WORDS:
        last += 1
        words += len(spoken[last])
    return lines[best : last + 1]


def _worth(question: Question, words: Sequence[str], following: Sequence[str]) -> float:
    telling = len(set(words) & set(question.stems))
    common = len(set(words) & set(question.spoken))
    # A pair may begin at the end of a line and end in the next one.
    heard = set(zip(words, [*words[1:], *following[:1]], strict=False))
    asked = set(zip(question.spoken, question.spoken[1:], strict=False))
    return telling + PAIR * len(heard & asked) + COMMON * common


def is_quoted(question: Question, passage: Passage) -> bool:
    """Tell whether a passage says the whole query, word after word."""
    words = stems_of(" ".join(line.text for line in passage.lines))
    asked = list(question.spoken)
    starts = range(len(words) - len(asked) + 1)
    return any(words[n : n + len(asked)] == asked for n in starts)


def said_at(question: Question, segment: Segment) -> float | None:
    """Return the second in a segment where the query's words begin, None where words have no time.

    That is the start of the longest run of words that the query has side by side; where no two
    are, of the first telling word.
    """
    timed = [(root, word.start) for word in segment.words for root in stems_of(word.text)]
    spoken = [root for root, _ in timed]
    asked = question.spoken
    longest, begin = 1, None
    for n in range(len(spoken)):
        length = max((_run(spoken[n:], asked[m:]) for m in range(len(asked))), default=0)
        if length > longest:
            longest, begin = length, n
    if begin is None:
        begin = next((n for n, root in enumerate(spoken) if root in question.stems), None)
    return None if begin is None else timed[begin][1]


def _run(words: Sequence[str], asked: Sequence[str]) -> int:
    """Return how many words two texts begin with in common."""
    pairs = zip(words, asked, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
