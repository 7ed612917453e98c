"""Files that appear in a folder, each given out once nobody writes to it any more.

Folders are looked through again and again, which works on every disk, network drives included.
Nothing is remembered from one run to the next: what the library has is known there by content.
"""

from __future__ import annotations

import math
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
# Seconds before what failed for a reason that passes is tried again: the first time, and at most.
FIRST_PAUSE = 5.0
LONGEST_PAUSE = 300.0
# Seconds after which a file that is empty is worth a word.
EMPTY = 60.0
# Endings that programs give to what they have not finished, also before the real suffix.
PARTIAL = (
    *(".aria2", ".crdownload", ".download", ".filepart", ".opdownload", ".part", ".partial"),
    *(".temp", ".tmp"),
)

_Mark = tuple[int, int, int]


def _never() -> bool:
    return False


def _unheard(message: str) -> None: ...


@dataclass(slots=True)
class _Seen:
    """A file as it was when it last changed; it is given out at ``due``, None once it was."""

    mark: _Mark
    due: float | None
    failures: int = 0


class Watch:
    """The media files below a folder, each given out as it becomes complete.

    A file is complete when it has not changed for ``settle`` seconds; it is given again when it
    changes later, and after a pause when it was postponed. Hidden and unfinished files (``.part``,
    ``~`` …) are left alone, and so are empty ones, of which ``tell`` hears once when they stay so.
    Files are looked for every ``poll`` seconds, until ``stop`` says so. A folder that goes, as that
    of a network drive does, is waited for; ``tell`` hears of it, and ``trouble`` is its error.

    Everything is called by the one thread that takes the files. Raises UsageError when there is no
    folder.
    """

    def __init__(
        self,
        folder: Path,
        *,
        settle: float = SETTLE,
        poll: float = POLL,
        stop: Callable[[], bool] = _never,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        tell: Callable[[str], None] = _unheard,
    ) -> None:
        if not folder.is_dir():
            raise UsageError(f"{folder} is not a folder", hint="--watch takes a folder")
        self.folder = folder.absolute()
        self.trouble: VidctlError | None = None
        self._settle = settle
        self._poll = poll
        self._stop = stop
        self._sleep = sleep
        self._clock = clock
        self._tell = tell
        self._seen: dict[str, _Seen] = {}
        self._empty: dict[str, float] = {}
        self._told: set[str] = set()
        self._held_until = -math.inf
        self._holds = 0

    def __iter__(self) -> Iterator[Path]:
        """Yield files as they become complete."""
        while not self._stop():
            begun = self._clock()
            self._look(begun)
            taken = self._clock() - begun
            for path in self._due(begun):
                if self._stop():
                    return
                if self._clock() < self._held_until:
                    break
                record = self._seen[path]
                # The one who takes the files may have been busy with another for long.
                if _mark(Path(path)) == record.mark:
                    record.due = None
                    yield Path(path)
            _rest(max(self._poll, taken * (1 - SHARE) / SHARE), self._stop, self._sleep)

    @property
    def waiting(self) -> set[Path]:
        """The files that are there and were not given out yet, or are to be again."""
        return {Path(path) for path, record in self._seen.items() if record.due is not None}

    def postpone(self, path: Path, *, least: float = 0.0) -> float:
        """Give a file out again after a pause, and return its length in seconds.

        Each pause is twice as long as the file's last, ``FIRST_PAUSE`` to ``LONGEST_PAUSE`` seconds
        and not below ``least``.
        """
        record = self._seen.get(str(path))
        pause = max(least, _pause(record.failures if record else 0))
        # A file that has changed meanwhile is given out when it is complete.
        if record is not None and record.due is None:
            record.failures += 1
            record.due = self._clock() + pause
        return pause

    def hold(self, *, least: float = 0.0) -> float:
        """Give nothing out for a pause that is longer each time; return its length in seconds.

        It is not below ``least``. Holding what is held already makes the pause no longer than that.
        """
        left = self._held_until - self._clock()
        if left > 0:
            pause = max(left, least)
        else:
            pause = max(_pause(self._holds), least)
            self._holds += 1
        self._held_until = self._clock() + pause
        return pause

    def release(self) -> None:
        """Let the next ``hold`` be a short one again."""
        self._holds = 0

    def _look(self, now: float) -> None:
        try:
            found = dict(_files(self.folder))
        except VidctlError as error:
            if self.trouble is None:
                self._tell(f"{self.folder}: {error.message}; waiting for it to come back")
            self.trouble = error
            return
        if self.trouble is not None:
            self._tell(f"{self.folder}: the watched folder is back")
            self.trouble = None
        self._seen = {
            path: self._noticed(path, mark, now) for path, mark in found.items() if mark[0]
        }
        self._heed_empty([path for path, mark in found.items() if not mark[0]], now)

    def _noticed(self, path: str, mark: _Mark, now: float) -> _Seen:
        before = self._seen.get(path)
        if before is not None and before.mark == mark:
            return before
        return _Seen(mark, now + self._settle)

    def _due(self, now: float) -> list[str]:
        return sorted(
            path
            for path, record in self._seen.items()
            if record.due is not None and record.due <= now
        )

    def _heed_empty(self, paths: list[str], now: float) -> None:
        """Tell once of files that stay empty: where they come from, something may be wrong."""
        self._empty = {path: self._empty.get(path, now) for path in paths}
        self._told &= self._empty.keys()
        late = sorted(
            path
            for path, since in self._empty.items()
            if now - since >= EMPTY and path not in self._told
        )
        if not late:
            return
        self._told.update(late)
        more = f" and {len(late) - 1:,} more are" if len(late) > 1 else " is"
        first = os.path.relpath(late[0], self.folder)
        self._tell(f"{first}{more} empty: taken in when something is in it")


def _pause(failures: int) -> float:
    return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 32))


def is_unfinished(name: str) -> bool:
    """Tell whether a file name is hidden, or one that programs give to what they still write."""
    lower = name.lower()
    stem = lower.rpartition(".")[0]
    is_hidden = name.startswith((".", "~$"))
    return is_hidden or lower.endswith((*PARTIAL, "~")) or stem.endswith(PARTIAL)


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
    if not stat.S_ISREG(status.st_mode):
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
