"""Positions: always strictly between their neighbours, or none."""

from __future__ import annotations

import itertools
import math

from hypothesis import given
from hypothesis import strategies as st

from vidctl.store.spacing import SPARE, between, spread

ENDS = st.one_of(st.none(), st.floats(allow_nan=False))
COUNTS = st.integers(1, 50)


def is_rising(low: float | None, found: list[float], high: float | None) -> bool:
    ends = [each for each in (low, *found, high) if each is not None]
    return all(one < two for one, two in itertools.pairwise(ends))


@given(ENDS, ENDS, COUNTS)
def test_positions_lie_between_and_rise(low: float | None, high: float | None, count: int) -> None:
    for make in (between, spread):
        found = make(low, high, count)
        if found is not None:
            assert len(found) == count
            assert all(map(math.isfinite, found))
            assert is_rising(low, found, high)


@given(st.floats(-1e15, 1e15), st.booleans(), COUNTS)
def test_there_is_always_room_at_an_open_end(edge: float, is_low: bool, count: int) -> None:
    assert between(edge, None, count) if is_low else between(None, edge, count)
    assert between(None, None, count) == [float(n) for n in range(1, count + 1)]


@given(st.floats(-1e15, 1e15), st.floats(1e-3, 1e15), COUNTS)
def test_what_was_spread_can_be_halved_twenty_times(low: float, width: float, count: int) -> None:
    found = spread(low, low + width, count)
    if found is None:
        return
    high = found[0]
    for _ in range(20):
        middle = between(low, high, 1)
        assert middle is not None
        high = middle[0]


def test_ends_that_leave_no_room() -> None:
    one = 1.0
    assert between(one, one, 1) is None
    assert between(2.0, one, 1) is None
    assert between(one, math.nextafter(one, 2), 1) is None
    assert between(one, math.nextafter(math.nextafter(one, 2), 2), 1) is not None
    assert between(one, math.inf, 1) is None
    assert spread(one, one + math.ulp(one) * SPARE, 1) is None
    assert between(None, -1.7e308, 10) is not None
    assert between(1.7976931348623157e308, None, 1) is None


def test_ends_at_the_edges_of_what_a_float_holds() -> None:
    assert between(-1.7e308, 1.7e308, 1) == [0.0]
