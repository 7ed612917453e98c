"""Times in caption files, as whole milliseconds."""

from __future__ import annotations

import re

_CLOCK = re.compile(r"(?:([0-9]{1,7}):)?([0-5][0-9]):([0-5][0-9])\.([0-9]{3})")
_VTT = re.compile(
    r"[ \t\f]*([0-9:.]+)[ \t\f]*-->[ \t\f]*((?:[0-9]+:)?[0-9]{2}:[0-9]{2}\.[0-9]{3})(?![0-9])"
)
# Machine translation leaves full-width marks and blanks inside of times.
_COLON, _POINT = r" ?[:：] ?", r" ?[.,:，] ?"
_HOURS, _FRACTION = rf"(?:([0-9]{{1,7}}){_COLON})?", rf"(?:{_POINT}([0-9]{{1,9}}))?"
_TIME = rf"(-?){_HOURS}([0-9]{{1,3}}){_COLON}([0-9]{{1,2}}){_FRACTION}"
_ARROW = r"(?:-{1,3} ?-?>|[–—]>)"
_SRT_START = re.compile(rf"\s*{_TIME}[ \t]*{_ARROW}[ \t]*")
_SRT_END = re.compile(rf"{_TIME}(?![\w.,:])")


def clock(text: str) -> int | None:
    """Read ``[hh:]mm:ss.ttt`` as milliseconds; None where WebVTT does not allow it."""
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    hours, minutes, seconds, thousandths = match.groups()
    return ((int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)) * 1000 + int(thousandths)


def vtt_timing(line: str) -> tuple[int, int] | None:
    """Read the start and end that a WebVTT timing line begins with; None when it is none."""
    match = _VTT.match(line)
    if not match:
        return None
    start, end = clock(match[1]), clock(match[2])
    return None if start is None or end is None else (start, end)


def srt_timing(line: str) -> tuple[int, int | None] | None:
    """Read the start and end of a timing line in any style met in SubRip files; None when no start.

    Hours, milliseconds and leading zeros may miss, decimals follow a comma or a dot, arrows may
    be damaged; a negative time is 0, an end that cannot be read is None.
    """
    match = _SRT_START.match(line)
    start = _loose(match) if match else None
    if match is None or start is None:
        return None
    end = _SRT_END.match(line, match.end())
    return start, _loose(end) if end else None


def _loose(match: re.Match[str]) -> int | None:
    sign, hours, minutes, seconds, fraction = match.groups()
    if int(seconds) >= 60 or (hours and int(minutes) >= 60):
        return None
    whole = (int(hours or 0) * 60 + int(minutes)) * 60 + int(seconds)
    return 0 if sign else whole * 1000 + int((fraction or "").ljust(3, "0")[:3])


def stamp(milliseconds: int, mark: str) -> str:
    """Write ``HH:MM:SS`` and thousandths after ``mark``; hours grow past two digits."""
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}{mark}{thousandths:03}"
