"""One run of one command: its flags, settings, library, and where its result goes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.cli import flags
from vidctl.cli.diagnostics import Diagnostics
from vidctl.cli.exits import ExitCode
from vidctl.cli.output import Columns, Output
from vidctl.config import Config, Value
from vidctl.errors import NotFound, UsageError
from vidctl.outcome import Outcome
from vidctl.progress import Report

if TYPE_CHECKING:
    from vidctl.library import Library
    from vidctl.library.media import Media


class Call:
    """What a command function works with; made from its context by ``call``.

    ``values`` are the global flags by name.
    """

    def __init__(self, values: dict[str, Any], command: str) -> None:
        self.values = values
        self.command = command
        self.diagnostics = Diagnostics(
            quiet=bool(values.get("quiet")),
            verbose=int(values.get("verbose") or 0),
            color=str(values.get("color") or "auto"),
            progress=str(values.get("progress") or "auto"),
        )
        self.output = output_of(values)
        self.config = Config(flags=self._settings())
        self.code = ExitCode.DONE
        self._library: Library | None = None
        self._reports: list[Report] = []

    def _settings(self) -> dict[str, Value]:
        given: dict[str, Value] = {}
        for flag, key in (("group", "group"), ("db", "db"), ("person", "person")):
            value = self.values.get(flag)
            if value == "":
                # An unset variable in a script must not mean "wherever".
                name = {"person": "as"}.get(flag, flag)
                raise UsageError(f"--{name} is empty", hint=f"name one, or leave --{name} out")
            # A flag also takes its value from a variable; where the setting has the same one,
            # the settings say so better.
            if value and value != os.environ.get(f"VIDCTL_{key.upper()}"):
                given[key] = value
        return given

    def setting(self, key: str, value: Value | None) -> None:
        """Let a flag of this command override a setting, when it was given."""
        if value is not None:
            self.config.flags[key] = value

    @property
    def is_rehearsal(self) -> bool:
        """Whether ``--dry-run`` was given."""
        return bool(self.values.get("dry_run"))

    @property
    def library(self) -> Library:
        """The library, opened on first use; closed when the command ends."""
        if self._library is None:
            from vidctl.library import Library

            self._library = Library.open(
                self.config,
                group=self.values.get("group") or None,
                recursive=bool(self.values.get("recursive")),
                offline=bool(self.values.get("offline")),
            )
            if self._library.snapshot is not None:
                self.diagnostics.note(
                    f"the library was upgraded; the old one is at {self._library.snapshot}"
                )
        return self._library

    @property
    def media(self) -> Media:
        """The work on media; it opens the library only when an item is named."""
        from vidctl.library.media import Media

        return Media(lambda: self.library)

    def change(self, act: Callable[[], Outcome]) -> Outcome:
        """Run a change and return its outcome; a rehearsal runs it too and takes all of it back."""
        return self.library.attempt(act, rehearse=self.is_rehearsal)

    def said(self, done: str, would: str) -> str:
        """Return the word for what happened, or for what would in a rehearsal."""
        return f"would {would}" if self.is_rehearsal else done

    def report(self) -> Report:
        """Return a progress report that is taken away when the command ends."""
        made = self.diagnostics.report()
        self._reports.append(made)
        return made

    def confirm(self, question: str) -> None:
        """Go on only after a yes: by ``--yes``, or by asking on a terminal.

        Raises UsageError where nobody can be asked, or the answer is no.
        """
        if self.values.get("yes"):
            return
        import sys

        if self.values.get("no_input") or not sys.stdin.isatty():
            raise UsageError(f"not done without a yes: {question}", hint="add --yes to do it")
        self.diagnostics.ask(f"{question} [y/N] ")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise UsageError("nothing was changed")

    def finish(
        self,
        outcome: Outcome,
        *,
        text: Callable[[], str] | None = None,
        columns: Columns = (),
        cut: bool = False,
        told: int | None = None,
    ) -> None:
        """Write a command's outcome, its notes and its failed items; remember the exit code.

        ``told`` is how many of the failed items people are told one by one.
        """
        while self._reports:
            self._reports.pop().close()
        if self._library is not None:
            outcome.notes += self._library.key_notes()
        if self.output.format == "json":
            shown_notes: list[str] = []
        else:
            shown_notes = outcome.notes
        for note in shown_notes:
            self.diagnostics.note(note)
        for error in outcome.errors[:told]:
            self.diagnostics.error(error)
        self.code = self.output.result(self.command, outcome, text=text, columns=columns)
        if cut and isinstance(outcome.data, dict) and outcome.data.get("next"):
            shown = len(outcome.data["items"])
            self.diagnostics.note(
                f"{shown} of {outcome.data['total']}; go on with --page {outcome.data['next']}"
            )

    def stream(
        self, records: Iterable[dict[str, Any]], *, columns: Columns = (), is_live: bool = False
    ) -> None:
        """Write records as they come, without holding them; JSON lines where nothing else is asked.

        ``is_live`` shows each at once.
        """
        self.code = self.output.rows(self.command, records, columns=columns, is_live=is_live)

    def close(self) -> None:
        """Close what was opened, progress bars first."""
        while self._reports:
            self._reports.pop().close()
        if self._library is not None:
            self._library.close()


def output_of(values: dict[str, Any]) -> Output:
    """Return the output that the flags ask for. Raises UsageError for two formats at once."""
    formats = [name for name in ("json", "jsonl", "csv") if values.get(name)]
    if len(formats) > 1:
        raise UsageError(f"--{formats[0]} and --{formats[1]} exclude each other")
    file = values.get("output")
    if file and not Path(file).absolute().parent.is_dir():
        # Found out now, not after the work is done.
        raise NotFound(f"there is no folder for {file!r}", hint="make the folder first")
    names = [name.strip() for name in (values.get("fields") or "").split(",") if name.strip()]
    return Output(
        format=formats[0] if formats else "text",
        fields=names,
        file=Path(os.path.abspath(file)) if file else None,  # noqa: PTH100
    )


@contextmanager
def call(ctx: Any) -> Iterator[Call]:
    """Open a command's call, and end the command with its exit code."""
    command = " ".join(ctx.command_path.split()[1:])
    given = dict(ctx.meta.get(flags.META, {}))
    # For whoever tells an error, also one that keeps this call from being made.
    ctx.find_root().obj |= {"command": command, "flags": given}
    current = Call(given, command)
    try:
        yield current
    finally:
        current.close()
    if current.code is not ExitCode.DONE:
        ctx.exit(int(current.code))
