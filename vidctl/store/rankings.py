"""Which items, queries and cells of a table come first. Nothing is written here.

A period is a run of whole days; without one, all days count. ``device`` narrows to the viewings on
a kind of device.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from vidctl.model.analytics import EVER, Asked, Cell, Period, Standing
from vidctl.store.analytics import IN_PERIOD, ITEM_PIECES, PIECES, spans, tally_of
from vidctl.store.database import Scoped, to_json
from vidctl.store.recount import WATCHED

# The first day of a bucket; a week begins on Monday.
FIRST_DAYS = {
    "day": "day",
    "week": "day - ((day + 3) % 7 + 7) % 7",
    "month": "CAST(julianday(day * 86400, 'unixepoch', 'start of month') - 2440587.5 AS INTEGER)",
}
RANKED = {
    "views": "views DESC, watch_ms DESC",
    "watch-time": "watch_ms DESC, views DESC",
    "viewers": "viewers DESC, views DESC",
}
# How many items are looked at together for a ranking of some days.
CANDIDATES = 150

# What a ranking of items is made from; without viewers, those are counted for what is shown.
EVER_RANKED = """
SELECT i.group_id, i.item_id, sum(i.views) AS views, sum(i.watch_ms) AS watch_ms,
  sum(i.rated) AS rated, sum(i.rate_ppm) AS rate_ppm, ifnull((SELECT r.viewers
  FROM rollup_reach AS r WHERE r.group_id = i.group_id AND r.item_id = i.item_id), 0) AS viewers
FROM rollup_items AS i WHERE {in_scope} GROUP BY i.group_id, i.item_id"""
DAYS_RANKED = """
SELECT d.group_id, d.item_id, sum(d.views) AS views, sum(d.watch_ms) AS watch_ms,
  sum(d.rated) AS rated, sum(d.rate_ppm) AS rate_ppm, NULL AS viewers
FROM (SELECT DISTINCT i.group_id, i.item_id FROM rollup_items AS i WHERE {in_scope}) AS n
CROSS JOIN {pieces} AS p
CROSS JOIN rollup_item_days AS d ON d.group_id = n.group_id AND d.item_id = n.item_id
  AND d.days = p.days AND d.first_day BETWEEN p.low AND p.high
GROUP BY d.group_id, d.item_id"""
EVENTS_RANKED = """
SELECT group_id, item_id, sum(action = 'video_viewed') AS views,
  sum(iif(action = 'video_viewed', watch_ms, 0)) AS watch_ms,
  sum(iif(action = 'video_viewed', rated, 0)) AS rated,
  sum(iif(action = 'video_viewed', rate_ppm, 0)) AS rate_ppm,
  count(DISTINCT person_id) AS viewers
