"""Positions in an order: numbers with room between them.

A link keeps its place as a float, so that putting something between two others writes one row.
Halving a gap of 1 works about fifty times; then the neighbours are spread anew.
"""

from __future__ import annotations

import itertools
import math

STEP = 1.0
# Neighbours spread anew get at least this many representable numbers between them: twenty
# insertions at one spot before the next spreading.
SPARE = float(1 << 20)


def between(low: float | None, high: float | None, count: int) -> list[float] | None:
    """Return ``count`` rising positions strictly between two others, None where no room is left.

    An end that is None is open.
    """
    return _checked(low, high, _even(low, high, count))


def spread(low: float | None, high: float | None, count: int) -> list[float] | None:
    """Return positions as ``between`` does, but only such with room for many more between them."""
    found = between(low, high, count)
    if found is None or low is None or high is None:
        return found
    step = (high - low) / (count + 1)
    ulp = max(math.ulp(low), math.ulp(high))
    return found if step >= ulp * SPARE else None


def _even(low: float | None, high: float | None, count: int) -> list[float]:
    if low is not None and high is not None:
        # Each end is scaled by itself: their difference may be more than a float can hold.
        parts = count + 1
        return [low * ((parts - n) / parts) + high * (n / parts) for n in range(1, parts)]
    if low is not None:
        step = max(STEP, math.ulp(low) * SPARE)
        return [low + step * n for n in range(1, count + 1)]
    if high is not None:
        step = max(STEP, math.ulp(high) * SPARE)
        return [high - step * n for n in range(count, 0, -1)]
    return [STEP * n for n in range(1, count + 1)]


def _checked(low: float | None, high: float | None, found: list[float]) -> list[float] | None:
    ends = [*([low] if low is not None else []), *found, *([high] if high is not None else [])]
    if not all(math.isfinite(position) for position in ends):
        return None
    return found if all(one < two for one, two in itertools.pairwise(ends)) else None
