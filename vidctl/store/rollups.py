"""Sums over events, kept as the events are written.

Every number is a sum of whole numbers over the events of a group, so the order in which events
arrive does not matter, and ``recount`` makes the same rows anew from the log alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from vidctl.store.database import Database, to_json

DAY_MS = 86_400_000
# How many people a whole number of ``rollup_presence`` tells apart; 63 bits are there.
BLOCK = 60
# The stretches of days that have sums of their own, so that a year is a few of them.
ITEM_LENGTHS = (1, 7)
PRESENCE_LENGTHS = (1, 7, 28)
# The actions by which a person begins to watch an item, goes on, or finishes it.
WATCHING = frozenset({"video_viewed", "video_progressed", "video_completed"})
UNKNOWN_DEVICE = "unknown"
# What a viewing can add at most: a century, so that no sum outgrows 63 bits.
LONGEST_SECONDS = 3_155_760_000.0
# Half, and a bit: two parsers of decimals may differ in the last digit, and a number with few
# decimals must not lie just there.
HALF = 0.500001

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
ADD_ITEM_DAY = """
INSERT INTO rollup_item_days (group_id, item_id, days, first_day, views, watch_ms, rated, rate_ppm)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (group_id, item_id, days, first_day) DO UPDATE SET views = views + excluded.views,
  watch_ms = watch_ms + excluded.watch_ms, rated = rated + excluded.rated,
  rate_ppm = rate_ppm + excluded.rate_ppm
"""
NUMBERED = """
SELECT p.person_id, p.number FROM rollup_people AS p
WHERE p.group_id = ? AND p.person_id IN (SELECT value FROM json_each(?))
"""
HIGHEST = "SELECT max(number) FROM rollup_people WHERE group_id = ?"
NUMBER = "INSERT INTO rollup_people (group_id, person_id, number) VALUES (?, ?, ?)"
ADD_PRESENCE = """
INSERT INTO rollup_presence (group_id, days, first_day, block, bits) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (group_id, days, first_day, block) DO UPDATE SET bits = bits | excluded.bits
"""
VIEWERS = """
SELECT v.group_id, v.item_id, v.person_id, v.started_day, v.is_finished FROM json_each(?) AS j
CROSS JOIN rollup_viewers AS v ON v.group_id = j.value ->> 0 AND v.item_id = j.value ->> 1
  AND v.person_id = j.value ->> 2
"""
SAVE_VIEWER = """
INSERT INTO rollup_viewers (group_id, item_id, person_id, started_day, is_finished)
VALUES (?, ?, ?, ?, ?)
ON CONFLICT (group_id, item_id, person_id) DO UPDATE SET started_day = excluded.started_day,
  is_finished = excluded.is_finished
"""
ADD_REACH = """
INSERT INTO rollup_reach (group_id, item_id, viewers, finished) VALUES (?, ?, ?, ?)
ON CONFLICT (group_id, item_id) DO UPDATE SET viewers = viewers + excluded.viewers,
  finished = finished + excluded.finished
"""
ADD_STARTS = """
INSERT INTO rollup_starts (group_id, day, starts, finishes) VALUES (?, ?, ?, ?)
ON CONFLICT (group_id, day) DO UPDATE SET starts = starts + excluded.starts,
  finishes = finishes + excluded.finishes
