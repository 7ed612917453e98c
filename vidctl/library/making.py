"""What ``library.media`` works on and with, and where what it makes goes."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import Conflict, InvalidMedia, NotFound, UsageError, VidctlError
from vidctl.files import make_folder
from vidctl.library.engines import sandbox

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.media.sandbox import Sandbox
    from vidctl.model.media import MediaRow
    from vidctl.model.thing import Thing

_NAME = re.compile(r"[\w-]+")
BASE_SECONDS = 120.0
# Work that takes longer than the file lasts is not worth waiting for.
SHARE_OF_DURATION = 1.0
LONGEST_SECONDS = 6 * 3600.0
# Who names one of these means a file.
FILES_IN_FOLDER = (".jpg", ".jpeg", ".png", ".webp", ".vtt")


@dataclass(frozen=True, slots=True)
class Goal:
    """Where something made goes: to the file or folder ``out``, else where it belongs.

    What is made of an item belongs with the item, what is made of a file beside where one works.
    ``force`` replaces files; ``rehearse`` makes nothing.
    """

    out: str = ""
    force: bool = False
    rehearse: bool = False


@dataclass(frozen=True, slots=True)
class Work:
    """Something to make: its role, the end of its file's name, and the sandbox's call for it.

    ``endings`` are those that a file of another name may have; any, where there are none.
    """

    role: str
    suffix: str
    call: str
    arguments: dict[str, Any] = field(default_factory=dict)
    endings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subject:
    """What is worked on: an item with the row of its media, or a file of this machine."""

    thing: Thing | None = None
    row: MediaRow | None = None
    file: Path | None = None

    @property
    def label(self) -> str:
        """What people call it."""
        return self.thing.slug if self.thing is not None else (self.file or Path()).name

    @property
    def stem(self) -> str:
        """What the names of files made from it begin with."""
        if self.thing is None:
            return (self.file or Path()).stem
        # A library can come from anybody, and what it calls an item may be a way out of a folder.
        return self.thing.slug if _NAME.fullmatch(self.thing.slug) else "item"

    def record(self) -> dict[str, Any]:
        """Return this as it appears in JSON."""
        return {
            "item": None if self.thing is None else self.thing.slug,
            "id": None if self.thing is None else self.thing.id,
            "source": None if self.file is None else str(self.file),
        }


class Bench:
    """What the work on media stands on.

    The library is opened when an item is named: work on a file of this machine needs none.
    """

    def __init__(self, opens: Callable[[], Library]) -> None:
        self._opens = opens

    @cached_property
    def library(self) -> Library:
        """The library. Raises what ``Library.open`` raises."""
        return self._opens()

    @property
    def sandbox(self) -> Sandbox:
        """The child processes that read media files."""
        return sandbox()

    def subject(self, reference: str) -> Subject:
        """Return what a word on the command line means: a file that is there, else an item.

        Raises NotFound for neither, and for an item without media here.
        """
        path = Path(reference)
        if os.path.isfile(path):  # noqa: PTH113 - a name that no file can have is no error here
            return Subject(file=path)
        if _is_path(reference):
            _check_there(reference, path)
            return Subject(file=path)
        library = self.library
        try:
            thing = library.resolve(reference)
        except NotFound as error:
            error.hint = f"{error.hint}; a file is named with its ending"
            raise
        library.allow("view", thing)
        return Subject(thing, library.source_of(thing))

    @contextmanager
    def opened(self, subject: Subject) -> Iterator[Path]:
        """Give the media of a subject as a file on this machine, as long as the block runs."""
        if subject.row is None:
            yield subject.file or Path()
            return
        with self.library.hosts.local(subject.row) as path:
            try:
                yield path
            except VidctlError as error:
                # What is wrong with the item's file is wrong with the item.
                if error.item == str(path):
                    error.item = subject.label
                raise

    @contextmanager
    def scratch(self, subject: Subject) -> Iterator[Path]:
        """Give a folder for files on their way: an item's beside the library, where there is room.

        What is made of a file waits in the system's folder for such things.
        """
        cache = None
        if subject.file is None:
            cache = self.library.config.cache_folder()
            make_folder(cache)
        with tempfile.TemporaryDirectory(prefix="made-", dir=cache) as folder:
            yield Path(folder)


def _is_path(reference: str) -> bool:
    """Tell whether a word cannot be an item, whose slug has neither dots nor separators."""
    return bool({".", os.sep, os.altsep or os.sep} & set(reference))


def _check_there(reference: str, path: Path) -> None:
    """Raise NotFound where there is nothing at a path, and InvalidMedia for a folder."""
    from vidctl.sources import is_link

    if is_link(reference):
        raise NotFound(
            "this is a web address, not a file on this machine",
            hint=f"vidctl upload {reference}",
            item=reference,
        )
    if not os.path.exists(path):  # noqa: PTH110 - as above
        raise NotFound(
            "does not exist",
            hint="check the path; items are named by slug: vidctl videos list",
            item=reference,
        )
    if path.is_dir():
        raise InvalidMedia(
            "this is a folder, not a media file", hint="give one of its files", item=reference
        )


def target_of(subject: Subject, work: Work, goal: Goal) -> Path | None:
    """Return the file that is to be written, None where it is kept with the item.

    Raises Conflict for one that is there, UsageError for the source itself and for the ending of
    another format, NotFound where its folder is missing.
    """
    if not goal.out and subject.file is None:
        return None
    target = Path(goal.out or f"{subject.stem}{work.suffix}")
    if target.is_dir():
        raise UsageError(f"{target} is a folder", hint="--out FILE")
    if work.endings and target.suffix.lower() not in work.endings:
        said = " or ".join(filter(None, (", ".join(work.endings[:-1]), work.endings[-1])))
        raise UsageError(
            f"{str(target)!r} would have to end in {said}",
            hint=f"--out {target.stem or work.role}{work.endings[0]}",
        )
    if not target.absolute().parent.is_dir():
        raise NotFound(f"there is no folder for {str(target)!r}", hint="make the folder first")
    if target.exists():
        if subject.file is not None and target.samefile(subject.file):
            raise UsageError("that would replace the file itself", hint="--out FILE")
        _refuse_to_replace(target, goal)
    return target


def folder_of(subject: Subject, goal: Goal, first: str) -> Path | None:
    """Return the folder that files are to be written to, None where they are kept with the item.

    Raises Conflict where the file called ``first`` is in it, UsageError for the name of a file.
    """
    if not goal.out and subject.file is None:
        return None
    folder = Path(goal.out or f"{subject.stem}.storyboard")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="--out FOLDER")
    if not folder.exists() and folder.suffix.lower() in FILES_IN_FOLDER:
        raise UsageError(
            f"{str(folder)!r} is the name of a file, and a storyboard is a folder of them",
            hint=f"--out {folder.stem}",
        )
    if (folder / first).exists():
        _refuse_to_replace(folder / first, goal)
    return folder


def _refuse_to_replace(target: Path, goal: Goal) -> None:
    if not goal.force:
        raise Conflict(f"{target} exists already", hint="--force replaces it")


def patience(duration: float) -> float:
    """Return how many seconds work on a file of that duration, in seconds, may take."""
    return min(BASE_SECONDS + SHARE_OF_DURATION * duration, LONGEST_SECONDS)
