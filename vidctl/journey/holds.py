"""Places on hosts that are kept for bytes on their way, until what they bring is recorded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from vidctl.errors import Conflict, LibraryLocked, NotVerified, VidctlError
from vidctl.model.media import Content
from vidctl.model.upload import BESIDE
from vidctl.ports import MediaHost, Store

# How long to wait for somebody who removes the same bytes, and how often to look, in seconds.
PATIENCE = 30.0
POLL = 0.05


class Holds:
    """The places of one piece of work; use it around everything from sending to recording.

    ``purpose``, ``thing_id`` and ``details`` are kept for whoever goes on with it after a crash.
    Call ``settle`` in the transaction that records what arrived. Work that fails leaves its
    uploads as they are, to be gone on with; what lay beside them is forgotten.
    """

    def __init__(
        self,
        store: Store,
        purpose: str,
        *,
        thing_id: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> None:
        self.store = store
        self.purpose = purpose
        self.thing_id = thing_id
        self.details = dict(details or {})
        self._is_settled = False
        self._main: list[str] = []
        self._beside: list[str] = []

    def take(
        self,
        host: MediaHost,
        content: Content,
        source: str,
        *,
        heed: Callable[[], None],
        is_beside: bool = False,
    ) -> None:
        """Keep the place of some bytes. Raises LibraryLocked while another process is at it.

        A copy on this machine is made in one step, so there is nothing to go on with: several may
        make it at once, and none is listed.
        """
        is_beside = is_beside or host.is_local
        deadline = time.monotonic() + PATIENCE
        while not (held := self._hold(host, content, source, is_beside)):
            heed()
            if time.monotonic() > deadline:
                raise LibraryLocked(
                    f"another vidctl is removing these bytes from {host.name}",
                    hint="wait for it, or try again in a minute",
                    item=source,
                )
            time.sleep(POLL)
        self._is_settled = False
        kept = self._beside if is_beside else self._main
        if held not in kept:
            kept.append(held)

    def _hold(self, host: MediaHost, content: Content, source: str, is_beside: bool) -> str:
        return self.store.uploads.hold(
            host.name,
            host.locate(content),
            content,
            source=source,
            purpose=BESIDE if is_beside else self.purpose,
            thing_id=self.thing_id,
            details=self.details,
        )

    def settle(self) -> None:
        """Give the places back: what arrived there is recorded, or is not wanted any more."""
        self.store.uploads.settle([*self._main, *self._beside])
        self._is_settled = True

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            if not self._is_settled:
                self.settle()
            return
        # What went wrong matters more than what goes wrong while writing that down.
        with suppress(VidctlError):
            self.store.uploads.settle(self._beside)
        for upload_id in self._main:
            with suppress(VidctlError):
                self._end(upload_id, error)

    def _end(self, upload_id: str, error: BaseException) -> None:
        if isinstance(error, Conflict | NotVerified):
            # These bytes never come again.
            self.store.uploads.drop(upload_id)
        elif isinstance(error, Exception):
            self.store.uploads.finish(upload_id, error=_why(error))
        else:
            # Who stops has not failed: it is interrupted, and free for whoever goes on.
            self.store.uploads.extend(upload_id, seconds=0)


def _why(error: Exception) -> str:
    return error.message if isinstance(error, VidctlError) else "stopped"
