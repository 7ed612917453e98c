"""Schema versions: ``PRAGMA user_version`` counts them, sqlite-utils applies and records them.

A library of the current version never imports sqlite-utils; it is slow to load and only needed
when a migration is pending. Each migration is one SQL file, applied in one transaction together
with its record and its version number.
"""

from __future__ import annotations

import sys
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import LibraryTooNew

if TYPE_CHECKING:
    from vidctl.store.driver import Driver

FILES = ("m0001_initial.sql", "m0002_catalog.sql", "m0003_media.sql", "m0004_uploads.sql")
CURRENT = len(FILES)


def version_of(connection: Any) -> int:
    """Return the schema version of an open database; 0 for an empty one."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: Any, driver: Driver, path: Path) -> Path | None:
    """Bring the schema up to date and return the snapshot made before, if one was.

    Raises LibraryTooNew when the database was written by a newer vidctl.
    """
    found = version_of(connection)
    if found == CURRENT:
        return None
    if found > CURRENT:
        raise LibraryTooNew(f"{path} has schema {found}; this vidctl knows schemas up to {CURRENT}")
    snapshot = _snapshot(connection, driver, path, found) if found else None
    _apply(connection, driver)
    return snapshot


def _snapshot(connection: Any, driver: Driver, path: Path, version: int) -> Path:
    target = path.with_name(f"{path.stem}.before-v{version + 1}{path.suffix}")
    partial = target.with_name(target.name + ".partial")
    partial.unlink(missing_ok=True)
    copy = driver.module.connect(str(partial))
    try:
        connection.backup(copy)
    finally:
        copy.close()
    partial.replace(target)
    return target


def _apply(connection: Any, driver: Driver) -> None:
    # sqlite-utils picks a driver by itself; the alias makes it use the one chosen here.
    if driver.name != "sqlite3":
        sys.modules.setdefault("pysqlite3", driver.module)
        sys.modules.setdefault("pysqlite3.dbapi2", driver.module)
    from sqlite_utils import Database, Migrations

    migrations = Migrations("vidctl")
    for number, name in enumerate(FILES, start=1):

        def step(db: Any, number: int = number, name: str = name) -> None:
            for statement in statements(name):
                db.conn.execute(statement)
            db.conn.execute(f"PRAGMA user_version = {number}")

        migrations(name=name.removesuffix(".sql"))(step)
    # Taken before anything is read, so that of two processes one waits and then finds no work.
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrations.apply(Database(connection, execute_plugins=False))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def statements(name: str) -> list[str]:
    """Split a migration file into statements, keeping triggers whole."""
    text = resources.files(__name__).joinpath(name).read_text(encoding="utf-8")
    found: list[str] = []
    pending = ""
    for line in text.splitlines():
        pending += line + "\n"
        is_trigger = "CREATE TRIGGER" in pending
        ends = line.rstrip().endswith("END;") if is_trigger else line.rstrip().endswith(";")
        if ends and not line.lstrip().startswith("--"):
            found.append(pending.strip())
            pending = ""
    return found
