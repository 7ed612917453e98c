"""Files behind links: there while they are used, gone afterwards."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from servers.web import Page, WebServer

from vidctl.errors import AddressRefused, NotFound, UsageError
from vidctl.files import sweep_folders
from vidctl.net.fetch import Fetcher
from vidctl.sources import Source, downloaded, gather
from vidctl.sources.links import PREFIX


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        server.pages["/a%20talk.mp4"] = Page(b"media", headers={"Content-Type": "video/mp4"})
        yield server


def link(web: WebServer, path: str) -> Source:
    (source,), errors = gather([web.base + path])
    assert errors == []
    return source


def test_a_link_is_a_file_for_a_while(web: WebServer, tmp_path: Path) -> None:
    folder = tmp_path / "library" / "incoming"
    heard: list[tuple[float, float]] = []
    paced: list[int] = []
    with downloaded(
        link(web, "/a talk.mp4?token=x"),
        folder,
        Fetcher("127.0.0.1"),
        lambda *now: heard.append(now),
        pace=paced.append,
    ) as found:
        assert found.path.read_bytes() == b"media"
        assert found.path.name == found.filename == "a talk.mp4"
        assert found.path.is_relative_to(folder)
        assert found.path.parent.stat().st_mode & 0o077 == 0, "nobody else reads it meanwhile"
        assert (found.size, found.content_type) == (5, "video/mp4")
    assert list(folder.iterdir()) == []
    assert (heard, paced) == ([(5, 5)], [5])


def test_it_is_gone_also_after_a_failure(web: WebServer, tmp_path: Path) -> None:
    def use() -> None:
        with downloaded(link(web, "/a talk.mp4"), tmp_path, Fetcher("127.0.0.1")):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        use()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("allowed", "path", "error"),
    [("127.0.0.1", "/none.mp4", NotFound), ("", "/a talk.mp4", AddressRefused)],
)
def test_nothing_is_left_of_what_fails(
    web: WebServer, tmp_path: Path, allowed: str, path: str, error: type[Exception]
) -> None:
    with pytest.raises(error), downloaded(link(web, path), tmp_path, Fetcher(allowed)):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_link(tmp_path: Path) -> None:
    with (
        pytest.raises(UsageError),
        downloaded(Source(path=tmp_path / "a.mp4"), tmp_path, Fetcher()),
    ):
        pass


def test_what_killed_processes_left_is_swept(web: WebServer, tmp_path: Path) -> None:
    old, young, growing = (tmp_path / f"{PREFIX}{name}" for name in ("old", "young", "growing"))
    other = tmp_path / "mine"
    for place in (old, young, growing, other):
        place.mkdir()
        (place / "arriving").write_bytes(b"x")
    long_ago = time.time() - 2 * 86_400
    for path in (old / "arriving", old, growing, other / "arriving", other):
        os.utime(path, (long_ago, long_ago))
    (tmp_path / f"{PREFIX}link").symlink_to(other)
    with downloaded(link(web, "/a talk.mp4"), tmp_path, Fetcher("127.0.0.1")):
        pass
    assert {path for path in tmp_path.iterdir() if not path.is_symlink()} == {young, growing, other}
    assert sweep_folders(tmp_path, f"{PREFIX}*", older_than=-1) == 2
    assert (other / "arriving").exists()
