"""Who comes first of files that are alike, however many threads work: the first of the sources."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

# Seconds between two looks whether the work is to end.
LOOK = 0.2


@dataclass(slots=True)
class _File:
    """What is known of a file under way; ``sha256`` is None until it was read."""

    size: int | None
    name: str
    sha256: str | None = None


class Turns:
    """Lets alike files wait for those before them, so that the first of them names the item.

    Only files of the same size can be the same bytes, so others never wait for each other. What has
    no size yet (a link) is not waited for. ``heed`` raises when the work is to end.
    """

    def __init__(self, heed: Callable[[], None]) -> None:
        self._heed = heed
        self._changed = threading.Condition()
        self._files: dict[int, _File] = {}

    def enter(self, number: int, *, size: int | None, name: str) -> None:
        """Hear, in the order of the sources, of a file that will be worked on."""
        with self._changed:
            self._files[number] = _File(size, name)

    def leave(self, number: int) -> None:
        """Hear that a file is through, or will never be."""
        with self._changed:
            self._files.pop(number, None)
            self._changed.notify_all()

    def await_bytes(self, number: int, sha256: str) -> None:
        """Return when no file before this one has, or may turn out to have, the same bytes."""
        with self._changed:
            own = self._files[number]
            own.sha256 = sha256
            self._changed.notify_all()
            self._await(number, lambda other: _may_be_same(other, own))

    def await_name(self, number: int) -> None:
        """Return when no file before this one has its name."""
        with self._changed:
            own = self._files[number]
            self._await(number, lambda other: other.name == own.name)

    def _await(self, number: int, is_alike: Callable[[_File], bool]) -> None:
        while any(is_alike(file) for other, file in self._files.items() if other < number):
            self._changed.wait(LOOK)
            self._heed()


def _may_be_same(other: _File, own: _File) -> bool:
    if other.sha256 is None:
        return other.size is not None and other.size == own.size
    return other.sha256 == own.sha256
