"""The keyring of the operating system, asked with a time limit.

A keyring that wants to ask the person something can wait for ever where nobody sits.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

SERVICE = "vidctl"
LIMIT = 15.0
NO_RING = ("keyring.backends.fail", "keyring.backends.null")
# Backends that keep keys in files that anybody with the file can read.
PLAIN_RINGS = "keyrings.alt."


class RingUnavailable(Exception):
    """There is no keyring that keeps anything; the text says why."""


class Ring:
    """Keys by name in the keyring; ``limit`` is how many seconds it may take to answer."""

    def __init__(self, limit: float = LIMIT) -> None:
        self.limit = limit
        self._trouble = ""

    def read(self, name: str) -> str | None:
        """Return a key, None when the keyring has none. Raises RingUnavailable."""
        found = self._asked(lambda ring: ring.get_password(SERVICE, name))
        return found if isinstance(found, str) and found else None

    def write(self, name: str, value: str) -> None:
        """Keep a key. Raises RingUnavailable, also for a keyring that forgets what it is given."""

        def act(ring: Any) -> bool:
            ring.set_password(SERVICE, name, value)
            return bool(ring.get_password(SERVICE, name) == value)

        if not self._asked(act):
            raise RingUnavailable("the keyring is switched off")

    def remove(self, name: str) -> bool:
        """Forget a key; tell whether there was one. Raises RingUnavailable."""

        def act(ring: Any) -> bool:
            if ring.get_password(SERVICE, name) is None:
                return False
            ring.delete_password(SERVICE, name)
            return True

        return bool(self._asked(act))

    def try_out(self) -> None:
        """Raise RingUnavailable where no key could be kept."""

        def act(ring: Any) -> bool:
            module = type(ring.get_keyring()).__module__
            return module not in NO_RING and not module.startswith(PLAIN_RINGS)

        if not self._asked(act):
            raise RingUnavailable("this machine has no keyring")

    def _asked(self, act: Callable[[Any], Any]) -> Any:
        if self._trouble:
            raise RingUnavailable(self._trouble)
        import importlib.util

        if importlib.util.find_spec("keyring") is None:
            raise self._unavailable("the package keyring is not installed")
        answers: list[Any] = []
        thread = threading.Thread(target=_answer, args=(act, answers), daemon=True)
        thread.start()
        thread.join(self.limit)
        if not answers:
            raise self._unavailable(f"the keyring did not answer within {self.limit:g} seconds")
        if isinstance(answers[0], RingUnavailable):
            raise self._unavailable(str(answers[0]))
        return answers[0]

    def _unavailable(self, reason: str) -> RingUnavailable:
        self._trouble = reason
        return RingUnavailable(reason)


def _answer(act: Callable[[Any], Any], answers: list[Any]) -> None:
    """Ask the keyring. What its backends raise can hold anything, so only its kind is kept."""
    try:
        import keyring

        answers.append(act(keyring))
    except Exception as error:
        kind = type(error).__name__
        said = {"NoKeyringError": "this machine has no keyring", "KeyringLocked": "it is locked"}
        answers.append(RingUnavailable(said.get(kind, f"the keyring failed: {kind}")))
