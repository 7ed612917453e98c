"""The options that say what an item is, and the properties they stand for."""

from __future__ import annotations

import json
import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from vidctl.cli.commands.upload import listed
from vidctl.errors import UsageError
from vidctl.timecode import parse_date, parse_seconds

YOUTUBE_LINKS = re.compile(
    r"(?:youtu\.be/|youtube(?:-nocookie)?\.com/(?:watch\?(?:.*&)?v=|embed/|shorts/|live/))"
    r"([A-Za-z0-9_-]{11})"
)


class Status(StrEnum):
    """Which items a listing shows."""

    draft = "draft"
    published = "published"
    archived = "archived"
    all = "all"


class Sort(StrEnum):
    """What a listing is ordered by."""

    created = "created"
    updated = "updated"
    published = "published"
    title = "title"  # type: ignore[assignment]
    duration = "duration"


Description = Annotated[str | None, typer.Option(help="Description.")]
Thumbnail = Annotated[str | None, typer.Option(metavar="URL", help="Picture: URL or path.")]
Duration = Annotated[str | None, typer.Option(metavar="TIME", help="754, 12:34 or 1h2m.")]
Transcript = Annotated[
    str | None, typer.Option(help="Transcript without times; @FILE reads a file.")
]
Tags = Annotated[
    list[str] | None, typer.Option("--tags", "--tag", help="Tag; repeat or separate by commas.")
]
Categories = Annotated[
    list[str] | None,
    typer.Option("--categories", "--category", help="Category; repeat or separate by commas."),
]
Date = Annotated[
    str | None,
    typer.Option("--date", "--published-at", metavar="DATE", help="Publication date."),
]
Views = Annotated[
    int | None, typer.Option("--view-count", min=0, help="Views counted elsewhere before.")
]
Language = Annotated[str | None, typer.Option(help="Language, such as en.")]
Extra = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Any other property; JSON or text."),
]
YouTube = Annotated[str | None, typer.Option("--youtube-id", metavar="ID", help="YouTube id.")]
VideoUrl = Annotated[
    str | None, typer.Option("--video-url", metavar="URL", help="Where the video is.")
]
AudioUrl = Annotated[
    str | None, typer.Option("--audio-url", metavar="URL", help="Where the audio is.")
]
Episode = Annotated[
    float | None, typer.Option("--episode", "--episode-number", help="Episode number.")
]
Season = Annotated[int | None, typer.Option("--season", "--season-number", help="Season number.")]
Ref = Annotated[str, typer.Argument(metavar="ITEM", help="Slug, id, id prefix or yt:ID.")]


Refs = Annotated[list[str], typer.Argument(metavar="ITEM", help="Slugs or ids.")]


def shared(
    *,
    description: str | None,
    thumbnail: str | None,
    duration: str | None,
    transcript: str | None,
    tags: list[str] | None,
    categories: list[str] | None,
    date: str | None,
    views: int | None,
    language: str | None,
    extra: list[str] | None,
) -> dict[str, Any]:
    """Return the properties that options give; an empty text means "remove it" in an edit."""
    found: dict[str, Any] = {
        "description": description,
        "thumbnail": thumbnail,
        "duration": parse_seconds(duration) if duration else duration,
        "transcript": _read(transcript),
        "tags": None if tags is None else listed(tags),
        "categories": None if categories is None else listed(categories),
        "publishedAt": parse_date(date) if date else date,
        "viewCount": views,
        "language": language,
    }
    for pair in extra or []:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise UsageError(f"--set takes KEY=VALUE, not {pair!r}")
        found[key] = _value(value)
    return {key: value for key, value in found.items() if value is not None}


def _read(text: str | None) -> str | None:
    if not text or not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{text[1:]} cannot be read as text: {error}") from None


def _value(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=lambda name: name)
    except ValueError:
        return text


def youtube_id(source: str) -> str | None:
    """Return the YouTube id that a link or a bare ``yt:ID`` holds, None for anything else."""
    if source.startswith("yt:"):
        return source[3:]
    match = YOUTUBE_LINKS.search(source)
    if match:
        return match[1]
    return source if re.fullmatch(r"[A-Za-z0-9_-]{11}", source) else None
