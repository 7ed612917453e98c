"""``vidctl uploads``: uploads that broke off."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.output import Columns
from vidctl.cli.text import plural, size
from vidctl.errors import UsageError
from vidctl.outcome import Outcome
from vidctl.timecode import parse_date

app = noun("Uploads that broke off: list, resume, abort …")

Ids = Annotated[
    list[str] | None, typer.Argument(metavar="UPLOAD", help="Ids, or the beginnings of them.")
]


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List uploads that are going on, broke off or failed."""
    with call(ctx) as c:
        c.finish(c.library.uploads.all(), columns=COLUMNS)


@app.command("resume", cls=WriteCommand)
def resume(ctx: typer.Context, uploads: Ids = None) -> None:
    """Go on with uploads where they stopped, or with all of them.

    Each becomes what it was to be: an item with the details that were given, a new version of an
    item's media, or a move to another host.
    """
    with call(ctx) as c:
        outcome = c.library.uploads.resume(
            uploads or [], report=c.report(), rehearse=c.is_rehearsal
        )
        if c.is_rehearsal:
            outcome.notes.append("nothing was changed")
        state = c.said("uploaded", "go on")
        c.finish(outcome, columns=(*WHAT, _said(state), ("item", lambda row: row["item"] or "")))


@app.command("abort", cls=WriteCommand)
def abort(
    ctx: typer.Context,
    uploads: Ids = None,
    every: Annotated[bool, typer.Option("--all", help="All that nobody is sending.")] = False,
) -> None:
    """Give uploads up and remove what has arrived of them from the host."""
    with call(ctx) as c:
        library = c.library.uploads
        outcome = library.chosen(uploads or [], every=every)
        if c.is_rehearsal:
            outcome.notes.append("nothing was changed")
        elif outcome.data["items"]:
            c.confirm(f"Give up {plural(outcome.data['total'], 'upload')}?")
            outcome = library.abort(uploads or [], every=every)
        if not outcome.data["items"]:
            outcome.notes.append("nothing to give up")
        c.finish(outcome, columns=(*WHAT, _said(c.said("aborted", "abort"))))


@app.command("orphans", cls=WriteCommand)
def orphans(
    ctx: typer.Context,
    host: Annotated[str, typer.Option(metavar="HOST", help="Only on this host.")] = "",
    older_than: Annotated[
        str, typer.Option(metavar="AGE", help="Only what began so long ago; younger may go on.")
    ] = "1d",
    every: Annotated[
        bool,
        typer.Option("--all", help="Also of groups that are gone, and of other libraries."),
    ] = False,
    abort: Annotated[bool, typer.Option("--abort", help="Remove them from the host.")] = False,
) -> None:
    """List transfers that hosts hold and no upload here knows of; their parts cost money there.

    Those that only --all lists may belong to another library that keeps its media in the same
    place, and may still go on.
    """
    with call(ctx) as c:
        library = c.library.uploads
        wanted: dict[str, Any] = {
            "host": host,
            "older_than": _seconds(older_than),
            "every": every,
        }
        outcome = library.orphans(**wanted)
        found = outcome.data["total"]
        if abort and found and not c.is_rehearsal:
            c.confirm(f"Remove {plural(found, 'transfer')} from the host{_strange(outcome)}?")
            outcome = library.orphans(**wanted, abort=True)
        if abort and c.is_rehearsal:
            outcome.notes.append("nothing was changed")
        elif found and not abort:
            words = (
                "vidctl uploads orphans --all --abort"
                if every
                else "vidctl uploads orphans --abort"
            )
            outcome.notes.append(f"{words} removes them")
        c.finish(outcome, columns=ORPHANS)


def _strange(outcome: Outcome) -> str:
    """Say how many transfers may be those of another library."""
    count = sum(row["owner"] is None for row in outcome.data["items"])
    return f", {count} of them of no group of this library" if count else ""


def _seconds(age: str) -> float:
    """Read an age such as 1d or 12h as seconds."""
    import time

    try:
        seconds = time.time() - parse_date(age) / 1000
    except UsageError:
        raise UsageError(f"{age!r} is no age", hint="--older-than 1d, 12h or 0s") from None
    return max(0.0, seconds)


def _age(moment: int) -> str:
    """Write how long ago a moment was, in its greatest unit: 3d, 5h, 2m."""
    from vidctl.library import now

    seconds = max(0, (now() - moment) // 1000)
    for letter, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{letter}"
    return f"{seconds}s"


def _state(row: dict[str, Any]) -> str:
    return f"{row['state']}: {row['error']}" if row["error"] else str(row["state"])


def _said(word: str) -> tuple[str, Any]:
    return ("state", lambda row: word)


WHAT: Columns = (
    ("id", lambda row: str(row["id"])[:10]),
    ("file", lambda row: str(row["file"])),
    ("host", lambda row: str(row["host"])),
)
COLUMNS: Columns = (
    *WHAT,
    ("sent", lambda row: f"{size(row['sent'])} of {size(row['size'])}"),
    ("age", lambda row: _age(row["updatedAt"])),
    ("state", _state),
)
ORPHANS: Columns = (
    ("host", lambda row: str(row["host"])),
    ("locator", lambda row: str(row["locator"])),
    ("age", lambda row: _age(row["startedAt"])),
    ("state", lambda row: "aborted" if row["aborted"] else "orphan"),
    ("id", lambda row: str(row["remoteId"])),
    ("group", lambda row: row["owner"] or "unknown"),
)
