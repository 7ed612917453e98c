"""The one way in which vidctl reads from the web: checked addresses, bounded sizes and times."""

from __future__ import annotations

import io
import re
import ssl
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from vidctl import __version__
from vidctl.errors import (
    AddressRefused,
    LimitReached,
    NotFound,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    VidctlError,
)
from vidctl.failpoints import reach
from vidctl.files import BLOCK, atomic_writer
from vidctl.net.connection import Answer, Deadline, answered
from vidctl.net.guard import Allowed, Endpoint, Resolve, check_url, follow, resolve
from vidctl.net.names import name_of
from vidctl.ports import Advance, at_once, undisturbed, unheard
from vidctl.retry import Retry, parse_retry_after
from vidctl.tasks import attended

RETRY = Retry(attempts=4, base=0.5, cap=10.0, total=120.0)
MAX_REDIRECTS = 5
MAX_BYTES = 20 * 10**9
MAX_PAGE = 50 * 10**6
MAX_SECONDS = 6 * 3600.0

_MOVED = (301, 302, 303, 307, 308)
_BUSY = (408, 425, 429)
_ENCODED = ("gzip", "x-gzip", "deflate")
_RANGE = re.compile(r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})")


@dataclass(frozen=True, slots=True)
class Downloaded:
    """A file from the web: where it is now, where it was in the end, and what it is called there.

    ``filename`` is safe to use as a name in any folder; ``size`` is in bytes.
    """

    path: Path
    url: str
    filename: str
    content_type: str
    size: int


class Fetcher:
    """Reads http and https addresses of the public internet, and of hosts that a setting names.

    ``allow_private`` is the text of the setting ``net.allow_private``. ``timeout`` is how many
    seconds may pass without a byte, ``total`` how many a call may take, ``max_bytes`` the
    largest file. ``heed`` is called all along and raises to end a call at once. May be used by
    several threads.

    Its methods raise AddressRefused for an address or redirect that leads elsewhere, NotFound,
    RateLimited and RemoteUnavailable after its own retries, RemoteFailed for other refusals, and
    LimitReached for what is too large or too slow.
    """

    def __init__(
        self,
        allow_private: str = "",
        *,
        timeout: float = 30.0,
        total: float = MAX_SECONDS,
        max_bytes: int = MAX_BYTES,
        retry: Retry = RETRY,
        resolve: Resolve = resolve,
        ssl_context: ssl.SSLContext | None = None,
        heed: Callable[[], None] = undisturbed,
    ) -> None:
        self.allowed = Allowed(allow_private)
        self.timeout = timeout
        self.total = total
        self.max_bytes = max_bytes
        self.retry = retry
        self.heed = heed
        self._resolve = resolve
        self._ssl_context = ssl_context

    def download(
        self,
        url: str,
        target: Path,
        advance: Advance = unheard,
        *,
        pace: Callable[[int], None] = at_once,
    ) -> Downloaded:
        """Save what is at ``url`` as ``target``, which appears only when it is whole.

        A connection that breaks is taken up where it broke, if the server can do that. ``advance``
        hears bytes done and in all, ``pace`` is asked before bytes are kept. Raises also
        StorageFull, StorageFailed and PermissionRefused.
        """
        with atomic_writer(target) as file:
            got = _Got(file, self.max_bytes, advance, pace)
            answer = self._fill(url, got)
        headers = answer.headers
        name = name_of(
            answer.endpoint.url,
            asked=url,
            disposition=headers.get("content-disposition", ""),
            content_type=headers.get("content-type", ""),
        )
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        return Downloaded(target, answer.endpoint.url, name, kind, got.size)

    def get(self, url: str, max_bytes: int = MAX_PAGE) -> bytes:
        """Return what is at ``url``, at most ``max_bytes`` of it."""
        file = io.BytesIO()
        self._fill(url, _Got(file, min(max_bytes, self.max_bytes), unheard, at_once))
        return file.getvalue()

    def _fill(self, url: str, got: _Got) -> Answer:
        """Fill ``got``, trying again for as long as each round of tries brings something new."""
        deadline = Deadline(self.total, self.heed)
        while True:
            before = got.size
            try:
                return self.retry.call(lambda: self._attempt(url, got, deadline), heed=self.heed)
            except RemoteUnavailable:
                if got.size <= before:
                    raise

    def _attempt(self, url: str, got: _Got, deadline: Deadline) -> Answer:
        with self._answer(url, got.conditions(), deadline) as answer:
            got.begin(answer)
            for block in _plain(answer, got):
                got.add(block)
            got.end(answer)
            return answer

    @contextmanager
    def _answer(
        self, url: str, conditions: Mapping[str, str], deadline: Deadline
    ) -> Iterator[Answer]:
        """Give the answer at the end of the redirects, each of which is checked like the first."""
        headers = {
            "User-Agent": f"vidctl/{__version__}",
            "Accept": "*/*",
            # Compressed bytes could neither be resumed nor trusted to be as few as they look.
            "Accept-Encoding": "identity",
            **conditions,
        }
        seen: Endpoint | None = None
        for _ in range(MAX_REDIRECTS + 1):
            endpoint = check_url(url, self.allowed, resolve=self._looked_up)
            if seen is not None and seen.scheme == "https" and endpoint.scheme == "http":
                raise AddressRefused(f"{seen.host} leads from https to http", item=endpoint.shown)
            with answered(
                endpoint,
                headers,
                timeout=self.timeout,
                deadline=deadline,
                ssl_context=self._ssl_context,
            ) as answer:
                if answer.status not in _MOVED or "location" not in answer.headers:
                    yield answer
                    return
                url, seen = follow(endpoint, answer.headers["location"]), endpoint
        raise RemoteFailed(f"more than {MAX_REDIRECTS} redirects, one after the other")

    def _looked_up(self, host: str, port: int) -> Sequence[str]:
        return attended(lambda: self._resolve(host, port), self.heed, name="resolve")


