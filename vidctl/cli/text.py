"""Text on a terminal: untrusted characters made visible, columns measured in cells."""

from __future__ import annotations

import re
import unicodedata

# Control characters (C0, DEL, C1), line and paragraph separators, and the bidirectional controls
# that can reorder a line: a title must not be able to move the cursor or hide its own end.
_HOSTILE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
_HOSTILE_OR_BREAK = re.compile(_HOSTILE.pattern[:-1] + r"\t\n]")


_STYLE = re.compile(r"\x1b\[[0-9;]*m")


def visible(text: str, *, lines: bool = False) -> str:
    """Return text with every control character written out (``\\x1b``, ``\\u202e``).

    With ``lines``, tabs and line breaks stay as they are; without, they become spaces.
    """
    if lines:
        return _HOSTILE.sub(_written, text)
    return _HOSTILE_OR_BREAK.sub(lambda m: " " if m[0] in "\t\n" else _written(m), text)


def escaped(json: str) -> str:
    """Return JSON with the control characters that JSON itself allows written as ``\\uXXXX``."""
    return _HOSTILE.sub(lambda match: f"\\u{ord(match[0]):04x}", json)


def _written(match: re.Match[str]) -> str:
    number = ord(match[0])
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


def width(text: str) -> int:
    """Return how many terminal cells a text takes (wide East Asian characters take two)."""
    if text.isascii():
        return len(text)
    cells = 0
    for char in text:
        if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
            continue
        cells += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return cells


def fit(text: str, cells: int) -> str:
    """Cut a text to at most ``cells`` cells, with an ellipsis where something is missing."""
    if width(text) <= cells:
        return text
    kept = ""
    for char in text:
        if width(kept + char) > cells - 1:
            break
        kept += char
    return kept + "…"


def wrapped(text: str, columns: int, indent: str) -> list[str]:
    """Break a text at spaces into lines of at most ``columns`` cells, each after ``indent``.

    Styles take no cells; a word that is longer stands alone. A text that fits stays as it is.
    """
    if width(_STYLE.sub("", indent + text)) <= columns:
        return [indent + text]
    lines, line = [], indent
    for word in text.split():
        grown = f"{line} {word}" if line != indent else indent + word
        if width(_STYLE.sub("", grown)) > columns and line != indent:
            lines.append(line)
            grown = indent + word
        line = grown
    return [*lines, line]


def pad(text: str, cells: int) -> str:
    """Fill a text with spaces up to ``cells`` cells."""
    return text + " " * max(0, cells - width(text))


# Columns that can be read at all, and that can still be read well.
NARROWEST, NARROW = 8, 16


def table(header: list[str], rows: list[list[str]], *, columns: int) -> str:
    """Lay out rows for a terminal of ``columns`` cells; the widest column gives way first.

    The first column names the row in the next command, so it gives way last.
    """
    cleaned = [header, *[[visible(cell) for cell in row] for row in rows]]
    widths = [max(width(row[i]) for row in cleaned) for i in range(len(header))]
    gaps = 2 * (len(header) - 1)
    while sum(widths) + gaps > columns and max(widths) > NARROWEST:
        rest = widths[1:] if max(widths[1:], default=0) > NARROW else widths
        widths[len(widths) - len(rest) + rest.index(max(rest))] -= 1
    lines = []
    for row in cleaned:
        cells = [pad(fit(cell, w), w) for cell, w in zip(row, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def plural(count: int, noun: str) -> str:
    """Write a count with its noun: ``1 item``, ``2 items``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def size(count: int) -> str:
    """Write bytes for people: ``1.2 MB``."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if value < 1000 or unit == "TB":
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
