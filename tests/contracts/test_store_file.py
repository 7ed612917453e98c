"""The library file: how it is made, upgraded, copied and emptied of what is purged."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from stores import World, add_thing, chunk, media_row, unit, use, window

from vidctl.catalog.items import purge_item
from vidctl.errors import LibraryLocked, LibraryTooNew, NoLibrary, NotFound, StorageFailed
from vidctl.model.knowledge import Window
from vidctl.model.segment import Segment, Word
from vidctl.model.thing import ThingQuery
from vidctl.store import driver, migrations
from vidctl.store.checkup import check
from vidctl.store.database import Database, open_database
from vidctl.store.sqlite import SqliteLibrary

# --- opening ------------------------------------------------------------------------------------


def pragma(database: Database, name: str) -> Any:
    return database.one(f"PRAGMA {name}")[0]


def test_how_a_library_is_opened(world: World) -> None:
    database = world.library.database
    safe = database.driver.is_safe_for_wal
    assert pragma(database, "journal_mode") == ("wal" if safe else "delete")
    assert pragma(database, "synchronous") == 2, "FULL: what was acknowledged is on the disk"
    assert pragma(database, "busy_timeout") >= 5000
    assert pragma(database, "foreign_keys") == 1
    assert pragma(database, "cache_size") == -64 * 1024
    assert pragma(database, "user_version") == migrations.CURRENT


def test_no_library_is_made_by_accident(sqlite: str, tmp_path: Path) -> None:
    with pytest.raises(NoLibrary):
        open_database(tmp_path / "library.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"not a database, surely" * 100, b"SQLite format 3\x00" * 64])
def test_a_file_that_is_no_library(sqlite: str, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "library.db"
    file.write_bytes(content)
    with pytest.raises(StorageFailed, match="is damaged"):
        open_database(file)
    assert file.read_bytes() == content


def test_a_folder_that_cannot_be_written(sqlite: str, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="cannot be written"):
        open_database(tmp_path / "missing" / "library.db", create=True)


def test_an_unsafe_sqlite_leaves_wal_when_it_is_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "pysqlite3")
    file = tmp_path / "library.db"
    open_database(file, create=True).close()
    monkeypatch.setattr(driver, "wal_is_safe", lambda version: False)
    database = open_database(file)
    assert pragma(database, "journal_mode") == "delete"
    database.close()


def test_an_unsafe_sqlite_refuses_wal_that_others_have_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(monkeypatch, "pysqlite3")
    monkeypatch.setattr("vidctl.store.database.BUSY_SECONDS", 0.05)
    file = tmp_path / "library.db"
    other = open_database(file, create=True)
    add = "INSERT INTO vector_identities (identity, dimension) VALUES ('a', 1)"
    other.execute(add)
    with monkeypatch.context() as patch:
        patch.setattr(driver, "wal_is_safe", lambda version: False)
        with pytest.raises(LibraryLocked):
            open_database(file)
    assert pragma(other, "journal_mode") == "wal"
    other.close()


def test_a_held_lock_is_told_as_such(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.library.database.execute("PRAGMA busy_timeout = 50")
    other = open_database(world.path)
    with other.transaction(), pytest.raises(LibraryLocked):
        add_thing(world.acme)
    other.close()
    add_thing(world.acme)


# --- schema versions ----------------------------------------------------------------------------


def test_a_migration_is_recorded(world: World) -> None:
    names = [row[0] for row in world.rows("SELECT name FROM _sqlite_migrations")]
    assert names == [name.removesuffix(".sql") for name in migrations.FILES]


def test_a_newer_library_is_left_alone(world: World) -> None:
    world.library.database.execute("PRAGMA user_version = 99")
    world.close()
    before = world.path.read_bytes()
    with pytest.raises(LibraryTooNew, match=r"has schema 99; this vidctl knows schemas up to"):
        open_database(world.path)
    assert world.path.read_bytes() == before


MAKE = """
import sys
from pathlib import Path
from vidctl.library import Library
sys.stdin.readline()
Library.create(Path(sys.argv[1]), group="default")
"""


def test_four_processes_that_make_one_library_make_one(tmp_path: Path) -> None:
    file = tmp_path / "library.db"
    command = [sys.executable, "-c", MAKE, str(file)]
    makers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE) for _ in range(4)
    ]
    told = [maker.communicate(b"go\n", timeout=60)[1].decode() for maker in makers]
    assert [maker.returncode for maker in makers] == [0] * 4, told
    library = SqliteLibrary(file)
    assert [group.path for group in library.groups().all()] == ["default"]
    assert [found for found in check(library.database) if not found.is_ok] == []
    library.close()


# The schema version of a library that is up to date.
NOW = migrations.CURRENT
SECOND = ("CREATE TABLE later (group_id TEXT)", "UPDATE groups SET description = 'upgraded'")


@pytest.fixture
def pending(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Let a second migration be pending from now on."""

    def add() -> None:
        real = migrations.statements
        files = (*migrations.FILES, "m9999_test.sql")
        monkeypatch.setattr(migrations, "FILES", files)
        monkeypatch.setattr(migrations, "CURRENT", len(files))
        monkeypatch.setattr(
            migrations,
            "statements",
            lambda name: list(SECOND) if name == files[-1] else real(name),
        )

    return add


