"""Sound as 32-bit floats on the media clock: sample ``n`` is what is heard at ``n / rate`` seconds.

Streams that start late, pauses in a recording and lost packets become silence of the same
length, so that the times of a transcript fit the picture.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.errors import InvalidMedia
from vidctl.media.refusal import refusal_of_decoding
from vidctl.media.source import (
    MICROSECONDS,
    audio_frames,
    open_media,
    origin,
    packets,
    sound,
)

if TYPE_CHECKING:
    import numpy as np
    from av import AudioFrame, AudioStream, Packet
    from av.audio.resampler import AudioResampler
    from av.container import InputContainer
    from av.stream import Stream
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]
    Pcm = NDArray[np.int16]

# Timestamps in milliseconds and dropped priming samples are jitter; more is a gap or a drift.
TOLERANCE = 0.05
# Enough for the codec with the longest memory (MP3's bit reservoir, Opus' 80 ms).
PREROLL = 1.0
# One timestamp that leaps further than this, and back, is damage and not a pause.
LEAP = 1.0
LONGEST_GAP = 6 * 3600.0
SILENCE_BLOCK = 1 << 19
# Samples that leave the resampler together: larger pieces cost less in Python.
RESAMPLED = 4096


def decode_audio(
    path: Path, *, start: float = 0.0, end: float | None = None, rate: int = 16000
) -> Samples:
    """Return the sound from ``start`` to ``end`` seconds (default: to the end) as mono.

    The first sample is what is heard at ``start``; the result is shorter than asked only where
    the sound ends earlier. Damaged packets become silence. Raises InvalidMedia when the file has
    no sound or none of it decodes, and what ``open_media`` raises.
    """
    import numpy as np

    return np.concatenate([np.zeros(0, np.float32), *_pieces(path, max(start, 0.0), end, rate)])


def audio_blocks(path: Path, rate: int = 16000, seconds: float = 30) -> Iterator[Samples]:
    """Yield the whole sound in blocks of ``seconds``; the last may be shorter.

    Memory stays that of one block. Raises what ``decode_audio`` raises.
    """
    import numpy as np

    size = round(rate * seconds)
    block = np.zeros(size, np.float32)
    filled = 0
    for piece in _pieces(path, 0.0, None, rate):
        while len(piece):
            part, piece = piece[: size - filled], piece[size - filled :]
            block[filled : filled + len(part)] = part
            filled += len(part)
            if filled == size:
                yield block
                block = np.zeros(size, np.float32)
                filled = 0
    if filled:
        yield block[:filled]


def _pieces(path: Path, start: float, end: float | None, rate: int) -> Iterator[Samples]:
    """Yield the samples from ``start`` on, in order, in pieces of bounded size."""
    import numpy as np

    with open_media(path) as container:
        for piece in pcm(container, path, rate, start=start, end=end):
            yield piece.reshape(-1).astype(np.float32) / 32768.0


def pcm(
    container: InputContainer,
    path: Path,
    rate: int,
    *,
    layout: str = "mono",
    start: float = 0.0,
    end: float | None = None,
) -> Iterator[Pcm]:
    """Yield the main sound track in pieces of bounded size: 16-bit arrays of (samples, channels).

    ``layout`` is ``mono`` or ``stereo``, ``path`` what errors name. Raises InvalidMedia when there
    is no sound or, from the beginning, none of it decodes.
    """
    stream = sound(container)
    if stream is None:
        raise InvalidMedia("the file has no sound", item=str(path))
    line = _Line(rate, start, end, _longest_gap(container), layout)
    zero = origin(container)
    reader = _packets_from(container, stream, start + zero)
    frames = (frame for packet in reader for frame in audio_frames(packet))
    has_frames = False
    for frame, time in _timed(frames):
        has_frames = True
        yield from line.add(frame, None if time is None else time - zero)
        if line.is_full:
            return
    yield from line.flush()
    if start == 0.0 and not has_frames:
        raise refusal_of_decoding(path)


def _timed(frames: Iterator[AudioFrame]) -> Iterator[tuple[AudioFrame, float | None]]:
    """Pair frames with their times; a time that no neighbour agrees with is damaged: None."""
    expected: float | None = None
    frame = next(frames, None)
    while frame is not None:
        following = next(frames, None)
        time, seconds = frame.time, frame.samples / frame.sample_rate
        if time is not None and (expected is None or abs(time - expected) > LEAP):
            after = following.time if following else expected
            if after is not None and abs(after - time - seconds) > LEAP:
                time = None
        yield frame, time
        known = expected if time is None else time
        expected = None if known is None else known + seconds
        frame = following


def _longest_gap(container: InputContainer) -> float:
    duration = (container.duration or 0) / MICROSECONDS
    return duration + 1.0 if 0 < duration < LONGEST_GAP else LONGEST_GAP


def _packets_from(
    container: InputContainer, stream: AudioStream, moment: float
) -> Iterator[Packet[Stream]]:
    """Return packets from a little before ``moment``, in seconds of the container's time.

    Where a seek fails or lands too late, reading starts at the beginning: slow, but exact.
    """
    import av

    base = float(stream.time_base or 1)
    reader: Iterator[Packet[Stream]] = packets(container, stream)
    if moment > PREROLL:
        is_there = False
        with suppress(av.FFmpegError):
            container.seek(int((moment - PREROLL) / base), stream=stream)
            first = next(reader, None)
            is_there = first is None or (first.pts is not None and first.pts * base <= moment)
            reader = chain(filter(None, [first]), reader)
        if not is_there:
            with suppress(av.FFmpegError):
                container.seek(stream.start_time or 0, stream=stream)
            reader = packets(container, stream)
    return reader


class _Line:
    """The output: puts each decoded frame where its timestamp says, with silence between."""

    def __init__(
        self,
        rate: int,
        start: float,
        end: float | None,
        longest_gap: float,
        layout: str = "mono",
    ) -> None:
        self.rate = rate
        self.layout = layout
        self.channels = 2 if layout == "stereo" else 1
        self.start = start
        self.total = None if end is None else max(round((end - start) * rate), 0)
        self.longest_gap = longest_gap
        self.written = 0
        self.excess = 0
        self.resampler: AudioResampler | None = None
        self.shape: object = None
        self.expected = start
        self.shift = 0.0

    @property
    def is_full(self) -> bool:
        """Tell whether everything asked for has been written."""
        return self.total is not None and self.written >= self.total

    def add(self, frame: AudioFrame, moment: float | None) -> Iterator[Pcm]:
        """Write a frame that is heard at ``moment``; without one it follows the last."""
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        time = self.expected if moment is None else moment + self.shift
        if self._is_fault(time - self.expected):
            self.shift += self.expected - time
            time = self.expected
        if shape != self.shape or abs(time - self.expected) > TOLERANCE:
            yield from self.flush()
            yield from self._move_to(time)
            self.shape, self.expected = shape, time
        # Counted in samples and not taken from the next time, so that a slow drift adds up.
        self.expected += frame.samples / frame.sample_rate
        yield from self._resampled(frame)

    def flush(self) -> Iterator[Pcm]:
        """Write what the resampler still holds."""
        if self.resampler is not None:
            yield from self._resampled(None)
        self.resampler = None

    def _is_fault(self, jump: float) -> bool:
        """Tell a broken clock (a joined recording starting anew, absurd times) from a pause."""
        return jump > self.longest_gap or (jump < -LEAP and self.shape is not None)

    def _move_to(self, time: float) -> Iterator[Pcm]:
        import numpy as np

        behind = round((time - self.start) * self.rate) - self.written
        self.excess = max(-behind, 0)
        while behind > 0 and not self.is_full:
            silence = np.zeros((min(behind, SILENCE_BLOCK), self.channels), np.int16)
            behind -= len(silence)
            yield self._counted(silence)

    def _resampled(self, frame: AudioFrame | None) -> Iterator[Pcm]:
        import av

        if self.resampler is None:
            # Into integers, swresample scales a downmix so that it cannot exceed full scale.
            self.resampler = av.AudioResampler("s16", self.layout, self.rate, frame_size=RESAMPLED)
        for output in self.resampler.resample(frame):
            samples: Pcm = output.to_ndarray().reshape(-1, self.channels)[self.excess :]  # type: ignore[assignment]
            self.excess = max(self.excess - output.samples, 0)
            if len(samples):
                yield self._counted(samples)

    def _counted(self, samples: Pcm) -> Pcm:
        """Cut to what is still asked for."""
        if self.total is not None:
            samples = samples[: self.total - self.written]
        self.written += len(samples)
        return samples
