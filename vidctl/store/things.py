"""Things of a scope: get, resolve what people type, page through, save, purge."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from typing import Any

from vidctl.errors import Ambiguous, NotFound, UsageError
from vidctl.ids import is_id, slugify
from vidctl.model.condition import Condition
from vidctl.model.thing import MEDIA_TYPES, PEOPLE_TYPES, Page, Thing, ThingQuery
from vidctl.store.conditions import conditions_of
from vidctl.store.database import Scoped, now, to_json

PREFIX_LENGTH = 4
CANDIDATES = 6

COLUMNS = (
    "t.id, t.group_id, t.type, t.slug, t.name, t.status, t.properties, t.created_at, t.updated_at"
)

INSERT = """
INSERT INTO things (group_id, id, type, slug, name, status, properties, created_at, updated_at)
VALUES (:group_id, :id, :type, :slug, :name, :status, :properties, :created_at, :updated_at)
"""

UPDATE = """
UPDATE things AS t
SET slug = :slug, name = :name, status = :status, properties = :properties, updated_at = :updated_at
WHERE {in_scope} AND {in_sight} AND t.id = :id AND t.deleted_at IS NULL
"""

# What stays of a purged thing is its id: without it, a sync would bring the thing back.
TOMBSTONE = """
UPDATE things AS t
SET slug = t.id, name = '', status = 'archived', properties = '{{}}', updated_at = :now,
    deleted_at = :now
