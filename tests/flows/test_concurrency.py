"""Many processes on one library: nothing is lost, and nobody is told "locked"."""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import statistics
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from vidctl.catalog.items import add_item, edit_item
from vidctl.catalog.people import local_owner
from vidctl.ids import new_id
from vidctl.library import Library, now
from vidctl.model.knowledge import Chunk
from vidctl.model.scope import Scope
from vidctl.model.segment import Segment
from vidctl.model.thing import ThingQuery
from vidctl.store.sqlite import SqliteLibrary

WRITERS, READERS = 8, 4
SECONDS = 10.0
LARGEST_LOG = 64 * 1024 * 1024
LONGEST_WAIT = 2.0


def write(path: str, group_id: str, name: str, seconds: float, outcomes: Any) -> None:
    """Add and change items until the time is up; report every acknowledged one."""
    library = SqliteLibrary(Path(path))
    store = library.open(Scope.only(group_id))
    actor = local_owner(store=store, now=now)
    done, waits, errors = 0, [], []
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        began = time.monotonic()
        try:
            thing = add_item(
                store=store,
                actor=actor,
                type="video",
                name=f"{name} {done}",
                properties={"tags": [name]},
                now=now,
            )
            edit_item(store=store, actor=actor, thing=thing, changes={"duration": 1.0}, now=now)
            lines = [Segment(0.0, 1.0, f"word{done} {name}")]
            store.segments.replace(thing.id, lines, source="test")
            chunk = Chunk(new_id(), thing.id, 0, f"word{done} {name}", "hash")
            store.knowledge.replace(thing.id, [chunk])
            done += 1
        except Exception as error:
            errors.append(repr(error))
        waits.append((time.monotonic() - began) / 4)
    outcomes.put(("writer", name, done, waits, errors))
    library.close()


def read(path: str, group_id: str, seconds: float, outcomes: Any) -> None:
    """List and search until the time is up."""

    class Anything:
        types: tuple[str, ...] = ()
        tags: tuple[str, ...] = ()
        since = None

    library = SqliteLibrary(Path(path))
    store = library.open(Scope.only(group_id))
    errors, pages = [], 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            page = store.things.page(ThingQuery(("video",)))
            store.knowledge.match_text('"word1"', Anything(), 10)
            assert len(page.items) <= page.total
            pages += 1
        except Exception as error:
            errors.append(repr(error))
    outcomes.put(("reader", "", pages, [], errors))
    library.close()


def largest_log(path: Path, seconds: float) -> int:
    """Watch the write-ahead log's size."""
    log, largest = path.with_name(path.name + "-wal"), 0
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(FileNotFoundError):
            largest = max(largest, os.stat(log).st_size)
        time.sleep(0.05)
    return largest


def test_writers_and_readers(tmp_path: Path) -> None:
    path = tmp_path / "library.db"
    Library.create(path, group="default")
    library = SqliteLibrary(path)
    group = library.groups().all()[0]
    context = multiprocessing.get_context("spawn")
    outcomes = context.Queue()
    workers = [
        context.Process(target=write, args=(str(path), group.id, f"w{n}", SECONDS, outcomes))
        for n in range(WRITERS)
    ] + [
        context.Process(target=read, args=(str(path), group.id, SECONDS, outcomes))
        for _ in range(READERS)
    ]
    for worker in workers:
        worker.start()
    log = largest_log(path, SECONDS)
    results = [outcomes.get(timeout=90) for _ in workers]
    for worker in workers:
        worker.join(30)
        assert worker.exitcode == 0
    errors = [error for result in results for error in result[4]]
    assert errors == []
    waits = sorted(wait for result in results for wait in result[3])
    assert statistics.quantiles(waits, n=100)[98] < LONGEST_WAIT
    assert log < LARGEST_LOG
    store = library.open(Scope.only(group.id))
    acknowledged = {result[1]: result[2] for result in results if result[0] == "writer"}
    held = Counter(
        json.loads(row[0])["tags"][0]
        for row in library.database.rows("SELECT properties FROM things WHERE type = 'video'")
    )
    assert held == acknowledged
    assert store.things.page(ThingQuery(("video",))).total == sum(acknowledged.values())
    assert library.database.one("PRAGMA integrity_check")[0] == "ok"
    library.close()


def test_the_same_file_from_many_processes_is_one_item(
    tmp_path: Path, spawn: Any, tone: Path
) -> None:
    spawn("init")
    processes = [spawn.start("upload", tone, "--json") for _ in range(6)]
    envelopes = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
        envelopes.append(json.loads(out))
    items = [envelope["data"]["items"][0] for envelope in envelopes]
    assert len({item["id"] for item in items}) == 1
    assert [item["new"] for item in items].count(True) == 1


def test_only_one_process_works_on_a_stage(tmp_path: Path) -> None:
    from vidctl.errors import LibraryLocked

    path = tmp_path / "library.db"
    Library.create(path, group="default")
    library = SqliteLibrary(path)
    store = library.open(Scope.only(library.groups().all()[0].id))
    actor = local_owner(store=store, now=now)
    thing = add_item(store=store, actor=actor, type="video", name="Talk", properties={}, now=now)
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    holder = context.Process(target=hold, args=(str(path), thing.id, held, release))
    holder.start()
    assert held.wait(60)
    with pytest.raises(LibraryLocked):
        store.jobs.claim(thing.id, "transcribe", "key")
    release.set()
    holder.join(30)
    # The holder ended without finishing: its claim is void at once, not after the lease.
    assert store.jobs.states([thing.id])[0]["state"] == "interrupted"
    assert store.jobs.claim(thing.id, "transcribe", "key")
    library.close()


def hold(path: str, thing_id: str, held: Any, release: Any) -> None:
    """Claim a stage, and end without finishing it."""
    library = SqliteLibrary(Path(path))
    store = library.open(Scope.only(library.groups().all()[0].id))
    store.jobs.claim(thing_id, "transcribe", "key", seconds=600)
    held.set()
    release.wait(60)
    library.close()


def test_init_from_many_processes_makes_one_library(tmp_path: Path, spawn: Any) -> None:
    processes = [spawn.start("init") for _ in range(6)]
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, (out, err)
    groups = spawn("groups", "list", "--json").data["items"]
    assert [group["path"] for group in groups] == ["default"]
