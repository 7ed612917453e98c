"""The vec0 index over ``vectors``: one table for each embedding identity, rebuilt at will.

The group is the partition key, so a query never reads another group's vectors. Small chunks
(64 vectors) keep small groups small. Vectors are of unit length, so the L2 order that sqlite-vec
computes fastest is the cosine order. Without sqlite-vec the same answer comes from an exact scan
in NumPy.
"""

from __future__ import annotations

import array
import math
import sys
from collections.abc import Sequence
from typing import Any

from vidctl.errors import InvalidVector
from vidctl.store.database import Database

CHUNK_SIZE = 64
MOST_NEIGHBOURS = 4096


def checked(vector: bytes, dimension: int) -> bytes:
    """Return the vector if every value is finite and it has unit length (to 1 %).

    Raises InvalidVector: sqlite-vec would accept NaN and zero vectors and answer nonsense.
    """
    if len(vector) != 4 * dimension:
        raise InvalidVector(f"an embedding has {len(vector) / 4:g} values instead of {dimension}")
    values = array.array("f", vector)
    if sys.byteorder == "big":
        values.byteswap()
    square = math.fsum(value * value for value in values)
    if not math.isfinite(square) or not 0.98 < square < 1.02:
        raise InvalidVector
    return vector


def table_of(database: Database, identity: str, *, dimension: int = 0) -> tuple[str, int] | None:
    """Return the index table and dimension of an identity, registering it when one is given."""
    row = database.one(
        "SELECT n, dimension, is_indexed FROM vector_identities WHERE identity = ?", (identity,)
    )
    if row is None:
        if not dimension:
            return None
        database.execute(
            "INSERT INTO vector_identities (identity, dimension) VALUES (?, ?)",
            (identity, dimension),
        )
        return table_of(database, identity, dimension=dimension)
    if dimension and dimension != row[1]:
        raise InvalidVector(f"{identity} has {row[1]} dimensions here, not {dimension}")
    table = f"vector_index_{row[0]}"
    if database.has_vector and not row[2]:
        rebuild(database, identity, table, row[1])
    return table, int(row[1])


def rebuild(database: Database, identity: str, table: str, dimension: int) -> None:
    """Make an identity's index anew from ``vectors``, ordered by group as vec0 likes it."""
    with database.transaction():
        database.execute(f"DROP TABLE IF EXISTS {table}")
        database.execute(
            f"CREATE VIRTUAL TABLE {table} USING vec0 (pk INTEGER PRIMARY KEY,"
            f" group_id TEXT PARTITION KEY, embedding FLOAT[{dimension}],"
            f" chunk_size={CHUNK_SIZE})"
        )
        database.execute(
            f"INSERT INTO {table} (pk, group_id, embedding) SELECT pk, group_id, vector"
            " FROM vectors WHERE identity = ? ORDER BY group_id, pk",
            (identity,),
        )
        database.execute(
            "UPDATE vector_identities SET is_indexed = 1 WHERE identity = ?", (identity,)
        )


def add(database: Database, table: str, rows: Sequence[tuple[int, str, bytes]]) -> None:
    """Index vectors given as (pk, group id, vector)."""
    if database.has_vector:
        database.executemany(
            f"INSERT INTO {table} (pk, group_id, embedding) VALUES (?, ?, ?)",
            rows,
        )
    else:
        _mark_behind(database, table)


def remove(database: Database, table: str, keys: Sequence[int]) -> None:
    """Take vectors out of the index."""
    if database.has_vector:
        database.executemany(
            f"DELETE FROM {table} WHERE pk = ?",
            [(key,) for key in keys],
        )
    else:
        _mark_behind(database, table)


def _mark_behind(database: Database, table: str) -> None:
    number = int(table.rpartition("_")[2])
    database.execute("UPDATE vector_identities SET is_indexed = 0 WHERE n = ?", (number,))


def nearest(
    database: Database,
    table: str,
    identity: str,
    group_id: str,
    vector: bytes,
    k: int,
    allowed: tuple[str, dict[str, Any]] | None,
) -> list[tuple[int, float]]:
    """Return up to ``k`` (pk, cosine similarity) of one group, best first.

    ``allowed`` is a query of the pks that may appear, with its parameters; it is applied inside
    the search, so that k rows come back whenever the group has k allowed ones.
    """
    k = min(k, MOST_NEIGHBOURS)
    if not database.has_vector:
        return _exact(database, identity, group_id, vector, k, allowed)
    sql = (
        f"SELECT pk, distance FROM {table} WHERE embedding MATCH :vector"
        " AND group_id = :group_id AND k = :k"
    )
    parameters: dict[str, Any] = {"vector": vector, "group_id": group_id, "k": k}
    if allowed is not None:
        sql += f" AND pk IN ({allowed[0]})"
        parameters = {**allowed[1], **parameters}
    rows = database.rows(sql, parameters)
    return [(row[0], 1 - row[1] ** 2 / 2) for row in sorted(rows, key=lambda row: row[1])]


def _exact(
    database: Database,
    identity: str,
    group_id: str,
    vector: bytes,
    k: int,
    allowed: tuple[str, dict[str, Any]] | None,
) -> list[tuple[int, float]]:
    import numpy as np

    sql = "SELECT pk, vector FROM vectors WHERE group_id = :group_id AND identity = :identity"
    parameters: dict[str, Any] = {"group_id": group_id, "identity": identity}
    if allowed is not None:
        sql += f" AND pk IN ({allowed[0]})"
        parameters = {**allowed[1], **parameters}
    rows = database.rows(sql, parameters)
    if not rows:
        return []
    matrix = np.frombuffer(b"".join(row[1] for row in rows), dtype="<f4").reshape(len(rows), -1)
    similarity = matrix @ np.frombuffer(vector, dtype="<f4")
    order = np.argsort(-similarity, kind="stable")[:k]
    return [(int(rows[i][0]), float(similarity[i])) for i in order]
