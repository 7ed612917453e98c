"""``vidctl videos`` and ``vidctl podcasts``: the same verbs over two kinds of items."""

from __future__ import annotations

from typing import Annotated

import typer

from vidctl.cli.call import call
from vidctl.cli.commands.item_flags import (
    Ref,
    Refs,
    Where,
    listing,
    marks,
    of_podcast,
    of_video,
    properties,
)
from vidctl.cli.commands.item_verbs import add, change, edit, remove, show, show_list
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.options import Given, takes
from vidctl.timecode import parse_date

videos = noun("Videos: add, list, show, edit, publish, archive, restore, remove.")
podcasts = noun("Podcast episodes: add, list, show, edit, publish, archive, restore, remove.")

NewTitle = Annotated[str, typer.Option(help="Title.")]
NewSlug = Annotated[str, typer.Option(metavar="SLUG", help="By default made from the title.")]
Publish = Annotated[bool, typer.Option("--publish", help="Publish at once.")]
Title = Annotated[str | None, typer.Option(help="New title.")]
Slug = Annotated[str | None, typer.Option(metavar="SLUG", help="New slug.")]
Some = Annotated[list[str] | None, typer.Argument(metavar="ITEM", help="Slugs or ids.")]


@videos.command("add", cls=WriteCommand)
@takes(own=of_video, given=properties)
def videos_add(
    ctx: typer.Context,
    source: Annotated[
        str, typer.Argument(metavar="URL|YOUTUBE-ID", help="Where the video is.")
    ] = "",
    title: NewTitle = "",
    slug: NewSlug = "",
    publish: Publish = False,
    *,
    own: Given,
    given: Given,
) -> None:
    """Add a video by its address, without a file."""
    with call(ctx) as c:
        add(c, "video", source, title, slug, publish, given() | own())


@podcasts.command("add", cls=WriteCommand)
@takes(own=of_podcast, given=properties)
def podcasts_add(
    ctx: typer.Context,
    source: Annotated[str, typer.Argument(metavar="URL", help="Where the audio is.")] = "",
    title: NewTitle = "",
    slug: NewSlug = "",
    publish: Publish = False,
    *,
    own: Given,
    given: Given,
) -> None:
    """Add a podcast episode by its address, without a file."""
    with call(ctx) as c:
        add(c, "podcast", source, title, slug, publish, given() | own())


@videos.command("edit", cls=WriteCommand)
@takes(own=of_video, given=properties, marked=marks)
def videos_edit(
    ctx: typer.Context,
    items: Some = None,
    where: Where = None,
    title: Title = None,
    slug: Slug = None,
    *,
    own: Given,
    given: Given,
    marked: Given,
) -> None:
    """Change videos, by name or by --where; an empty value removes a property.

    A condition is KEY OPERATOR VALUE, several are joined with "and": tag=x, tag!=x, category=x,
    label=x, status=draft, author=ana, language=en, title~text, description~text, duration>600,
    published>=2025-01-01, added<7d (before the moment seven days ago).
    """
    with call(ctx) as c:
        edit(c, "video", (items or [], where or []), (title, slug), given() | own(), marked())


@podcasts.command("edit", cls=WriteCommand)
@takes(own=of_podcast, given=properties, marked=marks)
def podcasts_edit(
    ctx: typer.Context,
    items: Some = None,
    where: Where = None,
    title: Title = None,
    slug: Slug = None,
    *,
    own: Given,
    given: Given,
    marked: Given,
) -> None:
    """Change podcast episodes, by name or by --where; an empty value removes a property.

    A condition is KEY OPERATOR VALUE, as in vidctl videos edit --help.
    """
    with call(ctx) as c:
        edit(c, "podcast", (items or [], where or []), (title, slug), given() | own(), marked())


def _common_verbs(app: typer.Typer, type: str, title: str) -> None:
    """Give a noun the verbs that do not depend on its type."""

    @app.command("list", cls=Command, help=f"List {title}s, newest first.")
    @takes(asked=listing)
    def list_(
        ctx: typer.Context,
        where: Where = None,
        author: Annotated[
            str | None, typer.Option(metavar="PERSON", help="Only by this person.")
        ] = None,
        *,
        asked: Given,
    ) -> None:
        with call(ctx) as c:
            show_list(c, type, asked(), author or "", where or [])

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
