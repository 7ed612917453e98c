"""Money in whole millionths, and as people read it; where an upload went, in its key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.model.cost import MICRO, Charge, micros, place_of, upload_key, written


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000001"),
        (5, "$0.000005"),
        (10_000, "$0.01"),
        (25_000, "$0.025"),
        (400_500, "$0.4005"),
        (MICRO, "$1.00"),
        (1_500 * MICRO, "$1,500.00"),
        (1_234_567_891, "$1,234.567891"),
    ],
)
def test_money_is_written_in_full(amount: int, text: str) -> None:
    assert written(amount) == text


@given(st.integers(0, 10**15))
def test_nothing_is_lost_in_writing(amount: int) -> None:
    whole, _, decimals = written(amount).removeprefix("$").replace(",", "").partition(".")
    assert int(whole) * MICRO + int(f"{decimals:0<6}") == amount
    assert len(decimals) == 2 or not decimals.endswith("0")


@pytest.mark.parametrize(
    ("dollars", "amount"),
    [(0, 0), (0.0, 0), (1e-9, 1), (0.000001, 1), (0.07, 70_000), (0.1, 100_000), (20, 20_000_000)],
)
def test_millionths_are_rounded_up(dollars: float, amount: int) -> None:
    assert micros(dollars) == amount


@given(st.integers(0, 10**12))
def test_dollars_of_the_ledger_come_back_exactly(amount: int) -> None:
    assert micros(amount / MICRO) == amount


def charge(key: str) -> Charge:
    return Charge("id", "group", "s3", "upload", key, {}, 0, "spent")


@pytest.mark.parametrize(
    ("key", "place"),
    [
        (upload_key("s3", "group/ab/abc.mp4"), ("s3", "group/ab/abc.mp4")),
        (upload_key("s3", "group/ab/abc.mp4") + "#0199", ("s3", "group/ab/abc.mp4")),
        ("transcribe/s3/abc", None),
        ("upload/s3", None),
        ("upload//abc", None),
        ("work", None),
        ("", None),
    ],
)
def test_where_an_upload_went_is_in_its_key(key: str, place: tuple[str, str] | None) -> None:
    assert place_of(charge(key)) == place
