"""Words into lines that can be read at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.formats.lines import (
    MAX_SECONDS,
    MAX_WIDTH,
    REPEATS,
    SILENCE,
    WORD_REPEATS,
    readable,
    without_loops,
)
from vidctl.model.segment import Segment, Word


def spoken(
    text: str, *, start: float = 0.0, seconds: float = 0.3, pause: float = 0.0
) -> list[Word]:
    """Time the words of a text evenly; ``|`` in it is a pause of 0.6 s, ``||`` one of 1.5 s."""
    words = []
    for token in text.split():
        if token in ("|", "||"):
            start += 0.6 if token == "|" else 1.5
            continue
        words.append(Word(token, round(start, 3), round(start + seconds, 3)))
        start += seconds + pause
    return words


def texts(segments: Sequence[Segment]) -> list[str]:
    return [segment.text for segment in segments]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        pytest.param("", [], id="nothing"),
        pytest.param("Yes.", ["Yes."], id="one-word"),
        pytest.param(
            "That sounds wonderful. But what does it cost?",
            ["That sounds wonderful.", "But what does it cost?"],
            id="sentences",
        ),
        pytest.param(
            'He said "Stop!" and left. "Why?" asked the man in the hat.',
            ['He said "Stop!" and left.', '"Why?" asked the man in the hat.'],
            id="quotes",
        ),
        pytest.param(
            "Mr. Smith met Dr. J. Doe in the U.S. last year. They talked.",
            ["Mr. Smith met Dr. J. Doe in the U.S. last year.", "They talked."],
            id="abbreviations",
        ),
        pytest.param(
            "With search, the student types a question, and the right minute of the right lesson"
            " comes back in less than a second.",
            [
                "With search, the student types a question,",
                "and the right minute of the right lesson comes back in less than a second.",
            ],
            id="comma",
        ),
        pytest.param(
            "they went on and on about the weather | for nobody had anything better to say that"
            " long evening",
            [
                "they went on and on about the weather",
                "for nobody had anything better to say that long evening",
            ],
            id="pause",
        ),
        pytest.param(
            "True. We keep the times of every word.",
            ["True. We keep the times of every word."],
            id="no-word-alone",
        ),
        pytest.param(
            "Hello. || Is there anybody here?", ["Hello.", "Is there anybody here?"], id="silence"
        ),
        pytest.param(
            "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"
            " fifteen sixteen seventeen",
            [
                "one two three four five six seven eight nine ten eleven",
                "twelve thirteen fourteen fifteen sixteen seventeen",
            ],
            id="no-comma-even-halves",
        ),
    ],
)
def test_where_lines_break(text: str, lines: list[str]) -> None:
    assert texts(readable(spoken(text))) == lines


def test_slow_speech_breaks_by_time() -> None:
    segments = readable(spoken("a very slow speaker says very little here", seconds=1.2))
    assert all(segment.end - segment.start <= MAX_SECONDS for segment in segments)
    assert [len(segment.words) for segment in segments] == [4, 4]


def test_words_carry_their_times_and_the_speaker() -> None:
    words = spoken("Ask not.", start=4.2)
    assert readable(words, "Ann") == [Segment(4.2, 4.8, "Ask not.", "Ann", tuple(words))]


def test_scripts_without_spaces_are_not_given_any() -> None:
    words = [
        Word(text, n / 2, n / 2 + 0.5)
        for n, text in enumerate(("図書", "館", "です。", "OK", "です"))
    ]
    assert texts(readable(words)) == ["図書館です。", "OK です"]


def test_wide_characters_count_twice() -> None:
    words = [Word("図書館", n / 5, n / 5 + 0.2) for n in range(20)]
    assert [len(segment.text) for segment in readable(words)] == [30, 30]


def test_words_without_length_get_one() -> None:
    words = [Word("a", 1.0, 1.0), Word("b", 1.0, 1.0), Word("c", 0.9, 1.5), Word("d", 1.5, 1.2)]
    [segment] = readable(words)
    assert [(word.start, word.end) for word in segment.words] == [
        (1.0, 1.01),
        (1.01, 1.02),
        (1.02, 1.5),
        (1.5, 1.51),
    ]


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("Tell us why. Tell us why. Tell us why, tell us why. The end.", "Tell us why. The end."),
        ("thank you thank you thank you so much", "thank you thank you thank you so much"),
        ("No, no, no, no, no. Never.", "No, no, no, no, no. Never."),
        (f"it is {'country ' * 8}the end", "it is country the end"),
        (f"and {'the ones that were ' * 40}gone", "and the ones that were gone"),
        ("- - - -", "- - - -"),
        (f"{'so it goes ' * 4}{'on and on ' * 5}", "so it goes on and on"),
    ],
)
def test_loops_are_cut_to_one_turn(said: str, kept: str) -> None:
    assert " ".join(word.text for word in without_loops(spoken(said))) == kept


# --- properties ----------------------------------------------------------------------------------

TEXTS = st.text("abcdefgh", min_size=1, max_size=12)
TOKENS = st.builds(str.__add__, TEXTS, st.sampled_from(["", "", "", ",", ".", "?", ";", '."']))


@st.composite
def timed(draw: st.DrawFn) -> list[Word]:
    """Words in order as a model times them: gaps, no gaps, and some that take no time."""
    words, clock = [], 0.0
    for token in draw(st.lists(TOKENS, max_size=60)):
        clock += draw(st.sampled_from([0, 0, 0, 0, 0.1, 0.5, 0.7, 1.0, 3.0]))
        length = draw(st.sampled_from([0, 0.02, 0.1, 0.2, 0.3, 0.5, 2.0, 9.0]))
        words.append(Word(token, round(clock, 2), round(clock + length, 2)))
        clock += length
    return words


WILD = st.lists(
    st.builds(Word, TOKENS, st.floats(0, 50, width=32), st.floats(0, 50, width=32)), max_size=40
)


@given(timed() | WILD)
def test_every_word_lands_once_and_in_order(words: list[Word]) -> None:
    segments = readable(words)
    placed = [word for segment in segments for word in segment.words]
    assert [word.text for word in placed] == [word.text for word in words]
    assert all(segment.text == " ".join(w.text for w in segment.words) for segment in segments)
    assert all(word.start < word.end for word in placed)
    assert all(before.end <= after.start for before, after in pairwise(placed))
    for segment in segments:
        assert (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end)


@given(timed())
def test_good_times_are_left_alone(words: list[Word]) -> None:
    good = [word for word in words if word.start < word.end]
    assert [word for segment in readable(good) for word in segment.words] == good


def fits(words: Sequence[Word]) -> bool:
    width = len(" ".join(word.text for word in words))
    return width <= MAX_WIDTH and words[-1].end - words[0].start <= MAX_SECONDS


@given(timed())
def test_lines_fit_and_no_word_is_needlessly_alone(words: list[Word]) -> None:
    segments = readable(words)
    for segment in segments:
        assert fits(segment.words) or len(segment.words) == 1
        gaps = [after.start - before.end for before, after in pairwise(segment.words)]
        assert all(gap < SILENCE for gap in gaps)
    for before, after in pairwise(segments):
        if after.start - before.end >= SILENCE:
            continue
        if len(after.words) == 1 and len(before.words) != 2:
            assert not fits([*before.words[-1:], *after.words])
        if len(before.words) == 1 and len(after.words) != 2:
            assert not fits([*before.words, *after.words[:1]])


@given(st.lists(TEXTS, min_size=1, max_size=30, unique=True), st.integers(1, 12))
def test_a_phrase_is_cut_only_when_it_comes_too_often(phrase: list[str], times: int) -> None:
    words = spoken(" ".join(phrase))
    is_loop = times >= (REPEATS if len(words) > 1 else WORD_REPEATS)
    assert without_loops(words * times) == (words if is_loop else words * times)
