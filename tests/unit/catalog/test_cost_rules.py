"""Prices and sums: never less than it costs, and the parts add up to the whole."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.catalog.costs import BY, amount_of, folded, tokens_of
from vidctl.errors import UsageError

COUNTS = st.integers(0, 10**13)
PRICES = st.sampled_from([0.0, 0.005 / 1000, 0.4 / 1e9, 0.006 / 60, 0.02 / 1e6, 0.1, 3.0])


@given(
    st.dictionaries(st.sampled_from("abc"), COUNTS), st.dictionaries(st.sampled_from("abd"), PRICES)
)
def test_an_amount_is_the_exact_price_rounded_up(
    units: dict[str, float], rates: dict[str, float]
) -> None:
    exact = sum(
        (Fraction(count) * Fraction(str(rates.get(unit, 0.0))) for unit, count in units.items()),
        Fraction(),
    )
    micros = exact * 1_000_000
    assert amount_of(units, rates) == math.ceil(micros)


@pytest.mark.parametrize(
    ("units", "rates", "amount"),
    [
        ({"seconds": 60}, {"seconds": 0.006 / 60}, 6000),
        ({"bytes": 1e9, "requests": 100}, {"bytes": 0.4 / 1e9, "requests": 0.005 / 1e3}, 400_500),
        ({"requests": 1}, {"requests": 0.005 / 1e3}, 5),
        ({"bytes": 1}, {"bytes": 0.4 / 1e9}, 1),
        ({"bytes": 0}, {"bytes": 0.4 / 1e9}, 0),
        ({"unheard": 9}, {"bytes": 1.0}, 0),
        ({}, {}, 0),
    ],
)
def test_amounts(units: dict[str, float], rates: dict[str, float], amount: int) -> None:
    assert amount_of(units, rates) == amount


@given(st.integers(0, 5000), st.integers(20, 900), st.integers(0, 899))
def test_tokens_are_those_of_overlapping_chunks(words: int, size: int, overlap: int) -> None:
    overlap = min(overlap, size - 1)
    read, start = 0, 0
    while start < words:
        read += min(size, words - start)
        if start + size >= words:
            break
        start += size - overlap
    assert tokens_of(words, chunk_words=size, overlap=overlap) == math.ceil(read * 4 / 3)


CELLS = st.builds(
    dict,
    day=st.sampled_from(["2026-01-31", "2026-02-01", "2026-02-02"]),
    service=st.sampled_from(["s3", "openai"]),
    operation=st.sampled_from(["upload", "embed"]),
    calls=st.integers(1, 9),
    amount=st.integers(0, 10**9),
    unknown=st.integers(0, 9),
    units=st.dictionaries(st.sampled_from(["bytes", "tokens"]), st.integers(0, 99)),
)


@given(st.lists(CELLS), st.sampled_from(sorted(BY)))
def test_sums_lose_nothing(cells: list[dict[str, Any]], by: str) -> None:
    rows = folded(cells, by)
    names = [row[by] for row in rows]
    assert names == sorted(set(names))
    assert sum(row["calls"] for row in rows) == sum(cell["calls"] for cell in cells)
    assert round(sum(row["amount"] for row in rows) * 1e6) == sum(c["amount"] for c in cells)
    for unit in ("bytes", "tokens"):
        assert sum(row["units"].get(unit, 0) for row in rows) == sum(
            cell["units"].get(unit, 0) for cell in cells
        )


def test_sums_by_something_else_are_refused() -> None:
    with pytest.raises(UsageError, match="not by 'week'"):
        folded([], "week")
