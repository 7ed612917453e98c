"""What bytes are called at Cloudinary: ``video/vidctl/GROUP/SHA256.mp4``.

A locator is the resource type, the public id and the ending. The public id of an image or a
video has no ending; that of anything else (``raw``) includes it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from vidctl.model.locator import CONTENT_TYPES, locator_of
from vidctl.model.media import Content

# Cloudinary keeps sound as video: https://cloudinary.com/documentation/audio_transformations
_KINDS = {"video": "video", "audio": "video", "image": "image"}

FOLDER = re.compile(r"[0-9A-Za-z_-][0-9A-Za-z_.-]*(?:/[0-9A-Za-z_-][0-9A-Za-z_.-]*)*")
_LOCATOR = re.compile(
    rf"(video|image|raw)/({FOLDER.pattern}/[0-9a-z]{{1,64}}/[0-9a-f]{{64}})(\.[0-9a-z]{{2,5}})"
)


@dataclass(frozen=True, slots=True)
class Place:
    """Where bytes are at Cloudinary; ``suffix`` is the ending of their address, with its dot."""

    kind: str
    public_id: str
    suffix: str

    @property
    def locator(self) -> str:
        """What vidctl calls the place."""
        return f"{self.kind}/{self.address}"

    @property
    def address(self) -> str:
        """The end of the address that the bytes are delivered from."""
        return self.public_id if self.kind == "raw" else self.public_id + self.suffix


def place_of(content: Content, folder: str) -> Place:
    """Return where bytes belong. Raises UsageError for a group or a hash that is none."""
    suffix = PurePosixPath(locator_of(content)).suffix
    return _place(f"{folder}/{content.group_id}/{content.sha256}", suffix)


def parsed(locator: str) -> Place | None:
    """Return the place of a locator, None for one that this host does not make."""
    match = _LOCATOR.fullmatch(locator)
    if match is None or match[3] not in CONTENT_TYPES:
        return None
    place = _place(match[2], match[3])
    return place if place.kind == match[1] else None


def _place(name: str, suffix: str) -> Place:
    kind = _KINDS.get(CONTENT_TYPES[suffix].partition("/")[0], "raw")
    return Place(kind, name + suffix if kind == "raw" else name, suffix)
