"""A file that is its owner's alone: read only where nobody else can have written it.

What is in it decides where keys are or go. It is not read through a link, and not from a folder
where others could put another one in its place.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from vidctl.errors import PermissionRefused
from vidctl.files import atomic_writer, make_folder, read_errors

OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
IS_POSIX = os.name != "nt"
# Follow no link, and do not wait for somebody to write into a pipe.
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class OwnFile:
    """A file of mode 0600 in a folder of mode 0700.

    ``is_secret`` refuses one that others can read, too. ``again`` is the next step after a file
    that cannot be relied upon was removed. Methods raise PermissionRefused for a file that is not
    its owner's alone, and what reading and writing files raises.
    """

    def __init__(self, path: Path, *, is_secret: bool, again: str) -> None:
        self.path = path
        self.is_secret = is_secret
        self.again = again

    def content(self) -> bytes:
        """Return what is in the file. Raises NotFound where there is none."""
        with read_errors(self.path):
            if self.path.is_symlink():
                raise PermissionRefused(
                    f"{self.path} is a link, so it is not used", hint=f"rm {self.path}"
                )
            handle = os.open(self.path, os.O_RDONLY | _CAREFULLY)
        with os.fdopen(handle, "rb") as reader:
            self._check(os.fstat(reader.fileno()))
            return reader.read()

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise PermissionRefused(f"{self.path} is not a regular file", hint=f"rm {self.path}")
        if not IS_POSIX:
            return
        folder = self.path.parent
        if status.st_uid != os.geteuid():
            hint = f"remove it and {self.again}"
            raise PermissionRefused(f"{self.path} belongs to somebody else", hint=hint)
        if self.is_secret and status.st_mode & OTHERS:
            hint = f"chmod 600 {self.path}; if others read it, {self.again}"
            raise PermissionRefused(f"others can read or write {self.path}", hint=hint)
        if status.st_mode & OTHERS_WRITE:
            hint = f"remove it and {self.again}"
            raise PermissionRefused(f"others can write {self.path}", hint=hint)
        if folder.stat().st_mode & OTHERS_WRITE:
            raise PermissionRefused(f"others can write in {folder}", hint=f"chmod 700 {folder}")

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from changing the file, and the folder to its owner."""
        folder = self.path.parent
        make_folder(folder)
        if not IS_POSIX:
            yield
            return
        import fcntl

        try:
            folder.chmod(stat.S_IRWXU)
            handle = os.open(folder, os.O_RDONLY)
        except PermissionError as error:
            raise PermissionRefused(f"you may not write in {folder}") from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def replace(self, content: bytes) -> None:
        """Replace the file in one step; it is never there with another mode, whatever the umask."""
        with atomic_writer(self.path, mode=0o600) as writer:
            writer.write(content)
