"""Identifiers: UUIDv7, shown as 26 characters of Crockford base32 in lower case.

The text form sorts like the 128-bit number, so ids sort by the millisecond they were made in.
Sources: RFC 9562 section 5.7 (UUIDv7), Crockford base32 (alphabet without i, l, o and u).
"""

from __future__ import annotations

import hashlib
import os
import re
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


def new_id() -> str:
    """Make a UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    return encode(milliseconds << 80 | _stamp(random, version=7))


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
