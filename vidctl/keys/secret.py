"""A key in memory."""

from __future__ import annotations

from typing import NoReturn

from vidctl.keys.redaction import remember
from vidctl.keys.shapes import parts

MASK = "********"


class Secret:
    """The key of a service; its text form, its repr and a copy of it tell nothing.

    ``name`` is what the key is for, ``source`` where it was found. From now on ``redact`` knows
    the key and its parts.
    """

    __slots__ = ("_value", "name", "source")

    def __init__(self, value: str, *, name: str, kind: str, source: str = "") -> None:
        self._value = value
        self.name = name
        self.source = source
        remember(name, value, parts(kind, value))

    def reveal(self) -> str:
        """Return the key itself."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        import hmac

        return hmac.compare_digest(self._value.encode(), other._value.encode())

    # Nothing needs keys in sets, and a hash would be a way to compare that takes shortcuts.
    __hash__ = None  # type: ignore[assignment]

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a key is not copied into files or other processes")
