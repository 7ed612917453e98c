"""Transcripts of a scope's things."""

from __future__ import annotations

import json
from collections.abc import Sequence

from vidctl.errors import NotFound
from vidctl.ids import derived_id
from vidctl.model.segment import Segment, Word
from vidctl.store.database import Scoped, now, to_json

UPSERT = """
INSERT INTO segments (group_id, id, thing_id, ordinal, "start", "end", speaker, text, words, source,
  created_at, updated_at)
VALUES (:group_id, :id, :thing_id, :ordinal, :start, :end, :speaker, :text, :words, :source, :now,
  :now)
ON CONFLICT (group_id, thing_id, ordinal) DO UPDATE SET "start" = excluded."start",
  "end" = excluded."end", speaker = excluded.speaker, text = excluded.text,
  words = excluded.words, source = excluded.source, updated_at = excluded.updated_at,
  deleted_at = NULL
"""

# A shorter transcript leaves lines behind; they keep their id and nothing of what was said.
BURY_REST = """
UPDATE segments SET text = '', words = NULL, speaker = NULL, deleted_at = :now, updated_at = :now
WHERE group_id = :group_id AND thing_id = :thing_id AND ordinal >= :count AND deleted_at IS NULL
"""


class SqliteSegments(Scoped):
    """The ``Segments`` port over SQLite."""

    def replace(self, thing_id: str, segments: Sequence[Segment], *, source: str) -> None:
        """Make ``segments`` the transcript of a thing; ``source`` names the engine."""
        with self.database.transaction():
            row = self.database.one(
                f"SELECT t.group_id FROM things AS t WHERE {self.in_scope('t')} AND t.id = :id"
                " AND t.deleted_at IS NULL",
                self.bound(id=thing_id),
            )
            if row is None:
                raise NotFound(f"there is no thing {thing_id}")
            present = now()
            self.database.executemany(
                UPSERT,
                [
                    {
                        "group_id": row[0],
                        "id": derived_id(row[0], "segment", f"{thing_id}/{ordinal}"),
                        "thing_id": thing_id,
                        "ordinal": ordinal,
                        "start": segment.start,
                        "end": segment.end,
                        "speaker": segment.speaker,
                        "text": segment.text,
                        "words": words_to_json(segment.words),
                        "source": source,
                        "now": present,
                    }
                    for ordinal, segment in enumerate(segments)
                ],
            )
            self.database.execute(
                BURY_REST,
                {
                    "group_id": row[0],
                    "thing_id": thing_id,
                    "count": len(segments),
                    "now": present,
                },
            )

    def of(self, thing_id: str) -> Sequence[Segment]:
        """Return a thing's transcript in order; empty when it has none."""
        rows = self.database.rows(
            'SELECT s."start", s."end", s.text, s.speaker, s.words FROM segments AS s'
            f" WHERE {self.in_scope('s')} AND s.thing_id = :thing_id AND s.deleted_at IS NULL"
            " ORDER BY s.ordinal",
            self.bound(thing_id=thing_id),
        )
        return [Segment(r[0], r[1], r[2], r[3], words_from_json(r[4])) for r in rows]

    def between(
        self, spans: Sequence[tuple[str, int, int]], *, with_words: bool = False
    ) -> dict[str, dict[int, Segment]]:
        """Return segments by thing and ordinal, given (thing id, first, last ordinal).

        Without ``with_words`` no words are read: a search looks at hundreds of segments and needs
        the times of a few.
        """
        words = "s.words" if with_words else "NULL"
        rows = self.database.rows(
            'SELECT s.thing_id, s.ordinal, s."start", s."end", s.text, s.speaker,'
            f" {words} FROM json_each(:spans) AS p CROSS JOIN segments AS s"
            " ON s.thing_id = p.value ->> 0"
            " AND s.ordinal BETWEEN p.value ->> 1 AND p.value ->> 2"
            f" WHERE {self.in_scope('s')} AND s.deleted_at IS NULL",
            self.bound(spans=to_json(spans)),
        )
        found: dict[str, dict[int, Segment]] = {}
        for thing_id, ordinal, start, end, text, speaker, spoken in rows:
            segment = Segment(start, end, text, speaker, words_from_json(spoken))
            found.setdefault(thing_id, {})[ordinal] = segment
        return found

    def source(self, thing_id: str) -> str | None:
        """Return the engine a thing's transcript came from, None when it has none."""
        row = self.database.one(
            f"SELECT s.source FROM segments AS s WHERE {self.in_scope('s')}"
            " AND s.thing_id = :thing_id AND s.deleted_at IS NULL LIMIT 1",
            self.bound(thing_id=thing_id),
        )
        return None if row is None else str(row[0])

    def transcripts(self, thing_ids: Sequence[str]) -> dict[str, str]:
        """Return the whole text of each thing that has segments, lines joined by spaces."""
        rows = self.database.rows(
            "SELECT s.thing_id, s.text FROM segments AS s"
            f" WHERE {self.in_scope('s')} AND s.deleted_at IS NULL"
            " AND s.thing_id IN (SELECT value FROM json_each(:ids))"
            " ORDER BY s.thing_id, s.ordinal",
            self.bound(ids=to_json(list(thing_ids))),
        )
        lines: dict[str, list[str]] = {}
        for thing_id, text in rows:
            lines.setdefault(thing_id, []).append(text)
        return {thing_id: " ".join(texts) for thing_id, texts in lines.items()}


def words_to_json(words: Sequence[Word]) -> str | None:
    """Write words as ``[[text, start, end], …]``, None for none."""
    return to_json([[word.text, word.start, word.end] for word in words]) if words else None


def words_from_json(text: str | None) -> tuple[Word, ...]:
    """Read what ``words_to_json`` wrote."""
    return tuple(Word(*values) for values in json.loads(text)) if text else ()
