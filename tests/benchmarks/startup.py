"""Time whole commands against the smallest Typer program, and a large library's hot paths.

Usage: python tests/benchmarks/startup.py [--runs 15] [--items 100000] [--groups 100]

Every figure is CPU time of a whole process (user + system), the median of the runs, taken in turns
with its yardstick so that a machine that slows down slows both. Byte code is written first.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

SMALLEST = """
import typer
app = typer.Typer(add_completion=False)

@app.command()
def hello(name: str = "x") -> None:
    print(name)

app()
"""
VOCABULARY = 20_000
CHUNK_WORDS = 500


def cpu_seconds(command: list[str], cwd: Path, env: dict[str, str]) -> float:
    """Run a command and return the CPU seconds of its process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(
        command, cwd=cwd, env=env, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def paired(
    command: list[str], yardstick: list[str], *, runs: int, cwd: Path, env: dict[str, str]
) -> tuple[float, float, float]:
    """Return the medians of both commands in milliseconds, and of the ratio run by run."""
    ours, theirs = [], []
    for number in range(runs + 1):
        mine, other = cpu_seconds(command, cwd, env), cpu_seconds(yardstick, cwd, env)
        if number:  # the first pair warms the caches
            ours.append(mine)
            theirs.append(other)
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=True)]
    return (
        statistics.median(ours) * 1000,
        statistics.median(theirs) * 1000,
        statistics.median(ratios),
    )


def fill(folder: Path, *, items: int, groups: int) -> list[str]:
    """Make a library of synthetic videos, one chunk each, evenly over top-level groups."""
    from vidctl.ids import new_id
    from vidctl.library import now
    from vidctl.model.group import Group
    from vidctl.store.sqlite import SqliteLibrary

    library = SqliteLibrary(folder / ".vidctl" / "library.db")
    rng = random.Random(7)
    words = [f"w{number:x}" for number in range(VOCABULARY)]
    weights = [1 / (rank + 1) for rank in range(VOCABULARY)]
    slugs = [f"group-{number:03}" for number in range(groups)]
    database = library.database
    with database.transaction():
        for slug in slugs:
            moment = now()
            group = Group(new_id(), slug, slug, "business", None, slug, "active", moment, moment)
            library.groups().add(group)
            for number in range(items // groups):
                thing, chunk = new_id(), new_id()
                text = " ".join(rng.choices(words, weights, k=CHUNK_WORDS))
                properties = {"tags": [f"tag{number % 17}"], "duration": 60.0 + number}
                database.execute(
                    "INSERT INTO things VALUES (?,?,'video',?,?,'published',?,?,?,NULL)",
                    (
                        group.id,
                        thing,
                        f"video-{number}",
                        f"Video {number}",
                        json.dumps(properties),
                        moment + number,
                        moment + number,
                    ),
                )
                database.execute(
                    "INSERT INTO knowledge (group_id, id, type, thing_id, ordinal, text,"
                    " content_hash, created_at, updated_at) VALUES (?,?,'chunk',?,0,?,?,?,?)",
                    (
                        group.id,
                        chunk,
                        thing,
                        text,
                        hashlib.sha256(text.encode()).hexdigest(),
                        moment,
                        moment,
                    ),
                )
                database.execute(
                    "INSERT INTO thing_knowledge (group_id, id, thing_id, knowledge_id, role,"
                    " created_at, updated_at) VALUES (?,?,?,?,'chunk_of',?,?)",
                    (group.id, new_id(), thing, chunk, moment, moment),
                )
        database.execute(
            "INSERT INTO knowledge_fts (rowid, scope, text) SELECT pk, scope, text FROM knowledge"
        )
    database.execute("ANALYZE")
    library.close()
    return slugs


def page_milliseconds(folder: Path, slug: str) -> dict[str, float]:
    """Return the median time of a listing's pages inside an open store."""
    from vidctl.model.scope import Scope
    from vidctl.model.thing import ThingQuery
    from vidctl.store.sqlite import SqliteLibrary

    library = SqliteLibrary(folder / ".vidctl" / "library.db")
    store = library.open(Scope.only(library.groups().resolve(slug).id))
    figures = {}
    for name, query in {
        "first page": ThingQuery(("video",)),
        "page by title": ThingQuery(("video",), sort="title", descending=False),
        "page of a tag": ThingQuery(("video",), tags=("tag3",)),
    }.items():
        taken = []
        for _ in range(50):
            began = time.perf_counter()
            store.things.page(query)
            taken.append((time.perf_counter() - began) * 1000)
        figures[name] = statistics.median(taken)
    library.close()
    return figures


def main() -> None:
    """Print every figure with its limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--groups", type=int, default=100)
    options = parser.parse_args()
    vidctl = str(Path(sys.executable).with_name("vidctl"))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        env = {**os.environ, "VIDCTL_HOME": str(folder / "home")}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        smallest = folder / "smallest.py"
        smallest.write_text(SMALLEST)
        typer = [sys.executable, str(smallest)]
        python = [sys.executable, "-c", "pass"]
        subprocess.run([vidctl, "init"], cwd=folder, env=env, check=True, capture_output=True)
        began = time.perf_counter()
        slugs = fill(folder, items=options.items, groups=options.groups)
        print(
            f"{options.items} videos and chunks in {options.groups} groups made in"
            f" {time.perf_counter() - began:.0f} s"
        )
        group = ["-g", slugs[len(slugs) // 2]]
        rows = [
            ("--version", python, 1.3),
            ("--help", typer, 1.2),
            (f"videos list {' '.join(group)}", typer, 1.2),
            (f"videos list --json {' '.join(group)}", typer, 1.2),
            (f"videos show video-5 {' '.join(group)}", typer, 1.2),
            ("groups list", typer, 1.2),
            ("config show", typer, 1.2),
            (f"status {' '.join(group)} --help", typer, 1.2),
            (f"search --mode text {' '.join(group)} w3f w1a7 w2c1", typer, 3.0),
            (f"search --mode text {' '.join(group)} w0 w1 w2 w3 w4 w3f", typer, 3.0),
        ]
        print(f"{'command':58} {'ms':>6} {'of':>6} {'ratio':>6} {'limit':>6}")
        for words, yardstick, limit in rows:
            mine, other, ratio = paired(
                [vidctl, *words.split()], yardstick, runs=options.runs, cwd=folder, env=env
            )
            print(f"{words:58} {mine:6.0f} {other:6.0f} {ratio:6.2f} {limit:6.2f}")
        for what, milliseconds in page_milliseconds(folder, slugs[3]).items():
            print(f"store: {what:51} {milliseconds:6.2f} ms {'':6} {5.0:6.2f}")


if __name__ == "__main__":
    main()
