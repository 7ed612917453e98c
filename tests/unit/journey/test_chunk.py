from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.errors import UsageError
from vidctl.ids import is_id
from vidctl.journey.chunk import chunk_segments, chunk_text
from vidctl.model.segment import Segment, Word

TEXTS = st.lists(st.text("abc日é", min_size=1, max_size=6), max_size=9).map(" ".join)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    """Segments in order of their start, now and then overlapping, some with word times."""
    segments, start = [], 0.0
    for text in draw(st.lists(TEXTS, max_size=20)):
        start += draw(st.floats(0, 5))
        end = start + draw(st.floats(0, 9))
        words = tuple(Word(w, start, end) for w in text.split()) if draw(st.booleans()) else ()
        segments.append(Segment(start, end, text, words=words))
    return segments


@st.composite
def settings(draw: st.DrawFn) -> dict[str, int]:
    words = draw(st.integers(1, 12))
    return {"words": words, "overlap": draw(st.integers(0, words - 1))}


@given(transcripts(), settings())
def test_chunks_say_every_word_once_and_repeat_exactly_the_overlap(segments, setting):
    chunks = chunk_segments(segments, thing_id="t", **setting)
    split = [chunk.text.split() for chunk in chunks]
    rebuilt = split[0] if split else []
    for before, words in pairwise(split):
        overlap = setting["overlap"]
        assert before[len(before) - overlap :] == words[:overlap]
        assert len(words) > overlap
        rebuilt = rebuilt + words[overlap:]
    assert rebuilt == [word for segment in segments for word in segment.text.split()]
    assert all(len(words) == setting["words"] for words in split[:-1])
    assert all(0 < len(words) <= setting["words"] for words in split)


@given(transcripts(), settings())
def test_times_and_segments_only_move_forward_and_hold_together(segments, setting):
    chunks = chunk_segments(segments, thing_id="t", **setting)
    for chunk in chunks:
        assert chunk.start <= chunk.end
        assert chunk.segment_first <= chunk.segment_last
        first, last = segments[chunk.segment_first], segments[chunk.segment_last]
        assert chunk.text.split()[0] in first.text
        assert chunk.text.split()[-1] in last.text
        assert first.start - 1e-6 <= chunk.start
    for before, after in pairwise(chunks):
        assert before.ordinal + 1 == after.ordinal
        assert before.start <= after.start
        assert before.segment_first <= after.segment_first


@given(transcripts(), settings())
def test_the_same_transcript_makes_the_same_rows(segments, setting):
    first = chunk_segments(segments, thing_id="t", **setting)
    assert chunk_segments(list(segments), thing_id="t", **setting) == first
    ids = [chunk.id for chunk in first]
    assert len(set(ids)) == len(ids)
    assert all(map(is_id, ids))
    assert all(c.content_hash == hashlib.sha256(c.text.encode()).hexdigest() for c in first)
    other = chunk_segments(segments, thing_id="u", **setting)
    assert not {chunk.id for chunk in other} & set(ids)


def test_words_without_times_share_their_segment_by_characters():
    segments = [Segment(10, 20, "aa bbbbbb cc"), Segment(20, 21, "d")]
    chunks = chunk_segments(segments, thing_id="t", words=2, overlap=0)
    assert [(c.text, c.start, c.end) for c in chunks] == [
        ("aa bbbbbb", 10, 18),
        ("cc d", 18, 21),
    ]
    assert [(c.segment_first, c.segment_last) for c in chunks] == [(0, 0), (0, 1)]


def test_word_times_win_over_the_segment_also_where_they_are_split_otherwise():
    words = (
        Word(" It", 1.0, 1.2),
        Word("'s", 1.2, 1.5),
        Word(" 中", 2.0, 2.1),
        Word("文", 2.1, 3.0),
    )
    [first, second] = chunk_segments(
        [Segment(0, 9, "It's 中文", words=words)], thing_id="t", words=1, overlap=0
    )
    assert (first.start, first.end) == (1.0, 1.5)
    assert (second.start, second.end) == (2.0, 3.0)


def test_word_times_that_do_not_fit_the_text_are_left_alone():
    segment = Segment(0, 4, "ab cd", words=(Word("abc", 3, 4),))
    chunks = chunk_segments([segment], thing_id="t", words=1, overlap=0)
    assert [(c.start, c.end) for c in chunks] == [(0, 2), (2, 4)]


@pytest.mark.parametrize(
    ("count", "sizes"), [(0, []), (500, [500]), (501, [500, 51]), (951, [500, 500, 51])]
)
def test_the_defaults_are_500_words_with_50_repeated(count, sizes):
    chunks = chunk_text(" ".join("w" * count), thing_id="t")
    assert [len(chunk.text.split()) for chunk in chunks] == sizes
    assert {chunk.role for chunk in chunks} <= {"summary"}
    assert all(chunk.start is None and chunk.segment_first is None for chunk in chunks)


@pytest.mark.parametrize(("words", "overlap"), [(0, 0), (5, 5), (5, 6), (5, -1)])
def test_settings_that_cannot_work_are_refused(words, overlap):
    with pytest.raises(UsageError):
        chunk_text("some text", thing_id="t", words=words, overlap=overlap)
