"""Writing files so that a name always means whole content, and reading them once while hashing.

The order is: temporary file in the target folder, fsync, rename, fsync of the folder. A process
killed anywhere leaves the old file or the new one, and at worst a leftover named ``.vidctl-tmp-…``.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import shutil
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from vidctl.errors import (
    Conflict,
    NotFound,
    PermissionRefused,
    StorageFailed,
    StorageFull,
    VidctlError,
)
from vidctl.failpoints import reach

TEMPORARY_PREFIX = ".vidctl-tmp-"
BLOCK = 1 << 20
DAY = 86_400.0

# Control characters, bidirectional overrides (they make "exe.4pm" read as "mp4.exe") and the
# surrogates that stand for undecodable bytes in a file name.
UNSAFE = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def as_text(name: str) -> str:
    """Return a name with what is not text in it (bytes that are no UTF-8) replaced by U+FFFD."""
    return re.sub("[\ud800-\udfff]", "\ufffd", name)


def shown(path: Path) -> str:
    """Return a file's name fit for a message: unsafe characters are escaped."""
    return UNSAFE.sub(lambda match: match[0].encode("unicode_escape").decode(), path.name or ".")


@contextmanager
def atomic_writer(target: Path, *, mode: int = 0o666) -> Iterator[BinaryIO]:
    """Open a file that appears under ``target`` only when the block ends without an error.

    ``mode`` is what the file has from its first moment, less the umask. An older ``target`` is
    replaced. Any OSError of the block counts as a failure to write: StorageFull,
    PermissionRefused or StorageFailed is raised, and the target stays as it was.
    """
    temporary = target.with_name(f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
    try:
        with _write_errors(target):
            reach("copy.open")
            with open(temporary, "xb", opener=lambda p, f: os.open(p, f, mode)) as file:
                yield file
                reach("copy.fsync")
                file.flush()
                os.fsync(file.fileno())
            reach("copy.replace")
            temporary.replace(target)
            _sync_folder(target.parent)
            reach("copy.done")
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def copy_file(
    source: Path,
    target: Path,
    *,
    sha256: str | None,
    pace: Callable[[int], None] | None = None,
    advance: Callable[[float, float], None] | None = None,
) -> int:
    """Copy ``source`` to ``target`` atomically and return the number of bytes.

    ``pace`` is called with the size of each block before it is written, and returns when it may
    be; ``advance`` hears bytes done and in all.

    With ``sha256`` (hexadecimal) the bytes that were read must have that hash, else Conflict is
    raised and nothing is left. Also raises what ``atomic_writer`` does, and NotFound.
    """
    digest = hashlib.sha256()
    size = 0
    with reading(source) as reader, atomic_writer(target) as writer:
        total = os.fstat(reader.fileno()).st_size
        for block in _blocks(reader, source):
            if pace is not None:
                pace(len(block))
            reach("copy.write")
            writer.write(block)
            digest.update(block)
            size += len(block)
            if advance is not None:
                advance(size, max(size, total))
        if sha256 is not None and digest.hexdigest() != sha256:
            raise Conflict(
                "the file changed while it was being copied",
                hint="wait until the file is complete, then run the same command again",
                item=str(source),
            )
    return size


def _unheard(done: float, total: float) -> None: ...


def sha256_of(path: Path, advance: Callable[[float, float], None] = _unheard) -> str:
    """Return the SHA-256 of a file in hexadecimal; ``advance`` hears bytes done and in all.

    Raises NotFound, PermissionRefused or StorageFailed.
    """
    digest = hashlib.sha256()
    done = 0
    with reading(path) as reader:
        total = os.fstat(reader.fileno()).st_size
        for block in _blocks(reader, path):
            digest.update(block)
            done += len(block)
            advance(done, max(done, total))
    return digest.hexdigest()


def size_of(path: Path) -> int:
    """Return a file's size in bytes. Raises NotFound, PermissionRefused or StorageFailed."""
    with read_errors(path):
        return path.stat().st_size


def make_folder(folder: Path) -> None:
    """Create a folder and its parents so that they survive a power cut."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    with _write_errors(folder):
        folder.mkdir(exist_ok=True)
        _sync_folder(folder.parent)


def rename(source: Path, target: Path) -> Path:
    """Give a file another name and return it. Raises what ``atomic_writer`` does."""
    with _write_errors(target):
        return source.rename(target)


def leave_mark(path: Path) -> bool:
    """Create an empty file and tell whether it was not there: to one of all who try it at once.

    Its folder is made where it is missing. Raises what ``atomic_writer`` does.
    """
    make_folder(path.parent)
    with _write_errors(path):
        try:
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            return False
        _sync_folder(path.parent)
    return True


def remove_file(path: Path) -> None:
    """Remove a file; nothing happens when it is gone already."""
    with _write_errors(path):
        try:
            path.unlink()
        except FileNotFoundError:
            return
        _sync_folder(path.parent)


def sweep_temporaries(folder: Path, *, older_than: float = DAY, recursive: bool = False) -> int:
    """Remove what killed processes left in ``folder`` and return how many files went.

    ``older_than`` is the age in seconds since the last write, so that a copy still running
    keeps its file. Files that cannot be removed stay.
    """
    removed = 0
    pattern = f"{TEMPORARY_PREFIX}*"
    newest = time.time() - older_than
    for path in folder.rglob(pattern) if recursive else folder.glob(pattern):
        with contextlib.suppress(OSError):
            status = path.lstat()
            if stat.S_ISREG(status.st_mode) and status.st_mtime <= newest:
                path.unlink()
                removed += 1
    return removed


def sweep_folders(parent: Path, pattern: str, *, older_than: float = DAY) -> int:
    """Remove the folders in ``parent`` that killed processes left; return how many went.

    ``pattern`` is a glob for their names, ``older_than`` the age in seconds since the last write to
    one or to a file in it: a long download writes to its file and not to the folder. A ``parent``
    that is a link leads to what is not ours.
    """
    removed = 0
    newest = time.time() - older_than
    for place in () if parent.is_symlink() else parent.glob(pattern):
        with contextlib.suppress(OSError):
            if place.is_symlink() or not place.is_dir():
                continue
            times = [place.lstat().st_mtime, *(file.lstat().st_mtime for file in place.iterdir())]
            if max(times) <= newest:
                shutil.rmtree(place)
                removed += 1
    return removed


@contextmanager
def temporary_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """Give a new folder below ``parent``, or where the system has such, and remove it at the end.

    Raises StorageFull, StorageFailed or PermissionRefused, which name where it was to be.
    """
    try:
        place = parent or Path(tempfile.gettempdir())
    except FileNotFoundError as error:
        raise StorageFailed(
            "no temporary folder can be written to", hint="free some space, or set TMPDIR"
        ) from error
    with _write_errors(place / prefix):
        reach("folder.make")
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=place))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def reading(source: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe would block for ever."""
    with read_errors(source):
        if not stat.S_ISREG(source.stat().st_mode):
            raise StorageFailed("this is not a regular file", item=str(source))
        reader = source.open("rb")
    with reader:
        yield reader


def _blocks(reader: BinaryIO, source: Path) -> Iterator[bytes]:
    while True:
        with read_errors(source):
            block = reader.read(BLOCK)
        if not block:
            return
        yield block


@contextmanager
def read_errors(source: Path) -> Iterator[None]:
    """Translate OSErrors of reading, so that they are never blamed on the target."""
    try:
        yield
    except OSError as error:
        raise _read_failure(error, source) from error


def _read_failure(error: OSError, source: Path) -> VidctlError:
    item = str(source)
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return NotFound("there is no such file", item=item)
    if isinstance(error, PermissionError):
        return PermissionRefused("you may not read this file", item=item)
    return StorageFailed(f"the file cannot be read: {error.strerror}", item=item)


@contextmanager
def _write_errors(target: Path) -> Iterator[None]:
    """Translate OSErrors of writing ``target`` to the error tree."""
    try:
        yield
    except OSError as error:
        raise _write_failure(error, target) from error


def _write_failure(error: OSError, target: Path) -> VidctlError:
    folder = target.parent
    if error.errno == errno.ENOSPC:
        return StorageFull(f"no space is left on the disk {_disk(folder)} for {folder}")
    if error.errno == errno.EDQUOT:
        return StorageFull(f"your disk quota is used up in {folder}")
    if error.errno == errno.EROFS:
        return StorageFailed(f"the disk {_disk(folder)} is read-only")
    if isinstance(error, PermissionError):
        return PermissionRefused(f"you may not write in {folder}")
    if not folder.is_dir():
        return StorageFailed(f"there is no folder {folder}")
    return StorageFailed(f"writing {shown(target)} in {folder} failed: {error.strerror}")


def refusal_of(error: OSError) -> VidctlError:
    """Say what the operating system refused: a full disk or a missing right is no bug."""
    place = f"{error.filename}: " if error.filename else ""
    kind = StorageFull if error.errno == errno.ENOSPC else StorageFailed
    told = kind(f"{place}{error.strerror or error}")
    told.__cause__ = error
    return told


def _disk(folder: Path) -> Path:
    """Return the mount point that holds ``folder``: what a person calls the disk."""
    place = folder.absolute()
    while not place.is_mount() and place != place.parent:
        place = place.parent
    return place


def _sync_folder(folder: Path) -> None:
    """Make a rename durable. Windows has no such call and needs none."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
