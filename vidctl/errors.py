"""The one error tree: everything vidctl refuses to do, said for the person who asked.

::

    VidctlError
    ├── UsageError            the request itself makes no sense
    ├── NotFound              no such group, thing, file … in this scope
    │   └── NoLibrary         no library here
    ├── Ambiguous             a reference that fits several things
    ├── Conflict              the request contradicts what is stored
    ├── PermissionRefused     the acting person may not
    ├── InvalidMedia          a file that is not usable audio or video
    │   └── TruncatedMedia
    ├── InvalidCaptions       a caption file without one usable cue
    ├── MissingExtra          an optional part of vidctl is not installed
    ├── EngineUnavailable     a speech or embedding engine cannot run here
    ├── StorageFull           no space left on a disk
    ├── StorageFailed         the disk or the database answered with an error
    ├── LibraryLocked         another process holds the library
    ├── LibraryTooNew         written by a newer vidctl
    ├── ScopeMissing          a bug: data asked for without a group
    ├── InvalidVector         NaN, infinite, zero or of the wrong length
    ├── MissingKey            a service needs a key and none is set
    │   └── KeyRefused        a service does not accept the key
    ├── RemoteFailed          a service refused, and would again
    │   └── NotVerified       what a host holds is not what was sent
    ├── AddressRefused        an address that is not safe to go to
    ├── LimitReached          a limit that was set has been reached
    └── Temporary             try again later
        ├── RateLimited       a service asks for a pause
        └── RemoteUnavailable a service does not answer

A class's docstring is its default message. ``code`` is stable and appears in JSON; ``hint`` is the
next command to type. Exit codes and HTTP statuses live in the front ends. Whoever asked a paid
service sets ``is_unbilled`` on an error that means that the service cannot charge for the request.
"""

from __future__ import annotations


class VidctlError(Exception):
    """Something went wrong."""

    code = "error"
    default_hint = ""

    def __init__(self, message: str = "", *, hint: str = "", item: str = "") -> None:
        self.message = message or (type(self).__doc__ or "").strip().splitlines()[0]
        self.hint = hint or self.default_hint
        self.item = item
        self.is_unbilled = False
        super().__init__(self.message)


class UsageError(VidctlError):
    """The request makes no sense."""

    code = "usage"


class NotFound(VidctlError):
    """Nothing in this scope has that name."""

    code = "not_found"


class NoLibrary(NotFound):
    """There is no vidctl library here."""

    code = "no_library"
    default_hint = "vidctl init"


class Ambiguous(VidctlError):
    """That reference fits several things."""

    code = "ambiguous"


class Conflict(VidctlError):
    """The request contradicts what is stored."""

    code = "conflict"


class PermissionRefused(VidctlError):
    """The acting person may not do that."""

    code = "permission"


class InvalidMedia(VidctlError):
    """The file is not usable audio or video."""

    code = "invalid_media"


class TruncatedMedia(InvalidMedia):
    """The file ends before its own index says it should."""

    code = "truncated_media"


class InvalidCaptions(VidctlError):
    """The caption file holds no usable cue."""

    code = "invalid_captions"


class MissingExtra(VidctlError):
    """An optional part of vidctl is not installed."""

    code = "missing_extra"


class EngineUnavailable(VidctlError):
    """No engine for this work can run here."""

    code = "engine_unavailable"


class StorageFull(VidctlError):
    """No space is left on the disk."""

    code = "disk_full"
    default_hint = "free some space, then run the same command again"


class StorageFailed(VidctlError):
    """The disk or the database answered with an error."""

    code = "storage"
    default_hint = "vidctl doctor"


class LibraryLocked(VidctlError):
    """Another process is writing to the library."""

    code = "locked"
    default_hint = "wait for the other command to end, then run this one again"


class LibraryTooNew(VidctlError):
    """The library was written by a newer vidctl."""

    code = "library_too_new"
    default_hint = "pip install --upgrade vidctl"


class ScopeMissing(VidctlError):
    """Data was asked for without naming a group."""

    code = "scope_missing"


class InvalidVector(VidctlError):
    """An embedding holds NaN, infinite or only zero values, or has the wrong length."""

    code = "invalid_vector"


class MissingKey(VidctlError):
    """No key is set for this service."""

    code = "missing_key"


class KeyRefused(MissingKey):
    """The service does not accept the key."""

    code = "key_refused"


class RemoteFailed(VidctlError):
    """The service refused the request."""

    code = "remote"


class NotVerified(RemoteFailed):
    """What the host holds is not what was sent."""

    code = "not_verified"
    default_hint = "run the same command again"


class AddressRefused(VidctlError):
    """Addresses like that one are refused."""

    code = "address_refused"


class LimitReached(VidctlError):
    """A limit was reached."""

    code = "limit"


class Temporary(VidctlError):
    """That did not work this time."""

    code = "temporary"
    default_hint = "run the same command again"


class RateLimited(Temporary):
    """The service asks for a pause.

    ``after`` is how many seconds it asked for, None when it did not say.
    """

    code = "rate_limited"

    def __init__(
        self, message: str = "", *, hint: str = "", item: str = "", after: float | None = None
    ) -> None:
        super().__init__(message, hint=hint, item=item)
        self.after = after


class RemoteUnavailable(Temporary):
    """The service does not answer."""

    code = "unavailable"
