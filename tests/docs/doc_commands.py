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
        yield from below(name, root.load(name))


def below(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Yield the commands of a noun, however deep its verbs lie."""
    verbs = getattr(command, "commands", {})
    for verb, inner in verbs.items():
        yield from below(f"{path} {verb}", inner)
    if not verbs:
        yield path, command


COMMANDS = dict(commands())
# What has verbs: ``people``, and ``people role`` within it.
NOUNS = {
    " ".join(path.split()[:depth]) for path in COMMANDS for depth in range(1, len(path.split()))
}
