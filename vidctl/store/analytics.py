"""Numbers about watching: from the roll-ups where they answer, else from the log by its indexes.

Nothing is written here. A period is a run of whole days; without one, all days count. ``device``
narrows to the viewings on a kind of device.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vidctl.model.analytics import EVER, Period, Tally
from vidctl.store.database import Scoped, to_json
from vidctl.store.recount import WATCHED
from vidctl.store.rollups import BLOCK, ITEM_LENGTHS, PRESENCE_LENGTHS, first_of

SUMS = "sum(views), sum(watch_ms), sum(rated), sum(rate_ppm)"
# What a period consists of: weeks, and the days before and behind them.
PIECES = """(SELECT 1 AS days, :first AS low, :before AS high UNION ALL SELECT 7, :week, :last_week
  UNION ALL SELECT 1, :behind, :last)"""
ITEM_PIECES = (
    "json_each(:items) AS j CROSS JOIN " + PIECES + " AS p CROSS JOIN rollup_item_days AS d"
    " ON d.item_id = j.value AND d.days = p.days AND d.first_day BETWEEN p.low AND p.high"
)
IN_PERIOD = " AND e.at >= :start AND e.at < :end"
OF_ITEMS = " AND e.target_id IN (SELECT value FROM json_each(:items))"


class SqliteAnalytics(Scoped):
    """The ``Analytics`` port over SQLite."""

    def span(self) -> tuple[int, int] | None:
        """Return the first and the last day on which anybody watched anything."""
        row = self.database.one(
            "SELECT min(day), max(day) FROM (SELECT d.day FROM rollup_days AS d"
            f" WHERE {self.in_scope('d')} UNION ALL SELECT s.day FROM rollup_starts AS s"
            f" WHERE {self.in_scope('s')} UNION ALL SELECT max(p.first_day)"
            f" FROM rollup_presence AS p WHERE {self.in_scope('p')} AND p.days = 1)",
            self.bound(),
        )
        return None if row[0] is None else (int(row[0]), int(row[1]))

    def days(self, period: Period, device: str | None = None) -> list[tuple[int, Tally]]:
        """Return the sums of each day on which something was viewed, oldest first."""
        rows = self.database.rows(
            f"SELECT d.day, {SUMS} FROM rollup_days AS d WHERE {self.in_scope('d')}"
            " AND d.day BETWEEN :first AND :last AND d.device = ifnull(:device, d.device)"
            " GROUP BY d.day ORDER BY d.day",
            self.bound(first=period.first, last=period.last, device=device),
        )
        return [(row[0], tally_of(row, 1)) for row in rows]

    def devices(self, period: Period) -> list[tuple[str, Tally]]:
        """Return the sums of each kind of device, most views first."""
        rows = self.database.rows(
            f"SELECT d.device, {SUMS} FROM rollup_days AS d WHERE {self.in_scope('d')}"
            " AND d.day BETWEEN :first AND :last GROUP BY d.device"
            " ORDER BY sum(d.views) DESC, d.device",
            self.bound(first=period.first, last=period.last),
        )
        return [(row[0], tally_of(row, 1)) for row in rows]

    def starts(self, period: Period | None = None) -> tuple[int, int]:
        """Return how many (person, item) pairs began, and how many of those have finished since."""
        asked = period or EVER
        row = self.database.one(
            "SELECT ifnull(sum(s.starts), 0), ifnull(sum(s.finishes), 0) FROM rollup_starts AS s"
            f" WHERE {self.in_scope('s')} AND s.day BETWEEN :first AND :last",
            self.bound(first=asked.first, last=asked.last),
        )
        return int(row[0]), int(row[1])

    def viewers(self, period: Period | None = None, device: str | None = None) -> int:
        """Return how many people watched anything; each counts once, in however many groups."""
        if device is not None:
            return self._viewers_on(device, period or EVER)
        if period is None:
            row = self.database.one(
                f"SELECT count(DISTINCT p.person_id) FROM rollup_people AS p"
                f" WHERE {self.in_scope('p')}",
                self.bound(),
            )
            return int(row[0])
        present: dict[str, dict[int, int]] = {}
        for days, first, last in pieces(period, PRESENCE_LENGTHS):
            for group, block, bits in self.database.rows(
                "SELECT p.group_id, p.block, p.bits FROM rollup_presence AS p"
                f" WHERE {self.in_scope('p')} AND p.days = :days"
                " AND p.first_day BETWEEN :first AND :last",
                self.bound(days=days, first=first, last=last),
            ):
                blocks = present.setdefault(group, {})
                blocks[block] = blocks.get(block, 0) | bits
        if len(present) > 1:
            return self._once(present)
        return sum(bits.bit_count() for blocks in present.values() for bits in blocks.values())

    def _once(self, present: Mapping[str, Mapping[int, int]]) -> int:
        """Count the people behind the bits of several groups, nobody twice."""
        rows = self.database.rows(
            "SELECT p.group_id, p.person_id, p.number FROM rollup_people AS p"
            f" WHERE {self.in_scope('p')}",
            self.bound(),
        )
        return len(
            {
                person
                for group, person, number in rows
                if present.get(group, {}).get(number // BLOCK, 0) >> number % BLOCK & 1
            }
        )

    def _viewers_on(self, device: str, period: Period) -> int:
        row = self.database.one(
            "SELECT count(DISTINCT person_id) FROM ("
            + WATCHED
            + f" AND e.action = 'video_viewed' AND {self.in_scope('e')}"
            + IN_PERIOD
            + ") WHERE device = :device",
            self.bound(start=period.start, end=period.end, device=device),
        )
        return int(row[0])

    def happened(self, action: str, type: str, period: Period | None = None) -> int:
        """Return how often something happened to the scope's things of a type."""
        asked = period or EVER
        row = self.database.one(
            "SELECT count(*) FROM things AS t CROSS JOIN events AS e ON e.group_id = t.group_id"
            " AND e.target_id = t.id AND e.action = :action AND e.at >= :start AND e.at < :end"
            f" WHERE {self.in_scope('t')} AND {self.in_sight('t')} AND t.type = :type"
            " AND t.deleted_at IS NULL",
            self.bound(action=action, type=type, start=asked.start, end=asked.end),
        )
        return int(row[0])

    # --- items ----------------------------------------------------------------------------------

    def items(
        self, item_ids: Sequence[str], period: Period | None = None, device: str | None = None
    ) -> dict[str, Tally]:
        """Return the sums of each of some items that was viewed."""
        if period is None:
            rows = self.database.rows(
                f"SELECT i.item_id, {SUMS} FROM rollup_items AS i WHERE {self.in_scope('i')}"
                " AND i.item_id IN (SELECT value FROM json_each(:items))"
                " AND i.device = ifnull(:device, i.device) GROUP BY i.item_id",
                self.bound(items=to_json(list(item_ids)), device=device),
            )
        elif device is None:
            rows = self.database.rows(
                f"SELECT d.item_id, {SUMS} FROM {ITEM_PIECES} WHERE {self.in_scope('d')}"
                " GROUP BY d.item_id",
                self.bound(items=to_json(list(item_ids)), **spans(period)),
            )
        else:
            rows = self.database.rows(
                "SELECT item_id, count(*), sum(watch_ms), sum(rated), sum(rate_ppm) FROM ("
                + WATCHED
                + f" AND e.action = 'video_viewed' AND {self.in_scope('e')}"
                + OF_ITEMS
                + IN_PERIOD
                + ") WHERE device = :device GROUP BY item_id",
                self._of(item_ids, period, device=device),
            )
        return {row[0]: tally_of(row, 1) for row in rows}

    def reach(self, item_ids: Sequence[str]) -> dict[str, tuple[int, int]]:
        """Return how many people ever watched each of some items, and how many finished it."""
        rows = self.database.rows(
            "SELECT r.item_id, r.viewers, r.finished FROM rollup_reach AS r"
            f" WHERE {self.in_scope('r')}"
            " AND r.item_id IN (SELECT value FROM json_each(:items))",
            self.bound(items=to_json(list(item_ids))),
        )
        return {row[0]: (row[1], row[2]) for row in rows}

    def audience(self, item_ids: Sequence[str], *, is_finished: bool = False) -> int:
        """Return how many people ever watched any of some items, or finished one."""
        row = self.database.one(
            f"SELECT count(DISTINCT v.person_id) FROM rollup_viewers AS v"
            f" WHERE {self.in_scope('v')} AND v.is_finished >= :finished"
            " AND v.item_id IN (SELECT value FROM json_each(:items))",
            self.bound(items=to_json(list(item_ids)), finished=is_finished),
        )
        return int(row[0])

    def visitors(
        self, item_ids: Sequence[str], period: Period, device: str | None = None
    ) -> tuple[int, int]:
        """Return how many people watched any of some items on some days, and how many finished.

        On a kind of device only viewings say where they happened, so none is known to finish.
        """
        row = self.database.one(
            "SELECT count(DISTINCT person_id),"
            " count(DISTINCT iif(action = 'video_completed', person_id, NULL)) FROM ("
            + WATCHED
            + f" AND {self.in_scope('e')}"
            + OF_ITEMS
            + IN_PERIOD
            + ") WHERE :device IS NULL OR (action = 'video_viewed' AND device = :device)",
            self._of(item_ids, period, device=device),
        )
        return int(row[0]), int(row[1])

    def daily(
        self, item_ids: Sequence[str], period: Period, device: str | None = None
    ) -> list[tuple[int, int]]:
        """Return how often some items were viewed on each day on which they were."""
        if device is not None:
            rows = self.database.rows(
                "SELECT day, count(*) FROM ("
                + WATCHED
                + f" AND e.action = 'video_viewed' AND {self.in_scope('e')}"
                + OF_ITEMS
                + IN_PERIOD
                + ") WHERE device = :device GROUP BY day ORDER BY day",
                self._of(item_ids, period, device=device),
            )
        else:
            rows = self.database.rows(
                "SELECT d.first_day, sum(d.views) FROM rollup_item_days AS d"
                f" WHERE {self.in_scope('d')} AND d.days = 1"
                " AND d.item_id IN (SELECT value FROM json_each(:items))"
                " AND d.first_day BETWEEN :first AND :last GROUP BY d.first_day"
                " ORDER BY d.first_day",
                self.bound(items=to_json(list(item_ids)), first=period.first, last=period.last),
            )
        return [(row[0], row[1]) for row in rows]

    def moments(self, item_ids: Sequence[str]) -> tuple[int, int] | None:
        """Return when some items were first and last viewed, in epoch milliseconds."""
        row = self.database.one(
            f"SELECT min(e.at), max(e.at) FROM events AS e WHERE {self.in_scope('e')}"
            f" AND e.action = 'video_viewed' {OF_ITEMS}",
            self.bound(items=to_json(list(item_ids))),
        )
        return None if row[0] is None else (int(row[0]), int(row[1]))

    def ranges(
        self, item_ids: Sequence[str], period: Period | None = None, device: str | None = None
    ) -> Iterator[list[Any]]:
        """Yield the ranges of each viewing of some items that says which parts it covered."""
        rows = self.database.execute(
            "SELECT json_extract(e.metadata, '$.ranges') FROM events AS e"
            f" WHERE {self.in_scope('e')} AND e.action = 'video_viewed' {OF_ITEMS} {IN_PERIOD}"
            " AND (:device IS NULL OR json_extract(e.metadata, '$.deviceType') = :device)",
            self._of(item_ids, period or EVER, device=device),
        )
        with self.database.translated():
            for (found,) in rows:
                if isinstance(found, str) and found.startswith("["):
                    yield json.loads(found)

    def _of(self, item_ids: Sequence[str], period: Period, **more: Any) -> dict[str, Any]:
        return self.bound(items=to_json(list(item_ids)), start=period.start, end=period.end, **more)

    # --- courses ---------------------------------------------------------------------------------

    def counted(self, target_id: str, action: str, period: Period) -> int:
        """Return how often something happened to a thing on some days."""
        row = self.database.one(
            f"SELECT count(*) FROM events AS e WHERE {self.in_scope('e')}"
            f" AND e.target_id = :target AND e.action = :action {IN_PERIOD}",
            self.bound(target=target_id, action=action, start=period.start, end=period.end),
        )
        return int(row[0])

    def active(self, course_id: str, item_ids: Sequence[str], period: Period) -> int:
        """Return how many people of a course watched any of some items on some days."""
        row = self.database.one(
            "SELECT count(DISTINCT person_id) FROM ("
            + WATCHED
            + f" AND {self.in_scope('e')}"
            + OF_ITEMS
            + IN_PERIOD
            + ") AS w JOIN connections AS c ON c.group_id = w.group_id AND c.from_id = w.person_id"
            " AND c.type = 'enrolled_in' AND c.to_id = :course AND c.deleted_at IS NULL",
            self._of(item_ids, period, course=course_id),
        )
        return int(row[0])


