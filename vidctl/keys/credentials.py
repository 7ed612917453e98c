"""``credentials.toml``: keys in a file that only its owner can read, for machines without keyring.

The file has mode 0600 and lies in a folder of mode 0700. One that others could read or put there
is not used at all.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vidctl.errors import NotFound, PermissionRefused, UsageError
from vidctl.files import atomic_writer, make_folder, read_errors

HEAD = "# Keys of vidctl. Whoever can read this file can use them.\n"
OTHERS = stat.S_IRWXG | stat.S_IRWXO
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
IS_POSIX = os.name != "nt"
# Follow no link, and do not wait for somebody to write into a pipe.
_CAREFULLY = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A key of the file and when it was set, empty where the file does not say."""

    value: str
    set_at: str


class Credentials:
    """The keys of one file, by name.

    Methods raise PermissionRefused for a file that is not its owner's alone, UsageError for one
    that cannot be understood, and what reading and writing files raises.
    """

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self, name: str) -> Kept | None:
        """Return a key, None when there is none."""
        return self._all().get(name)

    def write(self, name: str, value: str) -> None:
        """Keep a key."""
        with self._alone():
            moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._save({**self._all(), name: Kept(value, moment)})

    def remove(self, name: str) -> bool:
        """Forget a key; tell whether there was one."""
        if self.read(name) is None:
            return False
        with self._alone():
            left = self._all()
            left.pop(name, None)
            self._save(left)
        return True

    def _all(self) -> dict[str, Kept]:
        try:
            content = self._content()
        except NotFound:
            return {}
        import tomllib

        try:
            table = tomllib.loads(content.decode())
            return {name: _kept(entry) for name, entry in table.items()}
        except (ValueError, TypeError, LookupError):
            # What the parser says quotes the line, which may be a key.
            hint = "mend it by hand, or remove it and set the keys again"
            raise UsageError(f"{self.file} is not a file of keys", hint=hint) from None

    def _content(self) -> bytes:
        with read_errors(self.file):
            if self.file.is_symlink():
                raise PermissionRefused(
                    f"{self.file} is a link, so its keys are not used", hint=f"rm {self.file}"
                )
            handle = os.open(self.file, os.O_RDONLY | _CAREFULLY)
        with os.fdopen(handle, "rb") as reader:
            self._check(os.fstat(reader.fileno()))
            return reader.read()

    def _check(self, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            raise PermissionRefused(f"{self.file} is not a regular file", hint=f"rm {self.file}")
        if not IS_POSIX:
            return
        folder = self.file.parent
        if status.st_uid != os.geteuid():
            hint = "remove it and set the keys again"
            raise PermissionRefused(f"{self.file} belongs to somebody else", hint=hint)
        if status.st_mode & OTHERS:
            hint = f"chmod 600 {self.file}; if others read it, set new keys"
            raise PermissionRefused(f"others can read or write {self.file}", hint=hint)
        if folder.stat().st_mode & OTHERS_WRITE:
            raise PermissionRefused(f"others can write in {folder}", hint=f"chmod 700 {folder}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other processes from changing the file, and the folder to its owner."""
        folder = self.file.parent
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

    def _save(self, keys: dict[str, Kept]) -> None:
        """Replace the file in one step; it is never there with another mode, whatever the umask."""
        import tomlkit

        tables = {name: {"key": kept.value, "set": kept.set_at} for name, kept in keys.items()}
        text = HEAD + tomlkit.dumps(tables)
        with atomic_writer(self.file, mode=0o600) as writer:
            writer.write(text.encode())


def _kept(entry: Any) -> Kept:
    value = entry["key"]
    if not isinstance(value, str):
        raise TypeError("a key is text")
    return Kept(value, str(entry.get("set", "")))
