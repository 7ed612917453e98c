"""People as a scope meets them: those of its groups, and those of the groups above."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from vidctl.errors import Ambiguous, NotFound
from vidctl.ids import is_id
from vidctl.model.person import Member
from vidctl.model.thing import Thing
from vidctl.store.database import Scoped, now, to_json
from vidctl.store.things import CANDIDATES, COLUMNS, TOMBSTONE, readings, thing_of

MEMBERS = f"""
SELECT {COLUMNS}, c.group_id, json_extract(c.metadata, '$.role')
FROM connections AS c JOIN things AS t ON t.id = c.from_id
WHERE c.group_id IN (SELECT value FROM json_each(:groups)) AND c.type = 'member_of'
  AND c.deleted_at IS NULL AND t.type IN ('creator', 'user') AND t.deleted_at IS NULL
ORDER BY fold(t.name), t.id
"""

ROLES = """
SELECT c.group_id, json_extract(c.metadata, '$.role') FROM connections AS c
WHERE c.from_id = :person AND c.type = 'member_of' AND c.deleted_at IS NULL
  AND c.group_id IN (SELECT value FROM json_each(:groups))
"""

# Whoever sees a group whole sees its people, and those of the groups above it; anybody sees
# themselves.
SIGHT = "(t.id = :viewer OR t.group_id IN (SELECT value FROM json_each(:shown)))"

COUNTS = """
SELECT c.type, count(*) FROM connections AS c
JOIN things AS t ON t.group_id = c.group_id AND t.id = c.to_id
WHERE {in_scope} AND {in_sight} AND c.from_id = :person AND c.deleted_at IS NULL
  AND t.deleted_at IS NULL
GROUP BY c.type
"""

# A person's links lie in their group and in those below it.
LINKS = """
WITH RECURSIVE below (id) AS (
  SELECT :group UNION SELECT g.id FROM groups AS g JOIN below ON g.parent_id = below.id
)
SELECT c.group_id, c.id, c.type, c.metadata, c.deleted_at FROM connections AS c
JOIN below ON below.id = c.group_id WHERE c.from_id = :id
"""

# What a purged person keeps: what they made and how far they watched is no text about them.
KEPT = ("authored", "enrolled_in", "watched")

PARENTS = "SELECT id, parent_id FROM groups WHERE id IN (SELECT value FROM json_each(:groups))"


class SqlitePeople(Scoped):
    """The ``People`` port over SQLite."""

    def resolve(self, reference: str) -> Thing:
        """Return the person that a reference means, nearest group first.

        Whom the viewer of the scope does not see is not there. Raises NotFound when there is none
        in the scope or above it, Ambiguous with the candidates when several fit.
        """
        for group_ids in (self.scope.group_ids, *((above,) for above in self.scope.above)):
            found = self._resolve_in(group_ids, reference)
            if found is not None:
                return found
        raise NotFound(f"no person here is called {reference!r}", hint="vidctl people list")

    def _resolve_in(self, group_ids: Sequence[str], reference: str) -> Thing | None:
        allowed, seen = self._seen()
        for condition in readings(reference):
            rows = self.database.rows(
                f"SELECT {COLUMNS} FROM things AS t WHERE t.group_id IN"
                " (SELECT value FROM json_each(:groups)) AND t.type IN ('creator', 'user')"
                f" AND t.deleted_at IS NULL AND {allowed} AND {condition}"
                " ORDER BY t.id LIMIT :limit",
                {**seen, "groups": to_json(group_ids), "ref": reference, "limit": CANDIDATES},
            )
            if len(rows) == 1:
                return thing_of(rows[0])
            if rows:
                names = ", ".join(f"{thing.slug} ({thing.id})" for thing in map(thing_of, rows))
                raise Ambiguous(f"{reference!r} fits several people: {names}", hint="use a full id")
        return None

    def _seen(self) -> tuple[str, dict[str, Any]]:
        """Return the condition on ``t`` for whom the viewer sees, and its parameters."""
        if not self.scope.viewer:
            return "1", {}
        above = self.scope.above if self.scope.home in self.scope.seen else ()
        return SIGHT, {"viewer": self.scope.viewer, "shown": to_json([*self.scope.seen, *above])}

    def known(self, ids: Iterable[str]) -> dict[str, Thing]:
        """Return the people of these ids, for showing who did something; removed ones are left out.

        Only people of the scope's groups and of those above are known.
        """
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM things AS t WHERE t.id IN (SELECT value FROM json_each(:ids))"
            " AND t.type IN ('creator', 'user') AND t.deleted_at IS NULL"
            " AND t.group_id IN (SELECT value FROM json_each(:groups))",
            {"ids": to_json(wanted), "groups": to_json(self._around)},
        )
        return {row[0]: thing_of(row) for row in rows}

    def roles(self, person_id: str) -> dict[str, str]:
        """Return the roles a person was given, by group id, in the scope's groups and above."""
        rows = self.database.rows(ROLES, {"person": person_id, "groups": to_json(self._around)})
        return {row[0]: str(row[1]) for row in rows}

    def parents(self) -> dict[str, str | None]:
        """Return the parent of each group of the scope and above."""
        rows = self.database.rows(PARENTS, {"groups": to_json(self._around)})
        return {row[0]: row[1] for row in rows}

    def members(self) -> list[Member]:
        """Return every role given in the scope's groups and above, by name of the person."""
        rows = self.database.rows(MEMBERS, {"groups": to_json(self._around)})
        return [Member(thing_of(row), row[9], str(row[10])) for row in rows]

    def counts(self, person_id: str) -> dict[str, int]:
        """Return how many things in scope and sight a person is linked to, by type of link."""
        sql = COUNTS.format(in_scope=self.in_scope("c"), in_sight=self.in_sight("t"))
        return {row[0]: row[1] for row in self.database.rows(sql, self.bound(person=person_id))}

    def purge(self, person_id: str) -> None:
        """Remove all text about a person, here and from their links in the groups below.

        Their id stays, with what they made, watched and enrolled in; roles and purchases end.
        Raises NotFound for nobody of the scope.
        """
        with self.database.transaction():
            row = self.database.one(
                f"SELECT t.group_id FROM things AS t WHERE {self.in_scope('t')} AND t.id = :id"
                " AND t.type IN ('creator', 'user') AND t.deleted_at IS NULL",
                self.bound(id=person_id),
            )
            if row is None:
                raise NotFound(f"no person here is called {person_id!r}", hint="vidctl people list")
            sql = TOMBSTONE.format(in_scope=self.in_scope("t"))
            self.database.execute(sql, self.bound(id=person_id, now=now()))
            for link in self.database.rows(LINKS, {"group": row[0], "id": person_id}):
                is_kept = link[2] in KEPT
                said = _without_text(json.loads(link[3])) if is_kept else {}
                self.database.execute(
                    "UPDATE connections SET metadata = :said, updated_at = :now,"
                    " deleted_at = ifnull(deleted_at, :gone) WHERE group_id = :group AND id = :id",
                    {
                        "said": to_json(said),
                        "now": now(),
                        "gone": None if is_kept else now(),
                        "group": link[0],
                        "id": link[1],
                    },
                )

    @property
    def _around(self) -> list[str]:
        return [*self.scope.group_ids, *self.scope.above]


def _without_text(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return what a link says in numbers and ids, such as how far somebody watched."""
    return {
        key: value
        for key, value in metadata.items()
        if not isinstance(value, (str, dict)) or (isinstance(value, str) and is_id(value))
    }
