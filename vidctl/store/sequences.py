"""Ordered ``contains`` links: what is in a playlist, course or lesson, and where.

Links are in order of (position, id). What is archived keeps its place and is not shown, and
neither is what the scope's viewer does not see.
"""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Sequence
from typing import Any

from vidctl.errors import UsageError
from vidctl.ids import new_ids
from vidctl.model.connection import Connection
from vidctl.model.place import LinkPage, Place, Placed
from vidctl.store.connections import connection_of
from vidctl.store.database import now, to_json
from vidctl.store.order import FIRST, JOINED, LINK, Key, Ordered, beyond, key_of
from vidctl.store.things import COLUMNS, SORTS, thing_of

END = Place()
DATED = "ifnull(json_extract(t.properties, '$.publishedAt'), t.created_at)"
RANKS = {"title": SORTS["title"], "duration": SORTS["duration"], "date": DATED}

UPSERT = """
INSERT INTO connections (group_id, id, from_id, to_id, type, position, metadata, created_at,
  updated_at)
VALUES (:group, :id, :owner, :member, 'contains', :position, :metadata, :now, :now)
ON CONFLICT (group_id, from_id, type, to_id) DO UPDATE SET position = excluded.position,
  metadata = excluded.metadata, updated_at = excluded.updated_at, deleted_at = NULL
"""


