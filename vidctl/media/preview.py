"""A moving preview: a few short moments of a video as an animated WebP without sound."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import InvalidMedia, UsageError
from vidctl.files import atomic_writer
from vidctl.media.frames import Frames, has_picture, length, upright
from vidctl.media.source import open_media

if TYPE_CHECKING:
    from PIL.Image import Image

RATE = 10
QUALITY = 60
LONGEST = 15.0
NARROWEST, WIDEST = 64, 640
# Pictures are held until all are there; this many pixels bound the memory to about 150 MB.
MOST_PIXELS = 50_000_000
# A moment lasts about a second: shorter ones flicker, longer ones show less of the video.
MOMENT = 1.0


def preview(path: Path, target: Path, *, seconds: float = 3.0, width: int = 320) -> dict[str, Any]:
    """Write an animated WebP of ``seconds``, made of moments spread over the whole video.

    It is at most ``width`` wide, has ten pictures a second and plays in a loop. Returns ``width``,
    ``height``, ``seconds``, the number of ``frames`` and where the ``moments`` begin. Raises
    UsageError for a size out of range, InvalidMedia where there is no picture, and what
    ``open_media`` and ``atomic_writer`` raise.
    """
    if not 0.5 <= seconds <= LONGEST:
        raise UsageError(f"a preview is 0.5 to {LONGEST:.0f} s long")
    if not NARROWEST <= width <= WIDEST:
        raise UsageError(f"a preview is {NARROWEST} to {WIDEST} pixels wide")
    images: list[Image] = []
    with open_media(path) as container:
        video = has_picture(container, path, "a preview")
        moments = _moments(length(container), seconds)
        frames = Frames(container, video)
        for moment in _wanted(moments, seconds):
            found = frames.within(moment, moment)
            if found is None:
                continue
            image = upright(found[1], video, width)
            images.append(image if not images else _fitted(image, images[0].size))
            if len(images) * image.width * image.height > MOST_PIXELS:
                raise UsageError("that preview is too big", hint="--width 320 --seconds 3")
    if not images:
        raise InvalidMedia("none of the video's pictures decodes", item=str(path))
    with atomic_writer(target) as file:
        images[0].save(
            file,
            "WEBP",
            save_all=True,
            append_images=images[1:],
            duration=1000 // RATE,
            loop=0,
            quality=QUALITY,
            method=3,
        )
    across, down = images[0].size
    return {
        "width": across,
        "height": down,
        "seconds": round(len(images) / RATE, 3),
        "frames": len(images),
        "moments": [round(moment, 3) for moment in moments],
    }


def _moments(duration: float, seconds: float) -> list[float]:
    """Return where the moments begin; a video shorter than the preview has one, its beginning."""
    if duration <= seconds:
        return [0.0]
    count = max(math.floor(seconds / MOMENT), 1)
    spare = (duration - seconds) / count
    return [number * (spare + seconds / count) + spare / 2 for number in range(count)]


def _wanted(moments: list[float], seconds: float) -> Iterator[float]:
    each = round(seconds * RATE / len(moments))
    for moment in moments:
        yield from (moment + number / RATE for number in range(each))


def _fitted(image: Image, size: tuple[int, int]) -> Image:
    return image if image.size == size else image.resize(size)
