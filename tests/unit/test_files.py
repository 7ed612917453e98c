"""A name means whole content: writing, copying, hashing and sweeping."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vidctl import failpoints, files
from vidctl.errors import (
    Conflict,
    NotFound,
    PermissionRefused,
    StorageFailed,
    StorageFull,
    VidctlError,
)
from vidctl.files import (
    BLOCK,
    TEMPORARY_PREFIX,
    atomic_writer,
    copy_file,
    make_folder,
    remove_file,
    sha256_of,
    shown,
    size_of,
    sweep_temporaries,
)

CONTENT = os.urandom(3 * BLOCK + 17)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
BEFORE_THE_RENAME = ["copy.open", "copy.write", "copy.fsync", "copy.replace"]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "talk.mp4").write_bytes(CONTENT)
    return folder / "talk.mp4"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "target"
    folder.mkdir()
    return folder / "stored.mp4"


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(target: Path, failure: BaseException | None = None) -> None:
    with atomic_writer(target) as file:
        file.write(b"new")
        if failure is not None:
            raise failure


# --- writing ------------------------------------------------------------------------------------


def test_a_file_appears_whole_at_the_end(target: Path) -> None:
    with atomic_writer(target) as file:
        file.write(b"new")
        assert not target.exists()
        assert [name.startswith(TEMPORARY_PREFIX) for name in names(target.parent)] == [True]
    assert target.read_bytes() == b"new"
    assert names(target.parent) == ["stored.mp4"]


@pytest.mark.parametrize("failure", [ValueError("x"), KeyboardInterrupt(), Conflict("no")])
def test_a_failure_in_the_block_leaves_the_old_file(failure: BaseException, target: Path) -> None:
    target.write_bytes(b"old")
    with pytest.raises(type(failure)):
        write(target, failure)
    assert target.read_bytes() == b"old"
    assert names(target.parent) == ["stored.mp4"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600)])
def test_permissions_follow_the_umask(mask: int, mode: int, target: Path) -> None:
    before = os.umask(mask)
    try:
        with atomic_writer(target) as file:
            file.write(b"x")
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == mode


def test_a_symbolic_link_is_replaced_and_not_followed(source: Path, target: Path) -> None:
    target.symlink_to(source)
    with atomic_writer(target) as file:
        file.write(b"new")
    assert not target.is_symlink()
    assert source.read_bytes() == CONTENT


def test_the_folder_is_synced_after_the_rename(
    target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    real_fsync, real_replace = os.fsync, Path.replace

    def fsync(descriptor: int) -> None:
        kind = "folder" if os.path.isdir(f"/proc/self/fd/{descriptor}") else "file"
        events.append(f"fsync {kind}")
        real_fsync(descriptor)

    def replace(self: Path, other: Path) -> Path:
        events.append("replace")
        return real_replace(self, other)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    with atomic_writer(target) as file:
        file.write(b"x")
    assert events == ["fsync file", "replace", "fsync folder"]


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        (errno.ENOSPC, StorageFull, "no space is left on the disk {disk} for {folder}"),
        (errno.EDQUOT, StorageFull, "your disk quota is used up in {folder}"),
        (errno.EROFS, StorageFailed, "the disk {disk} is read-only"),
        (errno.EACCES, PermissionRefused, "you may not write in {folder}"),
        (errno.EPERM, PermissionRefused, "you may not write in {folder}"),
        (errno.EIO, StorageFailed, "writing stored.mp4 in {folder} failed: Input/output error"),
        (
            errno.ENAMETOOLONG,
            StorageFailed,
            "writing stored.mp4 in {folder} failed: File name too long",
        ),
    ],
)
def test_what_the_disk_answers_is_said_in_words(
    number: int,
    error: type[VidctlError],
    message: str,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(error) as caught, atomic_writer(target) as file:
        file.write(b"x")
    disk = next(folder for folder in target.parents if folder.is_mount())
    assert caught.value.message == message.format(folder=target.parent, disk=disk)
    assert names(target.parent) == []


def test_a_target_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed) as caught, atomic_writer(tmp_path / "none" / "x.mp4"):
        pass
    assert caught.value.message == f"there is no folder {tmp_path / 'none'}"
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageFailed, match=r"^writing folder in .* failed: "):
        write(tmp_path / "folder")
    assert names(tmp_path) == ["folder"]


# --- copying ------------------------------------------------------------------------------------


def test_a_copy(source: Path, target: Path) -> None:
    assert copy_file(source, target, sha256=DIGEST) == len(CONTENT)
    assert target.read_bytes() == CONTENT
    assert copy_file(source, target, sha256=None) == len(CONTENT)
    assert names(target.parent) == ["stored.mp4"]


def test_an_empty_file_is_copied(tmp_path: Path, target: Path) -> None:
    (tmp_path / "empty").touch()
    assert copy_file(tmp_path / "empty", target, sha256=hashlib.sha256().hexdigest()) == 0
    assert target.read_bytes() == b""


def test_a_source_that_changes_while_it_is_read(source: Path, target: Path) -> None:
    with pytest.raises(Conflict) as caught:
        copy_file(source, target, sha256="0" * 64)
    assert caught.value.message == "the file changed while it was being copied"
    assert caught.value.item == str(source)
    assert names(target.parent) == []


@pytest.mark.parametrize("action", ["enospc", "eio"])
@pytest.mark.parametrize("point", BEFORE_THE_RENAME)
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_copy_that_fails_anywhere_leaves_nothing_new(
    point: str, action: str, old: bytes | None, source: Path, target: Path
) -> None:
    if old is not None:
        target.write_bytes(old)
    error = StorageFull if action == "enospc" else StorageFailed
    for visit in range(1, 5 if point == "copy.write" else 2):
        failpoints.arm(f"{point}:{visit}:{action}")
        with pytest.raises(error):
            copy_file(source, target, sha256=DIGEST)
        assert (target.read_bytes() if target.exists() else None) == old
        assert names(target.parent) == ([] if old is None else ["stored.mp4"])
    failpoints.arm("")
    assert copy_file(source, target, sha256=DIGEST) == len(CONTENT)


def test_a_failure_after_the_rename_leaves_the_whole_file(source: Path, target: Path) -> None:
    failpoints.arm("copy.done:1:eio")
    with pytest.raises(StorageFailed):
        copy_file(source, target, sha256=DIGEST)
    assert target.read_bytes() == CONTENT
    assert names(target.parent) == ["stored.mp4"]


COPY = """
import sys
from pathlib import Path
from vidctl.files import copy_file
copy_file(Path(sys.argv[1]), Path(sys.argv[2]), sha256=None)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_copy_leaves_the_old_or_the_new_file(source: Path, target: Path) -> None:
    points = [f"copy.write:{visit}" for visit in (1, 4)]
    points += [f"{point}:1" for point in ("copy.open", "copy.fsync", "copy.replace", "copy.done")]
    for number, point in enumerate(points):
        place = target.with_name(f"{number}.mp4")
        place.write_bytes(b"old")
        environment = {**os.environ, "VIDCTL_FAILPOINT": f"{point}:kill"}
        done = subprocess.run([sys.executable, "-c", COPY, source, place], env=environment)
        assert done.returncode == -signal.SIGKILL
        assert place.read_bytes() == (CONTENT if point == "copy.done:1" else b"old")
    left = [name for name in names(target.parent) if name.startswith(TEMPORARY_PREFIX)]
    assert len(left) == 4
    assert sweep_temporaries(target.parent, older_than=0) == 4
    assert names(target.parent) == [f"{number}.mp4" for number in range(6)]


