"""Sums over events, kept as the events are written.

Every number is a sum of whole numbers over the events of a group, so the order in which events
arrive does not matter, and making the tables anew from the log gives the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from vidctl.store.database import Database

DAY_MS = 86_400_000
# The actions by which a person begins to watch an item, and the one by which they finish it.
WATCHING = frozenset({"video_viewed", "video_progressed", "video_completed"})
UNKNOWN_DEVICE = "unknown"

# (group, type, action, actor, target, at, metadata): what a roll-up looks at.
Logged = tuple[str, str, str | None, str | None, str | None, int, dict[str, Any]]

ADD_DAY = """
INSERT INTO rollup_days (group_id, day, device, views, watch_ms, rated, rate_ppm)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (group_id, day, device) DO UPDATE SET views = views + excluded.views,
  watch_ms = watch_ms + excluded.watch_ms, rated = rated + excluded.rated,
  rate_ppm = rate_ppm + excluded.rate_ppm
"""
ADD_ITEM = """
INSERT INTO rollup_items (group_id, item_id, device, views, watch_ms, rated, rate_ppm)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (group_id, item_id, device) DO UPDATE SET views = views + excluded.views,
  watch_ms = watch_ms + excluded.watch_ms, rated = rated + excluded.rated,
  rate_ppm = rate_ppm + excluded.rate_ppm
"""
ADD_PERSON = """
INSERT INTO rollup_people (group_id, person_id, day) VALUES (?, ?, ?) ON CONFLICT DO NOTHING
"""
VIEWER = """
SELECT started_day, is_finished FROM rollup_viewers
WHERE group_id = ? AND item_id = ? AND person_id = ?
"""
FORGET_EMPTY_STARTS = """
DELETE FROM rollup_starts WHERE group_id = ? AND day = ? AND starts = 0 AND finishes = 0
"""
SAVE_VIEWER = """
INSERT INTO rollup_viewers (group_id, item_id, person_id, started_day, is_finished)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (group_id, item_id, person_id) DO UPDATE SET started_day = excluded.started_day,
  is_finished = excluded.is_finished
"""
ADD_STARTS = """
INSERT INTO rollup_starts (group_id, day, starts, finishes) VALUES (?, ?, ?, ?)
ON CONFLICT (group_id, day) DO UPDATE SET starts = starts + excluded.starts,
  finishes = finishes + excluded.finishes
"""


def apply(database: Database, events: Iterable[Logged]) -> None:
    """Add events that were just logged, and had not been before, to the roll-ups.

    Must run in the transaction that logs them.
    """
    days: dict[tuple[str, int, str], list[int]] = {}
    items: dict[tuple[str, str, str], list[int]] = {}
    people: set[tuple[str, str, int]] = set()
    viewers: dict[tuple[str, str, str], tuple[int, bool]] = {}
    for group, type, action, actor, target, at, metadata in events:
        if type != "content_event" or action not in WATCHING or target is None:
            continue
        day = at // DAY_MS
        if action == "video_viewed":
            sums = view_sums(metadata)
            device = str(metadata.get("deviceType") or UNKNOWN_DEVICE)
            for table, key in ((days, (group, day, device)), (items, (group, target, device))):
                _add(table, key, sums)
            if actor is not None:
                people.add((group, actor, day))
        if actor is not None:
            viewer = (group, target, actor)
            first, finished = viewers.get(viewer, (day, False))
            viewers[viewer] = (min(first, day), finished or action == "video_completed")
    database.executemany(ADD_DAY, [(*key, *sums) for key, sums in days.items()])
    database.executemany(ADD_ITEM, [(*key, *sums) for key, sums in items.items()])
    database.executemany(ADD_PERSON, people)
    _add_viewers(database, viewers)


def view_sums(metadata: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return what one viewing adds: views, milliseconds watched, rated views, rate in millionths.

    A view is rated when it says which share of the item it covered.
    """
    watched = round(float(metadata.get("watchTime") or 0) * 1000)
    rate = metadata.get("completionRate")
    if rate is None:
        return 1, watched, 0, 0
    return 1, watched, 1, round(float(rate) * 1_000_000)


def _add(table: dict[Any, list[int]], key: Any, sums: tuple[int, int, int, int]) -> None:
    held = table.get(key)
    if held is None:
        table[key] = list(sums)
        return
    held[0] += sums[0]
    held[1] += sums[1]
    held[2] += sums[2]
    held[3] += sums[3]


def _add_viewers(database: Database, viewers: dict[tuple[str, str, str], tuple[int, bool]]) -> None:
    starts: dict[tuple[str, int], list[int]] = {}
    changed: list[tuple[str, str, str, int, int]] = []
    for key, (day, finished) in viewers.items():
        row = database.one(VIEWER, key)
        before = None if row is None else (int(row[0]), bool(row[1]))
        after = (day, finished) if before is None else (min(day, before[0]), finished or before[1])
        if after == before:
            continue
        changed.append((*key, after[0], int(after[1])))
        if before is not None:
            _count(starts, (key[0], before[0]), -1, -int(before[1]))
        _count(starts, (key[0], after[0]), 1, int(after[1]))
    database.executemany(SAVE_VIEWER, changed)
    database.executemany(ADD_STARTS, [(*key, *counts) for key, counts in starts.items()])
    emptied = [key for key, counts in starts.items() if counts[0] < 0]
    database.executemany(FORGET_EMPTY_STARTS, emptied)


def _count(table: dict[tuple[str, int], list[int]], key: tuple[str, int], *by: int) -> None:
    held = table.setdefault(key, [0, 0])
    held[0] += by[0]
    held[1] += by[1]
