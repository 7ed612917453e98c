"""Files that a person names for a key: mounted secrets, files of their own.

They come in more shapes than vidctl's own file of keys. Docker and Kubernetes mount secrets as
links to files of root that everybody in the container may read, and nobody there could change that.
So who else may read a file is told; refused is what somebody else may write, as they could send
media to an account of theirs.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path

from vidctl.errors import PermissionRefused, StorageFailed
from vidctl.files import read_errors
from vidctl.keys.own_file import IS_POSIX, OTHERS_WRITE
from vidctl.keys.shapes import LONGEST

ROOT = 0


def text_of(file: Path, *, may_wait: bool = False) -> tuple[str, str]:
    """Return the text of a file of one key, and what is to be told of the file, empty if nothing.

    ``may_wait`` takes a pipe as well, as shells make them of ``<(command)``. Raises
    PermissionRefused for a file that others can write, and what reading files raises.
    """
    with read_errors(file):
        if not may_wait and not stat.S_ISREG(file.stat().st_mode):
            raise StorageFailed("this is not a regular file", item=str(file))
    with read_errors(file), file.open("rb") as reader:
        status = os.fstat(reader.fileno())
        note = _judged(file, status) if IS_POSIX and stat.S_ISREG(status.st_mode) else ""
        return reader.read(LONGEST + 1).decode("utf-8", "replace"), note


def _judged(file: Path, status: os.stat_result) -> str:
    place = file.resolve()
    if status.st_mode & OTHERS_WRITE:
        raise PermissionRefused(
            f"others can write {file}, so its key is not used", hint=f"chmod 600 {file}"
        )
    around = place.parent.stat().st_mode
    # In a folder with the sticky bit, such as /tmp, nobody can replace what is somebody else's.
    if around & stat.S_IWOTH and not around & stat.S_ISVTX:
        raise PermissionRefused(
            f"others can put another file in the place of {file}, so its key is not used",
            hint=f"chmod o-w {place.parent}",
        )
    is_mine = status.st_uid == os.geteuid() and status.st_uid != ROOT
    if is_mine and _is_readable(place, status.st_mode):
        return f"others can read {file}, which holds a key: chmod 600 {file}"
    return ""


def _is_readable(place: Path, mode: int) -> bool:
    """Tell whether others can read a file: by its mode, and no folder above is in their way."""
    folders = [folder.stat().st_mode for folder in place.parents]
    for read, enter in ((stat.S_IRGRP, stat.S_IXGRP), (stat.S_IROTH, stat.S_IXOTH)):
        if mode & read and all(folder & (enter | stat.S_IXOTH) for folder in folders):
            return True
    return False
