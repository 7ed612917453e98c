"""What every media host that is far away must do: ask for a key, and go on where it broke."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from media_hosts import MAKERS, PART, REMOTE, Place
from stores import World, make_library

from vidctl.errors import Conflict, KeyRefused, MissingKey, Temporary, VidctlError
from vidctl.model.media import Content
from vidctl.ports import MediaHost, Sending, Uploads
from vidctl.retry import Retry

PARTS = 4
CONTENT = os.urandom(PARTS * PART - 1000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(params=REMOTE)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with MAKERS[request.param](tmp_path) as made:
        yield made


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    file = tmp_path / "library.db"
    made = World(file, make_library(file))
    yield made
    made.close()


@pytest.fixture
def uploads(world: World) -> Uploads:
    return world.acme.uploads


@pytest.fixture
def content(world: World) -> Content:
    return Content(world.groups["acme"].id, SHA256, len(CONTENT), ".mp4")


# --- keys ---------------------------------------------------------------------------------------

ASKED: dict[str, Callable[[MediaHost, Path, Content], object]] = {
    "put": lambda host, source, content: host.put(source, content),
    "stat": lambda host, source, content: host.stat(host.locate(content)),
    "remove": lambda host, source, content: host.remove(host.locate(content)),
    "check": lambda host, source, content: host.check(),
}


@pytest.mark.parametrize("verb", ASKED)
def test_a_wrong_key(verb: str, place: Place, source: Path, content: Content) -> None:
    with pytest.raises(KeyRefused) as caught:
        ASKED[verb](place.wrong, source, content)
    assert caught.value.hint == f"vidctl keys set {place.host.name}"
    error: BaseException | None = caught.value
    while error is not None:
        said = repr(error) + str(error) + getattr(error, "hint", "") + getattr(error, "item", "")
        assert not [secret for secret in place.secrets if secret in said]
        error = error.__cause__
    assert place.held() == []


@pytest.mark.parametrize("verb", ASKED)
def test_no_key(verb: str, place: Place, source: Path, content: Content) -> None:
    with pytest.raises(MissingKey):
        ASKED[verb](place.keyless, source, content)


def test_names_need_no_key(place: Place, content: Content) -> None:
    locator = place.keyless.locate(content)
    assert locator == place.host.locate(content)
    assert place.keyless.url(locator) == place.host.url(locator)
    assert place.keyless.meter(10) == place.host.meter(10)
    place.keyless.close()


# --- going on -----------------------------------------------------------------------------------


@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("ordinal", range(1, PARTS + 1))
def test_a_broken_transfer_goes_on(
    ordinal: int, is_after: bool, place: Place, source: Path, content: Content, uploads: Uploads
) -> None:
    host, patient = place.host, place.host.retry  # type: ignore[attr-defined]
    host.retry = Retry(attempts=1)  # type: ignore[attr-defined]
    place.break_part(ordinal, is_after)
    with pytest.raises(Temporary):
        host.put(source, content, Sending(uploads=uploads, origin="talks/one.mp4"))
    (row,) = uploads.all()
    assert (row.host, row.locator, row.source) == (
        host.name,
        host.locate(content),
        "talks/one.mp4",
    )
    assert row.state == "failed"
    assert row.error
    assert len(row.parts) == ordinal - 1
    assert place.held() in ([], [CONTENT])

    host.retry = patient  # type: ignore[attr-defined]
    stored = host.put(source, content, Sending(uploads=uploads))
    assert host.exists(stored.locator, size=len(CONTENT))
    assert place.held() == [CONTENT]
    assert PARTS <= len(place.sent()) <= PARTS + 1
    assert place.unfinished() == 0
    assert list(host.orphans()) == []
    assert list(uploads.all()) == []


def test_a_break_within_one_call(
    place: Place, source: Path, content: Content, uploads: Uploads
) -> None:
    place.break_part(2, False)
    place.host.put(source, content, Sending(uploads=uploads))
    assert place.held() == [CONTENT]
    assert len(place.sent()) == PARTS + 1
    assert list(uploads.all()) == []


def test_without_a_journal_nothing_is_left(place: Place, source: Path, content: Content) -> None:
    place.host.retry = Retry(attempts=1)  # type: ignore[attr-defined]
    place.break_part(2, False)
    with pytest.raises(Temporary):
        place.host.put(source, content)
    assert place.held() == []
    # Cloudinary has no call for dropping parts; it forgets them by itself.
    assert place.unfinished() == (1 if place.host.kind == "cloudinary" else 0)


def test_a_file_that_changed_is_not_gone_on_with(
    place: Place, source: Path, content: Content, uploads: Uploads
) -> None:
    place.host.retry = Retry(attempts=1)  # type: ignore[attr-defined]
    place.break_part(3, False)
    with pytest.raises(Temporary):
        place.host.put(source, content, Sending(uploads=uploads))
    source.write_bytes(CONTENT[:-1] + b"\0")
    with pytest.raises(Conflict):
        place.host.put(source, content, Sending(uploads=uploads))
    assert list(uploads.all()) == []
    assert place.held() == []
    source.write_bytes(CONTENT)
    place.host.put(source, content, Sending(uploads=uploads))
    assert place.held() == [CONTENT]


def test_what_is_there_needs_no_row(
    place: Place, source: Path, content: Content, uploads: Uploads
) -> None:
    place.host.put(source, content)
    place.host.put(source, content, Sending(uploads=uploads))
    assert list(uploads.all()) == []
    assert len(place.sent()) == PARTS


def test_an_interruption_releases_the_row(
    place: Place, source: Path, content: Content, uploads: Uploads
) -> None:
    """Ctrl-C leaves a row that the next command can take at once."""
    heard = 0

    def stop(done: float, total: float) -> None:
        nonlocal heard
        heard += 1
        if heard == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        place.host.put(source, content, Sending(uploads=uploads, advance=stop))
    (row,) = uploads.all()
    assert row.parts
    try:
        place.host.put(source, content, Sending(uploads=uploads))
    except VidctlError as error:
        pytest.fail(error.message)
    assert place.held() == [CONTENT]
    assert len(place.sent()) <= PARTS + 1
