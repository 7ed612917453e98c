"""One connection to a library file: pragmas, transactions, and errors in our own words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidctl import failpoints
from vidctl.errors import (
    Conflict,
    LibraryLocked,
    NoLibrary,
    StorageFailed,
    StorageFull,
    UsageError,
    VidctlError,
)
from vidctl.model.scope import Scope
from vidctl.store import driver as drivers
from vidctl.store import migrations

BUSY_SECONDS = 15.0
HURRIED_MS = 50
MMAP_BYTES = 1 << 30
CACHE_KIB = 64 * 1024

# Threads of this process write one after the other, by file. Left to SQLite they would wait by
# sleeping longer and longer, and find that a newcomer took the lock meanwhile.
_turns: dict[str, threading.Lock] = {}

Parameters = Mapping[str, Any] | Sequence[Any]

# What a person sees who does not see everything: themselves, what they wrote, and what they bought
# with all that it contains, as far as it is published.
SIGHT = """
({alias}.group_id IN (SELECT value FROM json_each(:seen)) OR {alias}.id IN (
  WITH RECURSIVE reached (group_id, id) AS (
    SELECT c.group_id, c.to_id FROM connections AS c
    JOIN things AS s ON s.group_id = c.group_id AND s.id = c.to_id
    WHERE c.from_id = :viewer AND c.type = 'purchased' AND c.deleted_at IS NULL
      AND c.group_id IN (SELECT value FROM json_each(:groups))
      AND s.deleted_at IS NULL AND s.status IN ('published', 'active')
    UNION
    SELECT c.group_id, c.to_id FROM connections AS c
    JOIN reached AS r ON r.group_id = c.group_id AND r.id = c.from_id
    JOIN things AS s ON s.group_id = c.group_id AND s.id = c.to_id
    WHERE c.type = 'contains' AND c.deleted_at IS NULL
      AND s.deleted_at IS NULL AND s.status IN ('published', 'active')
  )
  SELECT id FROM reached
  UNION SELECT c.to_id FROM connections AS c WHERE c.from_id = :viewer AND c.type = 'authored'
    AND c.deleted_at IS NULL AND c.group_id IN (SELECT value FROM json_each(:groups))
  UNION SELECT :viewer
))
"""


class Database:
    """A connection with a transaction that nests; made by ``open_database``."""

    def __init__(self, connection: Any, driver: drivers.Driver, path: Path) -> None:
        self.connection = connection
        self.driver = driver
        self.path = path
        self.has_vector = driver.vector
        self.snapshot: Path | None = None
        self._depth = 0
        self._patience = BUSY_SECONDS
        self._turn = _turns.setdefault(str(path.absolute()), threading.Lock())

    def execute(self, sql: str, parameters: Parameters = ()) -> Any:
        """Run one statement and return its cursor."""
        with self.translated():
            return self.connection.execute(sql, parameters)

    def executemany(self, sql: str, rows: Iterable[Parameters]) -> None:
        """Run one statement for every row."""
        with self.translated():
            self.connection.executemany(sql, rows)

    def rows(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """Run a query and return all its rows."""
        with self.translated():
            return list(self.connection.execute(sql, parameters))

    def one(self, sql: str, parameters: Parameters = ()) -> Any:
        """Run a query and return its first row, or None."""
        with self.translated():
            return self.connection.execute(sql, parameters).fetchone()

    @contextmanager
    def transaction(self, *, is_lasting: bool = True) -> Iterator[None]:
        """Hold the write lock for a block; all of it is kept, or none of it.

        A nested block joins the outer one. What is not ``is_lasting`` does not wait for the disk:
        a power cut, though no crash, can take it back. Raises LibraryLocked when another process
        keeps the lock for longer than the busy timeout.
        """
        if self._depth:
            yield
            return
        if not self._turn.acquire(timeout=self._patience):
            raise _busy(self.path)
        try:
            if is_lasting:
                yield from self._whole()
            else:
                self.execute("PRAGMA synchronous = NORMAL")
                try:
                    yield from self._whole()
                finally:
                    self.execute("PRAGMA synchronous = FULL")
        finally:
            self._turn.release()

    def _whole(self) -> Iterator[None]:
        self.execute("BEGIN IMMEDIATE")
        self._depth = 1
        try:
            yield
            failpoints.reach("store.commit")
            self.execute("COMMIT")
            failpoints.reach("store.committed")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            raise
        finally:
            self._depth = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Let all queries of a block see the library as of one moment."""
        if self.connection.in_transaction:
            yield
            return
        self.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    @contextmanager
    def hurried(self) -> Iterator[None]:
        """Wait for no other writer, and not for the disk, inside the block.

        For what may be lost: a power cut can take the last of it, and nothing else.
        """
        self._patience = HURRIED_MS / 1000
        self.execute(f"PRAGMA busy_timeout = {HURRIED_MS}")
        self.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self._patience = BUSY_SECONDS
            self.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
            self.execute("PRAGMA synchronous = FULL")

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the driver's exceptions into vidctl's inside the block."""
        try:
            yield
        except self.driver.module.Error as error:
            raise translate(error, self.driver, self.path) from error
        except UnicodeEncodeError as error:
            raise UsageError("text that is not valid UTF-8 cannot be stored or found") from error

    def close(self) -> None:
        """Close the connection; SQLite folds the write-ahead log in when it was the last one."""
        self.connection.close()


def _busy(path: Path) -> LibraryLocked:
    return LibraryLocked(f"another process has been writing to {path} for too long")


def translate(error: Exception, driver: drivers.Driver, path: Path) -> VidctlError:
    """Say a driver's error in the words of the error tree."""
    text = str(error)
    low = text.lower()
    if "locked" in low or "busy" in low:
        return _busy(path)
    if "full" in low and "disk" in low:
        return StorageFull(f"no space is left for {path}")
    if "malformed" in low or "not a database" in low:
        return StorageFailed(f"{path} is damaged: {text}", hint="vidctl doctor")
    if "readonly" in low or "unable to open" in low:
        return StorageFailed(
            f"{path} cannot be written: {text}", hint="check the permissions of file and folder"
        )
    if isinstance(error, driver.module.IntegrityError):
        return Conflict(f"the library refuses that: {text}")
    return StorageFailed(f"{path}: {text}")


