"""``credentials.toml``: keys in a file that only its owner can read, for machines without keyring.

The file has mode 0600 and lies in a folder of mode 0700. One that others could read or put there
is not used at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from vidctl.errors import NotFound, UsageError
from vidctl.keys.own_file import OwnFile

HEAD = "# Keys of vidctl. Whoever can read this file can use them.\n"


@dataclass(frozen=True, slots=True)
class Kept:
    """A key of the file and when it was set, empty where the file does not say."""

    value: str
    set_at: str


class Credentials:
    """The keys of one file, by name.

    Methods raise PermissionRefused for a file that is not its owner's alone, UsageError for one
    that cannot be understood, and what reading and writing files raises.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._own = OwnFile(file, is_secret=True, again="set the keys again")

    def read(self, name: str) -> Kept | None:
        """Return a key, None when there is none."""
        return self._all().get(name)

    def write(self, name: str, value: str) -> None:
        """Keep a key."""
        with self._own.alone():
            moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            self._save({**self._all(), name: Kept(value, moment)})

    def remove(self, name: str) -> bool:
        """Forget a key; tell whether there was one."""
        if self.read(name) is None:
            return False
        with self._own.alone():
            left = self._all()
            left.pop(name, None)
            self._save(left)
        return True

    def _all(self) -> dict[str, Kept]:
        try:
            content = self._own.content()
        except NotFound:
            return {}
        import tomllib

        try:
            table = tomllib.loads(content.decode())
            return {name: _kept(entry) for name, entry in table.items()}
        except (ValueError, TypeError, LookupError):
            # What the parser says quotes the line, which may be a key.
            hint = "mend it by hand, or remove it and set the keys again"
            raise UsageError(f"{self.file} is not a file of keys", hint=hint) from None

    def _save(self, keys: dict[str, Kept]) -> None:
        import tomlkit

        tables = {name: {"key": kept.value, "set": kept.set_at} for name, kept in keys.items()}
        text = HEAD + tomlkit.dumps(tables)
        self._own.replace(text.encode())


def _kept(entry: Any) -> Kept:
    value = entry["key"]
    if not isinstance(value, str):
        raise TypeError("a key is text")
    return Kept(value, str(entry.get("set", "")))
