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
from stores import World, add_thing, content, media_row

from vidctl.errors import Ambiguous, LibraryLocked, NotFound
from vidctl.model.media import Content
from vidctl.model.upload import STATES, SentPart, Upload
from vidctl.store import leases
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
    monkeypatch.setattr(leases, "this_worker", lambda: worker)


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


# --- holding a place ----------------------------------------------------------------------------


def hold(store: SqliteStore, of: Content, purpose: str = "item", **more: object) -> str:
    return store.uploads.hold(
        "s3",
        "a",
        of,
        source="/in/talk.mp4",
        purpose=purpose,
        **more,  # type: ignore[arg-type]
    )


def test_what_is_held_stays_until_it_is_settled(store: SqliteStore, bytes_: Content) -> None:
    details = {"title": "Talk", "captions": ["talk.vtt"]}
    held = hold(store, bytes_, "replace", thing_id="thing", details=details)
    (listed,) = store.uploads.all()
    assert (listed.id, listed.state, listed.purpose) == (held, "active", "replace")
    assert (listed.thing_id, listed.details) == ("thing", details)
    made = begun(store, bytes_)
    assert made.id == held
    store.uploads.finish(held)
    (arrived,) = store.uploads.all()
    assert (arrived.has_arrived, arrived.sent, arrived.parts) == (True, bytes_.size, {})
    assert (arrived.purpose, arrived.details) == ("replace", details)
    store.uploads.settle([held])
    store.uploads.settle([held])
    store.uploads.settle([])
    assert store.uploads.all() == []


def test_a_small_file_that_is_held_needs_no_further_writing(
    world: World, store: SqliteStore, bytes_: Content
) -> None:
    held = hold(store, bytes_)
    before = world.rows("SELECT * FROM uploads")
    assert claim(store, bytes_, part_size=bytes_.size).id == held
    store.uploads.finish(held)
    assert world.rows("SELECT * FROM uploads") == before


@pytest.mark.parametrize("is_ours", [True, False])
@pytest.mark.parametrize("purpose", ["item", "beside"])
def test_nobody_removes_what_is_held(
    store: SqliteStore,
    bytes_: Content,
    monkeypatch: pytest.MonkeyPatch,
    purpose: str,
    is_ours: bool,
) -> None:
    with monkeypatch.context() as patch:
        if not is_ours:
            become(patch, ALIVE)
        held = hold(store, bytes_, purpose)
    assert store.uploads.clear("s3", "a", bytes_) == ""
    for host, locator in (("s3", "b"), ("archive", "a")):
        assert store.uploads.clear(host, locator, bytes_)
    with monkeypatch.context() as patch:
        if not is_ours:
            become(patch, ALIVE)
        store.uploads.settle([held])
    assert store.uploads.clear("s3", "a", bytes_)


def test_nobody_holds_what_is_being_removed(store: SqliteStore, bytes_: Content) -> None:
    removal = store.uploads.clear("s3", "a", bytes_)
    assert removal
    assert store.uploads.clear("s3", "a", bytes_) == "", "one removes at a time"
    assert hold(store, bytes_) == ""
    assert hold(store, bytes_, "beside") == ""
    assert store.uploads.all() == [], "a removal is no upload"
    with pytest.raises(NotFound):
        store.uploads.find(removal)
    store.uploads.settle([removal])
    assert hold(store, bytes_)


def test_what_a_row_names_is_not_cleared(world: World, store: SqliteStore) -> None:
    row = media_row(store, add_thing(store, "Talk"))
    store.media.add(row)
    of = Content(row.group_id, row.sha256, row.size, "")
    assert store.uploads.clear(row.host, row.locator, of) == ""
    removal = store.uploads.clear(row.host, row.locator, of, besides=row.id)
    assert removal
    store.uploads.settle([removal])
    store.media.remove(row.id)
    assert store.uploads.clear(row.host, row.locator, of)


@pytest.mark.parametrize("has_lapsed", [False, True], ids=["dead", "lapsed"])
def test_the_dead_hold_nothing_and_remove_nothing(
    world: World,
    store: SqliteStore,
    bytes_: Content,
    frozen: Clock,
    monkeypatch: pytest.MonkeyPatch,
    has_lapsed: bool,
) -> None:
    with monkeypatch.context() as patch:
        become(patch, ELSEWHERE if has_lapsed else f"{HOST}:{gone()}:gone")
        hold(store, bytes_)
        hold(store, bytes_, "beside")
        store.uploads.hold("s3", "c", bytes_, source="x", purpose="beside")
        assert store.uploads.clear("s3", "b", bytes_)
    if has_lapsed:
        assert store.uploads.clear("s3", "a", bytes_) == ""
        frozen.milliseconds += 3_600_001
    assert [each.state for each in store.uploads.all()] == ["interrupted"]
    assert store.uploads.clear("s3", "a", bytes_)
    left = world.rows("SELECT purpose FROM uploads ORDER BY purpose")
    assert [row[0] for row in left] == ["item", "removal"], "what nobody resumes is forgotten"


def test_one_process_sends_an_item_and_several_what_lies_beside(
    store: SqliteStore, bytes_: Content, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        become(patch, ALIVE)
        theirs = hold(store, bytes_, "beside")
    assert hold(store, bytes_, "beside") != theirs
    with monkeypatch.context() as patch:
        become(patch, ALIVE)
        hold(store, bytes_)
    with pytest.raises(LibraryLocked):
        hold(store, bytes_)
    store.uploads.settle([theirs])
    assert store.uploads.clear("s3", "a", bytes_) == "", "only its owner settles a hold"


def test_a_failed_hold_is_gone_on_with(store: SqliteStore, bytes_: Content) -> None:
    held = hold(store, bytes_, details={"title": "Talk"})
    begun(store, bytes_)
    store.uploads.finish(held, error="cut off")
    assert store.uploads.clear("s3", "a", bytes_), "nobody is at it"
    again = hold(store, bytes_, details={"title": "Other"})
    assert again == "", "and now somebody removes"


def test_a_hold_of_a_group_outside_the_scope_is_refused(world: World) -> None:
    below = content(world.courses.scope.home)
    with pytest.raises(NotFound):
        hold(world.acme, below)
    with pytest.raises(NotFound):
        world.acme.uploads.clear("s3", "a", below)


def test_what_is_held_outlasts_its_lease_while_its_process_runs(
    store: SqliteStore, bytes_: Content, frozen: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A move of many files may take long, and a machine may sleep."""
    for owner in (ALIVE, None):
        with monkeypatch.context() as patch:
            if owner is not None:
                become(patch, owner)
            held = hold(store, bytes_)
            removal = store.uploads.clear("s3", "b", bytes_)
        frozen.milliseconds += 3_600_001
        assert store.uploads.clear("s3", "a", bytes_) == ""
        assert store.uploads.clear("s3", "b", bytes_) == ""
        assert [each.state for each in store.uploads.all()] == ["active"]
        with monkeypatch.context() as patch:
            if owner is not None:
                become(patch, owner)
            store.uploads.settle([removal])
            store.uploads.extend(held, seconds=0)
        assert [each.state for each in store.uploads.all()] == ["interrupted"]
        removal = store.uploads.clear("s3", "a", bytes_)
        assert removal
        store.uploads.settle([removal])


def test_a_process_number_that_was_given_again_holds_nothing_for_ever(
    store: SqliteStore, bytes_: Content, frozen: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        become(patch, ALIVE)
        hold(store, bytes_)
    frozen.milliseconds += 90_000_001
    assert [each.state for each in store.uploads.all()] == ["interrupted"]
    assert store.uploads.clear("s3", "a", bytes_)
