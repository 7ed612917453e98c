"""The append-only log of a scope."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from vidctl.ids import new_ids
from vidctl.model.event import Event
from vidctl.store import rollups
from vidctl.store.database import Scoped, now, to_json

INSERT = """
INSERT INTO events (group_id, id, type, action, actor_id, target_id, at, metadata, created_at,
  updated_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


class SqliteEvents(Scoped):
    """The ``Events`` port over SQLite."""

    def append(self, events: Iterable[Event]) -> int:
        """Log events, each in its target's group, and add them to the roll-ups.

        An event about nothing of this scope is logged in the home group. One with an id that is
        logged already changes nothing. Returns how many were new.
        """
        present = now()
        given = list(events)
        with self.database.transaction():
            groups = self._groups_of({event.target_id for event in given if event.target_id})
            known = self._logged([event.id for event in given if event.id])
            made = iter(new_ids(sum(not event.id for event in given)))
            rows: list[tuple[Any, ...]] = []
            counted: list[rollups.Logged] = []
            for event in given:
                if event.id:
                    if event.id in known:
                        continue
                    known.add(event.id)
                group = groups.get(event.target_id or "", self.scope.home)
                head = (event.type, event.action, event.actor_id, event.target_id)
                at = event.at or present
                said = to_json(event.metadata)
                rows.append((group, event.id or next(made), *head, at, said, present, present))
                counted.append((group, *head, at, event.metadata))
            self.database.executemany(INSERT, rows)
            rollups.apply(self.database, counted)
        return len(rows)

    def _groups_of(self, ids: set[str]) -> dict[str, str]:
        """Return the groups of things of this scope: an event is logged with what it is about."""
        if not ids:
            return {}
        rows = self.database.rows(
            f"SELECT t.id, t.group_id FROM things AS t WHERE {self.in_scope('t')}"
            " AND t.id IN (SELECT value FROM json_each(:ids))",
            self.bound(ids=to_json(list(ids))),
        )
        return {row[0]: row[1] for row in rows}

    def _logged(self, ids: Sequence[str]) -> set[str]:
        if not ids:
            return set()
        rows = self.database.rows(
            f"SELECT e.id FROM events AS e WHERE {self.in_scope('e')}"
            " AND e.id IN (SELECT value FROM json_each(:ids))",
            self.bound(ids=to_json(list(ids))),
        )
        return {row[0] for row in rows}

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
