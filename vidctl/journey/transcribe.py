"""Turn a thing's speech into segments, part by part; finished parts survive a kill."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidctl import failpoints
from vidctl.errors import VidctlError
from vidctl.model.event import Event
from vidctl.model.segment import Segment, Word
from vidctl.model.thing import Thing
from vidctl.ports import Store, Transcriber
from vidctl.progress import Report

STAGE = "transcribe"
LEASE_SECONDS = 90.0
HEARTBEAT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Transcribed:
    """What a transcription came to; ``resumed`` counts parts that an earlier run had finished."""

    thing: Thing
    segments: int
    words: int
    source: str
    resumed: int = 0


def transcribe(
    thing: Thing,
    *,
    store: Store,
    transcriber: Transcriber,
    audio: Path,
    content: str,
    actor: Thing,
    report: Report,
) -> Transcribed:
    """Transcribe a thing's media and store its segments.

    ``content`` identifies the bytes (their hash). With the engine and the plan of parts it makes
    the key under which finished parts are kept: change any of them and the work begins anew.
    Raises LibraryLocked while another process transcribes the same thing.
    """
    began = time.monotonic()
    report.step(thing.slug, "transcribe")
    parts = transcriber.parts(audio)
    plan = ";".join(f"{part.start:.3f}-{part.end:.3f}" for part in parts)
    key = hashlib.sha256(f"{content}|{transcriber.identity}|{plan}".encode()).hexdigest()
    job = store.jobs.claim(thing.id, STAGE, key, seconds=LEASE_SECONDS)
    try:
        finished = store.jobs.parts(job)
        resumed = len(finished)
        total = parts[-1].end if parts else 0.0
        for part in parts:
            if part.ordinal not in finished:
                beat = _Heartbeat(store, job, report, thing.slug, part.start, total)
                found = transcriber.transcribe(audio, part, beat)
                finished[part.ordinal] = [to_row(segment) for segment in found]
                failpoints.reach("transcribe.part")
                store.jobs.save_part(job, part.ordinal, finished[part.ordinal])
                failpoints.reach("transcribe.saved")
        segments = [from_row(row) for part in parts for row in finished[part.ordinal]]
        _store(store, thing, segments, transcriber.identity, actor, job, time.monotonic() - began)
    except VidctlError as error:
        store.jobs.finish(job, error=error.message)
        raise
    words = sum(len(segment.text.split()) for segment in segments)
    return Transcribed(thing, len(segments), words, transcriber.identity, resumed)


def _store(
    store: Store,
    thing: Thing,
    segments: list[Segment],
    source: str,
    actor: Thing,
    job: str,
    seconds: float,
) -> None:
    done = Event(
        "content_event",
        "transcribed",
        actor_id=actor.id,
        target_id=thing.id,
        metadata={
            "source": source,
            "segments": len(segments),
            "processingTime": round(seconds, 3),
        },
    )
    with store.transaction():
        store.segments.replace(thing.id, segments, source=source)
        store.events.append([done])
        store.jobs.finish(job)


class _Heartbeat:
    """Passes progress on, and keeps the lease while a long part is at work."""

    def __init__(
        self, store: Store, job: str, report: Report, item: str, offset: float, total: float
    ) -> None:
        self._store, self._job = store, job
        self._report, self._item = report, item
        self._offset, self._total = offset, total
        self._last = time.monotonic()

    def __call__(self, done: float, total: float) -> None:
        self._report.advance(self._item, self._offset + done, self._total or total)
        if time.monotonic() - self._last > HEARTBEAT_SECONDS:
            self._store.jobs.extend(self._job, seconds=LEASE_SECONDS)
            self._last = time.monotonic()


def to_row(segment: Segment) -> list[Any]:
    """Return a segment as the JSON list that a finished part keeps."""
    words = [[word.text, word.start, word.end] for word in segment.words]
    return [segment.start, segment.end, segment.text, segment.speaker, words]


def from_row(row: list[Any]) -> Segment:
    """Read back what ``to_row`` wrote."""
    start, end, text, speaker, words = row
    return Segment(start, end, text, speaker, tuple(Word(*word) for word in words))
