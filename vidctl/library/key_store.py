"""Keeping the keys of hosts and services: what can have one, and where it is put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidctl.errors import MissingExtra, NotFound, VidctlError
from vidctl.keys import shapes
from vidctl.keys.resolve import KEYRING, Keys
from vidctl.keys.ring import RingUnavailable
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.library.hosts import Hosts


class KeyStore:
    """The keys that the person of this machine keeps; no library is needed for it."""

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self.keys: Keys = hosts.keys

    def all(self) -> Outcome:
        """Return every name that can have a key, and where its key would come from."""
        errors: dict[str, VidctlError] = {}
        items = [self._record(name, errors) for name in sorted(self.hosts.kinds())]
        listed = {"items": items, "total": len(items), "next": None}
        return Outcome(listed, notes=self.keys.notes, errors=list(errors.values()))

    def _record(self, name: str, errors: dict[str, VidctlError]) -> dict[str, Any]:
        """Return what is known of a key; what stands in the way is told once, not for each name."""
        origin = None
        is_known = True
        try:
            origin = self.keys.origin(name)
        except VidctlError as error:
            is_known = False
            errors.setdefault(error.message, error)
        return {
            "name": name,
            "kind": self.keys.kind(name),
            "set": origin is not None if is_known else None,
            "source": "" if origin is None else origin.source,
            "setAt": (origin.set_at if origin is not None else "") or None,
        }

    def check(self, name: str) -> None:
        """Raise NotFound for a name that can have no key; what may be a key is not repeated.

        Raises PermissionRefused where only a project that is not trusted says what the name is.
        """
        kinds = self.hosts.kinds()
        if name in self.hosts.names():
            self.hosts.config.text(f"hosts.{name}.kind")
        if name not in kinds:
            hint = f"vidctl config set hosts.NAME.kind KIND; there are {', '.join(sorted(kinds))}"
            raise NotFound("no host or service of that name takes a key", hint=hint)

    def set(self, name: str, text: str, *, insecure: bool, rehearse: bool = False) -> Outcome:
        """Keep a key in the keyring; with ``insecure`` in a file that only its owner can read.

        Raises NotFound for an unknown name, UsageError for what is not a key of that service,
        MissingExtra where there is no keyring.
        """
        self.check(name)
        value = shapes.checked(self.keys.kind(name), name, text)
        notes: list[str] = []
        try:
            if not insecure:
                self.keys.ring.try_out()
            where = str(self.keys.credentials.file) if insecure else KEYRING
            if rehearse:
                self.keys.credentials.read(name)
            else:
                where = self.keys.store(name, value, in_file=insecure)
        except RingUnavailable as error:
            raise MissingExtra(
                f"the key was not kept: {error}",
                hint=f"vidctl keys set {name} --insecure-storage keeps it in a file",
            ) from None
        variable = self.keys.variable(name)
        if variable:
            notes.append(f"{variable} is set and counts before it")
        return Outcome({"name": name, "source": where, "changed": True}, notes=notes)

    def remove(self, name: str, *, rehearse: bool = False) -> Outcome:
        """Forget the key of a name, where one was kept."""
        self.check(name)
        held = self.keys.held(name) if rehearse else self.keys.remove(name)
        variable = self.keys.variable(name)
        notes = [f"the key still comes from {variable}"] if variable else []
        data = {"name": name, "source": ", ".join(held), "changed": bool(held)}
        return Outcome(data, notes=notes)
