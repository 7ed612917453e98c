"""Time the analytics over a large log, and what the roll-ups add to writing it.

Usage: python tests/benchmarks/analytics.py [--events 1000000] [--items 1000] [--people 5000]

A year of viewings by a few thousand people of items of very different popularity, on four kinds of
device, is written through the store; then the controllers are asked, as commands ask them. Times
are CPU times, the median of several runs in this process, so starting one is not in them.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

DAY_MS = 86_400_000
DEVICES = ("phone", "laptop", "tv", "tablet")
CHUNK = 20_000
CREATORS = 100
LAST_DAY = 20_453  # 2025-12-31
SECONDS = 600.0
TOP_20 = """
SELECT target_id, count(*), sum(json_extract(metadata, '$.watchTime')) FROM events
WHERE action = 'video_viewed' GROUP BY target_id ORDER BY 2 DESC LIMIT 20
"""


def stock(library: Any, *, items: int, people: int) -> tuple[list[str], list[str], list[str]]:
    """Add items, their authors and an audience; return the ids of each."""
    from vidctl.ids import new_ids
    from vidctl.model.connection import Connection
    from vidctl.model.thing import Thing

    store, home = library.store, library.home
    ids = new_ids(items + people + CREATORS)
    item_ids, person_ids, creator_ids = (
        ids[:items],
        ids[items : items + people],
        ids[items + people :],
    )
    with store.transaction():
        for type, name, chosen in (
            ("creator", "Creator", creator_ids),
            ("user", "Person", person_ids),
            ("video", "Video", item_ids),
        ):
            for number, thing_id in enumerate(chosen):
                slug = f"{name.lower()}-{number}"
                properties = {"duration": SECONDS} if type == "video" else {}
                store.things.add(
                    Thing(
                        thing_id,
                        home,
                        type,
                        slug,
                        f"{name} {number}",
                        "published" if type == "video" else "active",
                        1,
                        1,
                        properties,
                    )
                )
        for number, (link_id, item_id) in enumerate(zip(new_ids(items), item_ids, strict=True)):
            author = creator_ids[number % CREATORS]
            store.connections.add(Connection(link_id, home, author, item_id, "authored"))
    return item_ids, person_ids, creator_ids


def viewings(count: int, item_ids: list[str], person_ids: list[str]) -> Iterator[list[Any]]:
    """Yield chunks of events in the order of a year, later days being busier."""
    from vidctl.ids import new_ids
    from vidctl.model.event import Event

    rng = random.Random(7)
    weights = [1 / (rank + 10) for rank in range(len(item_ids))]
    for begin in range(0, count, CHUNK):
        size = min(CHUNK, count - begin)
        chosen = rng.choices(item_ids, weights, k=size)
        rows = []
        for number, (event_id, item_id) in enumerate(zip(new_ids(size), chosen, strict=True)):
            at = LAST_DAY * DAY_MS + DAY_MS - 1
            at -= round((365 * DAY_MS - 1) * (1 - ((begin + number) / count) ** 0.8))
            first = rng.random() * SECONDS * 0.3
            last = first + rng.random() * (SECONDS - first)
            metadata = {
                "ranges": [[round(first, 1), round(last, 1)]],
                "watchTime": round(last - first, 1),
                "completionRate": round((last - first) / SECONDS, 4),
                "duration": SECONDS,
                "deviceType": rng.choice(DEVICES),
            }
            action = "video_viewed" if number % 20 else "video_completed"
            rows.append(
                Event(
                    "content_event",
                    action,
                    rng.choice(person_ids),
                    item_id,
                    at,
                    metadata,
                    event_id,
                )
            )
        yield rows


def write(library: Any, chunks: Iterator[list[Any]]) -> float:
    """Write chunks of events and return the CPU seconds that writing took."""
    taken = 0.0
    for rows in chunks:
        began = time.process_time()
        library.store.events.append(rows)
        taken += time.process_time() - began
    return taken


def median_ms(ask: Callable[[], Any], runs: int) -> float:
    """Return the median time of a question in milliseconds."""
    taken = []
    for _ in range(runs + 1):
        began = time.process_time()
        ask()
        taken.append((time.process_time() - began) * 1000)
    return statistics.median(taken[1:])


def opened(folder: Path) -> Any:
    """Make a library in a folder and open it."""
    from vidctl.config import Config
    from vidctl.library import Library

    path = folder / "library.db"
    Library.create(path, group="default")
    return Library.open(Config(flags={"db": str(path)}, environ={}))


def cost(events: int, folder: Path) -> None:
    """Print what writing costs with the roll-ups and without."""
    from vidctl.store import rollups

    for name in ("with roll-ups", "without"):
        (folder / name).mkdir()
        library = opened(folder / name)
        item_ids, person_ids, _ = stock(library, items=1000, people=5000)
        chunks = viewings(events, item_ids, person_ids)
        if name == "without":
            with mock.patch.object(rollups, "apply"):
                taken = write(library, chunks)
        else:
            taken = write(library, chunks)
        print(f"{name:34} {taken / events * 1e6:8.1f} µs of CPU an event")
        library.close()


def questions(library: Any, item_ids: list[str], creator_ids: list[str]) -> dict[str, Any]:
    """Return what is asked, by name."""
    ask = library.analytics
    year = {"since": (LAST_DAY - 364) * DAY_MS, "until": (LAST_DAY + 1) * DAY_MS}
    month = {"since": (LAST_DAY - 29) * DAY_MS, "until": (LAST_DAY + 1) * DAY_MS}
    middle = item_ids[len(item_ids) // 2]
    return {
        "summary, the year by month": lambda: ask.summary(by="month", **year),
        "summary, 30 days by day": lambda: ask.summary(by="day", **month),
        "popular": lambda: ask.popular(limit=20),
        "popular by viewers": lambda: ask.popular(limit=20, sort="viewers"),
        "video": lambda: ask.video(middle),
        "creator": lambda: ask.creator(creator_ids[len(creator_ids) // 2]),
        "retention": lambda: ask.retention(middle),
        "popular, 30 days": lambda: ask.popular(limit=20, **month),
        "top 20 by plain SQLite": lambda: library.database.database.rows(TOP_20),
    }


def main() -> None:
    """Print every figure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--items", type=int, default=1000)
    parser.add_argument("--people", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=9)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        library = opened(Path(name))
        item_ids, person_ids, creator_ids = stock(
            library, items=options.items, people=options.people
        )
        taken = write(library, viewings(options.events, item_ids, person_ids))
        print(f"{options.events} events written in {taken:.0f} s of CPU")
        # A command opens a file that the one before has closed, its write-ahead log folded in.
        library.close()
        library = opened(Path(name))
        for what, ask in questions(library, item_ids, creator_ids).items():
            runs = 1 if "plain" in what else options.runs
            print(f"{what:34} {median_ms(ask, runs):8.2f} ms")
        library.close()
        cost(options.events // 5, Path(name))


if __name__ == "__main__":
    main()
