"""Loudness against the test signals of the EBU (Tech 3341 and 3342), and of odd files."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from media_samples import cut, hollow, make_audio, make_video, sine

from vidctl.errors import InvalidMedia
from vidctl.media.loudness import loudness
from vidctl.model.media import Loudness

Sample = Callable[[str], Path]


@pytest.mark.parametrize(
    ("levels", "integrated"),
    [
        ([(-23, 20)], -23.0),
        ([(-33, 20)], -33.0),
        # The quiet ends are gated out (Tech 3341, case 3).
        ([(-36, 10), (-23, 60), (-36, 10)], -23.0),
        # Digital silence does not count (case 4, shortened).
        ([(-200, 10), (-23, 20), (-200, 10)], -23.0),
    ],
)
def test_integrated(levels: list[tuple[float, float]], integrated: float, tmp_path: Path) -> None:
    assert loudness(sine(tmp_path / "a.wav", levels)).integrated == pytest.approx(
        integrated, abs=0.11
    )


@pytest.mark.parametrize(
    ("levels", "width"), [([(-20, 20), (-30, 20)], 10), ([(-20, 20), (-15, 20)], 5)]
)
def test_range(levels: list[tuple[float, float]], width: float, tmp_path: Path) -> None:
    assert loudness(sine(tmp_path / "a.wav", levels)).range == pytest.approx(width, abs=1.0)


def test_true_peak_is_above_the_highest_sample(tmp_path: Path) -> None:
    """The samples of this sine are all 3 dB below its tops (Tech 3341, case 16)."""
    path = sine(tmp_path / "a.wav", [(-6, 5)], hertz=12_000, degrees=45)
    assert -6.4 <= (loudness(path).true_peak or 0) <= -5.8


def test_silence_has_no_loudness(tmp_path: Path) -> None:
    found = loudness(sine(tmp_path / "a.wav", [(-200, 5)]))
    assert found == Loudness(None, None, None)
    assert found.record() == {}


def test_a_moment_is_too_short_to_tell(tmp_path: Path) -> None:
    found = loudness(sine(tmp_path / "a.wav", [(-23, 0.2)]))
    assert (found.integrated, found.range) == (None, None)
    assert found.true_peak == pytest.approx(-23, abs=0.4)


@pytest.mark.parametrize("suffix", ["mp3", "m4a", "aac", "flac", "wav", "ogg", "mkv", "ts"])
def test_every_format_measures_the_same(suffix: str, sample: Sample) -> None:
    wanted = loudness(sample("wav")).integrated
    assert loudness(sample(suffix)).integrated == pytest.approx(wanted, abs=1.2)


@pytest.mark.parametrize(
    ("layout", "rate"), [("mono", 8000), ("stereo", 96000), ("5.1", 48000), ("3.0", 44100)]
)
def test_channels_and_rates(layout: str, rate: int, tmp_path: Path) -> None:
    path = make_audio(tmp_path / "a.wav", codec="pcm_s16le", layout=layout, sound_rate=rate)
    assert loudness(path).integrated is not None


def test_sound_that_changes_on_the_way(tmp_path: Path) -> None:
    """Two recordings joined as they are: mono at 44.1 kHz, then stereo at 48 kHz."""
    parts = [
        make_audio(tmp_path / "a.mp3", 5, codec="libmp3lame", sound_rate=44100),
        make_audio(tmp_path / "b.mp3", 5, codec="libmp3lame", layout="stereo"),
    ]
    joined = tmp_path / "joined.mp3"
    joined.write_bytes(b"".join(part.read_bytes() for part in parts))
    low, high = sorted(loudness(part).integrated or 0 for part in parts)
    assert low - 1 < (loudness(joined).integrated or 0) < high + 1


def test_damage_is_stepped_over(sample: Sample, tmp_path: Path) -> None:
    wanted = loudness(sample("mp4")).integrated
    for spoil in (cut, hollow):
        path = spoil(sample("mp4"), tmp_path / "a.mp4")
        assert loudness(path).integrated == pytest.approx(wanted, abs=1.5)


def test_no_sound(tmp_path: Path) -> None:
    with pytest.raises(InvalidMedia, match="no sound"):
        loudness(make_video(tmp_path / "a.mp4", 1, audio=""))


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in kilobytes on Linux")
def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    path = sine(tmp_path / "a.wav", [(-20, 5)])
    loudness(path)
    long = sine(tmp_path / "b.wav", [(-20, 120)])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    loudness(long)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 30_000
