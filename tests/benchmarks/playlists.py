"""Time the order of a large playlist: moves, pages, appending, and spreading positions anew.

Usage: python tests/benchmarks/playlists.py [--items 100000]

Everything is called as a front end calls it, with permissions, the event of each change and a
commit that is on the disk. Times are of one call in this process, medians: the CPU time, which the
limits are for, and the time on the clock, which is longer on a busy machine.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

RUNS = 15
MOVE_MS, PAGE_MS = 50.0, 100.0


def stock(library: Any, count: int) -> list[str]:
    """Add videos, every hundredth of them archived, and return their ids."""
    from vidctl.ids import new_ids
    from vidctl.model.thing import Thing

    ids = new_ids(count)
    with library.store.transaction():
        for number, thing_id in enumerate(ids):
            status = "archived" if number % 100 == 99 else "published"
            properties = {"duration": 60.0 + number % 600, "description": "What it is about. " * 20}
            slug = f"video-{number}"
            library.store.things.add(
                Thing(thing_id, library.home, "video", slug, slug, status, 1, 1, properties)
            )
    return ids


def timed(act: Callable[[int], object], runs: int = RUNS) -> tuple[float, float]:
    """Return the median CPU time and the median wall time of several calls, in milliseconds."""
    cpu, wall = [], []
    for number in range(runs):
        begun = time.process_time(), time.perf_counter()
        act(number)
        cpu.append((time.process_time() - begun[0]) * 1000)
        wall.append((time.perf_counter() - begun[1]) * 1000)
    return statistics.median(cpu), statistics.median(wall)


def crowd(library: Any, playlist: str) -> None:
    """Give all links one position, so that there is no room anywhere."""
    library.database.database.execute(
        "UPDATE connections SET position = 1 WHERE from_id = ? AND type = 'contains'", (playlist,)
    )


def measures(library: Any, ids: list[str], rng: random.Random) -> list[tuple[str, Any, float]]:
    """Fill a playlist and measure: name, (CPU, clock), limit in milliseconds or 0."""
    playlists, sequences = library.playlists, library.store.sequences
    playlist = playlists.add("Large").data["id"]
    shown, spare = ids[: -2 * RUNS], ids[-2 * RUNS :]
    order = shown.copy()
    rng.shuffle(order)
    found: list[tuple[str, Any, float]] = []

    def note(name: str, act: Callable[[int], object], limit: float = 0, runs: int = RUNS) -> None:
        found.append((name, timed(act, runs), limit))

    live = [item for number, item in enumerate(shown) if number % 100 != 99]

    def pick() -> str:
        return rng.choice(live)

    def refill() -> None:
        sequences.insert(playlist, order)

    note(f"put {len(order):,} items in, in the store", lambda _: refill(), runs=1)
    for place in (1, len(live) // 2, len(live)):
        note(
            f"move to place {place:,}",
            lambda _, to=place: playlists.move(playlist, pick(), to=to),
            MOVE_MS,
        )
    note(
        "move before another",
        lambda _: playlists.move(playlist, live[5], before=pick()),
        MOVE_MS,
    )
    note("append", lambda n: playlists.add_items(playlist, [spare[n]]))
    half = len(live) // 2
    note("first page of 20", lambda _: playlists.items(playlist, limit=20), PAGE_MS)
    cursor = middle(library, playlist, half)
    note(
        "page of 20 in the middle",
        lambda _: playlists.items(playlist, limit=20, cursor=cursor),
        PAGE_MS,
    )
    note("playlists list", lambda _: playlists.page())
    anchors = live[half], live[half + 1]
    playlists.move(playlist, anchors[1], after=anchors[0])
    note(
        "move to one spot, 1,000 times",
        lambda n: playlists.move(playlist, live[n % half], after=anchors[0]),
        MOVE_MS,
        1000,
    )

    def worst(number: int) -> None:
        playlists.move(playlist, live[number + 7], before=anchors[1])

    crowd(library, playlist)
    note("move where no position is left anywhere", worst, runs=1)
    note("sort all", lambda n: playlists.sort(playlist, by="title", descending=bool(n)), runs=2)
    return found


def middle(library: Any, playlist: str, half: int) -> str:
    """Return the cursor of the page that begins half-way."""
    from vidctl.store.sequences import write_cursor

    return write_cursor(playlist, library.store.sequences.links(playlist)[half])


def main() -> int:
    """Print the table; 1 when a limit is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, default=100_000)
    count = parser.parse_args().items
    from vidctl.config import Config
    from vidctl.library import Library

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "library.db"
        Library.create(file, group="default")
        library = Library.open(Config(flags={"db": str(file), "group": "default"}))
        found = measures(library, stock(library, count + 2 * RUNS), random.Random(1))
        library.close()
    print(f"{'what':<45} {'CPU ms':>8} {'clock ms':>9} {'limit':>6}")
    for name, (cpu, wall), limit in found:
        print(f"{name:<45} {cpu:>8.1f} {wall:>9.1f} {limit or '':>6}")
    return int(any(limit and cpu > limit for _, (cpu, _), limit in found))


if __name__ == "__main__":
    sys.exit(main())
