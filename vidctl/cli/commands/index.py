"""``vidctl index``: text into a searchable index."""

from __future__ import annotations

from typing import Annotated

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import verb


def index(
    ctx: typer.Context,
    items: Annotated[
        list[str] | None, typer.Argument(metavar="ITEM", help="Items; all by default.")
    ] = None,
) -> None:
    """Make transcripts and descriptions searchable; only what changed is embedded again."""
    with call(ctx) as c:
        from vidctl.batch import Work
        from vidctl.cli.commands.stages import run

        run(c, items, Work(index=True))


app = verb(index, writes=True)
