"""Finding the key of a service: variables first, then the keyring, then the file of keys.

Order for the name ``archive``: ``VIDCTL_ARCHIVE_KEY_FILE``, ``VIDCTL_ARCHIVE_KEY_COMMAND``,
``VIDCTL_ARCHIVE_KEY``, the variables that its service's own tools read, the keyring,
``credentials.toml``. The first that is set counts: when it does not work, no other one is tried.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from vidctl import paths
from vidctl.errors import MissingKey, PermissionRefused, VidctlError
from vidctl.keys.credentials import Credentials
from vidctl.keys.given_file import text_of
from vidctl.keys.ring import Ring, RingUnavailable
from vidctl.keys.secret import Secret
from vidctl.keys.shapes import CONVENTIONAL, first_line

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
    kind. A key is looked up once; afterwards it is in memory. ``notes`` is what the person should
    know of the files that keys came from.
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
        self.command_limit = command_limit
        self.notes: list[str] = []
        self._credentials = credentials
        self._lock = threading.Lock()
        self._found: dict[str, Secret] = {}

    @cached_property
    def credentials(self) -> Credentials:
        """The file of keys; found late, so that keys in variables need no home folder."""
        return self._credentials or Credentials(paths.credentials_file())

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
        """Return where the key of a name would come from, without running a command for it.

        Raises what reading the file of keys raises.
        """
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
            # A file that cannot be used is told before anything is changed.
            held = self.credentials.read(name)
            if not in_file:
                self._store_in_ring(name, value, is_in_file=held is not None)
                return KEYRING
            self.credentials.write(name, value)
            self._forget_in_ring(name)
            return str(self.credentials.file)

    def remove(self, name: str) -> list[str]:
        """Forget a key that ``store`` kept; return where it was."""
        with self._lock:
            self._found.pop(name, None)
            # The file first: where it cannot be changed, the keyring keeps its key too.
            in_file = self.credentials.remove(name)
            held = [KEYRING] if self._forget_in_ring(name) else []
            return [*held, *([str(self.credentials.file)] if in_file else [])]

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
            given = self._content(paths.expanded(given), variable)
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

    def _store_in_ring(self, name: str, value: str, *, is_in_file: bool) -> None:
        """Keep a key in the keyring, and none in the file; where that fails, all stays as it was.

        Raises RingUnavailable, and what writing the file raises.
        """
        before = self.ring.read(name) if is_in_file else None
        self.ring.write(name, value)
        if not is_in_file:
            return
        try:
            self.credentials.remove(name)
        except VidctlError:
            with contextlib.suppress(RingUnavailable):
                if before is None:
                    self.ring.remove(name)
                else:
                    self.ring.write(name, before)
            raise

    def _forget_in_ring(self, name: str) -> bool:
        try:
            return self.ring.remove(name)
        except RingUnavailable:
            return False

    def _content(self, file: Path, variable: str) -> str:
        """Return the text of a file of one key, and remember what is to be told of the file."""
        try:
            text, note = text_of(file, may_wait=True)
        except PermissionRefused as error:
            if error.item:  # it is this person who may not read it
                raise _unreadable(variable, error, file) from error
            raise
        except VidctlError as error:
            raise _unreadable(variable, error, file) from error
        if note and note not in self.notes:
            self.notes.append(note)
        return text

    def _changed(self, variable: str) -> str:
        """Return when the file that a variable names was last written."""
        if not variable.endswith("_FILE"):
            return ""
        try:
            seconds = paths.expanded(self.environ[variable]).stat().st_mtime
        except OSError:
            return ""
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _unreadable(variable: str, error: VidctlError, file: Path) -> MissingKey:
    said = f"{variable} names a file that cannot be read: {error.message}"
    return MissingKey(said, item=str(file))
