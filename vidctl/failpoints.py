"""Named places where a test can make vidctl fail: ``VIDCTL_FAILPOINT=name:n:action``.

``n`` counts visits from 1; ``action`` is ``kill`` (SIGKILL to this process), ``eio``, ``enospc`` or
``delay`` (one second). Several points are separated by commas. Without the variable a visit
costs one dictionary look-up.
"""

from __future__ import annotations

import errno
import os
import signal
import time

_armed: dict[str, tuple[int, str]] = {}
_visits: dict[str, int] = {}


def arm(specification: str) -> None:
    """Arm the points that ``specification`` names and forget all visits."""
    _armed.clear()
    _visits.clear()
    for part in filter(None, specification.split(",")):
        name, count, action = part.split(":")
        _armed[name] = (int(count), action)


def reach(name: str) -> None:
    """Fail here if this is the armed visit of ``name``. Raises OSError for eio and enospc."""
    if name not in _armed:
        return
    _visits[name] = _visits.get(name, 0) + 1
    count, action = _armed[name]
    if _visits[name] != count:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if action == "delay":
        time.sleep(1)
        return
    number = {"eio": errno.EIO, "enospc": errno.ENOSPC}[action]
    raise OSError(number, os.strerror(number), name)


arm(os.environ.get("VIDCTL_FAILPOINT", ""))
