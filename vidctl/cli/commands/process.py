"""``vidctl process``: every stage that an item still lacks."""

from __future__ import annotations

from typing import Annotated

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import verb


def process(
    ctx: typer.Context,
    items: Annotated[
        list[str] | None, typer.Argument(metavar="ITEM", help="Items; all by default.")
    ] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Allow the speech model to be downloaded.")
    ] = False,
) -> None:
    """Transcribe and index whatever is not yet."""
    with call(ctx) as c:
        from vidctl.batch import Work
        from vidctl.cli.commands.stages import run

        run(c, items, Work(transcribe=True, index=True, download=download))


app = verb(process, writes=True)
