"""``vidctl videos`` and ``vidctl podcasts``: the same verbs over two kinds of items."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.commands.item_flags import (
    AudioUrl,
    Categories,
    Date,
    Description,
    Duration,
    Episode,
    Extra,
    Language,
    Ref,
    Refs,
    Season,
    Sort,
    Status,
    Tags,
    Thumbnail,
    Transcript,
    VideoUrl,
    Views,
    YouTube,
    shared,
)
from vidctl.cli.commands.item_verbs import add, change, edit, remove, show, show_list
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.timecode import parse_date

videos = noun("Videos: add, list, show, edit, publish, archive, restore, remove.")
podcasts = noun("Podcast episodes: add, list, show, edit, publish, archive, restore, remove.")


@videos.command("add", cls=WriteCommand)
def videos_add(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="URL|YOUTUBE-ID", help="Where the video is.")
    ] = "",
    title: Annotated[str, typer.Option(help="Title.")] = "",
    slug: Annotated[str, typer.Option(metavar="SLUG", help="By default made from the title.")] = "",
    publish: Annotated[bool, typer.Option("--publish", help="Publish at once.")] = False,
    description: Description = None,
    youtube: YouTube = None,
    video_url: VideoUrl = None,
    thumbnail: Thumbnail = None,
    duration: Duration = None,
    transcript: Transcript = None,
    tags: Tags = None,
    categories: Categories = None,
    date: Date = None,
    view_count: Views = None,
    language: Language = None,
    extra: Extra = None,
) -> None:
    """Add a video by its address, without a file."""
    with call(ctx) as c:
        given = shared(
            description=description,
            thumbnail=thumbnail,
            duration=duration,
            transcript=transcript,
            tags=tags,
            categories=categories,
            date=date,
            views=view_count,
            language=language,
            extra=extra,
        )
        given |= _named(youtubeId=youtube, videoUrl=video_url)
        add(c, "video", source, title, slug, publish, given)


@podcasts.command("add", cls=WriteCommand)
def podcasts_add(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="URL", help="Where the audio is.")] = "",
    title: Annotated[str, typer.Option(help="Title.")] = "",
    slug: Annotated[str, typer.Option(metavar="SLUG", help="By default made from the title.")] = "",
    publish: Annotated[bool, typer.Option("--publish", help="Publish at once.")] = False,
    description: Description = None,
    audio_url: AudioUrl = None,
    episode: Episode = None,
    season: Season = None,
    thumbnail: Thumbnail = None,
    duration: Duration = None,
    transcript: Transcript = None,
    tags: Tags = None,
    categories: Categories = None,
    date: Date = None,
    view_count: Views = None,
    language: Language = None,
    extra: Extra = None,
) -> None:
    """Add a podcast episode by its address, without a file."""
    with call(ctx) as c:
        given = shared(
            description=description,
            thumbnail=thumbnail,
            duration=duration,
            transcript=transcript,
            tags=tags,
            categories=categories,
            date=date,
            views=view_count,
            language=language,
            extra=extra,
        )
        given |= _named(audioUrl=audio_url, episodeNumber=episode, seasonNumber=season)
        add(c, "podcast", source, title, slug, publish, given)


def _named(**values: Any) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


@videos.command("edit", cls=WriteCommand)
def videos_edit(
    ctx: typer.Context,
    item: Ref,
    title: Annotated[str | None, typer.Option(help="New title.")] = None,
    slug: Annotated[str | None, typer.Option(metavar="SLUG", help="New slug.")] = None,
    description: Description = None,
    youtube: YouTube = None,
    video_url: VideoUrl = None,
    thumbnail: Thumbnail = None,
    duration: Duration = None,
    transcript: Transcript = None,
    tags: Tags = None,
    categories: Categories = None,
    date: Date = None,
    view_count: Views = None,
    language: Language = None,
    extra: Extra = None,
) -> None:
    """Change a video; an empty value removes a property."""
    with call(ctx) as c:
        given = shared(
            description=description,
            thumbnail=thumbnail,
            duration=duration,
            transcript=transcript,
            tags=tags,
            categories=categories,
            date=date,
            views=view_count,
            language=language,
            extra=extra,
        )
        edit(c, "video", item, title, slug, given | _named(youtubeId=youtube, videoUrl=video_url))


@podcasts.command("edit", cls=WriteCommand)
def podcasts_edit(
    ctx: typer.Context,
    item: Ref,
    title: Annotated[str | None, typer.Option(help="New title.")] = None,
    slug: Annotated[str | None, typer.Option(metavar="SLUG", help="New slug.")] = None,
    description: Description = None,
    audio_url: AudioUrl = None,
    episode: Episode = None,
    season: Season = None,
    thumbnail: Thumbnail = None,
    duration: Duration = None,
    transcript: Transcript = None,
    tags: Tags = None,
    categories: Categories = None,
    date: Date = None,
    view_count: Views = None,
    language: Language = None,
    extra: Extra = None,
) -> None:
    """Change a podcast episode; an empty value removes a property."""
    with call(ctx) as c:
        given = shared(
            description=description,
            thumbnail=thumbnail,
            duration=duration,
            transcript=transcript,
            tags=tags,
            categories=categories,
            date=date,
            views=view_count,
            language=language,
            extra=extra,
        )
        given |= _named(audioUrl=audio_url, episodeNumber=episode, seasonNumber=season)
        edit(c, "podcast", item, title, slug, given)


def _common_verbs(app: typer.Typer, type: str, title: str) -> None:
    """Give a noun the verbs that do not depend on its type."""

    @app.command("list", cls=Command, help=f"List {title}s, newest first.")
    def list_(
        ctx: typer.Context,
        status: Annotated[
            Status | None, typer.Option(help="Only these; by default all but archived ones.")
        ] = None,
        tag: Annotated[
            list[str] | None, typer.Option("--tag", help="Only with this tag; repeatable.")
        ] = None,
        category: Annotated[
            list[str] | None, typer.Option("--category", help="Only in this category.")
        ] = None,
        author: Annotated[
            str | None, typer.Option(metavar="PERSON", help="Only by this person.")
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
    ) -> None:
        with call(ctx) as c:
            asked = {
                "status": status.value if status else None,
                "tags": tuple(tag or ()),
                "categories": tuple(category or ()),
                "since": parse_date(since) if since else None,
                "until": parse_date(until) if until else None,
                "text": text,
                "sort": sort.value,
                "descending": not ascending and sort is not Sort.title,
                "limit": limit,
                "cursor": page,
            }
            show_list(c, type, asked, author)

    @app.command("show", cls=Command, help=f"Show a {title} with its transcript.")
    def show_(ctx: typer.Context, item: Ref) -> None:
        with call(ctx) as c:
            show(c, type, item)

    @app.command("publish", cls=WriteCommand, help=f"Publish {title}s.")
    def publish_(
        ctx: typer.Context,
        items: Refs,
        date: Annotated[
            str | None, typer.Option(metavar="DATE", help="Publication date; now by default.")
        ] = None,
    ) -> None:
        with call(ctx) as c:
            change(c, type, items, "publish", parse_date(date) if date else None)

    @app.command("archive", cls=WriteCommand, help=f"Put {title}s away; restore brings them back.")
    def archive_(ctx: typer.Context, items: Refs) -> None:
        with call(ctx) as c:
            change(c, type, items, "archive")

    @app.command("restore", cls=WriteCommand, help=f"Bring archived {title}s back.")
    def restore_(ctx: typer.Context, items: Refs) -> None:
        with call(ctx) as c:
            change(c, type, items, "restore")

    @app.command("rm", cls=WriteCommand, help=f"Archive {title}s, or remove them for good.")
    def rm_(
        ctx: typer.Context,
        items: Refs,
        purge: Annotated[bool, typer.Option("--purge", help="Remove for good, media too.")] = False,
    ) -> None:
        with call(ctx) as c:
            remove(c, type, items, purge)


_common_verbs(videos, "video", "video")
_common_verbs(podcasts, "podcast", "podcast episode")
