"""From what was typed to files and links: paths, folders, globs, addresses, a list on stdin."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vidctl import paths
from vidctl.errors import AddressRefused, NotFound, UsageError, VidctlError
from vidctl.net.guard import parse_url

MEDIA_SUFFIXES = frozenset(
    [
        ".3gp",
        ".aac",
        ".aif",
        ".aiff",
        ".avi",
        ".flac",
        ".flv",
        ".m2ts",
        ".m4a",
        ".m4b",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".ts",
        ".wav",
        ".webm",
        ".wma",
        ".wmv",
    ]
)
STDIN = "-"
LONGEST_LIST = 64 << 20

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*://", re.I)
_USER = re.compile(r"(?<=://)[^/?#]*@")


@dataclass(frozen=True, slots=True)
class Source:
    """Something to upload: a file of this machine, or a link; the other field is empty.

    ``label`` is what messages call it; for a link it is the address without its query, which may
    hold a token.
    """

    path: Path | None = None
    url: str = ""
    label: str = ""

    @property
    def name(self) -> str:
        """What messages call it, also where no label was given."""
        return self.label or str(self.path or self.url)


def is_link(text: str) -> bool:
    """Tell whether a text is meant as a web address, good or bad, and not as a path."""
    return _SCHEME.match(text.strip()) is not None


def gather(
    patterns: Sequence[str], stdin: BinaryIO | None = None
) -> tuple[list[Source], list[VidctlError]]:
    """Return the files and links that ``patterns`` name, each once, in order.

    ``-`` stands for a list on ``stdin``: paths and links, one a line or separated by NUL. What
    names nothing, and links that vidctl would not go to, come back as errors; nothing is looked
    up on the network. Raises UsageError for an empty name or list, and for a second ``-``.
    """
    if list(patterns).count(STDIN) > 1:
        raise UsageError("the list on the standard input can be read once")
    found: dict[Source, None] = {}
    errors: list[VidctlError] = []
    for pattern in _listed(patterns, stdin):
        if is_link(pattern):
            try:
                found.setdefault(_link(pattern))
            except AddressRefused as error:
                errors.append(error)
        else:
            files, missing = expand([pattern])
            errors += missing
            for file in files:
                found.setdefault(Source(path=file, label=str(file)))
    return list(found), errors


def expand(patterns: Sequence[str]) -> tuple[list[Path], list[VidctlError]]:
    """Return the files that paths, folders and globs name, each once, in order.

    A folder gives the media files below it, hidden ones left out; a file that is named is taken
    whatever its suffix. What names nothing comes back as an error.
    """
    found: dict[Path, None] = {}
    errors: list[VidctlError] = []
    for pattern in patterns:
        if not pattern:
            raise UsageError("an empty path names no file")
        path = paths.expanded(pattern)
        try:
            matches = _matches(path)
            reason = "has no media files" if path.is_dir() else "does not exist"
        except OSError as error:  # a name that is too long, a folder that may not be read
            matches, reason = [], (error.strerror or "cannot be read").lower()
        for file in matches:
            found.setdefault(file.absolute())
        if not matches:
            errors.append(NotFound(reason, item=pattern))
    return list(found), errors


def _listed(patterns: Sequence[str], stdin: BinaryIO | None) -> Iterator[str]:
    for pattern in patterns:
        if pattern == STDIN:
            yield from _read_list(stdin)
        else:
            yield pattern


def _read_list(stdin: BinaryIO | None) -> list[str]:
    data = stdin.read(LONGEST_LIST + 1) if stdin is not None else b""
    if len(data) > LONGEST_LIST:
        raise UsageError(
            f"the list on the standard input is longer than {LONGEST_LIST >> 20} MiB",
            hint="upload it in pieces: split -l 10000",
        )
    # A file name may hold a line break; whoever has such names separates with NUL.
    entries = data.split(b"\0") if b"\0" in data else data.replace(b"\r\n", b"\n").split(b"\n")
    names = [os.fsdecode(entry) for entry in entries if entry.strip()]
    if not names:
        raise UsageError(
            "the list on the standard input is empty",
            hint="find . -name '*.mp4' -print0 | vidctl upload -",
        )
    return names


def _link(text: str) -> Source:
    url = text.strip()
    try:
        return Source(url=url, label=parse_url(url).shown)
    except AddressRefused as error:
        error.item = _USER.sub("", url.partition("?")[0])
        raise


def _matches(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if _is_media(file, path))
    if path.exists() or path.is_symlink():
        return [path]
    return _glob(path)


def _is_media(file: Path, root: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix.lower() in MEDIA_SUFFIXES and not is_hidden and file.is_file()


def _glob(path: Path) -> list[Path]:
    if not any(char in str(path) for char in "*?["):
        return []
    anchor = Path(path.anchor) if path.is_absolute() else Path()
    pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
    try:
        return sorted(file for file in anchor.glob(pattern) if file.is_file())
    except ValueError:  # such as "**x"
        return []
