"""The journal of uploads: nothing is sent by two at once, and what arrived is not forgotten."""

from __future__ import annotations

import itertools
import os
import socket
import subprocess
import sys
from dataclasses import replace

import pytest
from harness import Clock
from stores import World, content

from vidctl.errors import Ambiguous, LibraryLocked, NotFound
from vidctl.model.media import Content
from vidctl.model.upload import STATES, SentPart, Upload
from vidctl.store import jobs
from vidctl.store.sqlite import SqliteStore

HOST = socket.gethostname()
ALIVE = f"{HOST}:{os.getppid()}:another"
ELSEWHERE = "another-machine:1:nonce"
ONE, TWO = SentPart(0, 0, 4, "etag-1"), SentPart(1, 4, 1, "etag-2")


@pytest.fixture
def store(world: World) -> SqliteStore:
    return world.acme


@pytest.fixture
def bytes_(store: SqliteStore) -> Content:
    return content(store.scope.home)


def claim(store: SqliteStore, of: Content, locator: str = "a", **more: object) -> Upload:
    wanted = {"source": "/in/talk.mp4", "part_size": 4, **more}
    return store.uploads.claim("s3", locator, of, **wanted)  # type: ignore[arg-type]


def begun(store: SqliteStore, of: Content, locator: str = "a") -> Upload:
    """Begin an upload of which one part has arrived."""
    upload = claim(store, of, locator)
    store.uploads.begin(upload.id, "remote", 4)
    store.uploads.save_part(upload.id, ONE)
    return upload


def become(monkeypatch: pytest.MonkeyPatch, worker: str) -> None:
    """Act as another process."""
    monkeypatch.setattr(jobs, "this_worker", lambda: worker)


def gone() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_an_upload_is_written_down_and_forgotten_when_it_is_done(
    world: World, store: SqliteStore, bytes_: Content
) -> None:
    made = claim(store, bytes_)
    assert (made.state, made.remote_id, made.part_size, made.parts) == ("active", "", 4, {})
    assert (made.group_id, made.sha256, made.size) == (
        bytes_.group_id,
        bytes_.sha256,
        bytes_.size,
    )
    store.uploads.begin(made.id, "remote", 4)
    store.uploads.save_part(made.id, ONE)
    store.uploads.save_part(made.id, TWO)
    (held,) = store.uploads.all()
    assert (held.parts, held.sent, held.remote_id) == ({0: ONE, 1: TWO}, 5, "remote")
    assert store.uploads.find(made.id[:6]) == held
    store.uploads.finish(made.id)
    assert store.uploads.all() == []
    assert world.rows("SELECT * FROM upload_parts") == []
    store.uploads.finish(made.id)
    store.uploads.finish(made.id, error="too late")
    store.uploads.drop(made.id)
    assert store.uploads.all() == []


def test_a_failure_is_told_and_gone_on_from(store: SqliteStore, bytes_: Content) -> None:
    made = begun(store, bytes_)
    store.uploads.finish(made.id, error="cut off")
    (held,) = store.uploads.all()
    assert (held.state, held.error, held.sent) == ("failed", "cut off", 4)
    again = claim(store, bytes_, source="/moved/talk.mp4", part_size=8)
    assert (again.id, again.state, again.error) == (made.id, "active", "")
    assert (again.remote_id, again.part_size, again.parts) == ("remote", 4, {0: ONE})
    assert again.source == "/moved/talk.mp4"


def test_a_transfer_that_had_not_begun_takes_the_new_part_size(
    store: SqliteStore, bytes_: Content
) -> None:
    claim(store, bytes_, part_size=4)
    assert claim(store, bytes_, part_size=8).part_size == 8


@pytest.mark.parametrize("change", [{"sha256": "f" * 64}, {"size": 6}], ids=["hash", "size"])
def test_parts_of_other_bytes_are_void(
    store: SqliteStore, bytes_: Content, change: dict[str, object]
) -> None:
    made = begun(store, bytes_)
    again = claim(store, replace(bytes_, **change), part_size=8)  # type: ignore[arg-type]
    assert (again.id, again.remote_id, again.part_size, again.parts) == (made.id, "", 8, {})


@pytest.mark.parametrize(
    ("remote", "size", "kept"), [("remote", 4, 1), ("other", 4, 0), ("remote", 5, 0)]
)
def test_parts_of_another_transfer_are_void(
    store: SqliteStore, bytes_: Content, remote: str, size: int, kept: int
) -> None:
    made = begun(store, bytes_)
    store.uploads.begin(made.id, remote, size)
    held = store.uploads.find(made.id)
    assert (held.remote_id, held.part_size, len(held.parts)) == (remote, size, kept)