FROM ({watched}) WHERE :device IS NULL OR (action = 'video_viewed' AND device = :device)
GROUP BY group_id, item_id"""


class SqliteRankings(Scoped):
    """The ``Rankings`` port over SQLite."""

    def top(self, limit: int, period: Period | None = None) -> list[tuple[str, int]]:
        """Return the ids of the items viewed most, with how often."""
        found: list[tuple[int, str]] = []
        place = 0
        while True:
            rows = self._most_viewed(place)
            ids = [row[0] for row in rows]
            if period is None:
                found += [(-row[1], row[0]) for row in rows]
            else:
                counts = self._in_period(ids, period)
                found += [(-views, item_id) for item_id, views in counts.items()]
            found = sorted(found)[:limit]
            place += CANDIDATES
            # Nobody further down has more on some days than on all.
            is_settled = len(found) == limit and rows and -found[-1][0] >= rows[-1][1]
            if is_settled or len(rows) < CANDIDATES:
                return [(item_id, -views) for views, item_id in found]

    def _in_period(self, item_ids: Sequence[str], period: Period) -> dict[str, int]:
        rows = self.database.rows(
            f"SELECT d.item_id, sum(d.views) FROM {ITEM_PIECES} WHERE {self.in_scope('d')}"
            " GROUP BY d.item_id",
            self.bound(items=to_json(list(item_ids)), **spans(period)),
        )
        return {row[0]: row[1] for row in rows}

    def _most_viewed(self, place: int) -> list[Any]:
        """Return some items and how often each was viewed ever, from a place in that order on."""
        return self.database.rows(
            "SELECT i.item_id, sum(i.views) AS views FROM rollup_items AS i"
            f" WHERE {self.in_scope('i')} GROUP BY i.group_id, i.item_id"
            " ORDER BY views DESC, i.item_id LIMIT :limit OFFSET :place",
            self.bound(limit=CANDIDATES, place=place),
        )

    def ranking(
        self, sort: str, limit: int, period: Period | None = None, device: str | None = None
    ) -> list[Standing]:
        """Return the items that stand first by ``views``, ``watch-time`` or ``viewers``."""
        asked, order = period or EVER, RANKED[sort]
        if period is None and device is None:
            sums = EVER_RANKED.format(in_scope=self.in_scope("i"))
        elif device is None and sort != "viewers":
            sums = DAYS_RANKED.format(in_scope=self.in_scope("i"), pieces=PIECES)
        else:
            sums = EVENTS_RANKED.format(watched=WATCHED + " AND " + self.in_scope("e") + IN_PERIOD)
        rows = self.database.rows(
            "SELECT b.item_id, b.views, b.watch_ms, b.rated, b.rate_ppm, ifnull(b.viewers, (SELECT"
            " count(DISTINCT e.actor_id) FROM events AS e WHERE e.group_id = b.group_id"
            " AND e.target_id = b.item_id AND e.action IN ('video_viewed', 'video_progressed',"
            f" 'video_completed') AND e.type = 'content_event' {IN_PERIOD})) FROM (SELECT * FROM ("
            + sums
            + f") ORDER BY {order}, item_id LIMIT :limit) AS b ORDER BY {order}, b.item_id",
            self.bound(
                start=asked.start,
                end=asked.end,
                **spans(asked),
                device=device,
                limit=limit,
            ),
        )
        return [Standing(row[0], tally_of(row, 1), row[5]) for row in rows if row[1] or row[5]]

    def cells(
        self, by: str, period: Period | None = None, device: str | None = None
    ) -> Iterator[Cell]:
        """Yield the sums of every item and kind of device, by ``day``, ``week`` or ``month``."""
        first, asked = FIRST_DAYS[by], period or EVER
        rows = self.database.execute(
            "SELECT w.first, w.item_id, ifnull(t.slug, ''), w.device, w.views, w.watch_ms, w.rated,"
            f" w.rate_ppm FROM (SELECT group_id, {first} AS first, item_id, device,"
            " count(*) AS views, sum(watch_ms) AS watch_ms, sum(rated) AS rated,"
            " sum(rate_ppm) AS rate_ppm FROM ("
            + WATCHED
            + f" AND e.action = 'video_viewed' AND {self.in_scope('e')}"
            + IN_PERIOD
            + ") WHERE device = ifnull(:device, device) GROUP BY first, group_id, item_id, device"
            ") AS w LEFT JOIN things AS t ON t.group_id = w.group_id AND t.id = w.item_id"
            f" AND t.deleted_at IS NULL AND {self.in_sight('t')}"
            " ORDER BY w.first, w.group_id, w.item_id, w.device",
            self.bound(start=asked.start, end=asked.end, device=device),
        )
        with self.database.translated():
            for row in rows:
                yield Cell(row[0], row[1], row[2], row[3], tally_of(row, 4))

    def searches(
        self, limit: int, period: Period | None = None, *, is_zero: bool = False
    ) -> tuple[list[Asked], int]:
        """Return what was searched for most, and how many different queries there were.

        Queries that differ in case or outer space are one. With ``is_zero``, those that found
        nothing when they were last asked.
        """
        asked = period or EVER
        rows = self.database.rows(
            "SELECT query, mode, times, ifnull(hits, 0), at, count(*) OVER () FROM (SELECT"
            " json_extract(e.metadata, '$.query') AS query,"
            " json_extract(e.metadata, '$.mode') AS mode, count(*) AS times,"
            " json_extract(e.metadata, '$.hits') AS hits, max(e.at) AS at FROM events AS e"
            f" WHERE {self.in_scope('e')} AND e.target_id IS NULL AND e.action = 'searched'"
            f" AND json_type(e.metadata, '$.query') = 'text' {IN_PERIOD}"
            " GROUP BY fold(trim(json_extract(e.metadata, '$.query'))))"
            " WHERE NOT :zero OR ifnull(hits, 0) = 0 ORDER BY times DESC, at DESC, query"
            " LIMIT :limit",
            self.bound(start=asked.start, end=asked.end, zero=is_zero, limit=limit),
        )
        found = [Asked(row[0], row[1] or "", row[2], row[3], row[4]) for row in rows]
        return found, int(rows[0][5]) if rows else 0
