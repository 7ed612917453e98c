"""Courses and what they are made of: lessons in order, and the items in those."""

from __future__ import annotations

import itertools
import json
from collections.abc import Collection, Sequence
from typing import Any

from vidctl.model.enrolment import OutlineRow, Step
from vidctl.store.database import Scoped, to_json
from vidctl.store.things import COLUMNS, thing_of

# A lesson (t) in its course by the link c, and the item (v) in the lesson by the link d.
LESSONS = """
connections AS c
CROSS JOIN things AS t ON t.group_id = c.group_id AND t.id = c.to_id
LEFT JOIN connections AS d ON d.group_id = t.group_id AND d.from_id = t.id
  AND d.type = 'contains' AND d.deleted_at IS NULL
LEFT JOIN things AS v ON v.group_id = d.group_id AND v.id = d.to_id AND v.deleted_at IS NULL
"""
IN_ORDER = "ORDER BY c.from_id, c.position, c.id, d.position, d.id"
ITEM_COLUMNS = COLUMNS.replace("t.", "v.")

# The items first: most are in no course, and an index answers that at once.
CONTAINING = """
WITH owner (group_id, id, type) AS (
  SELECT t.group_id, t.id, t.type FROM json_each(:items) AS j
  CROSS JOIN connections AS c ON {in_scope} AND c.to_id = j.value AND c.type = 'contains'
    AND c.deleted_at IS NULL
  CROSS JOIN things AS t ON t.group_id = c.group_id AND t.id = c.from_id AND t.deleted_at IS NULL
)
SELECT o.id FROM owner AS o WHERE o.type = 'course'
UNION
SELECT t.id FROM owner AS o
CROSS JOIN connections AS c ON c.group_id = o.group_id AND c.to_id = o.id AND c.type = 'contains'
  AND c.deleted_at IS NULL
CROSS JOIN things AS t ON t.group_id = c.group_id AND t.id = c.from_id AND t.type = 'course'
  AND t.deleted_at IS NULL
WHERE o.type = 'lesson'
ORDER BY 1
"""


class SqliteCourses(Scoped):
    """The ``Courses`` port over SQLite."""

    def outline(self, course_id: str) -> Sequence[OutlineRow]:
        """Return a course's lessons in order, archived ones and those out of sight left out."""
        where = f"{self.in_scope('c')} AND {self.in_sight('t')}"
        rows = self.database.rows(
            f"SELECT {COLUMNS}, c.metadata, {ITEM_COLUMNS}, v.id IS NOT NULL AND"
            f" {self.in_sight('v')} FROM {LESSONS} WHERE {where} AND c.from_id = :course"
            " AND c.type = 'contains' AND c.deleted_at IS NULL AND t.type = 'lesson'"
            f" AND t.status <> 'archived' AND t.deleted_at IS NULL {IN_ORDER}",
            self.bound(course=course_id),
        )
        found: list[OutlineRow] = []
        for _, group in itertools.groupby(rows, key=lambda row: row[0]):
            row = next(group)
            section = json.loads(row[9]).get("section")
            item = thing_of(row[10:19]) if row[19] else None
            found.append(OutlineRow(thing_of(row), section, item))
        return found

    def totals(self, course_ids: Collection[str]) -> dict[str, int]:
        """Return how many lessons each course shows; one that shows none is left out."""
        where = f"{self.in_scope('c')} AND {self.in_sight('t')}"
        rows = self.database.rows(
            "SELECT c.from_id, count(*) FROM connections AS c CROSS JOIN things AS t"
            f" ON t.group_id = c.group_id AND t.id = c.to_id WHERE {where}"
            " AND c.from_id IN (SELECT value FROM json_each(:courses)) AND c.type = 'contains'"
            " AND c.deleted_at IS NULL AND t.type = 'lesson' AND t.status <> 'archived'"
            " AND t.deleted_at IS NULL GROUP BY c.from_id",
            self.bound(courses=to_json(list(course_ids))),
        )
        return {row[0]: int(row[1]) for row in rows}

    def steps(self, course_ids: Collection[str]) -> Sequence[Step]:
        """Return the published lessons of courses in order, whoever looks.

        How far somebody is must not depend on what the person who asks may see.
        """
        where = self.in_scope("c")
        rows = self.database.rows(
            "SELECT c.from_id, t.id, v.id, json_extract(t.properties, '$.duration'),"
            f" json_extract(v.properties, '$.duration') FROM {LESSONS} WHERE {where}"
            " AND c.from_id IN (SELECT value FROM json_each(:courses)) AND c.type = 'contains'"
            " AND c.deleted_at IS NULL AND t.type = 'lesson' AND t.status = 'published'"
            f" AND t.deleted_at IS NULL {IN_ORDER}",
            self.bound(courses=to_json(list(course_ids))),
        )
        return [
            _step(list(group)) for _, group in itertools.groupby(rows, key=lambda row: (*row[:2],))
        ]

    def containing(self, item_ids: Collection[str]) -> Sequence[str]:
        """Return the ids of the courses that hold these lessons, or lessons with these items."""
        any_course = self.database.one(
            f"SELECT 1 FROM things AS t WHERE {self.in_scope('t')} AND t.type = 'course'"
            " AND t.deleted_at IS NULL LIMIT 1",
            self.bound(),
        )
        if any_course is None or not item_ids:
            return []
        sql = CONTAINING.format(in_scope=self.in_scope("c"))
        rows = self.database.rows(sql, self.bound(items=to_json(list(item_ids))))
        return [row[0] for row in rows]


def _step(rows: list[Any]) -> Step:
    """Make a step of the rows of one lesson, one for each item in it."""
    course_id, lesson_id, _, own, _ = rows[0]
    inside = [row[2] for row in rows if row[2] is not None]
    lengths = [row[4] for row in rows if row[4] is not None]
    duration = own if own is not None else next(iter(lengths), None)
    return Step(course_id, lesson_id, (lesson_id, *inside), duration)
