"""Typer commands with the global flags, and a root whose commands are imported when called."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup

from vidctl.cli import flags, quick

ENVIRONMENT = (
    "Every global option is also a variable, such as VIDCTL_GROUP; a command's own option"
    " carries the command's name, such as VIDCTL_UPLOAD_TITLE."
)
VERBS = ("list", "show", "add", "edit", "rm")
ALIASES = {"ls": "list", "get": "show", "create": "add", "update": "edit", "delete": "rm"}


@dataclass(frozen=True, slots=True)
class Entry:
    """A command in the table: where it lives, what it says in the list, and its section."""

    target: str
    help: str
    section: str


class QuickHelp:
    """Makes the help option quick, which Typer adds by itself."""

    def get_help_option(self, ctx: Any) -> Any:
        """Return the help option, which like every parameter is checked at each run."""
        option = super().get_help_option(ctx)  # type: ignore[misc]
        if option is not None:
            quick.quicken(option)
        return option


class Command(QuickHelp, TyperCommand):
    """A command that reads: it takes the global flags."""

    writes = False

    def __init__(self, name: str | None, **attributes: Any) -> None:
        super().__init__(name, **attributes)
        for param in self.params:
            quick.quicken(param)
            # Every option has a variable of the same form; one line of help says so for all.
            param.show_envvar = False  # type: ignore[attr-defined]
        self.epilog = self.epilog or ENVIRONMENT
        taken = {option for param in self.params for option in param.opts}
        self.params = [
            *self.params,
            *(p for p in flags.common(writes=self.writes) if not taken.intersection(p.opts)),
        ]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the command's own options first, the global ones in a section of their own."""
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        arguments: list[tuple[str, str]] = []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is None:
                continue
            if param.param_type_name == "argument":
                arguments.append(record)
            else:
                panel = getattr(param, "rich_help_panel", None)
                (shared if panel == flags.PANEL else own).append(record)
        for title, rows in (("Arguments", arguments), ("Options", own), (flags.PANEL, shared)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class WriteCommand(Command):
    """A command that changes something: it also takes ``--dry-run`` and ``--yes``."""

    writes = True


class NounGroup(QuickHelp, TyperGroup):
    """The verbs of a noun, with the hidden aliases people bring from other tools."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the verbs, the common ones first and in the same order for every noun."""
        known = {name: place for place, name in enumerate(VERBS)}
        return sorted(self.commands, key=lambda name: known.get(name, len(VERBS)))

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the verb; one that was called by an alias goes by its own name from here on."""
        name, command, rest = super().resolve_command(ctx, args)
        return command.name if command is not None else name, command, rest

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write each verb with the whole first sentence of its help."""
        rows = []
        for name in self.list_commands(ctx):
            help = (self.commands[name].help or "").strip().partition("\n\n")[0]
            rows.append((name, " ".join(help.split())))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Find a verb by its name or alias."""
        found = super().get_command(ctx, cmd_name)
        return found or super().get_command(ctx, ALIASES.get(cmd_name, cmd_name))


class LazyGroup(QuickHelp, TyperGroup):
    """The root: its commands come from a table and are imported when they are called.

    Help and completion read the table alone.
    """

    table: Mapping[str, Entry] = {}

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.epilog = ENVIRONMENT
        self.params = [*flags.common(writes=True), *self.params]
        for name, entry in self.table.items():
            self.commands[name] = TyperCommand(name, help=entry.help, rich_markup_mode=None)
        self._loaded: dict[str, Any] = {}

    def load(self, name: str) -> Any:
        """Import a command of the table."""
        if name not in self._loaded:
            module, _, attribute = self.table[name].target.partition(":")
            app: typer.Typer = getattr(importlib.import_module(module), attribute)
            command = typer.main.get_command(app)
            command.name = name
            self._loaded[name] = command
        return self._loaded[name]

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Turn the table's entry into the real command once it is clear which one is meant."""
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None and name in self.table:
            command = self.load(name)
        return name, command, rest

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands by section, then the global options."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name, entry in self.table.items():
            sections.setdefault(entry.section, []).append((name, entry.help))
        for title, rows in sections.items():
            with formatter.section(title):
                formatter.write_dl(rows)
        records = [param.get_help_record(ctx) for param in self.get_params(ctx)]
        with formatter.section(flags.PANEL):
            formatter.write_dl([record for record in records if record is not None])


def verb(function: Any, *, writes: bool = False, name: str | None = None) -> typer.Typer:
    """Make a Typer app of one command."""
    app = typer.Typer(add_completion=False, rich_markup_mode=None)
    app.command(name, cls=WriteCommand if writes else Command)(function)
    return app


def noun(help: str) -> typer.Typer:
    """Make a Typer app for a noun with verbs."""
    app = typer.Typer(
        cls=NounGroup, help=help, add_completion=False, rich_markup_mode=None, no_args_is_help=True
    )
    app.callback()(_nothing)
    return app


def _nothing() -> None: ...
