"""Money: what a call to a paid service is estimated to cost."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from fractions import Fraction

OPERATIONS = ("upload", "store", "transcribe", "embed")
MICRO = 1_000_000


@dataclass(frozen=True, slots=True)
class Charge:
    """One row of the ledger.

    ``service`` is who is paid (``cloudinary``, ``s3``, ``openai``), ``units`` how much of what
    (``{"bytes": 2e9, "requests": 101}``), ``amount`` the estimate in millionths of a US dollar.
    ``state`` is ``reserved`` while the call runs, then ``spent`` or ``released``; ``unknown`` reads
    a reservation whose call broke off, so that nobody knows whether it was billed. ``key`` names
    the work, which is not paid for twice unless that is asked for.
    """

    id: str
    group_id: str
    service: str
    operation: str
    key: str
    units: dict[str, float]
    amount: int
    state: str
    thing_id: str = ""
    run_id: str = ""
    created_at: int = 0
    metadata: dict[str, str] = field(default_factory=dict)


def micros(dollars: float) -> int:
    """Return US dollars in millionths, rounded up, so that no cap or price becomes nothing."""
    # As a decimal: a hair above a whole number is an error of floating point, not money.
    return math.ceil(Fraction(str(dollars)) * MICRO)


def written(amount: int) -> str:
    """Write millionths of a US dollar for people: two decimals, or as many as are needed."""
    whole, rest = divmod(amount, MICRO)
    decimals = f"{rest:06}".rstrip("0")
    return f"${whole:,}.{decimals:0<2}"


def upload_key(host: str, locator: str) -> str:
    """Return the ``key`` of sending the bytes of a locator to a host."""
    return f"upload/{host}/{locator}"


def place_of(charge: Charge) -> tuple[str, str] | None:
    """Return the host and locator that an upload was paid for, None for another operation."""
    operation, _, place = charge.key.partition("/")
    # A payment that was followed by another for the same work has its id behind the key.
    host, _, locator = place.partition("#")[0].partition("/")
    return (host, locator) if operation == "upload" and host and locator else None
