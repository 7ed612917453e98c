"""Decoded sound keeps the media clock: what is heard at second t is sample t * rate."""

from __future__ import annotations

import wave
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import av
import numpy as np
import pytest
from media_samples import cut, make_audio, make_video, noise

from vidctl.errors import InvalidMedia
from vidctl.media import audio
from vidctl.media.audio import audio_blocks, decode_audio

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

Sample = Callable[[str], Path]

RATE = 16000
# Half a frame of AAC or MP3: what an encoder delays the sound by when the format cannot say so.
ENCODER_DELAY = 0.03


@pytest.fixture(scope="session")
def spoken() -> Samples:
    """The sound of the samples as it should come out: eight seconds at 16 kHz."""
    frame = av.AudioFrame.from_ndarray(noise(8)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts = 48000, 0
    resampler = av.AudioResampler("s16", "mono", RATE)
    parts = [*resampler.resample(frame), *resampler.resample(None)]
    samples = np.concatenate([part.to_ndarray()[0] for part in parts])
    return samples.astype(np.float32) / np.float32(32768)


def lag(heard: Samples, wanted: Samples) -> float:
    """Return by how many seconds ``heard`` is late."""
    length = len(heard) + len(wanted)
    product = np.fft.rfft(heard, length) * np.conj(np.fft.rfft(wanted, length))
    peak = int(np.argmax(np.fft.irfft(product, length)))
    return (peak if peak < length // 2 else peak - length) / RATE


def silence(seconds: float) -> Samples:
    return np.zeros(round(seconds * RATE), np.float32)


FORMATS = ["mp3", "m4a", "aac", "flac", "wav", "aiff", "ogg"]
FORMATS += ["mp4", "mov", "mkv", "webm", "ts", "avi", "flv", "mpg", "wmv"]


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_on_time(suffix: str, sample: Sample, spoken: Samples) -> None:
    heard = decode_audio(sample(suffix))
    assert (str(heard.dtype), heard.ndim) == ("float32", 1)
    assert len(heard) / RATE == pytest.approx(8.0, abs=0.1)
    assert abs(lag(heard, spoken)) < (0.05 if suffix == "wmv" else ENCODER_DELAY)
    assert 0.1 < np.abs(heard).max() <= 1.0


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_stretch_is_what_the_whole_holds_there(suffix: str, sample: Sample) -> None:
    whole = decode_audio(sample(suffix))
    for start, end in ((0.5, 1.5), (3.217, 5.9), (6.5, 60.0)):
        heard = decode_audio(sample(suffix), start=start, end=end)
        wanted = whole[round(start * RATE) : round(end * RATE)]
        assert abs(len(heard) - len(wanted)) <= 32
        assert abs(lag(heard, wanted)) <= 0.002


def test_nothing_is_heard_outside(sample: Sample) -> None:
    path = sample("mp3")
    for start, end in ((3.0, 3.0), (3.0, 1.0), (20.0, 30.0), (20.0, None)):
        heard = decode_audio(path, start=start, end=end)
        assert (len(heard), str(heard.dtype)) == (0, "float32")
    assert len(decode_audio(path, start=-5.0, end=1.0)) == RATE


@pytest.mark.parametrize("suffix", ["mp4", "m4a", "mkv", "ts"])
def test_sound_that_starts_late_stays_late(suffix: str, tmp_path: Path, spoken: Samples) -> None:
    make = make_audio if suffix == "m4a" else make_video
    path = make(tmp_path / f"late.{suffix}", 8, delay=2.0)
    heard = decode_audio(path)
    assert not heard[: round(1.9 * RATE)].any()
    assert abs(lag(heard, np.concatenate([silence(2), spoken]))) < ENCODER_DELAY
    part = decode_audio(path, start=1.0, end=4.0)
    assert len(part) == 3 * RATE
    assert abs(lag(part, np.concatenate([silence(1), spoken[: 2 * RATE]]))) < ENCODER_DELAY


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
def test_a_pause_in_a_recording_is_silence(suffix: str, tmp_path: Path, spoken: Samples) -> None:
    path = make_video(tmp_path / f"pause.{suffix}", 8, gap=(4.0, 3.0))
    heard = decode_audio(path)
    wanted = np.concatenate([spoken[: 4 * RATE], silence(3), spoken[4 * RATE :]])
    assert len(heard) / RATE == pytest.approx(11.0, abs=0.1)
    assert abs(lag(heard, wanted)) < ENCODER_DELAY
    assert not heard[round(4.2 * RATE) : round(6.8 * RATE)].any()
    inside = decode_audio(path, start=4.5, end=6.5)
    assert (len(inside), bool(inside.any())) == (2 * RATE, False)


def test_a_long_pause_is_silence_in_small_pieces(tmp_path: Path) -> None:
    path = make_audio(tmp_path / "pause.mka", 4, codec="libopus", gap=(2.0, 3600.0))
    longest = total = 0
    for piece in audio._pieces(path, 0.0, None, RATE):
        longest, total = max(longest, len(piece)), total + len(piece)
    assert total / RATE == pytest.approx(3604, abs=0.1)
    assert longest <= audio.SILENCE_BLOCK


def test_blocks_are_the_whole_in_equal_pieces(sample: Sample) -> None:
    blocks = list(audio_blocks(sample("mp4"), seconds=3))
    assert [len(block) / RATE for block in blocks[:-1]] == [3.0, 3.0]
    assert np.array_equal(np.concatenate(blocks), decode_audio(sample("mp4")))


def test_blocks_are_decoded_one_at_a_time(sample: Sample) -> None:
    """Whoever stops early leaves no file open: an unclosed one would be a warning."""
    blocks = audio_blocks(sample("mp4"), seconds=1)
    first = next(blocks)
    second = next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    assert len(first) == len(second) == RATE
    assert not np.array_equal(first, second)


def test_another_rate(sample: Sample) -> None:
    assert len(decode_audio(sample("wav"), rate=8000)) == 64_000
    assert [len(block) for block in audio_blocks(sample("wav"), 48_000, 10)] == [384_000]


@pytest.mark.parametrize("layout", ["stereo", "3.0", "5.1"])
def test_a_downmix_does_not_exceed_full_scale(layout: str, tmp_path: Path) -> None:
    heard = decode_audio(make_audio(tmp_path / "x.wav", 2, codec="pcm_s16le", layout=layout))
    assert len(heard) == 2 * RATE
    assert 0.1 < np.abs(heard).max() <= 1.0


def test_sixteen_kilohertz_mono_passes_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with wave.open(str(path), "wb") as output:
        output.setparams((1, 2, RATE, 0, "NONE", ""))
        output.writeframes(noise(1).tobytes())
    assert np.array_equal(decode_audio(path), noise(1).astype(np.float32) / 32768)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts", "mp3"])
def test_damaged_packets_become_silence(
    suffix: str, sample: Sample, spoken: Samples, tmp_path: Path
) -> None:
    content = bytearray(sample(suffix).read_bytes())
    place = len(content) // 2
    content[place : place + len(content) // 10] = bytes(len(content) // 10)
    path = tmp_path / f"hole.{suffix}"
    path.write_bytes(content)
    heard = decode_audio(path)
    assert len(heard) / RATE == pytest.approx(8.0, abs=1.0 if suffix == "mp3" else 0.1)
    if suffix != "mp3":
        assert abs(lag(heard[6 * RATE :], spoken[6 * RATE :])) < ENCODER_DELAY


def test_a_file_cut_short_gives_what_is_there(sample: Sample, tmp_path: Path) -> None:
    heard = decode_audio(cut(sample("mp4"), tmp_path / "cut.mp4", 0.5))
    assert len(heard) / RATE == pytest.approx(4.0, abs=0.5)


def test_recordings_joined_into_one_file_are_all_heard(sample: Sample, tmp_path: Path) -> None:
    path = tmp_path / "joined.ts"
    path.write_bytes(sample("ts").read_bytes() * 2)
    assert len(decode_audio(path)) / RATE == pytest.approx(16.0, abs=0.2)


def test_no_sound(tmp_path: Path) -> None:
    path = make_video(tmp_path / "silent.mp4", 1, audio="")
    with pytest.raises(InvalidMedia, match=r"^the file has no sound$"):
        decode_audio(path)
    with pytest.raises(InvalidMedia, match=r"^the file has no sound$"):
        next(audio_blocks(path))


def test_sound_that_does_not_decode(sample: Sample, tmp_path: Path) -> None:
    content = bytearray(sample("m4a").read_bytes())
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[start:end] = bytes([255]) * (end - start)
    path = tmp_path / "protected.m4a"
    path.write_bytes(content)
    with pytest.raises(InvalidMedia, match="damaged or copy-protected"):
        decode_audio(path)


def tone(rate: int, second: float) -> av.AudioFrame:
    """One second of sound at a rate of its own."""
    samples = np.full((1, rate), 8000, np.int16)
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.sample_rate, frame.time_base = rate, Fraction(1, rate)
    frame.pts = round(second * rate)
    return frame


def line_of(*heard: tuple[int, float]) -> Samples:
    line = audio._Line(RATE, 0.0, None, longest_gap=60.0)
    parts = [part for rate, second in heard for part in line.add(tone(rate, second), second)]
    return np.concatenate([*parts, *line.flush()]).reshape(-1) / np.float32(32768)


def test_the_rate_may_change_on_the_way() -> None:
    heard = line_of((22050, 0.0), (44100, 1.0), (8000, 2.0))
    assert abs(len(heard) - 3 * RATE) <= 3
    assert heard[100:-100].min() > 0.2


def test_a_slow_drift_is_corrected() -> None:
    """A recorder whose clock runs 1 % fast: sound and picture stay together."""
    heard = line_of(*((RATE, number * 1.01) for number in range(20)))
    assert abs(len(heard) / RATE - 20.19) < 0.06


def test_sound_that_overlaps_is_heard_once() -> None:
    assert len(line_of((RATE, 0.0), (RATE, 0.5), (RATE, 1.5))) == 2.5 * RATE


def frames(*times: float | None) -> list[Any]:
    """Frames of 20 ms at the given seconds."""
    return [SimpleNamespace(time=time, samples=960, sample_rate=48000) for time in times]


@pytest.mark.parametrize(
    ("times", "trusted"),
    [
        ((0.0, 0.02, 0.04), (0.0, 0.02, 0.04)),
        ((0.0, 0.02, 9.0, 0.06, 0.08), (0.0, 0.02, None, 0.06, 0.08)),
        ((0.0, 0.02, 9.0, 9.02, 9.04), (0.0, 0.02, 9.0, 9.02, 9.04)),
        ((77.0, 0.02, 0.04), (None, 0.02, 0.04)),
        ((0.0, None, 0.04), (0.0, None, 0.04)),
        ((0.0, 0.02, 50.0), (0.0, 0.02, None)),
        ((50.0,), (50.0,)),
    ],
)
def test_a_time_needs_a_neighbour_that_agrees(
    times: tuple[float | None, ...], trusted: tuple[float | None, ...]
) -> None:
    assert tuple(time for _, time in audio._timed(iter(frames(*times)))) == trusted
