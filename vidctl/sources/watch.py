"""Files that appear in a folder, each given out once nobody writes to it any more.

Folders are looked through again and again, which works on every disk, network drives included.
Nothing is remembered from one run to the next: what the library has is known there by content.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from vidctl.errors import NotFound, PermissionRefused, StorageFailed, UsageError, VidctlError
from vidctl.sources.expand import MEDIA_SUFFIXES

SETTLE = 2.0
POLL = 0.5
# Looking takes at most this share of the time, however many files there are.
SHARE = 0.1
# Endings that programs give to what they have not finished, also before the real suffix.
PARTIAL = (
    *(".aria2", ".crdownload", ".download", ".filepart", ".opdownload", ".part", ".partial"),
    *(".temp", ".tmp"),
)

_Mark = tuple[int, int, int]


def _never() -> bool:
    return False


@dataclass(slots=True)
class _Seen:
    """A file as it was when it last changed; ``since`` is when that was noticed."""

    mark: _Mark
    since: float
    is_given: bool = False


def watch(
    folder: Path,
    *,
    settle: float = SETTLE,
    poll: float = POLL,
    stop: Callable[[], bool] = _never,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Iterator[Path]:
    """Yield the media files below ``folder`` as they become complete, until ``stop`` says so.

    A file is complete when it has not changed for ``settle`` seconds; it is yielded again when it
    changes later. Empty, hidden and unfinished files (``.part``, ``~`` …) are left alone. Files
    are looked for every ``poll`` seconds. Raises UsageError when there is no folder, and
    NotFound, PermissionRefused or StorageFailed when it cannot be read any more.
    """
    if not folder.is_dir():
        raise UsageError(f"{folder} is not a folder", hint="--watch takes a folder")
    seen: dict[str, _Seen] = {}
    while not stop():
        begun = clock()
        found = dict(_files(folder))
        seen = {path: _noticed(seen.get(path), mark, begun) for path, mark in found.items()}
        taken = clock() - begun
        waiting = (path for path, record in seen.items() if not record.is_given)
        for path in sorted(path for path in waiting if begun - seen[path].since >= settle):
            if stop():
                return
            # The one who takes the files may have been busy with another for long.
            if _mark(Path(path)) == seen[path].mark:
                seen[path].is_given = True
                yield Path(path)
        _rest(max(poll, taken * (1 - SHARE) / SHARE), stop, sleep)


def is_unfinished(name: str) -> bool:
    """Tell whether a file name is hidden, or one that programs give to what they still write."""
    lower = name.lower()
    stem = lower.rpartition(".")[0]
    is_hidden = name.startswith((".", "~$"))
    return is_hidden or lower.endswith((*PARTIAL, "~")) or stem.endswith(PARTIAL)


def _noticed(before: _Seen | None, mark: _Mark, now: float) -> _Seen:
    return before if before is not None and before.mark == mark else _Seen(mark, now)


def _files(root: Path) -> Iterator[tuple[str, _Mark]]:
    folders = [str(root)]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        if not entry.name.startswith("."):
                            folders.append(entry.path)
                    elif _is_wanted(entry.name) and (mark := _mark(entry)) is not None:
                        yield entry.path, mark
        except OSError as error:
            # A folder below may come and go; without the one that is watched nothing ever comes.
            if folder == str(root):
                raise _unreadable(error, root) from error


def _is_wanted(name: str) -> bool:
    _, dot, suffix = name.rpartition(".")
    return (dot + suffix).lower() in MEDIA_SUFFIXES and not is_unfinished(name)


def _mark(file: Path | os.DirEntry[str]) -> _Mark | None:
    """Return what changes when a file is written to or replaced; None for what is not to be had."""
    try:
        status = file.stat()
    except OSError:
        return None
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ino


def _unreadable(error: OSError, root: Path) -> VidctlError:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFound("the watched folder is gone", item=str(root))
    if isinstance(error, PermissionError):
        return PermissionRefused("you may not read the watched folder", item=str(root))
    return StorageFailed(f"the watched folder cannot be read: {error.strerror}", item=str(root))


def _rest(seconds: float, stop: Callable[[], bool], sleep: Callable[[float], None]) -> None:
    """Sleep in steps, so that a request to stop is heard soon."""
    while seconds > 0 and not stop():
        step = min(seconds, POLL)
        sleep(step)
        seconds -= step
