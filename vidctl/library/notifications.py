"""Notifications of media hosts: each is accepted once, whichever process it comes to."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from vidctl.errors import UsageError
from vidctl.files import leave_mark, remove_file
from vidctl.library.hosts import Hosts
from vidctl.outcome import Outcome


class SeenOnDisk:
    """A memory of accepted notifications that processes share: an empty file for each.

    Making a file that must not be there is what no two processes can both do, on any system.
    ``is_repeated`` tells whether the last one that was asked about had come before.
    """

    def __init__(self, folder: Path) -> None:
        self.is_repeated = False
        self._folder = folder

    def is_new(self, signature: str, *, until: float, now: float) -> bool:
        """Tell whether a signature was never given before, and remember it ``until`` then.

        Raises StorageFull, StorageFailed or PermissionRefused where it cannot be remembered.
        """
        self._forget(now)
        self.is_repeated = not leave_mark(self._folder / f"{until:.0f}-{signature}")
        return not self.is_repeated

    def _forget(self, now: float) -> None:
        for mark in self._folder.glob("*-*"):
            with suppress(ValueError):
                if int(mark.name.partition("-")[0]) < now:
                    remove_file(mark)


def verify(
    hosts: Hosts, name: str, body: bytes, *, timestamp: str, signature: str, seen: SeenOnDisk
) -> Outcome:
    """Tell whether a notification that claims to come from a host does, and for the first time.

    One that does not is a finding. Raises UsageError for a host whose service sends no signed
    notifications, and what remembering does.
    """
    check = getattr(hosts.named(name), "verify_callback", None)
    if check is None:
        hint = "name a host of the kind cloudinary"
        raise UsageError(f"{name} sends no signed notifications", hint=hint)
    is_valid = check(body, timestamp, signature, seen=seen)
    data = {"name": name, "valid": is_valid, "repeated": seen.is_repeated}
    return Outcome(data, findings=not is_valid)