@pytest.mark.parametrize("owner", [ALIVE, ELSEWHERE], ids=["alive", "elsewhere"])
def test_bytes_that_another_process_sends_are_refused_until_its_lease_ends(
    store: SqliteStore,
    bytes_: Content,
    frozen: Clock,
    monkeypatch: pytest.MonkeyPatch,
    owner: str,
) -> None:
    with monkeypatch.context() as patch:
        become(patch, owner)
        made = begun(store, bytes_)
        frozen.milliseconds += 50_000
        store.uploads.extend(made.id, seconds=60)
        frozen.milliseconds += 50_000
        store.uploads.save_part(made.id, TWO, seconds=60)
    frozen.milliseconds += 59_999
    for act in (lambda: claim(store, bytes_), lambda: store.uploads.drop(made.id)):
        with pytest.raises(LibraryLocked, match="is sending these bytes to s3"):
            act()
    assert store.uploads.find(made.id).state == "active"
    frozen.milliseconds += 1
    assert store.uploads.find(made.id).state == "interrupted"
    assert claim(store, bytes_).sent == 5


@pytest.mark.parametrize("is_reused", [False, True])
def test_a_dead_process_holds_nothing(
    store: SqliteStore, bytes_: Content, monkeypatch: pytest.MonkeyPatch, is_reused: bool
) -> None:
    with monkeypatch.context() as patch:
        become(patch, f"{HOST}:{os.getpid() if is_reused else gone()}:another life")
        made = begun(store, bytes_)
    assert [each.state for each in store.uploads.all()] == ["interrupted"]
    assert claim(store, bytes_).parts == {0: ONE}
    store.uploads.drop(made.id)
    assert store.uploads.all() == []


def test_a_process_that_slept_too_long_has_lost_its_upload(
    store: SqliteStore, bytes_: Content, frozen: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = begun(store, bytes_)
    frozen.milliseconds += 61_000
    with monkeypatch.context() as patch:
        become(patch, ALIVE)
        claim(store, bytes_)
    for act in (
        lambda: store.uploads.save_part(made.id, TWO),
        lambda: store.uploads.extend(made.id),
        lambda: store.uploads.begin(made.id, "mine", 4),
    ):
        with pytest.raises(LibraryLocked, match="took this upload over"):
            act()
    store.uploads.finish(made.id, error="mine")
    store.uploads.finish(made.id)
    held = store.uploads.find(made.id)
    assert (held.state, held.remote_id, held.parts) == ("active", "remote", {0: ONE})


def test_a_process_never_waits_for_itself(store: SqliteStore, bytes_: Content) -> None:
    made = begun(store, bytes_)
    assert claim(store, bytes_).parts == {0: ONE}
    store.uploads.drop(made.id)


def test_places_and_hosts_are_uploads_of_their_own(store: SqliteStore, bytes_: Content) -> None:
    one, other = begun(store, bytes_, "a"), claim(store, bytes_, "b")
    third = store.uploads.claim("archive", "a", bytes_, source="x", part_size=4)
    assert len({one.id, other.id, third.id}) == 3
    assert {each.id: len(each.parts) for each in store.uploads.all()} == {
        one.id: 1,
        other.id: 0,
        third.id: 0,
    }


def test_what_people_type_finds_the_upload(store: SqliteStore, bytes_: Content) -> None:
    made = [claim(store, bytes_, f"place {number}") for number in range(40)]
    for each in made:
        assert store.uploads.find(each.id).id == each.id
    first = sorted(each.id for each in made)
    shared = next(a[0] for a, b in itertools.pairwise(first) if a[0] == b[0])
    with pytest.raises(Ambiguous):
        store.uploads.find(shared)
    for reference in ("", "zzz", "%", "{", made[0].id + "0"):
        with pytest.raises(NotFound):
            store.uploads.find(reference)


def test_a_wide_scope_sends_for_the_groups_below(world: World) -> None:
    below = content(world.courses.scope.home)
    made = begun(world.wide, below)
    assert world.courses.uploads.find(made.id).parts == {0: ONE}
    assert world.acme.uploads.all() == []
    with pytest.raises(NotFound):
        claim(world.acme, below)
    world.wide.uploads.finish(made.id)
    assert world.courses.uploads.all() == []


def test_states_are_those_of_the_model(store: SqliteStore, bytes_: Content) -> None:
    begun(store, bytes_)
    assert {each.state for each in store.uploads.all()} <= set(STATES)
