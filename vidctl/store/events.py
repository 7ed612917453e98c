"""The append-only log of a scope."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from vidctl.errors import Ambiguous, NotFound
from vidctl.ids import new_ids
from vidctl.model.event import Event, EventPage, EventQuery
from vidctl.model.watching import Viewing
from vidctl.store import rollups
from vidctl.store.database import Scoped, now, to_json
from vidctl.store.event_log import (
    COLUMNS,
    event_of,
    narrowed,
    read_cursor,
    source,
    write_cursor,
)
from vidctl.store.things import CANDIDATES, PREFIX_LENGTH

# Rows that one statement inserts: an eighth less work for each than one by one.
ROWS, WIDTH = 100, 10
MARKS = f"({', '.join('?' * WIDTH)})"
INSERT = f"""
INSERT INTO events (group_id, id, type, action, actor_id, target_id, at, metadata, created_at,
  updated_at)
VALUES {MARKS}
"""
INSERT_ROWS = f"{INSERT.rstrip()}{f', {MARKS}' * (ROWS - 1)}"
# The type of what is logged from outside.
LOGGED = "content_event"


class SqliteEvents(Scoped):
    """The ``Events`` port over SQLite."""

    def append(self, events: Iterable[Event]) -> int:
        """Log events, each in its target's group, and add them to the roll-ups.

        An event about nothing of this scope is logged in the home group. One with an id that is
        logged already changes nothing. Returns how many were new.
        """
        given = list(events)
        with self.database.transaction():
            seen = self.known([event.id for event in given if event.id])
            fresh: list[Event] = []
            for event in given:
                if event.id not in seen:
                    fresh.append(event)
                if event.id:
                    seen.add(event.id)
            made = iter(new_ids(sum(not event.id for event in fresh)))
            present, home = now(), self.scope.home
            groups = self.groups_of({event.target_id for event in fresh if event.target_id})
            self._write(
                [event.id or next(made) for event in fresh],
                [
                    (
                        groups.get(event.target_id or "", home),
                        event.type,
                        event.action,
                        event.actor_id,
                        event.target_id,
                        event.at or present,
                        event.metadata,
                    )
                    for event in fresh
                ],
                [to_json(event.metadata) for event in fresh],
            )
        return len(fresh)

    def log(self, viewings: Sequence[Viewing]) -> None:
        """Log events that are certainly new, with times and ids of their own, as ``append`` does.

        Made for many: their metadata, of a kind that JSON has, is written in one piece.
        """
        import msgspec

        with self.database.transaction():
            groups = self.groups_of({each.item_id for each in viewings if each.item_id})
            group_of, home = groups.get, self.scope.home
            lines = msgspec.json.Encoder().encode_lines([each.metadata for each in viewings])
            self._write(
                [each.id for each in viewings],
                [
                    (group_of(item or "", home), LOGGED, action, person, item, at, metadata)
                    for at, _, action, _, _, person, item, metadata in viewings
                ],
                lines.decode().split("\n")[:-1],
            )

    def _write(self, ids: list[str], logged: list[rollups.Logged], said: list[str]) -> None:
        """Insert events, many rows a statement, and count them; ``said`` is their metadata."""
        present = now()
        flat: list[Any] = []
        for id_, (group, type_, action, actor, target, at, _), text in zip(
            ids, logged, said, strict=True
        ):
            flat += (group, id_, type_, action, actor, target, at, text, present, present)
        many, one = ROWS * WIDTH, WIDTH
        rest = len(flat) // many * many
        self.database.executemany(
            INSERT_ROWS, [flat[place : place + many] for place in range(0, rest, many)]
        )
        self.database.executemany(
            INSERT, [flat[place : place + one] for place in range(rest, len(flat), one)]
        )
        rollups.apply(self.database, logged)

    def known(self, ids: Sequence[str]) -> set[str]:
        """Return those of some ids that are logged already."""
        if not ids:
            return set()
        rows = self.database.rows(
            f"SELECT e.id FROM events AS e WHERE {self.in_scope('e')}"
            " AND e.id IN (SELECT value FROM json_each(:ids))",
            self.bound(ids=to_json(list(ids))),
        )
        return {row[0] for row in rows}

    def of(self, target_id: str, limit: int = 100) -> Sequence[Event]:
        """Return the newest events about a thing, newest first."""
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM events AS e WHERE {self.in_scope('e')}"
            " AND e.target_id = :target ORDER BY e.at DESC, e.id DESC LIMIT :limit",
            self.bound(target=target_id, limit=limit),
        )
        return [event_of(row) for row in rows]

    def count(self, target_id: str, action: str) -> int:
        """Return how often an action happened to a thing."""
        row = self.database.one(
            f"SELECT count(*) FROM events AS e WHERE {self.in_scope('e')}"
            " AND e.target_id = :target AND e.action = :action",
            self.bound(target=target_id, action=action),
        )
        return int(row[0])

    def page(self, query: EventQuery) -> EventPage:
        """Return one page of events, newest first, and how many fit in all.

        Raises UsageError for a damaged cursor.
        """
        parts, parameters = narrowed(query)
        where, table = " AND ".join((self.in_scope("e"), *parts)), source(query)
        with self.database.reading():
            total = self.database.one(
                f"SELECT count(*) FROM {table} WHERE {where}", self.bound(**parameters)
            )[0]
            if query.cursor:
                where += " AND (e.at, e.id) < (:after, :after_id)"
                parameters["after"], parameters["after_id"] = read_cursor(query.cursor)
            rows = self.database.rows(
                f"SELECT {COLUMNS} FROM {table} WHERE {where}"
                " ORDER BY e.at DESC, e.id DESC LIMIT :limit",
                self.bound(limit=query.limit + 1, **parameters),
            )
        shown = tuple(event_of(row) for row in rows[: query.limit])
        more = len(rows) > query.limit and bool(shown)
        return EventPage(shown, int(total), write_cursor(shown[-1]) if more else None)

    def each(self, query: EventQuery) -> Iterator[Event]:
        """Yield all events that fit, oldest first, as of now and without holding them.

        ``limit`` and ``cursor`` do not count.
        """
        parts, parameters = narrowed(query)
        where, table = " AND ".join((self.in_scope("e"), *parts)), source(query)
        rows = self.database.execute(
            f"SELECT {COLUMNS} FROM {table} WHERE {where} ORDER BY e.at, e.id",
            self.bound(**parameters),
        )
        with self.database.translated():
            yield from map(event_of, rows)

    def after(self, place: int | None, query: EventQuery) -> tuple[list[Event], int]:
        """Return the events written since ``place``, in the order of writing, and the new place.

        Without a place: the ``limit`` written last. What happened long ago and is logged now
        counts as new.
        """
        parts, parameters = narrowed(query)
        where = " AND ".join((self.in_scope("e"), "e.rowid > :place", *parts))
        # Rows of the log are never removed, so row numbers rise with the time of writing; an index
        # on anything else would read the whole log at every look.
        with self.database.reading():
            last = self.database.one("SELECT ifnull(max(rowid), 0) FROM events")[0]
            rows = self.database.rows(
                f"SELECT {COLUMNS} FROM events AS e NOT INDEXED WHERE {where}"
                " ORDER BY e.rowid DESC LIMIT :limit",
                self.bound(
                    place=-1 if place is None else place,
                    limit=query.limit if place is None else -1,
                    **parameters,
                ),
            )
        return [event_of(row) for row in reversed(rows)], int(last)

    def find(self, reference: str, *, actor: str | None = None) -> Event:
        """Return the event of a full id or a unique prefix; with ``actor`` only one by them.

        Raises NotFound, Ambiguous with the candidates when several fit.
        """
        parts, parameters = narrowed(EventQuery(actor=actor))
        where = " AND ".join((self.in_scope("e"), "e.id >= :low AND e.id < :low || '~'", *parts))
        rows = []
        if len(reference) >= PREFIX_LENGTH and reference.isalnum() and reference.isascii():
            rows = self.database.rows(
                f"SELECT {COLUMNS} FROM events AS e WHERE {where} ORDER BY e.id LIMIT :limit",
                self.bound(low=reference.lower(), limit=CANDIDATES, **parameters),
            )
        if not rows:
            raise NotFound(f"no event here is called {reference!r}", hint="vidctl events list")
        if len(rows) > 1:
            names = ", ".join(event_of(row).id for row in rows)
            raise Ambiguous(f"{reference!r} fits several events: {names}", hint="use a full id")
        return event_of(rows[0])
