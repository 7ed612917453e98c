"""How ordered links are found, counted and spaced; ``sequences`` says what is done with them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from typing import Any

from vidctl.errors import Conflict, NotFound, UsageError
from vidctl.model.connection import Connection
from vidctl.model.place import Place
from vidctl.store.connections import connection_of
from vidctl.store.database import Scoped, now, to_json
from vidctl.store.spacing import between, spread

# How many rows to either side are spread anew at first; more while there is no room.
WINDOW = 8

LINK = "c.id, c.group_id, c.from_id, c.to_id, c.type, c.position, c.metadata"
# The owner's group is one of the scope's; where that has only one, comparing twice takes time.
IN_GROUP = "{in_scope} AND c.group_id = :group"
MEMBERS = "{in_group} AND c.from_id = :owner AND c.type = 'contains' AND c.deleted_at IS NULL"
# Links first: a page must not read the things of the whole group.
JOINED = "connections AS c CROSS JOIN things AS t ON t.group_id = c.group_id AND t.id = c.to_id"
SHOWN = "t.deleted_at IS NULL AND t.status <> 'archived' AND {in_sight}"
# Archived things first: they are few, and an index lists them.
AWAY = """
SELECT c.position, c.id FROM things AS t CROSS JOIN connections AS c
ON c.group_id = t.group_id AND c.to_id = t.id
WHERE t.status = 'archived' AND t.group_id = :group AND {members}
"""
REPOSITION = """
UPDATE connections AS c SET position = :position, updated_at = :now
WHERE {in_scope} AND c.group_id = :group AND c.id = :id
"""

# The place of a link: its position and its id.
Key = tuple[float, str]
# The links that something goes between; None is an end.
Gap = tuple[Key | None, Key | None]
Owner = dict[str, Any]
# Before everything; where a link without a position stands.
FIRST: Key = (float("-inf"), "")
# The most that SQLite counts to.
LAST = 2**63 - 1


class Ordered(Scoped):
    """Base of ``sequences``: queries over the ordered links of one owner.

    An owner is named by its parameters, which ``_owner`` and ``_find`` return.
    """

    @property
    def _members(self) -> str:
        in_scope = self.in_scope("c")
        return MEMBERS.format(
            in_group=in_scope if self._single else IN_GROUP.format(in_scope=in_scope)
        )

    @property
    def _shown(self) -> str:
        return SHOWN.format(in_sight=self.in_sight("t"))

    def _find(self, owner_id: str) -> Owner | None:
        """Return the parameters that name an owner's links, None for one that is not there."""
        row = self.database.one(
            f"SELECT t.group_id FROM things AS t WHERE {self.in_scope('t')} AND t.id = :id"
            f" AND t.deleted_at IS NULL AND {self.in_sight('t')}",
            self.bound(id=owner_id),
        )
        return None if row is None else {"group": row[0], "owner": owner_id}

    def _owner(self, owner_id: str) -> Owner:
        owner = self._find(owner_id)
        if owner is None:
            raise NotFound(f"there is no thing {owner_id}")
        return owner

    def _check(self, owner: Owner, members: list[str]) -> None:
        rows = self.database.rows(
            f"SELECT t.id, t.group_id FROM things AS t WHERE {self.in_scope('t')}"
            " AND t.id IN (SELECT value FROM json_each(:ids)) AND t.deleted_at IS NULL"
            f" AND {self.in_sight('t')}",
            self.bound(ids=to_json(members)),
        )
        groups = {row[0]: row[1] for row in rows}
        for member in members:
            if member not in groups:
                raise NotFound(f"there is no thing {member}")
            if groups[member] != owner["group"]:
                raise Conflict("what one group holds cannot be put into what another group holds")

    def _missing(self, member_id: str) -> NotFound:
        return NotFound(f"{member_id} is not in there")

    def _links(self, owner: Owner) -> list[Connection]:
        rows = self.database.rows(
            f"SELECT {LINK} FROM connections AS c WHERE {self._members} ORDER BY c.position, c.id",
            self.bound(**owner),
        )
        return [connection_of(row) for row in rows]

    def _held(self, owner: Owner, members: Iterable[str]) -> list[Connection]:
        rows = self.database.rows(
            f"SELECT {LINK} FROM connections AS c WHERE {self._members}"
            " AND c.to_id IN (SELECT value FROM json_each(:ids))",
            self.bound(**owner, ids=to_json(list(members))),
        )
        return [connection_of(row) for row in rows]

    def _key(self, owner: Owner, member_id: str) -> Key:
        found = self._held(owner, [member_id])
        if not found:
            raise self._missing(member_id)
        return key_of((found[0].position, found[0].id))

    def _settle(self, owner: Owner) -> None:
        """Number links that were made without a position, which stand first."""
        row = self.database.one(
            f"SELECT 1 FROM connections AS c WHERE {self._members} AND c.position IS NULL",
            self.bound(**owner),
        )
        if row is not None:
            numbered = enumerate(self._links(owner), start=1)
            self._write(owner, [(float(number), link.id) for number, link in numbered])

    def _write(self, owner: Owner, places: Iterable[tuple[float | None, str]]) -> None:
        moment = now()
        shared = self.bound(group=owner["group"], now=moment)
        self.database.executemany(
            REPOSITION.format(in_scope=self.in_scope("c")),
            [{**shared, "position": position, "id": link_id} for position, link_id in places],
        )

    def _away(self, owner: Owner) -> list[Key]:
        """Return the places of the members that are archived."""
        sql = AWAY.format(members=self._members)
        return [key_of(row) for row in self.database.rows(sql, self.bound(**owner))]

    def _count(self, owner: Owner, upto: Key | None = None) -> int:
        """Count the members shown: all of them, or those to a place, which is counted too."""
        position, link_id = upto or FIRST
        parameters = self.bound(**owner, position=position, id=link_id)
        source, shown, hidden = JOINED, self._shown, 0
        if not self.scope.viewer:
            # Looking up every member costs twenty times as much as counting links.
            source, shown = "connections AS c", "1"
            hidden = sum(upto is None or key <= upto for key in self._away(owner))
        counts = [
            self.database.one(
                f"SELECT count(*) FROM {source} WHERE {self._members} AND {condition} AND {shown}",
                parameters,
            )[0]
            for condition in reached(upto)
        ]
        return int(sum(counts)) - hidden

    # --- places ---------------------------------------------------------------------------------

    def _gap(self, owner: Owner, place: Place, *, but: Key | None = None) -> Gap:
        """Return the links that a place lies between, ``but`` left out."""
        if place.after is not None:
            low = self._anchor(owner, place.after, but)
            following = self._keys(owner, "after", low, but, 1)
            return low, following[0] if following else None
        high: Key | None = None
        if place.before is not None:
            high = self._anchor(owner, place.before, but)
        elif place.at is not None:
            high = self._nth(owner, place.at, but)
        preceding = self._keys(owner, "before", high, but, 1)
        return preceding[0] if preceding else None, high

    def _anchor(self, owner: Owner, member_id: str, but: Key | None) -> Key:
        key = self._key(owner, member_id)
        if key == but:
            raise UsageError("nothing can be put before or after itself")
        return key

    def _nth(self, owner: Owner, number: int, but: Key | None) -> Key | None:
        """Return the place of the member shown as ``number``, None beyond the end."""
        if self.scope.viewer:
            shown = f"{self._shown} AND c.id <> :but"
            return self._key_at(owner, number, JOINED, shown, but=but[1] if but else "")
        # Links are counted off; for each hidden one that was passed, one more.
        hidden = sorted({*self._away(owner), *([but] if but else [])})
        key, passed = self._key_at(owner, number, "connections AS c", "1"), 0
        while key is not None and (found := bisect_right(hidden, key)) > passed:
            further = self._keys(owner, "after", key, None, found - passed)
            key = further[-1] if len(further) == found - passed else None
            passed = found
        return key

    def _key_at(
        self, owner: Owner, number: int, source: str, shown: str, **parameters: str
    ) -> Key | None:
        row = self.database.one(
            f"SELECT c.position, c.id FROM {source} WHERE {self._members} AND {shown}"
            " ORDER BY c.position, c.id LIMIT 1 OFFSET :offset",
            self.bound(**owner, offset=min(number - 1, LAST), **parameters),
        )
        return None if row is None else key_of(row)

    def _keys(
        self, owner: Owner, side: str, of: Key | None, but: Key | None, limit: int
    ) -> list[Key]:
        """Return the places next to one, nearest first; those at the end when it is None."""
        sign, direction = ("<", "DESC") if side == "before" else (">", "ASC")
        beyond = "1" if of is None else f"(c.position, c.id) {sign} (:position, :id)"
        position, link_id = of or FIRST
        rows = self.database.rows(
            f"SELECT c.position, c.id FROM connections AS c WHERE {self._members} AND {beyond}"
            f" AND c.id <> :but ORDER BY c.position {direction}, c.id {direction} LIMIT :limit",
            self.bound(
                **owner, position=position, id=link_id, but=but[1] if but else "", limit=limit
            ),
        )
        return [key_of(row) for row in rows]

    def _room(self, owner: Owner, gap: Gap, count: int, *, but: Key | None = None) -> list[float]:
        """Return positions inside a gap; where none are left, its surroundings are spread anew."""
        low, high = gap
        found = between(low and low[0], high and high[0], count)
        return found if found is not None else self._spread(owner, gap, count, but)

    def _spread(self, owner: Owner, gap: Gap, count: int, but: Key | None) -> list[float]:
        low, high = gap
        width = WINDOW
        while True:
            # The outermost link on each side is not moved: it says how far the others may go.
            ahead = [low, *self._keys(owner, "before", low, but, width)] if low else []
            behind = [high, *self._keys(owner, "after", high, but, width)] if high else []
            floor = ahead.pop()[0] if len(ahead) > width else None
            ceiling = behind.pop()[0] if len(behind) > width else None
            inside = [*reversed(ahead), *behind]
            found = spread(floor, ceiling, len(inside) + count)
            if found is not None:
                middle = found[len(ahead) : len(ahead) + count]
                kept = found[: len(ahead)] + found[len(ahead) + count :]
                self._write(owner, [(new, key[1]) for key, new in zip(inside, kept, strict=True)])
                return middle
            width *= 2


def beyond(key: Key | None) -> str:
    """Return the condition for being behind a place; links without a position stand first."""
    if key is None:
        return "1"
    if key[0] == FIRST[0]:
        return "(c.position IS NOT NULL OR c.id > :id)"
    return "(c.position, c.id) > (:position, :id)"


def reached(key: Key | None) -> tuple[str, ...]:
    """Return conditions that together, each for itself, hold for what is not behind a place."""
    if key is None:
        return ("1",)
    if key[0] == FIRST[0]:
        return ("c.position IS NULL AND c.id <= :id",)
    return (
        "c.position IS NULL",
        "c.position < :position",
        "c.position = :position AND c.id <= :id",
    )


def key_of(row: Any) -> Key:
    """Return the place of a row (position, id)."""
    return (FIRST[0] if row[0] is None else float(row[0]), row[1])
