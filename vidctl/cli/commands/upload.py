"""``vidctl upload``: take media files in."""

from __future__ import annotations

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.cli.options import Given, takes
from vidctl.cli.text import size
from vidctl.errors import UsageError
from vidctl.timecode import parse_date, parse_seconds

JOBS = 64


class Skip(StrEnum):
    """How to find out that a file is here already."""

    hash = "hash"
    name = "name"


def details(
    *,
    title: Annotated[str, typer.Option(help="Title; of one file only.")] = "",
    description: Annotated[str, typer.Option(help="Description.")] = "",
    tags: Annotated[
        list[str] | None, typer.Option("--tags", "--tag", help="Tag; repeat or separate by commas.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option(help="Category; repeat or separate by commas.")
    ] = None,
    date: Annotated[
        str, typer.Option(metavar="DATE", help="Publication date, such as 2025-01-07.")
    ] = "",
    type: Annotated[
        str, typer.Option("--type", help="video or podcast, instead of what the file is.")
    ] = "",
    publish: Annotated[bool, typer.Option("--publish", help="Publish at once.")] = False,
    captions: Annotated[Path | None, typer.Option(help="Caption file of the media file.")] = None,
) -> dict[str, Any]:
    """Return what was said about the items."""
    properties: dict[str, Any] = {}
    if description:
        properties["description"] = description
    if listed(tags):
        properties["tags"] = listed(tags)
    if listed(category):
        properties["categories"] = listed(category)
    if date:
        properties["publishedAt"] = parse_date(date)
    return {
        "type": type,
        "title": title,
        "properties": properties,
        "is_published": publish,
        "captions": (captions,) if captions else (),
    }


def plan(
    *,
    to: Annotated[
        str | None, typer.Option(metavar="HOST", help="Host to send to, instead of the setting's.")
    ] = None,
    replace: Annotated[
        str | None,
        typer.Option(metavar="ITEM", help="Make the file a new version of this item's media."),
    ] = None,
    skip_existing: Annotated[
        Skip | None,
        typer.Option(
            "--skip-existing", help="Tell what is here by reading every file, or by name alone."
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on with what appears in the folder, until Ctrl-C.")
    ] = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, max=JOBS, help="Files at a time.")
    ] = 1,
    limit_rate: Annotated[
        str | None,
        typer.Option(
            metavar="RATE", help="Bytes a second for all files, such as 5M; 0 is no limit."
        ),
    ] = None,
    max_items: Annotated[
        int,
        typer.Option(
            metavar="N", min=0, help="Stop after N new items (exit code 8); 0 is no limit."
        ),
    ] = 0,
    max_duration: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Refuse longer files, such as 2h; 0 is no limit."),
    ] = None,
    allow_truncated: Annotated[
        bool,
        typer.Option("--allow-truncated", help="Take files that are cut short, and mark them."),
    ] = False,
    no_loudness: Annotated[
        bool, typer.Option("--no-loudness", help="Do not measure how loud episodes are.")
    ] = False,
) -> dict[str, Any]:
    """Return how the upload is to go."""
    from vidctl.transfer import parse_rate

    for name, value in (("to", to), ("replace", replace)):
        if value == "":
            # An unset variable in a script must not mean another upload than was meant.
            raise UsageError(f"--{name} is empty", hint=f"name one, or leave --{name} out")
    return {
        "host": to or "",
        "replace": replace or "",
        "skip": skip_existing.value if skip_existing else "",
        "is_watching": watch,
        "jobs": jobs,
        "rate": 0.0 if limit_rate is None else parse_rate(limit_rate),
        "max_items": max_items,
        "max_duration": 0.0 if max_duration is None else parse_seconds(max_duration),
        "takes_truncated": allow_truncated,
        "measures_loudness": not no_loudness,
    }


@takes(details=details, plan=plan)
def upload(
    ctx: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE",
            help="Files, folders, globs, links; - is a list on the standard input.",
        ),
    ],
    details: Given,
    plan: Given,
    process: Annotated[
        bool, typer.Option("--process", help="Transcribe and index as well.")
    ] = False,
) -> None:
    """Take audio and video files into the library.

    The same bytes are stored once for each group; uploading them again says so. Captions beside a
    file (talk.vtt, talk.en.srt) come along. An upload that was interrupted goes on where it was.
    """
    from vidctl import batch
    from vidctl.journey.ingest import Details

    with call(ctx) as c:
        wanted = batch.Plan(
            work=batch.Work(transcribe=process, index=process),
            is_rehearsal=c.is_rehearsal,
            **plan(),
        )
        outcome = batch.upload(
            c.library,
            sources,
            Details(**details()),
            plan=wanted,
            report=c.report(),
            stdin=getattr(sys.stdin, "buffer", None),
        )
        c.finish(outcome, columns=REHEARSAL if c.is_rehearsal else COLUMNS)


def listed(values: list[str] | None) -> list[str]:
    """Return repeated and comma-separated values as one list without repeats."""
    split = [part.strip() for value in values or [] for part in value.split(",")]
    return list(dict.fromkeys(part for part in split if part))


def _state(item: dict[str, Any]) -> str:
    if item.get("replaced"):
        return "new version"
    return "new" if item["new"] else "already here"


def _file(item: dict[str, Any]) -> str:
    name = str(item["file"])
    return name if "://" in name else os.path.relpath(name)


COLUMNS = (
    ("slug", lambda item: str(item["slug"])),
    ("type", lambda item: str(item["type"])),
    ("title", lambda item: str(item["name"])),
    ("state", _state),
)
REHEARSAL = (
    ("file", _file),
    ("size", lambda item: "" if item["size"] is None else size(item["size"])),
    ("state", lambda item: str(item["state"])),
)

app = verb(upload, writes=True)
