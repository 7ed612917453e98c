"""One file on its way to Cloudinary: how far it is, whether to go on, and whose work it is.

Requests run in a thread of their own, so that the thread that waits for them can be told to stop
while the service is silent, tells how many bytes have left, and keeps the upload from being taken
for abandoned.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from vidctl.ports import Sending
from vidctl.tasks import SLICE, Tasks

T = TypeVar("T")

# Seconds without a sign of life after which another process may go on with an upload, and
# between such signs.
LEASE = 60.0
HEARTBEAT = 15.0
# Bytes that leave at a time: few enough for progress to move, many enough to cost little.
BLOCK = 1 << 18


class UnderWay:
    """What is known of one file of ``total`` bytes while it is sent.

    ``extend`` says that this process still sends; ``sleep`` waits in slices of ``SLICE`` seconds.
    Only ``blocks`` and ``sleep`` are called in the threads of requests.
    """

    def __init__(
        self,
        sending: Sending,
        total: int,
        *,
        extend: Callable[[], None],
        sleep: Callable[[float], None],
    ) -> None:
        self._sending, self._total = sending, total
        self._extend, self._sleep = extend, sleep
        self._tasks: Tasks[Any] = Tasks("cloudinary", self.tick)
        self._beaten = time.monotonic()
        # Bytes that have left, and how many were told.
        self._sent = 0
        self._told = -1

    def run(self, act: Callable[[], T]) -> T:
        """Return what ``act`` returns, or raise what it raises, and ``tick`` meanwhile.

        What ``tick`` raises ends ``act`` as soon as it looks; nobody waits for that.
        """
        self._tasks.begin(act)
        try:
            ended: T = self._tasks.take()
        except BaseException:
            if self._tasks.under_way:
                self._tasks.leave()
            raise
        return ended

    def tick(self) -> None:
        """Heed, tell how many bytes have left, and keep the upload. Raises what these raise."""
        self._sending.heed()
        # All of them are there only when the service has said so; bytes that leave again after a
        # broken try were told already.
        done = min(self._sent, self._total - 1)
        if done > self._told:
            self._told = done
            self._sending.advance(done, self._total)
        if time.monotonic() - self._beaten >= HEARTBEAT:
            self._beaten = time.monotonic()
            self._extend()

    def arrived(self, done: int) -> None:
        """Take note that the service has the first ``done`` bytes."""
        self._sent = max(self._sent, done)
        self.tick()

    def finish(self) -> None:
        """Tell that the service has all."""
        self._sending.advance(self._total, self._total)

    def restart(self) -> None:
        """Begin again with the first byte."""
        self._sent, self._told = 0, 0
        self._sending.advance(0, self._total)

    def blocks(self, data: bytes, offset: int) -> Iterator[memoryview]:
        """Yield what begins at ``offset`` of the file block by block, each when it may leave.

        Raises Left when nobody waits for it.
        """
        whole = memoryview(data)
        for start in range(0, len(whole), BLOCK):
            block = whole[start : start + BLOCK]
            self._sending.pace(len(block))
            self._tasks.check()
            yield block
            # The next one is asked for when this one has left.
            self._sent = max(self._sent, offset + start + len(block))

    def watch(self, block: bytes) -> None:
        """Take a block that is read back. Raises Left when nobody waits for it."""
        self._tasks.check()

    def sleep(self, seconds: float) -> None:
        """Wait between tries. Raises Left when nobody waits for what comes after."""
        while seconds > 0:
            self._tasks.check()
            self._sleep(min(seconds, SLICE))
            seconds -= SLICE
        self._tasks.check()
