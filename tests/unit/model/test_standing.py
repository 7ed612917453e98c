"""How far somebody is in a course, by what they finished."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.model.enrolment import WEIGHTS, Standing, Step, Syllabus, weights_of


def steps(*durations: float | None) -> list[Step]:
    """Make lessons called 0, 1 … with a video each, ``v0`` for lesson 0."""
    return [Step("c", str(n), (str(n), f"v{n}"), length) for n, length in enumerate(durations)]


def standing_in(of: list[Step], watched: dict[str, Any], *, weight: str) -> Standing:
    return Syllabus(of, weight=weight).standing(watched)


def test_nothing_watched() -> None:
    assert standing_in(steps(None, 60.0), {}, weight="lessons") == Standing(0.0, 0, 2)


def test_a_course_without_lessons_is_never_finished() -> None:
    assert standing_in([], {"x": {"completedAt": 1}}, weight="duration") == Standing(0.0, 0, 0)


def test_a_lesson_is_finished_by_itself_or_by_its_video() -> None:
    watched = {
        "0": {"completedAt": 30, "startedAt": 30, "lastAt": 30},
        "v1": {"completedAt": 20, "startedAt": 10, "lastAt": 25},
    }
    assert standing_in(steps(None, None), watched, weight="lessons") == Standing(
        1.0, 2, 2, started_at=10, last_at=30, finished_at=30
    )


def test_the_earlier_of_two_endings_counts() -> None:
    watched = {"0": {"completedAt": 30}, "v0": {"completedAt": 20}}
    assert standing_in(steps(None), watched, weight="lessons").finished_at == 20


def test_what_was_only_begun_has_a_start_and_no_share() -> None:
    watched = {"v0": {"startedAt": 5, "lastAt": 9, "lastPosition": 3.0}}
    found = standing_in(steps(60.0, 60.0), watched, weight="lessons")
    assert found == Standing(0.0, 0, 2, started_at=5, last_at=9)


def test_weights() -> None:
    watched = {"0": {"completedAt": 1}}
    assert standing_in(steps(30.0, 90.0), watched, weight="lessons").progress == 0.5
    assert standing_in(steps(30.0, 90.0), watched, weight="duration").progress == 0.25


@pytest.mark.parametrize(
    ("durations", "expected"),
    [
        ((30.0, None, 90.0), [30.0, 60.0, 90.0]),
        ((None, None), [1.0, 1.0]),
        ((0.0, 0.0), [1.0, 1.0]),
        ((0.0, 10.0), [10.0, 10.0]),
        ((), []),
    ],
)
def test_a_lesson_without_a_length_weighs_the_mean(
    durations: tuple[float | None, ...], expected: list[float]
) -> None:
    assert weights_of(steps(*durations), "duration") == expected


LENGTHS = st.none() | st.floats(0, 360_000)


@given(st.lists(LENGTHS, max_size=12), st.sets(st.integers(0, 11)), st.sampled_from(WEIGHTS))
def test_progress_is_a_share_that_only_grows_with_what_is_finished(
    durations: list[float | None], finished: set[int], weight: str
) -> None:
    lessons = steps(*durations)
    before = 0.0
    watched: dict[str, dict[str, Any]] = {}
    for number in sorted(finished):
        watched[str(number)] = {"completedAt": number}
        found = standing_in(lessons, watched, weight=weight)
        assert before <= found.progress + 1e-12
        assert 0 <= found.progress <= 1
        before = found.progress
    found = standing_in(lessons, watched, weight=weight)
    is_over = bool(lessons) and finished.issuperset(range(len(lessons)))
    assert (found.finished_at is not None) == is_over
    assert found.progress == 1.0 or not is_over
