"""Sending bytes to a host: how fast, in which parts, and whether they still are what they were."""

from __future__ import annotations

import hashlib
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vidctl.errors import Conflict, UsageError
from vidctl.failpoints import reach
from vidctl.files import BLOCK, read_errors, reading
from vidctl.model.media import Content
from vidctl.ports import Sending

# Seconds of rate that may leave at once after a rest: small enough not to be seen, large enough
# to make up for a sleep that lasted too long.
BURST = 0.1
# Parts that are read before they are asked for, and seconds between looks at whether to go on.
_AHEAD = 2
_PATIENCE = 0.2
_RATE = re.compile(r"(\d{1,15}(?:\.\d{1,6})?)\s*([kmgt]?)(i?)b?(?:/s|ps)?", re.I | re.A)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_rate(text: str) -> float:
    """Return bytes per second of a rate such as ``500K``, ``5M`` or ``1.5MiB``; 0 is no limit.

    K, M, G and T are powers of 1000, Ki, Mi, Gi and Ti of 1024. Raises UsageError.
    """
    match = _RATE.fullmatch(text.strip())
    if match is None or (match[3] and not match[2]):
        raise UsageError(
            f"{text!r} is no rate", hint="give bytes per second, such as 500K, 5M or 1.5MiB"
        )
    unit = 1024.0 if match[3] else 1000.0
    rate = float(match[1]) * unit ** _POWER[match[2].lower()]
    if 0 < rate < 1:
        raise UsageError(f"{text!r} is less than a byte per second", hint="0 is no limit")
    return rate


