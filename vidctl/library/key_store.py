"""Keeping the keys of hosts and services: what can have one, and where it is put."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidctl.errors import MissingExtra, NotFound
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
        items = [self._record(name) for name in sorted(self.hosts.kinds())]
        return Outcome({"items": items, "total": len(items), "next": None})

    def _record(self, name: str) -> dict[str, Any]:
        origin = self.keys.origin(name)
        return {
            "name": name,
            "kind": self.keys.kind(name),
            "set": origin is not None,
            "source": "" if origin is None else origin.source,
            "setAt": (origin.set_at if origin is not None else "") or None,
        }

    def check(self, name: str) -> None:
        """Raise NotFound for a name that can have no key; what may be a key is not repeated."""
        kinds = self.hosts.kinds()
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
        notes = []
        try:
            if not insecure:
                self.keys.ring.try_out()
            where = str(self.keys.credentials.file) if insecure else KEYRING
            if not rehearse:
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
