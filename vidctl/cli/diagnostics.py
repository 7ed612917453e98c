"""The only writer of stderr: errors, notes, progress, and the log of a crash."""

from __future__ import annotations

import os
import sys
import traceback
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vidctl import paths
from vidctl.cli.text import visible
from vidctl.errors import UsageError, VidctlError
from vidctl.keys import redact, redact_shapes, remember_variables
from vidctl.progress import Report

SECRET_MARKS = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CLOUDINARY_URL", "DSN")
SHORTEST_SECRET = 6


class Diagnostics:
    """Talk to the person. ``quiet`` leaves only errors; ``verbose`` adds causes."""

    def __init__(
        self, *, quiet: bool = False, verbose: int = 0, color: str = "auto", progress: str = "auto"
    ) -> None:
        self.quiet = quiet
        self.verbose = verbose
        self.has_color = wants_color(color)
        self.progress = progress

    def error(self, error: VidctlError) -> None:
        """Print an error and, below it, the next step."""
        # Many messages name their item as people typed it; saying it twice helps nobody.
        is_named = not error.item or error.message.startswith((f"{error.item} ", f"{error.item}:"))
        is_named = is_named or repr(error.item) in error.message
        item = "" if is_named else f"{visible(error.item)}: "
        self._line(f"{self._styled('error:', '1;31')} {item}{visible(error.message, lines=True)}")
        if error.hint:
            self._line(f"{self._styled('hint:', '36')} {visible(error.hint)}")
        if self.verbose:
            cause = error.__cause__
            while cause is not None:
                self._line(f"  because {type(cause).__name__}: {visible(str(cause))}")
                cause = cause.__cause__

    def note(self, message: str) -> None:
        """Print something worth knowing."""
        if not self.quiet:
            self._line(visible(message))

    def help(self, text: str) -> None:
        """Print the help of a command that was called without what it needs."""
        self._line(text)

    def ask(self, question: str) -> None:
        """Print a question and stay on its line; stdout is for data, so it is asked here."""
        sys.stderr.write(visible(scrubbed(question)))
        sys.stderr.flush()

    def ask_secret(self, question: str) -> str:
        """Ask for something that is not shown while it is typed.

        Raises UsageError where the terminal cannot hide it.
        """
        import getpass
        import warnings

        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            try:
                return getpass.getpass(f"{question}: ")
            except (getpass.GetPassWarning, EOFError):
                raise UsageError(
                    "this terminal cannot hide what is typed", hint="give it with --from-file FILE"
                ) from None

    def crash(self, error: BaseException, command: str) -> None:
        """Write a crash log and say where it is."""
        text = without_secrets("".join(traceback.format_exception(error)))
        brief = visible(without_secrets(f"{type(error).__name__}: {error}"))
        self._line(f"{self._styled('bug:', '1;31')} {brief}")
        try:
            file = write_crash_log(text, command)
        except OSError:
            self._line(visible(text, lines=True))
            return
        self._line(f"{self._styled('hint:', '36')} please report it with {file}")

    def report(self) -> Report:
        """Return the progress report that suits this terminal."""
        from vidctl.cli.reports import BarReport, LineReport

        if self.progress == "never" or self.quiet:
            return LineReport(self, items=not self.quiet)
        if self.progress == "always" or sys.stderr.isatty():
            return BarReport(self)
        return LineReport(self, items=True)

    def _styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.has_color else text

    def _line(self, text: str) -> None:
        text = scrubbed(text)
        try:
            encoding = sys.stderr.encoding or "utf-8"
            sys.stderr.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
            sys.stderr.flush()
        except OSError:
            return  # nobody reads stderr any more; the exit code still tells


def wants_color(choice: str, stream: Any = None) -> bool:
    """Decide about colour: ``always``, ``never``, or by terminal and environment."""
    if choice in ("always", "never"):
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("CLICOLOR_FORCE", "0") not in ("", "0"):
        return True
    target = stream or sys.stderr
    return bool(target.isatty()) and os.environ.get("TERM") != "dumb"


def scrubbed(text: str) -> str:
    """Return a message without keys: those that are known, and what has the form of one."""
    remember_variables(os.environ)
    return redact_shapes(redact(text))


def without_secrets(text: str) -> str:
    """Return text without keys and without the values of secret environment variables."""
    for name, value in os.environ.items():
        is_secret = any(mark in name.upper() for mark in SECRET_MARKS)
        # A variable that names a file holds no secret, and the file's name helps.
        if is_secret and len(value) >= SHORTEST_SECRET and not name.endswith("_FILE"):
            text = text.replace(value, f"<{name}>")
    return scrubbed(text)


def write_crash_log(text: str, command: str) -> Path:
    """Write a crash log that only its owner can read, and return its path."""
    from vidctl import __version__

    folder = paths.log_folder()
    folder.mkdir(parents=True, exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    file = folder / f"crash-{stamp}-{os.getpid()}.log"
    head = f"vidctl {__version__}, Python {sys.version.split()[0]}, {sys.platform}\n{command}\n\n"
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as log:
        log.write(head + text)
    return file
