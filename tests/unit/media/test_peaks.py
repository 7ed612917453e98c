"""Waveforms: what the numbers say about the sound."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from harness import write_tone
from hypothesis import given
from hypothesis import strategies as st
from media_samples import make_video

from vidctl.errors import InvalidMedia, UsageError
from vidctl.media.peaks import FINENESS, RATE, _Bins, peaks

Sample = Callable[[str], Path]


def test_the_numbers_are_those_of_the_sound(tmp_path: Path) -> None:
    """Half a second of silence is flat, a tone is as high as it is loud."""
    path = write_tone(tmp_path / "tone.wav", seconds=2)
    made = peaks(path, points=100)
    assert (made["version"], made["channels"], made["bits"]) == (2, 1, 8)
    assert len(made["data"]) == 2 * made["length"]
    low, high = made["data"][::2], made["data"][1::2]
    # The tone is a square wave of 1000 of 32768, which rings a little when it is resampled.
    assert all(3 <= value <= 6 for value in high[1:-1])
    assert all(-7 <= value <= -3 for value in low[1:-1])


def test_length_and_times_fit_together(sample: Sample) -> None:
    for points in (10, 100, 800, 5000):
        made = peaks(sample("m4a"), points=points)
        assert made["length"] <= points
        assert made["length"] > points * (1 - 2 / FINENESS) - 1
        seconds = made["length"] * made["samples_per_pixel"] / made["sample_rate"]
        assert 8 - 0.1 <= seconds <= 8.2 + made["samples_per_pixel"] / RATE


def test_a_very_short_sound_has_one_point_a_sample(tmp_path: Path) -> None:
    made = peaks(write_tone(tmp_path / "click.wav", seconds=0.005), points=800)
    assert made["samples_per_pixel"] == 1
    assert made["length"] == pytest.approx(0.005 * RATE, abs=4)


def test_the_sound_of_a_video(tmp_path: Path) -> None:
    made = peaks(make_video(tmp_path / "v.mp4", 3), points=50)
    assert max(made["data"]) > 20


@pytest.mark.parametrize("points", [9, 0, -1, 100_001])
def test_points_out_of_range(sample: Sample, points: int) -> None:
    with pytest.raises(UsageError, match="a waveform has 10 to 100,000 points"):
        peaks(sample("mp3"), points=points)


def test_a_silent_film_has_none(tmp_path: Path) -> None:
    with pytest.raises(InvalidMedia, match="the file has no sound"):
        peaks(make_video(tmp_path / "v.mp4", 1, audio=""))


@given(
    st.lists(st.integers(0, 900), min_size=1, max_size=12),
    st.integers(2, 20),
    st.randoms(use_true_random=False),
)
def test_gathering_is_the_same_as_looking_at_all_at_once(
    sizes: list[int], points: int, random: object
) -> None:
    """However the sound comes in blocks, each pixel has the extremes of its own samples."""
    noise = np.random.default_rng(random.randint(0, 999))  # type: ignore[attr-defined]
    blocks = [noise.integers(-32768, 32767, size).astype(np.int16) for size in sizes]
    whole = np.concatenate(blocks)
    bins = _Bins(4 * points)
    for block in blocks:
        bins.add(block)
    low, high, samples = bins.gathered(points)
    assert len(low) == math.ceil(len(whole) / samples) <= points
    for number in range(len(low)):
        run = whole[number * samples : (number + 1) * samples]
        assert low[number] == run.min() >> 8
        assert high[number] == run.max() >> 8
