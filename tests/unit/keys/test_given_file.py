"""Files that a person names for a key: who else may read them is told, who may write is refused."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from vidctl.errors import NotFound, PermissionRefused, StorageFailed
from vidctl.keys.given_file import text_of

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")

VALUE = "sk-not-a-real-key-0123456789"
SOMEBODY = 12345
NEEDS_ROOT = pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="needs root")


@contextmanager
def without_rights() -> Iterator[None]:
    """Be a user who is not root, where the tests run as root."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(SOMEBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def given_away(*paths: Path) -> None:
    if os.geteuid() == 0:
        for path in paths:
            os.chown(path, SOMEBODY, SOMEBODY)


@pytest.fixture
def shared() -> Iterator[Path]:
    """A folder that everybody can enter; those of pytest are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def key_in(folder: Path, mode: int = 0o600) -> Path:
    file = folder / "my.key"
    file.write_text(VALUE + "\n", encoding="utf-8")
    file.chmod(mode)
    return file


@pytest.mark.parametrize(
    ("mode", "around", "is_told"),
    [
        (0o600, 0o755, False),
        (0o400, 0o755, False),
        (0o644, 0o755, True),
        (0o640, 0o755, True),
        (0o604, 0o711, True),
        (0o644, 0o700, False),
        (0o640, 0o710, True),
        (0o604, 0o710, False),
    ],
)
def test_a_file_that_others_can_read_is_told(
    shared: Path, mode: int, around: int, is_told: bool
) -> None:
    inner = shared / "inner"
    inner.mkdir()
    file = key_in(inner, mode)
    inner.chmod(around)
    given_away(file, inner)
    link = shared / "link.key"
    link.symlink_to(file)
    for named in (file, link):
        with without_rights():
            text, note = text_of(named)
        assert text == VALUE + "\n"
        said = f"others can read {named}, which holds a key: chmod 600 {named}"
        assert note == (said if is_told else "")


@NEEDS_ROOT
def test_a_mounted_secret_is_taken_as_it_is(shared: Path) -> None:
    """Kubernetes: a link to a link's file, of root, for everybody to read, in a sticky folder."""
    mount = shared / "mount"
    (mount / "..2026").mkdir(parents=True)
    key_in(mount / "..2026", 0o644)
    mount.chmod(0o1777)
    (mount / "..data").symlink_to("..2026")
    (mount / "my.key").symlink_to("..data/my.key")
    with without_rights():
        assert text_of(mount / "my.key") == (VALUE + "\n", "")


@NEEDS_ROOT
def test_root_is_not_told_of_what_root_mounted(shared: Path) -> None:
    """Docker: 0444 of root, and the program in the container is root."""
    assert text_of(key_in(shared, 0o444)) == (VALUE + "\n", "")


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o664, 0o666, 0o777])
def test_a_file_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    file = key_in(tmp_path, mode)
    link = tmp_path / "link.key"
    link.symlink_to(file)
    for named in (file, link):
        with pytest.raises(PermissionRefused) as refused:
            text_of(named)
        assert refused.value.hint == f"chmod 600 {named}"
        assert VALUE not in str(refused.value)


def test_a_file_that_others_can_replace_is_refused(tmp_path: Path) -> None:
    """The folder of the file itself counts, not that of a link to it."""
    inner = tmp_path / "inner"
    inner.mkdir()
    file = key_in(inner)
    (tmp_path / "link.key").symlink_to(file)
    inner.chmod(0o777)
    for named in (file, tmp_path / "link.key"):
        with pytest.raises(PermissionRefused) as refused:
            text_of(named)
        assert refused.value.hint == f"chmod o-w {inner}"
    inner.chmod(0o1777)
    assert text_of(file) == (VALUE + "\n", "")


def test_a_pipe_is_read_only_where_one_may_wait(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.write(write, VALUE.encode())
    os.close(write)
    pipe = Path(f"/dev/fd/{read}")
    try:
        with pytest.raises(StorageFailed, match="not a regular file"):
            text_of(pipe)
        assert text_of(pipe, may_wait=True) == (VALUE, "")
    finally:
        os.close(read)


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        text_of(tmp_path / "no.key")
    with pytest.raises(StorageFailed):
        text_of(tmp_path, may_wait=True)
