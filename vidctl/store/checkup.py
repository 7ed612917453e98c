"""What can be wrong inside a library file, and the derived data that can be made anew."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from vidctl.errors import VidctlError
from vidctl.store import vector_index
from vidctl.store.database import Database

# (name of the check, what it counts, is the damage in derived data)
COUNTS = (
    (
        "vectors without a chunk",
        "SELECT count(*) FROM vectors AS v WHERE NOT EXISTS (SELECT 1 FROM knowledge AS k WHERE"
        " k.group_id = v.group_id AND k.id = v.knowledge_id AND k.deleted_at IS NULL)",
    ),
    (
        "chunks of removed items",
        "SELECT count(*) FROM knowledge AS k JOIN things AS t ON t.group_id = k.group_id"
        " AND t.id = k.thing_id WHERE k.deleted_at IS NULL AND t.deleted_at IS NOT NULL",
    ),
    (
        "links that lead to removed items",
        "SELECT count(*) FROM connections AS c JOIN things AS t ON t.group_id = c.group_id"
        " AND t.id IN (c.from_id, c.to_id) WHERE c.deleted_at IS NULL AND t.deleted_at IS NOT NULL"
        # What a removed person made, watched and enrolled in stays, with their id.
        " AND NOT (t.id = c.from_id AND t.type IN ('creator', 'user')"
        " AND c.type IN ('authored', 'watched', 'enrolled_in'))",
    ),
    (
        "links that lead nowhere",
        "SELECT count(*) FROM connections AS c WHERE c.deleted_at IS NULL AND (NOT (EXISTS"
        " (SELECT 1 FROM things AS t WHERE t.group_id = c.group_id AND t.id = c.from_id) OR EXISTS"
        " (SELECT 1 FROM things AS t WHERE t.id = c.from_id AND t.type IN ('creator', 'user')))"
        " OR NOT (c.type = 'member_of' AND c.to_id = c.group_id OR EXISTS (SELECT 1"
        " FROM things AS t WHERE t.group_id = c.group_id AND t.id = c.to_id)))",
    ),
    (
        "transcript lines out of order",
        'SELECT count(*) FROM segments WHERE deleted_at IS NULL AND "end" < "start"',
    ),
)


# Counts that rebuilding derived data brings to none.
MENDED = {"vectors without a chunk"}
# How many groups a finding names.
MOST_NAMED = 5


@dataclass(frozen=True, slots=True)
class Finding:
    """One check's result. ``is_derived`` damage can be mended by rebuilding."""

    check: str
    is_ok: bool
    message: str
    hint: str = ""
    is_derived: bool = False

    def record(self) -> dict[str, Any]:
        """Return the finding as it appears in JSON."""
        return {
            "check": self.check,
            "ok": self.is_ok,
            "message": self.message,
            "hint": self.hint,
            "derived": self.is_derived,
        }


def check(database: Database) -> Iterator[Finding]:
    """Yield a finding for every check of the file itself."""
    yield _integrity(database)
    broken = len(database.rows("PRAGMA foreign_key_check"))
    yield Finding("references", not broken, f"{broken} broken" if broken else "all lead somewhere")
    yield _full_text(database)
    yield from _vectors(database)
    for name, sql in COUNTS:
        found = database.one(sql)[0]
        yield Finding(
            name,
            not found,
            str(found) if found else "none",
            is_derived=found > 0 and name in MENDED,
        )
    yield _rollups(database)


def _integrity(database: Database) -> Finding:
    try:
        problems = [row[0] for row in database.rows("PRAGMA integrity_check(5)")]
    except VidctlError as error:
        problems = [error.message]
    is_ok = problems == ["ok"]
    return Finding(
        "library file",
        is_ok,
        "whole" if is_ok else "; ".join(problems),
        hint="" if is_ok else "restore a backup made with vidctl backup",
    )


def _full_text(database: Database) -> Finding:
    try:
        database.execute(
            "INSERT INTO knowledge_fts (knowledge_fts, rank) VALUES ('integrity-check', 0)"
        )
        held = database.one("SELECT count(*) FROM knowledge_fts_docsize")[0]
        wanted = database.one(
            "SELECT count(*) FROM knowledge WHERE type = 'chunk' AND deleted_at IS NULL"
        )[0]
    except VidctlError as error:
        return Finding("full-text index", False, error.message, "vidctl doctor --fix", True)
    if held != wanted:
        said = f"{held} of {wanted} chunks"
        return Finding("full-text index", False, said, "vidctl doctor --fix", True)
    return Finding("full-text index", True, f"{held} chunks")


def _vectors(database: Database) -> Iterator[Finding]:
    rows = database.rows("SELECT n, identity, dimension, is_indexed FROM vector_identities")
    for number, identity, dimension, is_indexed in rows:
        wrong, held = database.one(
            "SELECT ifnull(sum(length(vector) <> 4 * ?), 0), count(*) FROM vectors"
            " WHERE identity = ?",
            (dimension, identity),
        )
        if wrong:
            yield Finding("vectors", False, f"{wrong} by {identity} of wrong length", "", True)
        if not database.has_vector:
            yield Finding("vectors", True, f"{held} by {identity}, searched without an index")
            continue
        try:
            indexed = database.one(f"SELECT count(*) FROM vector_index_{number}")[0]
        except VidctlError:
            indexed = 0
        is_ok = not is_indexed or indexed == held
        yield Finding(
            "vectors",
            is_ok,
            f"{held} by {identity}" if is_ok else f"{indexed} of {held} by {identity} are indexed",
            "" if is_ok else "vidctl doctor --fix",
            not is_ok,
        )


def _rollups(database: Database) -> Finding:
    from vidctl.store import recount

    found = list(recount.differences(database))
    if not found:
        return Finding("roll-ups", True, "equal to the log of events")
    groups = dict.fromkeys(group for group, _ in found)
    slugs = [database.one("SELECT slug FROM groups WHERE id = ?", (one,)) for one in groups]
    named = ", ".join(str(row[0]) if row else "no group" for row in slugs[:MOST_NAMED])
    more = f" and {len(groups) - MOST_NAMED} more" if len(groups) > MOST_NAMED else ""
    said = f"differ from the log of events in {named}{more}"
    return Finding("roll-ups", False, said, "vidctl doctor --fix", True)


def rebuild_derived(database: Database) -> None:
    """Make the indexes and roll-ups anew from the rows they are derived from.

    Vectors without a chunk, or of the wrong length, are dropped; indexing makes new ones. Nothing
    that a person wrote or that was transcribed is touched.
    """
    from vidctl.store import recount

    with database.transaction():
        recount.rebuild(database)
        database.execute(
            "DELETE FROM vectors WHERE NOT EXISTS (SELECT 1 FROM knowledge AS k WHERE"
            " k.group_id = vectors.group_id AND k.id = vectors.knowledge_id"
            " AND k.deleted_at IS NULL) OR length(vector) <> 4 * (SELECT dimension"
            " FROM vector_identities AS i WHERE i.identity = vectors.identity)"
        )
        # Removed chunks keep an empty row, which the index must not count.
        database.execute("INSERT INTO knowledge_fts (knowledge_fts) VALUES ('delete-all')")
        database.execute(
            "INSERT INTO knowledge_fts (rowid, scope, text)"
            " SELECT pk, scope, text FROM knowledge WHERE type = 'chunk' AND deleted_at IS NULL"
        )
        for number, identity, dimension in database.rows(
            "SELECT n, identity, dimension FROM vector_identities"
        ):
            if database.has_vector:
                vector_index.rebuild(database, identity, f"vector_index_{number}", dimension)
