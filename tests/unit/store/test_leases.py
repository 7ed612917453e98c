"""Leases: who holds one, and when it is free."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

import pytest
from harness import Clock

from vidctl.store import leases

HERE = socket.gethostname()


def ended() -> int:
    """Return the number of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lease_that_is_taken_is_ours_until_it_runs_out(frozen: Clock) -> None:
    lease = leases.taken(1.5)
    owner, until = str(lease["owner"]), int(lease["until"])
    assert until == frozen.milliseconds + 1500
    assert leases.is_ours(owner)
    assert leases.is_live(owner, until)
    frozen.milliseconds += 1499
    assert leases.is_live(owner, until)
    frozen.milliseconds += 1
    assert not leases.is_live(owner, until), "it is free at the moment it ends"
    assert leases.is_ours(owner)


@pytest.mark.parametrize(
    ("owner", "is_alive"),
    [
        (f"{HERE}:{os.getppid()}:nonce", True),
        (f"{HERE}:1:nonce", True),
        (f"{HERE}:{os.getpid()}:another life", False),
        ("another-machine:1:nonce", True),
        (f"{HERE}:no number:nonce", True),
    ],
    ids=["parent", "init", "earlier life", "elsewhere", "no number"],
)
def test_who_may_still_run(owner: str, is_alive: bool, frozen: Clock) -> None:
    assert leases.is_alive(owner) == is_alive
    assert leases.is_live(owner, frozen.milliseconds + 1) == is_alive
    assert not leases.is_live(owner, frozen.milliseconds)
    assert not leases.is_ours(owner)


def test_a_process_that_ended_holds_nothing(frozen: Clock) -> None:
    assert not leases.is_live(f"{HERE}:{ended()}:nonce", frozen.milliseconds + 60_000)


def test_nobody_holds_what_nobody_took() -> None:
    assert not leases.is_live("", 0)