def now() -> int:
    """Return the present as epoch milliseconds."""
    return time.time_ns() // 1_000_000


# Made once: json.dumps makes an encoder for every call that asks for anything special.
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)


def to_json(value: Any) -> str:
    """Write JSON the way it is stored: compact, unescaped, NaN refused."""
    return _ENCODER.encode(value)


def open_database(path: Path, *, create: bool = False) -> Database:
    """Open a library file and bring its schema up to date.

    Raises NoLibrary when there is none and ``create`` is false, LibraryTooNew when a newer vidctl
    wrote it, StorageFailed when the file is no library.
    """
    if not create and not path.is_file():
        raise NoLibrary(f"there is no library at {path}")
    driver = drivers.choose()
    try:
        connection = driver.module.connect(
            str(path), timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
        )
    except driver.module.Error as error:
        raise translate(error, driver, path) from error
    database = Database(connection, driver, path)
    try:
        _prepare(database)
    except BaseException:
        connection.close()
        raise
    return database


def _prepare(database: Database) -> None:
    database.connection.row_factory = database.driver.module.Row
    database.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
    _set_journal(database)
    database.execute("PRAGMA synchronous = FULL")
    database.execute("PRAGMA foreign_keys = ON")
    database.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    database.execute(f"PRAGMA mmap_size = {MMAP_BYTES}")
    database.connection.create_function("fold", 1, _fold, deterministic=True)
    if database.has_vector:
        drivers.load_vector(database.connection)
    with database.translated():
        database.snapshot = migrations.migrate(database.connection, database.driver, database.path)


def _set_journal(database: Database) -> None:
    wanted = "wal" if database.driver.is_safe_for_wal else "delete"
    mode = database.one("PRAGMA journal_mode")[0]
    if mode == wanted:
        return
    mode = database.one(f"PRAGMA journal_mode = {wanted}")[0]
    if mode == "wal" and wanted == "delete":
        raise LibraryLocked(
            f"SQLite {database.driver.version} can corrupt a library that other processes have"
            " open in WAL mode",
            hint="close the other processes, or pip install pysqlite3",
        )


def _fold(text: str | None) -> str:
    return (text or "").casefold()


class Scoped:
    """Base of the parts of a store: a database, and the scope that every query carries.

    ``in_scope`` is the SQL condition on an alias's ``group_id``; ``in_sight`` is the one on an
    alias of ``things`` that hides what the scope's viewer does not see; ``bound`` adds the
    parameters of both.
    """

    def __init__(self, database: Database, scope: Scope) -> None:
        self.database = database
        self.scope = scope
        self._single = len(scope.group_ids) == 1
        self._group_ids = scope.group_ids[0] if self._single else to_json(scope.group_ids)
        self._sight: dict[str, Any] = {}
        if scope.viewer:
            self._sight = {
                "viewer": scope.viewer,
                "seen": to_json(scope.seen),
                "groups": to_json(scope.group_ids),
            }

    def in_scope(self, alias: str) -> str:
        """Return the condition that keeps a query inside the scope."""
        if self._single:
            return f"{alias}.group_id = :scope"
        return f"{alias}.group_id IN (SELECT value FROM json_each(:scope))"

    def in_sight(self, alias: str) -> str:
        """Return the condition that hides what the viewer of the scope does not see."""
        return SIGHT.format(alias=alias) if self.scope.viewer else "1"

    def bound(self, **parameters: Any) -> dict[str, Any]:
        """Return parameters together with the scope's own and ``home``."""
        return {"scope": self._group_ids, "home": self.scope.home, **self._sight, **parameters}

    def groups_of(self, thing_ids: Collection[str]) -> dict[str, str]:
        """Return the groups of things of this scope, by id."""
        if not thing_ids:
            return {}
        rows = self.database.rows(
            f"SELECT t.id, t.group_id FROM things AS t WHERE {self.in_scope('t')}"
            " AND t.id IN (SELECT value FROM json_each(:ids))",
            self.bound(ids=to_json(list(thing_ids))),
        )
        return {row[0]: row[1] for row in rows}