def test_an_upgrade_keeps_a_copy_of_the_old_library(
    world: World, pending: Callable[[], None]
) -> None:
    thing = add_thing(world.acme, "Before")
    world.close()
    pending()
    library = SqliteLibrary(world.path)
    assert pragma(library.database, "user_version") == NOW + 1
    assert library.database.one("SELECT description FROM groups")[0] == "upgraded"
    snapshot = library.database.snapshot
    library.close()
    assert snapshot == world.path.with_name(f"library.before-v{NOW + 1}.db")
    old = sqlite3.connect(snapshot)
    assert old.execute("PRAGMA user_version").fetchone() == (NOW,)
    assert old.execute("SELECT name FROM things").fetchall() == [(thing.name,)]
    old.close()
    again = SqliteLibrary(world.path)
    assert again.database.snapshot is None
    again.close()


KILL = """
import os, signal, sys
from pathlib import Path
from vidctl.store import driver, migrations
from vidctl.store.database import open_database

SECOND, step = eval(sys.argv[2]), int(sys.argv[3])
real = migrations.statements

class Dying(list):
    def __iter__(self):
        for number, statement in enumerate(list.__iter__(self)):
            if number == step:
                os.kill(os.getpid(), signal.SIGKILL)
            yield statement
        if step < 0:
            os.kill(os.getpid(), signal.SIGKILL)

if SECOND:
    migrations.FILES += ("m9999_test.sql",)
    migrations.CURRENT = len(migrations.FILES)
migrations.statements = lambda name: Dying(
    SECOND if name == "m9999_test.sql" else real(name)
) if name == migrations.FILES[-1] else real(name)
open_database(Path(sys.argv[1]), create=True)
"""


