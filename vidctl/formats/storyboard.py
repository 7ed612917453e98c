"""The cues of a storyboard: WebVTT whose text names a rectangle of a picture.

Written as players read it (JW Player, Vidstack, Plyr, video.js): one cue for each picture, its text
an address with the media fragment ``#xywh=left,top,width,height`` in pixels
(W3C Media Fragments URI 1.0, section 4.2.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vidctl.errors import InvalidCaptions

_FRAGMENT = re.compile(
    r"^(?P<address>\S+)#xywh=(?P<box>(?:pixel:)?\d+,\d+,\d+,\d+)[ \t]*$", re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Tile:
    """A picture that stands for ``start`` to ``end`` seconds: a rectangle, in pixels, of a sheet.

    ``address`` is where the sheet is, as seen from the cues.
    """

    start: float
    end: float
    address: str
    left: int
    top: int
    width: int
    height: int


def storyboard_vtt(tiles: Iterable[Tile]) -> str:
    """Write the cues of a storyboard as WebVTT."""
    blocks = ["WEBVTT\n"]
    for tile in tiles:
        box = f"{tile.left},{tile.top},{tile.width},{tile.height}"
        times = f"{_time(tile.start)} --> {_time(tile.end)}"
        blocks.append(f"{times}\n{tile.address}#xywh={box}\n")
    return "\n".join(blocks)


def readdressed(text: str, address: Callable[[str], str]) -> str:
    """Return a storyboard's WebVTT with every sheet's address replaced by what ``address`` says.

    Raises InvalidCaptions for a text that names no rectangle.
    """
    changed, count = _FRAGMENT.subn(
        lambda match: f"{address(match['address'])}#xywh={match['box']}", text
    )
    if not count:
        raise InvalidCaptions("the storyboard's cues name no picture")
    return changed


def _time(seconds: float) -> str:
    whole = round(seconds * 1000)
    minutes, rest = divmod(whole, 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{rest // 1000:02}.{rest % 1000:03}"
