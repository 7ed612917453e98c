"""The append-only log of a scope."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from vidctl.ids import new_id
from vidctl.model.event import Event
from vidctl.store.database import Scoped, now, to_json

# An event belongs to the group of the thing it is about, which below a wide scope need not be home.
INSERT = """
INSERT INTO events (group_id, id, type, action, actor_id, target_id, at, metadata, created_at,
  updated_at)
VALUES (ifnull((SELECT t.group_id FROM things AS t WHERE {in_scope} AND t.id = :target_id), :home),
  :id, :type, :action, :actor_id, :target_id, :at, :metadata, :now, :now)
ON CONFLICT (group_id, id) DO NOTHING
"""


class SqliteEvents(Scoped):
    """The ``Events`` port over SQLite."""

    def append(self, events: Iterable[Event]) -> None:
        """Log events, each in its target's group; one with an id that is logged changes nothing.

        An event about nothing of this scope is logged in the home group.
        """
        present = now()
        rows = [
            {
                **self.bound(),
                "id": event.id or new_id(),
                "type": event.type,
                "action": event.action,
                "actor_id": event.actor_id,
                "target_id": event.target_id,
                "at": event.at or present,
                "metadata": to_json(event.metadata),
                "now": present,
            }
            for event in events
        ]
        with self.database.transaction():
            self.database.executemany(INSERT.format(in_scope=self.in_scope("t")), rows)

    def of(self, target_id: str, limit: int = 100) -> Sequence[Event]:
        """Return the newest events about a thing, newest first."""
        rows = self.database.rows(
            "SELECT e.type, e.action, e.actor_id, e.target_id, e.at, e.metadata, e.id, e.group_id"
            f" FROM events AS e WHERE {self.in_scope('e')} AND e.target_id = :target"
            " ORDER BY e.at DESC, e.id DESC LIMIT :limit",
            self.bound(target=target_id, limit=limit),
        )
        return [
            Event(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]), row[6], row[7])
            for row in rows
        ]

    def count(self, target_id: str, action: str) -> int:
        """Return how often an action happened to a thing."""
        row = self.database.one(
            f"SELECT count(*) FROM events AS e WHERE {self.in_scope('e')}"
            " AND e.target_id = :target AND e.action = :action",
            self.bound(target=target_id, action=action),
        )
        return int(row[0])
