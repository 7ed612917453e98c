"""The child process that decodes files nobody vouches for; ``sandbox.py`` is its parent.

It is started with the numbers of bytes that it may use and write, answers JSON lines on standard
input with JSON lines on standard output, and ends when its input does. A request is::

    {"call": "probe", "limit": 60.0, "arguments": {"verify": true}, "paths": {"path": "/a.mp4"}}

and its answer ``{"result": …}``, ``{"error": {"type", "message", "hint", "item"}}``,
``{"trouble": "ValueError: …", "trace": …}`` for an exception that is not one of vidctl's, or
``{"bug": …}`` for a call that does not exist.
"""

from __future__ import annotations

import errno
import importlib
import json
import math
import os
import queue
import signal
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from vidctl.errors import VidctlError

# What may be called: nothing else is imported, whatever a request says.
CALLS = {
    "probe": "vidctl.media.probe:probe",
    "thumbnail": "vidctl.media.thumbnail:thumbnail",
    "loudness": "vidctl.media.loudness:loudness",
    "sheet": "vidctl.media.sheet:sheet",
    "storyboard": "vidctl.media.storyboard:storyboard",
    "convert": "vidctl.media.convert:convert",
    "peaks": "vidctl.media.peaks:peaks",
    "preview": "vidctl.media.preview:preview",
}
OUT_OF_MEMORY = 77
# A thread that finds no room for its stack ends with EAGAIN.
SHORTAGES = (errno.ENOMEM, errno.EAGAIN)
# The parent stops a call that takes too long; this is for a parent that was killed meanwhile.
GRACE = 5


def main() -> None:
    """Answer requests until the input ends."""
    requests, replies = _channel()
    _ignore_interrupts()
    _import_decoders()
    waiting: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(requests, waiting), daemon=True).start()
    memory, output = (int(argument) for argument in sys.argv[-2:])
    _set_limits(memory, output)
    _send(replies, {"result": os.getpid()})
    while True:
        _send(replies, _answer(json.loads(waiting.get())))


def _channel() -> tuple[BinaryIO, BinaryIO]:
    """Take the pipes to the parent away from 0 and 1, so that no library can write into them."""
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")


def _ignore_interrupts() -> None:
    """Leave Ctrl-C to the parent, which decides whether the work goes on."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _import_decoders() -> None:
    """Import what is big first: memory is limited beyond that."""
    for name in ("av", "numpy", "PIL.Image"):
        importlib.import_module(name)


def _listen(requests: BinaryIO, waiting: queue.SimpleQueue[bytes]) -> None:
    """Pass requests on; end the process when the parent is gone, also in the midst of a call."""
    for line in requests:
        waiting.put(line)
    os._exit(0)


def _set_limits(memory: int, output: int) -> None:
    """Limit memory, the size of a written file, and what a crash leaves. Windows has no limits."""
    try:
        import resource
    except ImportError:
        return
    for kind, size in (
        (resource.RLIMIT_AS, _mapped() + memory),
        (resource.RLIMIT_FSIZE, output),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        allowed = size if hard == resource.RLIM_INFINITY else min(size, hard)
        # macOS knows RLIMIT_AS and refuses it.
        with suppress(OSError, ValueError):
            resource.setrlimit(kind, (allowed, hard))


def _mapped() -> int:
    """Return how many bytes of address space are in use; a guess where nobody says."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[0])
    except OSError:
        return 1 << 30
    return pages * os.sysconf("SC_PAGE_SIZE")


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    _alarm(math.ceil(request["limit"]) + GRACE)
    try:
        return _call(request)
    except VidctlError as error:
        if _is_shortage(error):
            os._exit(OUT_OF_MEMORY)
        names = ("message", "hint", "item")
        said = {name: getattr(error, name) for name in names}
        return {"error": {"type": type(error).__name__, **said}}
    except Exception as error:
        if _is_shortage(error):
            os._exit(OUT_OF_MEMORY)
        return {"trouble": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
    finally:
        _alarm(0)


def _call(request: dict[str, Any]) -> dict[str, Any]:
    import inspect

    module, _, name = CALLS.get(request["call"], "").partition(":")
    if not name:
        return {"bug": f"the table of calls has no {request['call']!r}"}
    function = getattr(importlib.import_module(module), name)
    paths = {key: Path(value) for key, value in request["paths"].items()}
    try:
        given = inspect.signature(function).bind(**request["arguments"], **paths)
    except TypeError as error:
        return {"bug": f"{request['call']}: {error}"}
    result = function(*given.args, **given.kwargs)
    return {"result": result.to_json() if hasattr(result, "to_json") else result}


def _is_shortage(error: BaseException | None) -> bool:
    """Tell whether an error comes from a want of memory, however deep it was wrapped."""
    while error is not None:
        if isinstance(error, MemoryError) or getattr(error, "errno", None) in SHORTAGES:
            return True
        error = error.__cause__
    return False


def _alarm(seconds: int) -> None:
    """Let the system end this process after some seconds, even if Python cannot run; 0 is never."""
    if sys.platform != "win32":
        signal.alarm(seconds)


def _send(replies: BinaryIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()
