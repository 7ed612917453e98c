"""Transcribed words as lines that can be read at once: the segments of a transcript."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise

from vidctl.model.segment import Segment, Word

# Two lines of 42 characters and seven seconds: the limits of most captioning guidelines.
MAX_WIDTH = 84
MAX_SECONDS = 7.0
# After a silence of this length a new line always begins; the other one is a good place for it.
SILENCE = 1.0
PAUSE = 0.5
SHORTEST = 0.01

# What a break after a word costs, and what makes a line worse. Only the proportions count: an end
# of a sentence beats a comma, a comma beats the middle of a phrase, and a lone word beats nothing.
AT_SENTENCE, AT_COMMA_AND_PAUSE, AT_COMMA, AT_WORD = 0.0, 1.0, 3.0, 8.0
EACH_LINE = 1.0
UNUSED_WIDTH = 3.0
SENTENCE_END_INSIDE = 5.0
LONE_WORD = 1000.0

# Recognition can fall into saying one thing for ever. People do say "no, no, no, no", so a single
# word must come more often to be taken for that.
REPEATS, WORD_REPEATS, LONGEST_PHRASE = 4, 8, 30

_OPENERS = "\"'“‘«([{「『¿¡"
_CLOSERS = "\"'”’»)]}」』"
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", "।", "؟")
_COMMAS = (",", ";", ":", "—", "–", "、", "，", "；", "：", "،")
_ABBREVIATION = re.compile(r"(?:mrs?|ms|dr|prof|st|vs|no|(?:[a-z]\.)*[a-z])\.", re.I)
# Scripts written without spaces: Thai to Lao, Burmese, Khmer, and the Chinese and Japanese ones.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u30ff\u3400-\u9fff\uf900-\ufaff\uff00-\uffef]"
)


def readable(words: Sequence[Word], speaker: str | None = None) -> list[Segment]:
    """Group words into segments of at most 7 s and 84 columns, all by the same ``speaker``.

    Breaks fall at ends of sentences first, then at commas and pauses, and never leave a word
    alone where that can be avoided; a longer or slower single word is a segment of its own.
    Every word lands in exactly one segment. Times come out in order and no word has length
    zero: words that overlap or last no time are moved by the least that mends it.
    """
    segments = []
    for stretch in _stretches(_in_order(words)):
        for line in _lines(stretch):
            start, end = line[0].start, line[-1].end
            segments.append(Segment(start, end, _text(line), speaker, tuple(line)))
    return segments


def without_loops(words: Sequence[Word]) -> list[Word]:
    """Keep one of the same phrase said 4 times or more in a row (8 times for a single word)."""
    keys = ["".join(filter(str.isalnum, word.text.casefold())) or word.text for word in words]
    kept: list[Word] = []
    index = 0
    while index < len(words):
        length, times = _repetition(keys, index)
        kept += words[index : index + length]
        index += length * times
    return kept


def _repetition(keys: list[str], index: int) -> tuple[int, int]:
    """Return the length of the phrase at ``index`` and how often it comes; (1, 1) for no loop."""
    for length in range(1, LONGEST_PHRASE + 1):
        phrase = keys[index : index + length]
        times = 1
        while keys[index + times * length : index + (times + 1) * length] == phrase:
            times += 1
        if times >= (WORD_REPEATS if length == 1 else REPEATS):
            return length, times
    return 1, 1


def _in_order(words: Sequence[Word]) -> Iterator[Word]:
    reached = float("-inf")
    for word in words:
        if word.start < reached or word.end <= word.start:
            start = max(word.start, reached)
            word = Word(word.text, start, max(word.end, round(start + SHORTEST, 3)))
        reached = word.end
        yield word


def _stretches(words: Iterator[Word]) -> Iterator[list[Word]]:
    """Split at silences."""
    stretch: list[Word] = []
    for word in words:
        if stretch and word.start - stretch[-1].end >= SILENCE:
            yield stretch
            stretch = []
        stretch.append(word)
    if stretch:
        yield stretch


def _lines(words: list[Word]) -> Iterator[list[Word]]:
    """Split one stretch so that the sum of the costs is least (dynamic programming)."""
    spaces = [_is_spaced(word, after) for word, after in pairwise(words)] + [False]
    breaks = [_break_cost(word, after) for word, after in pairwise(words)] + [AT_SENTENCE]
    columns = [0, *accumulate(map(_width, words, spaces))]
    sentences = [0, *accumulate(int(cost == AT_SENTENCE) for cost in breaks)]
    least = [0.0] + [float("inf")] * len(words)
    begins = [0] * (len(words) + 1)
    for end in range(1, len(words) + 1):
        for begin in range(end - 1, -1, -1):
            width = columns[end] - columns[begin] - spaces[end - 1]
            is_long = width > MAX_WIDTH or words[end - 1].end - words[begin].start > MAX_SECONDS
            is_lone = end - begin == 1
            if is_long and not is_lone:
                break
            cost = least[begin] + breaks[end - 1] + EACH_LINE + LONE_WORD * is_lone
            cost += UNUSED_WIDTH * (1 - min(width / MAX_WIDTH, 1.0)) ** 2
            cost += SENTENCE_END_INSIDE * (sentences[end - 1] - sentences[begin])
            if cost < least[end]:
                least[end], begins[end] = cost, begin
    bounds = [len(words)]
    while bounds[-1]:
        bounds.append(begins[bounds[-1]])
    for begin, end in pairwise(reversed(bounds)):
        yield words[begin:end]


def _break_cost(word: Word, after: Word) -> float:
    text = word.text.rstrip(_CLOSERS)
    is_end = text.endswith(_SENTENCE_ENDS) and not _ABBREVIATION.fullmatch(text.lstrip(_OPENERS))
    is_comma = is_end or text.endswith(_COMMAS)
    is_pause = after.start - word.end >= PAUSE
    # 'He said "Stop!" and left.' is one sentence.
    if is_end and not after.text.lstrip(_OPENERS)[:1].islower():
        return AT_SENTENCE
    if is_comma and is_pause:
        return AT_COMMA_AND_PAUSE
    return AT_COMMA if is_comma or is_pause else AT_WORD


def _width(word: Word, is_spaced: bool) -> int:
    """Count columns, with the space after the word: full-width characters take two."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in word.text)
    return len(word.text) + wide + is_spaced


def _is_spaced(word: Word, after: Word) -> bool:
    return not (_UNSPACED.fullmatch(word.text[-1:]) and _UNSPACED.fullmatch(after.text[:1]))


def _text(words: list[Word]) -> str:
    pieces = [words[0].text]
    for word, after in pairwise(words):
        pieces += [" " if _is_spaced(word, after) else "", after.text]
    return "".join(pieces)
