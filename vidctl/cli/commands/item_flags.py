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


Where = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="EXPR", help="Those for which it holds: 'tag=x'; repeatable."),
]


def properties(
    *,
    description: Description = None,
    thumbnail: Thumbnail = None,
    duration: Duration = None,
    transcript: Transcript = None,
    tags: Tags = None,
    categories: Categories = None,
    date: Date = None,
    view_count: Views = None,
    language: Language = None,
    extra: Extra = None,
) -> dict[str, Any]:
    """Return the properties that options give; an empty text means "remove it" in an edit."""
    found = {
        "description": description,
        "thumbnail": thumbnail,
        "duration": parse_seconds(duration) if duration else duration,
        "transcript": text_or_file(transcript),
        "tags": None if tags is None else listed(tags),
        "categories": None if categories is None else listed(categories),
        "publishedAt": parse_date(date) if date else date,
        "viewCount": view_count,
        "language": language,
    }
    return _given(**{**found, **set_pairs(extra)})


def of_video(*, youtube: YouTube = None, video_url: VideoUrl = None) -> dict[str, Any]:
    """Return the properties that only a video has."""
    return _given(youtubeId=youtube, videoUrl=video_url)


def of_podcast(
    *, audio_url: AudioUrl = None, episode: Episode = None, season: Season = None
) -> dict[str, Any]:
    """Return the properties that only a podcast episode has."""
    return _given(audioUrl=audio_url, episodeNumber=episode, seasonNumber=season)


def marks(
    *,
    add_tag: Annotated[list[str] | None, typer.Option(help="Tag to put on; repeatable.")] = None,
    rm_tag: Annotated[list[str] | None, typer.Option(help="Tag to take off; repeatable.")] = None,
    add_category: Annotated[
        list[str] | None, typer.Option(help="Category to put in; repeatable.")
    ] = None,
    rm_category: Annotated[
        list[str] | None, typer.Option(help="Category to take out of; repeatable.")
    ] = None,
    add_label: Annotated[
        list[str] | None, typer.Option(help="Label to put on; repeatable.")
    ] = None,
    rm_label: Annotated[
        list[str] | None, typer.Option(help="Label to take off; repeatable.")
    ] = None,
) -> dict[str, Any]:
    """Return the fields of Marks: what to put on and take off, where something is given."""
    given = {
        "add_tags": add_tag,
        "rm_tags": rm_tag,
        "add_categories": add_category,
        "rm_categories": rm_category,
        "add_labels": add_label,
        "rm_labels": rm_label,
    }
    return {name: tuple(listed(words)) for name, words in given.items() if words}


def listing(
    *,
    status: Annotated[
        Status | None, typer.Option(help="Only these; by default all but archived ones.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only with this tag; repeatable.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Only in this category.")
    ] = None,
    label: Annotated[
        list[str] | None, typer.Option("--label", help="Only with this label; repeatable.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Published (else added) at or after; also 7d."),
    ] = None,
    until: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Published (else added) before; also 7d."),
    ] = None,
    text: Annotated[str | None, typer.Option(help="Title or description contains.")] = None,
    sort: Annotated[Sort, typer.Option(help="Order.")] = Sort.created,
    ascending: Annotated[bool, typer.Option("--asc", help="Smallest or oldest first.")] = False,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1000, help="Items a page.")
    ] = 20,
    page: Annotated[
        str | None, typer.Option(metavar="NEXT", help="Go on from the page before.")
    ] = None,
) -> dict[str, Any]:
    """Return the fields of a ThingQuery."""
    return {
        "status": status.value if status else None,
        "tags": tuple(tag or ()),
        "categories": tuple(category or ()),
        "labels": tuple(label or ()),
        "since": parse_date(since) if since else None,
        "until": parse_date(until) if until else None,
        "text": text,
        "sort": sort.value,
        "descending": not ascending and sort is not Sort.title,
        "limit": limit,
        "cursor": page,
    }


def _given(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def set_pairs(pairs: list[str] | None) -> dict[str, Any]:
    """Return the properties that ``--set`` names. Raises UsageError for what is no KEY=VALUE."""
    found: dict[str, Any] = {}
    for pair in pairs or []:
        key, mark, value = pair.partition("=")
        if not mark or not key:
            raise UsageError(f"--set takes KEY=VALUE, not {pair!r}")
        found[key] = _value(value)
    return found


def text_or_file(text: str | None) -> str | None:
    """Return a text, or what is in the file that ``@FILE`` names. Raises UsageError for no text."""
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
