"""One picture that stands for a video: sharp, neither black nor blank."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.files import atomic_writer
from vidctl.media.source import (
    MICROSECONDS,
    cover,
    open_media,
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

LOOKS = 12
QUALITY = 85
# Pixels decoded per look, about 50 frames of 1080p: bounds the time where keyframes are rare.
PIXELS_PER_LOOK = 100_000_000
MAX_COVER_PIXELS = 50_000_000
_DARK, _BRIGHT, _FLAT = 16, 245, 6


def thumbnail(path: Path, target: Path, *, width: int = 640) -> float | None:
    """Write the best of twelve frames, or the cover of a sound file, as a JPEG to ``target``.

    The picture is at most ``width`` wide and never enlarged. Returns the second it was taken at
    (0.0 for a cover), or None, and writes nothing, when no picture decodes. Raises what
    ``open_media`` and ``atomic_writer`` raise.
    """
    with open_media(path) as container:
        video = picture(container)
        found = _best_frame(container, video, width) if video else None
        found = found or _cover(container, width)
    if found is None:
        return None
    second, image = found
    with atomic_writer(target) as file:
        image.save(file, "JPEG", quality=QUALITY)
    return second


def _best_frame(
    container: InputContainer, video: VideoStream, width: int
) -> tuple[float, Image] | None:
    """Score a frame at each moment and keep only the best one; the earliest wins a tie."""
    video.thread_type = "AUTO"
    zero = origin(container)
    best: tuple[float, float, Image] | None = None
    seen: set[float] = set()
    for moment in _moments(container):
        frame = _frame_at(container, video, moment + zero)
        if frame is None or (second := max((frame.time or 0.0) - zero, 0.0)) in seen:
            continue
        seen.add(second)
        image = _upright(frame, video, width)
        score = _score(image)
        if best is None or score > best[0]:
            best = (score, second, image)
    return best and (round(best[1], 3), best[2])


def _moments(container: InputContainer) -> Iterator[float]:
    """Yield the seconds to look at; powers of two when nobody knows how long the file is."""
    duration = (container.duration or 0) / MICROSECONDS
    for look in range(LOOKS):
        yield duration * (look + 0.5) / LOOKS if duration > 0 else 2.0**look - 1


def _frame_at(container: InputContainer, video: VideoStream, moment: float) -> VideoFrame | None:
    """Return the frame at ``moment`` or, when that is too far from a keyframe, one before it."""
    import av

    with suppress(av.FFmpegError):
        container.seek(int(moment / float(video.time_base or 1)), stream=video)
    pixels = 0
    found = None
    for packet in packets(container, video):
        for frame in video_frames(packet):
            found = frame
            pixels += frame.width * frame.height
            if frame.time is None or frame.time >= moment - 0.001 or pixels > PIXELS_PER_LOOK:
                return found
    return found


def _upright(frame: VideoFrame, video: VideoStream, width: int) -> Image:
    """Return a frame as a player shows it; PyAV converts but does not turn."""
    from PIL.Image import fromarray

    turn = quarter_turns(frame)
    shown_width, shown_height = shown_size(video, turn)
    scale = min(1.0, width / max(shown_width, 1))
    size = max(round(shown_width * scale), 1), max(round(shown_height * scale), 1)
    across, down = size[::-1] if turn % 180 else size
    pixels = frame.reformat(width=across, height=down, format="rgb24").to_ndarray()
    image = fromarray(pixels)
    return image.rotate(turn, expand=True) if turn else image


def _score(image: Image) -> float:
    """Rate contrast and sharpness; black, white and blank frames come after all others."""
    import numpy as np

    grey = np.asarray(image.convert("L").resize((160, 90)), np.float32)
    contrast, brightness = float(grey.std()), float(grey.mean())
    centre = 4 * grey[1:-1, 1:-1]
    edges = centre - grey[:-2, 1:-1] - grey[2:, 1:-1] - grey[1:-1, :-2] - grey[1:-1, 2:]
    score = contrast + 2 * float(np.abs(edges).mean()) - 0.1 * abs(brightness - 110)
    is_blank = brightness < _DARK or brightness > _BRIGHT or contrast < _FLAT
    return score - 1000 if is_blank else score


def _cover(container: InputContainer, width: int) -> tuple[float, Image] | None:
    """Read the attached picture with Pillow, which has limits for hostile images."""
    from PIL import Image, ImageOps

    stream = cover(container)
    packet = next(packets(container, stream), None) if stream else None
    if packet is None or not packet.size:
        return None
    try:
        with Image.open(io.BytesIO(bytes(packet)), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            if image.width * image.height > MAX_COVER_PIXELS:
                return None
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if upright.width > width:
        height = max(round(upright.height * width / upright.width), 1)
        upright = upright.resize((width, height))
    return 0.0, upright
