"""How loud a file sounds, by EBU R128 (ITU-R BS.1770-4) as FFmpeg's ``ebur128`` measures it."""

from __future__ import annotations

import math
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.errors import InvalidMedia
from vidctl.media.refusal import refusal_of_decoding
from vidctl.media.source import audio_frames, open_media, packets, sound
from vidctl.model.media import Loudness

if TYPE_CHECKING:
    from av import AudioFrame
    from av.audio.resampler import AudioResampler

# The gate below which nothing counts as sound (BS.1770-4, annex 1); the filter answers it for none.
GATE = -70.0
# The range looks at 3 s at a time (EBU Tech 3342); of less there is none.
RANGE_SECONDS = 3.0
METER = "metadata=1:peak=true:framelog=quiet"


def loudness(path: Path) -> Loudness:
    """Measure the main sound of a file; all of it is decoded once, in bounded memory.

    Damaged packets are left out. Raises InvalidMedia when there is no sound or none decodes, and
    what ``open_media`` raises.
    """
    with open_media(path) as container:
        stream = sound(container)
        if stream is None:
            raise InvalidMedia("the file has no sound", item=str(path))
        meter = _Meter()
        for packet in packets(container, stream):
            for frame in audio_frames(packet):
                meter.add(frame)
        if not meter.seconds:
            raise refusal_of_decoding(path)
        return meter.read()


class _Meter:
    """Passes sound through the filter and keeps its last word, which is about all of it."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._chain: _Chain | None = None
        self._resampler: AudioResampler | None = None
        self._shape: tuple[str, str, int] | None = None

    def add(self, frame: AudioFrame) -> None:
        """Measure a frame. The first one decides what all are converted to: some files change."""
        import av

        self.seconds += frame.samples / frame.sample_rate
        shape = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._chain is None:
            self._chain = _Chain(frame.sample_rate, frame.layout.name)
        if shape != self._shape:
            self._flush()
            self._resampler = av.AudioResampler("dbl", self._chain.layout, self._chain.rate)
            self._shape = shape
        # The samples are counted, not timed: a broken clock changes nothing.
        frame.pts = None
        assert self._resampler is not None
        for even in self._resampler.resample(frame):
            self._chain.push(even)

    def _flush(self) -> None:
        if self._resampler is not None and self._chain is not None:
            for even in self._resampler.resample(None):
                self._chain.push(even)

    def read(self) -> Loudness:
        """Return the loudness of everything that was added."""
        self._flush()
        said = self._chain.finish() if self._chain is not None else {}
        integrated, width, peak = (
            _number(said.get(f"lavfi.r128.{name}")) for name in ("I", "LRA", "true_peak")
        )
        if integrated is not None and integrated <= GATE:
            integrated = None
        has_range = integrated is not None and self.seconds >= RANGE_SECONDS
        return Loudness(
            integrated=integrated and round(integrated, 1),
            range=round(width, 1) if has_range and width is not None else None,
            # The filter answers with an amplitude, of which 1.0 is full scale.
            true_peak=round(20 * math.log10(peak), 1) if peak else None,
        )


class _Chain:
    """FFmpeg's filter between a source and a sink."""

    def __init__(self, rate: int, layout: str) -> None:
        import av

        self.rate, self.layout = rate, layout
        self._said: dict[str, str] = {}
        self._graph = av.filter.Graph()
        source = self._graph.add_abuffer(
            sample_rate=rate, format="dbl", layout=layout, time_base=Fraction(1, rate)
        )
        meter = self._graph.add("ebur128", METER)
        self._graph.link_nodes(source, meter, self._graph.add("abuffersink")).configure()

    def push(self, frame: AudioFrame | None) -> None:
        """Put a frame in and take out what is ready; None is the end."""
        import av

        self._graph.push(frame)
        with suppress(av.BlockingIOError, av.EOFError):
            while True:
                self._said = self._graph.pull().metadata or self._said

    def finish(self) -> dict[str, str]:
        """Return what the filter says of all frames."""
        self.push(None)
        return self._said


def _number(text: str | None) -> float | None:
    value = float(text) if text else math.nan
    return value if math.isfinite(value) else None
