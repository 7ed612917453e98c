"""Finding the key of a service: variables first, then the keyring, then the file of keys.

Order for the name ``archive``: ``VIDCTL_ARCHIVE_KEY_FILE``, ``VIDCTL_ARCHIVE_KEY_COMMAND``,
``VIDCTL_ARCHIVE_KEY``, the variables that its service's own tools read, the keyring,
``credentials.toml``. The first that is set counts: when it does not work, no other one is tried.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from vidctl import paths
from vidctl.errors import MissingKey, VidctlError
from vidctl.files import read_errors
from vidctl.keys.credentials import Credentials
from vidctl.keys.ring import Ring, RingUnavailable
from vidctl.keys.secret import Secret
from vidctl.keys.shapes import CONVENTIONAL, LONGEST, first_line

KEYRING = "keyring"
# Seconds after which a command that gives a key is ended.
COMMAND_LIMIT = 30.0


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a key would come from: a variable, ``keyring`` or a file; ``set_at`` if it is known."""

    source: str
    set_at: str = ""


class Keys:
    """Keys by name.

    ``kinds`` says what kind of service a name stands for; a name that is not there is its own
    kind. A key is looked up once; afterwards it is in memory.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        kinds: Mapping[str, str] | None = None,
        *,
        ring: Ring | None = None,
        credentials: Credentials | None = None,
        command_limit: float = COMMAND_LIMIT,
    ) -> None:
        self.environ = environ
        self.kinds = dict(kinds or {})
        self.ring = ring or Ring()
        self.credentials = credentials or Credentials(paths.credentials_file())
        self.command_limit = command_limit
        self._lock = threading.Lock()
        self._found: dict[str, Secret] = {}

    def kind(self, name: str) -> str:
        """Return the kind of service that a name stands for."""
        return self.kinds.get(name, name)

    def get(self, name: str) -> Secret | None:
        """Return the key of a name, None where none is set.

        Raises MissingKey for a source that is set and gives none, PermissionRefused for a file of
        keys that others can read.
        """
        with self._lock:
            if name not in self._found:
                found = self._look_up(name)
                if found is None:
                    return None
                self._found[name] = found
            return self._found[name]

    def require(self, name: str) -> Secret:
        """Return the key of a name. Raises MissingKey where none is set, and as ``get`` does."""
        found = self.get(name)
        if found is None:
            raise MissingKey(f"there is no key for {name}", hint=f"vidctl keys set {name}")
        return found

    def origin(self, name: str) -> Origin | None:
        """Return where the key of a name would come from, without running a command for it."""
        for variable in self._variables(name):
            if self.environ.get(variable):
                return Origin(variable, self._changed(variable))
        if self._from_ring(name) is not None:
            return Origin(KEYRING)
        kept = self.credentials.read(name)
        return None if kept is None else Origin(str(self.credentials.file), kept.set_at)

    def store(self, name: str, value: str, *, in_file: bool) -> str:
        """Keep a key, in the keyring or in the file of keys, and return where.

        What the other of the two holds under the name is removed, so that one key is left. Raises
        RingUnavailable.
        """
        with self._lock:
            self._found.pop(name, None)
            Secret(value, name=name, kind=self.kind(name))
            if not in_file:
                self.ring.write(name, value)
                self.credentials.remove(name)
                return KEYRING
            self.credentials.write(name, value)
            self._forget_in_ring(name)
            return str(self.credentials.file)

    def remove(self, name: str) -> list[str]:
        """Forget a key that ``store`` kept; return where it was."""
        with self._lock:
            self._found.pop(name, None)
            held = [KEYRING] if self._forget_in_ring(name) else []
            return [*held, *([str(self.credentials.file)] if self.credentials.remove(name) else [])]

    def held(self, name: str) -> list[str]:
        """Return where ``remove`` would find a key."""
        held = [KEYRING] if self._from_ring(name) is not None else []
        in_file = self.credentials.read(name) is not None
        return [*held, *([str(self.credentials.file)] if in_file else [])]

    def variable(self, name: str) -> str:
        """Return the variable that gives the key of a name, empty where none does."""
        return next((each for each in self._variables(name) if self.environ.get(each)), "")

    def _variables(self, name: str) -> list[str]:
        """Return the variables that may give a key, those first that count first."""
        stem = f"VIDCTL_{name.upper().replace('-', '_')}_KEY"
        conventional = CONVENTIONAL.get(self.kind(name), ())
        is_whole = all(self.environ.get(each) for each in conventional[:2])
        return [f"{stem}_FILE", f"{stem}_COMMAND", stem, *(conventional[:1] if is_whole else ())]

    def _look_up(self, name: str) -> Secret | None:
        variable = self.variable(name)
        kind = self.kind(name)
        if variable:
            return Secret(
                self._from_variable(variable, name), name=name, kind=kind, source=variable
            )
        found = self._from_ring(name)
        if found is not None:
            return Secret(found, name=name, kind=kind, source=KEYRING)
        kept = self.credentials.read(name)
        if kept is None:
            return None
        return Secret(kept.value, name=name, kind=kind, source=str(self.credentials.file))

    def _from_variable(self, variable: str, name: str) -> str:
        given = self.environ[variable]
        if variable in CONVENTIONAL.get(self.kind(name), ()):
            own = CONVENTIONAL[self.kind(name)]
            given = ":".join(self.environ[each] for each in own if self.environ.get(each))
        elif variable.endswith("_FILE"):
            given = _content(Path(paths.expanded(given)), variable)
        elif variable.endswith("_COMMAND"):
            from vidctl.keys.command import line_of

            given = line_of(given, variable, limit=self.command_limit)
        value = first_line(given)
        if value is None:
            raise MissingKey(f"{variable} gives no key", hint=f"vidctl keys set {name}")
        return value

    def _from_ring(self, name: str) -> str | None:
        try:
            return self.ring.read(name)
        except RingUnavailable:
            return None

    def _forget_in_ring(self, name: str) -> bool:
        try:
            return self.ring.remove(name)
        except RingUnavailable:
            return False

    def _changed(self, variable: str) -> str:
        """Return when the file that a variable names was last written."""
        if not variable.endswith("_FILE"):
            return ""
        try:
            seconds = paths.expanded(self.environ[variable]).stat().st_mtime
        except OSError:
            return ""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _content(file: Path, variable: str) -> str:
    """Return the text of a file of one key. Raises MissingKey for one that cannot be read."""
    try:
        with read_errors(file), file.open("rb") as reader:
            return reader.read(LONGEST + 1).decode("utf-8", "replace")
    except VidctlError as error:
        said = f"{variable} names a file that cannot be read: {error.message}"
        raise MissingKey(said, item=str(file)) from error
