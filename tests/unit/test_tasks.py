"""Work that can be left behind, and whoever waits for it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from vidctl.errors import RemoteFailed, RemoteUnavailable
from vidctl.tasks import SLICE, Left, Tasks, attended, until


class Stop(BaseException):
    """Not an Exception, as Ctrl-C is none."""


def after(calls: int) -> Callable[[], None]:
    """Return a ``heed`` that raises at its so many'th call."""
    left = calls

    def heed() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            raise Stop

    return heed


def on() -> None: ...


def test_the_result_comes_from_another_thread() -> None:
    assert attended(threading.get_ident, on) != threading.get_ident()
    assert attended(lambda: None, on) is None


@pytest.mark.parametrize("kind", [RemoteFailed, KeyboardInterrupt, Stop])
def test_what_it_raises_is_raised_here(kind: type[BaseException]) -> None:
    def act() -> None:
        raise kind("so")

    with pytest.raises(kind, match="so"):
        attended(act, on)


def test_waiting_ends_when_told_to() -> None:
    may_end = threading.Event()
    began = time.monotonic()
    with pytest.raises(Stop):
        attended(lambda: may_end.wait(30), after(4))
    assert time.monotonic() - began < 4 * SLICE + 2
    may_end.set()


def test_nothing_begins_when_it_is_to_end_already() -> None:
    acted: list[int] = []
    with pytest.raises(Stop):
        attended(lambda: acted.append(1), after(1))
    assert acted == []


def test_a_moment_ends_it() -> None:
    may_end = threading.Event()
    began = time.monotonic()
    with pytest.raises(RemoteUnavailable, match="late"):
        attended(lambda: may_end.wait(30), until(began + 0.3, RemoteUnavailable("late")))
    assert 0.3 <= time.monotonic() - began < 3
    may_end.set()


def test_tasks_come_back_as_they_end() -> None:
    gates = [threading.Event() for _ in range(3)]
    tasks: Tasks[int] = Tasks("test", on)

    def act(number: int) -> int:
        gates[number].wait(30)
        return number

    for number in range(3):
        tasks.begin(lambda number=number: act(number))  # type: ignore[misc]
    assert (tasks.under_way, list(tasks.ended())) == (3, [])
    for number in (1, 2, 0):
        gates[number].set()
        assert tasks.take() == number
    assert tasks.under_way == 0


def test_tasks_that_are_left_end_when_they_ask() -> None:
    tasks: Tasks[None] = Tasks("test", on)

    def act() -> None:
        while True:
            tasks.check()
            time.sleep(0.01)

    tasks.begin(act)
    tasks.leave()
    with pytest.raises(Left):
        tasks.take()
    assert tasks.under_way == 0


HANGING = """
import threading
from vidctl.tasks import attended
calls = []
def heed():
    calls.append(1)
    if len(calls) > 2:
        raise SystemExit(7)
attended(threading.Event().wait, heed)
"""


def test_the_end_of_the_process_does_not_wait() -> None:
    began = time.monotonic()
    assert subprocess.run([sys.executable, "-c", HANGING], timeout=30).returncode == 7
    assert time.monotonic() - began < 10
