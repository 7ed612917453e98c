"""Weigh how well search finds labelled answers: words, vectors, and both at several weights.

Usage: python tests/benchmarks/retrieval.py QMSUM.jsonl [--library FILE] [--weights 0.25 0.5 1]

The data are meetings with questions and the turns that answer them, in the format of QMSum
(https://github.com/Yale-LILY/QMSum). All meetings make one library, one video each, a turn being a
segment of 0.4 seconds a word; settings are the defaults. An answer is right when it overlaps a
relevant turn. Each row is told twice: for the answer as search gives it, and for the six turns
around its middle, which compare with the baseline: BM25 over every window of six turns, stride
three. Meetings with an even number are for tuning, the others for testing.

``--library`` keeps the library there, or uses the one that is there: embedding takes minutes.
"""

from __future__ import annotations

import argparse
import json
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidctl.embedders.local import LocalEmbedder
from vidctl.ids import derived_id
from vidctl.journey.chunk import OVERLAP, WORDS
from vidctl.journey.index import index
from vidctl.journey.search import SearchNarrow, search
from vidctl.model.group import Group
from vidctl.model.scope import Scope
from vidctl.model.segment import Segment
from vidctl.model.thing import Thing
from vidctl.progress import Silent
from vidctl.store.sqlite import SqliteLibrary, SqliteStore

SECONDS_PER_WORD = 0.4
TURNS = 6
STRIDE = 3
DEPTH = 10
GROUP = derived_id("", "group", "retrieval")
LEAD = re.compile(r"^summarize the discussion (?:about|on) ", re.IGNORECASE)


@dataclass(frozen=True)
class Asked:
    """A question about a meeting and the spans of turns (inclusive) that answer it."""

    meeting: int
    query: str
    spans: tuple[tuple[int, int], ...]

    def is_answered(self, meeting: int, first: int, last: int) -> bool:
        """Tell whether a span of turns overlaps a relevant one."""
        return meeting == self.meeting and any(a <= last and b >= first for a, b in self.spans)


Answers = Callable[[Asked], Sequence[tuple[int, int, int]]]


def main() -> None:
    """Build the library, ask every question in every way, print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--library", type=Path)
    parser.add_argument("--weights", type=float, nargs="*", default=[0.25, 0.5, 1.0])
    options = parser.parse_args()
    lines = options.data.read_text(encoding="utf-8").splitlines()
    meetings = [json.loads(line) for line in lines if line.strip()]
    asked = questions(meetings)
    transcripts = [segments_of(meeting) for meeting in meetings]
    with tempfile.TemporaryDirectory() as folder:
        path = options.library or Path(folder) / "library.db"
        embedder = Remembering()
        store = library(path, transcripts, embedder)
        bench = Bench(store, embedder, transcripts)
        print(f"{len(meetings)} meetings, {len(asked)} questions", end="\n\n")
        print(
            f"{'':24}{'hit@1':>7}{'hit@5':>7}{'hit@10':>7}{'MRR':>7}{'tune':>7}{'test':>7}{'ms':>7}"
        )
        baseline = windows(meetings)
        row("BM25, six turns", asked, baseline)
        for name, mode, weight in [
            ("words", "text", 0.5),
            ("vectors", "semantic", 0.5),
            *((f"both, weight {weight:g}", "hybrid", weight) for weight in options.weights),
        ]:
            row(f"{name}, six turns", asked, bench.answers(mode, weight, is_six=True))
            row(f"{name}, as given", asked, bench.answers(mode, weight, is_six=False))


def questions(meetings: Sequence[dict[str, Any]]) -> list[Asked]:
    """Return the specific questions of all meetings, less how they ask for a summary."""
    return [
        Asked(
            number,
            LEAD.sub("", item["query"]),
            tuple((int(first), int(last)) for first, last in item["relevant_text_span"]),
        )
        for number, meeting in enumerate(meetings)
        for item in meeting["specific_query_list"]
    ]


def segments_of(meeting: dict[str, Any]) -> list[Segment]:
    """Return a meeting's turns as segments, one behind the other."""
    segments, start = [], 0.0
    for turn in meeting["meeting_transcripts"]:
        end = start + SECONDS_PER_WORD * max(1, len(turn["content"].split()))
        segments.append(Segment(start, end, turn["content"], turn["speaker"]))
        start = end
    return segments


