"""The flags that every command has, before or after its name, and as ``VIDCTL_<FLAG>``."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from typing import Annotated, Any

import typer

from vidctl.cli import quick

PANEL = "Global options"
META = "vidctl.flags"


class When(StrEnum):
    """When to use colour or progress bars."""

    auto = "auto"
    always = "always"
    never = "never"


def _common(
    db: Annotated[
        str | None,
        typer.Option("--db", metavar="FILE", envvar="VIDCTL_DB", help="Library file to use."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            "-g",
            metavar="PATH",
            envvar="VIDCTL_GROUP",
            help="Group to work in, such as acme/courses.",
        ),
    ] = None,
    recursive: Annotated[
        bool,
        typer.Option(
            "--recursive", "-r", envvar="VIDCTL_RECURSIVE", help="Include the groups below it."
        ),
    ] = False,
    person: Annotated[
        str | None,
        typer.Option("--as", metavar="PERSON", envvar="VIDCTL_AS", help="Act as this person."),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", envvar="VIDCTL_JSON", help="Print one JSON envelope.")
    ] = False,
    jsonl: Annotated[
        bool, typer.Option("--jsonl", envvar="VIDCTL_JSONL", help="Print one JSON object a line.")
    ] = False,
    csv: Annotated[bool, typer.Option("--csv", envvar="VIDCTL_CSV", help="Print CSV.")] = False,
    fields: Annotated[
        str | None,
        typer.Option(
            "--fields", metavar="A,B", envvar="VIDCTL_FIELDS", help="Print only these fields."
        ),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            envvar="VIDCTL_OUTPUT",
            help="Write to a file, not to stdout.",
        ),
    ] = None,
    quiet: Annotated[
        bool,
        typer.Option(
            "--quiet", "-q", envvar="VIDCTL_QUIET", help="Print no notes and no progress."
        ),
    ] = False,
    verbose: Annotated[
        int,
        typer.Option(
            "--verbose",
            "-v",
            count=True,
            show_default=False,
            envvar="VIDCTL_VERBOSE",
            help="Say more about errors.",
        ),
    ] = 0,
    no_input: Annotated[
        bool, typer.Option("--no-input", envvar="VIDCTL_NO_INPUT", help="Never ask; fail instead.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", envvar="VIDCTL_OFFLINE", help="Never use the network.")
    ] = False,
    color: Annotated[
        When | None, typer.Option("--color", envvar="VIDCTL_COLOR", help="Use colour.")
    ] = None,
    progress: Annotated[
        When | None,
        typer.Option("--progress", envvar="VIDCTL_PROGRESS", help="Draw progress bars."),
    ] = None,
) -> None: ...


def _writing(
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            "-n",
            envvar="VIDCTL_DRY_RUN",
            help="Say what would happen, change nothing.",
        ),
    ] = False,
    yes: Annotated[
        bool,
        typer.Option("--yes", "-y", envvar="VIDCTL_YES", help="Answer every question with yes."),
    ] = False,
) -> None: ...


def keep(ctx: Any, param: Any, value: Any) -> Any:
    """Remember a flag for the whole command line; the innermost place that sets it wins.

    A variable counts at every level of the command, so it never replaces what is remembered:
    ``vidctl -g acme videos list`` stays in acme whatever VIDCTL_GROUP says.
    """
    flags = ctx.meta.setdefault(META, {})
    if param.name not in flags or ctx.get_parameter_source(param.name).name == "COMMANDLINE":
        flags[param.name] = value
    return value


@cache
def common(*, writes: bool) -> tuple[Any, ...]:
    """Return the parameters that every command gets; writing ones can rehearse and be confirmed."""
    found = []
    for function in (_writing, _common) if writes else (_common,):
        app = typer.Typer(add_completion=False)
        app.command()(function)
        for param in typer.main.get_command(app).params:
            quick.quicken(param)
            param.expose_value = False
            param.callback = keep
            param.show_envvar = False  # type: ignore[attr-defined]
            param.rich_help_panel = PANEL  # type: ignore[attr-defined]
            found.append(param)
    return tuple(found)
