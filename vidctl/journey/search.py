"""Answer a query with moments: both rankers, then the passage inside the chunks they bring."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from vidctl.errors import UsageError, VidctlError
from vidctl.journey.locate import is_quoted, moment, said_at
from vidctl.journey.rank import Candidate, Line, Passage, Question, lines_of, rank
from vidctl.model.knowledge import Hit, Match
from vidctl.model.segment import Segment
from vidctl.ports import Embedder, Narrow, Store
from vidctl.timecode import clock

MODES = ("hybrid", "text", "semantic")
# How many chunks each ranker brings for every hit that is wanted, and at least.
CHUNKS_PER_HIT = 3
LEAST_CHUNKS = 50
# Cosine below which two texts have nothing in common.
FLOOR = 0.2


@dataclass(frozen=True, slots=True)
class SearchNarrow:
    """Which things a search looks at; ``since`` is epoch milliseconds."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: int | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """Hits, best first; what the person should know; and the mode that was used in the end."""

    hits: tuple[Hit, ...]
    notes: tuple[str, ...]
    mode: str


def search(
    query: str,
    *,
    store: Store,
    embedder: Embedder | None,
    mode: str = "hybrid",
    narrow: Narrow,
    limit: int = 10,
    context: int = 0,
    explain: bool = False,
    vector_weight: float = 0.5,
) -> SearchResult:
    """Find the moments that answer a query, with ``context`` lines before and after each.

    Without vectors of the embedder's identity, or without an embedder, search is by words, and a
    note says so. ``vector_weight`` (0 to 1) is what vectors count beside words in a hybrid search.
    Raises UsageError for an empty query or impossible settings.
    """
    _check(query, mode, limit, context, vector_weight)
    question = Question(query)
    if not question.words:
        return SearchResult((), (f"there is no word in {query!r}",), "text")
    wanted = max(LEAST_CHUNKS, CHUNKS_PER_HIT * limit)
    notes: list[str] = []
    near: Sequence[Match] = ()
    if mode != "text":
        near, notes = _nearest(query, store, embedder, narrow, wanted, mode)
        mode = "text" if notes else mode
    worded, quoting = (
        _worded(question, store, narrow, wanted) if mode != "semantic" else ((), frozenset())
    )
    weight = {"text": 0.0, "hybrid": vector_weight, "semantic": math.inf}[mode]
    candidates = _candidates(worded, near, store)
    passages = rank(
        question,
        candidates,
        vector_weight=weight,
        limit=limit,
        is_quoting=lambda one: one.candidate.chunk_id in quoting and is_quoted(question, one),
    )
    hits = _hits(passages, question, store, context, explain)
    return SearchResult(tuple(hits), tuple(notes), mode)


def _check(query: str, mode: str, limit: int, context: int, vector_weight: float) -> None:
    if not query.strip():
        raise UsageError("there is nothing to search for", hint='vidctl search "some words"')
    if mode not in MODES:
        raise UsageError(f"{mode!r} is no way to search", hint=f"choose one of {', '.join(MODES)}")
    if limit < 1 or context < 0:
        raise UsageError("a search needs a limit of 1 or more, and a context of 0 or more")
    if not 0 <= vector_weight <= 1:
        raise UsageError(f"the weight of vectors is from 0 to 1, not {vector_weight:g}")


def _worded(
    question: Question, store: Store, narrow: Narrow, wanted: int
) -> tuple[Sequence[Match], frozenset[str]]:
    """Rank by words: chunks that have all of them, or any where too few have all.

    The order is the same either way; ranking what has all words is much quicker. Chunks that say
    the whole query word after word come along in any case, and their ids besides: a quotation may
    consist of words so common that nothing else would bring it.
    """
    if not question.words:
        return (), frozenset()
    match = store.knowledge.match_text
    quoting = match(question.quotation(), narrow, wanted) if question.quotation() else ()
    found = match(question.expression("AND"), narrow, wanted)
    if len(found) < wanted and len(question.words) > 1:
        found = match(question.expression("OR"), narrow, wanted)
    ids = frozenset(one.chunk_id for one in quoting)
    known = {one.chunk_id for one in found}
    return [*found, *(one for one in quoting if one.chunk_id not in known)], ids


def _nearest(
    query: str,
    store: Store,
    embedder: Embedder | None,
    narrow: Narrow,
    wanted: int,
    mode: str,
) -> tuple[Sequence[Match], list[str]]:
    """Rank by vectors; without any, return none and a note that says why."""
    if embedder is None:
        return (), ["there is no embedding model here, so search is by words only"]
    try:
        [vector] = embedder.embed([query], _ignore)
    except VidctlError as error:
        if mode == "semantic":
            raise
        return (), [f"search is by words only: {error.message}"]
    found = store.knowledge.match_vector(embedder.identity, vector, narrow, wanted)
    if found:
        # Something is always nearest; where words decide as well, what is far off is no answer.
        near = [one for one in found if one.score >= FLOOR] if mode == "hybrid" else found
        return near, []
    return (), _why_none(embedder.identity, store.knowledge.vector_counts())


def _why_none(identity: str, counts: dict[str, int]) -> list[str]:
    if counts.get(identity):
        return []
    others = ", ".join(sorted(counts))
    if others:
        return [
            f"the embeddings here were made by {others}, not {identity}, so search is by words"
            " only; vidctl index makes them anew"
        ]
    return ["there are no embeddings here, so search is by words only; vidctl index makes them"]


def _ignore(done: float, total: float) -> None: ...


def _candidates(worded: Sequence[Match], near: Sequence[Match], store: Store) -> list[Candidate]:
    by_words = {match.chunk_id: match for match in worded}
    by_vector = {match.chunk_id: match for match in near}
    ids = list(dict.fromkeys([*by_words, *by_vector]))
    chunks = store.knowledge.get(ids)
    spans = [
        (chunk.thing_id, chunk.segment_first, chunk.segment_last)
        for chunk in chunks.values()
        if chunk.segment_first is not None and chunk.segment_last is not None
    ]
    segments = store.segments.between(spans) if spans else {}
    found = []
    for chunk_id in ids:
        # Another process may have indexed the thing anew in between.
        if (chunk := chunks.get(chunk_id)) is None:
            continue
        lines = lines_of(chunk, segments.get(chunk.thing_id, {}))
        candidate = Candidate(chunk_id, chunk.thing_id, lines)
        if (match := by_words.get(chunk_id)) is not None:
            candidate = replace(candidate, text_rank=match.rank, text_score=match.score)
        if (match := by_vector.get(chunk_id)) is not None:
            window = (match.first_word or 0, -1 if match.last_word is None else match.last_word)
            candidate = replace(
                candidate, vector_rank=match.rank, similarity=match.score, window=window
            )
        found.append(candidate)
    return found


def _hits(
    passages: Sequence[Passage], question: Question, store: Store, context: int, explain: bool
) -> list[Hit]:
    moments = [(passage, moment(question, passage)) for passage in passages]
    around = _around(moments, store, context) if context else [()] * len(moments)
    firsts = [(one.candidate.thing_id, shown[0].ordinal) for one, shown in moments]
    spans = [(thing, n, n) for thing, n in firsts if n is not None]
    segments = store.segments.between(spans, with_words=True)
    things: dict[str, Any] = {}
    hits = []
    for (passage, shown), beside in zip(moments, around, strict=True):
        thing_id = passage.candidate.thing_id
        if thing_id not in things:
            things[thing_id] = store.things.get(thing_id)
        thing = things[thing_id]
        text = " ".join(line.text for line in shown)
        start = _start(shown[0], thing_id, question, segments)
        hits.append(
            Hit(
                ref=thing.slug if start is None else f"{thing.slug}@{clock(start)}",
                thing={
                    "id": thing.id,
                    "groupId": thing.group_id,
                    "slug": thing.slug,
                    "name": thing.name,
                    "type": thing.type,
                },
                start=start,
                end=shown[-1].end,
                text=text,
                score=round(passage.score, 4),
                marks=tuple(mark[:2] for mark in question.occurrences(text)),
                context=beside,
                explain=_explained(passage, question) if explain else {},
            )
        )
    return hits


def _start(
    line: Line,
    thing_id: str,
    question: Question,
    segments: Mapping[str, Mapping[int, Segment]],
) -> float | None:
    """Return the second to go to: the word's own, where words are timed, else the line's."""
    segment = segments.get(thing_id, {}).get(-1 if line.ordinal is None else line.ordinal)
    said = said_at(question, segment) if segment is not None and segment.words else None
    if said is None or line.start is None or line.end is None:
        return line.start
    return said if line.start <= said <= line.end else line.start


def _around(
    moments: Sequence[tuple[Passage, Sequence[Line]]], store: Store, context: int
) -> list[tuple[str, ...]]:
    """Return the lines before and after each moment, each with its time."""
    wanted = []
    for passage, shown in moments:
        first, last = shown[0].ordinal, shown[-1].ordinal
        thing_id = passage.candidate.thing_id
        before = after = range(0)
        if first is not None and last is not None:
            before, after = range(first - context, first), range(last + 1, last + 1 + context)
        wanted.append((thing_id, (before, after)))
    spans = [(thing, part[0], part[-1]) for thing, parts in wanted for part in parts if part]
    segments = store.segments.between(spans)
    told = []
    for thing, (before, after) in wanted:
        own = segments.get(thing, {})
        lines = [own[n] for n in (*before, *after) if n in own]
        told.append(tuple(f"{clock(line.start)} {line.text}" for line in lines))
    return told


def _explained(passage: Passage, question: Question) -> dict[str, Any]:
    """Tell each ranker's rank and score of the chunk, and what the passage's own words came to."""
    candidate = passage.candidate
    told: dict[str, Any] = {
        "words": [
            word
            for word, root in zip(question.words, question.stems, strict=True)
            if root in passage.counts
        ],
        "wordScore": round(passage.text, 4),
    }
    if candidate.text_rank is not None:
        told["text"] = {"rank": candidate.text_rank, "score": round(candidate.text_score, 4)}
    if candidate.vector_rank is not None:
        told["semantic"] = {
            "rank": candidate.vector_rank,
            "score": round(candidate.similarity, 4),
            "isInWindow": passage.is_in_window,
        }
    return told
