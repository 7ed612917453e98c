"""Conditions on items: one test of one key, as ``--where`` says it."""

from __future__ import annotations

from dataclasses import dataclass

TEXT_OPERATORS = ("=", "!=")
NUMBER_OPERATORS = (">=", "<=", ">", "<", "=")

# key -> the operators that make sense for it
OPERATORS: dict[str, tuple[str, ...]] = {
    "tag": TEXT_OPERATORS,
    "category": TEXT_OPERATORS,
    "label": TEXT_OPERATORS,
    "status": TEXT_OPERATORS,
    "author": ("=",),
    "language": TEXT_OPERATORS,
    "title": ("~",),
    "description": ("~",),
    "duration": NUMBER_OPERATORS,
    "published": NUMBER_OPERATORS,
    "added": NUMBER_OPERATORS,
}


@dataclass(frozen=True, slots=True)
class Condition:
    """``key`` and ``operator`` are of OPERATORS.

    The value is a text, a person's id (author), seconds (duration) or epoch milliseconds
    (published, added).
    """

    key: str
    operator: str
    value: str | float
