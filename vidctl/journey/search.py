"""Stopgap until the ranking in rank.py is joined: chunks by rank fusion, the line by stems."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vidctl.journey.rank import RRF_K, Question
from vidctl.model.knowledge import Hit
from vidctl.ports import Embedder, Narrow, Store
from vidctl.timecode import clock


@dataclass(frozen=True, slots=True)
class SearchNarrow:
    """Which things a search looks at."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: int | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first; what the person should know; and the ranking that was used."""

    hits: tuple[Hit, ...]
    notes: tuple[str, ...]
    mode: str


def _nothing(done: float, total: float) -> None: ...


def search(
    query: str, *, store: Store, embedder: Embedder | None, mode: str = "hybrid",
    narrow: Narrow, limit: int = 10, context: int = 0, explain: bool = False,
    vector_weight: float = 0.5,
) -> SearchResult:
    """Find moments."""
    question = Question(query)
    notes: list[str] = []
    if mode != "text" and (embedder is None or not store.knowledge.vector_counts()):
        notes.append("there are no embeddings here, so search is by words only")
        mode = "text"
    scores: dict[str, float] = {}
    ranks: dict[str, dict[str, Any]] = {}
    if mode in ("text", "hybrid"):
        found: Sequence[Any] = store.knowledge.match_text(question.expression("OR"), narrow, 100)
        for match in found:
            scores[match.chunk_id] = 1 / (RRF_K + match.rank)
            ranks.setdefault(match.chunk_id, {})["text"] = match.rank
    if mode in ("semantic", "hybrid") and embedder is not None:
        (vector,) = embedder.embed([query], _nothing)
        for match in store.knowledge.match_vector(embedder.identity, vector, narrow, 100):
            scores[match.chunk_id] = scores.get(match.chunk_id, 0) + vector_weight / (RRF_K + match.rank)
            ranks.setdefault(match.chunk_id, {})["vector"] = match.rank
    best = sorted(scores, key=lambda key: -scores[key])[: limit]
    chunks = store.knowledge.get(best)
    hits = []
    for key in best:
        chunk = chunks[key]
        thing = store.things.get(chunk.thing_id)
        shown = {"id": thing.id, "groupId": thing.group_id, "slug": thing.slug, "name": thing.name, "type": thing.type}
        text, start, end = chunk.text, chunk.start, chunk.end
        if chunk.segment_first is not None and chunk.segment_last is not None:
            lines = store.segments.of(thing.id)[chunk.segment_first : chunk.segment_last + 1]
            line = max(lines, key=lambda s: len({o[2] for o in question.occurrences(s.text)}))
            text, start, end = line.text, line.start, line.end
        marks = tuple((o[0], o[1]) for o in question.occurrences(text))
        ref = thing.slug if start is None else f"{thing.slug}@{clock(start)}"
        hits.append(Hit(ref, shown, start, end, text, min(1.0, scores[key] * RRF_K), marks, (), ranks[key] if explain else {}))
    return SearchResult(tuple(hits), tuple(notes), mode)