"""
FORGET_EMPTY_STARTS = """
DELETE FROM rollup_starts WHERE group_id = ? AND day = ? AND starts = 0 AND finishes = 0
"""


def apply(database: Database, events: Iterable[Logged]) -> None:
    """Add events that were just logged, and had not been before, to the roll-ups.

    Must run in the transaction that logs them.
    """
    days: dict[tuple[str, int, str], list[int]] = {}
    items: dict[tuple[str, str, str], list[int]] = {}
    item_days: dict[tuple[str, str, int, int], list[int]] = {}
    present: dict[str, dict[str, set[int]]] = {}
    viewers: dict[tuple[str, str, str], tuple[int, bool]] = {}
    # First by everything at once: events come in runs, and this is paid for each of them.
    runs: dict[tuple[str, str, str | None, int, str], list[int]] = {}
    for group, type, action, actor, target, at, metadata in events:
        if type != "content_event" or action not in WATCHING or target is None:
            continue
        is_view = action == "video_viewed"
        device = device_of(metadata) if is_view else UNKNOWN_DEVICE
        key = (group, target, actor, at // DAY_MS, device)
        held = runs.get(key)
        if held is None:
            held = runs[key] = [0, 0, 0, 0, 0]
        if is_view:
            _sum(held, view_sums(metadata))
        elif action == "video_completed":
            held[4] = 1
    for (group, target, actor, day, device), (*sums, has_finished) in runs.items():
        if sums[0]:
            _add(days, (group, day, device), sums)
            _add(items, (group, target, device), sums)
            for length in ITEM_LENGTHS:
                _add(item_days, (group, target, length, first_of(length, day)), sums)
        if actor is not None:
            present.setdefault(group, {}).setdefault(actor, set()).add(day)
            viewer = (group, target, actor)
            first, finished = viewers.get(viewer, (day, False))
            viewers[viewer] = (min(first, day), finished or bool(has_finished))
    database.executemany(ADD_DAY, [(*key, *sums) for key, sums in days.items()])
    database.executemany(ADD_ITEM, [(*key, *sums) for key, sums in items.items()])
    database.executemany(ADD_ITEM_DAY, [(*key, *sums) for key, sums in item_days.items()])
    for group, people in present.items():
        _add_presence(database, group, people)
    _add_viewers(database, viewers)


def view_sums(metadata: dict[str, Any]) -> tuple[int, int, int, int]:
    """Return what one viewing adds: views, milliseconds watched, rated views, rate in millionths.

    A view is rated when it says which share of the item it covered. What is no number counts as
    not said; times are taken from 0 to a century, shares from 0 to 1.
    """
    watched = _number(metadata.get("watchTime"), LONGEST_SECONDS)
    rate = _number(metadata.get("completionRate"), 1.0)
    milliseconds = 0 if watched is None else int(watched * 1000 + HALF)
    if rate is None:
        return 1, milliseconds, 0, 0
    return 1, milliseconds, 1, int(rate * 1_000_000 + HALF)


def device_of(metadata: dict[str, Any]) -> str:
    """Return the kind of device of a viewing."""
    device = metadata.get("deviceType")
    return device if isinstance(device, str) and device else UNKNOWN_DEVICE


def first_of(length: int, day: int) -> int:
    """Return the first day of the stretch of so many days that a day is in.

    Weeks, and fours of them, begin on a Monday; 1970-01-01 was a Thursday.
    """
    return day - (day + 3) % length


def _number(value: Any, most: float) -> float | None:
    if type(value) is not float and type(value) is not int:
        return None
    return value if 0 <= value <= most else min(max(float(value), 0.0), most)


def _add(table: dict[Any, list[int]], key: Any, sums: Sequence[int]) -> None:
    held = table.get(key)
    if held is None:
        table[key] = list(sums)
    else:
        _sum(held, sums)


def _sum(held: list[int], sums: Sequence[int]) -> None:
    held[0] += sums[0]
    held[1] += sums[1]
    held[2] += sums[2]
    held[3] += sums[3]


def _add_presence(database: Database, group: str, people: dict[str, set[int]]) -> None:
    """Set the bit of each person on their days and weeks; who is new gets the next number."""
    numbers = {row[0]: int(row[1]) for row in database.rows(NUMBERED, (group, to_json([*people])))}
    arrived = [person for person in people if person not in numbers]
    if arrived:
        highest = database.one(HIGHEST, (group,))[0]
        numbered = list(enumerate(arrived, start=0 if highest is None else highest + 1))
        numbers |= {person: number for number, person in numbered}
        database.executemany(NUMBER, [(group, person, number) for number, person in numbered])
    bits: dict[tuple[int, int, int], int] = {}
    for person, days in people.items():
        block, place = divmod(numbers[person], BLOCK)
        bit = 1 << place
        for day in days:
            for length in PRESENCE_LENGTHS:
                key = (length, first_of(length, day), block)
                bits[key] = bits.get(key, 0) | bit
    database.executemany(ADD_PRESENCE, [(group, *key, value) for key, value in bits.items()])


def _add_viewers(database: Database, viewers: dict[tuple[str, str, str], tuple[int, bool]]) -> None:
    starts: dict[tuple[str, int], list[int]] = {}
    reach: dict[tuple[str, str], list[int]] = {}
    changed: list[tuple[str, str, str, int, int]] = []
    rows = database.rows(VIEWERS, (to_json(list(viewers)),)) if viewers else ()
    known = {(row[0], row[1], row[2]): (int(row[3]), bool(row[4])) for row in rows}
    for key, (day, finished) in viewers.items():
        before = known.get(key)
        after = (day, finished) if before is None else (min(day, before[0]), finished or before[1])
        if after == before:
            continue
        changed.append((*key, after[0], int(after[1])))
        if before is not None:
            _count(starts, (key[0], before[0]), -1, -int(before[1]))
            _count(reach, key[:2], 0, int(after[1]) - int(before[1]))
        else:
            _count(reach, key[:2], 1, int(after[1]))
        _count(starts, (key[0], after[0]), 1, int(after[1]))
    database.executemany(SAVE_VIEWER, changed)
    database.executemany(ADD_REACH, [(*key, *counts) for key, counts in reach.items()])
    database.executemany(ADD_STARTS, [(*key, *counts) for key, counts in starts.items()])
    emptied = [key for key, counts in starts.items() if counts[0] < 0]
    database.executemany(FORGET_EMPTY_STARTS, emptied)


def _count(table: dict[Any, list[int]], key: Any, *by: int) -> None:
    held = table.setdefault(key, [0, 0])
    held[0] += by[0]
    held[1] += by[1]
