"""What ``library.media`` works on, and where what it makes goes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import Conflict, NotFound, UsageError, VidctlError
from vidctl.files import make_folder
from vidctl.library.hosts import CACHE

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.media import MediaRow
    from vidctl.model.thing import Thing

BASE_SECONDS = 120.0
# Work that takes longer than the file lasts is not worth waiting for.
SHARE_OF_DURATION = 1.0
LONGEST_SECONDS = 6 * 3600.0


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
    """Something to make: its role, the end of its file's name, and the sandbox's call for it."""

    role: str
    suffix: str
    call: str
    arguments: dict[str, Any] = field(default_factory=dict)


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
        return self.thing.slug if self.thing is not None else (self.file or Path()).stem

    def record(self) -> dict[str, Any]:
        """Return this as it appears in JSON."""
        return {
            "item": None if self.thing is None else self.thing.slug,
            "id": None if self.thing is None else self.thing.id,
            "source": None if self.file is None else str(self.file),
        }


def subject_of(library: Library, reference: str) -> Subject:
    """Return what a word on the command line means: a file that is there, else an item.

    Raises NotFound for neither, and for an item without media here.
    """
    path = Path(reference)
    if path.is_file():
        return Subject(file=path)
    thing = library.resolve(reference)
    library.allow("view", thing)
    return Subject(thing, library.source_of(thing))


@contextmanager
def opened(library: Library, subject: Subject) -> Iterator[Path]:
    """Give the media of a subject as a file on this machine, as long as the block runs."""
    if subject.row is None:
        yield subject.file or Path()
        return
    with library.hosts.local(subject.row) as path:
        try:
            yield path
        except VidctlError as error:
            # What is wrong with the item's file is wrong with the item.
            if error.item == str(path):
                error.item = subject.label
            raise


@contextmanager
def scratch(library: Library) -> Iterator[Path]:
    """Give a folder for files on their way; it lies beside the library, where there is room."""
    cache = library.config.library_path().parent / CACHE
    make_folder(cache)
    with tempfile.TemporaryDirectory(prefix="made-", dir=cache) as folder:
        yield Path(folder)


def target_of(subject: Subject, work: Work, goal: Goal) -> Path | None:
    """Return the file that is to be written, None where it is kept with the item.

    Raises Conflict for one that is there, UsageError for the source itself, NotFound where its
    folder is missing.
    """
    if not goal.out and subject.file is None:
        return None
    target = Path(goal.out or f"{subject.stem}{work.suffix}")
    if target.is_dir():
        raise UsageError(f"{target} is a folder", hint="--out FILE")
    if not target.absolute().parent.is_dir():
        raise NotFound(f"there is no folder for {str(target)!r}", hint="make the folder first")
    if target.exists():
        if subject.file is not None and target.samefile(subject.file):
            raise UsageError("that would replace the file itself", hint="--out FILE")
        _refuse_to_replace(target, goal)
    return target


def folder_of(subject: Subject, goal: Goal, first: str) -> Path | None:
    """Return the folder that files are to be written to, None where they are kept with the item.

    Raises Conflict where the file called ``first`` is in it.
    """
    if not goal.out and subject.file is None:
        return None
    folder = Path(goal.out or f"{subject.stem}.storyboard")
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"{folder} is a file", hint="--out FOLDER")
    if (folder / first).exists():
        _refuse_to_replace(folder / first, goal)
    return folder


def _refuse_to_replace(target: Path, goal: Goal) -> None:
    if not goal.force:
        raise Conflict(f"{target} exists already", hint="--force replaces it")


def patience(duration: float) -> float:
    """Return how many seconds work on a file of that duration, in seconds, may take."""
    return min(BASE_SECONDS + SHARE_OF_DURATION * duration, LONGEST_SECONDS)
