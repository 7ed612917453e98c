"""``vidctl media``: what is in media files, what is made of them, and where they are."""

from __future__ import annotations

import re
import sys
from enum import StrEnum
from pathlib import PurePath
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.charts import can_say
from vidctl.cli.commands import media_screens as screens
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.options import Given, takes
from vidctl.cli.text import plural, size
from vidctl.errors import UsageError
from vidctl.timecode import parse_seconds

if TYPE_CHECKING:
    from vidctl.library.making import Goal

app = noun("Media: probe, thumb, sheet, storyboard, audio, peaks, preview, list, move.")

Item = Annotated[str, typer.Argument(metavar="ITEM", help="Slug or id.")]
Subject = Annotated[str, typer.Argument(metavar="ITEM|FILE", help="Slug or id, or a media file.")]


class Form(StrEnum):
    """What sound is converted to."""

    opus = "opus"
    mp3 = "mp3"
    wav = "wav"


def _file(
    *,
    out: Annotated[
        str, typer.Option("--out", metavar="FILE", help="Write it here; keep none with the item.")
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> dict[str, Any]:
    return {"out": out, "force": force}


def _folder(
    *,
    out: Annotated[
        str,
        typer.Option("--out", metavar="FOLDER", help="Write it here; keep none with the item."),
    ] = "",
    force: Annotated[bool, typer.Option("--force", help="Replace files that are there.")] = False,
) -> dict[str, Any]:
    return {"out": out, "force": force}


def _goal(c: Call, given: Given) -> Goal:
    from vidctl.library.making import Goal

    return Goal(**given(), rehearse=c.is_rehearsal)


@app.command("list", cls=Command)
def list_(ctx: typer.Context, item: Item) -> None:
    """List where an item's bytes are, with copies, former versions and what was made of them."""
    with call(ctx) as c:
        c.finish(c.library.media.of(item), columns=screens.ROWS)


@app.command("probe", cls=Command)
def probe(
    ctx: typer.Context,
    subject: Subject,
    loudness: Annotated[
        bool, typer.Option("--loudness", help="Measure the loudness too (EBU R 128).")
    ] = False,
) -> None:
    """Show what is in a media file: duration, streams, rotation, chapters, tags."""
    with call(ctx) as c:
        outcome = c.media.probe(subject, loudness=loudness)
        c.finish(outcome, text=lambda: screens.probed(outcome.data, min(c.output.columns, 80)))


@app.command("thumb", cls=WriteCommand)
@takes(place=_file)
def thumb(
    ctx: typer.Context,
    subject: Subject,
    at: Annotated[
        str | None, typer.Option(metavar="TIME", help="Moment to take it at: 75, 1:15 or 1m15s.")
    ] = None,
    auto: Annotated[
        bool, typer.Option("--auto", help="Take the best of twelve moments, as without --at.")
    ] = False,
    width: Annotated[
        int, typer.Option(min=16, max=8192, help="At most so many pixels wide.")
    ] = 640,
    *,
    place: Given,
) -> None:
    """Take a thumbnail, and make it the item's picture."""
    with call(ctx) as c:
        if auto and at is not None:
            raise UsageError("--at and --auto exclude each other")
        moment = None if at is None else parse_seconds(at)
        outcome = c.media.thumb(subject, _goal(c, place), at=moment, width=width, report=c.report())
        _told(c, outcome, "thumbnail")


@app.command("sheet", cls=WriteCommand)
@takes(place=_file)
def sheet(
    ctx: typer.Context,
    subject: Subject,
    columns: Annotated[int, typer.Option(min=1, max=20, help="Pictures in a row.")] = 5,
    rows: Annotated[int, typer.Option(min=1, max=20, help="Rows of pictures.")] = 4,
    width: Annotated[int, typer.Option(min=160, max=8192, help="Width in pixels.")] = 1600,
    *,
    place: Given,
) -> None:
    """Make a contact sheet: pictures of the whole video, each with its time."""
    with call(ctx) as c:
        outcome = c.media.sheet(
            subject, _goal(c, place), columns=columns, rows=rows, width=width, report=c.report()
        )
        _told(c, outcome, "sheet")


@app.command("storyboard", cls=WriteCommand)
@takes(place=_folder)
def storyboard(
    ctx: typer.Context,
    subject: Subject,
    every: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Time from picture to picture, 5 s by default."),
    ] = None,
    tiles: Annotated[
        str | None,
        typer.Option(
            metavar="CxR",
            help="Columns and rows of a sheet; without --every, one sheet for all of the video.",
        ),
    ] = None,
    width: Annotated[
        int, typer.Option(min=32, max=640, help="Width of a picture in pixels.")
    ] = 160,
    *,
    place: Given,
) -> None:
    """Make what players show above the time line: small pictures, and WebVTT that finds them."""
    with call(ctx) as c:
        across, down = (None, None) if tiles is None else _grid(tiles)
        outcome = c.media.storyboard(
            subject,
            _goal(c, place),
            every=None if every is None else parse_seconds(every),
            columns=across,
            rows=down,
            width=width,
            report=c.report(),
        )
        _told(c, outcome, "storyboard")


def _grid(text: str) -> tuple[int, int]:
    match = re.fullmatch(r"(\d{1,2})[x×](\d{1,2})", text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is not a number of columns and rows", hint="--tiles 5x5")
    return int(match[1]), int(match[2])


@app.command("audio", cls=WriteCommand)
@takes(place=_file)
def audio(
    ctx: typer.Context,
    subject: Subject,
    format: Annotated[
        Form | None, typer.Option(help="What to convert to; by the ending of --out, else opus.")
    ] = None,
    bitrate: Annotated[
        str | None, typer.Option(metavar="RATE", help="Bits a second, such as 64k.")
    ] = None,
    mono: Annotated[bool, typer.Option("--mono", help="Mix all channels into one.")] = False,
    rate: Annotated[
        int | None, typer.Option(min=1, metavar="HZ", help="Samples a second, such as 48000.")
    ] = None,
    *,
    place: Given,
) -> None:
    """Make a sound file of a video or of another sound file, with its tags and cover."""
    with call(ctx) as c:
        outcome = c.media.audio(
            subject,
            _goal(c, place),
            form=_form(format, str(place()["out"])).value,
            bitrate=None if bitrate is None else _bits(bitrate),
            mono=mono,
            rate=rate,
            report=c.report(),
        )
        _told(c, outcome, "sound file")


def _form(wanted: Form | None, out: str) -> Form:
    """Return what to convert to.

    Raises UsageError where a file would get another's ending, or one that says nothing.
    """
    ending = PurePath(out).suffix.lower().removeprefix(".")
    said = Form(ending) if ending in list(Form) else None
    if wanted is not None and said is not None and wanted is not said:
        raise UsageError(
            f"--out ends in .{ending}, but --format is {wanted.value}", hint="leave --format out"
        )
    if out and wanted is None and said is None:
        raise UsageError(
            f"{out!r} does not end in .opus, .mp3 or .wav, so the format is not known",
            hint="add --format opus|mp3|wav",
        )
    return wanted or said or Form.opus


def _bits(text: str) -> int:
    match = re.fullmatch(r"(\d{1,7})(k?)", text.strip().lower())
    if match is None:
        raise UsageError(f"{text!r} is not a bit rate", hint="--bitrate 64k")
    return int(match[1]) * (1000 if match[2] else 1)


@app.command("peaks", cls=WriteCommand)
@takes(place=_file)
def peaks(
    ctx: typer.Context,
    subject: Subject,
    points: Annotated[int, typer.Option(min=10, max=100_000, help="At most so many points.")] = 800,
    store: Annotated[bool, typer.Option("--store", help="Keep it with the item.")] = False,
    *,
    place: Given,
) -> None:
    """Show the outline of the sound; --json, --out and --store give it to waveform players."""
    with call(ctx) as c:
        goal = _goal(c, place)
        if store and goal.out:
            raise UsageError("--store and --out exclude each other")
        # Asked before a progress bar stands in for stdout.
        is_plain = c.output.file is None and not can_say(sys.stdout.encoding)
        columns = min(c.output.columns, 80)
        outcome = c.media.peaks(subject, goal, points=points, keeps=store, report=c.report())
        c.finish(outcome, text=lambda: screens.outline(outcome.data, columns, ascii=is_plain))


@app.command("preview", cls=WriteCommand)
@takes(place=_file)
def preview(
    ctx: typer.Context,
    subject: Subject,
    seconds: Annotated[float, typer.Option(min=0.5, max=15, help="Length in seconds.")] = 3.0,
    width: Annotated[int, typer.Option(min=64, max=640, help="At most so many pixels wide.")] = 320,
    *,
    place: Given,
) -> None:
    """Make an animated WebP of several moments."""
    with call(ctx) as c:
        outcome = c.media.preview(
            subject, _goal(c, place), seconds=seconds, width=width, report=c.report()
        )
        _told(c, outcome, "preview")


def _told(c: Call, outcome: Any, what: str) -> None:
    c.finish(outcome, text=lambda: screens.made(outcome.data, what, is_rehearsal=c.is_rehearsal))


@app.command("move", cls=WriteCommand)
def move(
    ctx: typer.Context,
    items: Annotated[list[str] | None, typer.Argument(metavar="ITEM", help="Slugs or ids.")] = None,
    to: Annotated[str, typer.Option("--to", metavar="HOST", help="Host to move to.")] = "",
    all: Annotated[bool, typer.Option("--all", help="Move every item.")] = False,
    delete_source: Annotated[
        bool,
        typer.Option(
            "--delete-source", help="Remove the old bytes, once the new ones are verified."
        ),
    ] = False,
    delete_copies: Annotated[
        bool,
        typer.Option(
            "--delete-copies", help="Remove copies on all other hosts too, not only the old bytes."
        ),
    ] = False,
) -> None:
    """Move items' media to another host: copy, verify, switch; interrupted, it goes on."""
    with call(ctx) as c:
        if not to:
            raise UsageError("where to move to was not given", hint="--to HOST")
        if bool(items) == all:
            raise UsageError(
                "--all and items exclude each other" if all else "no item was given",
                hint="name items, or give --all",
            )
        outcome = c.library.media.move(
            items or [],
            to,
            deletes=delete_source,
            clears=delete_copies,
            rehearse=c.is_rehearsal,
            report=c.report(),
        )
        columns = (
            ("slug", lambda row: str(row["slug"])),
            ("state", lambda row: _state(c, row)),
            ("from", lambda row: ", ".join(row["from"])),
            ("to", lambda row: str(row["to"])),
            ("sent", lambda row: size(row["sent"])),
            ("removed", lambda row: plural(row["deleted"], "file") if row["deleted"] else ""),
        )
        c.finish(outcome, columns=columns)


def _state(c: Call, row: dict[str, Any]) -> str:
    if row["files"]:
        return f"{c.said('moved', 'move')} {plural(row['files'], 'file')}"
    return c.said("cleared", "clear") if row["deleted"] else "already there"