WHERE {in_scope} AND t.id = :id
"""

# Finished parts of unfinished work hold what was said; an error may quote it.
FORGET_WORK = (
    "DELETE FROM job_parts WHERE group_id = :group AND job_id IN"
    " (SELECT id FROM jobs WHERE group_id = :group AND thing_id = :id)",
    "UPDATE jobs SET state = 'done', error = '', lease_owner = '', lease_until = 0"
    " WHERE group_id = :group AND thing_id = :id",
)

HAS_ROLE = (
    "(t.id IN (SELECT value FROM json_each(:role_owners)) OR EXISTS (SELECT 1 FROM connections AS c"
    " WHERE c.group_id = t.group_id AND c.from_id = t.id AND c.type = 'member_of'"
    " AND c.to_id = t.group_id AND json_extract(c.metadata, '$.role') = :role"
    " AND c.deleted_at IS NULL))"
)

# Types with a command of their own that lists them.
LISTED = (*MEDIA_TYPES, "playlist", "course")

SORTS = {
    "created": "t.created_at",
    "updated": "t.updated_at",
    "published": "ifnull(json_extract(t.properties, '$.publishedAt'), 0)",
    "title": "fold(t.name)",
    "duration": "ifnull(json_extract(t.properties, '$.duration'), 0)",
}


def thing_of(row: Any) -> Thing:
    """Make a record of a row with the columns of COLUMNS."""
    return Thing(
        id=row[0],
        group_id=row[1],
        type=row[2],
        slug=row[3],
        name=row[4],
        status=row[5],
        properties=json.loads(row[6]),
        created_at=row[7],
        updated_at=row[8],
    )


def readings(reference: str) -> list[str]:
    """Return the conditions on ``t`` by which a reference can be meant, the surest first."""
    if reference.startswith("yt:"):
        return ["json_extract(t.properties, '$.youtubeId') = substr(:ref, 4)"]
    found = ["t.id = :ref"] if is_id(reference) else []
    found.append("t.slug = :ref")
    if len(reference) >= PREFIX_LENGTH and reference.isalnum() and reference.isascii():
        found.append("t.id >= lower(:ref) AND t.id < lower(:ref) || '~'")
    return found


class SqliteThings(Scoped):
    """The ``Things`` port over SQLite."""

    def add(self, thing: Thing) -> None:
        """Insert a thing into the scope's home group. Raises Conflict for a taken slug or id."""
        with self.database.transaction():
            self.database.execute(INSERT, {**self._values(thing), "group_id": self.scope.home})

    def save(self, thing: Thing) -> None:
        """Write a thing's slug, name, status and properties. Raises NotFound outside the scope."""
        with self.database.transaction():
            sql = UPDATE.format(in_scope=self.in_scope("t"), in_sight=self.in_sight("t"))
            done = self.database.execute(sql, self.bound(**self._values(thing)))
            if not done.rowcount:
                raise NotFound(f"there is no thing {thing.id}")

    def get(self, thing_id: str) -> Thing:
        """Return the thing of a full id. Raises NotFound, also for ids of other groups."""
        found = self.find(thing_id)
        if found is None:
            raise NotFound(f"nothing here is called {thing_id!r}")
        return found

    def find(self, thing_id: str) -> Thing | None:
        """Return the thing of a full id, None when this scope has none."""
        found = self._where("t.id = :id", 1, id=thing_id)
        return found[0] if found else None

    def known(self, ids: Iterable[str]) -> dict[str, Thing]:
        """Return the things of these ids that are here and in sight, by id."""
        wanted = list(dict.fromkeys(ids))
        if not wanted:
            return {}
        found = self._where(
            "t.id IN (SELECT value FROM json_each(:ids))", len(wanted), ids=to_json(wanted)
        )
        return {thing.id: thing for thing in found}

    def resolve(self, reference: str, types: Sequence[str] = ()) -> Thing:
        """Return the thing that a person means: a full id, slug, ``yt:`` id or unique id prefix.

        Raises Ambiguous with the candidates when several fit, NotFound when none does.
        """
        allowed = "t.type IN (SELECT value FROM json_each(:types))" if types else "1"
        parameters: dict[str, Any] = {"types": to_json(list(types)), "ref": reference}
        for condition in readings(reference):
            found = self._where(f"{allowed} AND {condition}", CANDIDATES, **parameters)
            if len(found) == 1:
                return found[0]
            if found:
                names = ", ".join(f"{thing.slug} ({thing.type} {thing.id})" for thing in found)
                raise Ambiguous(
                    f"{reference!r} fits several things: {names}", hint="use a slug or a full id"
                )
        kinds: dict[tuple[str, ...], str] = {MEDIA_TYPES: "item", PEOPLE_TYPES: "person"}
        kind = types[0] if len(types) == 1 else kinds.get(tuple(types), "thing")
        lists = [f"vidctl {type}s list" for type in types if type in LISTED]
        raise NotFound(f"no {kind} here is called {reference!r}", hint=", or ".join(lists))

    def _where(self, condition: str, limit: int, **parameters: Any) -> list[Thing]:
        sql = (
            f"SELECT {COLUMNS} FROM things AS t WHERE {self.in_scope('t')} AND {self.in_sight('t')}"
            f" AND t.deleted_at IS NULL AND {condition} ORDER BY t.id LIMIT :limit"
        )
        return [thing_of(r) for r in self.database.rows(sql, self.bound(limit=limit, **parameters))]

    def free_slug(self, wanted: str) -> str:
        """Return a slug made from ``wanted`` that no thing of the home group has."""
        base = slugify(wanted)
        taken = {
            row[0]
            for row in self.database.rows(
                "SELECT slug FROM things WHERE group_id = :home AND (slug = :base"
                " OR slug GLOB :base || '-[0-9]*')",
                self.bound(base=base),
            )
        }
        number = 2
        slug = base
        while slug in taken:
            slug = f"{base}-{number}"
            number += 1
        return slug

    def page(self, query: ThingQuery) -> Page:
        """Return one page of things, and how many match in all."""
        where, parameters = self._filters(query)
        sql = f"SELECT count(*) FROM things AS t WHERE {where}"
        with self.database.reading():
            total = self.database.one(sql, parameters)[0]
            rows = self._page_rows(query, where, parameters)
        shown = rows[: query.limit]
        more = len(rows) > query.limit and bool(shown)
        cursor = write_cursor(query, shown[-1][9], shown[-1][0]) if more else None
        return Page(tuple(thing_of(row) for row in shown), total, cursor)

    def _page_rows(self, query: ThingQuery, where: str, parameters: dict[str, Any]) -> list[Any]:
        """Return a page's rows and the one behind it, which tells that there are more."""
        key = SORTS[query.sort]
        direction, beyond = ("DESC", "<") if query.descending else ("ASC", ">")
        if query.cursor:
            where += f" AND ({key}, t.id) {beyond} (:after, :after_id)"
            after, after_id = read_cursor(query.cursor, query)
            parameters = {**parameters, "after": after, "after_id": after_id}
        sql = (
            f"SELECT {COLUMNS}, {key} FROM things AS t WHERE {where}"
            f" ORDER BY {key} {direction}, t.id {direction} LIMIT :limit"
        )
        return self.database.rows(sql, {**parameters, "limit": query.limit + 1})

    def _filters(self, query: ThingQuery) -> tuple[str, dict[str, Any]]:
        parameters = self.bound()
        parts = [self.in_scope("t"), self.in_sight("t"), "t.deleted_at IS NULL"]
        if len(query.types) == 1:
            parts.append("t.type = :type")
            parameters["type"] = query.types[0]
        elif query.types:
            parts.append("t.type IN (SELECT value FROM json_each(:types))")
            parameters["types"] = to_json(query.types)
        if query.status != "all":
            parts.append("t.status = :status" if query.status else "t.status <> 'archived'")
            parameters["status"] = query.status
        named = (("tag", query.tags), ("category", query.categories), ("label", query.labels))
        wanted = [Condition(key, "=", value) for key, values in named for value in values]
        if query.author is not None:
            wanted.append(Condition("author", "=", query.author))
        conditions, values_of = conditions_of((*wanted, *query.where))
        parts += conditions
        parameters |= values_of
        if query.role is not None:
            parts.append(HAS_ROLE)
            parameters |= {"role": query.role, "role_owners": to_json(query.role_owners)}
        dated = "ifnull(json_extract(t.properties, '$.publishedAt'), t.created_at)"
        for sign, moment, name in ((">=", query.since, "since"), ("<", query.until, "until")):
            if moment is not None:
                parts.append(f"{dated} {sign} :{name}")
                parameters[name] = moment
        if query.text:
            parts.append(
                "instr(fold(t.name || ' ' || ifnull(json_extract(t.properties, '$.description'),"
                " '')), fold(:text)) > 0"
            )
            parameters["text"] = query.text
        return " AND ".join(parts), parameters

    def purge(self, thing_id: str) -> None:
        """Remove what a thing says and everything derived from it; only its id stays.

        Segments, chunks, vectors, links and media rows go with it; events stay, as a log must.
        """
        with self.database.transaction():
            thing = self.get(thing_id)
            sql = TOMBSTONE.format(in_scope=self.in_scope("t"))
            self.database.execute(sql, self.bound(id=thing.id, now=now()))
            self.database.execute(
                "UPDATE connections SET deleted_at = :now, updated_at = :now WHERE"
                " group_id = :group AND :id IN (from_id, to_id) AND deleted_at IS NULL",
                {"now": now(), "group": thing.group_id, "id": thing.id},
            )
            for sql in FORGET_WORK:
                self.database.execute(sql, {"group": thing.group_id, "id": thing.id})

    def _values(self, thing: Thing) -> dict[str, Any]:
        return {
            "id": thing.id,
            "type": thing.type,
            "slug": thing.slug,
            "name": thing.name,
            "status": thing.status,
            "properties": to_json(thing.properties),
            "created_at": thing.created_at,
            "updated_at": thing.updated_at,
        }


def write_cursor(query: ThingQuery, value: Any, thing_id: str) -> str:
    """Write the place after which the next page begins as a token safe in URLs and shells."""
    raw = to_json([query.sort, query.descending, value, thing_id]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str, query: ThingQuery) -> tuple[Any, str]:
    """Read a cursor back. Raises UsageError when it is damaged or of another sort order."""
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        sort, descending, value, thing_id = json.loads(raw)
    except (ValueError, TypeError):
        raise UsageError(f"{cursor!r} is no page of a listing") from None
    if (sort, descending) != (query.sort, query.descending):
        raise UsageError(
            "that page belongs to another order", hint="repeat the --sort of the first page"
        )
    is_text = isinstance(value, str)
    is_number = isinstance(value, (int, float)) and -(2**63) <= value < 2**63
    if not (is_text or is_number) or not isinstance(thing_id, str):
        raise UsageError(f"{cursor!r} is no page of a listing")
    return value, thing_id
