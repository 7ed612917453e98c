"""``watched`` links of a scope, read and written by the batch."""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from vidctl.errors import UsageError
from vidctl.ids import is_id, new_ids
from vidctl.model.event import Event
from vidctl.model.watching import WatchPage, WatchQuery
from vidctl.store.connections import connection_of
from vidctl.store.database import Scoped, now, to_json
from vidctl.store.event_log import COLUMNS, event_of

# A person and an item.
Pair = tuple[str, str]

UPSERT = """
INSERT INTO connections (group_id, id, from_id, to_id, type, metadata, created_at, updated_at)
VALUES (?, ?, ?, ?, 'watched', ?, ?, ?)
ON CONFLICT (group_id, from_id, type, to_id) DO UPDATE SET metadata = excluded.metadata,
  updated_at = excluded.updated_at, deleted_at = NULL
"""
WATCHING = "('video_viewed', 'video_progressed', 'video_completed', 'progress_reset')"
LAST_AT = "json_extract(c.metadata, '$.lastAt')"


class SqliteWatched(Scoped):
    """The ``Watched`` port over SQLite."""

    def load(self, pairs: Collection[Pair]) -> dict[Pair, dict[str, Any]]:
        """Return the metadata of the links of some pairs; a pair without a link is left out."""
        rows = self.database.rows(
            "SELECT c.from_id, c.to_id, c.metadata FROM json_each(:pairs) AS j"
            " CROSS JOIN connections AS c ON c.from_id = j.value ->> 0 AND c.to_id = j.value ->> 1"
            f" AND c.type = 'watched' AND c.deleted_at IS NULL AND {self.in_scope('c')}",
            self.bound(pairs=to_json(list(pairs))),
        )
        decode = msgspec.json.decode
        return {(row[0], row[1]): decode(row[2]) for row in rows}

    def save(self, links: Mapping[Pair, dict[str, Any]]) -> None:
        """Write the links of some pairs, each in the group of its item.

        Raises Conflict for a person or an item that is not there.
        """
        with self.database.transaction():
            groups = self.groups_of({item for _, item in links})
            present, home, encode = now(), self.scope.home, msgspec.json.encode
            self.database.executemany(
                UPSERT,
                [
                    (
                        groups.get(item, home),
                        id_,
                        person,
                        item,
                        encode(said).decode(),
                        *[present] * 2,
                    )
                    for id_, ((person, item), said) in zip(
                        new_ids(len(links)), links.items(), strict=True
                    )
                ],
            )

    def events(self, pairs: Collection[Pair]) -> dict[Pair, list[Event]]:
        """Return every event that counts for some pairs, in no particular order."""
        found: dict[Pair, list[Event]] = {pair: [] for pair in pairs}
        people = sorted({person for person, _ in pairs})
        items = sorted({item for _, item in pairs})
        for event in self.every(people, items):
            pair = (str(event.actor_id), str(event.target_id))
            if pair in found:
                found[pair].append(event)
        return found

    def every(
        self, people: Sequence[str] = (), items: Sequence[str] = (), *, by_pair: bool = False
    ) -> Iterable[Event]:
        """Yield the events about watching, oldest first, of some people and items or of all.

        ``by_pair`` yields those of one person and item after those of another.
        """
        condition = f"{self.in_scope('e')} AND e.type = 'content_event' AND e.action IN {WATCHING}"
        if items:
            condition += " AND e.target_id IN (SELECT value FROM json_each(:items))"
        if people:
            condition += " AND e.actor_id IN (SELECT value FROM json_each(:people))"
        key = "e.target_id, e.actor_id, e.at, e.id" if by_pair else "e.at, e.id"
        rows = self.database.execute(
            f"SELECT {COLUMNS} FROM events AS e WHERE {condition} ORDER BY {key}",
            self.bound(items=to_json(list(items)), people=to_json(list(people))),
        )
        for row in rows:
            yield event_of(row)

    def page(self, query: WatchQuery) -> WatchPage:
        """Return one page of links to things in sight, and how many match in all."""
        condition, parameters = self._filters(query)
        with self.database.reading():
            total = self.database.one(f"SELECT count(*) {condition}", parameters)[0]
            if query.cursor:
                condition += f" AND ({LAST_AT}, c.id) < (:after, :after_id)"
                after, after_id = read_cursor(query.cursor)
                parameters |= {"after": after, "after_id": after_id}
            rows = self.database.rows(
                f"SELECT c.id, c.group_id, c.from_id, c.to_id, c.type, c.position, c.metadata,"
                f" {LAST_AT} {condition} ORDER BY {LAST_AT} DESC, c.id DESC LIMIT :limit",
                {**parameters, "limit": query.limit + 1},
            )
        shown = rows[: query.limit]
        more = len(rows) > query.limit
        cursor = write_cursor(shown[-1][7], shown[-1][0]) if more else None
        return WatchPage(tuple(connection_of(row) for row in shown), int(total), cursor)

    def _filters(self, query: WatchQuery) -> tuple[str, dict[str, Any]]:
        condition = (
            "FROM connections AS c JOIN things AS t ON t.group_id = c.group_id AND t.id = c.to_id"
            f" WHERE {self.in_scope('c')} AND {self.in_sight('t')} AND c.type = 'watched'"
            " AND c.deleted_at IS NULL AND t.deleted_at IS NULL"
        )
        for column, wanted in (("from_id", query.people), ("to_id", query.items)):
            if wanted:
                condition += f" AND c.{column} IN (SELECT value FROM json_each(:{column}))"
        people, items = to_json(list(query.people)), to_json(list(query.items))
        return condition, self.bound(from_id=people, to_id=items)


def write_cursor(last_at: int, link_id: str) -> str:
    """Write the place after which the next page begins as a token safe in URLs and shells."""
    return base64.urlsafe_b64encode(to_json([last_at, link_id]).encode()).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, str]:
    """Read a cursor back. Raises UsageError when it is damaged."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        last_at, link_id = json.loads(raw)
    except (ValueError, TypeError):
        raise UsageError(f"{cursor!r} is no page of a listing") from None
    is_number = isinstance(last_at, int) and -(2**63) <= last_at < 2**63
    if not is_number or not isinstance(link_id, str) or not is_id(link_id):
        raise UsageError(f"{cursor!r} is no page of a listing")
    return last_at, link_id
