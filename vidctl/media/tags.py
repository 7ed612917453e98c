"""What a file's tags say, under FFmpeg's names for them, cleaned and bounded.

FFmpeg gives ID3, MP4, Vorbis, Matroska and INFO tags the same names (``title``, ``album``,
``episode_sort`` …) and leaves those that it does not know as they are (``TDES``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vidctl.files import UNSAFE

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

MAX_TAGS = 100
MAX_KEY = 64
MAX_VALUE = 10_000
MAX_FRAMES = 1000
MAX_ADDRESS = 2000
_CONTAINER_TAGS = frozenset({"major_brand", "minor_version", "compatible_brands"})
# Three subtags cover what people write (RFC 5646): language, script and region.
_LANGUAGE = re.compile(r"[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}")
_UNKNOWN_LANGUAGES = frozenset({"und", "mis", "mul", "zxx", "xxx"})
_FRAME = re.compile(rb"[A-Z0-9]{4}")


def tags_of(container: InputContainer, path: Path) -> dict[str, str]:
    """Return the file's tags with lower-case names, without control characters, cut to size.

    Ogg keeps them on the stream. The addresses in an ID3 tag (``wfed``, the feed of a podcast),
    which FFmpeg passes over, are read from ``path``.
    """
    found = dict(container.metadata)
    name = container.format.name
    if name == "ogg" and container.streams:
        found = {**container.streams[0].metadata, **found}
    elif name == "mp3":
        found |= _addresses(path)
    tags: dict[str, str] = {}
    for key, value in islice(found.items(), MAX_TAGS):
        short = UNSAFE.sub("", key).strip().lower()[:MAX_KEY]
        if short and short not in _CONTAINER_TAGS:
            tags[short] = clean(value)
    return tags


def clean(value: str, longest: int = MAX_VALUE) -> str:
    """Drop control characters but keep line breaks; descriptions have them."""
    lines = value[: 2 * longest].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(UNSAFE.sub("", line.replace("\t", " ")) for line in lines).strip()[:longest]


def line(value: str, longest: int) -> str:
    """Return a text as one clean line."""
    return " ".join(clean(value, longest).split())


def language_of(stream: Stream) -> str:
    """Return the language code of a stream, empty where it states none."""
    return language(stream.metadata.get("language", ""))


def language(code: str) -> str:
    """Return a language code in lower case, empty when it is none or means "unknown"."""
    code = code.strip()
    if not _LANGUAGE.fullmatch(code) or code.lower() in _UNKNOWN_LANGUAGES:
        return ""
    return code.lower()


def _addresses(path: Path) -> dict[str, str]:
    """Return the URL link frames of an ID3v2.3 or v2.4 tag (ID3v2.4 native frames, 4.3)."""
    with path.open("rb") as file:
        return {
            name.decode().lower(): address.split(b"\0")[0].decode("latin-1")
            for name, address in islice(_frames(file), MAX_FRAMES)
            if name.startswith(b"W") and name != b"WXXX"
        }


def _frames(file: BinaryIO) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names of frames with the beginning of their content."""
    head = file.read(10)
    # Unsynchronised and extended headers are rare, and frames after them cannot be found like this.
    if head[:3] != b"ID3" or len(head) < 10 or head[3] not in (3, 4) or head[5] & 0xC0:
        return
    end = 10 + _seven_bits(head[6:])
    while file.tell() + 10 <= end:
        frame = file.read(10)
        if not _FRAME.fullmatch(frame[:4]):
            return
        size = _seven_bits(frame[4:8]) if head[3] == 4 else int.from_bytes(frame[4:8], "big")
        start = file.tell()
        yield frame[:4], file.read(min(size, MAX_ADDRESS))
        file.seek(start + size)


def _seven_bits(number: bytes) -> int:
    """Read an integer of which each byte holds seven bits (ID3v2.4 structure, 6.2)."""
    value = 0
    for byte in number:
        value = value << 7 | byte & 127
    return value
