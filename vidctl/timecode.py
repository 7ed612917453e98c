"""Points and lengths of time as people and files write them. Every value is in seconds."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from vidctl.errors import UsageError

_CLOCK = re.compile(r"(?:(\d+):)?(\d{1,3}):(\d{1,2}(?:[.,]\d+)?)")
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_UNITS = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s)?", re.I)
_ISO = re.compile(
    r"P(?:(\d+(?:\.\d+)?)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?",
    re.I,
)
_AGO = re.compile(r"(\d{1,12})\s*([smhdwy])", re.I)
_AGO_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 31557600}


def parse_seconds(text: str) -> float:
    """Read ``75``, ``1:15``, ``1:02:03.5``, ``1h2m3s``, ``250ms`` or ``PT1M15S`` as seconds.

    Raises UsageError for anything else, for negative and for infinite values.
    """
    stripped = text.strip()
    seconds = _seconds(stripped)
    if seconds is None or not math.isfinite(seconds):
        raise UsageError(f"{text!r} is not a time", hint="write 75, 1:15, 1:02:03 or 1h2m3s")
    return seconds


def _seconds(text: str) -> float | None:
    if _NUMBER.fullmatch(text):
        return float(text)
    if text.lower().endswith("ms") and _NUMBER.fullmatch(text[:-2].strip()):
        return float(text[:-2]) / 1000
    if match := _CLOCK.fullmatch(text):
        hours, minutes, rest = match.groups()
        last = float(rest.replace(",", "."))
        if last >= 60 or (hours is not None and int(minutes) >= 60):
            return None
        return float(hours or 0) * 3600 + int(minutes) * 60 + last
    for pattern, factors in ((_ISO, (86400, 3600, 60, 1)), (_UNITS, (3600, 60, 1))):
        match = pattern.fullmatch(text)
        if match and any(match.groups()):
            pairs = zip(match.groups(), factors, strict=True)
            return sum(float(value) * factor for value, factor in pairs if value)
    return None


def clock(seconds: float) -> str:
    """Write seconds as ``MM:SS``, or ``H:MM:SS`` from one hour on (rounded down)."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes:02}:{rest:02}"


def split_moment(reference: str) -> tuple[str, float | None]:
    """Split ``REF@MM:SS`` into the reference and its second, None where there is no moment."""
    head, mark, tail = reference.rpartition("@")
    if not mark or not head:
        return reference, None
    return head, parse_seconds(tail)


def parse_date(text: str, *, now: datetime | None = None) -> int:
    """Read a date, a date and time (UTC unless it says otherwise) or an age as epoch milliseconds.

    ``2025-01-07``, ``2025-01-07T10:00:00+02:00``, ``today``, ``7d``, ``2w`` and ``1y`` (ago) are
    understood. Raises UsageError for anything else.
    """
    stripped = text.strip()
    present = now or datetime.now(UTC)
    if match := _AGO.fullmatch(stripped):
        age = int(match[1]) * _AGO_SECONDS[match[2].lower()]
        try:
            return _milliseconds(present - timedelta(seconds=age))
        except OverflowError:
            raise _bad_date(text) from None
    midnight = present.replace(hour=0, minute=0, second=0, microsecond=0)
    if stripped.lower() in ("today", "yesterday", "now"):
        back = {"today": midnight, "yesterday": midnight - timedelta(days=1), "now": present}
        return _milliseconds(back[stripped.lower()])
    try:
        moment = datetime.fromisoformat(stripped)
    except ValueError:
        raise _bad_date(text) from None
    return _milliseconds(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _bad_date(text: str) -> UsageError:
    return UsageError(f"{text!r} is not a date", hint="write 2025-01-07, 2025-01-07T10:00Z or 7d")


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)


def iso(milliseconds: int) -> str:
    """Write epoch milliseconds as ISO 8601 in UTC, to the second."""
    moment = datetime.fromtimestamp(milliseconds // 1000, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