def killed(file: Path, second: tuple[str, ...], step: int) -> None:
    """Kill a process in its last migration, before a step; -1 is after the last one."""
    done = subprocess.run(
        [sys.executable, "-c", KILL, str(file), repr(second), str(step)],
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -9, done.stderr.decode()


@pytest.mark.parametrize("step", [0, 6, -1])
def test_a_kill_while_a_library_is_made_leaves_none(tmp_path: Path, step: int) -> None:
    file = tmp_path / "library.db"
    killed(file, (), step)
    database = open_database(file, create=True)
    assert pragma(database, "user_version") == NOW
    assert [found for found in check(database) if not found.is_ok] == []
    database.close()


@pytest.mark.parametrize("step", [1, -1])
def test_a_kill_during_an_upgrade_leaves_the_old_library(
    world: World, pending: Callable[[], None], step: int
) -> None:
    add_thing(world.acme, "Before")
    world.close()
    killed(world.path, SECOND, step)
    old = SqliteLibrary(world.path)
    assert pragma(old.database, "user_version") == NOW
    assert old.database.rows("SELECT 1 FROM sqlite_schema WHERE name = 'later'") == []
    assert [row[0] for row in old.database.rows("SELECT name FROM things")] == ["Before"]
    old.close()
    pending()
    new = SqliteLibrary(world.path)
    assert pragma(new.database, "user_version") == NOW + 1
    new.close()


def test_a_migration_that_fails_changes_nothing(
    world: World, pending: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    world.close()
    pending()
    broken = [*SECOND, "CREATE TABLE later (group_id TEXT)"]
    monkeypatch.setattr(migrations, "statements", lambda name: broken)
    with pytest.raises(StorageFailed, match="already exists"):
        open_database(world.path)
    monkeypatch.undo()
    again = open_database(world.path)
    assert pragma(again, "user_version") == NOW
    again.close()


# --- backup -------------------------------------------------------------------------------------


def test_a_backup_holds_what_was_acknowledged_while_others_write(
    world: World, tmp_path: Path
) -> None:
    """Three writers, ten copies: each whole, each with every row acknowledged before it began."""
    done = threading.Event()
    acknowledged: list[str] = []

    def write(number: int) -> None:
        library = SqliteLibrary(world.path)
        store = library.open(world.acme.scope)
        count = 0
        while not done.is_set():
            acknowledged.append(add_thing(store, f"w{number}-{count}").id)
            count += 1
            done.wait(0.01)
        library.close()

    writers = [threading.Thread(target=write, args=(number,)) for number in range(3)]
    for writer in writers:
        writer.start()
    try:
        for number in range(10):
            before = set(acknowledged)
            target = tmp_path / f"copy-{number}.db"
            world.library.backup(target)
            copy = sqlite3.connect(f"file:{target}?mode=ro", uri=True)
            assert copy.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            held = {row[0] for row in copy.execute("SELECT id FROM things")}
            copy.close()
            assert before <= held
    finally:
        done.set()
        for writer in writers:
            writer.join()
    assert not [file for file in tmp_path.iterdir() if file.suffix == ".partial"]


def test_a_backup_is_one_file_that_opens_as_a_library(world: World, tmp_path: Path) -> None:
    thing = add_thing(world.acme)
    target = tmp_path / "away" / "copy.db"
    target.parent.mkdir()
    world.library.backup(target)
    assert list(target.parent.iterdir()) == [target]
    copy = SqliteLibrary(target)
    assert copy.open(world.acme.scope).things.get(thing.id) == thing
    copy.close()


def test_a_backup_replaces_an_older_one_whole(world: World, tmp_path: Path) -> None:
    target = tmp_path / "copy.db"
    target.write_text("old", encoding="utf-8")
    (tmp_path / "copy.db.partial").write_text("left by a kill", encoding="utf-8")
    world.library.backup(target)
    assert target.read_bytes().startswith(b"SQLite format 3")
    assert not (tmp_path / "copy.db.partial").exists()


def test_a_backup_that_cannot_be_written(world: World, tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="could not be written"):
        world.library.backup(tmp_path / "missing" / "copy.db")


# --- purge --------------------------------------------------------------------------------------

CANARY = "kingfisher"


def test_of_a_purged_thing_only_its_id_is_left(world: World) -> None:
    store = world.acme
    thing = add_thing(
        store,
        f"About the {CANARY}",
        description=CANARY,
        tags=[CANARY],
        transcript=CANARY,
        extra={CANARY: CANARY},
    )
    person = add_thing(store, "Ann", type="creator")
    store.segments.replace(
        thing.id, [Segment(0, 1, CANARY, CANARY, (Word(CANARY, 0, 1),))], source="test"
    )
    piece = chunk(thing, 0, f"the {CANARY} dives")
    store.knowledge.replace(thing.id, [piece])
    windows: list[Window] = [window(piece, unit([1, 0, 0, 0]))]
    store.knowledge.add_vectors("test/unit@4", 4, windows)
    store.media.add(media_row(store, thing, filename=f"{CANARY}.mp4"))
    job = store.jobs.claim(thing.id, "transcribe", "key")
    store.jobs.save_part(job, 0, [CANARY])
    store.jobs.finish(job, error=f"failed at {CANARY}")
    assert CANARY in repr(world.dump("acme"))

    gone = purge_item(store=store, actor=person, thing=thing)
    assert [(row.host, row.locator) for row in gone] == [
        ("folder", media_row(store, thing).locator)
    ]
    assert CANARY not in repr(world.dump("acme"))
    assert store.knowledge.match_text(f'"{CANARY}"', _All(), 10) == []
    assert store.knowledge.vector_counts() == {}
    assert store.things.page(ThingQuery((), status="all")).items == (person,)
    kept = [row for row in world.dump("acme")["things"] if thing.id in row]
    assert len(kept) == 1, "a tombstone stays, or a sync would bring the thing back"
    assert [event.type for event in store.events.of(thing.id)] == ["entity_purged"]
    assert [found for found in check(world.library.database) if not found.is_ok] == []


class _All:
    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: int | None = None


def test_work_that_was_going_on_brings_nothing_back(world: World) -> None:
    store = world.acme
    thing, person = add_thing(store), add_thing(store, type="creator")
    job = store.jobs.claim(thing.id, "transcribe", "key")
    purge_item(store=store, actor=person, thing=thing)
    with pytest.raises(LibraryLocked):
        store.jobs.save_part(job, 0, [CANARY])
    with pytest.raises(NotFound):
        store.segments.replace(thing.id, [Segment(0, 1, CANARY)], source="test")
    with pytest.raises(NotFound):
        store.knowledge.replace(thing.id, [chunk(thing, 0, CANARY)])
    with pytest.raises(NotFound):
        store.jobs.claim(thing.id, "index", "key")
    assert CANARY not in repr(world.dump("acme"))


def test_bytes_that_another_thing_needs_stay(world: World) -> None:
    store = world.acme
    one, other, person = add_thing(store), add_thing(store), add_thing(store, type="creator")
    store.media.add(media_row(store, one))
    store.media.add(media_row(store, other, role="thumbnail"))
    assert purge_item(store=store, actor=person, thing=one) == []
    assert len(purge_item(store=store, actor=person, thing=other)) == 1