class _Got:
    """What has arrived of one address so far, and what is needed to ask for the rest."""

    def __init__(
        self,
        file: BinaryIO,
        most: int,
        advance: Advance,
        pace: Callable[[int], None],
    ) -> None:
        self.file = file
        self.most = most
        self.size = 0
        self._total: int | None = None
        self._validator = ""
        self._advance = advance
        self._pace = pace

    def conditions(self) -> dict[str, str]:
        """Return the headers that ask for what is missing; none where that is everything."""
        if not self.size or not self._validator:
            return {}
        return {"Range": f"bytes={self.size}-", "If-Range": self._validator}

    def begin(self, answer: Answer) -> None:
        """Get ready for the body of an answer. Raises what its status means."""
        if answer.status == 206 and self.conditions():
            self._go_on(answer)
            return
        if answer.status == 416 and self.conditions():
            self._start_anew()
            raise RemoteUnavailable("the file became shorter on its server")
        if answer.status != 200:
            raise refusal(answer)
        self._start_anew()
        length = answer.headers.get("content-length", "")
        is_plain = answer.headers.get("content-encoding", "identity").lower() == "identity"
        self._total = int(length) if length.isdecimal() and is_plain else None
        if is_plain and answer.headers.get("accept-ranges", "") != "none":
            self._validator = _validator(answer)
        self._refuse_more_than(self._total or 0)

    def add(self, block: bytes) -> None:
        """Keep bytes. Raises LimitReached where they are too many, and OSError."""
        self._pace(len(block))
        self._refuse_more_than(self.size + len(block))
        reach("fetch.write")
        self.file.write(block)
        self.size += len(block)
        self._advance(self.size, max(self.size, self._total or 0))

    def end(self, answer: Answer) -> None:
        """Make sure that all has arrived that was promised."""
        if self._total is not None and self.size != self._total:
            raise RemoteUnavailable(
                f"{answer.endpoint.host} sent {self.size} bytes of {self._total}",
                item=answer.endpoint.shown,
            )

    def _go_on(self, answer: Answer) -> None:
        match = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        start, total = (int(match[1]), int(match[3])) if match else (-1, 0)
        is_same_file = self._total in (None, total) and _validator(answer) in ("", self._validator)
        if start != self.size or not is_same_file:
            self._start_anew()
            raise RemoteUnavailable(f"{answer.endpoint.host} went on with other bytes")
        self._total = total
        self._refuse_more_than(total)

    def _start_anew(self) -> None:
        self.file.seek(0)
        self.file.truncate()
        self.size, self._total, self._validator = 0, None, ""

    def _refuse_more_than(self, size: int) -> None:
        if size > self.most:
            raise LimitReached(f"the file is larger than {self.most} bytes, the most that is read")


def refusal(answer: Answer) -> VidctlError:
    """Return the error that the status of an answer means."""
    host, status, item = answer.endpoint.host, answer.status, answer.endpoint.shown
    if status in (401, 403):
        return RemoteFailed(f"{host} does not give that to everybody ({status})", item=item)
    if status in (404, 410):
        return NotFound(f"{host} has nothing there ({status})", hint="check the address", item=item)
    after = parse_retry_after(answer.headers.get("retry-after", ""))
    if status in _BUSY or (status == 503 and after is not None):
        return RateLimited(f"{host} asks for a pause ({status})", item=item, after=after)
    if status >= 500 and status not in (501, 505):
        return RemoteUnavailable(f"{host} has trouble ({status})", item=item)
    return RemoteFailed(f"{host} answered {status}", item=item)


def _validator(answer: Answer) -> str:
    """Return what tells this version of a file from others (RFC 9110, 13.1.5)."""
    etag = answer.headers.get("etag", "")
    if etag.startswith('"'):
        return etag
    return answer.headers.get("last-modified", "")


def _plain(answer: Answer, got: _Got) -> Iterator[bytes]:
    """Yield the body, unpacked in small steps where a server compresses without being asked."""
    encoding = answer.headers.get("content-encoding", "identity").lower()
    if encoding == "identity":
        yield from answer.blocks
        return
    if encoding not in _ENCODED:
        raise RemoteFailed(
            f"{answer.endpoint.host} sends its answer packed as {encoding[:20]!r}",
            item=answer.endpoint.shown,
        )
    unpacking = zlib.decompressobj(zlib.MAX_WBITS | 32)
    try:
        for packed in answer.blocks:
            yield from _unpacked(unpacking, packed)
            if unpacking.eof:
                return
    except zlib.error as error:
        raise RemoteFailed(f"the answer of {answer.endpoint.host} cannot be unpacked") from error
    raise RemoteUnavailable(f"the connection to {answer.endpoint.host} ended early")


def _unpacked(unpacking: zlib._Decompress, packed: bytes) -> Iterator[bytes]:
    while True:
        data = unpacking.decompress(packed, BLOCK)
        yield data
        packed = unpacking.unconsumed_tail
        if not packed and len(data) < BLOCK:
            return
