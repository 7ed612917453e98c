"""Leases: which process has a piece of work, and until when.

A lease is two columns, ``lease_owner`` and ``lease_until`` in epoch milliseconds; an empty owner
is nobody. One that ran out, or whose process is gone, is free for anyone.
"""

from __future__ import annotations

import os
import socket

from vidctl.ids import new_id
from vidctl.store.database import now

_boot = new_id()


def this_worker() -> str:
    """Name this process: host, process id, and a nonce that outlives a reused process id."""
    return f"{socket.gethostname()}:{os.getpid()}:{_boot}"


def taken(seconds: float) -> dict[str, str | int]:
    """Return the parameters ``owner`` and ``until`` of a lease that this process takes now."""
    return {"owner": this_worker(), "until": now() + round(seconds * 1000)}


def is_ours(owner: str) -> bool:
    """Tell whether a lease is this process's own, whether or not it ran out."""
    return owner == this_worker()


def is_live(owner: str, until: int) -> bool:
    """Tell whether a lease holds: it has not run out, and its process may still run."""
    return until > now() and is_alive(owner)


def runs_here(owner: str) -> bool:
    """Tell whether a worker is a process of this machine that may still run."""
    return owner.partition(":")[0] == socket.gethostname() and is_alive(owner)


def is_alive(owner: str) -> bool:
    """Tell whether a worker may still run; on other machines only the lease can tell."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != socket.gethostname() or not pid.isdigit():
        return True
    if is_ours(owner):
        return True
    if os.name == "nt":  # signal 0 is Ctrl-C there
        return True
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return int(pid) != os.getpid()
