"""People as a scope meets them: those of its groups, and those of the groups above."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from vidctl.errors import Ambiguous, NotFound
from vidctl.model.person import Member
from vidctl.model.thing import Thing
from vidctl.store.database import Scoped, to_json
from vidctl.store.things import CANDIDATES, COLUMNS, readings, thing_of

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

PARENTS = "SELECT id, parent_id FROM groups WHERE id IN (SELECT value FROM json_each(:groups))"


class SqlitePeople(Scoped):
    """The ``People`` port over SQLite."""

    def resolve(self, reference: str) -> Thing:
        """Return the person that a reference means, nearest group first.

        Raises NotFound when there is none in the scope or above it, Ambiguous with the candidates
        when several fit.
        """
        for group_ids in (self.scope.group_ids, *((above,) for above in self.scope.above)):
            found = self._resolve_in(group_ids, reference)
            if found is not None:
                return found
        raise NotFound(f"no person here is called {reference!r}", hint="vidctl people list")

    def _resolve_in(self, group_ids: Sequence[str], reference: str) -> Thing | None:
        for condition in readings(reference):
            rows = self.database.rows(
                f"SELECT {COLUMNS} FROM things AS t WHERE t.group_id IN"
                " (SELECT value FROM json_each(:groups)) AND t.type IN ('creator', 'user')"
                f" AND t.deleted_at IS NULL AND {condition} ORDER BY t.id LIMIT :limit",
                {"groups": to_json(group_ids), "ref": reference, "limit": CANDIDATES},
            )
            if len(rows) == 1:
                return thing_of(rows[0])
            if rows:
                names = ", ".join(f"{thing.slug} ({thing.id})" for thing in map(thing_of, rows))
                raise Ambiguous(f"{reference!r} fits several people: {names}", hint="use a full id")
        return None

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

    @property
    def _around(self) -> list[str]:
        return [*self.scope.group_ids, *self.scope.above]
