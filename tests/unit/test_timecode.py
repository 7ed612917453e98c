"""Times as people write them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.errors import UsageError
from vidctl.timecode import clock, iso, parse_date, parse_seconds, split_moment

NOW = datetime(2025, 1, 7, 12, 30, 45, 678_000, tzinfo=UTC)
DAY = 86_400_000
MIDNIGHT = 1_736_208_000_000  # 2025-01-07T00:00:00Z


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("75", 75),
        ("17.44", 17.44),
        (" 1:15 ", 75),
        ("12:34", 754),
        ("100:00", 6000),
        ("1:02:03", 3723),
        ("1:02:03.5", 3723.5),
        ("00:00:01,250", 1.25),
        ("250ms", 0.25),
        ("1h2m3s", 3723),
        ("1H", 3600),
        ("1.5m", 90),
        ("PT1M15S", 75),
        ("P1DT1H", 90_000),
        ("pt0.5s", 0.5),
    ],
)
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "-1", "+1", "1:2:3:4", "1:60", "1:61:00", "1:00:60", ":30", "1:", "1e3", "nan"),
        *("inf", "abc", "1h 2m", "P", "PT", "hms", "1,5", "1m1h", "0x10", "9" * 400),
        *("9" * 400 + ":00:00", "9" * 5000 + ":00:00", "9" * 5000, "1:" + "9" * 5000 + ":00"),
        *("9" * 400 + "h", "P" + "9" * 5000 + "D"),
    ],
)
def test_no_seconds(text: str) -> None:
    with pytest.raises(UsageError, match="is not a time") as caught:
        parse_seconds(text)
    assert caught.value.hint


@given(st.text())
def test_any_text_is_seconds_or_refused(text: str) -> None:
    try:
        seconds = parse_seconds(text)
    except UsageError:
        return
    assert math.isfinite(seconds)
    assert seconds >= 0


@given(st.integers(min_value=0, max_value=10_000_000))
def test_a_clock_can_be_read_back(seconds: int) -> None:
    assert parse_seconds(clock(seconds)) == seconds


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "00:00"), (59.999, "00:59"), (3599, "59:59"), (3600, "1:00:00")]
)
def test_clock(seconds: float, shown: str) -> None:
    assert clock(seconds) == shown


@pytest.mark.parametrize(
    ("reference", "parts"),
    [
        ("talk", ("talk", None)),
        ("talk@1:15", ("talk", 75)),
        ("a@b@90", ("a@b", 90)),
        ("yt:dQw4w9WgXcQ@0:30", ("yt:dQw4w9WgXcQ", 30)),
        ("@30", ("@30", None)),
        ("", ("", None)),
    ],
)
def test_moments(reference: str, parts: tuple[str, float | None]) -> None:
    assert split_moment(reference) == parts


def test_a_moment_that_is_no_time() -> None:
    with pytest.raises(UsageError, match="'noon' is not a time"):
        split_moment("talk@noon")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2025-01-07", MIDNIGHT),
        ("2025-01-07T10:00:00+02:00", MIDNIGHT + 8 * 3_600_000),
        ("2025-01-07T10:00Z", MIDNIGHT + 10 * 3_600_000),
        ("today", MIDNIGHT),
        ("Yesterday", MIDNIGHT - DAY),
        ("now", MIDNIGHT + 45_045_678),
        ("7d", MIDNIGHT + 45_045_678 - 7 * DAY),
        ("2 W", MIDNIGHT + 45_045_678 - 14 * DAY),
        ("1y", MIDNIGHT + 45_045_678 - 31_557_600_000),
        ("90s", MIDNIGHT + 45_045_678 - 90_000),
    ],
)
def test_dates(text: str, moment: int) -> None:
    assert parse_date(text, now=NOW) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tomorrow",
        "7",
        "7x",
        "2025-13-01",
        "2025-02-30",
        "07/01/2025",
        "9" * 30 + "y",
        "9" * 5000 + "d",
    ],
)
def test_no_dates(text: str) -> None:
    with pytest.raises(UsageError, match="is not a date"):
        parse_date(text, now=NOW)


@given(st.one_of(st.text(), st.from_regex(r"\d{1,6000}[smhdwy]", fullmatch=True)))
def test_any_text_is_a_date_or_refused(text: str) -> None:
    try:
        assert isinstance(parse_date(text, now=NOW), int)
    except UsageError:
        return


@given(st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)))
def test_a_date_can_be_read_back(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    milliseconds = round(whole.timestamp() * 1000)
    assert parse_date(iso(milliseconds)) == milliseconds
