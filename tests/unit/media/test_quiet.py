"""Where long sound is cut."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.media.quiet import levels, quiet_cuts


def test_levels_are_mean_squares_of_tenths_of_a_second() -> None:
    samples = np.concatenate([np.full(1600, 0.5), np.zeros(1600), np.full(800, 1.0)])
    assert levels(samples.astype(np.float32)).tolist() == [0.25, 0.0]
    assert levels(np.zeros(10, np.float32)).tolist() == []


def loud(seconds: float) -> np.ndarray:
    return np.ones(int(seconds * 10))


def test_a_cut_is_in_the_middle_of_the_quietest_stretch() -> None:
    loudness = loud(100)
    loudness[431:434] = 0.1
    loudness[480:482] = 0.0  # quieter, but not for 0.3 s
    assert quiet_cuts(loudness, 100.0, 50) == [43.25]


def test_of_equally_quiet_places_the_one_nearest_to_the_middle_is_taken() -> None:
    assert quiet_cuts(loud(100) * 0, 100.0, 50) == [pytest.approx(50, abs=0.1)]


@pytest.mark.parametrize(("duration", "count"), [(0, 0), (62.5, 0), (62.6, 1), (150, 2)])
def test_what_fits_one_part_is_not_cut(duration: float, count: int) -> None:
    assert len(quiet_cuts(loud(duration), duration, 50)) == count


@given(st.floats(1, 60), st.floats(0, 900), st.randoms(use_true_random=False))
def test_stretches_keep_their_bounds(seconds: float, duration: float, random) -> None:
    loudness = np.array([random.random() for _ in range(int(duration * 10))])
    cuts = quiet_cuts(loudness, duration, seconds)
    *spans, last = [end - start for start, end in pairwise([0.0, *cuts, duration])]
    assert all(0.75 * seconds - 0.002 <= span <= 1.25 * seconds + 0.002 for span in spans)
    assert last <= 1.25 * seconds
    assert not spans or last >= 0.25 * seconds - 0.002
    assert cuts == quiet_cuts(loudness, duration, seconds)
