"""The command line as it is: every command found by introspection, and how to call each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import typer

from vidctl.cli.app import TABLE, app


@dataclass(frozen=True)
class Leaf:
    """A command that does something: ``videos add``."""

    path: str
    command: Any

    @property
    def words(self) -> list[str]:
        """The words that call it."""
        return self.path.split()

    @property
    def writes(self) -> bool:
        """Whether it can rehearse, which every command that changes something can."""
        return bool(self.command.writes)


def _leaves() -> Iterator[Leaf]:
    root: Any = typer.main.get_command(app)
    for name in TABLE:
        command = root.load(name)
        verbs = getattr(command, "commands", None)
        if verbs is None:
            yield Leaf(name, command)
        for verb in verbs or ():
            yield Leaf(f"{name} {verb}", verbs[verb])


LEAVES = {leaf.path: leaf for leaf in _leaves()}
NOUNS = sorted({leaf.words[0] for leaf in LEAVES.values() if len(leaf.words) > 1})

# What each command is called with in the library of ``stocked``; a command that is not here has
# no tests and fails the suite.
ARGUMENTS: dict[str, list[str]] = {
    "init": ["elsewhere"],
    "demo": [],
    "upload": ["other.wav"],
    "process": [],
    "transcribe": ["talk", "--engine", "captions"],
    "index": ["talk"],
    "search": ["kingfisher", "--mode", "text"],
    "status": [],
    "videos add": ["https://example.org/new.mp4", "--title", "New"],
    "videos edit": ["clip", "--title", "Renamed"],
    "videos list": [],
    "videos show": ["clip"],
    "videos publish": ["clip"],
    "videos archive": ["clip"],
    "videos restore": ["old"],
    "videos rm": ["clip"],
    "podcasts add": ["https://example.org/new.mp3", "--title", "New"],
    "podcasts edit": ["talk", "--title", "Renamed"],
    "podcasts list": [],
    "podcasts show": ["talk"],
    "podcasts publish": ["talk"],
    "podcasts archive": ["talk"],
    "podcasts restore": ["gone"],
    "podcasts rm": ["talk"],
    "groups add": ["New"],
    "groups list": [],
    "groups tree": [],
    "groups show": ["default"],
    "groups edit": ["acme", "--name", "Renamed"],
    "groups move": ["acme/courses", "--top"],
    "groups archive": ["acme/courses"],
    "groups restore": ["closed"],
    "config show": [],
    "config get": ["search.limit"],
    "config set": ["search.limit", "5"],
    "config unset": ["search.limit"],
    "config path": [],
    "doctor": [],
    "backup": ["copy.db"],
    "completion": ["bash"],
}
# Commands that run without a library: they make one, or are about settings and the machine.
WITHOUT_LIBRARY = {"init", "demo", "completion", "doctor"} | {
    path for path in LEAVES if path.startswith("config ")
}
# The demo brings its own library and needs models; tests marked local call it.
QUICK = [path for path in LEAVES if path != "demo"]
READING = [path for path in QUICK if not LEAVES[path].writes]
WRITING = [path for path in QUICK if LEAVES[path].writes]

ENVELOPE = ["version", "command", "status", "exit_code", "data", "notes", "errors"]
ERROR = ["code", "message", "hint", "item", "exit_code"]
