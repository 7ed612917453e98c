"""Money: what a call to a paid service is estimated to cost."""

from __future__ import annotations

from dataclasses import dataclass, field

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
