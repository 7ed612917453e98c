"""What paid work costs: units times prices, and sums over the ledger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import Any

from vidctl.errors import UsageError
from vidctl.model.cost import MICRO, Charge
from vidctl.model.thing import Thing

BY: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "day": lambda cell: str(cell["day"]),
    "month": lambda cell: str(cell["day"])[:7],
    "service": lambda cell: str(cell["service"]),
    "operation": lambda cell: str(cell["operation"]),
}
# People speak about 150 words a minute, and a token is about three quarters of an English word
# (https://help.openai.com/en/articles/4936856, "What are tokens and how to count them").
WORDS_A_MINUTE = 150
TOKENS_A_WORD = 4 / 3


def amount_of(units: Mapping[str, float], rates: Mapping[str, float]) -> int:
    """Return what units cost in millionths of a US dollar, rounded up.

    ``rates`` are US dollars for one unit; what has no rate costs nothing.
    """
    # As decimals: a hair above a whole number is an error of floating point, not money.
    prices = (
        Fraction(str(count)) * Fraction(str(rates.get(unit, 0.0))) for unit, count in units.items()
    )
    return math.ceil(sum(prices, Fraction()) * MICRO)


def tokens_of(words: int, *, chunk_words: int, overlap: int) -> int:
    """Estimate the tokens of a text that is embedded in chunks which share ``overlap`` words."""
    step = chunk_words - overlap
    chunks = max(1, math.ceil((words - overlap) / step)) if words else 0
    read = min(chunks * chunk_words, words + (chunks - 1) * overlap) if chunks else 0
    return math.ceil(read * TOKENS_A_WORD)


def record(charge: Charge, thing_id: str, thing: Thing | None) -> dict[str, Any]:
    """Return a row of the ledger as values that JSON has; ``amount`` is in US dollars.

    ``thing_id`` is whom it is for, empty for nobody, and ``thing`` the item if it is there.
    """
    return {
        "id": charge.id,
        "at": charge.created_at,
        "service": charge.service,
        "operation": charge.operation,
        "units": charge.units,
        "amount": charge.amount / MICRO,
        "state": charge.state,
        "item": None if thing is None else thing.slug,
        "itemId": thing_id or None,
        "runId": charge.run_id,
        **{name: charge.metadata.get(name) for name in ("host", "engine", "model")},
    }


def summed(units: Iterable[Mapping[str, float]]) -> dict[str, float]:
    """Add up units, each kind by itself."""
    sums: dict[str, float] = {}
    for each in units:
        for unit, count in each.items():
            sums[unit] = sums.get(unit, 0) + count
    return sums


def folded(cells: Iterable[Mapping[str, Any]], by: str) -> list[dict[str, Any]]:
    """Sum the ledger's cells by ``day``, ``month``, ``service`` or ``operation``, in order.

    Amounts become US dollars; ``unknown`` is the part of calls that broke off. Raises UsageError
    for another ``by``.
    """
    if by not in BY:
        raise UsageError(f"costs are summed by {', '.join(BY)}, not by {by!r}")
    sums: dict[str, dict[str, Any]] = {}
    for cell in cells:
        row = sums.setdefault(BY[by](cell), {"calls": 0, "units": {}, "amount": 0, "unknown": 0})
        for name in ("calls", "amount", "unknown"):
            row[name] += cell[name]
        row["units"] = summed((row["units"], cell["units"]))
    return [
        {by: name, **row, "amount": row["amount"] / MICRO, "unknown": row["unknown"] / MICRO}
        for name, row in sorted(sums.items())
    ]
