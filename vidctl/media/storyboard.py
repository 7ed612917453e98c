"""Storyboards: what players show above the time line, as sheets of small pictures."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import InvalidMedia, UsageError
from vidctl.files import atomic_writer
from vidctl.media.frames import Frames, encoded, has_picture, length, upright
from vidctl.media.source import open_media

if TYPE_CHECKING:
    from PIL.Image import Image

QUALITY = 75
EVERY = 5.0
COLUMNS = ROWS = 10
WIDTH = 160
NARROWEST, WIDEST = 32, 640
MOST_SIDE = 20
# Wider or higher pictures are refused by the decoders of phones.
LARGEST_SIDE = 8192
SHORTEST = 0.1
# Sheets are loaded one by one, but the cues all at once.
MOST_PICTURES = 3600
# Where ``every`` was not asked for, a long video has its pictures further apart.
USUAL_PICTURES = 1000


@dataclass(frozen=True, slots=True)
class Plan:
    """How a storyboard is laid out: seconds from picture to picture, and pictures to a sheet."""

    every: float
    count: int
    columns: int
    rows: int
    width: int


def plan(
    duration: float,
    *,
    every: float | None = None,
    columns: int | None = None,
    rows: int | None = None,
    width: int = WIDTH,
) -> Plan:
    """Lay out a storyboard for a video of ``duration`` seconds.

    With ``every``, there is a picture for each so many seconds, on as many sheets as that takes.
    With ``columns`` and ``rows`` alone, one sheet is spread over the whole video. With neither, it
    is a picture every 5 s, fewer in a long video. Raises UsageError for what makes no sense.
    """
    across = COLUMNS if columns is None else columns
    down = ROWS if rows is None else rows
    if not (1 <= across <= MOST_SIDE and 1 <= down <= MOST_SIDE):
        raise UsageError(f"a storyboard has 1 to {MOST_SIDE} columns and rows")
    if not NARROWEST <= width <= WIDEST or across * width > LARGEST_SIDE:
        raise UsageError(
            f"a storyboard's pictures are {NARROWEST} to {WIDEST} pixels wide,"
            f" and a sheet of them at most {LARGEST_SIDE}"
        )
    if every is not None and every < SHORTEST:
        raise UsageError(f"a storyboard's pictures are at least {SHORTEST} s apart")
    if every is None and columns is not None:
        every = max(duration / (across * down), SHORTEST)
    if every is None:
        every = max(EVERY, math.ceil(duration / USUAL_PICTURES))
    count = max(math.ceil(round(duration / every, 6)), 1)
    if count > MOST_PICTURES:
        raise UsageError(
            f"that would be {count:,} pictures, and {MOST_PICTURES:,} is the most",
            hint=f"--every {math.ceil(duration / MOST_PICTURES)}",
        )
    return Plan(every, count, across, down, width)


def storyboard(
    path: Path,
    folder: Path,
    *,
    stem: str = "storyboard",
    every: float | None = None,
    columns: int | None = None,
    rows: int | None = None,
    width: int = WIDTH,
) -> dict[str, Any]:
    """Write a video's storyboard into ``folder``: JPEGs called after ``stem``.

    They are ``storyboard.jpg``, or ``storyboard-1.jpg`` and so on where there are several. Returns
    ``every``, the ``width`` and ``height`` of one picture, the names of the ``sheets``, and the
    ``cues``: [start, end, number of the sheet, x, y], times in seconds. Raises what ``plan``
    raises, InvalidMedia where there is no picture, and what ``open_media`` and ``atomic_writer``
    raise.
    """
    with open_media(path) as container:
        video = has_picture(container, path, "a storyboard")
        duration = length(container)
        if not duration:
            raise InvalidMedia(
                "the file does not say how long it is",
                hint="convert it to mp4 or mkv, which do",
                item=str(path),
            )
        laid = plan(duration, every=every, columns=columns, rows=rows, width=width)
        frames = Frames(container, video)
        board: _Board | None = None
        for number in range(laid.count):
            start = number * laid.every
            end = min(start + laid.every, duration)
            found = frames.within(start, end)
            if found is not None and board is None:
                board = _Board(laid, folder, stem, upright(found[1], video, width))
            if board is not None:
                board.add(start, end, None if found is None else upright(found[1], video, width))
    if board is None:
        raise InvalidMedia("none of the video's pictures decodes", item=str(path))
    board.save()
    return {
        "every": round(laid.every, 3),
        "width": board.width,
        "height": board.height,
        "sheets": board.sheets,
        "cues": board.cues,
    }


class _Board:
    """The sheet at work; a full one is written before the next begins."""

    def __init__(self, laid: Plan, folder: Path, stem: str, first: Image) -> None:
        self.width, self.height = first.size
        fitting = max(LARGEST_SIDE // self.height, 1)
        self.columns, self.rows = laid.columns, min(laid.rows, fitting)
        self.folder = folder
        self.stem = stem
        self.is_single = laid.count <= self.columns * self.rows
        self.sheets: list[str] = []
        self.cues: list[list[float]] = []
        self.last = first
        self._image: Image | None = None

    def add(self, start: float, end: float, image: Image | None) -> None:
        """Put a picture in the next place; where none decodes, the one before stands in."""
        from PIL.Image import new

        number, place = divmod(len(self.cues), self.columns * self.rows)
        if place == 0:
            self.save()
            size = (self.columns * self.width, self.rows * self.height)
            self._image = new("RGB", size)
        self.last = image or self.last
        if self.last.size != (self.width, self.height):
            self.last = self.last.resize((self.width, self.height))
        row, column = divmod(place, self.columns)
        left, top = column * self.width, row * self.height
        assert self._image is not None
        self._image.paste(self.last, (left, top))
        self.cues.append([round(start, 3), round(end, 3), number, left, top])

    def save(self) -> None:
        """Write the sheet at work, without the places that stayed empty."""
        if self._image is None:
            return
        number = len(self.sheets)
        used = len(self.cues) - number * self.columns * self.rows
        rows = -(-used // self.columns)
        columns = min(used, self.columns)
        image = self._image.crop((0, 0, columns * self.width, rows * self.height))
        name = f"{self.stem}.jpg" if self.is_single else f"{self.stem}-{number + 1}.jpg"
        with atomic_writer(self.folder / name) as file:
            file.write(encoded(image, QUALITY, self.folder / name))
        self.sheets.append(name)
        self._image = None
