"""What stored bytes are called, made from what they are: ``group/ab/abcdef….mp4``."""

from __future__ import annotations

import re

from vidctl.errors import UsageError
from vidctl.model.media import Content

_VIDEO = {
    **{"3g2": "3gpp2", "3gp": "3gpp", "asf": "x-ms-asf", "avi": "x-msvideo", "flv": "x-flv"},
    **{"m2ts": "mp2t", "m4v": "mp4", "mkv": "x-matroska", "mov": "quicktime", "mp4": "mp4"},
    **{"mpeg": "mpeg", "mpg": "mpeg", "mts": "mp2t", "ogv": "ogg", "ts": "mp2t", "webm": "webm"},
    "wmv": "x-ms-wmv",
}
_AUDIO = {
    **{"aac": "aac", "aif": "aiff", "aifc": "aiff", "aiff": "aiff", "caf": "x-caf"},
    **{"flac": "flac", "m4a": "mp4", "m4b": "mp4", "mka": "x-matroska", "mp3": "mpeg"},
    **{"oga": "ogg", "ogg": "ogg", "opus": "ogg", "w64": "x-w64", "wav": "wav"},
    "wma": "x-ms-wma",
}
_BESIDE = {
    **{"jpeg": "image/jpeg", "jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"},
    **{"json": "application/json", "srt": "application/x-subrip", "vtt": "text/vtt"},
}
OTHER_SUFFIX = ".bin"
CONTENT_TYPES = {
    **{f".{name}": f"video/{kind}" for name, kind in _VIDEO.items()},
    **{f".{name}": f"audio/{kind}" for name, kind in _AUDIO.items()},
    **{f".{name}": kind for name, kind in _BESIDE.items()},
    OTHER_SUFFIX: "application/octet-stream",
}

_GROUP = re.compile(r"[0-9a-z]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_LOCATOR = re.compile(r"[0-9a-z]{1,64}/([0-9a-f]{2})/\1[0-9a-f]{62}(\.[0-9a-z]{2,5})")


def locator_of(content: Content) -> str:
    """Return the locator of bytes; an ending that is not one of media becomes ``.bin``.

    Raises UsageError for a group or a hash that is none.
    """
    group_id, sha256 = content.group_id, content.sha256
    if not _GROUP.fullmatch(group_id) or not _HASH.fullmatch(sha256):
        raise UsageError(f"{group_id!r} and {sha256!r} do not name stored media")
    suffix = content.suffix.lower()
    ending = suffix if suffix in CONTENT_TYPES else OTHER_SUFFIX
    return f"{group_id}/{sha256[:2]}/{sha256}{ending}"


def is_locator(text: str) -> bool:
    """Tell whether a text is a locator that ``locator_of`` makes."""
    match = _LOCATOR.fullmatch(text)
    return match is not None and match[2] in CONTENT_TYPES


def content_type_of(locator: str) -> str:
    """Return the media type (RFC 6838) of a locator's ending."""
    return CONTENT_TYPES[locator[locator.rindex(".") :]]
