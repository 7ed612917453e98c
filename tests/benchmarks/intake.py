"""How fast events are taken in: JSON lines in, committed events, roll-ups and links out.

Lines come from players that report every ten seconds; a person watches an item for a while before
another one does. ``scattered`` is the worst case: every line is of another person and item. Each
row is a whole run in this process, the library file on disk; CPU is user and system time.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from vidctl.catalog.items import add_item
from vidctl.config import Config
from vidctl.ids import new_id
from vidctl.library import Library, now
from vidctl.library.intake import Form, lines_of, take_in
from vidctl.model.thing import Thing

PEOPLE, ITEMS, MINUTES = 1000, 200, 10
LIMIT = 50_000
DEVICES = ("desktop", "mobile", "tv")


def library_in(folder: Path) -> Library:
    """Make a library with people and items."""
    path = folder.absolute() / "library.db"
    Library.create(path, group="default")
    library = Library.open(Config(start=folder, environ={}, flags={"db": str(path.absolute())}))
    actor = library.actor
    with library.store.transaction():
        for number in range(ITEMS):
            add_item(
                store=library.store,
                actor=actor,
                type="video",
                name=f"Video {number}",
                properties={"duration": MINUTES * 60.0},
                now=now,
            )
        for number in range(PEOPLE):
            person = Thing(
                new_id(), library.home, "user", f"p{number}", f"P {number}", "active", 1, 1
            )
            library.store.things.add(person)
    return library


def watching(count: int, session: int, *, with_ids: bool = False) -> Iterator[bytes]:
    """Yield lines of the form ``watch``, ``session`` of them about the same person and item."""
    chance = random.Random(1)
    at = 1_700_000_000_000
    for number in range(count):
        if number % session == 0:
            person, item = chance.randrange(PEOPLE), chance.randrange(ITEMS)
            start, device = chance.randrange(60) * 10.0, chance.choice(DEVICES)
        at += chance.randrange(100)
        line = {
            "item": f"video-{item}",
            "person": f"p{person}",
            "ranges": [[start, start + 10]],
            "at": at,
            "device": device,
        }
        start = (start + 10) % (MINUTES * 60)
        if with_ids:
            line["id"] = f"{number}"
        yield json.dumps(line).encode() + b"\n"


def happening(count: int, session: int) -> Iterator[bytes]:
    """Yield the same as lines of the form ``event``."""
    for raw in watching(count, session):
        line = json.loads(raw)
        event = {
            "type": "content_event",
            "action": "video_viewed",
            "actor": line["person"],
            "target": line["item"],
            "at": line["at"],
            "metadata": {"ranges": line["ranges"], "deviceType": line["device"]},
        }
        yield json.dumps(event).encode() + b"\n"


def measure(lines: bytes, form: Form, count: int, folder: Path | None) -> tuple[float, float]:
    """Take lines in and return events a second of CPU time and of wall time."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        library = library_in(Path(place))
        stream = io.BytesIO(lines)
        wall, cpu = time.perf_counter(), time.process_time()
        outcome = take_in(library, lines_of(stream), form=form)
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        assert outcome.data["new"] == count, outcome
        library.close()
    return count / cpu, count / wall


def measure_process(lines: bytes, count: int, folder: Path | None) -> tuple[float, float]:
    """Do the same with a whole ``vidctl progress watch``, start-up included."""
    with tempfile.TemporaryDirectory(dir=folder) as place:
        library_in(Path(place)).close()
        file = Path(place).absolute() / "library.db"
        command = [sys.executable, "-m", "vidctl", "progress", "watch", "--db", str(file)]
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(command, input=lines, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - wall
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return count / cpu, count / wall


PROCESS = "vidctl progress watch < FILE"
CASES: dict[str, tuple[Form, Callable[[int], Iterator[bytes]]]] = {
    "watch, 20 lines a viewing": ("watch", lambda count: watching(count, 20)),
    PROCESS: ("watch", lambda count: watching(count, 20)),
    "event, 20 lines a viewing": ("event", lambda count: happening(count, 20)),
    "watch, with ids": ("watch", lambda count: watching(count, 20, with_ids=True)),
    "watch, scattered": ("watch", lambda count: watching(count, 1)),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1_000_000, help="lines a run (1,000,000)")
    parser.add_argument("--folder", type=Path, default=None, help="where the library is made")
    parser.add_argument("--only", default="", help="only cases whose name holds this")
    given = parser.parse_args()
    print(f"| {given.lines:,} lines | events/s of CPU | events/s of wall | limit |")
    print("| --- | --- | --- | --- |")
    for name, (form, make) in CASES.items():
        if given.only not in name:
            continue
        lines = b"".join(make(given.lines))
        if name == PROCESS:
            cpu, wall = measure_process(lines, given.lines, given.folder)
        else:
            cpu, wall = measure(lines, form, given.lines, given.folder)
        limit = "" if "scattered" in name or "ids" in name else f"{LIMIT:,}"
        print(f"| {name} | {cpu:,.0f} | {wall:,.0f} | {limit} |", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\npeak memory, the lines themselves included: {peak:,.0f} MB")


if __name__ == "__main__":
    main()
