"""Keyrings for the tests, as the package keyring loads them by PYTHON_KEYRING_BACKEND."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import keyring.backend
import keyring.errors


class FileRing(keyring.backend.KeyringBackend):
    """Keeps passwords in the file that TEST_KEYRING names."""

    priority = 1.0  # type: ignore[assignment]

    @property
    def file(self) -> Path:
        return Path(os.environ["TEST_KEYRING"])

    def held(self) -> dict[str, str]:
        return dict(json.loads(self.file.read_text())) if self.file.is_file() else {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.held().get(f"{service}/{username}")

    def set_password(self, service: str, username: str, password: str) -> None:
        self.file.write_text(json.dumps({**self.held(), f"{service}/{username}": password}))

    def delete_password(self, service: str, username: str) -> None:
        held = self.held()
        if held.pop(f"{service}/{username}", None) is None:
            raise keyring.errors.PasswordDeleteError("not found")
        self.file.write_text(json.dumps(held))


class SlowRing(FileRing):
    """Waits for somebody to type a password, and nobody is there."""

    def get_password(self, service: str, username: str) -> str | None:
        time.sleep(3600)
        return None


class LockedRing(FileRing):
    """Stays locked, and says more about it than it should."""

    def get_password(self, service: str, username: str) -> str | None:
        raise keyring.errors.KeyringLocked("locked: sk-not-a-real-key-0123456789")


class ForgetfulRing(FileRing):
    """Takes everything and keeps nothing, as a keyring that was switched off does."""

    def set_password(self, service: str, username: str, password: str) -> None: ...
