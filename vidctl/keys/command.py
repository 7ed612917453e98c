"""Keys that a command prints, such as ``pass show archive``."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import threading

from vidctl.errors import MissingKey
from vidctl.keys.shapes import LONGEST


def line_of(command: str, variable: str, *, limit: float) -> str:
    """Run the command that a variable holds, without a shell, and return what it prints.

    Neither the command nor its output is ever shown: both can hold a key. Raises MissingKey when
    it cannot be run, fails, prints too much or takes more than ``limit`` seconds.
    """
    try:
        words = shlex.split(command)
    except ValueError:
        raise MissingKey(f"{variable} is not a command: a quote is not closed") from None
    if not words:
        raise MissingKey(f"{variable} is not a command")
    try:
        process = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it holds a zero byte"
        raise MissingKey(f"the command of {variable} cannot be run: {reason}") from None
    return _printed(process, variable, limit)


def _printed(process: subprocess.Popen[bytes], variable: str, limit: float) -> str:
    expired = threading.Event()

    def end() -> None:
        expired.set()
        _kill(process)

    timer = threading.Timer(limit, end)
    timer.start()
    try:
        assert process.stdout is not None
        said = process.stdout.read(LONGEST + 1)
        if len(said) > LONGEST:
            _kill(process)
        code = process.wait()
    except BaseException:
        _kill(process)
        raise
    finally:
        timer.cancel()
        if process.stdout is not None:
            process.stdout.close()
    if expired.is_set():
        raise MissingKey(f"the command of {variable} took more than {limit:g} seconds")
    if len(said) > LONGEST:
        raise MissingKey(f"the command of {variable} prints more than a key")
    if code != 0:
        hint = "run the command by hand to see why"
        raise MissingKey(f"the command of {variable} ended with {code}", hint=hint)
    return said.decode("utf-8", "replace")


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End the command and what it started; a child that holds the pipe would be waited for."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)
