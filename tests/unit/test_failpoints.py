"""Failpoints fail at the visit they are armed for, and only there."""

from __future__ import annotations

import errno
import os
import signal
import time

import pytest

from vidctl import failpoints


def test_nothing_is_armed_by_default() -> None:
    for _ in range(3):
        failpoints.reach("store.commit")


@pytest.mark.parametrize(("action", "number"), [("eio", errno.EIO), ("enospc", errno.ENOSPC)])
def test_the_armed_visit_fails(action: str, number: int) -> None:
    failpoints.arm(f"here:3:{action}")
    failpoints.reach("here")
    failpoints.reach("elsewhere")
    failpoints.reach("here")
    with pytest.raises(OSError, match="here") as caught:
        failpoints.reach("here")
    assert caught.value.errno == number
    failpoints.reach("here")


def test_arming_forgets_visits_and_other_points() -> None:
    failpoints.arm("here:1:eio,there:1:eio")
    with pytest.raises(OSError, match="there"):
        failpoints.reach("there")
    failpoints.arm("here:2:eio")
    failpoints.reach("there")
    failpoints.reach("here")
    with pytest.raises(OSError, match="here"):
        failpoints.reach("here")


def test_delay_waits_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    failpoints.arm("here:1:delay")
    failpoints.reach("here")
    assert waited == [1]


def test_kill_is_a_real_kill(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda pid, number: sent.append((pid, number)))
    failpoints.arm("here:1:kill")
    with pytest.raises(KeyError):  # only a process that survived its SIGKILL gets this far
        failpoints.reach("here")
    assert sent == [(os.getpid(), signal.SIGKILL)]


@pytest.mark.parametrize("specification", ["here", "here:x:eio", "here:1"])
def test_a_specification_that_makes_no_sense_is_refused(specification: str) -> None:
    with pytest.raises(ValueError, match=r"unpack|literal"):
        failpoints.arm(specification)
