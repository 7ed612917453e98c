"""One picture that stands for a video: sharp, neither black nor blank."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.errors import InvalidMedia, UsageError
from vidctl.files import atomic_writer
from vidctl.media.frames import (
    LARGEST_SIDE,
    PIXELS_PER_LOOK,
    encoded,
    frame_at,
    has_picture,
    length,
    upright,
)
from vidctl.media.source import cover, open_media, origin, packets, picture
from vidctl.timecode import clock

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer
    from PIL.Image import Image

LOOKS = 12
QUALITY = 85
# Whoever names a moment waits for it, also where the only keyframe is a minute before.
PIXELS_FOR_MOMENT = 40 * PIXELS_PER_LOOK
MAX_COVER_PIXELS = 50_000_000
_DARK, _BRIGHT, _FLAT = 16, 245, 6


def thumbnail(
    path: Path, target: Path, *, width: int = 640, at: float | None = None
) -> float | None:
    """Write the frame at ``at`` seconds, or the best of twelve, to ``target``.

    It is a JPEG, PNG or WebP by the ending of ``target``. Without ``at``, a sound file gives its
    cover. The picture is at most ``width`` wide and never
    enlarged. Returns the second it was taken at (0.0 for a cover), or None, and writes nothing,
    when no picture decodes. Raises what ``open_media`` and ``atomic_writer`` raise; with ``at``,
    UsageError for a moment after the end and InvalidMedia where there is no frame.
    """
    with open_media(path) as container:
        video = picture(container)
        if at is not None:
            found: tuple[float, Image] | None = _frame_of(container, path, at, width)
        else:
            found = _best_frame(container, video, width) if video else None
            found = found or cover_of(container, width)
    if found is None:
        return None
    second, image = found
    with atomic_writer(target) as file:
        file.write(encoded(image, QUALITY, target))
    return second


def _frame_of(container: InputContainer, path: Path, at: float, width: int) -> tuple[float, Image]:
    video = has_picture(container, path, "a thumbnail")
    end = length(container)
    if end and at > end:
        raise UsageError(f"{clock(at)} is after the end, which is at {clock(end)}", item=str(path))
    zero = origin(container)
    frame = frame_at(container, video, at + zero, pixels=PIXELS_FOR_MOMENT)
    if frame is None:
        raise InvalidMedia(f"no picture decodes at {clock(at)}", item=str(path))
    second = at if frame.time is None else max(frame.time - zero, 0.0)
    return round(second, 3), upright(frame, video, width)


def _best_frame(
    container: InputContainer, video: VideoStream, width: int
) -> tuple[float, Image] | None:
    """Score a frame at each moment and keep only the best one; the earliest wins a tie."""
    video.thread_type = "AUTO"
    zero = origin(container)
    best: tuple[float, float, Image] | None = None
    seen: set[float] = set()
    for moment in _moments(container):
        frame = frame_at(container, video, moment + zero)
        if frame is None or (second := max((frame.time or 0.0) - zero, 0.0)) in seen:
            continue
        seen.add(second)
        image = upright(frame, video, width)
        score = _score(image)
        if best is None or score > best[0]:
            best = (score, second, image)
    return best and (round(best[1], 3), best[2])


def _moments(container: InputContainer) -> Iterator[float]:
    """Yield the seconds to look at; powers of two when nobody knows how long the file is."""
    duration = length(container)
    for look in range(LOOKS):
        yield duration * (look + 0.5) / LOOKS if duration > 0 else 2.0**look - 1


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


def cover_of(container: InputContainer, width: int) -> tuple[float, Image] | None:
    """Read the attached picture with Pillow, which has limits for hostile images."""
    from PIL import Image, ImageOps

    stream = cover(container)
    packet = next(packets(container, stream), None) if stream else None
    if packet is None or not packet.size:
        return None
    try:
        with Image.open(io.BytesIO(bytes(packet)), formats=("JPEG", "PNG", "WEBP", "GIF")) as image:
            # Pillow needs memory for each row, however short.
            if image.width * image.height > MAX_COVER_PIXELS or max(image.size) > LARGEST_SIDE:
                return None
            upright = ImageOps.exif_transpose(image).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    if upright.width > width:
        height = max(round(upright.height * width / upright.width), 1)
        upright = upright.resize((width, height))
    return 0.0, upright
