"""Seeded damage: doctor finds each kind, mends what is derived, and nothing else."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vidctl.model.event import Event
from vidctl.model.scope import Scope
from vidctl.store.database import Database, open_database
from vidctl.store.sqlite import SqliteStore

Damage = Callable[[Database, Path], None]


@pytest.fixture
def held(run: Any, tmp_path: Path, library: Path, tone: Path) -> Path:
    """A library with one processed item; its media folder."""
    run.ok("config", "set", "embed.engine", "none")
    run.ok("upload", tone, "--process")
    assert run("doctor", "--verify-data").code == 0
    return tmp_path / ".vidctl" / "media"


def media_file(media: Path) -> Path:
    return next(media.rglob("*.wav"))


def lose_file(database: Database, media: Path) -> None:
    media_file(media).unlink()


def cut_file(database: Database, media: Path) -> None:
    file = media_file(media)
    file.write_bytes(file.read_bytes()[:100])


def flip_bit(database: Database, media: Path) -> None:
    file = media_file(media)
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def add_orphan(database: Database, media: Path) -> None:
    orphan = media_file(media).parents[1] / "ff" / f"{'f' * 64}.mp4"
    orphan.parent.mkdir()
    orphan.write_bytes(b"left by nobody")
    os.utime(orphan, (time.time() - 90_000,) * 2)


def empty_full_text(database: Database, media: Path) -> None:
    database.execute("INSERT INTO knowledge_fts (knowledge_fts) VALUES ('delete-all')")


def break_reference(database: Database, media: Path) -> None:
    database.execute("PRAGMA foreign_keys = OFF")
    database.execute("UPDATE media SET thing_id = 'nobody'")


def orphan_vector(database: Database, media: Path) -> None:
    database.execute("PRAGMA foreign_keys = OFF")
    database.execute(
        "INSERT INTO vector_identities (identity, dimension, is_indexed) VALUES ('a/b@2', 2, 0)"
    )
    database.execute(
        "INSERT INTO vectors (group_id, id, knowledge_id, identity, part, first_word, last_word,"
        " text_hash, vector, created_at, updated_at) SELECT group_id, 'v', 'gone', 'a/b@2', 0, 0,"
        " 0, '', x'0000803f00000000', 0, 0 FROM knowledge LIMIT 1"
    )


def forget_chunk(database: Database, media: Path) -> None:
    database.execute(
        'UPDATE knowledge SET deleted_at = 1 WHERE ordinal = 0 AND "start" IS NOT NULL'
    )
    database.execute("INSERT INTO knowledge_fts (knowledge_fts) VALUES ('delete-all')")
    database.execute(
        "INSERT INTO knowledge_fts (rowid, scope, text) SELECT pk, scope, text FROM knowledge"
        " WHERE deleted_at IS NULL"
    )


def miscount_day(database: Database, media: Path) -> None:
    database.execute(
        "INSERT INTO rollup_days (group_id, day, device, views, watch_ms, rated, rate_ppm)"
        " SELECT id, 20000, 'tv', 1, 1, 0, 0 FROM groups"
    )


def forget_viewers(database: Database, media: Path) -> None:
    watch(database)
    for table in ("viewers", "reach", "starts", "people", "presence", "items", "item_days"):
        database.execute(f"DELETE FROM rollup_{table}")


def watch(database: Database) -> None:
    """Log that somebody watched the item, through the store."""
    row = database.one("SELECT group_id, id FROM things WHERE type = 'podcast'")
    store = SqliteStore(database, Scope.only(row[0]))
    said = {"watchTime": 1.5, "completionRate": 0.75}
    store.events.append([Event("content_event", "video_viewed", row[1], row[1], metadata=said)])


def lead_nowhere(database: Database, media: Path) -> None:
    database.execute("DROP TRIGGER connections_lead_somewhere")
    database.execute(
        "INSERT INTO connections (group_id, id, from_id, to_id, type, created_at, updated_at)"
        " SELECT group_id, 'x', id, 'nothing', 'related_to', 1, 1 FROM things LIMIT 1"
    )


def turn_time(database: Database, media: Path) -> None:
    database.execute('UPDATE segments SET "end" = "start" - 1 WHERE ordinal = 0')


DERIVED: dict[str, tuple[str, Damage]] = {
    "orphan file": ("media without an item", add_orphan),
    "full text emptied": ("full-text index", empty_full_text),
    "vector without chunk": ("vectors without a chunk", orphan_vector),
    "chunk forgotten": ("index", forget_chunk),
    "day miscounted": ("roll-ups", miscount_day),
    "viewers forgotten": ("roll-ups", forget_viewers),
}
LASTING: dict[str, tuple[str, Damage]] = {
    "media gone": ("media files", lose_file),
    "media cut": ("media files", cut_file),
    "bit flipped": ("media content", flip_bit),
    "reference broken": ("references", break_reference),
    "link to nothing": ("links that lead nowhere", lead_nowhere),
    "time turned": ("transcript lines out of order", turn_time),
}


def bad(result: Any) -> set[str]:
    """The names of the checks that found something."""
    return {item["check"] for item in result.envelope["data"]["items"] if not item["ok"]}


def damage(library: Path, media: Path, how: Damage) -> None:
    database = open_database(library)
    how(database, media)
    database.close()


@pytest.mark.parametrize("name", DERIVED)
def test_derived_damage_is_found_and_mended(run: Any, library: Path, held: Path, name: str) -> None:
    check, how = DERIVED[name]
    before = run.ok("search", "kingfisher", "--mode", "text", "--json").data["hits"]
    damage(library, held, how)
    found = run("doctor", "--json")
    assert found.code == 7
    assert found.envelope["status"] == "findings"
    assert check in bad(found)
    mended = run("doctor", "--fix", "--json")
    assert bad(mended) == set(), mended
    assert mended.code == 0
    assert run("doctor", "--verify-data").code == 0
    assert run.ok("search", "kingfisher", "--mode", "text", "--json").data["hits"] == before


@pytest.mark.parametrize("name", LASTING)
def test_lasting_damage_is_found_and_left_alone(
    run: Any, library: Path, held: Path, name: str
) -> None:
    check, how = LASTING[name]
    damage(library, held, how)
    found = run("doctor", "--verify-data", "--json")
    assert found.code == 7
    assert check in bad(found)
    assert check in bad(run("doctor", "--verify-data", "--fix", "--json"))


def test_a_lost_file_comes_back_by_uploading_it_again(
    run: Any, library: Path, held: Path, tone: Path
) -> None:
    lose_file(None, held)  # type: ignore[arg-type]
    assert run("doctor").code == 7
    result = run.ok("upload", tone, "--json")
    assert result.data["items"][0]["new"] is False
    assert run("doctor", "--verify-data").code == 0


def test_a_damaged_library_file_is_named(run: Any, library: Path, held: Path) -> None:
    content = bytearray(library.read_bytes())
    content[4096 * 3 : 4096 * 20] = b"\xff" * (4096 * 17)
    library.write_bytes(content)
    result = run("doctor", "--json")
    assert result.code == 7, result
    assert "library file" in bad(result)


def test_a_file_that_is_no_library_is_a_finding(run: Any, tmp_path: Path) -> None:
    (tmp_path / "bad.db").write_text("bad\n" * 2000, encoding="utf-8")
    result = run("--db", "bad.db", "doctor", "--json")
    assert result.code == 7
    assert bad(result) == {"library file"}


def test_without_a_library_the_machine_is_checked(run: Any) -> None:
    result = run.ok("doctor", "--json")
    checks = [item["check"] for item in result.data["items"]]
    assert checks == ["python", "sqlite", "sqlite-vec", "speech model", "embedding model"]
