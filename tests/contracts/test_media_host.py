"""What every media host must do. A new host enrols by one line in ``MAKERS``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from vidctl import failpoints
from vidctl.errors import Conflict, NotFound, StorageFailed, StorageFull, VidctlError
from vidctl.hosts.folder import FolderHost
from vidctl.ids import new_id
from vidctl.model.media import StoredMedia
from vidctl.ports import MediaHost
from vidctl.registry import HOSTS

MAKERS: dict[str, Callable[[Path], MediaHost]] = {
    "folder": lambda folder: FolderHost(folder / "media"),
}

CONTENT = os.urandom(2_500_000)
DIGEST = hashlib.sha256(CONTENT).hexdigest()
GROUP = "01jgzzzzzz7000000000000000"


@pytest.fixture(params=sorted(HOSTS))
def host(request: pytest.FixtureRequest, tmp_path: Path) -> MediaHost:
    return MAKERS[request.param](tmp_path)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "My Talk.MP4"
    path.write_bytes(CONTENT)
    return path


def put(host: MediaHost, source: Path, **changes: str) -> StoredMedia:
    wanted = {"group_id": GROUP, "sha256": DIGEST, "suffix": ".mp4", **changes}
    return host.put(source, **wanted)


def test_bytes_come_back_as_they_were(host: MediaHost, source: Path) -> None:
    stored = put(host, source)
    assert stored == StoredMedia(host.name, stored.locator, DIGEST, len(CONTENT))
    assert host.exists(stored.locator, size=len(CONTENT))
    assert host.path(stored.locator).read_bytes() == CONTENT
    assert source.read_bytes() == CONTENT


def test_the_name_on_the_registry_is_the_name_on_the_media(host: MediaHost, source: Path) -> None:
    assert host.name in HOSTS
    assert put(host, source).host == host.name


def test_the_same_bytes_have_the_same_locator(host: MediaHost, source: Path) -> None:
    first = put(host, source)
    before = host.path(first.locator).stat()
    assert put(host, source) == first
    after = host.path(first.locator).stat()
    assert (after.st_mtime_ns, after.st_ino) == (before.st_mtime_ns, before.st_ino)


def test_groups_do_not_share_bytes(host: MediaHost, source: Path) -> None:
    ours, theirs = put(host, source), put(host, source, group_id=new_id())
    assert ours.locator != theirs.locator
    host.remove(ours.locator)
    assert host.path(theirs.locator).read_bytes() == CONTENT


def test_damaged_bytes_are_replaced(host: MediaHost, source: Path) -> None:
    stored = put(host, source)
    host.path(stored.locator).write_bytes(CONTENT[:100])
    assert not host.exists(stored.locator, size=len(CONTENT))
    assert put(host, source) == stored
    assert host.path(stored.locator).read_bytes() == CONTENT


def test_a_source_that_is_not_what_was_hashed(
    host: MediaHost, source: Path, tmp_path: Path
) -> None:
    source.write_bytes(CONTENT + b"still recording")
    with pytest.raises(Conflict, match=r"^the file changed while it was being copied$"):
        put(host, source)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [source]


def test_a_source_that_is_gone(host: MediaHost, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        put(host, tmp_path / "none.mp4")


def test_removal(host: MediaHost, source: Path) -> None:
    locator = put(host, source).locator
    for _ in range(2):
        host.remove(locator)
        assert not host.exists(locator, size=len(CONTENT))
        with pytest.raises(NotFound):
            host.path(locator)
    assert put(host, source).locator == locator


@pytest.mark.parametrize(
    "locator", ["", "x", "../../etc/passwd", f"{GROUP}/aa/{'b' * 64}.mp4", "/etc/passwd", "a\0b"]
)
def test_foreign_locators_are_missing(locator: str, host: MediaHost) -> None:
    assert not host.exists(locator, size=0)
    host.remove(locator)
    with pytest.raises(NotFound):
        host.path(locator)


@pytest.mark.parametrize(("action", "error"), [("enospc", StorageFull), ("eio", StorageFailed)])
@pytest.mark.parametrize(
    "point", ["copy.open:1", "copy.write:1", "copy.write:3", "copy.fsync:1", "copy.replace:1"]
)
def test_a_failed_put_leaves_nothing(
    point: str,
    action: str,
    error: type[VidctlError],
    host: MediaHost,
    source: Path,
    tmp_path: Path,
) -> None:
    failpoints.arm(f"{point}:{action}")
    with pytest.raises(error):
        put(host, source)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [source]
    failpoints.arm("")
    assert host.path(put(host, source).locator).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "suffix", [".mp4", ".MP4", "", ".exe", ".php", "../../x", ".mp4/../../x", "." + "a" * 300, ".é"]
)
def test_any_suffix_is_harmless(suffix: str, host: MediaHost, source: Path, tmp_path: Path) -> None:
    before = set(tmp_path.rglob("*"))
    stored = put(host, source, suffix=suffix)
    path = host.path(stored.locator)
    assert path.read_bytes() == CONTENT
    assert path.suffix == (".mp4" if suffix.lower() == ".mp4" else ".bin")
    made = [found for found in set(tmp_path.rglob("*")) - before if found.is_file()]
    assert made == [path]
