"""Links between things of a scope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vidctl.model.connection import Connection
from vidctl.store.database import Scoped, now, to_json

UPSERT = """
INSERT INTO connections (group_id, id, from_id, to_id, type, position, metadata, created_at,
  updated_at)
VALUES (ifnull((SELECT t.group_id FROM things AS t WHERE {in_scope} AND t.id = :to_id), :home),
  :id, :from_id, :to_id, :type, :position, :metadata, :now, :now)
ON CONFLICT (group_id, from_id, type, to_id) DO UPDATE SET position = excluded.position,
  metadata = excluded.metadata, updated_at = excluded.updated_at, deleted_at = NULL
"""


class SqliteConnections(Scoped):
    """The ``Connections`` port over SQLite."""

    def add(self, connection: Connection) -> None:
        """Link two things, in the group of the one that is linked to.

        The same link again updates its position and metadata. A membership leads to the home
        group. Raises Conflict for a thing that is not there.
        """
        with self.database.transaction():
            self.database.execute(
                UPSERT.format(in_scope=self.in_scope("t")),
                self.bound(
                    id=connection.id,
                    from_id=connection.from_id,
                    to_id=connection.to_id,
                    type=connection.type,
                    position=connection.position,
                    metadata=to_json(connection.metadata),
                    now=now(),
                ),
            )

    def find(self, from_id: str, type: str, to_id: str) -> Connection | None:
        """Return the link between two things, None when there is none."""
        found = self._where("c.from_id = :end AND c.to_id = :to", from_id, type, to=to_id)
        return found[0] if found else None

    def outgoing(self, from_id: str, type: str) -> Sequence[Connection]:
        """Return a thing's links of a type, in order of position and age."""
        return self._where("c.from_id = :end", from_id, type)

    def incoming(self, to_id: str, type: str) -> Sequence[Connection]:
        """Return the links of a type that lead to a thing."""
        return self._where("c.to_id = :end", to_id, type)

    def _where(self, condition: str, end: str, type: str, **more: Any) -> list[Connection]:
        rows = self.database.rows(
            "SELECT c.id, c.group_id, c.from_id, c.to_id, c.type, c.position, c.metadata"
            f" FROM connections AS c WHERE {self.in_scope('c')} AND {condition}"
            " AND c.type = :type AND c.deleted_at IS NULL ORDER BY c.position, c.id",
            self.bound(end=end, type=type, **more),
        )
        return [connection_of(row) for row in rows]

    def remove(self, connection_id: str) -> None:
        """Unlink; nothing happens when the link is gone or foreign."""
        with self.database.transaction():
            self.database.execute(
                "UPDATE connections AS c SET deleted_at = :now, updated_at = :now"
                f" WHERE {self.in_scope('c')} AND c.id = :id AND c.deleted_at IS NULL",
                self.bound(id=connection_id, now=now()),
            )


def connection_of(row: Any) -> Connection:
    """Make a record of a row (id, group, from, to, type, position, metadata)."""
    return Connection(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6]))
