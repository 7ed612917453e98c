"""What is particular about media in a folder: its layout, and staying inside it."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from vidctl import failpoints
from vidctl.errors import NotFound, StorageFailed, StorageFull, UsageError, VidctlError
from vidctl.hosts.folder import FolderHost
from vidctl.model.media import Content
from vidctl.ports import Sending

CONTENT = b"not really a video"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
GROUP = "01jgzzzzzz7000000000000000"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "library" / "media"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(CONTENT)
    return path


def test_the_layout(root: Path, source: Path) -> None:
    host = FolderHost(root)
    stored = host.put(source, Content(GROUP, DIGEST, len(CONTENT), ".MP4"))
    assert stored.locator == f"{GROUP}/{DIGEST[:2]}/{DIGEST}.mp4"
    assert host.path(stored.locator) == root / stored.locator
    assert [path for path in root.rglob("*") if path.is_file()] == [root / stored.locator]


@pytest.mark.parametrize("group", ["", "..", "../x", "a/b", "A", "x" * 65, "a\0"])
def test_a_group_must_be_an_id(group: str, root: Path, source: Path) -> None:
    with pytest.raises(UsageError):
        FolderHost(root).put(source, Content(group, DIGEST, len(CONTENT), ".mp4"))
    assert not root.exists()


@pytest.mark.parametrize("sha256", ["", "ab", "../" * 21 + "x", DIGEST.upper(), DIGEST + "0"])
def test_a_hash_must_be_a_hash(sha256: str, root: Path, source: Path) -> None:
    with pytest.raises(UsageError):
        FolderHost(root).put(source, Content(GROUP, sha256, len(CONTENT), ".mp4"))
    assert not root.exists()


def test_locators_that_lead_outside_are_missing(root: Path, source: Path) -> None:
    host = FolderHost(root)
    locator = host.put(source, Content(GROUP, DIGEST, len(CONTENT), ".mp4")).locator
    secret = root.parent / "secret.mp4"
    secret.write_bytes(CONTENT)
    for foreign in (
        "../secret.mp4",
        str(secret),
        f"{GROUP}/../../secret.mp4",
        f"{GROUP}/{DIGEST[:2]}/../../../secret.mp4",
        f"./{locator}",
        f"{locator}/",
        f"{locator}\n",
        locator.replace("/", "\\"),
        locator.removesuffix(".mp4") + ".exe",
    ):
        assert not host.exists(foreign, size=len(CONTENT))
        host.remove(foreign)
        with pytest.raises(NotFound):
            host.path(foreign)
    assert secret.exists()
    assert host.exists(locator, size=len(CONTENT))


def test_links_that_lead_outside_are_not_followed(root: Path, source: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    (outside / DIGEST[:2]).mkdir(parents=True)
    stolen = outside / DIGEST[:2] / f"{DIGEST}.mp4"
    stolen.write_bytes(CONTENT)
    root.mkdir(parents=True)
    (root / GROUP).symlink_to(outside, target_is_directory=True)
    host = FolderHost(root)
    locator = f"{GROUP}/{DIGEST[:2]}/{DIGEST}.mp4"
    assert not host.exists(locator, size=len(CONTENT))
    with pytest.raises(NotFound):
        host.path(locator)
    host.remove(locator)
    with pytest.raises(StorageFailed, match="leads outside the media folder"):
        host.put(source, Content(GROUP, DIGEST, len(CONTENT), ".mp4"))
    with pytest.raises(StorageFailed, match="leads outside the media folder"):
        host.put(source, Content(GROUP, "f" * 64, len(CONTENT), ".mp4"))
    assert stolen.read_bytes() == CONTENT
    assert [path.name for path in outside.iterdir()] == [DIGEST[:2]]


def test_the_root_itself_may_be_a_link(root: Path, source: Path, tmp_path: Path) -> None:
    disk = tmp_path / "other disk"
    disk.mkdir()
    root.parent.mkdir(parents=True)
    root.symlink_to(disk, target_is_directory=True)
    stored = FolderHost(root).put(source, Content(GROUP, DIGEST, len(CONTENT), ".mp4"))
    assert (disk / stored.locator).read_bytes() == CONTENT


def test_a_relative_root_does_not_move_with_the_process(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    host = FolderHost(Path("media"))
    stored = host.put(source, Content(GROUP, DIGEST, len(CONTENT), ".mp4"))
    monkeypatch.chdir("/")
    assert host.exists(stored.locator, size=len(CONTENT))


def test_leftovers_of_killed_copies_are_swept(root: Path, source: Path) -> None:
    host = FolderHost(root)
    stored = host.put(source, Content(GROUP, DIGEST, len(CONTENT), ".mp4"))
    leftover = host.path(stored.locator).with_name(".vidctl-tmp-0123")
    leftover.touch()
    assert host.sweep(older_than=60) == 0
    os.utime(leftover, (time.time() - 120,) * 2)
    assert host.sweep(older_than=60) == 1
    assert host.exists(stored.locator, size=len(CONTENT))


LARGE = os.urandom(2_500_000)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large.mp4"
    path.write_bytes(LARGE)
    return path


def content_of(data: bytes) -> Content:
    return Content(GROUP, hashlib.sha256(data).hexdigest(), len(data), ".mp4")


@pytest.mark.parametrize(("action", "error"), [("enospc", StorageFull), ("eio", StorageFailed)])
@pytest.mark.parametrize(
    "point", ["copy.open:1", "copy.write:1", "copy.write:3", "copy.fsync:1", "copy.replace:1"]
)
def test_a_failed_put_leaves_nothing(
    point: str, action: str, error: type[VidctlError], root: Path, large: Path
) -> None:
    host = FolderHost(root)
    failpoints.arm(f"{point}:{action}")
    with pytest.raises(error):
        host.put(large, content_of(LARGE))
    assert [path for path in root.rglob("*") if path.is_file()] == []
    failpoints.arm("")
    assert host.path(host.put(large, content_of(LARGE)).locator).read_bytes() == LARGE


def test_what_is_there_is_left_alone(root: Path, large: Path) -> None:
    host = FolderHost(root)
    path = host.path(host.put(large, content_of(LARGE)).locator)
    before = path.stat()
    host.put(large, content_of(LARGE))
    assert (path.stat().st_mtime_ns, path.stat().st_ino) == (before.st_mtime_ns, before.st_ino)


def test_a_copy_says_how_far_it_is_block_by_block(root: Path, large: Path) -> None:
    heard: list[tuple[float, float]] = []
    paced: list[int] = []
    sending = Sending(advance=lambda *said: heard.append(said), pace=paced.append)
    FolderHost(root).put(large, content_of(LARGE), sending)
    block, total = 1 << 20, len(LARGE)
    assert paced == [block, block, total - 2 * block]
    assert heard == [(block, total), (2 * block, total), (total, total), (total, total)]


def test_a_folder_costs_nothing_and_asks_for_no_key(root: Path) -> None:
    def key() -> str:
        raise AssertionError("a folder has no key")

    host = FolderHost.configured("disk", {"path": str(root)}, key)
    assert (host.name, host.check(), host.meter(10**9)) == ("disk", str(root), {})
    with pytest.raises(UsageError) as caught:
        FolderHost.configured("disk", {"path": ""}, key)
    assert caught.value.hint == "vidctl config set hosts.disk.path FOLDER"
