"""Identifiers: UUIDv7, shown as 26 characters of Crockford base32 in lower case.

The text form sorts like the 128-bit number, so ids sort by the millisecond they were made in.
Sources: RFC 9562 section 5.7 (UUIDv7), Crockford base32 (alphabet without i, l, o and u).
"""

from __future__ import annotations

import hashlib
import os
import re
import threading
import time
import unicodedata

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_LENGTH = 26
_VALUES = {char: value for value, char in enumerate(ALPHABET)}
_ID = re.compile(rf"[0-7][{ALPHABET}]{{25}}")
SLUG_BYTES = 80


def encode(number: int) -> str:
    """Write a 128-bit number as 26 base32 characters."""
    return "".join(ALPHABET[(number >> shift) & 31] for shift in range(125, -5, -5))


def decode(text: str) -> int:
    """Read the 128-bit number behind an id; ValueError if ``text`` is not an id."""
    if not is_id(text):
        raise ValueError(f"not an id: {text!r}")
    number = 0
    for char in text:
        number = number << 5 | _VALUES[char]
    return number


def is_id(text: str) -> bool:
    """Tell whether ``text`` is the full text form of an id."""
    return _ID.fullmatch(text) is not None


class _Rising:
    """UUIDv7 numbers that rise within this process, also within one millisecond.

    48 bits of Unix milliseconds, then a counter of 29 bits seeded at random and raised by a random
    step, then 45 random bits. Source: RFC 9562 section 6.2, methods 1 and 2. A clock that is set
    back is waited for: the last millisecond goes on.
    """

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.millisecond = 0
        self.counter = 0

    def number(self) -> int:
        """Return the next number."""
        random = int.from_bytes(os.urandom(12), "big")
        now = time.time_ns() // 1_000_000
        with self.lock:
            if now > self.millisecond:
                self._begin(now, random)
            else:
                self.counter += 1 + (random >> 45 & 0xFFFF)
                if self.counter >> 29:
                    self._begin(self.millisecond + 1, random)
            millisecond, counter = self.millisecond, self.counter
        low = (counter >> 17) << 64 | (counter & 0x1FFFF) << 45 | random & (1 << 45) - 1
        return millisecond << 80 | _stamp(low, version=7)

    def _begin(self, millisecond: int, random: int) -> None:
        # The highest bit starts at zero, so that the counter has room to rise.
        self.millisecond, self.counter = millisecond, random >> 45 & (1 << 28) - 1


_rising = _Rising()


def start_anew() -> None:
    """Forget the ids made so far, for a process that was forked or a clock that was replaced."""
    global _rising
    _rising = _Rising()


if hasattr(os, "register_at_fork"):
    # Two processes that go on from the same counter could meet.
    os.register_at_fork(after_in_child=start_anew)


def new_id() -> str:
    """Make a UUIDv7: Unix milliseconds, a counter and random bits; it sorts after the last one."""
    return encode(_rising.number())


def new_ids(count: int) -> list[str]:
    """Make many ids at once, in rising order: one UUIDv7 whose last 45 bits count up from a draw.

    Source: RFC 9562 section 6.2, a counter seeded at random; the lowest 14 bits start at zero.
    """
    if count < 2:
        return [new_id()] * max(count, 0)
    first = decode(new_id())
    start = (first & (1 << 30) - 1) << 14
    head = encode(first)[: ID_LENGTH - 9]
    return [head + _tail(start + number) for number in range(count)]


_TRIPLES = tuple(a + b + c for a in ALPHABET for b in ALPHABET for c in ALPHABET)


def _tail(number: int) -> str:
    """Write a 45-bit number as 9 base32 characters."""
    return _TRIPLES[number >> 30] + _TRIPLES[number >> 15 & 0x7FFF] + _TRIPLES[number & 0x7FFF]


def derived_id(group_id: str, kind: str, native: str) -> str:
    """Make the id of an imported thing: the same inputs give the same id on every machine.

    The value is a UUIDv8 over BLAKE2b-128 of the three parts, each preceded by its length.
    """
    digest = hashlib.blake2b(digest_size=16)
    for part in (group_id, kind, native):
        raw = part.encode()
        digest.update(len(raw).to_bytes(4, "big") + raw)
    number = int.from_bytes(digest.digest(), "big")
    return encode((number >> 80) << 80 | _stamp(number & (1 << 80) - 1, version=8))


def _stamp(low80: int, *, version: int) -> int:
    low80 = low80 & ~(0xF << 76) | version << 76
    return low80 & ~(0x3 << 62) | 0x2 << 62


def slugify(text: str, fallback: str = "item") -> str:
    """Make a slug: lower case letters, digits and single hyphens, at most 80 bytes of UTF-8.

    Letters of every script stay (a Chinese title keeps a readable slug); accents are dropped
    where the letter remains.
    """
    # Twice: a letter such as a mathematical bold A has no lower case until it is decomposed.
    folded = unicodedata.normalize("NFKD", text.casefold()).casefold()
    decomposed = unicodedata.normalize("NFKD", folded)
    kept = "".join(c for c in decomposed if not unicodedata.combining(c))
    words = re.findall(r"[^\W_]+", unicodedata.normalize("NFC", kept))
    slug = "-".join(words).encode()[:SLUG_BYTES].decode(errors="ignore").strip("-")
    return slug or fallback
