"""What an operation returns: data, notes for the person, and one error per failed item."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from vidctl.errors import VidctlError


@dataclass(slots=True)
class Outcome:
    """The result of a command, before anyone decides how to show it.

    ``data`` is JSON-ready. ``errors`` holds the items that failed while others went through.
    ``findings`` is true when a check found problems (``doctor``). ``halting`` is the error, of one
    item or of none, that ended the whole run early: its exit code is the run's.
    """

    data: Any = None
    notes: list[str] = field(default_factory=list)
    errors: list[VidctlError] = field(default_factory=list)
    findings: bool = False
    halting: VidctlError | None = None