# --- reading ------------------------------------------------------------------------------------


def test_a_hash_with_progress(source: Path, tmp_path: Path) -> None:
    heard: list[tuple[float, float]] = []
    assert sha256_of(source, lambda done, total: heard.append((done, total))) == DIGEST
    assert heard == [(done, len(CONTENT)) for done in (BLOCK, 2 * BLOCK, 3 * BLOCK, 3 * BLOCK + 17)]
    (tmp_path / "empty").touch()
    assert sha256_of(tmp_path / "empty", lambda *_: None) == hashlib.sha256().hexdigest()
    assert size_of(source) == len(CONTENT)


READERS: dict[str, Callable[[Path, Path], object]] = {
    "copy_file": lambda path, target: copy_file(path, target, sha256=None),
    "sha256_of": lambda path, target: sha256_of(path, lambda *_: None),
}


@pytest.mark.parametrize("read", READERS.values(), ids=READERS)
def test_a_source_that_cannot_be_read(
    read: Callable[[Path, Path], object],
    source: Path,
    target: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(number: int) -> Callable[..., Any]:
        def fail(self: Path, *_: object, **__: object) -> Any:
            raise OSError(number, os.strerror(number))

        return fail

    table: list[tuple[Path, int | None, type[VidctlError], str]] = [
        (source.with_name("none"), None, NotFound, "there is no such file"),
        (source / "none", None, NotFound, "there is no such file"),
        (source.parent, None, StorageFailed, "this is not a regular file"),
        (source, errno.EACCES, PermissionRefused, "you may not read this file"),
        (source, errno.EIO, StorageFailed, "the file cannot be read: Input/output error"),
    ]
    for path, number, error, message in table:
        with monkeypatch.context() as patch:
            if number is not None:
                patch.setattr(Path, "open", failing(number))
            with pytest.raises(VidctlError) as caught:
                read(path, target)
        found = caught.value
        assert (type(found), found.message, found.item) == (error, message, str(path))
    assert names(target.parent) == []


def test_a_disk_that_fails_while_it_is_read_is_not_blamed_on_the_target(
    source: Path, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            raise OSError(errno.ENOSPC, "odd, but said of the source")

    monkeypatch.setattr(files, "reading", Broken)
    with pytest.raises(StorageFailed) as caught:
        copy_file(source, target, sha256=None)
    assert caught.value.item == str(source)
    assert names(target.parent) == []


@pytest.mark.skipif(os.name == "nt", reason="Windows has no named pipes in folders")
def test_a_pipe_is_not_waited_for(tmp_path: Path, target: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for read in READERS.values():
        with pytest.raises(StorageFailed, match="not a regular file"):
            read(tmp_path / "pipe", target)


# --- folders and leftovers ----------------------------------------------------------------------


def test_folders_are_made_once(tmp_path: Path) -> None:
    for _ in range(2):
        make_folder(tmp_path / "a" / "b" / "c")
    assert (tmp_path / "a" / "b" / "c").is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(StorageFailed):
        make_folder(tmp_path / "file")
    with pytest.raises(StorageFailed):
        make_folder(tmp_path / "file" / "below")


def test_a_file_is_removed_once(source: Path) -> None:
    for _ in range(2):
        remove_file(source)
    assert not source.exists()
    with pytest.raises(VidctlError):
        remove_file(source.parent)


def test_only_old_leftovers_of_ours_are_swept(tmp_path: Path) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (tmp_path / f"{TEMPORARY_PREFIX}folder").mkdir()
    old, new, deep = (
        tmp_path / f"{TEMPORARY_PREFIX}old",
        tmp_path / f"{TEMPORARY_PREFIX}new",
        below / f"{TEMPORARY_PREFIX}deep",
    )
    foreign = tmp_path / "talk.tmp"
    for path in (old, new, deep, foreign):
        path.touch()
    hour_ago = time.time() - 3600
    for path in (old, deep, foreign):
        os.utime(path, (hour_ago, hour_ago))
    assert sweep_temporaries(tmp_path, older_than=1800) == 1
    assert sweep_temporaries(tmp_path, older_than=1800, recursive=True) == 1
    assert names(tmp_path) == sorted(["below", new.name, "talk.tmp", f"{TEMPORARY_PREFIX}folder"])
    assert sweep_temporaries(tmp_path / "none") == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Vögel 鳥.mp4", "Vögel 鳥.mp4"),
        ("a\nb\x1b[2J.mp4", "a\\nb\\x1b[2J.mp4"),
        ("\u202e4pm.exe", "\\u202e4pm.exe"),
        (os.fsdecode(b"\xff.mp4"), "\\udcff.mp4"),
    ],
)
def test_names_in_messages_are_harmless(name: str, text: str) -> None:
    assert shown(Path("/videos") / name) == text
