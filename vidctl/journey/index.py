"""Make a thing's text searchable: chunks, full-text index, embeddings of what changed."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from vidctl import failpoints
from vidctl.errors import VidctlError
from vidctl.journey.chunk import chunk_segments, chunk_text
from vidctl.model.knowledge import Chunk, Window
from vidctl.model.thing import Thing
from vidctl.ports import Embedder, Store
from vidctl.progress import Report

STAGE = "index"
LEASE_SECONDS = 120.0
CHUNKS_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an index run came to; ``embedded`` counts the chunks that were embedded now."""

    thing: Thing
    chunks: int
    embedded: int


def desired_chunks(thing: Thing, *, store: Store, words: int, overlap: int) -> list[Chunk]:
    """Return the chunks a thing should have: its transcript's, and one of what it says of itself.

    A transcript without times (typed in by hand) makes chunks without times.
    """
    chunks = chunk_text(
        summary_of(thing), thing_id=thing.id, role="summary", words=words, overlap=overlap
    )
    segments = store.segments.of(thing.id)
    if segments:
        return chunks + chunk_segments(segments, thing_id=thing.id, words=words, overlap=overlap)
    typed = str(thing.properties.get("transcript") or "")
    return chunks + chunk_text(
        typed, thing_id=thing.id, role="chunk_of", words=words, overlap=overlap
    )


def summary_of(thing: Thing) -> str:
    """Return what a thing says about itself: title, description, tags and categories."""
    properties: dict[str, Any] = thing.properties
    parts = [thing.name, str(properties.get("description") or "")]
    parts += [*properties.get("tags", []), *properties.get("categories", [])]
    return ". ".join(part.strip().rstrip(".") for part in parts if part.strip())


def is_fresh(thing: Thing, *, store: Store, words: int, overlap: int, identity: str | None) -> bool:
    """Tell whether a thing's chunks, and vectors of ``identity``, are what they should be."""
    wanted = desired_chunks(thing, store=store, words=words, overlap=overlap)
    held = {chunk.id: chunk for chunk in store.knowledge.chunks(thing.id)}
    if held != {chunk.id: chunk for chunk in wanted}:
        return False
    return identity is None or not store.knowledge.unembedded(thing.id, identity)


def index(
    thing: Thing,
    *,
    store: Store,
    embedder: Embedder | None,
    words: int,
    overlap: int,
    report: Report,
) -> Indexed:
    """Bring a thing's chunks and vectors up to date; unchanged chunks keep their vectors.

    Vectors are committed a few chunks at a time, so a killed run repeats little. Without an
    embedder only the full-text index is made.
    """
    report.step(thing.slug, "index")
    chunks = desired_chunks(thing, store=store, words=words, overlap=overlap)
    identity = embedder.identity if embedder else "text"
    key = hashlib.sha256(
        "|".join([identity, *(chunk.id + chunk.content_hash for chunk in chunks)]).encode()
    ).hexdigest()
    job = store.jobs.claim(thing.id, STAGE, key, seconds=LEASE_SECONDS)
    try:
        store.knowledge.replace(thing.id, chunks)
        failpoints.reach("index.chunked")
        embedded = 0
        if embedder is not None:
            embedded = _embed(thing, job, store=store, embedder=embedder, report=report)
        store.jobs.finish(job)
    except VidctlError as error:
        store.jobs.finish(job, error=error.message)
        raise
    return Indexed(thing, len(chunks), embedded)


def _embed(thing: Thing, job: str, *, store: Store, embedder: Embedder, report: Report) -> int:
    waiting = store.knowledge.unembedded(thing.id, embedder.identity)
    if waiting:
        report.step(thing.slug, "embed")
    for first in range(0, len(waiting), CHUNKS_AT_ONCE):
        some = waiting[first : first + CHUNKS_AT_ONCE]
        windows = _windows(some, embedder)
        store.knowledge.add_vectors(embedder.identity, embedder.dimension, windows)
        failpoints.reach("index.embedded")
        store.jobs.extend(job, seconds=LEASE_SECONDS)
        report.advance(thing.slug, first + len(some), len(waiting))
    return len(waiting)


def _windows(chunks: Sequence[Chunk], embedder: Embedder) -> list[Window]:
    spans = [
        (chunk, part, first, last)
        for chunk in chunks
        for part, (first, last) in enumerate(embedder.windows(chunk.text))
    ]
    texts = [" ".join(chunk.text.split()[first : last + 1]) for chunk, _, first, last in spans]
    vectors = embedder.embed(texts, _ignore)
    return [
        Window(chunk.id, part, first, last, hashlib.sha256(text.encode()).hexdigest(), vector)
        for (chunk, part, first, last), text, vector in zip(spans, texts, vectors, strict=True)
    ]


def _ignore(done: float, total: float) -> None: ...
