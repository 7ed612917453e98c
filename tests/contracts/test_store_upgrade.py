"""Libraries of older schemas: they open, and everything that was in them still is."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from stores import charge, content, media_row

from vidctl.errors import Conflict
from vidctl.ids import new_id
from vidctl.model.media import ROLES
from vidctl.model.scope import Scope
from vidctl.store import migrations
from vidctl.store.checkup import check
from vidctl.store.database import Database, open_database
from vidctl.store.sqlite import SqliteLibrary

GROUP, THING = new_id(), new_id()
OLD_ROLES = ("source", "thumbnail", "captions")


def rows_of(database: Database) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in database.rows("SELECT * FROM media ORDER BY id")]


def make(file: Path, version: int, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Make a library as the vidctl of a schema version did; return its media rows."""
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "FILES", migrations.FILES[:version])
        patch.setattr(migrations, "CURRENT", version)
        database = open_database(file, create=True)
        assert database.one("PRAGMA user_version")[0] == version
        database.execute(
            "INSERT INTO groups (id, group_id, slug, name, type, created_at, updated_at)"
            " VALUES (:id, :id, 'acme', 'Acme', 'organization', 1, 1)",
            {"id": GROUP},
        )
        database.execute(
            "INSERT INTO things (group_id, id, type, slug, name, status, created_at, updated_at)"
            " VALUES (?, ?, 'video', 'talk', 'Talk', 'draft', 1, 1)",
            (GROUP, THING),
        )
        for number, (role, deleted) in enumerate(
            [*((role, None) for role in OLD_ROLES), ("source", 9), ("source", 9)]
        ):
            database.execute(
                "INSERT INTO media VALUES (?, ?, ?, ?, ?, ?, 'folder', ?, ?, ?, 5, 6, ?)",
                (
                    *(GROUP, new_id(), THING, role, "a" * 64 if deleted else f"{number:064}"),
                    *(1000 + number, f"{GROUP}/{number}", f"talk {number}.mp4"),
                    *('{"path":"/in/中.mp4"}', deleted),
                ),
            )
        found = rows_of(database)
        database.close()
    return found


@pytest.mark.parametrize("version", range(1, migrations.CURRENT))
def test_an_older_library_keeps_its_media(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    file = tmp_path / "library.db"
    before = make(file, version, monkeypatch)
    assert len(before) == 5
    library = SqliteLibrary(file)
    database = library.database
    assert database.one("PRAGMA user_version")[0] == migrations.CURRENT
    assert rows_of(database) == before
    assert [found for found in check(database) if not found.is_ok] == []
    assert database.rows("PRAGMA foreign_key_check") == []
    store = library.open(Scope.only(GROUP))
    assert [row.role for row in store.media.of(THING)] == list(OLD_ROLES)
    snapshot = database.snapshot
    library.close()
    assert snapshot == file.with_name(f"library.before-v{version + 1}.db")
    old = sqlite3.connect(snapshot)
    assert old.execute("SELECT * FROM media ORDER BY id").fetchall() == before
    old.close()


@pytest.mark.parametrize("version", range(1, migrations.CURRENT))
def test_an_older_library_is_a_new_one_after_that(
    sqlite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    """The same tables and rules as in a library that was made today, and all of them work."""
    make(tmp_path / "library.db", version, monkeypatch)
    upgraded = SqliteLibrary(tmp_path / "library.db")
    fresh = open_database(tmp_path / "fresh.db", create=True)
    schema = "SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY type, name"
    assert [tuple(row) for row in upgraded.database.rows(schema)] == [
        tuple(row) for row in fresh.rows(schema)
    ]
    fresh.close()
    store = upgraded.open(Scope.only(GROUP))
    thing = store.things.get(THING)
    for role in ROLES:
        store.media.add(media_row(store, thing, role, role=role))
    with pytest.raises(Conflict):
        store.media.add(media_row(store, thing, "source", role="source", host="s3"))
    with pytest.raises(Conflict):
        store.media.add(media_row(store, thing, "other", role="unheard of"))
    store.uploads.claim("s3", "x", content(GROUP), source="x", part_size=1)
    store.costs.reserve(charge(GROUP))
    for table in ("media", "uploads", "costs"):
        with pytest.raises(Conflict, match="a row keeps its group"):
            upgraded.database.execute(f"UPDATE {table} SET group_id = 'x'")
    upgraded.close()
