"""Threads that work on files: bounded, told in time, ended at once when nobody waits."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from vidctl.batch.pool import Abandoned, Gate, Pool
from vidctl.errors import LimitReached, RateLimited, RemoteFailed, RemoteUnavailable, VidctlError


def worker_of(act: Callable[[Any], Any], opened: list[int] | None = None) -> Any:
    """Make a worker that counts how often it was opened, and what is open now."""

    @contextmanager
    def worker() -> Iterator[Callable[[Any], Any]]:
        if opened is not None:
            opened.append(threading.get_ident())
        yield act

    return worker


def each(items: Iterable[Any], worker: Any, *, jobs: int, gate: Gate) -> list[Any]:
    """Return what a pool makes of items."""
    found: list[Any] = []
    Pool(worker, found.append, jobs=jobs, gate=gate).run(items)
    return found


@pytest.mark.parametrize("jobs", [1, 2, 8])
def test_everything_is_worked_on_once(jobs: int) -> None:
    opened: list[int] = []
    found = each(range(500), worker_of(lambda n: n * n, opened), jobs=jobs, gate=Gate(0))
    assert sorted(found) == [n * n for n in range(500)]
    assert len(opened) == jobs, "each thread is given what it needs once"


@pytest.mark.parametrize("jobs", [1, 4])
def test_only_a_few_items_are_ahead_of_what_was_yielded(jobs: int) -> None:
    """A hundred thousand files must not all be waiting in memory."""
    fed, heard, most = 0, 0, 0

    def items() -> Iterator[int]:
        nonlocal fed
        while fed < 2000:
            fed += 1
            yield fed

    def hear(_: int) -> None:
        nonlocal heard, most
        heard += 1
        most = max(most, fed - heard)

    Pool(worker_of(lambda n: n), hear, jobs=jobs, gate=Gate(0)).run(items())
    assert heard == 2000
    assert most <= 2 * jobs


def test_results_are_heard_while_nothing_comes() -> None:
    """Whoever watches a folder must not hear of a file when the next one appears."""
    heard: list[int] = []
    pool = Pool(worker_of(lambda n: n), heard.append, jobs=2, gate=Gate(0))

    def items() -> Iterator[int]:
        yield from (1, 2)
        pool.rest(0.5)
        assert sorted(heard) == [1, 2]
        pool.rest(0.01)

    pool.run(items())


def test_threads_work_at_the_same_time() -> None:
    meeting = threading.Barrier(4)

    def act(number: int) -> int:
        meeting.wait(timeout=30)
        return number

    assert sorted(each(range(4), worker_of(act), jobs=4, gate=Gate(0))) == [0, 1, 2, 3]


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_bug_in_a_thread_is_raised_here_and_ends_the_others(jobs: int) -> None:
    gate = Gate(0)

    def act(number: int) -> int:
        if number == 5:
            raise ZeroDivisionError
        gate.sleep(0.001)
        return number

    with pytest.raises(ZeroDivisionError):
        each(range(100_000), worker_of(act), jobs=jobs, gate=gate)
    time.sleep(0.05)
    assert [t for t in threading.enumerate() if t.name.startswith("upload-")] == []


def test_work_under_way_ends_when_nobody_waits_for_it() -> None:
    gate = Gate(0)
    began = threading.Event()

    def act(number: int) -> int:
        began.set()
        while True:
            gate.sleep(0.01)

    def items() -> Iterator[int]:
        yield 1
        began.wait(30)
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        each(items(), worker_of(act), jobs=2, gate=gate)
    assert time.monotonic() - started < 5
    with pytest.raises(Abandoned):
        gate.heed()


def test_what_threads_wait_for_is_ended_with_them() -> None:
    """A decoder hears of nothing; whoever waits for it ends when it is ended."""
    gate = Gate(0)
    decoders = [threading.Event() for _ in range(3)]
    waiting = threading.Barrier(4)

    def act(number: int) -> bool:
        with gate.ended_by(decoders[number].set):
            waiting.wait(30)
            return decoders[number].wait(30)

    def items() -> Iterator[int]:
        yield from range(3)
        waiting.wait(30)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each(items(), worker_of(act), jobs=3, gate=gate)
    assert [decoder.is_set() for decoder in decoders] == [True] * 3
    assert gate._endings == [], "nothing is ended that nobody waits for"
    assert [t for t in threading.enumerate() if t.name.startswith("upload-")] == []


def test_one_at_a_time_is_abandoned_as_well() -> None:
    """Threads that pace for this one must not go on."""
    gate = Gate(0)

    def act(number: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        each([1], worker_of(act), jobs=1, gate=gate)
    with pytest.raises(Abandoned):
        gate.heed()


def test_deaf_threads_share_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidctl.batch.pool.HURRY", 0.3)
    may_end = threading.Event()
    waiting = threading.Barrier(9)

    def act(number: int) -> None:
        waiting.wait(30)
        may_end.wait(30)

    def items() -> Iterator[int]:
        yield from range(8)
        waiting.wait(30)
        raise KeyboardInterrupt

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        each(items(), worker_of(act), jobs=8, gate=Gate(0))
    assert time.monotonic() - began < 0.3 + 1.5, "not eight times that"
    may_end.set()


def test_there_are_no_more_places_than_that() -> None:
    gate = Gate(3)
    admitted: list[int] = []

    def act(number: int) -> VidctlError | None:
        try:
            with gate.admit():
                time.sleep(0.001)
                admitted.append(number)
        except LimitReached as error:
            return error
        return None

    found = each(range(50), worker_of(act), jobs=8, gate=gate)
    assert (found.count(None), len(admitted)) == (3, 3)
    assert [error for error in found if error not in (None, gate.full)] == []


def test_a_failure_gives_its_place_back() -> None:
    gate = Gate(1)
    for _ in range(3):
        with pytest.raises(RemoteFailed), gate.admit():
            raise RemoteFailed
    with gate.admit():
        pass
    with pytest.raises(LimitReached), gate.admit():
        pass


def test_the_same_bytes_are_worked_on_by_one_thread_at_a_time() -> None:
    gate = Gate(0)
    inside: dict[str, int] = {"a": 0, "b": 0}
    most: dict[str, int] = {"a": 0, "b": 0}
    together = 0

    def act(number: int) -> None:
        nonlocal together
        sha256 = "ab"[number % 2]
        with gate.alone(sha256):
            inside[sha256] += 1
            most[sha256] = max(most[sha256], inside[sha256])
            together = max(together, sum(inside.values()))
            time.sleep(0.002)
            inside[sha256] -= 1

    each(range(60), worker_of(act), jobs=6, gate=gate)
    assert most == {"a": 1, "b": 1}
    assert together == 2, "other bytes need not wait"
    assert gate._at_work == {}


TROUBLE = [RemoteUnavailable, RateLimited]


@pytest.mark.parametrize("kind", TROUBLE)
def test_a_host_that_does_not_answer_three_times_in_a_row_ends_the_run(
    kind: type[VidctlError],
) -> None:
    gate = Gate(0)

    def fail() -> None:
        with pytest.raises(kind), gate.watch_host():
            raise kind("no answer")

    fail()
    fail()
    with gate.watch_host():
        pass
    assert not gate.is_shut
    fail()
    fail()
    assert not gate.is_shut
    fail()
    assert isinstance(gate.halting, kind)


def test_a_price_that_is_too_high_ends_the_run_at_once() -> None:
    gate = Gate(0)
    first, second = LimitReached("the cap"), LimitReached("the cap again")
    for error in (first, second):
        with pytest.raises(LimitReached), gate.watch_host():
            raise error
    assert gate.halting is first
