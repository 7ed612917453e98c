"""``vidctl backup``: a copy of the library file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidctl import paths
from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.cli.text import size, visible
from vidctl.errors import Conflict
from vidctl.outcome import Outcome


def backup(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make.")],
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Copy the library file to FILE, also while others write to it. Media files are not in it."""
    with call(ctx) as c:
        c.library.allow_everywhere("keep library")
        target = paths.expanded(file).absolute()
        shown = visible(str(target))
        if target.exists() and not force:
            raise Conflict(f"{target} exists", hint="add --force to replace it")
        # By whatever path or link it is called: a copy onto itself would be the end of it.
        if target.exists() and target.samefile(c.library.config.library_path()):
            raise Conflict("that is the library itself")
        if c.is_rehearsal:
            c.finish(Outcome({"file": str(target)}), text=lambda: f"would write {shown}")
            return
        c.library.database.backup(target)
        written = target.stat().st_size
        data = {"file": str(target), "size": written}
        c.finish(Outcome(data), text=lambda: f"wrote {shown}, {size(written)}")


app = verb(backup, writes=True)
