"""Labels of a scope: rows of ``knowledge`` that things are linked to by hand.

Each group has labels of its own; a scope of several groups sees labels of one key as one. They
are in neither the full-text nor the vector index.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vidctl.ids import derived_id
from vidctl.model.label import Label, label_hash, label_key
from vidctl.model.thing import Thing
from vidctl.store.database import Scoped, now, to_json
from vidctl.store.things import COLUMNS, thing_of

# A label that nothing carried any more begins anew, with the spelling of whoever uses it next.
UPSERT_LABEL = """
INSERT INTO knowledge (group_id, id, type, text, content_hash, created_at, updated_at)
VALUES (:group, :id, 'label', :text, :hash, :now, :now)
ON CONFLICT (group_id, id) DO UPDATE SET text = excluded.text, updated_at = excluded.updated_at,
  deleted_at = NULL WHERE knowledge.deleted_at IS NOT NULL
"""
UPSERT_LINK = """
INSERT INTO thing_knowledge (group_id, id, thing_id, knowledge_id, role, created_at, updated_at)
VALUES (:group, :link, :thing, :id, 'label', :now, :now)
ON CONFLICT (group_id, id) DO UPDATE SET deleted_at = NULL, updated_at = excluded.updated_at
"""
BURY_LINK = """
UPDATE thing_knowledge SET deleted_at = :now, updated_at = :now
WHERE group_id = :group AND id = :link AND deleted_at IS NULL
"""
BURY_UNUSED = """
UPDATE knowledge SET text = '', deleted_at = :now, updated_at = :now
WHERE group_id = :group AND id = :id AND deleted_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM thing_knowledge AS j WHERE j.group_id = :group
    AND j.knowledge_id = :id AND j.deleted_at IS NULL)
"""
JOINED = (
    "FROM knowledge AS k JOIN thing_knowledge AS j ON j.group_id = k.group_id"
    " AND j.knowledge_id = k.id AND j.role = 'label' AND j.deleted_at IS NULL"
    " JOIN things AS t ON t.group_id = j.group_id AND t.id = j.thing_id AND t.deleted_at IS NULL"
)
# SQLite keeps the order of a CROSS JOIN: from the few labels to what carries them. Left to itself
# it goes through all links of the group, those of chunks too.
FROM_LABELS = JOINED.replace(" JOIN ", " CROSS JOIN ")


class SqliteLabels(Scoped):
    """The ``Labels`` port over SQLite."""

    def add(self, text: str, thing_ids: Sequence[str]) -> list[str]:
        """Put a label on things, each in its own group, and return the ids of those it was new to.

        Ids of no thing here are passed over.
        """
        with self.database.transaction():
            groups, held = self._groups_of(thing_ids), self._carrying(text, thing_ids)
            new = [thing_id for thing_id in groups if thing_id not in held]
            for group_id in dict.fromkeys(groups[thing_id] for thing_id in new):
                self.database.execute(UPSERT_LABEL, self._row(group_id, text))
            self.database.executemany(
                UPSERT_LINK, [self._row(groups[thing_id], text, thing_id) for thing_id in new]
            )
        return new

    def remove(self, text: str, thing_ids: Sequence[str]) -> list[str]:
        """Take a label off things, and return the ids of those that had it."""
        with self.database.transaction():
            groups, held = self._groups_of(thing_ids), self._carrying(text, thing_ids)
            had = [thing_id for thing_id in groups if thing_id in held]
            self.database.executemany(
                BURY_LINK, [self._row(groups[thing_id], text, thing_id) for thing_id in had]
            )
            for group_id in dict.fromkeys(groups[thing_id] for thing_id in had):
                self.database.execute(BURY_UNUSED, self._row(group_id, text))
        return had

    def respell(self, text: str) -> None:
        """Give a label this spelling of it, wherever it is in use."""
        with self.database.transaction():
            self.database.execute(
                "UPDATE knowledge AS k SET text = :text, updated_at = :now"
                f" WHERE {self.in_scope('k')} AND k.type = 'label' AND k.content_hash = :hash"
                " AND k.text <> :text AND k.deleted_at IS NULL",
                self.bound(text=text, hash=label_hash(text), now=now()),
            )

    def of(self, thing_ids: Sequence[str]) -> dict[str, list[str]]:
        """Return the labels of things by id, in alphabetical order; nothing for who has none."""
        rows = self.database.rows(
            f"SELECT j.thing_id, k.text {JOINED} WHERE {self.in_scope('k')}"
            f" AND {self.in_sight('t')} AND k.type = 'label'"
            " AND j.thing_id IN (SELECT value FROM json_each(:ids)) ORDER BY fold(k.text), k.id",
            self.bound(ids=to_json(list(thing_ids))),
        )
        found: dict[str, list[str]] = {}
        for thing_id, text in rows:
            found.setdefault(thing_id, []).append(text)
        return found

    def all(self) -> list[Label]:
        """Return every label that something in sight carries, in alphabetical order."""
        # min() makes SQLite take the text from the oldest row, here the first spelling.
        rows = self.database.rows(
            f"SELECT k.text, count(*), min(k.pk) {FROM_LABELS} WHERE {self.in_scope('k')}"
            f" AND k.type = 'label' AND {self.in_sight('t')}"
            " GROUP BY k.content_hash ORDER BY fold(k.text), k.content_hash",
            self.bound(),
        )
        return [Label(row[0], row[1]) for row in rows]

    def carriers(self, text: str) -> list[Thing]:
        """Return the things in sight that carry a label, oldest first."""
        rows = self.database.rows(
            f"SELECT {COLUMNS} {FROM_LABELS} WHERE {self.in_scope('k')} AND {self.in_sight('t')}"
            " AND k.type = 'label' AND k.content_hash = :hash ORDER BY t.created_at, t.id",
            self.bound(hash=label_hash(text)),
        )
        return [thing_of(row) for row in rows]

    def _groups_of(self, thing_ids: Sequence[str]) -> dict[str, str]:
        rows = self.database.rows(
            f"SELECT t.id, t.group_id FROM things AS t WHERE {self.in_scope('t')}"
            f" AND {self.in_sight('t')} AND t.deleted_at IS NULL"
            " AND t.id IN (SELECT value FROM json_each(:ids))",
            self.bound(ids=to_json(list(thing_ids))),
        )
        return {row[0]: row[1] for row in rows}

    def _carrying(self, text: str, thing_ids: Sequence[str]) -> set[str]:
        rows = self.database.rows(
            f"SELECT j.thing_id {JOINED} WHERE {self.in_scope('k')} AND k.type = 'label'"
            " AND k.content_hash = :hash AND j.thing_id IN (SELECT value FROM json_each(:ids))",
            self.bound(hash=label_hash(text), ids=to_json(list(thing_ids))),
        )
        return {row[0] for row in rows}

    def _row(self, group_id: str, text: str, thing_id: str = "") -> dict[str, Any]:
        label_id = derived_id(group_id, "label", label_key(text))
        return {
            "group": group_id,
            "id": label_id,
            "text": text,
            "hash": label_hash(text),
            "link": derived_id(group_id, "thing_knowledge", f"{label_id}/{thing_id}"),
            "thing": thing_id,
            "now": now(),
        }
