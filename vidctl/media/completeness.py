"""How much of a media file can really be read, compared with what its header promises."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.files import BLOCK
from vidctl.media.refusal import HEAD, refusal_of_decoding
from vidctl.media.source import (
    MICROSECONDS,
    audio_frames,
    is_cover,
    origin,
    packets,
    picture,
    sound,
    video_frames,
)

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

# Formats whose header states a duration; for the others FFmpeg estimates one from what is there.
_PROMISING = frozenset({"mov", "matroska", "flac", "aiff", "avi", "flv", "wav", "w64", "caf"})
# Formats whose header states the size of the file, and the sizes that recorders write for unknown.
_SIZED = frozenset({"wav", "avi", "asf"})
_STREAMED_SIZES = (range(0x7FFFFF00, 0x80000100), range(0xFFFFFF00, 0x100000000))
# The File Properties Object (ASF specification, section 3.2).
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_BISECTED_TO = 0.5
_PATIENCE = 5.0
_LEAP = 10.0


def is_material(missing: float, promised: float) -> bool:
    """Tell whether ``missing`` seconds are more than rounding: over 1 s and over 2 %."""
    return missing > 1.0 and missing > 0.02 * promised


def read_through(container: InputContainer, path: Path) -> tuple[float, bool]:
    """Return the readable duration of a file in seconds, and whether it was cut short.

    All of it is read from ``container``, which nothing was read from yet. Packets are walked
    without decoding, then a moment near the end is decoded: files that a download reserved at full
    size and left empty have every packet and no content. Raises InvalidMedia when nothing decodes.
    """
    ends = _ends(container)
    zero = origin(container)
    readable = max(ends.values(), default=zero)
    decodable = _decodable_end(container, ends, path)
    if is_material(readable - decodable, readable):
        return decodable - zero, True
    cut = any(
        is_material(promised - end, promised)
        for promised, end in _promises(container, ends, readable, path)
    )
    return readable - zero, cut


def _ends(container: InputContainer) -> dict[int, float]:
    """Return the end of the last packet of each stream, in seconds of the container's time."""
    known = (container.duration or 0) / MICROSECONDS + origin(container)
    ends = {
        stream.index: _End(float(stream.time_base or 1), known)
        for stream in container.streams
        if not is_cover(stream)
    }
    for packet in packets(container):
        start = packet.dts if packet.pts is None else packet.pts
        end = ends.get(packet.stream_index)
        if start is not None and end is not None:
            end.see(start, start + (packet.duration or 0))
    return {index: end.ticks * end.base for index, end in ends.items() if end.ticks is not None}


class _End:
    """The end of one stream. A leap past the known duration counts when a second packet agrees."""

    __slots__ = ("base", "doubtful", "known", "leap", "ticks")

    def __init__(self, base: float, known: float) -> None:
        self.base = base
        self.known = known / base
        self.leap = _LEAP / base
        self.ticks: int | None = None
        self.doubtful: int | None = None

    def see(self, start: int, end: int) -> None:
        """Take note of a packet; times are in ticks of the stream."""
        if self.ticks is None:
            self.ticks = end
        elif end > self.ticks:
            is_leap = start - self.ticks > self.leap and end > self.known
            if is_leap and (self.doubtful is None or abs(start - self.doubtful) > self.leap):
                self.doubtful = end
            else:
                self.ticks = end


def _promises(
    container: InputContainer, ends: dict[int, float], readable: float, path: Path
) -> Iterator[tuple[float, float]]:
    """Yield pairs of a promised end and the end that was found, both in seconds."""
    name = container.format.name.split(",")[0]
    if name in _SIZED:
        yield readable * _stated_growth(path), readable
    if name not in _PROMISING and not (name == "mp3" and _has_frame_count(path)):
        yield readable * _hole_growth(path), readable
        return
    spans = []
    for stream in container.streams:
        if stream.duration and stream.time_base and not is_cover(stream):
            promised = float(((stream.start_time or 0) + stream.duration) * stream.time_base)
            spans.append(promised)
            if stream.type in ("audio", "video"):
                yield promised, ends.get(stream.index, 0.0)
    if container.duration:
        # A movie header that promises more than every track in it is a wrong header.
        promised = container.duration / MICROSECONDS
        yield min(promised, max(spans, default=promised)), readable


def _stated_growth(path: Path) -> float:
    """Return how much bigger an AVI, WAV or ASF file says it is; FFmpeg trusts the file size."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
    stated = 0
    if head[:4] == b"RIFF":
        (length,) = struct.unpack("<I", head[4:8])
        stated = 0 if any(length in sizes for sizes in _STREAMED_SIZES) else length + 8
    elif _ASF_PROPERTIES in head[:-24]:
        (stated,) = struct.unpack_from("<Q", head, head.index(_ASF_PROPERTIES) + 40)
    return max(stated / size, 1.0)


def _hole_growth(path: Path) -> float:
    """Return how much bigger a file is than its content, when it ends in a hole of zero bytes."""
    size = end = path.stat().st_size
    with path.open("rb") as file:
        while end > 0:
            start = max(end - BLOCK, 0)
            file.seek(start)
            content = file.read(end - start).rstrip(b"\0")
            if content:
                return size / (start + len(content))
            end = start
    return 1.0


def _has_frame_count(path: Path) -> bool:
    """Tell whether an MP3 file starts with a Xing, Info or VBRI header after its ID3 tag."""
    with path.open("rb") as file:
        head = file.read(10)
        start = 0
        if head[:3] == b"ID3":
            # Seven bits of the size are in each byte (ID3v2.4, section 3.1).
            start = 10
            for shift, byte in zip((21, 14, 7, 0), head[6:], strict=False):
                start += byte << shift
        file.seek(start)
        first_frame = file.read(HEAD)
    return any(mark in first_frame for mark in (b"Xing", b"Info", b"VBRI"))


def _decodable_end(container: InputContainer, ends: dict[int, float], path: Path) -> float:
    """Return up to where the file decodes: the end, unless a moment near the end does not."""
    for stream in _witnesses(container):
        high = ends.get(stream.index)
        if high is None:
            continue
        low = float((stream.start_time or 0) * (stream.time_base or 0))
        if _decodes(container, stream, max(high - 1.0, low)):
            return max(ends.values())
        if _decodes(container, stream, low):
            return _last_decodable(container, stream, low, high)
    raise refusal_of_decoding(path)


def _last_decodable(container: InputContainer, stream: Stream, low: float, high: float) -> float:
    """Bisect between a moment that decodes and one that does not."""
    while high - low > _BISECTED_TO:
        middle = (low + high) / 2
        if _decodes(container, stream, middle):
            low = middle
        else:
            high = middle
    return low


def _witnesses(container: InputContainer) -> Sequence[Stream]:
    """Order the streams to decode: sound is cheap, but zeros are valid uncompressed sound."""
    audio, video = sound(container), picture(container)
    streams = [stream for stream in (audio, video) if stream is not None]
    is_raw = audio is not None and audio.codec_context.name.startswith("pcm_")
    return streams[::-1] if is_raw else streams


def _decodes(container: InputContainer, stream: Stream, moment: float) -> bool:
    """Tell whether a frame at or soon after ``moment``, in the container's seconds, decodes."""
    import av

    base = float(stream.time_base or 1)
    with suppress(av.FFmpegError):
        container.seek(int(moment / base), stream=stream)
    for packet in packets(container, stream):
        for frame in [*video_frames(packet), *audio_frames(packet)]:
            if frame.time is None or frame.time > moment - 1.0:
                return True
        if packet.dts is not None and packet.dts * base > moment + _PATIENCE:
            return False
    return False
