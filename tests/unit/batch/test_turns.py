"""Of files that are alike, the first of the sources comes first, however many threads work."""

from __future__ import annotations

import threading
import time

import pytest

from vidctl.batch.pool import Abandoned, Gate
from vidctl.batch.turns import Turns


def heard() -> None:
    """Stand in for a gate that nobody shuts."""


def waits(turns: Turns, number: int, sha256: str) -> threading.Thread:
    """Start a thread that waits for its turn."""
    thread = threading.Thread(target=turns.await_bytes, args=(number, sha256), daemon=True)
    thread.start()
    return thread


def test_a_file_waits_until_the_one_before_it_of_its_size_is_another_or_through() -> None:
    turns = Turns(heard)
    for number in range(3):
        turns.enter(number, size=9, name=f"{number}.mp4")
    last = waits(turns, 2, "b")
    last.join(0.2)
    assert last.is_alive(), "both before it may be the same bytes"
    turns.await_bytes(0, "a")
    last.join(0.2)
    assert last.is_alive(), "the second may be"
    second = waits(turns, 1, "a")
    last.join(5)
    assert not last.is_alive(), "both have other bytes"
    second.join(0.2)
    assert second.is_alive(), "the first has the same, and is at it"
    turns.leave(0)
    second.join(5)
    assert not second.is_alive()


def test_files_of_other_sizes_and_links_are_not_waited_for() -> None:
    turns = Turns(heard)
    turns.enter(0, size=8, name="a.mp4")
    turns.enter(1, size=None, name="b.mp4")
    turns.enter(2, size=9, name="c.mp4")
    began = time.monotonic()
    turns.await_bytes(2, "c")
    assert time.monotonic() - began < 0.1


def test_a_name_waits_for_the_same_name() -> None:
    turns = Turns(heard)
    for number, name in enumerate(("a.mp4", "b.mp4", "a.mp4")):
        turns.enter(number, size=number, name=name)
    turns.await_name(0)
    turns.await_name(1)
    thread = threading.Thread(target=turns.await_name, args=(2,), daemon=True)
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    turns.leave(0)
    thread.join(5)
    assert not thread.is_alive()


def test_who_waits_hears_that_the_work_ends() -> None:
    gate = Gate(0)
    turns = Turns(gate.heed)
    turns.enter(0, size=9, name="a.mp4")
    turns.enter(1, size=9, name="b.mp4")
    gate.abandon()
    with pytest.raises(Abandoned):
        turns.await_bytes(1, "b")


def test_nothing_is_kept_of_what_is_through() -> None:
    turns = Turns(heard)
    for number in range(1000):
        turns.enter(number, size=9, name="a.mp4")
        turns.await_bytes(number, str(number))
        turns.leave(number)
    assert turns._files == {}
