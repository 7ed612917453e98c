"""What the schema must always keep: the group in every key, rows that stay in their group."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vidctl.store.database import Database, open_database

# Tables of the machine, not of any tenant.
LOCAL = {"vector_identities"}
# Tables whose rows are only ever added or kept for the worker that made them.
NOT_SOFT_DELETED = {
    *("events", "vectors", "jobs", "job_parts", "uploads", "upload_parts", "costs"),
}
# Sums over events, which can be made anew at any time.
ROLLUPS = {
    *("rollup_days", "rollup_items", "rollup_viewers", "rollup_reach", "rollup_starts"),
    *("rollup_people", "rollup_presence", "rollup_item_days"),
}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Any:
    opened = open_database(tmp_path_factory.mktemp("schema") / "library.db", create=True)
    yield opened
    opened.close()


def tables(database: Database) -> list[str]:
    """Return the tables of the library: none of SQLite's own, of FTS5's or of sqlite-utils'."""
    rows = database.rows(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        " AND name NOT LIKE '%\\_fts%' ESCAPE '\\' AND name NOT LIKE '\\_%' ESCAPE '\\'"
    )
    return [row[0] for row in rows if "CREATE VIRTUAL" not in row[1]]


def unique_keys(database: Database, table: str) -> list[list[str]]:
    """Return the columns of every unique key of a table, None for an expression."""
    keys = []
    for index in database.rows(f"PRAGMA index_list('{table}')"):
        if index["unique"]:
            columns = database.rows(f"PRAGMA index_info('{index['name']}')")
            keys.append([column["name"] for column in columns])
    return keys


def test_all_dimensions_are_there(database: Database) -> None:
    assert set(tables(database)) >= {
        *("groups", "things", "connections", "events", "segments", "knowledge"),
        *("thing_knowledge", "vectors", "media", "jobs"),
    }


def test_every_row_names_its_group_and_every_key_begins_with_it(database: Database) -> None:
    for table in set(tables(database)) - LOCAL:
        columns = {row["name"]: row for row in database.rows(f"PRAGMA table_info('{table}')")}
        assert columns["group_id"]["notnull"], table
        if table == "groups":
            continue  # its group is itself: CHECK (group_id = id)
        keys = unique_keys(database, table)
        assert keys, f"{table} has no key but its row number"
        assert all(key[0] == "group_id" for key in keys), f"{table}: {keys}"


def test_a_group_is_its_own_tenant(database: Database) -> None:
    sql = database.one("SELECT sql FROM sqlite_schema WHERE name = 'groups'")[0]
    assert "CHECK (group_id = id)" in sql


def test_foreign_keys_carry_the_group(database: Database) -> None:
    """So that no row can ever hang on a row of another group."""
    for table in set(tables(database)) - LOCAL - {"groups"}:
        links: dict[int, list[Any]] = {}
        for row in database.rows(f"PRAGMA foreign_key_list('{table}')"):
            links.setdefault(row["id"], []).append(row)
        for rows in links.values():
            if rows[0]["table"] != "groups":
                assert ("group_id", "group_id") in {(r["from"], r["to"]) for r in rows}, table


def test_every_table_knows_when(database: Database) -> None:
    for table in set(tables(database)) - LOCAL - ROLLUPS:
        columns = {row["name"] for row in database.rows(f"PRAGMA table_info('{table}')")}
        assert "created_at" in columns, table
        if table not in ("job_parts", "upload_parts"):
            assert "updated_at" in columns, table
        if table not in NOT_SOFT_DELETED:
            assert "deleted_at" in columns, table


def test_each_tenant_table_keeps_its_rows_in_their_group(database: Database) -> None:
    """Either a trigger refuses a new group_id, or every UPDATE of the table is refused."""
    triggers = database.rows("SELECT tbl_name, sql FROM sqlite_schema WHERE type = 'trigger'")
    guarded = {
        row[0] for row in triggers if "BEFORE UPDATE OF" in row[1] or "BEFORE UPDATE ON" in row[1]
    }
    rewritten = {"vectors", "jobs", "job_parts", "upload_parts"} | ROLLUPS
    assert set(tables(database)) - LOCAL - rewritten <= guarded


def test_the_schema_is_in_one_file_that_says_what_it_is() -> None:
    from vidctl.store import migrations

    folder = Path(migrations.__file__).parent
    assert [file.name for file in sorted(folder.glob("*.sql"))] == list(migrations.FILES)
    for name in migrations.FILES:
        assert (folder / name).read_text(encoding="utf-8").startswith("-- ")
