"""Every command that a person can type, found by introspection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer

from vidctl.cli.app import TABLE, app


def commands() -> Iterator[tuple[str, Any]]:
    """Yield each command that does something, by its words."""
    root: Any = typer.main.get_command(app)
    for name in TABLE:
        command = root.load(name)
        verbs = getattr(command, "commands", {})
        for verb, inner in verbs.items():
            yield f"{name} {verb}", inner
        if not verbs:
            yield name, command


COMMANDS = dict(commands())
