"""``vidctl init``: make a library."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from vidctl import paths
from vidctl.cli.call import call
from vidctl.cli.lazy import verb
from vidctl.cli.text import visible
from vidctl.errors import UsageError
from vidctl.ids import slugify
from vidctl.outcome import Outcome


def init(
    ctx: typer.Context,
    folder: Annotated[
        str, typer.Argument(help="Project folder; this one by default.", show_default=False)
    ] = ".",
    name: Annotated[str, typer.Option("--name", help="Name of the first group.")] = "default",
    user: Annotated[bool, typer.Option("--user", help="Make the user-level library.")] = False,
) -> None:
    """Make a library: vidctl.toml and .vidctl/ in a project folder, or one for the user."""
    with call(ctx) as c:
        slug = slugify(name, fallback="")
        if not slug:
            raise UsageError(f"{name!r} has no letter or digit")
        root = paths.expanded(folder).absolute()
        project = root / paths.PROJECT_FILE
        given = c.values.get("db")
        if given:
            library = paths.expanded(given).absolute()
        elif user:
            library = paths.user_library()
        else:
            library = root / paths.LIBRARY_FOLDER / paths.LIBRARY_FILE
        data: dict[str, Any] = {"library": str(library), "project": None, "group": slug}
        is_project = not (user or given)
        if is_project:
            data["project"] = str(project)
        if not c.is_rehearsal:
            data["created"] = make(library, project if is_project else None, slug)
        said = "made a library" if data.get("created") else "there is a library already"
        if c.is_rehearsal:
            said = "would make a library"
        c.finish(Outcome(data), text=lambda: f"{said} at {visible(str(library))}")


def make(library: Path, project: Path | None, slug: str) -> bool:
    """Make a library file and, beside it, the project file; False when both were there."""
    from vidctl import config
    from vidctl.config import leads_out
    from vidctl.library import Library

    if project is not None and leads_out(project.parent, str(library)):
        raise UsageError(
            f"{library.parent} leads out of this folder", hint="remove the link, or use --db"
        )
    created = Library.create(library, group=slug)
    if project is not None and not project.exists():
        config.write(project, "group", slug)
    if project is not None:
        ignore = library.parent / ".gitignore"
        # Never through a link that leads to no file, as "w" would.
        with suppress(FileExistsError), ignore.open("x", encoding="utf-8") as file:
            file.write("*\n")
    return created


app = verb(init, writes=True)
