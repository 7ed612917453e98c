"""Who takes a course: ``enrolled_in`` links, and what those people watched."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from vidctl.ids import new_ids
from vidctl.model.connection import Connection
from vidctl.model.thing import Thing
from vidctl.store.connections import connection_of
from vidctl.store.database import Scoped, now, to_json
from vidctl.store.things import COLUMNS, thing_of

# A link that was taken away comes back with what it said.
ENROL = """
INSERT INTO connections (group_id, id, from_id, to_id, type, metadata, created_at, updated_at)
VALUES (:group, :id, :person, :course, 'enrolled_in', :metadata, :now, :now)
ON CONFLICT (group_id, from_id, type, to_id) DO UPDATE SET updated_at = excluded.updated_at,
  deleted_at = NULL
"""
SAVE = """
UPDATE connections AS c SET metadata = :metadata, updated_at = :now
WHERE {in_scope} AND c.id = :id AND c.type = 'enrolled_in' AND c.deleted_at IS NULL
"""


class SqliteEnrolments(Scoped):
    """The ``Enrolments`` port over SQLite."""

    def add(self, course_id: str, person_ids: Collection[str], at: int) -> Sequence[str]:
        """Enrol people from ``at`` (epoch milliseconds) and return the ids of those who were not.

        Whoever was enrolled before goes on where they were. Nobody is enrolled in a course that
        is not there.
        """
        wanted = list(dict.fromkeys(person_ids))
        with self.database.transaction():
            row = self.database.one(
                f"SELECT t.group_id FROM things AS t WHERE {self.in_scope('t')} AND t.id = :id"
                f" AND t.type = 'course' AND t.deleted_at IS NULL AND {self.in_sight('t')}",
                self.bound(id=course_id),
            )
            if row is None:
                return []
            held = {link.from_id for link in self.of(course_id, wanted)}
            new = [person for person in wanted if person not in held]
            said, moment = to_json({"enrolledAt": at, "progress": 0.0}), now()
            self.database.executemany(
                ENROL,
                [
                    {
                        "group": row[0],
                        "id": link_id,
                        "person": person,
                        "course": course_id,
                        "metadata": said,
                        "now": moment,
                    }
                    for link_id, person in zip(new_ids(len(new)), new, strict=True)
                ],
            )
        return new

    def remove(self, course_id: str, person_ids: Collection[str]) -> Sequence[str]:
        """Take people out of a course and return the ids of those who were in it."""
        with self.database.transaction():
            held = self.of(course_id, person_ids)
            self.database.executemany(
                "UPDATE connections SET deleted_at = ?, updated_at = ?"
                " WHERE group_id = ? AND id = ?",
                [(now(), now(), link.group_id, link.id) for link in held],
            )
        return [link.from_id for link in held]

    def of(self, course_id: str, person_ids: Collection[str] | None = None) -> Sequence[Connection]:
        """Return the enrolments in a course, of everybody or of some people, oldest first."""
        narrowed = "1"
        if person_ids is not None:
            narrowed = "c.from_id IN (SELECT value FROM json_each(:people))"
        where = f"{self.in_scope('c')} AND {narrowed}"
        # Without the plus, SQLite would read all links of the group for the sake of the order.
        rows = self.database.rows(
            "SELECT c.id, c.group_id, c.from_id, c.to_id, c.type, c.position, c.metadata"
            f" FROM connections AS c WHERE {where} AND c.to_id = :course"
            " AND c.type = 'enrolled_in' AND c.deleted_at IS NULL ORDER BY +c.id",
            self.bound(course=course_id, people=to_json(list(person_ids or ()))),
        )
        return [connection_of(row) for row in rows]

    def save(self, links: Collection[Connection]) -> None:
        """Write what enrolments say about progress; those of another scope stay as they are."""
        sql = SAVE.format(in_scope=self.in_scope("c"))
        moment = now()
        with self.database.transaction():
            self.database.executemany(
                sql,
                [
                    self.bound(id=link.id, metadata=to_json(link.metadata), now=moment)
                    for link in links
                ],
            )

    def counts(self, course_ids: Collection[str]) -> dict[str, int]:
        """Return how many people are enrolled in each course; one with none is left out."""
        rows = self.database.rows(
            f"SELECT c.to_id, count(*) FROM connections AS c WHERE {self.in_scope('c')}"
            " AND c.to_id IN (SELECT value FROM json_each(:courses)) AND c.type = 'enrolled_in'"
            " AND c.deleted_at IS NULL GROUP BY c.to_id",
            self.bound(courses=to_json(list(course_ids))),
        )
        return {row[0]: int(row[1]) for row in rows}

    def watched(
        self, item_ids: Collection[str], person_ids: Collection[str]
    ) -> dict[str, dict[str, dict[str, Any]]]:
        """Return what ``watched`` links say, by person and item."""
        # The plus: read each person's links, rather than look up every pair of person and item.
        rows = self.database.rows(
            "SELECT c.from_id, c.to_id, c.metadata FROM connections AS c"
            f" WHERE {self.in_scope('c')}"
            " AND +c.to_id IN (SELECT value FROM json_each(:items)) AND c.type = 'watched'"
            " AND c.from_id IN (SELECT value FROM json_each(:people)) AND c.deleted_at IS NULL",
            self.bound(items=to_json(list(item_ids)), people=to_json(list(person_ids))),
        )
        found: dict[str, dict[str, dict[str, Any]]] = {}
        for person, item, metadata in rows:
            found.setdefault(person, {})[item] = json.loads(metadata)
        return found

    def mailed(self, addresses: Collection[str]) -> dict[str, Sequence[Thing]]:
        """Return the people of the scope and above by their email address in lower case."""
        around = [*self.scope.group_ids, *self.scope.above]
        rows = self.database.rows(
            f"SELECT {COLUMNS}, fold(json_extract(t.properties, '$.email')) FROM things AS t"
            " WHERE t.group_id IN (SELECT value FROM json_each(:groups))"
            " AND t.type IN ('creator', 'user') AND t.deleted_at IS NULL"
            " AND fold(json_extract(t.properties, '$.email'))"
            " IN (SELECT value FROM json_each(:addresses)) ORDER BY t.id",
            {
                "groups": to_json(around),
                "addresses": to_json([address.casefold() for address in addresses]),
            },
        )
        found: dict[str, list[Thing]] = {}
        for row in rows:
            found.setdefault(row[9], []).append(thing_of(row))
        return dict(found)
