"""Telling Cloudinary's notifications from forged ones.

Format: https://cloudinary.com/documentation/notification_signatures
"""

from __future__ import annotations

import hashlib
import hmac
import re
import threading
from typing import Protocol

MAX_AGE = 7200.0
# How far the service's clock may be ahead of this machine's.
SKEW = 300.0
# Signatures that are remembered, about 30 MB of them: enough for 25 notifications a second.
MOST = 200_000
# Seconds between two clearances of what need not be remembered any longer.
SWEEP = 60.0
# The length of a signature says which hash it is.
_ALGORITHMS = {40: "sha1", 64: "sha256"}
_SIGNATURE = re.compile(r"[0-9a-f]+")
# Always ten digits: with fewer, a digit could move between the timestamp and the end of the body.
_TIMESTAMP = re.compile(r"[1-9][0-9]{9}")


class Seen(Protocol):
    """A memory of notifications that were accepted."""

    def is_new(self, signature: str, *, until: float, now: float) -> bool:
        """Tell whether a signature was never given before, and remember it ``until`` then."""


class SeenHere:
    """A memory of accepted notifications for one process and its threads.

    It holds ``most`` signatures of the last two hours; while it is full it takes nothing for new,
    because what it forgot could come again.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._until: dict[str, float] = {}
        self._swept = 0.0
        self._lock = threading.Lock()

    def is_new(self, signature: str, *, until: float, now: float) -> bool:
        """Tell whether a signature was never given before, and remember it ``until`` then."""
        with self._lock:
            if abs(now - self._swept) >= SWEEP:
                self._until = {key: end for key, end in self._until.items() if end >= now}
                self._swept = now
            if signature in self._until or len(self._until) >= self._most:
                return False
            self._until[signature] = until
            return True


def verify_callback(
    body: bytes,
    timestamp: str,
    signature: str,
    *,
    secret: str,
    now: float,
    max_age: float = MAX_AGE,
    seen: Seen | None = None,
) -> bool:
    """Tell whether a notification was signed with ``secret`` at most ``max_age`` seconds ago.

    ``body`` is the raw request body; ``timestamp`` and ``signature`` are the headers
    X-Cld-Timestamp and X-Cld-Signature. SHA-1 and SHA-256 signatures are known. What ``seen``
    has had before is refused; without it, a notification passes as often as it comes.
    """
    algorithm = _ALGORITHMS.get(len(signature))
    if algorithm is None or not _SIGNATURE.fullmatch(signature):
        return False
    if not secret or not _TIMESTAMP.fullmatch(timestamp):
        return False
    if not -SKEW <= now - int(timestamp) <= max_age:
        return False
    ours = hashlib.new(algorithm, body + timestamp.encode() + secret.encode()).hexdigest()
    if not hmac.compare_digest(ours, signature):
        return False
    return seen is None or seen.is_new(signature, until=int(timestamp) + max_age, now=now)
