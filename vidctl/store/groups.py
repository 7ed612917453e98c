"""The directory of groups: the only part of the store that sees more than one scope."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vidctl.errors import Ambiguous, Conflict, NotFound
from vidctl.ids import is_id
from vidctl.model.group import Group
from vidctl.store.database import Database, now, to_json

SEPARATOR = "/"

# Every group with its path; the depth limit only stops a damaged, circular tree.
TREE = """
WITH RECURSIVE tree (id, path, depth) AS (
  SELECT id, slug, 0 FROM groups WHERE {roots}
  UNION ALL
  SELECT g.id, tree.path || '/' || g.slug, tree.depth + 1
  FROM groups AS g JOIN tree ON g.parent_id = tree.id WHERE tree.depth < 1000
)
SELECT g.id, g.slug, g.name, g.type, g.parent_id, tree.path, g.status, g.created_at, g.updated_at,
  g.description, g.settings
FROM tree JOIN groups AS g ON g.id = tree.id ORDER BY tree.path
"""

ABOVE = """
WITH RECURSIVE up (id, depth) AS (
  SELECT parent_id, 1 FROM groups WHERE id = :id
  UNION ALL
  SELECT g.parent_id, up.depth + 1 FROM groups AS g JOIN up ON g.id = up.id WHERE up.depth < 1000
)
SELECT id FROM up WHERE id IS NOT NULL ORDER BY depth
"""

INSERT = """
INSERT INTO groups (id, group_id, parent_id, slug, name, type, status, description, settings,
  created_at, updated_at)
VALUES (:id, :id, :parent_id, :slug, :name, :type, :status, :description, :settings, :created_at,
  :updated_at)
"""

UPDATE = """
UPDATE groups SET parent_id = :parent_id, slug = :slug, name = :name, type = :type,
  status = :status, description = :description, settings = :settings, updated_at = :updated_at
WHERE id = :id
"""


class GroupDirectory:
    """Groups of a library, or of the part of it below ``root``.

    With a root, groups outside its subtree do not exist for any method; with ``only``, no others
    than those.
    """

    def __init__(
        self,
        database: Database,
        root: str | None = None,
        *,
        only: frozenset[str] | None = None,
    ) -> None:
        self.database = database
        self.root = root
        self.only = only

    def all(self) -> list[Group]:
        """Return every visible group, parents before children, ordered by path."""
        return self._tree(self.root)

    def _tree(self, root: str | None) -> list[Group]:
        roots = "id = :root" if root else "parent_id IS NULL"
        rows = self.database.rows(TREE.format(roots=roots), {"root": root} if root else {})
        groups = [group_of(row) for row in rows]
        if root is not None and groups:
            top = self._path(root)
            groups = [group_of(row, path=top + row[5][len(groups[0].slug) :]) for row in rows]
        return [group for group in groups if self.only is None or group.id in self.only]

    def _path(self, group_id: str) -> str:
        slugs: list[str] = []
        following: str | None = group_id
        while following is not None:
            row = self.database.one("SELECT slug, parent_id FROM groups WHERE id = ?", (following,))
            slugs.append(row[0])
            following = row[1]
        return SEPARATOR.join(reversed(slugs))

    def ancestors(self, group_id: str) -> tuple[str, ...]:
        """Return the ids of the groups that a group lies in, nearest first."""
        rows = self.database.rows(ABOVE, {"id": group_id})
        return tuple(row[0] for row in rows)

    def subtree(self, group_id: str) -> list[Group]:
        """Return a group and all its descendants, the group first."""
        return self._tree(group_id)

    def resolve(self, reference: str) -> Group:
        """Return the group that a person means: a full id, a path, or a slug that is unique.

        Raises NotFound when none fits, Ambiguous with the paths when a slug fits several.
        """
        groups = self.all()
        wanted = reference.strip(SEPARATOR)
        exact = [group for group in groups if group.path == wanted or group.id == wanted]
        found = exact or [
            group
            for group in groups
            if group.slug == wanted or group.path.endswith(SEPARATOR + wanted)
        ]
        if len(found) == 1:
            return found[0]
        if found:
            paths = ", ".join(group.path for group in found)
            raise Ambiguous(
                f"{reference!r} fits several groups: {paths}", hint=f"-g {found[0].path}"
            )
        raise NotFound(f"there is no group {reference!r}", hint="vidctl groups list")

    def fast_resolve(self, reference: str) -> str | None:
        """Return the id for a top-level slug or a full id without reading the whole tree."""
        column = "id" if is_id(reference) else "slug"
        row = self.database.one(
            f"SELECT id FROM groups WHERE {column} = ? AND (parent_id IS NULL OR id = ?)",
            (reference, reference),
        )
        return None if row is None else str(row[0])

    def add(self, group: Group) -> None:
        """Insert a group. Raises Conflict when a sibling has its slug."""
        with self.database.transaction():
            self._refuse_taken(group)
            self.database.execute(INSERT, _values(group))

    def save(self, group: Group) -> None:
        """Write a group's fields. Raises Conflict for a taken slug or a cycle."""
        with self.database.transaction():
            self._refuse_taken(group)
            if group.parent_id is not None:
                below = {entry.id for entry in self.subtree(group.id)}
                if group.parent_id in below:
                    raise Conflict(f"{group.path} cannot move into itself or a group below it")
            self.database.execute(UPDATE, _values(group))

    def _refuse_taken(self, group: Group) -> None:
        row = self.database.one(
            "SELECT 1 FROM groups WHERE ifnull(parent_id, '') = ifnull(:parent_id, '')"
            " AND slug = :slug AND id <> :id",
            {"parent_id": group.parent_id, "slug": group.slug, "id": group.id},
        )
        if row is not None:
            raise Conflict(
                f"a group called {group.slug!r} is already there", hint="vidctl groups list"
            )

    def counts(self, group_ids: Sequence[str]) -> dict[str, int]:
        """Return how many things that are not archived each group holds, people aside."""
        rows = self.database.rows(
            "SELECT group_id, count(*) FROM things WHERE deleted_at IS NULL"
            " AND status <> 'archived' AND type NOT IN ('creator', 'user')"
            " AND group_id IN (SELECT value FROM json_each(?)) GROUP BY group_id",
            (to_json(list(group_ids)),),
        )
        return {row[0]: row[1] for row in rows}


def group_of(row: Any, path: str = "") -> Group:
    """Make a record of a row of TREE."""
    return Group(
        id=row[0],
        slug=row[1],
        name=row[2],
        type=row[3],
        parent_id=row[4],
        path=path or row[5],
        status=row[6],
        created_at=row[7],
        updated_at=row[8],
        description=row[9],
        settings=json.loads(row[10]),
    )


def _values(group: Group) -> dict[str, Any]:
    return {
        "id": group.id,
        "parent_id": group.parent_id,
        "slug": group.slug,
        "name": group.name,
        "type": group.type,
        "status": group.status,
        "description": group.description,
        "settings": to_json(group.settings),
        "created_at": group.created_at,
        "updated_at": group.updated_at or now(),
    }
