"""Pictures made of characters, and numbers as people read them. Everything here is pure.

No picture is wider than asked, none needs colour. With ``ascii`` set, only ASCII is used, for a
stdout whose encoding has nothing better.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from vidctl.cli.text import fit, pad, width

EIGHTHS = "▁▂▃▄▅▆▇█"
STEPS = "_.-=+*#@"
# Left and right half of a cell with 0 to 4 dots from the bottom, as braille bits.
LEFT = (0, 0x40, 0x44, 0x46, 0x47)
RIGHT = (0, 0x80, 0xA0, 0xB0, 0xB8)
BRAILLE = 0x2800
CURVE_COLUMNS, CURVE_ROWS = 60, 10


def can_say(encoding: str | None) -> bool:
    """Tell whether an encoding has the characters of the pictures."""
    try:
        (EIGHTHS + chr(BRAILLE + 0xFF) + "│└─·").encode(encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True


# --- numbers ------------------------------------------------------------------------------------


def count(number: int) -> str:
    """Write a whole number: ``1,234``."""
    return f"{number:,}"


def lasting(seconds: float) -> str:
    """Write a length of time in its two largest units: ``3h 12m``, ``4m 05s``, ``12s``."""
    whole = int(seconds + 0.5)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    if hours:
        return f"{hours:,}h {minutes:02}m"
    return f"{minutes}m {rest:02}s" if minutes else f"{rest}s"


def percent(share: float | None) -> str:
    """Write a share from 0 to 1: ``45 %``; nothing for what is not known."""
    return "" if share is None else f"{share * 100:,.0f} %"


def changed(share: float | None) -> str:
    """Write a change: ``+12 %``, ``-3 %``; nothing for what is not known."""
    if share is None:
        return ""
    number = f"{share * 100:+,.0f} %"
    return "0 %" if number in ("+0 %", "-0 %") else number


# --- pictures -----------------------------------------------------------------------------------


def sparkline(values: Sequence[float], *, columns: int = 60, ascii: bool = False) -> str:
    """Draw values as one line of bars; the highest is full, none lower than nothing.

    More values than ``columns`` are drawn as the means of neighbours.
    """
    steps = STEPS if ascii else EIGHTHS
    drawn = resampled(values, columns) if len(values) > columns else list(values)
    top = max(drawn, default=0)
    if top <= 0:
        return steps[0] * len(drawn)
    last = len(steps) - 1
    return "".join(steps[min(last, int(value / top * last + 0.5))] for value in drawn)


def resampled(values: Sequence[float], length: int) -> list[float]:
    """Return the means of ``length`` equal stretches of some values."""
    edges = [number * len(values) / length for number in range(length + 1)]
    found = []
    for first, last in itertools.pairwise(edges):
        total, place = 0.0, int(first)
        while place < last and place < len(values):
            total += values[place] * (min(place + 1, last) - max(place, first))
            place += 1
        found.append(total / (last - first))
    return found


def bars(
    rows: Sequence[tuple[str, float, str]], *, columns: int = 80, ascii: bool = False
) -> list[str]:
    """Draw rows of (label, value, text) as horizontal bars; the text stands behind the bar.

    Labels are cut to a third of the width. A value above nothing has at least a sliver.
    """
    if not rows:
        return []
    label = min(max(width(name) for name, _, _ in rows), columns // 3)
    room = max(1, columns - label - max(width(text) for _, _, text in rows) - 4)
    top = max(value for _, value, _ in rows)
    lines = []
    for name, value, text in rows:
        bar = _bar(value / top if top > 0 else 0.0, room, ascii=ascii)
        lines.append(f"{pad(fit(name, label), label)}  {pad(bar, room)}  {text}".rstrip())
    return lines


def _bar(share: float, room: int, *, ascii: bool) -> str:
    if ascii:
        return "#" * max(int(share * room + 0.5), share > 0)
    eighths = max(int(share * room * 8 + 0.5), share > 0)
    return "█" * (eighths // 8) + " ▏▎▍▌▋▊▉"[eighths % 8].strip()


def curve(
    shares: Sequence[float],
    *,
    labels: Sequence[str] = (),
    columns: int = CURVE_COLUMNS,
    rows: int = CURVE_ROWS,
    ascii: bool = False,
) -> list[str]:
    """Draw shares from 0 to 1 as a filled curve with axes; ``labels`` stand below, evenly spread.

    The picture is 7 columns wider and 2 rows higher than the curve itself.
    """
    drawn = _columns_ascii(shares, columns, rows) if ascii else _braille(shares, columns, rows)
    upright, corner, flat = ("|", "+", "-") if ascii else ("│", "└", "─")
    marks = {0: "100 %", rows // 2: "50 %", rows: "0 %"}
    lines = []
    for number, line in enumerate(drawn):
        lines.append(f"{marks.get(number, ''):>5} {upright}{line}".rstrip())
    lines.append(f"{marks[rows]:>5} {corner}{flat * columns}")
    if labels:
        lines.append(" " * 7 + spread(labels, columns))
    return lines


def _braille(shares: Sequence[float], columns: int, rows: int) -> list[str]:
    """Return the rows of a filled curve, two values and four heights to a cell."""
    heights = _heights(shares, columns * 2, rows * 4)
    lines = []
    for row in range(rows):
        floor = (rows - 1 - row) * 4
        cells = []
        for left, right in zip(heights[::2], heights[1::2], strict=True):
            bits = LEFT[_within(left - floor)] | RIGHT[_within(right - floor)]
            cells.append(chr(BRAILLE + bits) if bits else " ")
        lines.append("".join(cells))
    return lines


def _within(height: int) -> int:
    return min(4, max(0, height))


def _columns_ascii(shares: Sequence[float], columns: int, rows: int) -> list[str]:
    heights = _heights(shares, columns, rows)
    return [
        "".join("#" if height > rows - 1 - row else " " for height in heights)
        for row in range(rows)
    ]


def _heights(shares: Sequence[float], columns: int, top: int) -> list[int]:
    """Return how high each column of a curve is; what is above nothing is seen."""
    if not shares:
        return [0] * columns
    if len(shares) > columns:
        drawn = resampled(shares, columns)
    else:
        drawn = [shares[number * len(shares) // columns] for number in range(columns)]
    return [max(int(min(share, 1.0) * top + 0.5), share > 0) for share in drawn]


def spread(labels: Sequence[str], columns: int) -> str:
    """Spread labels over a line: the first at its beginning, the last at its end."""
    line = [" "] * columns
    for number, label in enumerate(labels):
        room = columns - len(label)
        place = number * room // max(1, len(labels) - 1)
        line[place : place + len(label)] = label
    return "".join(line[:columns]).rstrip()


def rows(pairs: Sequence[tuple[str, str, str]]) -> list[str]:
    """Lay out (name, value, remark) as aligned lines; what has no value is left out."""
    kept = [pair for pair in pairs if pair[1]]
    if not kept:
        return []
    left = max(width(name) for name, _, _ in kept)
    right = max(width(value) for _, value, _ in kept)
    return [
        f"{pad(name, left)}  {' ' * (right - width(value))}{value}  {remark}".rstrip()
        for name, value, remark in kept
    ]