class SqliteSequences(Ordered):
    """The ``Sequences`` port over SQLite."""

    def insert(
        self,
        owner_id: str,
        member_ids: Sequence[str],
        place: Place = END,
        *,
        metadata: dict[str, Any] | None = None,
    ) -> list[str]:
        """Put members into an order, one behind the other, and return the ids that were new.

        Members already there stay where they are. Raises NotFound for an owner, member or
        neighbour that is not there, Conflict for a member of another group.
        """
        wanted = list(dict.fromkeys(member_ids))
        with self.database.transaction():
            owner = self._owner(owner_id)
            self._check(owner, wanted)
            held = {link.to_id for link in self._held(owner, wanted)}
            new = [member for member in wanted if member not in held]
            self._settle(owner)
            gap = self._gap(owner, place)
            positions = self._room(owner, gap, len(new)) if new else []
            said, moment = to_json(metadata or {}), now()
            self.database.executemany(
                UPSERT,
                [
                    {
                        **owner,
                        "id": link_id,
                        "member": member,
                        "position": position,
                        "metadata": said,
                        "now": moment,
                    }
                    for link_id, member, position in zip(
                        new_ids(len(new)), new, positions, strict=True
                    )
                ],
            )
        return new

    def move(self, owner_id: str, member_id: str, place: Place) -> bool:
        """Put a member elsewhere in its order; False when it is there already.

        One row is written where there is room. Raises NotFound when the member, or the one it
        goes before or after, is not in the order.
        """
        with self.database.transaction():
            owner = self._owner(owner_id)
            self._settle(owner)
            key = self._key(owner, member_id)
            low, high = self._gap(owner, place, but=key)
            if (low is None or low < key) and (high is None or key < high):
                return False
            position = self._room(owner, (low, high), 1, but=key)[0]
            self._write(owner, [(position, key[1])])
        return True

    def remove(self, owner_id: str, member_id: str) -> bool:
        """Take a member out of an order; False when it is not in it."""
        with self.database.transaction():
            done = self.database.execute(
                "UPDATE connections AS c SET deleted_at = :now, updated_at = :now WHERE"
                f" {self._members} AND c.to_id = :member",
                self.bound(**self._owner(owner_id), member=member_id, now=now()),
            )
        return bool(done.rowcount)

    def arrange(self, owner_id: str, member_ids: Sequence[str]) -> bool:
        """Give members this order; False when they have it already.

        Members that are not named stay at the places they have, the named ones share the rest.
        Raises NotFound for one that is no member.
        """
        wanted = list(dict.fromkeys(member_ids))
        with self.database.transaction():
            owner = self._owner(owner_id)
            links = self._links(owner)
            held = {link.to_id: link for link in links}
            for member in wanted:
                if member not in held:
                    raise self._missing(member)
            named, following = set(wanted), iter(wanted)
            after = [held[next(following)] if link.to_id in named else link for link in links]
            if after == links:
                return False
            positions = [link.position for link in links]
            if not _rises(positions):
                positions = [float(number) for number in range(1, len(links) + 1)]
            pairs = zip(after, positions, strict=True)
            self._write(
                owner,
                [(position, link.id) for link, position in pairs if link.position != position],
            )
        return True

    def links(self, owner_id: str) -> Sequence[Connection]:
        """Return all links of an owner in order, those to what is not shown among them."""
        owner = self._find(owner_id)
        return [] if owner is None else self._links(owner)

    def page(self, owner_id: str, *, limit: int, cursor: str | None = None) -> LinkPage:
        """Return one page of what is shown, in order; empty for an owner that is not there.

        Raises UsageError for a cursor that is damaged or of another order.
        """
        after = None if cursor is None else read_cursor(cursor, owner_id)
        with self.database.reading():
            owner = self._find(owner_id)
            if owner is None:
                return LinkPage((), 0)
            total = self._count(owner)
            passed = 0 if after is None else self._count(owner, after)
            position, link_id = after or FIRST
            rows = self.database.rows(
                f"SELECT {COLUMNS}, {LINK} FROM {JOINED} WHERE {self._members} AND {self._shown}"
                f" AND {beyond(after)} ORDER BY c.position, c.id LIMIT :limit",
                self.bound(**owner, position=position, id=link_id, limit=limit + 1),
            )
        placed = tuple(
            Placed(ordinal, thing_of(row), connection_of(row[9:]))
            for ordinal, row in enumerate(rows[:limit], start=passed + 1)
        )
        more = len(rows) > limit and bool(placed)
        return LinkPage(placed, total, write_cursor(owner_id, placed[-1].link) if more else None)

    def count(self, owner_id: str) -> int:
        """Return how many members are shown."""
        with self.database.reading():
            owner = self._find(owner_id)
            return 0 if owner is None else self._count(owner)

    def ordinal(self, owner_id: str, member_id: str) -> int | None:
        """Return a member's place among those shown, from 1; None when it is not one of them."""
        with self.database.reading():
            owner = self._find(owner_id)
            if owner is None:
                return None
            row = self.database.one(
                f"SELECT c.position, c.id FROM {JOINED} WHERE {self._members}"
                f" AND c.to_id = :member AND {self._shown}",
                self.bound(**owner, member=member_id),
            )
            return None if row is None else self._count(owner, key_of(row))

    def duration(self, owner_id: str) -> float:
        """Return the seconds that all shown members take together."""
        owner = self._find(owner_id)
        if owner is None:
            return 0.0
        row = self.database.one(
            f"SELECT total(json_extract(t.properties, '$.duration')) FROM {JOINED}"
            f" WHERE {self._members} AND {self._shown}",
            self.bound(**owner),
        )
        return float(row[0])

    def types(self, owner_id: str) -> Sequence[str]:
        """Return the types of all members, archived ones too, by name."""
        owner = self._find(owner_id)
        if owner is None:
            return []
        rows = self.database.rows(
            f"SELECT DISTINCT t.type FROM {JOINED} WHERE {self._members} AND t.deleted_at IS NULL"
            " ORDER BY t.type",
            self.bound(**owner),
        )
        return [row[0] for row in rows]

    def ranked(self, owner_id: str, by: str, *, descending: bool = False) -> Sequence[str]:
        """Return the ids of the members shown by ``title``, ``date`` or ``duration``.

        A date is that of publication, else of creation. Equal ones stay in their order.
        """
        owner = self._find(owner_id)
        if owner is None:
            return []
        direction = "DESC" if descending else "ASC"
        rows = self.database.rows(
            f"SELECT c.to_id FROM {JOINED} WHERE {self._members} AND {self._shown}"
            f" ORDER BY {RANKS[by]} {direction}, c.position, c.id",
            self.bound(**owner),
        )
        return [row[0] for row in rows]

    def owners(self, member_id: str, type: str) -> Sequence[str]:
        """Return the ids of the things of a type that contain a member, oldest first."""
        rows = self.database.rows(
            "SELECT t.id FROM connections AS c CROSS JOIN things AS t"
            " ON t.group_id = c.group_id AND t.id = c.from_id"
            f" WHERE {self.in_scope('c')} AND c.to_id = :member AND c.type = 'contains'"
            " AND c.deleted_at IS NULL AND t.type = :type AND t.deleted_at IS NULL"
            f" AND {self.in_sight('t')} ORDER BY t.id",
            self.bound(member=member_id, type=type),
        )
        return [row[0] for row in rows]

    def annotate(self, owner_id: str, member_id: str, metadata: dict[str, Any]) -> None:
        """Replace what a link says about its member. Raises NotFound when it is no member."""
        with self.database.transaction():
            done = self.database.execute(
                "UPDATE connections AS c SET metadata = :metadata, updated_at = :now WHERE"
                f" {self._members} AND c.to_id = :member",
                self.bound(
                    **self._owner(owner_id),
                    member=member_id,
                    metadata=to_json(metadata),
                    now=now(),
                ),
            )
            if not done.rowcount:
                raise self._missing(member_id)


def _rises(positions: Sequence[float | None]) -> bool:
    return all(
        one is not None and two is not None and one < two
        for one, two in itertools.pairwise(positions)
    )


def write_cursor(owner_id: str, last: Connection) -> str:
    """Write the place after which the next page begins as a token safe in URLs and shells."""
    raw = to_json([owner_id, last.position, last.id]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str, owner_id: str) -> Key:
    """Read a cursor back. Raises UsageError when it is damaged or of another order."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        owner, position, link_id = json.loads(raw)
        key = key_of((position, link_id))
        json.dumps(link_id, ensure_ascii=False).encode()
    except (ValueError, TypeError, OverflowError):
        raise UsageError(f"{cursor!r} is no page of a listing") from None
    if owner != owner_id:
        raise UsageError("that page belongs to another list")
    if not isinstance(link_id, str) or isinstance(position, (str, bool)) or key[0] != key[0]:
        raise UsageError(f"{cursor!r} is no page of a listing")
    return key
