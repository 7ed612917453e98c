"""A contact sheet: pictures of a video side by side, each with its time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import InvalidMedia, UsageError
from vidctl.files import atomic_writer
from vidctl.media.frames import LARGEST_SIDE, Frames, encoded, has_picture, length, upright
from vidctl.media.source import open_media
from vidctl.timecode import clock

if TYPE_CHECKING:
    from av import VideoStream
    from av.container import InputContainer
    from PIL.Image import Image

QUALITY = 85
GAP = 8
GROUND = (24, 24, 24)
MOST_SIDE = 20
NARROWEST, WIDEST = 160, 8192
# Pillow, and what shows pictures elsewhere, takes more for an attack; bounds the memory as well.
MOST_PIXELS = 80_000_000
# A frame may be this share of the distance to the next picture late, where a keyframe is.
SLACK = 0.25


def sheet(
    path: Path, target: Path, *, columns: int = 5, rows: int = 4, width: int = 1600
) -> dict[str, Any]:
    """Write ``columns`` by ``rows`` pictures, evenly spread over a video, as one picture.

    It is a JPEG, PNG or WebP by the ending of ``target``, and ``width`` pixels wide. Returns its
    ``width`` and ``height``, and the seconds of its ``pictures``; a short video has fewer of them.
    Raises UsageError for a size that makes no sense, InvalidMedia where there is no picture, and
    what ``open_media`` and ``atomic_writer`` raise.
    """
    _tile_width(columns, rows, width)
    with open_media(path) as container:
        video = has_picture(container, path, "a sheet")
        sheet = _drawn(container, video, columns, rows, width)
        while sheet is not None and len(sheet.seconds) < columns:
            # Fewer pictures than places in one row: larger ones, rather than empty places.
            columns, rows = len(sheet.seconds), 1
            sheet = _drawn(container, video, columns, rows, width)
    if sheet is None:
        raise InvalidMedia("none of the video's pictures decodes", item=str(path))
    image = sheet.finished()
    with atomic_writer(target) as file:
        file.write(encoded(image, QUALITY, target))
    return {"width": image.width, "height": image.height, "pictures": sheet.seconds}


def _drawn(
    container: InputContainer, video: VideoStream, columns: int, rows: int, width: int
) -> _Sheet | None:
    """Draw the sheet, None where no picture decodes."""
    tile = _tile_width(columns, rows, width)
    sheet: _Sheet | None = None
    frames = Frames(container, video)
    seen: set[float] = set()
    for start, end in _spans(length(container), columns * rows):
        found = frames.within(start, end)
        if found is None or (second := round(found[0], 3)) in seen:
            continue
        seen.add(second)
        image = upright(found[1], video, tile)
        if sheet is None:
            sheet = _Sheet(image, columns, rows, tile, width)
        sheet.add(image, second)
    return sheet


def _tile_width(columns: int, rows: int, width: int) -> int:
    if not (1 <= columns <= MOST_SIDE and 1 <= rows <= MOST_SIDE):
        raise UsageError(f"a sheet has 1 to {MOST_SIDE} columns and rows")
    if not NARROWEST <= width <= WIDEST:
        raise UsageError(f"a sheet is {NARROWEST} to {WIDEST} pixels wide")
    tile = (width - GAP * (columns + 1)) // columns
    if tile < 16:
        raise UsageError(f"{columns} pictures do not fit in {width} pixels", hint="--width 1600")
    return tile


def _spans(duration: float, count: int) -> Iterator[tuple[float, float]]:
    """Yield stretches that begin in the middle of each of ``count`` equal parts.

    Where nobody knows how long the file is, they begin at every tenth second.
    """
    step = duration / count if duration > 0 else 10.0
    for number in range(count):
        start = step * (number + 0.5)
        yield start, start + SLACK * step


def labels(seconds: Sequence[float]) -> list[str]:
    """Write moments as clocks, with as many digits of a second as tell them apart, at most three.

    ``seconds`` are whole milliseconds.
    """
    for digits in range(4):
        said = [_label(second, digits) for second in seconds]
        if len(set(said)) == len(said):
            break
    return said


def _label(second: float, digits: int) -> str:
    whole, rest = divmod(round(second * 1000), 1000)
    return f"{clock(whole)}.{rest:03}"[: len(clock(whole)) + 1 + digits] if digits else clock(whole)


class _Sheet:
    """The sheet as it grows; tiles have the shape of the first picture."""

    def __init__(self, first: Image, columns: int, rows: int, tile: int, width: int) -> None:
        from PIL.Image import new

        self.columns = columns
        self.tile = tile
        # Where pictures are many times higher than wide, they get narrower.
        highest = min(LARGEST_SIDE, MOST_PIXELS // width) // rows - GAP
        self.height = min(max(round(first.height * tile / first.width), 1), highest)
        self.seconds: list[float] = []
        self.margin = (width - columns * tile - (columns - 1) * GAP) // 2
        self.image = new("RGB", (width, rows * (self.height + GAP) + GAP), GROUND)

    def add(self, image: Image, second: float) -> None:
        """Put a picture in the middle of the next free place, as large as fits."""
        left, top = self._place(len(self.seconds))
        scale = min(self.tile / image.width, self.height / image.height)
        size = max(round(image.width * scale), 1), max(round(image.height * scale), 1)
        shown = image if image.size == size else image.resize(size)
        across = left + (self.tile - shown.width) // 2
        self.image.paste(shown, (across, top + (self.height - shown.height) // 2))
        self.seconds.append(second)

    def _place(self, number: int) -> tuple[int, int]:
        row, column = divmod(number, self.columns)
        return self.margin + column * (self.tile + GAP), GAP + row * (self.height + GAP)

    def _stamp(self, text: str, right: int, bottom: int) -> None:
        from PIL import ImageDraw, ImageFont

        size = min(max(self.tile // 14, 10), 48)
        font = ImageFont.load_default(size)
        drawing = ImageDraw.Draw(self.image, "RGBA")
        pad = size // 3
        corner = (right - pad, bottom - pad)
        box = drawing.textbbox(corner, text, font=font, anchor="rs")
        around = (box[0] - pad, box[1] - pad, box[2] + pad, box[3] + pad)
        drawing.rectangle(around, fill=(0, 0, 0, 170))
        drawing.text(corner, text, font=font, anchor="rs", fill=(255, 255, 255))

    def finished(self) -> Image:
        """Return the sheet with the time on each picture, without the rows that stayed empty."""
        for number, text in enumerate(labels(self.seconds)):
            left, top = self._place(number)
            self._stamp(text, left + self.tile, top + self.height)
        rows = -(-len(self.seconds) // self.columns)
        return self.image.crop((0, 0, self.image.width, rows * (self.height + GAP) + GAP))
