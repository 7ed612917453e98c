"""Exit codes, and which error ends with which."""

from __future__ import annotations

from enum import IntEnum

from vidctl import errors
from vidctl.errors import VidctlError


class ExitCode(IntEnum):
    """How a command ended; the numbers are stable."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    PERMISSION = 4
    TEMPORARY = 5
    NOT_FOUND = 6
    FINDINGS = 7
    LIMIT = 8
    CONFLICT = 9
    NO_LIBRARY = 10
    LOCKED = 11
    BUG = 70
    INTERRUPTED = 130


MEANING = {
    ExitCode.DONE: "everything asked for is done",
    ExitCode.FAILED: "the command failed",
    ExitCode.USAGE: "the command line or a value in it makes no sense",
    ExitCode.PARTIAL: "finished, but some items failed",
    ExitCode.PERMISSION: "sign-in or permission needed",
    ExitCode.TEMPORARY: "temporary trouble; the same command may work later",
    ExitCode.NOT_FOUND: "nothing here has that name",
    ExitCode.FINDINGS: "a check found problems",
    ExitCode.LIMIT: "a limit was reached",
    ExitCode.CONFLICT: "the request contradicts what is stored",
    ExitCode.NO_LIBRARY: "there is no library here",
    ExitCode.LOCKED: "another process holds the library",
    ExitCode.BUG: "a bug in vidctl; a crash log was written",
    ExitCode.INTERRUPTED: "interrupted",
}

_TABLE: dict[type[VidctlError], ExitCode] = {
    errors.UsageError: ExitCode.USAGE,
    errors.NotFound: ExitCode.NOT_FOUND,
    errors.NoLibrary: ExitCode.NO_LIBRARY,
    errors.Ambiguous: ExitCode.CONFLICT,
    errors.Conflict: ExitCode.CONFLICT,
    errors.PermissionRefused: ExitCode.PERMISSION,
    errors.InvalidMedia: ExitCode.FAILED,
    errors.TruncatedMedia: ExitCode.FAILED,
    errors.InvalidCaptions: ExitCode.FAILED,
    errors.MissingExtra: ExitCode.FAILED,
    errors.EngineUnavailable: ExitCode.FAILED,
    errors.StorageFull: ExitCode.FAILED,
    errors.StorageFailed: ExitCode.FAILED,
    errors.LibraryLocked: ExitCode.LOCKED,
    errors.LibraryTooNew: ExitCode.FAILED,
    errors.ScopeMissing: ExitCode.BUG,
    errors.InvalidVector: ExitCode.FAILED,
    errors.MissingKey: ExitCode.PERMISSION,
    errors.KeyRefused: ExitCode.PERMISSION,
    errors.RemoteFailed: ExitCode.FAILED,
    errors.NotVerified: ExitCode.FAILED,
    errors.AddressRefused: ExitCode.PERMISSION,
    errors.LimitReached: ExitCode.LIMIT,
    errors.Temporary: ExitCode.TEMPORARY,
    errors.RateLimited: ExitCode.TEMPORARY,
    errors.RemoteUnavailable: ExitCode.TEMPORARY,
    VidctlError: ExitCode.FAILED,
}


def exit_code(error: VidctlError) -> ExitCode:
    """Return the exit code of an error: its own class's, or the nearest base's."""
    return next(_TABLE[kind] for kind in type(error).__mro__ if kind in _TABLE)
