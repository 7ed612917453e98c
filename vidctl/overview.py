"""What a library holds and what is left to do."""

from __future__ import annotations

from typing import Any

from vidctl.errors import VidctlError
from vidctl.library import Library


def status(library: Library) -> dict[str, Any]:
    """Return what the scope holds and what is left to do, as counts and a list."""
    library.allow("view groups")
    counts: dict[str, int] = {}
    waiting: list[dict[str, Any]] = []
    states: dict[str, dict[str, Any]] = {}
    for job in library.store.jobs.states():
        states.setdefault(job["thingId"], {})[job["stage"]] = job
    embedder = _embedder(library)
    seconds = 0.0
    for thing in library.every():
        counts[thing.type] = counts.get(thing.type, 0) + 1
        seconds += thing.properties.get("duration", 0.0)
        stages = states.get(thing.id, {})
        left = _left(library, thing.id, stages, embedder)
        if left:
            waiting.append({"slug": thing.slug, "type": thing.type, **left})
    media = [row for row in library.store.media.all() if row.role == "source"]
    return {
        "library": str(library.config.library_path()),
        "group": library.database.groups().subtree(library.home)[0].path,
        "groups": len(library.scope.group_ids),
        "items": counts,
        "duration": round(seconds, 3),
        "bytes": sum(row.size for row in media),
        "vectors": library.store.knowledge.vector_counts(),
        "waiting": waiting,
    }


def _embedder(library: Library) -> str | None:
    try:
        embedder = library.embedder()
    except VidctlError:
        return None
    return embedder.identity if embedder else None


def _left(
    library: Library, thing_id: str, stages: dict[str, Any], identity: str | None
) -> dict[str, Any]:
    speech = stages.get("transcribe", {}).get("state", "")
    has_media = bool(library.store.media.of(thing_id, "source"))
    if has_media and speech != "done":
        return {
            "stage": "transcribe",
            "state": speech or "waiting",
            "error": stages.get("transcribe", {}).get("error", ""),
        }
    text = stages.get("index", {}).get("state", "")
    if text != "done" or (identity and library.store.knowledge.unembedded(thing_id, identity)):
        return {
            "stage": "index",
            "state": text if text not in ("", "done") else "waiting",
            "error": stages.get("index", {}).get("error", ""),
        }
    return {}
