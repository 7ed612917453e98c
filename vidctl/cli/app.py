"""The command table, and what happens around every command."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from vidctl.cli.diagnostics import Diagnostics, without_secrets
from vidctl.cli.exits import ExitCode, exit_code
from vidctl.cli.lazy import Entry, LazyGroup
from vidctl.cli.output import Output
from vidctl.errors import UsageError, VidctlError

_HERE = "vidctl.cli.commands"
# The variable by which a shell asks for completions.
COMPLETE = "_VIDCTL_COMPLETE"
START, WORK, LIBRARY, CARE = "Start here", "The daily journey", "The library", "Care"

TABLE = {
    "init": Entry(f"{_HERE}.init:app", "Make a library in this folder.", START),
    "demo": Entry(f"{_HERE}.demo:app", "Show the whole journey on a clip that ships along.", START),
    "upload": Entry(f"{_HERE}.upload:app", "Take audio and video files into the library.", WORK),
    "process": Entry(f"{_HERE}.process:app", "Transcribe and index whatever is not yet.", WORK),
    "transcribe": Entry(f"{_HERE}.transcribe:app", "Turn speech into a timed transcript.", WORK),
    "index": Entry(f"{_HERE}.index:app", "Make transcripts searchable.", WORK),
    "search": Entry(f"{_HERE}.search:app", "Find the moment where something is said.", WORK),
    "status": Entry(f"{_HERE}.status:app", "Show what the library holds and what is left.", WORK),
    "videos": Entry(f"{_HERE}.videos:videos", "Videos: add, list, show, edit …", LIBRARY),
    "podcasts": Entry(f"{_HERE}.videos:podcasts", "Podcast episodes: add, list, show …", LIBRARY),
    "playlists": Entry(f"{_HERE}.playlists:app", "Playlists: add, list, order …", LIBRARY),
    "people": Entry(f"{_HERE}.people:app", "People: add, list, show, roles, grants …", LIBRARY),
    "whoami": Entry(f"{_HERE}.whoami:app", "Show who acts, and what they are here.", LIBRARY),
    "labels": Entry(f"{_HERE}.labels:app", "Labels: add, rm, list, rename, merge.", LIBRARY),
    "events": Entry(f"{_HERE}.events:app", "Events: list, follow, export, record.", LIBRARY),
    "courses": Entry(f"{_HERE}.courses:app", "Courses: outline, enrol people, report …", LIBRARY),
    "lessons": Entry(f"{_HERE}.lessons:app", "Lessons of a course: add, move, edit …", LIBRARY),
    "progress": Entry(f"{_HERE}.progress:app", "Progress: set, watch, done, show …", LIBRARY),
    "media": Entry(f"{_HERE}.media:app", "Media: probe, thumb, sheet, audio, move …", LIBRARY),
    "analytics": Entry(f"{_HERE}.analytics:app", "Views, retention, courses, searches.", LIBRARY),
    "groups": Entry(f"{_HERE}.groups:app", "Groups: tenants, nested to any depth.", LIBRARY),
    "uploads": Entry(f"{_HERE}.uploads:app", "Uploads that broke off: list, resume …", CARE),
    "cost": Entry(f"{_HERE}.cost:app", "Costs of services: show, estimate, cap.", CARE),
    "hosts": Entry(f"{_HERE}.hosts:app", "Media hosts: list, check, verify.", CARE),
    "keys": Entry(f"{_HERE}.keys:app", "Keys of services: list, set, rm.", CARE),
    "config": Entry(f"{_HERE}.config:app", "Settings and where each comes from.", CARE),
    "doctor": Entry(f"{_HERE}.doctor:app", "Check the library and this machine.", CARE),
    "backup": Entry(f"{_HERE}.backup:app", "Copy the library file while it is in use.", CARE),
    "completion": Entry(f"{_HERE}.completion:app", "Print shell completion.", CARE),
}


class Root(LazyGroup):
    """The ``vidctl`` command."""

    table = TABLE


app = typer.Typer(
    cls=Root,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
    context_settings={
        "auto_envvar_prefix": "VIDCTL",
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
    },
)


def _version(asked: bool) -> None:
    if asked:
        from vidctl import __version__

        Output().write(f"vidctl {__version__}\n")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool,
        typer.Option(
            "--version",
            "-V",
            callback=_version,
            is_eager=True,
            allow_from_autoenv=False,
            show_envvar=False,
            help="Print the version.",
        ),
    ] = False,
) -> None:
    """Turn video and audio files into a searchable, captioned, organised library."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; every error is told here."""
    if COMPLETE in os.environ:
        from typer._completion_classes import completion_init

        completion_init()
    command = typer.main.get_command(app)
    line = CommandLine(arguments)
    try:
        result = command.main(
            list(arguments), prog_name="vidctl", standalone_mode=False, obj=line.started
        )
        if result == ExitCode.INTERRUPTED:
            return _interrupted(line)
        return result if isinstance(result, int) else ExitCode.DONE
    except typer.TyperException as error:
        return _usage(error, line)
    except VidctlError as error:
        return _fail(error, exit_code(error), line)
    except (KeyboardInterrupt, typer.Abort):
        return _interrupted(line)
    except OSError as error:
        from vidctl.files import refusal_of

        return _fail(refusal_of(error), ExitCode.FAILED, line)
    except Exception as error:
        return _crash(error, line)


