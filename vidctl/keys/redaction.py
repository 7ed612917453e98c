"""Striking keys out of text by their value, in every form that programs write values in."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping

from vidctl.keys.shapes import CONVENTIONAL, LOOKS, parts

# Striking out shorter values would take ordinary words from every text.
SHORTEST = 6
# Services cut keys off or put stars into them; so much of a long key is struck out by itself.
PREFIX = 8
LONG = 16
# What ends the rest of a key that was cut off or has stars in it.
_REST = r"[^\s\"'<>,;|\\]*"

# The variables that hold the keys of hosts, by their names.
_OWN = re.compile(r"VIDCTL_[A-Z][A-Z0-9_]*_KEY")


class Redactor:
    """Knows keys, and strikes them out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: set[tuple[str, str]] = set()
        self._forms: dict[str, set[str]] = {}
        self._starts: dict[str, set[str]] = {}
        self._patterns: tuple[tuple[re.Pattern[str], str], ...] = ()

    def remember(self, name: str, value: str, parts: Iterable[str]) -> None:
        """Strike out a key, called ``name``, and its parts from now on."""
        if len(value) < SHORTEST or (name, value) in self._seen:
            return
        pieces = [piece for piece in parts if len(piece) >= SHORTEST]
        # The beginning of a whole key may be ordinary text, such as "cloudinary://".
        starts = {piece[:PREFIX] for piece in pieces if len(piece) >= LONG}
        with self._lock:
            forms = self._forms.setdefault(name, set())
            forms.update(form for piece in (value, *pieces) for form in _forms(piece))
            self._starts.setdefault(name, set()).update(starts)
            self._patterns = tuple((self._pattern(each), f"<{each} key>") for each in self._forms)
            self._seen.add((name, value))

    def redact(self, text: str) -> str:
        """Return text with ``<NAME key>`` in the place of keys."""
        for pattern, mark in self._patterns:
            text = pattern.sub(mark, text)
        return text

    def _pattern(self, name: str) -> re.Pattern[str]:
        """Make one pattern of all forms, the longest first so that no tail is left behind."""
        whole = sorted(self._forms[name], key=len, reverse=True)
        cut = [re.escape(start) + _REST for start in sorted(self._starts[name])]
        return re.compile("|".join([*map(re.escape, whole), *cut]))


_redactor = Redactor()


def remember(name: str, value: str, parts: Iterable[str]) -> None:
    """Let ``redact`` strike out a key, called ``name``, and its parts."""
    _redactor.remember(name, value, parts)


def remember_variables(environ: Mapping[str, str]) -> None:
    """Let ``redact`` know the keys in variables, also those that nothing has asked for."""
    own = {name: kind for kind, names in CONVENTIONAL.items() for name in names}
    for variable, value in environ.items():
        if variable in own or _OWN.fullmatch(variable):
            remember(variable, value, parts(own.get(variable, ""), value) or (value,))


def redact(text: str) -> str:
    """Return text without the keys that this process has seen, whole, in part or encoded.

    In their place stands ``<NAME key>``. Forms: as it is, percent-encoded, base64 at any offset
    (as in Basic authorization), hexadecimal, and escaped as in JSON, HTML and Python.
    """
    return _redactor.redact(text)


def redact_shapes(text: str) -> str:
    """Return text without what has the form of a key, known or not; for messages, not for data."""
    return LOOKS.sub("<key>", text)


def _forms(value: str) -> Iterator[str]:
    """Yield what a value looks like where programs write it."""
    import base64
    import html
    import json
    from urllib.parse import quote, quote_plus

    raw = value.encode("utf-8", "surrogateescape")
    yield from (value, json.dumps(value)[1:-1], html.escape(value), repr(value)[1:-1])
    for text in (quote(value, safe=""), quote(value), quote(value, safe=":/@"), quote_plus(value)):
        yield text
        yield re.sub("%[0-9A-F]{2}", lambda match: match[0].lower(), text)
    yield from (raw.hex(), raw.hex().upper())
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        for offset in range(3):
            yield _core(encode(b"\0" * offset + raw).decode(), offset, len(raw))


def _core(encoded: str, offset: int, length: int) -> str:
    """Return the characters of base64 that bytes alone decide, whatever stands beside them.

    RFC 4648 §4: a character is six bits, so the first and the last may hold a neighbour's.
    """
    first = -(-offset * 8 // 6)
    last = (offset + length) * 8 // 6
    return encoded[first:last]
