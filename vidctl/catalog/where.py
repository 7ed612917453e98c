"""Expressions that say which items are meant: ``tag=x and duration>10:00``.

::

    expression = condition ("and" condition)*
    condition  = KEY OPERATOR VALUE
    VALUE      = a text in quotes, where a doubled quote stands for one, or a bare text
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from vidctl.errors import UsageError
from vidctl.model.condition import OPERATORS, Condition
from vidctl.timecode import parse_date, parse_seconds

STATUSES = ("draft", "published", "archived")
ALL = "all"

_OPERATOR = r"(?:!=|>=|<=|==|!~|=|~|>|<)"
_HEAD = re.compile(rf"\s*([\w-]+)\s*({_OPERATOR})\s*")
_QUOTED = re.compile(r"""\s*(?:"((?:[^"]|"")*)"|'((?:[^']|'')*)')\s*(?:and\s+(?=\S)|\Z)""", re.I)
# A bare value ends where the next condition begins.
_BARE = re.compile(rf"(.*?)\s*(?:\sand\s+(?=[\w-]+\s*{_OPERATOR})|\Z)", re.I | re.S)
_SPECIAL = re.compile(r"[=<>~\"']")


@dataclass(frozen=True, slots=True)
class Where:
    """What expressions come to: conditions that must all hold, and the status of the listing.

    ``status`` is None where archived items are left out, else ``all``. An author is a person as
    people call them, not yet an id.
    """

    conditions: tuple[Condition, ...] = ()
    status: str | None = None


def parse(expressions: Iterable[str]) -> Where:
    """Read expressions, all of which must hold. Raises UsageError that says what is wrong."""
    found = [condition for text in expressions for condition in _conditions(text)]
    asked = {each.value for each in found if (each.key, each.operator) == ("status", "=")}
    # What is archived is out of the way: only who asks for it by name gets it.
    shown = ALL if asked & {"archived", ALL} else None
    kept = tuple(each for each in found if (each.key, each.value) != ("status", ALL))
    return Where(kept, shown)


def _conditions(expression: str) -> list[Condition]:
    found: list[Condition] = []
    place = 0
    while place < len(expression) or not found:
        head = _HEAD.match(expression, place)
        if head is None:
            raise UsageError(
                f"{expression[place:].strip()!r} is no condition",
                hint="write KEY=VALUE, such as tag=birds; join several with and",
            )
        value, place = _value(expression, head.end())
        found.append(_checked(head[1].lower(), head[2], value))
    return found


def _value(expression: str, place: int) -> tuple[str, int]:
    quoted = _QUOTED.match(expression, place)
    if quoted is not None:
        mark = '"' if quoted[1] is not None else "'"
        return (quoted[1] or quoted[2] or "").replace(mark * 2, mark), quoted.end()
    bare = _BARE.match(expression, place)
    assert bare is not None, "it matches anything"
    value = bare[1].strip()
    if _SPECIAL.search(value) or value.lower().endswith(" and"):
        raise UsageError(
            f"{value!r} is unclear",
            hint="conditions are joined with and; put quotes around a value with = ~ < > or quotes",
        )
    return value, bare.end()


def _checked(key: str, operator: str, value: str) -> Condition:
    if key not in OPERATORS:
        near = difflib.get_close_matches(key, OPERATORS, n=1)
        guess = f"did you mean {near[0]}? " if near else ""
        raise UsageError(
            f"items have no key {key!r} to be chosen by",
            hint=f"{guess}keys are {', '.join(OPERATORS)}",
        )
    if operator not in OPERATORS[key]:
        raise UsageError(
            f"{key} cannot be compared with {operator}",
            hint=f"{key} takes {' '.join(OPERATORS[key])}",
        )
    if not value:
        raise UsageError(f"{key}{operator} lacks a value")
    if key == "status":
        value = _status(value, operator)
    return Condition(key, operator, _READERS[key](value) if key in _READERS else value)


def _status(value: str, operator: str) -> str:
    status = value.lower()
    if status not in STATUSES and (status, operator) != (ALL, "="):
        raise UsageError(f"{value!r} is no status", hint=", ".join((*STATUSES, ALL)))
    return status


_READERS: dict[str, Callable[[str], float]] = {
    "duration": parse_seconds,
    "published": parse_date,
    "added": parse_date,
}
