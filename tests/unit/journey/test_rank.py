from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.journey import rank as ranking
from vidctl.journey.chunk import chunk_segments, chunk_text
from vidctl.journey.rank import Candidate, Line, Question, lines_of, rank
from vidctl.model.segment import Segment

FILLER = "the weather stays grey and nobody minds much because work goes on as before here"


def candidate(*texts: str, thing: str = "t", chunk: str = "c", **fields) -> Candidate:
    lines = tuple(Line(text, 5.0 * n, 5.0 * n + 5, n) for n, text in enumerate(texts))
    return Candidate(chunk, thing, lines, **fields)


def best(query: str, *candidates: Candidate, weight: float = 0.5, limit: int = 10):
    return rank(Question(query), candidates, vector_weight=weight, limit=limit)


def test_a_question_is_its_telling_words_once_each():
    question = Question("What did the team say about pricing, prices and the PRICE of Zürich?")
    assert question.words == ("team", "pricing", "Zürich")
    assert question.stems == ("team", "price", "zurich")
    assert question.expression("OR") == '"team" OR "pricing" OR "Zürich"'


def test_a_question_of_common_words_keeps_them():
    assert Question("to be or not to be").words == ("to", "be", "or", "not")


@pytest.mark.parametrize("query", ["", "?!", "🎉 --", '"*"'])
def test_a_query_without_words_asks_for_nothing(query):
    question = Question(query)
    assert question.expression("OR") == ""
    assert question.occurrences("some text") == []
    assert rank(question, [candidate("some text")], vector_weight=0.5, limit=5) == []


@pytest.mark.parametrize(
    ("query", "text", "found"),
    [
        ("price", "Pricing: our prices, not priceless.", ["Pricing", "prices"]),
        ("happiness", "A happy cat is happiest.", ["happy"]),
        ("ties", "tie the ties, tied", ["ties", "tied"]),
        ("cafe", "Le café, cafe\u0301s CAFÉ", ["café", "cafe\u0301s", "CAFÉ"]),
        ("日本", "日本 日本語", ["日本"]),
        ("x.b*c", "X B (c) xbc", ["X", "B", "c"]),
    ],
)
def test_occurrences_are_words_of_the_same_stem(query, text, found):
    spans = Question(query).occurrences(text)
    assert [text[start:end] for start, end, _ in spans] == found


def test_lines_are_the_segments_of_a_chunk_clipped_to_it():
    segments = [Segment(0, 10, "a b c d", "Ann"), Segment(10, 12, "e"), Segment(12, 20, "f g h i")]
    first, second = chunk_segments(segments, thing_id="t", words=6, overlap=3)
    held = dict(enumerate(segments))
    assert lines_of(first, held) == (
        Line("a b c d", 0, 10, 0, "Ann"),
        Line("e", 10, 12, 1),
        Line("f", 12, 14, 2),
    )
    assert lines_of(second, held) == (
        Line("d", 7.5, 10, 0, "Ann"),
        Line("e", 10, 12, 1),
        Line("f g h i", 12, 20, 2),
    )


def test_a_long_segment_is_cut_and_its_time_shared_out():
    segment = Segment(0, 100, " ".join(f"w{n}" for n in range(100)))
    [chunk] = chunk_segments([segment], thing_id="t")
    lines = lines_of(chunk, {0: segment})
    assert [len(line.text.split()) for line in lines] == [33, 33, 34]
    assert [(line.start, line.end, line.ordinal) for line in lines] == [
        (0, 33, 0),
        (33, 66, 0),
        (66, 100, 0),
    ]


def test_without_segments_a_chunk_is_cut_evenly():
    [chunk] = chunk_text("one two three", thing_id="t")
    assert lines_of(chunk, {}) == (Line("one two three"),)
    segments = [Segment(10, 20, "one two"), Segment(20, 40, "three four")]
    [chunk] = chunk_segments(segments, thing_id="t")
    assert lines_of(chunk, {}) == (Line("one two three four", 10, 40),)
    changed = {0: segments[0], 1: Segment(20, 40, "five six")}
    assert lines_of(chunk, changed) == (Line("one two three four", 10, 40),)


@given(st.lists(st.integers(1, 130), min_size=1, max_size=40), st.integers(20, 90), st.data())
def test_lines_of_any_chunk_say_its_words(sizes, words, data):
    segments = [
        Segment(10 * n, 10 * n + 10, " ".join(f"s{n}w{w}" for w in range(size)))
        for n, size in enumerate(sizes)
    ]
    overlap = data.draw(st.integers(0, words - 1))
    for chunk in chunk_segments(segments, thing_id="t", words=words, overlap=overlap):
        lines = lines_of(chunk, dict(enumerate(segments)))
        assert " ".join(line.text for line in lines) == chunk.text
        assert all(len(line.text.split()) <= ranking.LINE_WORDS for line in lines)
        assert all(a.end <= b.start + 1e-6 for a, b in pairwise(lines))
        assert lines[0].start == pytest.approx(chunk.start, abs=2.5)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=60))
