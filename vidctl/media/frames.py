"""Frames of a video at given moments, upright and in the size that is wanted."""

from __future__ import annotations

import io
import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.errors import InvalidMedia
from vidctl.media.source import (
    MICROSECONDS,
    origin,
    packets,
    picture,
    quarter_turns,
    shown_size,
    video_frames,
)

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer
    from PIL.Image import Image

# Pixels decoded per look, about 50 frames of 1080p: bounds the time where keyframes are rare.
PIXELS_PER_LOOK = 100_000_000
# Where all pictures are wanted: 480 frames of 1080p, more than most encoders put between keyframes.
PIXELS_PER_PICTURE = 1_000_000_000
# Reading on finds its way by itself; after this many seconds without an index a seek is cheaper.
STRIDE = 10.0
PICTURE_FORMS = {".png": "PNG", ".webp": "WEBP"}
# The largest side of a WebP (RFC 9649, 2.7); what claims to be larger is a strip of something.
LARGEST_SIDE = 16_383
EARLY = 0.001


def encoded(image: Image, quality: int, target: Path) -> bytes:
    """Return a picture as what the ending of ``target`` says: JPEG, PNG or WebP, else JPEG.

    ``quality`` goes up to 95 and means nothing to PNG. Pillow does not notice when a file takes
    only a part of what it writes, as on a full disk.
    """
    content = io.BytesIO()
    form = PICTURE_FORMS.get(target.suffix.lower(), "JPEG")
    image.save(content, form, **({} if form == "PNG" else {"quality": quality}))
    return content.getvalue()


def has_picture(container: InputContainer, path: Path, purpose: str) -> VideoStream:
    """Return the moving picture. Raises InvalidMedia, which says what it was wanted for."""
    video = picture(container)
    if video is None:
        raise InvalidMedia(
            f"there is no picture to make {purpose} of", hint="give a video", item=str(path)
        )
    video.thread_type = "AUTO"
    return video


def length(container: InputContainer) -> float:
    """Return the duration in seconds that the file claims, 0.0 where it claims none."""
    return max((container.duration or 0) / MICROSECONDS, 0.0)


def frame_at(
    container: InputContainer,
    video: VideoStream,
    moment: float,
    *,
    pixels: int | None = None,
) -> VideoFrame | None:
    """Return the frame at ``moment`` or, when that is too far from a keyframe, one before it.

    ``moment`` is in seconds of the container's time; ``pixels`` bounds what is decoded on the way.
    """
    import av

    with suppress(av.FFmpegError):
        container.seek(int(moment / float(video.time_base or 1)), stream=video)
    frame, _ = _reached(_decoded(container, video), moment, pixels or PIXELS_PER_LOOK)
    return frame


def upright(frame: VideoFrame, video: VideoStream, width: int) -> Image:
    """Return a frame as a player shows it, at most ``width`` wide; PyAV does not turn it."""
    from PIL.Image import fromarray

    turn = quarter_turns(frame)
    shown_width, shown_height = shown_size(video, turn)
    scale = min(1.0, width / max(shown_width, 1), LARGEST_SIDE / max(shown_height, 1))
    size = max(round(shown_width * scale), 1), max(round(shown_height * scale), 1)
    across, down = size[::-1] if turn % 180 else size
    pixels = frame.reformat(width=across, height=down, format="rgb24").to_ndarray()
    image = fromarray(pixels)
    return image.rotate(turn, expand=True) if turn else image


class Frames:
    """Finds one frame for each of several stretches of a video, given in order of time.

    A keyframe inside a stretch is taken, since it costs one frame to decode. Where there is none,
    decoding goes on from where it is, or from the keyframe before the stretch if that is nearer.
    """

    def __init__(self, container: InputContainer, video: VideoStream) -> None:
        self._container = container
        self._video = video
        self._zero = origin(container)
        self._asked = self._position = -math.inf
        self._frame: VideoFrame | None = None
        self._is_at_end = False
        # Matroska reads its index at the first seek, not when it is opened.
        self._reader = self._sought(self._zero)
        self._keys = self._index()

    def within(self, start: float, end: float) -> tuple[float, VideoFrame] | None:
        """Return the second and the frame that stand for ``start`` to ``end`` seconds.

        The frame is an earlier one where the video ends before, or keyframes are far apart. None
        when nothing decodes.
        """
        start, end = start + self._zero, end + self._zero
        if not self._is_held(start):
            number = bisect_left(self._keys, start)
            is_inside = number < len(self._keys) and self._keys[number] < end
            self._find(self._keys[number] if is_inside else start)
        if self._frame is None:
            return None
        return max(self._position - self._zero, 0.0), self._frame

    def _is_held(self, wanted: float) -> bool:
        """Tell whether the last frame found is also the one for a later moment."""
        if self._frame is None or wanted < self._asked:
            return False
        return wanted <= self._position or self._is_at_end

    def _find(self, wanted: float) -> None:
        if self._is_seek_cheaper(wanted):
            self._reader = self._sought(wanted)
        frame, is_reached = _reached(self._reader, wanted, PIXELS_PER_PICTURE)
        self._is_at_end = not is_reached
        if frame is None:
            # A seek that fails, or lands behind the last frame, leaves nothing to read.
            frame = self._frame or frame_at(self._container, self._video, self._zero)
        self._asked, self._frame = wanted, frame
        if frame is not None:
            self._position = wanted if frame.time is None else frame.time

    def _is_seek_cheaper(self, wanted: float) -> bool:
        if self._frame is None or wanted < self._position:
            return True
        if not self._keys:
            return wanted - self._position > STRIDE
        place = bisect_right(self._keys, wanted)
        return place > 0 and self._keys[place - 1] > self._position

    def _sought(self, moment: float) -> Iterator[VideoFrame]:
        import av

        base = float(self._video.time_base or 1)
        with suppress(av.FFmpegError):
            self._container.seek(round(moment / base), stream=self._video)
        return _decoded(self._container, self._video)

    def _index(self) -> list[float]:
        """Return the times of the keyframes, none where the file does not list all of them."""
        base = float(self._video.time_base or 1)
        keys: list[float] = []
        last = -math.inf
        for entry in self._video.index_entries:
            last = entry.timestamp * base
            if entry.is_keyframe:
                keys.append(last)
        # Formats without an index list what has been read so far.
        return sorted(keys) if last - self._zero >= 0.8 * length(self._container) else []


def _decoded(container: InputContainer, video: VideoStream) -> Iterator[VideoFrame]:
    for packet in packets(container, video):
        yield from video_frames(packet)


def _reached(
    reader: Iterator[VideoFrame], moment: float, budget: int
) -> tuple[VideoFrame | None, bool]:
    """Return the first frame at or after ``moment``, or the last that the budget allows, and True.

    Where the file ends before, it is the last frame, and False.
    """
    found = None
    pixels = 0
    for frame in reader:
        found = frame
        pixels += frame.width * frame.height
        if frame.time is None or frame.time >= moment - EARLY or pixels > budget:
            return found, True
    return found, False