class Pace:
    """A limit in bytes per second that threads share: call it with what is about to leave.

    It is a token bucket that is kept as the moment at which it is empty again (the generic cell
    rate algorithm, ITU-T I.371). Many bytes are asked for in slices, so that threads take turns
    whatever the size of their parts. 0 bytes per second is no limit.
    """

    def __init__(
        self,
        bytes_per_second: float,
        *,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.rate = bytes_per_second
        self._sleep = sleep
        self._clock = clock
        self._lock = threading.Lock()
        self._due = clock()

    def __call__(self, size: int) -> None:
        """Return when ``size`` bytes may leave."""
        if self.rate <= 0:
            return
        slice_size = max(1, int(self.rate * BURST))
        while size > 0:
            taken = min(size, slice_size)
            wait = self._take(taken)
            if wait > 0:
                self._sleep(wait)
            size -= taken

    def _take(self, size: int) -> float:
        """Book ``size`` bytes and return the seconds until they may leave."""
        with self._lock:
            now = self._clock()
            self._due = max(self._due, now - BURST) + size / self.rate
            return self._due - now


@dataclass(frozen=True, slots=True)
class _Read:
    """A part, None for one that is not wanted; or why it could not be read."""

    data: bytes | None = None
    error: BaseException | None = None


class PartReader:
    """Reads a file once, in parts and in order, and learns on the way whether it is ``content``.

    A thread of its own reads and hashes the next parts while one is on its way, so that at most
    three are in memory. ``sending.heed`` is asked while a part is waited for; pacing and telling
    ``sending.advance`` are left to the host, which knows when bytes leave and arrive.
    """

    def __init__(
        self, path: Path, content: Content, sending: Sending, *, with_md5: bool = True
    ) -> None:
        self.path = path
        self.content = content
        self.sending = sending
        self._sha256 = hashlib.sha256()
        self._md5 = hashlib.md5(usedforsecurity=False) if with_md5 else None
        self._size = 0
        self._ready: queue.SimpleQueue[_Read] = queue.SimpleQueue()
        self._room = threading.Semaphore(_AHEAD)
        self._is_closed = threading.Event()

    @property
    def md5(self) -> str:
        """The MD5 of the file, in hexadecimal; complete when ``parts`` is.

        Empty where it was not asked for, which saves more than half of the hashing.
        """
        return "" if self._md5 is None else self._md5.hexdigest()

    def parts(
        self, part_size: int, skip: Collection[int] = ()
    ) -> Iterator[tuple[int, int, bytes | None]]:
        """Yield ordinal (from 0), offset in bytes and bytes of each part; call it once.

        Parts whose ordinal is in ``skip`` are read and hashed, but yielded as None. An empty file
        is one empty part. Raises Conflict as soon as the size is not that of ``content``,
        NotFound, PermissionRefused or StorageFailed when the file cannot be read, and what
        ``sending.heed`` does.
        """
        if part_size < 1:
            raise UsageError(f"a part has at least one byte, not {part_size}")
        if self.content.size <= part_size:
            yield 0, 0, self._only_part(skip)
            return
        with reading(self.path) as reader:
            if os.fstat(reader.fileno()).st_size != self.content.size:
                raise self._changed()
            ahead = threading.Thread(
                target=self._read_ahead, args=(reader, part_size, skip), name="reader", daemon=True
            )
            ahead.start()
            try:
                for ordinal, offset in enumerate(range(0, max(1, self.content.size), part_size)):
                    yield ordinal, offset, self._next()
                self._next()
            finally:
                self._is_closed.set()
                self._room.release()
                ahead.join()

    def verify(self) -> None:
        """Make sure that what was read is ``content``. Raises Conflict when it is not."""
        found = (self._size, self._sha256.hexdigest())
        if found != (self.content.size, self.content.sha256):
            raise self._changed()

    def _only_part(self, skip: Collection[int]) -> bytes | None:
        """Return the only part, which needs no thread that reads ahead."""
        with reading(self.path) as reader:
            if os.fstat(reader.fileno()).st_size != self.content.size:
                raise self._changed()
            data = self._part(reader, self.content.size)
            self._read(reader, 1, expected=0)
        return None if 0 in skip else data

    def _next(self) -> bytes | None:
        """Return what was read next. Raises why nothing was."""
        while True:
            self.sending.heed()
            with suppress(queue.Empty):
                read = self._ready.get(timeout=_PATIENCE)
                break
        self._room.release()
        if read.error is not None:
            raise read.error
        return read.data

    # --- in the other thread --------------------------------------------------------------------

    def _read_ahead(self, reader: BinaryIO, part_size: int, skip: Collection[int]) -> None:
        try:
            for ordinal, offset in enumerate(range(0, max(1, self.content.size), part_size)):
                self._room.acquire()
                if self._is_closed.is_set():
                    return
                size = min(part_size, self.content.size - offset)
                data = None if ordinal in skip else self._part(reader, size)
                if data is None:
                    self._skip(reader, size)
                self._ready.put(_Read(data))
            # A file that grew has something behind its end.
            self._read(reader, 1, expected=0)
            self._ready.put(_Read())
        except BaseException as error:
            self._ready.put(_Read(error=error))

    def _part(self, reader: BinaryIO, size: int) -> bytes:
        data = self._read(reader, size, expected=size)
        for start in range(0, size, BLOCK):
            self._hash(memoryview(data)[start : start + BLOCK])
        return data

    def _skip(self, reader: BinaryIO, size: int) -> None:
        for start in range(0, size, BLOCK):
            block = min(BLOCK, size - start)
            self._hash(self._read(reader, block, expected=block))

    def _read(self, reader: BinaryIO, size: int, *, expected: int) -> bytes:
        with read_errors(self.path):
            reach("transfer.read")
            data = reader.read(size)
        if len(data) != expected:
            raise self._changed()
        return data

    def _hash(self, block: bytes | memoryview) -> None:
        self._sha256.update(block)
        if self._md5 is not None:
            self._md5.update(block)
        self._size += len(block)

    def _changed(self) -> Conflict:
        return Conflict(
            "the file changed while it was being sent",
            hint="wait until the file is complete, then run the same command again",
            item=str(self.path),
        )