def test_runs_leave_no_line_out_and_move_forward(sizes):
    runs = list(ranking._runs(sizes))
    assert runs[0][0] == 0
    assert runs[-1][1] == len(sizes) - 1
    for (first, last), (next_first, next_last) in pairwise(runs):
        assert first < next_first <= last + 1
        assert last < next_last
    for first, last in runs:
        assert last - first < ranking.PASSAGE_LINES
        assert first == last or sum(sizes[first:last]) <= ranking.PASSAGE_WORDS


def test_the_passage_is_found_inside_the_chunk():
    texts = [FILLER] * 30
    texts[17] = "our subscription price rises in spring"
    [passage] = best("When do subscription prices rise?", candidate(*texts, text_rank=1))
    assert any("subscription" in line.text for line in passage.lines)
    assert passage.words <= ranking.PASSAGE_WORDS + ranking.LINE_WORDS / 2
    assert passage.start <= 17 * 5.0 < passage.end
    assert 0 < passage.score <= 1


def test_rare_words_count_more_than_common_ones():
    common = candidate("work goes on, work and work", *[FILLER] * 20, chunk="a", thing="a")
    rare = candidate("a zeppelin", *[FILLER] * 20, chunk="b", thing="b")
    first, *_ = best("zeppelin work", common, rare)
    assert first.candidate.thing_id == "b"


def test_a_speaker_counts_as_said():
    lines = tuple(
        Line("prices are fine", 40.0 * n, 40.0 * n + 30, n, speaker)
        for n, speaker in enumerate(["Bob", "Ann", "Bob"])
    )
    passages = best(
        "what did Ann say about prices",
        *(Candidate(str(n), str(n), (line,)) for n, line in enumerate(lines)),
    )
    assert passages[0].lines[0].speaker == "Ann"


def test_the_same_moment_is_not_answered_twice():
    texts = [FILLER] * 40
    texts[20] = "a zeppelin lands"
    same = [candidate(*texts, chunk=name, text_rank=1) for name in ("a", "b")]
    assert len(best("zeppelin", *same)) == 1
    elsewhere = candidate(*texts, chunk="c", thing="other", text_rank=3)
    assert len(best("zeppelin", *same, elsewhere)) == 2
    texts[30] = "the zeppelin leaves"
    assert len(best("zeppelin", candidate(*texts))) == 2


def test_text_without_times_answers_once_for_each_chunk():
    lines = tuple(Line(f"zeppelin number {n} {FILLER} {FILLER}") for n in range(9))
    assert len(best("zeppelin", Candidate("c", "t", lines))) == 1


def test_vectors_lift_passages_of_their_window_only():
    texts = [f"zeppelin {FILLER}" for _ in range(30)]
    words = len(texts[0].split())
    near = candidate(*texts, vector_rank=1, similarity=0.8, window=(20 * words, 30 * words - 1))
    first, *_ = best("zeppelin", near)
    assert first.first >= 18
    assert first.is_in_window
    ignored, *_ = best("zeppelin", near, weight=0)
    assert ignored.text == ignored.score


def test_without_any_word_in_common_vectors_decide():
    some = [
        candidate(*[FILLER] * 20, thing=str(n), chunk=str(n), vector_rank=n, window=(0, 60))
        for n in (3, 1, 2)
    ]
    for weight in (0.5, 1, math.inf):
        found = best("zeppelin", *some, weight=weight)
        assert [passage.candidate.thing_id for passage in found] == ["1", "2", "3"]
    assert best("zeppelin", *some, weight=0) == []


def test_by_meaning_alone_words_choose_among_passages_of_a_window():
    texts = [FILLER] * 30
    texts[12] = "a zeppelin lands"
    window = (0, len(" ".join(texts).split()) - 1)
    first, *_ = best("zeppelin", candidate(*texts, vector_rank=1, window=window), weight=math.inf)
    assert any("zeppelin" in line.text for line in first.lines)


@given(
    st.lists(
        st.lists(st.sampled_from(["price", "rise", FILLER]), min_size=1, max_size=12), max_size=6
    ),
    st.sampled_from([0.0, 0.3, 1.0, math.inf]),
    st.integers(1, 5),
)
def test_scores_are_shares_in_order_and_moments_apart(chunks, weight, limit):
    some = [
        candidate(*texts, thing=str(n % 2), chunk=str(n), vector_rank=n + 1, window=(0, 9))
        for n, texts in enumerate(chunks)
    ]
    found = best("rising prices", *some, weight=weight, limit=limit)
    assert len(found) <= limit
    scores = [passage.score for passage in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)
    for n, one in enumerate(found):
        same = [x for x in found[:n] if x.candidate.thing_id == one.candidate.thing_id]
        assert not any(ranking._is_same_moment(one, other, weight) for other in same)
