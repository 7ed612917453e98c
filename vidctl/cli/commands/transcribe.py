"""``vidctl transcribe``: speech into segments."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.errors import UsageError


class Engine(StrEnum):
    """Where a transcript comes from."""

    auto = "auto"
    captions = "captions"
    local = "local"


def transcribe(
    ctx: typer.Context,
    items: Annotated[
        list[str] | None, typer.Argument(metavar="ITEM", help="Items; all by default.")
    ] = None,
    engine: Annotated[
        Engine | None, typer.Option(help="Engine; auto takes captions, else the local model.")
    ] = None,
    captions: Annotated[
        Path | None, typer.Option(help="Caption file (.vtt, .srt) of the one item.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Speech model: a folder or a hub name.")] = None,
    language: Annotated[str | None, typer.Option(help="Spoken language, such as en.")] = None,
    download: Annotated[
        bool, typer.Option("--download", help="Allow the model to be downloaded.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Do it again.")] = False,
) -> None:
    """Turn speech into a timed transcript.

    Items that have one are left alone unless an engine, model, language, captions or --force is
    given. A run that was killed goes on where it was.
    """
    with call(ctx) as c:
        if captions is not None and len(items or []) != 1:
            raise UsageError("--captions belongs to one item", hint="name the item")
        c.setting("transcribe.model", model)
        c.setting("transcribe.language", language)
        from vidctl.batch import Work
        from vidctl.cli.commands.stages import run

        # Asking for a model is asking for the engine that has models.
        wanted = engine.value if engine else ("local" if model or language else "")
        work = Work(
            transcribe=True,
            engine=wanted,
            captions=captions,
            force=force,
            download=download,
        )
        run(c, items, work)


app = verb(transcribe, writes=True)
