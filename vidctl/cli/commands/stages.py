"""What ``transcribe``, ``index`` and ``process`` share."""

from __future__ import annotations

from typing import Any

from vidctl.batch import Work, process
from vidctl.cli.call import Call
from vidctl.cli.text import plural
from vidctl.outcome import Outcome

COLUMNS = (
    ("slug", lambda item: str(item["slug"])),
    ("transcript", lambda item: _count(item, "transcribe", "segments", "segment")),
    ("index", lambda item: _count(item, "index", "chunks", "chunk")),
)


def _count(item: dict[str, Any], stage: str, key: str, noun: str) -> str:
    if item.get("failed") == stage:
        return f"failed: {item['error']}"
    return plural(item[key], noun) if key in item else "-"


def run(c: Call, references: list[str] | None, work: Work) -> None:
    """Resolve the items, take them through the stages, and write the outcome."""
    things, errors = c.library.select(references or [], action="edit")
    if errors and not things:
        raise errors[0]
    if c.is_rehearsal:
        rows = [{"slug": thing.slug, "id": thing.id, "type": thing.type} for thing in things]
        done = Outcome(
            {"items": rows, "total": len(rows), "next": None},
            notes=[f"{len(rows)} would be looked at; nothing was changed"],
        )
        done.errors = errors
        c.finish(done, columns=COLUMNS[:1])
        return
    done = process(c.library, things, work, report=c.report())
    done.errors = errors + done.errors
    c.finish(done, columns=COLUMNS)
