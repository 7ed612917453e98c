"""``vidctl upload``: take media files in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.timecode import parse_date


def upload(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH", help="Files, folders, globs.")],
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
    process: Annotated[
        bool, typer.Option("--process", help="Transcribe and index as well.")
    ] = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, max=64, help="Files at a time.")] = 1,
) -> None:
    """Take audio and video files into the library.

    The same bytes are stored once for each group; uploading them again says so. Captions beside a
    file (talk.vtt, talk.en.srt) come along.
    """
    from vidctl import batch
    from vidctl.journey.ingest import Details

    with call(ctx) as c:
        properties: dict[str, Any] = {}
        if description:
            properties["description"] = description
        if listed(tags):
            properties["tags"] = listed(tags)
        if listed(category):
            properties["categories"] = listed(category)
        if date:
            properties["publishedAt"] = parse_date(date)
        details = Details(type, title, properties, publish, (captions,) if captions else ())
        work = batch.Work(transcribe=process, index=process)
        report = c.report()
        outcome = batch.upload(
            c.library, paths, details, work=work, jobs=jobs, rehearse=c.is_rehearsal, report=report
        )
        c.finish(outcome, columns=REHEARSAL if c.is_rehearsal else COLUMNS)


def listed(values: list[str] | None) -> list[str]:
    """Return repeated and comma-separated values as one list without repeats."""
    split = [part.strip() for value in values or [] for part in value.split(",")]
    return list(dict.fromkeys(part for part in split if part))


COLUMNS = (
    ("slug", lambda item: str(item["slug"])),
    ("type", lambda item: str(item["type"])),
    ("title", lambda item: str(item["name"])),
    ("state", lambda item: "new" if item["new"] else "already here"),
)
REHEARSAL = (
    ("file", lambda item: os.path.relpath(str(item["file"]))),
    ("size", lambda item: str(item["size"])),
)

app = verb(upload, writes=True)
