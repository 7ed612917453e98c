"""What keeps media bytes, and how they are sent to it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from vidctl.model.media import Asset, Content, Orphan, StoredMedia
    from vidctl.ports.store import Uploads


Advance = Callable[[float, float], None]


def unheard(done: float, total: float) -> None:
    """Be an ``Advance`` that tells nobody."""


def at_once(size: int) -> None:
    """Be a ``pace`` that lets every byte leave."""


def undisturbed() -> None:
    """Be a ``heed`` that ends nothing."""


@dataclass(frozen=True, slots=True)
class Sending:
    """How to send bytes to a host: who hears about it, how fast, and who remembers.

    ``advance`` hears bytes done and in all; ``pace`` is called with the number of bytes that are
    about to leave and returns when they may; ``heed`` raises when the work is to end, and is asked
    at least every second by the thread that called ``put``; ``uploads`` is the journal that a
    broken transfer goes on from, None where it may start anew; ``origin`` is the path or address
    that people know the bytes by.
    """

    advance: Advance = unheard
    pace: Callable[[int], None] = at_once
    heed: Callable[[], None] = undisturbed
    uploads: Uploads | None = None
    origin: str = ""


class MediaHost(Protocol):
    """A place that keeps media bytes under names made from their hash.

    Methods may be called from several threads. Network trouble is RemoteUnavailable or
    RateLimited after the host's own retries; a missing or refused key is MissingKey or KeyRefused.
    """

    name: str
    kind: str
    is_local: bool

    @property
    def place(self) -> str:
        """What the bytes are really in: hosts of two names with one place are the same."""

    def locate(self, content: Content) -> str:
        """Return the locator that these bytes have here, whether or not they are here."""

    def put(self, source: Path, content: Content, sending: Sending = ...) -> StoredMedia:
        """Store a copy of ``source`` and return once the host's size and hash equal ours.

        What is there already is not sent again; what a broken transfer had sent is not either.
        Raises NotVerified when the host holds something else, Conflict when the file changed,
        StorageFull, StorageFailed; on failure nothing that passes for these bytes is left.
        """

    def stat(self, locator: str) -> Asset | None:
        """Return what the host says of a locator, None when there is nothing."""

    def exists(self, locator: str, *, size: int) -> bool:
        """Tell whether bytes of that size are there."""

    def fetch(self, locator: str, target: Path, content: Content, advance: Advance = ...) -> None:
        """Copy the bytes to ``target``, which appears only whole and with the right hash.

        Raises NotFound when they are gone, NotVerified when they are others.
        """

    def path(self, locator: str) -> Path:
        """Return the local file, of a host whose ``is_local`` is true.

        Raises NotFound when the bytes are gone, and UsageError on other hosts.
        """

    def url(self, locator: str) -> str:
        """Return what a thing's properties call these bytes: an address, or ``./media/…``."""

    def remove(self, locator: str) -> None:
        """Remove the bytes; nothing happens when they are gone already."""

    def orphans(self) -> Sequence[Orphan]:
        """Return transfers that the host began and that nothing finished, as far as it tells."""

    def abort(self, remote_id: str, locator: str) -> None:
        """Drop the parts of a transfer; nothing happens when there are none."""

    def check(self) -> str:
        """Make sure that the host answers and takes the key; return a word about it."""

    def meter(self, size: int) -> dict[str, float]:
        """Return what sending ``size`` bytes takes, in units that have prices."""

    def close(self) -> None:
        """Give connections back."""


class Looked(ABC):
    """What every host can tell from ``stat``."""

    @abstractmethod
    def stat(self, locator: str) -> Asset | None:
        """Return what the host says of a locator, None when there is nothing."""

    def exists(self, locator: str, *, size: int) -> bool:
        """Tell whether bytes of that size are there."""
        asset = self.stat(locator)
        return asset is not None and asset.size == size