class Remembering(LocalEmbedder):
    """The local embedder, which embeds the same texts but once: every way asks the same."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[tuple[str, ...], Sequence[bytes]] = {}

    def embed(self, texts: Sequence[str], advance: Any) -> Sequence[bytes]:
        """Embed, or remember."""
        key = tuple(texts)
        if key not in self.known:
            self.known[key] = super().embed(texts, advance)
        return self.known[key]


def library(
    path: Path, transcripts: Sequence[Sequence[Segment]], embedder: LocalEmbedder
) -> SqliteStore:
    """Open the library of all meetings, made first where there is none."""
    is_new = not path.exists()
    opened = SqliteLibrary(path, create=is_new)
    store = opened.open(Scope.only(GROUP))
    if is_new:
        opened.groups().add(
            Group(GROUP, "meetings", "Meetings", "organization", None, "meetings", "active", 1, 1)
        )
        for number, segments in enumerate(transcripts):
            slug = f"m{number}"
            thing = Thing(derived_id(GROUP, "m", slug), GROUP, "video", slug, slug, "draft", 1, 1)
            store.things.add(thing)
            store.segments.replace(thing.id, segments, source="qmsum")
            index(
                thing, store=store, embedder=embedder, words=WORDS, overlap=OVERLAP, report=Silent()
            )
    return store


class Bench:
    """Asks the library in several ways."""

    def __init__(
        self,
        store: SqliteStore,
        embedder: LocalEmbedder,
        transcripts: Sequence[Sequence[Segment]],
    ) -> None:
        self.store = store
        self.embedder = embedder
        self.transcripts = transcripts

    def answers(self, mode: str, weight: float, *, is_six: bool) -> Answers:
        """Return what answers a question with spans of turns."""

        def answer(asked: Asked) -> list[tuple[int, int, int]]:
            result = search(
                asked.query,
                store=self.store,
                embedder=self.embedder,
                mode=mode,
                narrow=SearchNarrow(),
                limit=DEPTH,
                vector_weight=weight,
            )
            assert result.mode == mode, result.notes
            spans = [self.span(hit) for hit in result.hits if hit.start is not None]
            return [self.six(*span) for span in spans] if is_six else spans

        return answer

    def span(self, hit: Any) -> tuple[int, int, int]:
        """Return the meeting and the first and last turn that a hit touches."""
        meeting = int(hit.thing["slug"][1:])
        inside = [
            number
            for number, turn in enumerate(self.transcripts[meeting])
            if turn.start < hit.end - 1e-6 and turn.end > hit.start + 1e-6
        ]
        return meeting, inside[0], inside[-1]

    def six(self, meeting: int, first: int, last: int) -> tuple[int, int, int]:
        """Return the six turns around the middle of a span."""
        turns = len(self.transcripts[meeting])
        start = max(0, min((first + last) // 2 - (TURNS - 1) // 2, turns - TURNS))
        return meeting, start, min(turns, start + TURNS) - 1


def windows(meetings: Sequence[dict[str, Any]]) -> Answers:
    """Return the baseline: FTS5 over all windows of six turns, any word of the question."""
    database = sqlite3.connect(":memory:")
    database.execute(
        "CREATE VIRTUAL TABLE windows USING fts5 (text, meeting UNINDEXED, first UNINDEXED,"
        " last UNINDEXED, tokenize = 'porter unicode61')"
    )
    for number, meeting in enumerate(meetings):
        turns = [turn["content"] for turn in meeting["meeting_transcripts"]]
        for first in range(0, max(1, len(turns) - STRIDE), STRIDE):
            some = turns[first : first + TURNS]
            database.execute(
                "INSERT INTO windows VALUES (?, ?, ?, ?)",
                (" ".join(some), number, first, first + len(some) - 1),
            )

    def answer(asked: Asked) -> list[tuple[int, int, int]]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", asked.query))
        return list(
            database.execute(
                "SELECT meeting, first, last FROM windows WHERE windows MATCH ?"
                " ORDER BY bm25(windows) LIMIT ?",
                (words, DEPTH),
            )
        )

    return answer


def row(name: str, asked: Sequence[Asked], answers: Answers) -> None:
    """Ask everything, and print the share of right answers among the first 1, 5 and 10."""
    ranks, began = [], time.perf_counter()
    for one in asked:
        right = [one.is_answered(*answer) for answer in answers(one)]
        ranks.append(right.index(True) + 1 if True in right else 0)
    milliseconds = 1000 * (time.perf_counter() - began) / len(asked)

    def mean_reciprocal(keep: Callable[[int], bool]) -> float:
        kept = [rank for rank, one in zip(ranks, asked, strict=True) if keep(one.meeting)]
        return sum(1 / rank for rank in kept if rank) / max(1, len(kept))

    hits = [sum(0 < rank <= depth for rank in ranks) / len(ranks) for depth in (1, 5, 10)]
    means = [
        mean_reciprocal(keep)
        for keep in (lambda _: True, lambda number: number % 2 == 0, lambda number: number % 2 == 1)
    ]
    figures = "".join(f"{value:7.3f}" for value in (*hits, *means))
    print(f"{name:24}{figures}{milliseconds:7.0f}", flush=True)


if __name__ == "__main__":
    main()
