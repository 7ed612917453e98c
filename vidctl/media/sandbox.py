"""Decoding of files that nobody vouches for, in child processes with limits.

A decoder that hangs, crashes or wants too much memory costs one file and one child, never the
program. The children live long, so that a thousand small files do not pay for a thousand starts,
and start when they are first needed, so that a command without media pays nothing.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from vidctl import errors
from vidctl.errors import InvalidMedia, StorageFailed, Temporary, VidctlError
from vidctl.media.refusal import AGAIN
from vidctl.media.worker import OUT_OF_MEMORY
from vidctl.model.media import Loudness, Probe

SECONDS = 60.0
# The slowest disks and decoders that are still worth waiting for, in bytes a second.
PACE = 10_000_000
# Loudness decodes all the sound: a small file may hold hours of it.
LOUDNESS_SECONDS = 900.0
START_SECONDS = 60.0
PATIENCE = 5.0
MEMORY = 2 << 30
LARGEST_OUTPUT = 64 << 30
MOST_WORKERS = 8
# Decoders leak a little on damaged files.
RECYCLED_AFTER = 500
LONGEST_REPLY = 64 << 20
LONGEST_COMPLAINT = 8192
MIB = 1 << 20

# All that a child gets to know of the environment; no keys, no tokens.
ENVIRONMENT = frozenset(
    (
        *("PATH", "HOME", "USERPROFILE", "APPDATA", "SYSTEMROOT", "WINDIR", "COMSPEC"),
        *("TMPDIR", "TEMP", "TMP", "LANG", "LANGUAGE", "LC_ALL", "LC_CTYPE", "TZ"),
        *("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "PYTHONHOME", "PYTHONPATH", "PYTHONUTF8"),
    )
)
# One thread for sums and few heaps: each reserves address space, which is what is limited.
FRUGAL = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
# The child runs this vidctl, and never a module that lies in the folder one works in.
START = (
    "import sys; sys.path.insert(0, sys.argv[1]); import vidctl; del sys.path[0]; "
    "from vidctl.media.worker import main; main()"
)


# The errors of a child by the names of their classes.
KINDS: dict[str, type[VidctlError]] = {
    name: kind
    for name, kind in vars(errors).items()
    if isinstance(kind, type) and issubclass(kind, VidctlError)
}


class Sandbox:
    """A pool of child processes that read media files; threads may share it.

    ``workers`` is how many files are read at once (default: one for each processor, at most 8),
    ``seconds`` how long a call may take beyond 1 s for each 10 MB of its files, ``memory`` how
    many bytes a child may use beyond what it needs to start, ``output`` how big a file may be
    that it writes.
    """

    def __init__(
        self,
        *,
        workers: int = 0,
        seconds: float = SECONDS,
        memory: int = MEMORY,
        output: int = LARGEST_OUTPUT,
    ) -> None:
        self.workers = workers or min(os.cpu_count() or 1, MOST_WORKERS)
        self.seconds = seconds
        self.memory = memory
        self.output = output
        self._free = threading.BoundedSemaphore(self.workers)
        self._lock = threading.Lock()
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        # Also called at the end of the program, and when nobody has the sandbox any more.
        self._end = weakref.finalize(self, _end_all, self._children)

    def probe(self, path: Path, *, verify: bool = True) -> Probe:
        """Look into a media file as ``media.probe.probe`` does, and raise what it raises."""
        return Probe.from_json(self.call("probe", path=path, verify=verify))

    def thumbnail(self, path: Path, target: Path, **wanted: Any) -> float | None:
        """Write a picture of a media file as ``media.thumbnail.thumbnail`` does."""
        taken = self.call("thumbnail", path=path, target=target, **wanted)
        return None if taken is None else float(taken)

    def loudness(self, path: Path) -> Loudness:
        """Measure the sound of a media file as ``media.loudness.loudness`` does."""
        limit = self._limit([path], LOUDNESS_SECONDS)
        return Loudness(**self.call("loudness", limit=limit, path=path))

    def call(self, name: str, /, *, limit: float | None = None, **arguments: Any) -> Any:
        """Run one of ``worker.CALLS`` in a child and return its result as JSON has it.

        Arguments are Paths or what JSON has; ``limit`` is the longest it may take, in seconds.
        Raises what the function raises; InvalidMedia when it takes too long, wants too much
        memory, crashes or fails in another way; StorageFailed when no child can be started; and
        Temporary when the sandbox is closed meanwhile.
        """
        paths = {key: value for key, value in arguments.items() if isinstance(value, Path)}
        limit = self._limit(paths.values(), self.seconds) if limit is None else limit
        request: dict[str, Any] = {
            "call": name,
            "limit": limit,
            "arguments": {key: value for key, value in arguments.items() if key not in paths},
            # The child's working folder is that of its start.
            "paths": {key: str(value.absolute()) for key, value in paths.items()},
        }
        given = {sent: str(paths[key]) for key, sent in request["paths"].items()}
        item = next(iter(given.values()), "")
        try:
            reply = self._ask(request, limit)
        except _ChildDied as death:
            raise self._refusal(death, limit, item) from death
        return _result(reply, given, item)

    def _ask(self, request: dict[str, Any], limit: float) -> dict[str, Any]:
        try:
            with self._child() as child:
                return child.ask(request, limit)
        except _ChildDied as death:
            if death.reason or child.requests == 1:
                raise
        # A file before this one may have done harm to the child, or the system ended it.
        with self._child(is_new=True) as child:
            return child.ask(request, limit)

    def close(self) -> None:
        """End the children. A call that is still running fails; a later one starts a new child."""
        with self._lock:
            children = list(self._children)
            self._children.clear()
            self._idle.clear()
        for child in children:
            child.stop("closed")

    def _limit(self, paths: Any, seconds: float) -> float:
        size = 0
        for path in paths:
            with contextlib.suppress(OSError, ValueError):
                size += path.stat().st_size
        return round(seconds + size / PACE, 3)

    @contextmanager
    def _child(self, *, is_new: bool = False) -> Iterator[_Child]:
        """Lend a child; one that did not finish its work in order is ended and never lent again."""
        with self._free:
            child = self._take(is_new)
            try:
                yield child
            except BaseException:
                self._discard(child)
                raise
            if child.requests < RECYCLED_AFTER:
                self._give_back(child)
            else:
                self._discard(child)

    def _take(self, is_new: bool) -> _Child:
        with self._lock:
            idle = self._idle.pop() if self._idle else None
        if idle is not None:
            if idle.is_alive() and not is_new:
                return idle
            self._discard(idle)
        child = _Child(self.memory, self.output)
        with self._lock:
            self._children.add(child)
        return child

    def _give_back(self, child: _Child) -> None:
        with self._lock:
            if child in self._children:
                self._idle.append(child)

    def _discard(self, child: _Child) -> None:
        with self._lock:
            self._children.discard(child)
        child.stop()

    def _refusal(self, death: _ChildDied, limit: float, item: str) -> VidctlError:
        """Say in words what became of a child."""
        if death.reason == "closed":
            return Temporary("reading the file was interrupted", item=item)
        if death.reason == "time":
            told = f"the file could not be read within {limit:.0f} s"
            return InvalidMedia(told, hint=AGAIN, item=item)
        # Nobody but the system kills a child without having said so: it had no memory left.
        killed = -getattr(signal, "SIGKILL", OUT_OF_MEMORY)
        if death.code in (OUT_OF_MEMORY, killed):
            told = f"reading the file took more than {self.memory // MIB} MiB of memory"
            hint = "convert it to a smaller picture size, then give that"
            return InvalidMedia(told, hint=hint, item=item)
        refusal = InvalidMedia("the file crashed the decoder", hint=AGAIN, item=item)
        refusal.add_note(str(death))
        return refusal


def _end_all(children: set[_Child]) -> None:
    while children:
        children.pop().stop("closed")


def _result(reply: dict[str, Any], given: dict[str, str], item: str) -> Any:
    """Return what a child found out, or raise its error as it would have been raised here."""
    if "result" in reply:
        return reply["result"]
    if "error" in reply:
        said = reply["error"]
        kind = KINDS.get(said["type"], InvalidMedia)
        raise kind(said["message"], hint=said["hint"], item=given.get(said["item"], said["item"]))
    if "trouble" in reply:
        told = f"the file confused the decoder ({reply['trouble']})"
        refusal = InvalidMedia(told, hint=AGAIN, item=item)
        refusal.add_note(str(reply["trace"]))
        raise refusal
    raise TypeError(reply["bug"])


class _ChildDied(Exception):
    """A child ended without an answer.

    ``reason`` is ``time`` or ``closed`` when it was stopped, else ``code`` is its exit code.
    """

    def __init__(self, reason: str, code: int | None, complaint: str) -> None:
        super().__init__(f"exit code {code}; {complaint or 'it said nothing'}")
        self.reason = reason
        self.code = code


class _Child:
    """One child process; one thread at a time may ask it, any may stop it."""

    def __init__(self, memory: int, output: int) -> None:
        self.requests = 0
        self._is_answered = True
        self._reason = ""
        self._complaint = b""
        self._lock = threading.Lock()
        self._process = _start(memory, output)
        self._replies = io.BufferedReader(cast("io.RawIOBase", self._process.stdout))
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            self._read(START_SECONDS)
        except _ChildDied as death:
            told = "the process that reads media files does not start"
            raise StorageFailed(f"{told}: {self._last_words() or death}") from death
        except BaseException:
            self.stop()
            raise

    def is_alive(self) -> bool:
        """Tell whether the process still runs."""
        return self._process.poll() is None

    def ask(self, request: dict[str, Any], seconds: float) -> dict[str, Any]:
        """Send a request and return the answer. Raises _ChildDied when none comes in time."""
        self.requests += 1
        line = memoryview(json.dumps(request).encode() + b"\n")
        pipe = cast("IO[bytes]", self._process.stdin)
        try:
            while line:
                line = line[pipe.write(line) :]
        except (OSError, ValueError):
            raise self._death() from None
        return self._read(seconds)

    def stop(self, reason: str = "") -> None:
        """End the process, whatever it does; a thread that waits for it sees ``reason``."""
        with self._lock:
            self._reason = self._reason or reason
        self._process.kill()
        # A process that waits for a dead disk ends later; nobody should wait with it.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        # A forgotten sandbox is ended by whichever thread notices.
        if threading.current_thread() is not self._listener:
            self._listener.join(PATIENCE)
        for pipe in (self._process.stdin, self._replies, self._process.stderr):
            with contextlib.suppress(OSError):
                cast("IO[bytes]", pipe).close()

    def _read(self, seconds: float) -> dict[str, Any]:
        self._is_answered = False
        _ALARM.set(self, seconds)
        try:
            reply = json.loads(self._replies.readline(LONGEST_REPLY))
        except (OSError, ValueError):
            raise self._death() from None
        finally:
            _ALARM.clear(self)
        with self._lock:
            self._is_answered = True
            is_late = bool(self._reason)
        if is_late or not isinstance(reply, dict):
            raise self._death()
        return reply

    def expire(self) -> None:
        """End the process because it has taken too long, unless it has answered by now."""
        with self._lock:
            if self._is_answered:
                return
            self._reason = self._reason or "time"
        self._process.kill()

    def _death(self) -> _ChildDied:
        self.stop()
        return _ChildDied(self._reason, self._process.returncode, self._last_words())

    def _listen(self) -> None:
        """Keep the end of what the child writes to its standard error."""
        pipe = cast("IO[bytes]", self._process.stderr)
        with contextlib.suppress(OSError, ValueError):
            while block := pipe.read(LONGEST_COMPLAINT):
                self._complaint = (self._complaint + block)[-LONGEST_COMPLAINT:]

    def _last_words(self) -> str:
        lines = self._complaint.decode(errors="replace").strip().splitlines()
        return lines[-1].strip() if lines else ""


class _Alarm:
    """Ends children that take too long: one thread for all of them, not a timer for each file."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._due: dict[_Child, float] = {}
        self._next = math.inf
        self._thread: threading.Thread | None = None

    def set(self, child: _Child, seconds: float) -> None:
        """End a child in some seconds, unless ``clear`` is called before."""
        due = time.monotonic() + seconds
        with self._changed:
            self._due[child] = due
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="alarm", daemon=True)
                self._thread.start()
            elif due < self._next:
                self._changed.notify()

    def clear(self, child: _Child) -> None:
        """Let a child live on."""
        with self._changed:
            self._due.pop(child, None)

    def _watch(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for child in [each for each, due in self._due.items() if due <= now]:
                    del self._due[child]
                    child.expire()
                self._next = min(self._due.values(), default=math.inf)
                self._changed.wait(None if self._next == math.inf else self._next - now)


_ALARM = _Alarm()


def _start(memory: int, output: int) -> subprocess.Popen[bytes]:
    root = str(Path(__file__).parents[2])
    kept = {name: value for name, value in os.environ.items() if name in ENVIRONMENT}
    try:
        return subprocess.Popen(
            [sys.executable, "-P", "-c", START, root, str(memory), str(output)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            env={**kept, **FRUGAL},
            # Ctrl-C in the terminal is for the parent.
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        told = f"the process that reads media files cannot be started: {error}"
        raise StorageFailed(
            told, hint="close other programs, then run the same command again"
        ) from error
