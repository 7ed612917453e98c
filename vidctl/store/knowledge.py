"""Chunks and vectors of a scope, and the two rankers: full text (BM25) and nearest vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from vidctl.errors import NotFound
from vidctl.ids import derived_id
from vidctl.model.knowledge import Chunk, Match, Window
from vidctl.ports import Narrow
from vidctl.store import vector_index
from vidctl.store.database import Scoped, now, to_json

COLUMNS = (
    'k.id, k.thing_id, k.ordinal, k.text, k.content_hash, j.role, k."start", k."end",'
    " k.segment_first, k.segment_last"
)

UPSERT_CHUNK = """
INSERT INTO knowledge (group_id, id, type, thing_id, ordinal, text, "start", "end", segment_first,
  segment_last, content_hash, created_at, updated_at)
VALUES (:group_id, :id, 'chunk', :thing_id, :ordinal, :text, :start, :end, :segment_first,
  :segment_last, :content_hash, :now, :now)
ON CONFLICT (group_id, id) DO UPDATE SET text = excluded.text, ordinal = excluded.ordinal,
  "start" = excluded."start", "end" = excluded."end", segment_first = excluded.segment_first,
  segment_last = excluded.segment_last, content_hash = excluded.content_hash,
  updated_at = excluded.updated_at, deleted_at = NULL
"""

UPSERT_LINK = """
INSERT INTO thing_knowledge (group_id, id, thing_id, knowledge_id, role, created_at, updated_at)
VALUES (:group_id, :link_id, :thing_id, :id, :role, :now, :now)
ON CONFLICT (group_id, id) DO UPDATE SET deleted_at = NULL, updated_at = excluded.updated_at
"""

# The same words said at another time, or as other lines.
MOVE_CHUNK = """
UPDATE knowledge SET ordinal = :ordinal, "start" = :start, "end" = :end,
  segment_first = :segment_first, segment_last = :segment_last, updated_at = :now
WHERE group_id = :group_id AND id = :id
"""

INSERT_FTS = """
INSERT INTO knowledge_fts (rowid, scope, text)
SELECT pk, scope, text FROM knowledge WHERE group_id = :group_id AND id = :id
"""

# An external-content index must be told what it forgets, word for word.
DELETE_FTS = """
INSERT INTO knowledge_fts (knowledge_fts, rowid, scope, text)
SELECT 'delete', pk, scope, text FROM knowledge
WHERE group_id = :group_id AND id = :id AND deleted_at IS NULL
"""

# A removed chunk keeps its id and nothing of what was said.
BURY_CHUNK = """
UPDATE knowledge SET text = '', deleted_at = :now, updated_at = :now
WHERE group_id = :group_id AND id = :id
"""

INSERT_VECTOR = """
INSERT INTO vectors (group_id, id, knowledge_id, identity, part, first_word, last_word, text_hash,
  vector, created_at, updated_at)
VALUES (:group_id, :id, :chunk_id, :identity, :part, :first_word, :last_word, :text_hash, :vector,
  :now, :now)
RETURNING pk
"""

# The first column is the scope: rows of other groups are never ranked. Its weight is 0, so that
# it does not count as a match.
MATCH_TEXT = """
SELECT k.group_id, k.id, k.thing_id, bm25(knowledge_fts, 0.0, 1.0) AS score
FROM knowledge_fts JOIN knowledge AS k ON k.pk = knowledge_fts.rowid
  JOIN things AS t ON t.group_id = k.group_id AND t.id = k.thing_id
