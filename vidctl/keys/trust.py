"""Which project files the person trusts to say where keys and media go.

A ``vidctl.toml`` can come from anybody: with a repository, in an archive. What the person has
looked at is remembered in their own folder, as the file's place and a hash of the values that
matter; the project itself can neither see nor change it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vidctl.errors import NotFound, UsageError
from vidctl.keys.own_file import OwnFile

AGAIN = "vidctl config trust"


def mark_of(values: Mapping[str, object]) -> str:
    """Return the SHA-256 of settings in hexadecimal, whatever their order."""
    text = json.dumps(sorted(values.items()), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


class Trust:
    """The trusted project files; ``file`` is where they are written down.

    Methods raise PermissionRefused for a file that others can write or that is somebody else's,
    UsageError for one that cannot be understood, and what reading and writing files raises.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._own = OwnFile(file, is_secret=False, again=AGAIN)

    def holds(self, project: Path, mark: str) -> bool:
        """Tell whether a project file is trusted with the values of that mark."""
        return mark in self._all().get(_place(project), ())

    def remember(self, project: Path, mark: str) -> None:
        """Trust a project file with the values of that mark, and no longer with others."""
        with self._own.alone():
            self._save({**self._all(), _place(project): [mark]})

    def knows(self, project: Path) -> bool:
        """Tell whether a project file is trusted with any values."""
        return _place(project) in self._all()

    def forget(self, project: Path) -> bool:
        """Trust a project file no longer; tell whether it was trusted."""
        if not self.knows(project):
            return False
        with self._own.alone():
            left = self._all()
            left.pop(_place(project), None)
            self._save(left)
        return True

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from changing the list; ``passing`` is for inside."""
        with self._own.alone():
            yield

    @contextmanager
    def passing(self, project: Path, mark: str) -> Iterator[None]:
        """Let trust pass to the values of a mark, which the block writes into the project file.

        While it runs, what was trusted before still is, so that a command killed in it leaves no
        file that its person does not trust. A block that fails leaves the trust as it was.
        """
        old = self._all()
        self._save({**old, _place(project): [*old.get(_place(project), []), mark]})
        try:
            yield
        except BaseException:
            self._save(old)
            raise
        self._save({**old, _place(project): [mark]})

    def _all(self) -> dict[str, list[str]]:
        try:
            content = self._own.content()
        except NotFound:
            return {}
        try:
            return {str(place): _marks(found) for place, found in json.loads(content).items()}
        except (ValueError, TypeError, AttributeError):
            hint = f"remove it, then: {AGAIN}"
            raise UsageError(f"{self.file} is not a list of trusted files", hint=hint) from None

    def _save(self, trusted: Mapping[str, list[str]]) -> None:
        self._own.replace(json.dumps(trusted, indent=1, sort_keys=True).encode() + b"\n")


def _place(project: Path) -> str:
    """Return the one name of a file; its folder may be reached by links, it may be none itself.

    A link to a file that is trusted would bring that trust to wherever it lies.
    """
    return str(project.parent.resolve() / project.name)


def _marks(found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(mark, str) for mark in found):
        raise TypeError("marks are a list of texts")
    return found