class CommandLine:
    """What is known about a command line that failed, however early it did.

    ``started`` is filled by ``call``: the command's words and its global flags.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.arguments = arguments
        self.started: dict[str, Any] = {"command": "", "flags": {}}

    @property
    def command(self) -> str:
        """The command's words: a crash log and an envelope need no titles or paths."""
        return str(self.started["command"])

    @property
    def is_json(self) -> bool:
        """Whether an envelope was asked for; flags after a usage error were never parsed."""
        if self.started["flags"]:
            return bool(self.started["flags"].get("json"))
        given = os.environ.get("VIDCTL_JSON", "").lower()
        return "--json" in self.arguments or given in ("1", "true", "t", "yes", "y", "on")

    @property
    def diagnostics(self) -> Diagnostics:
        """Where to tell the error, with the colour and detail that were asked for."""
        given = self.started["flags"]
        verbose = given.get("verbose") or sum(w in ("-v", "--verbose") for w in self.arguments)
        return Diagnostics(verbose=verbose, color=given.get("color") or _color(self.arguments))


def _usage(error: Any, line: CommandLine) -> int:
    context = getattr(error, "ctx", None)
    message = error.format_message().replace("Value error, ", "")
    if type(error).__name__ == "NoArgsIsHelpError":
        Diagnostics().help(message)
        return ExitCode.USAGE
    path = context.command_path if context is not None else "vidctl"
    line.started["command"] = line.command or " ".join(path.split()[1:])
    return _fail(UsageError(message, hint=f"{path} --help"), ExitCode.USAGE, line)


def _fail(error: VidctlError, code: ExitCode, line: CommandLine) -> int:
    line.diagnostics.error(error)
    if line.is_json:
        Output(format="json").failure(line.command, error, code)
    return code


def _interrupted(line: CommandLine) -> int:
    error = VidctlError("interrupted", hint="run the same command again to go on")
    error.code = "interrupted"
    return _fail(error, ExitCode.INTERRUPTED, line)


def _crash(error: Exception, line: CommandLine) -> int:
    line.diagnostics.crash(error, line.command)
    told = VidctlError(without_secrets(f"{type(error).__name__}: {error}"))
    told.code = "bug"
    if line.is_json:
        Output(format="json").failure(line.command, told, ExitCode.BUG)
    return ExitCode.BUG


def _color(arguments: Sequence[str]) -> str:
    for number, word in enumerate(arguments):
        if word.startswith("--color="):
            return word.partition("=")[2]
        if word == "--color" and number + 1 < len(arguments):
            return arguments[number + 1]
    return "auto"