WHERE knowledge_fts MATCH :match AND {in_scope} AND k.deleted_at IS NULL AND {narrowed}
ORDER BY score, k.id LIMIT :limit
"""


class SqliteKnowledge(Scoped):
    """The ``Knowledge`` port over SQLite."""

    def replace(self, thing_id: str, chunks: Sequence[Chunk]) -> None:
        """Make ``chunks`` the chunks of a thing: those of the same text keep their vectors."""
        with self.database.transaction():
            group_id = self._group_of(thing_id)
            old = {held.id: held for held in self.chunks(thing_id)}
            for chunk_id in old.keys() - {chunk.id for chunk in chunks}:
                self._bury(group_id, chunk_id)
            for chunk in chunks:
                held = old.get(chunk.id)
                if held is None or held.content_hash != chunk.content_hash:
                    self._put(group_id, chunk)
                elif held != chunk:
                    self.database.execute(MOVE_CHUNK, _values(group_id, chunk))

    def _put(self, group_id: str, chunk: Chunk) -> None:
        values = _values(group_id, chunk)
        self.database.execute(DELETE_FTS, {"group_id": group_id, "id": chunk.id})
        self._forget_vectors(group_id, chunk.id)
        self.database.execute(UPSERT_CHUNK, values)
        self.database.execute(INSERT_FTS, {"group_id": group_id, "id": chunk.id})
        self.database.execute(UPSERT_LINK, values)

    def _bury(self, group_id: str, chunk_id: str) -> None:
        key = {"group_id": group_id, "id": chunk_id, "now": now()}
        self.database.execute(DELETE_FTS, {"group_id": group_id, "id": chunk_id})
        self._forget_vectors(group_id, chunk_id)
        self.database.execute(BURY_CHUNK, key)
        self.database.execute(
            "UPDATE thing_knowledge SET deleted_at = :now, updated_at = :now"
            " WHERE group_id = :group_id AND knowledge_id = :id",
            key,
        )

    def _forget_vectors(self, group_id: str, chunk_id: str) -> None:
        rows = self.database.rows(
            "SELECT pk, identity FROM vectors WHERE group_id = ? AND knowledge_id = ?",
            (group_id, chunk_id),
        )
        for identity in {row[1] for row in rows}:
            entry = vector_index.table_of(self.database, identity)
            if entry is not None:
                keys = [row[0] for row in rows if row[1] == identity]
                vector_index.remove(self.database, entry[0], keys)
        self.database.execute(
            "DELETE FROM vectors WHERE group_id = ? AND knowledge_id = ?", (group_id, chunk_id)
        )

    def _group_of(self, thing_id: str) -> str:
        row = self.database.one(
            f"SELECT t.group_id FROM things AS t WHERE {self.in_scope('t')} AND t.id = :id"
            " AND t.deleted_at IS NULL",
            self.bound(id=thing_id),
        )
        if row is None:
            raise NotFound(f"there is no thing {thing_id}")
        return str(row[0])

    def chunks(self, thing_id: str) -> Sequence[Chunk]:
        """Return a thing's chunks in order, the summary first."""
        return self._chunks("k.thing_id = :thing_id", thing_id=thing_id)

    def get(self, chunk_ids: Sequence[str]) -> dict[str, Chunk]:
        """Return the chunks of these ids that are in the scope, by id."""
        found = self._chunks(
            "k.id IN (SELECT value FROM json_each(:ids))", ids=to_json(list(chunk_ids))
        )
        return {chunk.id: chunk for chunk in found}

    def unembedded(self, thing_id: str, identity: str) -> Sequence[Chunk]:
        """Return the chunks of a thing that have no vector of this identity."""
        return self._chunks(
            "k.thing_id = :thing_id AND NOT EXISTS (SELECT 1 FROM vectors AS v WHERE"
            " v.group_id = k.group_id AND v.knowledge_id = k.id AND v.identity = :identity)",
            thing_id=thing_id,
            identity=identity,
        )

    def _chunks(self, condition: str, **parameters: Any) -> list[Chunk]:
        # CROSS JOIN keeps its order: begun at the links, it would go through all of the group's.
        sql = (
            f"SELECT {COLUMNS} FROM knowledge AS k CROSS JOIN thing_knowledge AS j"
            " ON j.group_id = k.group_id AND j.knowledge_id = k.id AND j.deleted_at IS NULL"
            f" WHERE {self.in_scope('k')} AND k.type = 'chunk' AND k.deleted_at IS NULL"
            f" AND {condition} ORDER BY k.thing_id, j.role DESC, k.ordinal"
        )
        return [
            Chunk(
                id=row[0],
                thing_id=row[1],
                ordinal=row[2],
                text=row[3],
                content_hash=row[4],
                role=row[5],
                start=row[6],
                end=row[7],
                segment_first=row[8],
                segment_last=row[9],
            )
            for row in self.database.rows(sql, self.bound(**parameters))
        ]

    def add_vectors(self, identity: str, dimension: int, windows: Sequence[Window]) -> None:
        """Store the vectors of whole chunks; raises InvalidVector for one that is unusable.

        A chunk that was replaced while it was being embedded is passed over: it is gone.
        """
        for window in windows:
            vector_index.checked(window.vector, dimension)
        with self.database.transaction():
            entry = vector_index.table_of(self.database, identity, dimension=dimension)
            assert entry is not None
            added: list[tuple[int, str, bytes]] = []
            for chunk_id in dict.fromkeys(window.chunk_id for window in windows):
                group_id = self._open_chunk(chunk_id, identity)
                if group_id is None:
                    continue
                for window in windows:
                    if window.chunk_id == chunk_id:
                        added.append(self._insert_vector(group_id, identity, window))
            vector_index.add(self.database, entry[0], added)

    def _open_chunk(self, chunk_id: str, identity: str) -> str | None:
        row = self.database.one(
            f"SELECT k.group_id FROM knowledge AS k WHERE {self.in_scope('k')} AND k.id = :id"
            " AND k.deleted_at IS NULL AND NOT EXISTS (SELECT 1 FROM vectors AS v WHERE"
            " v.group_id = k.group_id AND v.knowledge_id = k.id AND v.identity = :identity)",
            self.bound(id=chunk_id, identity=identity),
        )
        return None if row is None else str(row[0])

    def _insert_vector(
        self, group_id: str, identity: str, window: Window
    ) -> tuple[int, str, bytes]:
        native = f"{window.chunk_id}/{identity}/{window.part}"
        row = self.database.one(
            INSERT_VECTOR,
            {
                "group_id": group_id,
                "id": derived_id(group_id, "vector", native),
                "chunk_id": window.chunk_id,
                "identity": identity,
                "part": window.part,
                "first_word": window.first_word,
                "last_word": window.last_word,
                "text_hash": window.text_hash,
                "vector": window.vector,
                "now": now(),
            },
        )
        return row[0], group_id, window.vector

    def match_text(self, query: str, narrow: Narrow, limit: int) -> Sequence[Match]:
        """Rank chunks against an FTS5 expression over the column ``text``, best first.

        ``query`` must be quoted token by token (``"word" OR "other"``); scores are BM25, larger
        is better.
        """
        if not query:
            return []
        scopes = " OR ".join(f'"{group_id}0"' for group_id in self.scope.group_ids)
        narrowed, parameters = self._narrowed(narrow)
        sql = MATCH_TEXT.format(in_scope=self.in_scope("k"), narrowed=narrowed)
        match = f"(scope : ({scopes})) AND (text : ({query}))"
        rows = self.database.rows(sql, self.bound(match=match, limit=limit, **parameters))
        return [
            Match(row[0], row[1], row[2], rank, -row[3]) for rank, row in enumerate(rows, start=1)
        ]

    def match_vector(
        self, identity: str, vector: bytes, narrow: Narrow, limit: int
    ) -> Sequence[Match]:
        """Rank chunks by their nearest window, best first; scores are cosine similarities.

        Only vectors of the same identity are compared. Raises InvalidVector for a bad query.
        """
        entry = vector_index.table_of(self.database, identity)
        if entry is None:
            return []
        vector_index.checked(vector, entry[1])
        allowed = self._allowed(identity, narrow)
        found: list[tuple[float, int]] = []
        for group_id in self.scope.group_ids:
            own = None if allowed is None else (allowed[0], {**allowed[1], "scope": group_id})
            near = partial(
                vector_index.nearest, self.database, entry[0], identity, group_id, vector
            )
            found += self._windows_of(near, limit, own)
        found.sort(key=lambda pair: (-pair[0], pair[1]))
        return self._best_windows(found, limit)

    def _windows_of(
        self, near: Callable[..., list[tuple[int, float]]], limit: int, allowed: Any
    ) -> list[tuple[float, int]]:
        """Return a group's nearest windows, enough for ``limit`` chunks if the group has them."""
        count = limit * 4
        while True:
            found = near(count, allowed)
            chunks = self.database.one(
                "SELECT count(DISTINCT knowledge_id) FROM vectors"
                " WHERE pk IN (SELECT value FROM json_each(?))",
                (to_json([key for key, _ in found]),),
            )[0]
            if chunks >= limit or len(found) < count or count >= vector_index.MOST_NEIGHBOURS:
                return [(similarity, key) for key, similarity in found]
            count *= 4

    def _best_windows(self, found: list[tuple[float, int]], limit: int) -> list[Match]:
        keys = to_json([key for _, key in found])
        rows = {
            row[0]: row
            for row in self.database.rows(
                "SELECT v.pk, k.group_id, k.id, k.thing_id, v.first_word, v.last_word"
                " FROM vectors AS v JOIN knowledge AS k ON k.group_id = v.group_id AND"
                f" k.id = v.knowledge_id WHERE {self.in_scope('v')} AND"
                " v.pk IN (SELECT value FROM json_each(:keys))",
                self.bound(keys=keys),
            )
        }
        matches: dict[str, Match] = {}
        for similarity, key in found:
            row = rows.get(key)
            if row is None or row[2] in matches:
                continue
            rank = len(matches) + 1
            matches[row[2]] = Match(
                row[1], row[2], row[3], rank, similarity, first_word=row[4], last_word=row[5]
            )
            if rank == limit:
                break
        return list(matches.values())

    def _narrowed(self, narrow: Narrow) -> tuple[str, dict[str, Any]]:
        parts = ["t.deleted_at IS NULL", "t.status <> 'archived'", self.in_sight("t")]
        parameters: dict[str, Any] = {}
        if narrow.types:
            parts.append("t.type IN (SELECT value FROM json_each(:types))")
            parameters["types"] = to_json(narrow.types)
        for number, tag in enumerate(narrow.tags):
            parts.append(
                "EXISTS (SELECT 1 FROM json_each(t.properties, '$.tags') AS j"
                f" WHERE fold(j.value) = fold(:tag{number}))"
            )
            parameters[f"tag{number}"] = tag
        if narrow.since is not None:
            parts.append(
                "ifnull(json_extract(t.properties, '$.publishedAt'), t.created_at) >= :since"
            )
            parameters["since"] = narrow.since
        return " AND ".join(parts), parameters

    def _allowed(self, identity: str, narrow: Narrow) -> tuple[str, dict[str, Any]] | None:
        """Return a query of the vector pks a narrowed search may see, None where all may."""
        is_narrow = bool(narrow.types or narrow.tags or narrow.since is not None)
        hides = self.database.one(
            f"SELECT 1 FROM things AS t WHERE {self.in_scope('t')}"
            " AND t.status = 'archived' LIMIT 1",
            self.bound(),
        )
        if not is_narrow and hides is None and not self.scope.viewer:
            return None
        narrowed, parameters = self._narrowed(narrow)
        sql = (
            "SELECT v.pk FROM vectors AS v JOIN knowledge AS k ON k.group_id = v.group_id"
            " AND k.id = v.knowledge_id JOIN things AS t ON t.group_id = k.group_id"
            " AND t.id = k.thing_id WHERE v.group_id = :scope AND v.identity = :identity"
            f" AND {narrowed}"
        )
        return sql, {**self.bound(), **parameters, "identity": identity}

    def vector_counts(self) -> dict[str, int]:
        """Return how many chunks of the scope have vectors, by identity."""
        rows = self.database.rows(
            "SELECT v.identity, count(DISTINCT v.knowledge_id) FROM vectors AS v"
            f" WHERE {self.in_scope('v')} GROUP BY v.identity",
            self.bound(),
        )
        return {row[0]: row[1] for row in rows}


def _values(group_id: str, chunk: Chunk) -> dict[str, Any]:
    return {
        "group_id": group_id,
        "id": chunk.id,
        "link_id": derived_id(group_id, "thing_knowledge", chunk.id),
        "thing_id": chunk.thing_id,
        "ordinal": chunk.ordinal,
        "text": chunk.text,
        "start": chunk.start,
        "end": chunk.end,
        "segment_first": chunk.segment_first,
        "segment_last": chunk.segment_last,
        "content_hash": chunk.content_hash,
        "role": chunk.role,
        "now": now(),
    }
