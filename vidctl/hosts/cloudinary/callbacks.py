"""Telling Cloudinary's notifications from forged ones.

Format: https://cloudinary.com/documentation/notification_signatures
"""

from __future__ import annotations

import hashlib
import hmac
import re

MAX_AGE = 7200.0
# How far the service's clock may be ahead of this machine's.
SKEW = 300.0
# The length of a signature says which hash it is.
_ALGORITHMS = {40: "sha1", 64: "sha256"}
_SIGNATURE = re.compile(r"[0-9a-f]+")
# Always ten digits: with fewer, a digit could move between the timestamp and the end of the body.
_TIMESTAMP = re.compile(r"[1-9][0-9]{9}")


def verify_callback(
    body: bytes,
    timestamp: str,
    signature: str,
    *,
    secret: str,
    now: float,
    max_age: float = MAX_AGE,
) -> bool:
    """Tell whether a notification was signed with ``secret`` at most ``max_age`` seconds ago.

    ``body`` is the raw request body; ``timestamp`` and ``signature`` are the headers
    X-Cld-Timestamp and X-Cld-Signature. SHA-1 and SHA-256 signatures are known. A notification
    that was seen before passes again: remembering them is the receiver's task.
    """
    algorithm = _ALGORITHMS.get(len(signature))
    if algorithm is None or not _SIGNATURE.fullmatch(signature):
        return False
    if not secret or not _TIMESTAMP.fullmatch(timestamp):
        return False
    if not -SKEW <= now - int(timestamp) <= max_age:
        return False
    ours = hashlib.new(algorithm, body + timestamp.encode() + secret.encode()).hexdigest()
    return hmac.compare_digest(ours, signature)
