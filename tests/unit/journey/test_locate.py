"""The line and the second inside a passage where the answer begins."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.journey.locate import is_quoted, moment, said_at
from vidctl.journey.rank import Candidate, Line, Passage, Question
from vidctl.model.segment import Segment, Word

TEXTS = (
    "And so my fellow Americans ask not",
    "what your country can do for you,",
    "ask what you can do for your country.",
)


def passage(*texts: str) -> Passage:
    lines = tuple(Line(text, float(n), n + 1.0, n) for n, text in enumerate(texts))
    count = sum(len(text.split()) for text in texts)
    return Passage(Candidate("c", "t", lines), 0, len(lines) - 1, count, {}, False)


def spoken(text: str) -> Segment:
    words = tuple(Word(word, float(n), n + 0.5) for n, word in enumerate(text.split()))
    return Segment(0.0, float(len(words)), text, words=words)


@pytest.mark.parametrize(
    ("query", "line"),
    [
        ("what you can do for your country", 2),
        ("what your country can do for you", 1),
        ("fellow Americans", 0),
        ("ask not", 0),
        ("something else altogether", 0),
    ],
)
def test_the_order_of_the_words_decides(query: str, line: int) -> None:
    assert moment(Question(query), passage(*TEXTS))[0].ordinal == line


def test_what_follows_is_shown_up_to_forty_words() -> None:
    long = ["alpha word", *["filler " * 15] * 5]
    shown = moment(Question("alpha"), passage(*long))
    assert [line.ordinal for line in shown] == [0, 1, 2]


@pytest.mark.parametrize(
    ("query", "second"),
    [
        ("what you can do for your country", 5.0),
        ("country", 11.0),
        ("can do for you", 0.0),
        ("nothing of this", None),
    ],
)
def test_the_second_is_that_of_the_longest_run(query: str, second: float | None) -> None:
    segment = spoken("can do for you, ask what you can do for your country.")
    assert said_at(Question(query), segment) == second


def test_a_quotation_is_word_for_word() -> None:
    whole = passage(*TEXTS)
    assert is_quoted(Question("do for you, ask what you can"), whole)
    assert not is_quoted(Question("do for you what you can"), whole)


@given(st.text(max_size=30), st.lists(st.text(max_size=30), min_size=1, max_size=5))
def test_any_text_has_a_moment(query: str, texts: list[str]) -> None:
    question = Question(query)
    found = passage(*texts)
    shown = moment(question, found)
    assert shown[0] in found.lines
    assert isinstance(is_quoted(question, found), bool)
    second = said_at(question, spoken(" ".join(texts)))
    assert second is None or second >= 0
