"""Work that can be left behind: threads that nobody has to wait for, and waiting that ends.

A service may be silent for minutes. Whoever waits here looks up every moment, and leaves when told
to; the end of the process does not wait either, as it would for ``concurrent.futures``.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

# Seconds between two looks.
SLICE = 0.1


class Left(BaseException):
    """Ends a task at once; nobody waits for it any more."""


@dataclass(frozen=True, slots=True)
class _Finished(Generic[T]):
    results: tuple[T, ...]
    error: BaseException | None = None


class Tasks(Generic[T]):
    """Tasks in daemon threads named ``name``, begun and waited for by one thread.

    ``heed`` is called every ``SLICE`` seconds while that one waits, and raises to end the waiting.
    """

    def __init__(self, name: str, heed: Callable[[], None]) -> None:
        self.under_way = 0
        self._name = name
        self._heed = heed
        self._finished: queue.SimpleQueue[_Finished[T]] = queue.SimpleQueue()
        self._left = threading.Event()

    def begin(self, act: Callable[[], T]) -> None:
        """Start a task."""
        threading.Thread(target=self._work, args=(act,), name=self._name, daemon=True).start()
        self.under_way += 1

    def take(self) -> T:
        """Wait for the next task that ends and return its result.

        Raises what the task raised, and what ``heed`` raises.
        """
        while True:
            try:
                return self._taken(self._finished.get(timeout=SLICE))
            except queue.Empty:
                self._heed()

    def ended(self) -> Iterator[T]:
        """Yield the results of tasks that have ended, without waiting. Raises as ``take`` does."""
        while True:
            try:
                finished = self._finished.get_nowait()
            except queue.Empty:
                return
            yield self._taken(finished)

    def leave(self) -> None:
        """Have the tasks end as soon as they ask."""
        self._left.set()

    def check(self) -> None:
        """Raise Left in a task that is to end."""
        if self._left.is_set():
            raise Left

    def _taken(self, finished: _Finished[T]) -> T:
        self.under_way -= 1
        if finished.error is not None:
            raise finished.error
        return finished.results[0]

    def _work(self, act: Callable[[], T]) -> None:
        try:
            self._finished.put(_Finished((act(),)))
        except BaseException as error:
            self._finished.put(_Finished((), error))


def attended(act: Callable[[], T], heed: Callable[[], None], *, name: str = "request") -> T:
    """Do something in a thread of its own and return its result, or leave it behind.

    Raises what ``act`` raises, and what ``heed`` raises, which is called every moment: then
    nobody hears how ``act`` ends. It must not touch what belongs to the calling thread.
    """
    heed()
    tasks: Tasks[T] = Tasks(name, heed)
    tasks.begin(act)
    return tasks.take()


def until(
    moment: float, error: BaseException, clock: Callable[[], float] = time.monotonic
) -> Callable[[], None]:
    """Return a ``heed`` that raises ``error`` once ``clock`` says ``moment``, in seconds."""

    def heed() -> None:
        if clock() >= moment:
            raise error

    return heed
