"""Leases: no work is done twice at once, and none is lost with its worker."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from harness import Clock
from stores import World, add_thing

from vidctl.errors import LibraryLocked
from vidctl.model.thing import Thing
from vidctl.store import leases
from vidctl.store.sqlite import SqliteStore

HOST = socket.gethostname()


@pytest.fixture
def store(world: World) -> SqliteStore:
    return world.acme


@pytest.fixture
def thing(store: SqliteStore) -> Thing:
    return add_thing(store, "Talk")


def become(monkeypatch: pytest.MonkeyPatch, worker: str) -> None:
    """Act as another process."""
    monkeypatch.setattr(leases, "this_worker", lambda: worker)


def gone() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


ALIVE = f"{HOST}:{os.getppid()}:another"
ELSEWHERE = "another-machine:1:nonce"


def state(store: SqliteStore, thing: Thing) -> str:
    (row,) = store.jobs.states([thing.id])
    return str(row["state"])


def test_a_job_runs_and_is_done(store: SqliteStore, thing: Thing) -> None:
    job = store.jobs.claim(thing.id, "transcribe", "key")
    assert state(store, thing) == "running"
    store.jobs.save_part(job, 0, {"text": "中文"})
    store.jobs.save_part(job, 1, [1, 2.5])
    store.jobs.save_part(job, 1, [3])
    assert store.jobs.parts(job) == {0: {"text": "中文"}, 1: [3]}
    store.jobs.finish(job)
    assert state(store, thing) == "done"
    assert store.jobs.parts(job) == {}, "what the parts said is in the result now"


def test_a_failure_is_told_and_its_parts_stay(store: SqliteStore, thing: Thing) -> None:
    job = store.jobs.claim(thing.id, "transcribe", "key")
    store.jobs.save_part(job, 0, "one")
    store.jobs.finish(job, error="no space")
    (row,) = store.jobs.states()
    assert (row["state"], row["error"]) == ("failed", "no space")
    assert store.jobs.claim(thing.id, "transcribe", "key") == job
    assert store.jobs.parts(job) == {0: "one"}
    assert store.jobs.states()[0]["error"] == ""


def test_parts_of_other_work_are_void(store: SqliteStore, thing: Thing) -> None:
    job = store.jobs.claim(thing.id, "transcribe", "old settings")
    store.jobs.save_part(job, 0, "one")
    assert store.jobs.claim(thing.id, "transcribe", "new settings") == job
    assert store.jobs.parts(job) == {}


def test_stages_are_jobs_of_their_own(store: SqliteStore, thing: Thing) -> None:
    one = store.jobs.claim(thing.id, "transcribe", "key")
    other = store.jobs.claim(thing.id, "index", "key")
    assert one != other
    store.jobs.finish(one)
    assert {row["stage"]: row["state"] for row in store.jobs.states()} == {
        "transcribe": "done",
        "index": "running",
    }


def test_a_process_never_waits_for_itself(store: SqliteStore, thing: Thing) -> None:
    job = store.jobs.claim(thing.id, "transcribe", "key")
    store.jobs.save_part(job, 0, "one")
    assert store.jobs.claim(thing.id, "transcribe", "key") == job
    assert store.jobs.parts(job) == {0: "one"}


@pytest.mark.parametrize("owner", [ALIVE, ELSEWHERE], ids=["alive", "elsewhere"])
def test_a_held_job_is_refused_until_its_lease_ends(
    store: SqliteStore, thing: Thing, frozen: Clock, monkeypatch: pytest.MonkeyPatch, owner: str
) -> None:
    with monkeypatch.context() as patch:
        become(patch, owner)
        job = store.jobs.claim(thing.id, "transcribe", "key", seconds=60)
        frozen.milliseconds += 50_000
        store.jobs.extend(job, seconds=60)
    frozen.milliseconds += 59_999
    with pytest.raises(LibraryLocked, match="busy with transcribe"):
        store.jobs.claim(thing.id, "transcribe", "key")
    assert state(store, thing) == "running"
    frozen.milliseconds += 1
    assert state(store, thing) == "interrupted"
    assert store.jobs.claim(thing.id, "transcribe", "key") == job


@pytest.mark.parametrize("is_reused", [False, True])
def test_a_dead_workers_job_is_free_at_once(
    store: SqliteStore, thing: Thing, monkeypatch: pytest.MonkeyPatch, is_reused: bool
) -> None:
    """Also when its process id is in use again: by this very process."""
    owner = f"{HOST}:{os.getpid() if is_reused else gone()}:another life"
    with monkeypatch.context() as patch:
        become(patch, owner)
        job = store.jobs.claim(thing.id, "transcribe", "key", seconds=3600)
        store.jobs.save_part(job, 0, "one")
    assert state(store, thing) == "interrupted"
    assert store.jobs.claim(thing.id, "transcribe", "key") == job
    assert store.jobs.parts(job) == {0: "one"}


def test_a_worker_that_slept_too_long_has_lost_its_job(
    store: SqliteStore, thing: Thing, frozen: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.jobs.claim(thing.id, "transcribe", "mine", seconds=60)
    frozen.milliseconds += 61_000
    with monkeypatch.context() as patch:
        become(patch, ALIVE)
        assert store.jobs.claim(thing.id, "transcribe", "other settings") == job
        store.jobs.save_part(job, 0, "theirs")
    for act in (
        lambda: store.jobs.save_part(job, 0, "mine"),
        lambda: store.jobs.extend(job),
        lambda: store.jobs.finish(job),
    ):
        with pytest.raises(LibraryLocked, match="took this work over"):
            act()
    store.jobs.finish(job, error="mine")
    assert state(store, thing) == "running"
    assert store.jobs.parts(job) == {0: "theirs"}


def test_a_worker_whose_lease_ran_out_goes_on_when_nobody_took_over(
    store: SqliteStore, thing: Thing, frozen: Clock
) -> None:
    job = store.jobs.claim(thing.id, "transcribe", "key", seconds=60)
    frozen.milliseconds += 3_600_000
    store.jobs.save_part(job, 0, "one")
    store.jobs.extend(job, seconds=60)
    assert state(store, thing) == "running"
    store.jobs.finish(job)
    assert state(store, thing) == "done"


def test_done_work_that_is_asked_for_again_begins_anew(store: SqliteStore, thing: Thing) -> None:
    job = store.jobs.claim(thing.id, "transcribe", "key")
    store.jobs.finish(job)
    assert store.jobs.claim(thing.id, "transcribe", "key") == job
    assert state(store, thing) == "running"


def test_states_of_some_and_of_all(world: World, store: SqliteStore, thing: Thing) -> None:
    other = add_thing(store, "Other")
    foreign = add_thing(world.rival, "Foreign")
    for mine in (thing, other):
        store.jobs.claim(mine.id, "index", "key")
    world.rival.jobs.claim(foreign.id, "index", "key")
    assert [row["thingId"] for row in store.jobs.states([thing.id])] == [thing.id]
    assert {row["thingId"] for row in store.jobs.states()} == {thing.id, other.id}
