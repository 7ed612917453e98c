"""Which parts of an item are watched: the curve against a plain count, and the drops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.catalog.retention import clean, curve, largest_drops, line_at
from vidctl.model.segment import Segment

# Borders of parts are multiples of 0.5 here, so that no point lies just beside one.
points = st.integers(0, 400).map(lambda number: number / 4)
viewings = st.lists(
    st.lists(st.tuples(points, points).map(sorted).map(list), max_size=5), max_size=8
)


@given(viewings, st.sampled_from((1, 4, 10, 100)))
def test_a_curve_is_a_count(raw: list[list[list[float]]], parts: int) -> None:
    """A part is included when a quarter of a second of it was watched, whatever else was."""
    duration = 100.0
    spans = [clean(one) for one in raw]
    step = duration / parts
    expected = [0] * parts
    for ranges in spans:
        for part in range(parts):
            low, high = part * step, (part + 1) * step
            expected[part] += any(min(b, high) > max(a, low) for a, b in ranges)
    assert curve(spans, duration, parts) == expected


def test_what_is_no_range_is_left_out() -> None:
    raw = [[5, 9], [3, 3], [4, 2], "x", [1], [None, 2], [1, float("inf")], [-2, 1.5], [True, 2]]
    assert clean(raw) == [(0.0, 1.5), (5.0, 9.0)]


def test_without_a_length_nothing_is_included() -> None:
    assert curve([[(0.0, 1.0)]], 0.0, 3) == [0, 0, 0]


def test_the_largest_drops_come_first() -> None:
    drops = largest_drops([1.0, 0.5, 0.75, 0.0, 0.0, 0.5], 10.0)
    assert drops == [
        {"at": 30.0, "before": 0.75, "after": 0.0},
        {"at": 10.0, "before": 1.0, "after": 0.5},
    ]


@pytest.mark.parametrize(
    ("second", "said"), [(0.5, None), (1.0, "one"), (2.9, "one"), (3.5, "two"), (99.0, "two")]
)
def test_what_is_said_at_a_second(second: float, said: str | None) -> None:
    lines = [Segment(3, 4, "two"), Segment(1, 2, "one")]
    assert line_at(lines, second) == said
