"""Why a file is not usable media, told from its first bytes in words that a creator understands."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from vidctl.errors import InvalidMedia, NotFound, PermissionRefused, TruncatedMedia, VidctlError

HEAD = 4096
READABLE = "mp4, mov, mkv, webm, avi, mpeg, ts, flv, mp3, m4a, aac, wav, flac, ogg, aiff"
AGAIN = "copy or download the file again"
GIVE = "give the media file itself"

_URL = re.compile(r"[a-z][a-z0-9+.-]+:/+", re.IGNORECASE)
_NOT_TEXT = bytes(set(range(32)) - set(b"\t\n\f\r\x1b") | {127})
_PICTURES = {
    b"\xff\xd8\xff": "JPEG",
    b"\x89PNG": "PNG",
    b"GIF8": "GIF",
    b"II*\x00": "TIFF",
    b"MM\x00*": "TIFF",
    b"8BPS": "Photoshop",
}
_PICTURE_BRANDS = {b"heic": "HEIC", b"heix": "HEIC", b"mif1": "HEIC", b"avif": "AVIF"}
_OTHER = {
    b"%PDF": ("a PDF document", ""),
    b"PK\x03\x04": ("a ZIP archive", "unpack it first"),
    b"Rar!": ("a RAR archive", "unpack it first"),
    b"7z\xbc\xaf": ("a 7z archive", "unpack it first"),
    b"\x1f\x8b": ("a compressed archive", "unpack it first"),
}
_PLAYLISTS = (b"#extm3u", b"ffconcat", b"[playlist]", b"<asx", b"<smil")
_MEDIA = (b"\x1aE\xdf\xa3", b"0&\xb2u", b"OggS", b"fLaC", b"RIFF", b"RF64", b"FLV", b"ID3", b"FORM")
_ATOMS = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"moof", b"styp")


def cannot_open(error: OSError | ValueError, path: Path) -> VidctlError:
    """Say why the operating system did not give the file."""
    item = str(path)
    if isinstance(error, PermissionError):
        return PermissionRefused(
            "you may not read this file", hint="check the file's permissions", item=item
        )
    if _URL.match(item):
        return NotFound(
            "this is a web address, not a file on this machine",
            hint="download the file first",
            item=item,
        )
    if isinstance(error, FileNotFoundError | NotADirectoryError | ValueError):
        return NotFound("there is no such file", hint="check the path", item=item)
    return InvalidMedia(f"the file cannot be read: {error.strerror}", item=item)


def refusal_of_head(head: bytes, path: Path) -> InvalidMedia | None:
    """Refuse pictures, text, playlists and archives before a media library sees them.

    ``head`` is the first ``HEAD`` bytes; what is left may still not be media.
    """
    picture = _picture(head)
    if picture:
        return _invalid(path, f"this is a picture ({picture}), not audio or video", GIVE)
    for start, (what, hint) in _OTHER.items():
        if head.startswith(start):
            return _invalid(path, f"this is {what}, not audio or video", hint)
    return _refusal_of_text(head, path) if _is_text(head) else None


def refusal_of_content(head: bytes, path: Path) -> InvalidMedia:
    """Say why a file, which is neither text nor a picture, could not be opened as media."""
    if head[4:8] in _ATOMS and _lacks_index(path):
        return TruncatedMedia(
            "the file is incomplete: its index is missing, so nothing in it can be played",
            hint=f"{AGAIN}; a recording that was interrupted needs its recorder to repair it",
            item=str(path),
        )
    if head[4:8] in _ATOMS or head.startswith(_MEDIA):
        return _invalid(
            path, "the file is damaged or incomplete: nothing in it can be played", AGAIN
        )
    return _invalid(
        path, "this is not audio or video that vidctl can read", f"vidctl reads {READABLE}"
    )


def refusal_of_streams(path: Path) -> InvalidMedia:
    """Refuse a media file in which nothing can be heard or seen."""
    return _invalid(path, "the file holds no sound and no picture", f"vidctl reads {READABLE}")


def refusal_of_decoding(path: Path) -> InvalidMedia:
    """Refuse a media file of which nothing decodes."""
    return _invalid(
        path, "nothing in the file can be played: it is damaged or copy-protected", AGAIN
    )


def _invalid(path: Path, what: str, hint: str) -> InvalidMedia:
    return InvalidMedia(what, hint=hint, item=str(path))


def _picture(head: bytes) -> str:
    for start, name in _PICTURES.items():
        if head.startswith(start):
            return name
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WebP"
    if head[:2] == b"BM" and head[6:10] == bytes(4):
        return "BMP"
    return _PICTURE_BRANDS.get(head[8:12], "") if head[4:8] == b"ftyp" else ""


def _is_text(head: bytes) -> bool:
    if head.translate(None, _NOT_TEXT) != head:
        return False
    try:
        # The head may end inside a character, which is at most four bytes long.
        head[: max(len(head) - 3, 1) if len(head) == HEAD else len(head)].decode()
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return True
        return sum(byte >= 128 for byte in head) < 0.3 * len(head)
    return True


def _refusal_of_text(head: bytes, path: Path) -> InvalidMedia:
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if text.startswith(_PLAYLISTS) or b"<mpd" in text or b"xspf.org" in text:
        return _invalid(
            path,
            "this is a playlist: it only names other files, which vidctl does not follow",
            "give the media files themselves",
        )
    if text.startswith((b"<!doctype html", b"<html")):
        return _invalid(
            path,
            "this is a web page, not a video: the download was probably refused",
            "download the file again, signed in if the site asks for it",
        )
    return _invalid(path, "this is text, not audio or video", GIVE)


def _lacks_index(path: Path) -> bool:
    """Tell whether an MP4 or MOV file has no whole ``moov`` atom (ISO/IEC 14496-12, 8.2.1)."""
    with path.open("rb") as file:
        size = path.stat().st_size
        position = 0
        while position + 16 <= size:
            file.seek(position)
            length, kind = struct.unpack(">I4s", file.read(8))
            if length == 1:
                (length,) = struct.unpack(">Q", file.read(8))
            if kind == b"moov":
                return bool(position + length > size)
            if length < 8:
                return True
            position += length
    return True
