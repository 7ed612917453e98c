"""Days, buckets and periods."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.catalog.analytics import bucket_size, bucket_starts, change, day_of, period_of
from vidctl.errors import UsageError
from vidctl.model.analytics import BUCKETS, DAY_MS, Period, Question
from vidctl.store.analytics import pieces, spans


def at(text: str) -> int:
    """Return a moment as epoch milliseconds."""
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


NOW = at("2025-03-10T15:00")
DAY = at("2025-03-10") // DAY_MS


def test_a_period_is_made_of_whole_days() -> None:
    asked = Question(at("2025-03-01T23:00"), at("2025-03-05"))
    assert period_of(asked, None, NOW) == Period(DAY - 9, DAY - 6)
    assert period_of(Question(until=at("2025-03-05T00:01")), (DAY - 20, DAY), NOW) == Period(
        DAY - 20, DAY - 5
    )
    assert period_of(Question(at("2025-03-04T15:00")), None, NOW) == Period(DAY - 6, DAY)


def test_all_time_ends_today_or_with_the_last_event() -> None:
    assert period_of(Question(), None, NOW) == Period(DAY, DAY)
    assert period_of(Question(), (DAY - 5, DAY - 3), NOW) == Period(DAY - 5, DAY)
    assert period_of(Question(), (DAY - 5, DAY + 3), NOW) == Period(DAY - 5, DAY + 3)


@pytest.mark.parametrize(
    "asked",
    [
        Question(at("2025-03-05"), at("2025-03-05")),
        Question(at("2025-03-11")),
        Question(since=-(10**16), until=0),
        Question(until=10**16),
    ],
)
def test_no_day_is_a_mistake(asked: Question) -> None:
    with pytest.raises(UsageError):
        period_of(asked, None, NOW)


def test_what_a_trend_is_cut_by() -> None:
    sizes = [bucket_size(Period(1, days), "") for days in (1, 31, 32, 182, 183)]
    assert sizes == ["day", "day", "week", "week", "month"]
    assert bucket_size(Period(1, 365), "day") == "day"
    with pytest.raises(UsageError, match="no part of a calendar"):
        bucket_size(Period(1, 2), "year")
    with pytest.raises(UsageError, match="too many days"):
        bucket_size(Period(1, 5000), "day")


@given(st.integers(-20_000, 40_000), st.integers(0, 900), st.sampled_from(BUCKETS))
def test_buckets_cover_a_period_once(first: int, length: int, by: str) -> None:
    period = Period(first, first + length)
    starts = list(bucket_starts(period, by))
    assert starts == sorted(set(starts))
    assert starts[0] <= period.first
    assert starts[-1] <= period.last
    longest = {"day": 1, "week": 7, "month": 31}[by]
    gaps = [b - a for a, b in zip(starts, [*starts[1:], period.last + 1], strict=True)]
    assert max(gaps) <= longest
    if by == "week":
        assert all(day_of(day).weekday() == 0 for day in starts)
    if by == "month":
        assert all(day_of(day).day == 1 for day in starts)


@given(st.integers(-500, 500), st.integers(0, 400))
def test_the_pieces_of_a_period_are_its_days(first: int, length: int) -> None:
    period = Period(first, first + length)
    days = [
        day
        for size, low, high in pieces(period, (1, 7, 28))
        for begin in range(low, high + 1, size)
        for day in range(begin, begin + size)
    ]
    assert sorted(days) == list(range(period.first, period.last + 1))
    held = spans(period)
    by_week = [
        *range(held["first"], held["before"] + 1),
        *(
            day
            for week in range(held["week"], held["last_week"] + 1, 7)
            for day in range(week, week + 7)
        ),
        *range(held["behind"], held["last"] + 1),
    ]
    assert by_week == list(range(period.first, period.last + 1))


def test_change() -> None:
    assert change(15, 10) == 0.5
    assert (change(1, 0), change(1, None), change(None, 2)) == (None, None, None)