def pieces(period: Period, lengths: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Yield what a period consists of, as (length, first day, last first day), longest inside.

    Each of ``lengths`` is a multiple of the one before it, and the first is 1.
    """
    *shorter, length = lengths
    begin = first_of(length, period.first + length - 1)
    end = first_of(length, period.last + 1)
    if not shorter:
        yield 1, period.first, period.last
    elif begin >= end:
        yield from pieces(period, shorter)
    else:
        if period.first < begin:
            yield from pieces(Period(period.first, begin - 1), shorter)
        yield length, begin, end - length
        if end <= period.last:
            yield from pieces(Period(end, period.last), shorter)


def spans(period: Period) -> dict[str, int]:
    """Return the parameters of PIECES; a span that ends before it begins holds nothing."""
    week = ITEM_LENGTHS[-1]
    begin = first_of(week, period.first + week - 1)
    end = first_of(week, period.last + 1)
    if begin >= end:
        begin = end = period.last + 1
    return {
        "first": period.first,
        "before": begin - 1,
        "week": begin,
        "last_week": end - week,
        "behind": end,
        "last": period.last,
    }


def tally_of(row: Any, column: int) -> Tally:
    """Make a tally of four columns of a row."""
    return Tally(row[column], row[column + 1], row[column + 2], row[column + 3])
