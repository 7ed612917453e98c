"""What every media host must do. A new host enrols by one line in ``media_hosts.MAKERS``."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from media_hosts import MAKERS, PART, Place

from vidctl import failpoints
from vidctl.errors import (
    Conflict,
    NotFound,
    NotVerified,
    RemoteFailed,
    StorageFailed,
    StorageFull,
    UsageError,
    VidctlError,
)
from vidctl.ids import new_id
from vidctl.model.media import Content, StoredMedia
from vidctl.ports import MediaHost, Sending
from vidctl.registry import HOSTS

CONTENT = os.urandom(4 * PART - 1000)
SMALL = CONTENT[:5000]
GROUP = "01jgzzzzzz7000000000000000"


@pytest.fixture(params=sorted(MAKERS))
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with MAKERS[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def host(place: Place) -> MediaHost:
    return place.host


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "My Talk.MP4"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def target(tmp_path: Path) -> Path:
    (tmp_path / "fetched").mkdir()
    return tmp_path / "fetched" / "talk.mp4"


def content(data: bytes = CONTENT, **changes: Any) -> Content:
    values = {"group_id": GROUP, "size": len(data), "suffix": ".mp4", **changes}
    return Content(sha256=hashlib.sha256(data).hexdigest(), **values)


def fetched(host: MediaHost, stored: StoredMedia, target: Path) -> bytes:
    host.fetch(stored.locator, target, content())
    return target.read_bytes()


# --- there and back -----------------------------------------------------------------------------


def test_bytes_come_back_as_they_were(place: Place, source: Path, target: Path) -> None:
    host = place.host
    stored = host.put(source, content())
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert stored == StoredMedia(host.name, host.locate(content()), sha256, len(CONTENT))
    assert place.held() == [CONTENT]
    assert fetched(host, stored, target) == CONTENT
    assert source.read_bytes() == CONTENT
    assert place.unfinished() == 0


def test_what_the_host_says_of_them(host: MediaHost, source: Path) -> None:
    stored = host.put(source, content())
    asset = host.stat(stored.locator)
    assert asset is not None
    assert (asset.locator, asset.size) == (stored.locator, len(CONTENT))
    assert host.exists(stored.locator, size=len(CONTENT))
    assert not host.exists(stored.locator, size=len(CONTENT) - 1)
    assert content().sha256 in host.url(stored.locator)


def test_a_registered_kind(host: MediaHost, source: Path) -> None:
    assert host.kind in HOSTS
    assert host.put(source, content()).host == host.name


def test_only_a_local_host_has_files(host: MediaHost, source: Path) -> None:
    stored = host.put(source, content())
    if host.is_local:
        assert host.path(stored.locator).read_bytes() == CONTENT
        return
    with pytest.raises(UsageError):
        host.path(stored.locator)


def test_the_same_bytes_are_sent_once(place: Place, source: Path) -> None:
    first = place.host.put(source, content())
    sent = place.sent()
    heard: list[tuple[float, float]] = []
    again = place.host.put(source, content(), Sending(advance=lambda *said: heard.append(said)))
    assert again == first
    assert place.sent() == sent
    assert heard[-1] == (len(CONTENT), len(CONTENT))


def test_groups_do_not_share_bytes(place: Place, source: Path, target: Path) -> None:
    host = place.host
    ours = host.put(source, content())
    theirs = host.put(source, content(group_id=new_id()))
    assert ours.locator != theirs.locator
    assert place.held() == [CONTENT, CONTENT]
    host.remove(ours.locator)
    assert not host.exists(ours.locator, size=len(CONTENT))
    assert fetched(host, theirs, target) == CONTENT


def test_files_of_all_sizes(place: Place, source: Path, target: Path) -> None:
    for size in (1, PART - 1, PART, PART + 1, 2 * PART, 2 * PART + 1, len(CONTENT)):
        source.write_bytes(CONTENT[:size])
        wanted = content(CONTENT[:size])
        stored = place.host.put(source, wanted)
        place.host.fetch(stored.locator, target, wanted)
        assert target.read_bytes() == CONTENT[:size]


def test_an_empty_file_is_kept_or_refused(place: Place, source: Path, target: Path) -> None:
    source.write_bytes(b"")
    if not place.takes_empty:
        with pytest.raises(RemoteFailed):
            place.host.put(source, content(b""))
        assert place.held() == []
        return
    stored = place.host.put(source, content(b""))
    assert place.host.exists(stored.locator, size=0)
    place.host.fetch(stored.locator, target, content(b""))
    assert target.read_bytes() == b""


@pytest.mark.parametrize(
    "suffix", [".mp4", ".MP4", "", ".exe", ".php", "../../x", ".mp4/../../x", "." + "a" * 300, ".é"]
)
def test_any_suffix_is_harmless(
    suffix: str, place: Place, source: Path, target: Path, tmp_path: Path
) -> None:
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    stored = place.host.put(source, content(suffix=suffix))
    assert Path(stored.locator).suffix == (".mp4" if suffix.lower() == ".mp4" else ".bin")
    assert place.held() == [CONTENT]
    made = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.name for path in made} <= {Path(stored.locator).name}
    assert fetched(place.host, stored, target) == CONTENT


# --- what is not right --------------------------------------------------------------------------


DAMAGED = {
    "short": CONTENT[:100],
    "flipped": CONTENT[:-1] + bytes([CONTENT[-1] ^ 1]),
    "long": CONTENT + b"\0",
}


@pytest.mark.parametrize("damaged", DAMAGED.values(), ids=DAMAGED)
def test_damaged_bytes_are_replaced(damaged: bytes, place: Place, source: Path) -> None:
    stored = place.host.put(source, content())
    place.damage(stored.locator, damaged)
    assert place.host.put(source, content()) == stored
    assert place.held() == [CONTENT]


@pytest.mark.parametrize("damaged", [b"", CONTENT[:-1], CONTENT[:-1] + b"\0", CONTENT + b"\0"])
def test_damaged_bytes_are_not_fetched(
    damaged: bytes, place: Place, source: Path, target: Path
) -> None:
    stored = place.host.put(source, content())
    place.damage(stored.locator, damaged)
    target.write_bytes(b"what was there before")
    with pytest.raises(NotVerified):
        place.host.fetch(stored.locator, target, content())
    assert target.read_bytes() == b"what was there before"
    assert list(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(
    "changed", [CONTENT + b"still recording", CONTENT[:-1], b"", CONTENT[:-1] + b"\0"]
)
def test_a_source_that_is_not_what_was_hashed(changed: bytes, place: Place, source: Path) -> None:
    source.write_bytes(changed)
    with pytest.raises(Conflict, match=r"^the file changed while it was being (copied|sent)$"):
        place.host.put(source, content())
    assert place.held() == []
    assert place.unfinished() == 0 or place.host.kind == "cloudinary"


@pytest.mark.parametrize("change", [b"X", b"longer"])
@pytest.mark.parametrize("moment", range(4))
def test_a_source_that_changes_while_it_is_sent(
    moment: int, change: bytes, place: Place, source: Path
) -> None:
    """Either the bytes were read before, and are right, or nothing of them is left."""
    left = iter([False] * moment + [True])

    def change_it(size: int) -> None:
        if next(left, False):
            with source.open("r+b") as file:
                file.seek(-1, os.SEEK_END)
                file.write(change)

    is_refused = False
    try:
        place.host.put(source, content(), Sending(pace=change_it))
    except Conflict:
        is_refused = True
    assert place.held() == ([] if is_refused else [CONTENT])


def test_a_source_that_is_gone(place: Place, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        place.host.put(tmp_path / "none.mp4", content())
    assert place.held() == []


def test_removal(host: MediaHost, source: Path, target: Path) -> None:
    stored = host.put(source, content())
    for _ in range(2):
        host.remove(stored.locator)
        assert host.stat(stored.locator) is None
        assert not host.exists(stored.locator, size=len(CONTENT))
        with pytest.raises(NotFound):
            host.fetch(stored.locator, target, content())
    assert not target.exists()
    assert host.put(source, content()) == stored


@pytest.mark.parametrize(
    "locator", ["", "x", "../../etc/passwd", f"{GROUP}/aa/{'b' * 64}.mp4", "/etc/passwd", "a\0b"]
)
def test_foreign_locators_are_missing(
    locator: str, place: Place, source: Path, target: Path
) -> None:
    host = place.host
    host.put(source, content())
    assert host.stat(locator) is None
    assert not host.exists(locator, size=0)
    host.remove(locator)
    host.abort("some transfer", locator)
    with pytest.raises(NotFound):
        host.fetch(locator, target, content())
    assert not target.exists()
    assert place.held() == [CONTENT]


@pytest.mark.parametrize("change", ["{}/", "./{}", "{}\n", "../{}", "{}.exe", "{}/../x"])
def test_almost_a_locator_is_missing(change: str, place: Place, source: Path) -> None:
    locator = change.format(place.host.put(source, content()).locator)
    assert place.host.stat(locator) is None
    place.host.remove(locator)
    assert place.held() == [CONTENT]


@pytest.mark.parametrize("group", ["", "..", "../x", "a/b", "A", "x" * 65, "a\0"])
def test_a_group_must_be_an_id(group: str, place: Place, source: Path) -> None:
    with pytest.raises(UsageError):
        place.host.put(source, content(group_id=group))
    assert place.held() == []


@pytest.mark.parametrize(("action", "error"), [("enospc", StorageFull), ("eio", StorageFailed)])
@pytest.mark.parametrize("point", ["copy.open", "copy.fsync", "copy.replace"])
def test_a_failed_fetch_leaves_what_was_there(
    point: str,
    action: str,
    error: type[VidctlError],
    host: MediaHost,
    source: Path,
    target: Path,
) -> None:
    stored = host.put(source, content())
    target.write_bytes(b"what was there before")
    failpoints.arm(f"{point}:1:{action}")
    with pytest.raises(error):
        host.fetch(stored.locator, target, content())
    assert target.read_bytes() == b"what was there before"
    assert list(target.parent.iterdir()) == [target]
    failpoints.arm("")
    assert fetched(host, stored, target) == CONTENT


# --- several at once, and who hears of it -------------------------------------------------------


@pytest.mark.parametrize("data", [SMALL, CONTENT])
def test_the_same_bytes_from_many_threads(data: bytes, place: Place, source: Path) -> None:
    source.write_bytes(data)
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: place.host.put(source, content(data)), range(6)))
    assert len(set(found)) == 1
    assert place.held() == [data]


def test_progress_is_heard_and_the_pace_kept(place: Place, source: Path, target: Path) -> None:
    heard: list[tuple[float, float]] = []
    paced: list[int] = []
    sending = Sending(advance=lambda *said: heard.append(said), pace=paced.append)
    stored = place.host.put(source, content(), sending)
    assert sum(paced) == len(CONTENT)
    assert heard == sorted(heard)
    assert heard[-1] == (len(CONTENT), len(CONTENT))
    heard.clear()
    place.host.fetch(stored.locator, target, content(), lambda *said: heard.append(said))
    assert heard == sorted(heard)
    assert heard[-1] == (len(CONTENT), len(CONTENT))


def test_what_sending_takes(host: MediaHost) -> None:
    for size in (0, 1, 10 * PART, 10**12):
        meter = host.meter(size)
        assert meter == {} or meter["bytes"] == size
        assert all(count > 0 for unit, count in meter.items() if unit == "requests")


def test_a_closed_host_can_be_used_again(host: MediaHost, source: Path, target: Path) -> None:
    stored = host.put(source, content())
    for _ in range(2):
        host.close()
    assert host.check()
    assert list(host.orphans()) == []
    assert fetched(host, stored, target) == CONTENT
