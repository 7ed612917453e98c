"""What a file from the web is called: from its headers or its address, made safe for a disk."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from urllib.parse import unquote, urlsplit

from vidctl.files import UNSAFE

LONGEST = 200
UNNAMED = "download"

_PARAMETER = re.compile(r";\s*([a-z0-9_-]+\*?)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)", re.I)
_EXTENDED = re.compile(r"([a-z0-9_-]+)'[^']*'(.*)", re.I)
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,5}")
# Names of devices on Windows, whatever their suffix.
_DEVICE = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.I)

_SCRIPTS = (".ashx", ".asp", ".aspx", ".cgi", ".jsp", ".php")

# Media types as servers give them (IANA Media Types, and forms in use) -> suffix.
SUFFIXES = {
    "audio/aac": ".aac",
    "audio/flac": ".flac",
    "audio/m4a": ".m4a",
    "audio/mp3": ".mp3",
    "audio/mp4": ".m4a",
    "audio/mpeg": ".mp3",
    "audio/ogg": ".ogg",
    "audio/opus": ".opus",
    "audio/wav": ".wav",
    "audio/webm": ".webm",
    "audio/x-m4a": ".m4a",
    "audio/x-wav": ".wav",
    "video/mp4": ".mp4",
    "video/mpeg": ".mpg",
    "video/ogg": ".ogv",
    "video/quicktime": ".mov",
    "video/webm": ".webm",
    "video/x-m4v": ".m4v",
    "video/x-matroska": ".mkv",
    "video/x-msvideo": ".avi",
}


def name_of(url: str, *, asked: str = "", disposition: str = "", content_type: str = "") -> str:
    """Return the file name of an answer, safe to use below any folder.

    It comes from ``Content-Disposition`` (RFC 6266, RFC 8187), else from the last part of the
    path of ``url`` or, where that has no suffix, of the address that was ``asked`` for before any
    redirect. A name without a suffix, or with that of a script, gets that of its media type.
    """
    candidates = [disposition and _said(disposition), _last_part(url), _last_part(asked)]
    names = [safe_name(name) for name in candidates if name]
    name = next((name for name in names if _has_use(name)), "") or [*names, UNNAMED][0]
    kind = content_type.partition(";")[0].strip().lower()
    return name if _has_use(name) or kind not in SUFFIXES else safe_name(name + SUFFIXES[kind])


def safe_name(name: str) -> str:
    """Return a name as one part of a path: no separators, no reserved names, at most 200 bytes.

    Control characters and those that change the direction of text are left out, and so is
    what Windows does not allow. The suffix stays where the name is cut.
    """
    name = unicodedata.normalize("NFC", name.replace("\\", "/").rpartition("/")[2])
    name = re.sub(r'[<>:"|?*]', "_", UNSAFE.sub("", name)).strip(" .")
    if _DEVICE.fullmatch(name):
        name = f"_{name}"
    suffix = _suffix(name)
    stem = name[: len(name) - len(suffix)].encode()[: LONGEST - len(suffix)]
    return (stem.decode(errors="ignore").rstrip(" .") + suffix) or UNNAMED


def _last_part(url: str) -> str:
    return unquote(urlsplit(url).path.rpartition("/")[2])


def _has_use(name: str) -> bool:
    """Tell whether a name has a suffix that says what the file is."""
    return _suffix(name).lower() not in ("", *_SCRIPTS)


def _suffix(name: str) -> str:
    stem, dot, ending = name.rpartition(".")
    return dot + ending if stem and _SUFFIX.fullmatch(dot + ending) else ""


def _said(disposition: str) -> str:
    found: dict[str, str] = {}
    for match in _PARAMETER.finditer(";" + disposition.partition(";")[2]):
        value = match[2].strip()
        if value.startswith('"'):
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        found.setdefault(match[1].lower(), value)
    extended = _EXTENDED.fullmatch(found.get("filename*", ""))
    if extended is not None:
        # With an unknown or wrong character set the plain form is taken.
        with suppress(LookupError, ValueError):
            return unquote(extended[2], encoding=extended[1], errors="strict")
    return found.get("filename", "")
