"""A bounded number of threads for any number of files, and what they share."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from typing import Generic, TypeVar

from vidctl.errors import LimitReached, Temporary, VidctlError

S = TypeVar("S")
R = TypeVar("R")

# Seconds for all threads together to close what they have open, and to notice that nobody waits.
PATIENCE = 10.0
HURRY = 1.0
# Failures of the host in a row after which the next file would fail as well.
TROUBLES = 3
# Seconds that a thread may hold the interpreter while others want it; Python's own is 0.005.
SWITCH = 0.0005


class Abandoned(BaseException):
    """Ends a thread's work on a file at once; nobody waits for it any more."""


class Gate:
    """What the threads of one upload share: room for new items, and whether it still goes on.

    ``most`` is how many new items there may be, 0 for any number.
    """

    def __init__(self, most: int) -> None:
        self.full = LimitReached(
            f"stopped after {most} new item{'' if most == 1 else 's'}",
            hint="run the same command again to go on",
        )
        self.halting: VidctlError | None = None
        self._room = most or None
        self._troubles = 0
        self._abandoned = threading.Event()
        self._endings: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._at_work: dict[str, tuple[threading.Lock, int]] = {}

    @property
    def is_shut(self) -> bool:
        """Whether no further file is to be begun."""
        return self.halting is not None

    def halt(self, error: VidctlError) -> None:
        """Begin no further file; the first reason counts."""
        with self._lock:
            self.halting = self.halting or error

    def abandon(self) -> None:
        """Let the work that is under way end at once."""
        self._abandoned.set()
        with self._lock:
            endings = list(self._endings)
        for end in endings:
            end()

    @contextmanager
    def ended_by(self, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` when the work is to end at once: it is what the block waits for."""
        with self._lock:
            self._endings.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._endings.remove(end)

    def heed(self) -> None:
        """Raise Abandoned when the work is to end at once."""
        if self._abandoned.is_set():
            raise Abandoned

    def sleep(self, seconds: float) -> None:
        """Wait, but not longer than the work goes on."""
        self._abandoned.wait(seconds)
        self.heed()

    @contextmanager
    def admit(self) -> Iterator[None]:
        """Take one of the places for new items; a failure gives it back. Raises ``full``."""
        with self._lock:
            if self._room == 0:
                raise self.full
            self._room = None if self._room is None else self._room - 1
        try:
            yield
        except BaseException:
            with self._lock:
                self._room = None if self._room is None else self._room + 1
            raise

    @contextmanager
    def alone(self, sha256: str) -> Iterator[None]:
        """Work on the bytes of a hash while no other thread does."""
        with self._lock:
            lock, users = self._at_work.get(sha256, (threading.Lock(), 0))
            self._at_work[sha256] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._lock:
                lock, users = self._at_work.pop(sha256)
                if users > 1:
                    self._at_work[sha256] = (lock, users - 1)

    @contextmanager
    def watch_host(self) -> Iterator[None]:
        """Halt on what the host, or its price, would refuse the next file as well."""
        try:
            yield
        except LimitReached as error:
            self.halt(error)
            raise
        except Temporary as error:
            with self._lock:
                self._troubles += 1
                is_lasting = self._troubles >= TROUBLES
            if is_lasting:
                self.halt(error)
            raise
        with self._lock:
            self._troubles = 0


@dataclass(frozen=True, slots=True)
class _Broken:
    error: BaseException


class Pool(Generic[S, R]):
    """Works on items in ``jobs`` threads; for one job, here.

    ``worker`` is entered once in each thread and gives the function that does the work; ``done``
    hears, here, of each result as it comes. An exception that a worker lets through ends
    everything.
    """

    def __init__(
        self,
        worker: Callable[[], AbstractContextManager[Callable[[S], R]]],
        done: Callable[[R], None],
        *,
        jobs: int,
        gate: Gate,
    ) -> None:
        self.worker = worker
        self.done = done
        self.jobs = jobs
        self.gate = gate
        self._ahead = 0
        self._tasks: queue.SimpleQueue[tuple[S] | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[R] | _Broken] = queue.SimpleQueue()

    def run(self, items: Iterable[S]) -> None:
        """Work on every item; only a few are ahead of the results at any time."""
        try:
            if self.jobs <= 1:
                with self.worker() as act:
                    for item in items:
                        self.done(act(item))
            else:
                self._run(items)
        except BaseException:
            self.gate.abandon()
            raise

    def _run(self, items: Iterable[S]) -> None:
        threads = [
            threading.Thread(target=self._work, name=f"upload-{number}", daemon=True)
            for number in range(self.jobs)
        ]
        interval = sys.getswitchinterval()
        # A thread that holds the library's write lock must not wait for the others to think.
        sys.setswitchinterval(SWITCH)
        patience = PATIENCE
        for thread in threads:
            thread.start()
        try:
            self._feed(items)
        except BaseException:
            patience = HURRY
            self.gate.abandon()
            raise
        finally:
            sys.setswitchinterval(interval)
            for _ in threads:
                self._tasks.put(None)
            deadline = time.monotonic() + patience
            for thread in threads:
                thread.join(max(0.0, deadline - time.monotonic()))

    def rest(self, seconds: float) -> None:
        """Wait while there are no items, hearing of results meanwhile."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self._ahead:
                time.sleep(left)
            else:
                with suppress(queue.Empty):
                    self._take(left)

    def _feed(self, items: Iterable[S]) -> None:
        for item in items:
            while self._ahead >= 2 * self.jobs or (self._ahead and not self._results.empty()):
                self._take()
            self._tasks.put((item,))
            self._ahead += 1
        while self._ahead:
            self._take()

    def _take(self, seconds: float | None = None) -> None:
        found = self._results.get(timeout=seconds)
        self._ahead -= 1
        if isinstance(found, _Broken):
            raise found.error
        self.done(found[0])

    def _work(self) -> None:
        try:
            with self.worker() as act:
                while (task := self._tasks.get()) is not None:
                    self.gate.heed()
                    self._results.put((act(task[0]),))
        except Abandoned:
            return
        except BaseException as error:
            self._results.put(_Broken(error))
