"""The roll-ups counted anew from the log of events, by SQL alone.

Nothing here shares code with ``rollups``, which keeps the same numbers as events are written: the
two check each other. A day is the whole number of days of UTC since 1970, rounded down.
"""

from __future__ import annotations

from collections.abc import Iterator

from vidctl.store.database import Database

WATCHED = """
SELECT e.group_id, e.action, e.target_id AS item_id, e.actor_id AS person_id,
  (e.at - (e.at % 86400000 + 86400000) % 86400000) / 86400000 AS day,
  iif(json_type(e.metadata, '$.deviceType') = 'text'
    AND json_extract(e.metadata, '$.deviceType') <> '',
    json_extract(e.metadata, '$.deviceType'), 'unknown') AS device,
  iif(json_type(e.metadata, '$.watchTime') IN ('integer', 'real'),
    CAST(min(max(json_extract(e.metadata, '$.watchTime'), 0.0), 3155760000.0) * 1000 + 0.500001
      AS INTEGER), 0) AS watch_ms,
  ifnull(json_type(e.metadata, '$.completionRate') IN ('integer', 'real'), 0) AS rated,
  iif(json_type(e.metadata, '$.completionRate') IN ('integer', 'real'),
    CAST(min(max(json_extract(e.metadata, '$.completionRate'), 0.0), 1.0) * 1000000 + 0.500001
      AS INTEGER), 0) AS rate_ppm
FROM events AS e
WHERE e.type = 'content_event' AND e.target_id IS NOT NULL
  AND e.action IN ('video_viewed', 'video_progressed', 'video_completed')
"""

# table -> the rows it should have, in the order of its columns; later ones read earlier ones.
EXPECTED = {
    "rollup_days": """
SELECT group_id, day, device, count(*), sum(watch_ms), sum(rated), sum(rate_ppm) FROM watched
WHERE action = 'video_viewed' GROUP BY group_id, day, device""",
    "rollup_items": """
SELECT group_id, item_id, device, count(*), sum(watch_ms), sum(rated), sum(rate_ppm) FROM watched
WHERE action = 'video_viewed' GROUP BY group_id, item_id, device""",
    "rollup_item_days": """
SELECT group_id, item_id, 1, day, count(*), sum(watch_ms), sum(rated), sum(rate_ppm) FROM watched
WHERE action = 'video_viewed' GROUP BY group_id, item_id, day
UNION ALL
SELECT group_id, item_id, 7, monday, count(*), sum(watch_ms), sum(rated), sum(rate_ppm)
FROM (SELECT *, day - ((day + 3) % 7 + 7) % 7 AS monday FROM watched)
WHERE action = 'video_viewed' GROUP BY group_id, item_id, monday""",
    "rollup_viewers": """
SELECT group_id, item_id, person_id, min(day), max(action = 'video_completed') FROM watched
WHERE person_id IS NOT NULL GROUP BY group_id, item_id, person_id""",
    "rollup_reach": """
SELECT group_id, item_id, count(*), sum(is_finished) FROM rollup_viewers
GROUP BY group_id, item_id""",
    "rollup_starts": """
SELECT group_id, started_day, count(*), sum(is_finished) FROM rollup_viewers
GROUP BY group_id, started_day""",
    # Any numbering is right that numbers everybody: a person who has a number keeps it.
    "rollup_people": """
SELECT w.group_id, w.person_id, ifnull(p.number, -1) FROM (SELECT DISTINCT group_id, person_id
  FROM watched WHERE person_id IS NOT NULL) AS w
LEFT JOIN rollup_people AS p ON p.group_id = w.group_id AND p.person_id = w.person_id""",
    "rollup_presence": """
SELECT w.group_id, w.days, w.first_day, p.number / 60, sum(1 << (p.number % 60))
FROM (
  SELECT group_id, person_id, 1 AS days, day AS first_day FROM watched
  UNION SELECT group_id, person_id, 7, day - ((day + 3) % 7 + 7) % 7 FROM watched
  UNION SELECT group_id, person_id, 28, day - ((day + 3) % 28 + 28) % 28 FROM watched
) AS w
JOIN rollup_people AS p ON p.group_id = w.group_id AND p.person_id = w.person_id
GROUP BY w.group_id, w.days, w.first_day, p.number / 60""",
}
# A numbering from nothing, in the order of ids.
NUMBERED = """
SELECT group_id, person_id, row_number() OVER (PARTITION BY group_id ORDER BY person_id) - 1
FROM (SELECT DISTINCT group_id, person_id FROM watched WHERE person_id IS NOT NULL)"""


def differences(database: Database) -> Iterator[tuple[str, str]]:
    """Yield (group id, table) for every roll-up of a group that differs from the log."""
    with database.reading():
        for table, expected in EXPECTED.items():
            counted = "WITH watched AS (" + WATCHED + "), wanted AS (" + expected + ")"
            rows = database.rows(
                counted + " SELECT DISTINCT group_id FROM ("
                f"SELECT * FROM (SELECT * FROM wanted EXCEPT SELECT * FROM {table})"
                f" UNION ALL SELECT * FROM (SELECT * FROM {table} EXCEPT SELECT * FROM wanted))"
                " ORDER BY group_id"
            )
            yield from ((row[0], table) for row in rows)


def rebuild(database: Database) -> None:
    """Make every roll-up anew from the log."""
    with database.transaction():
        for table, expected in EXPECTED.items():
            wanted = NUMBERED if table == "rollup_people" else expected
            counted = " WITH watched AS (" + WATCHED + ")" + wanted
            database.execute(f"DELETE FROM {table}")
            database.execute(f"INSERT INTO {table}" + counted)
