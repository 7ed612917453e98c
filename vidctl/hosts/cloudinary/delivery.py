"""Reading bytes back from where Cloudinary delivers them to people."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from vidctl.errors import NotFound, RateLimited, RemoteFailed, RemoteUnavailable
from vidctl.model.media import Content
from vidctl.ports import Advance
from vidctl.retry import Retry, parse_retry_after

if TYPE_CHECKING:
    import httpx

    from vidctl.hosts.cloudinary.names import Place

DELIVERY = "https://res.cloudinary.com"
OWN = ".cloudinary.com"


def _nowhere(block: bytes) -> object: ...


@dataclass(slots=True)
class _Received:
    """Bytes that arrived so far, of ``size`` that are wanted; ``write`` gets each block."""

    size: int
    write: Callable[[bytes], object]
    done: int = 0
    digest: Any = field(default_factory=hashlib.sha256)

    def take(self, block: bytes) -> None:
        """Take the next block."""
        self.write(block)
        self.digest.update(block)
        self.done += len(block)

    def holds(self, content: Content) -> bool:
        """Tell whether what arrived is those bytes."""
        return self.done == content.size and self.digest.hexdigest() == content.sha256


class Delivery:
    """The addresses that a cloud's bytes are delivered from, and reading them.

    ``api`` is the address of the interfaces; a stand-in for the service delivers from there as
    well. ``timeout`` is in seconds.
    """

    def __init__(self, cloud: str, *, name: str, api: str, timeout: float) -> None:
        host = urlsplit(api).hostname or ""
        self.base = api if api and not host.endswith(OWN) else DELIVERY
        self.cloud, self.name, self.timeout = cloud, name, timeout
        self._lock = threading.Lock()
        self._made: httpx.Client | None = None

    def url(self, place: Place) -> str:
        """Return the address of an asset.

        ``v1`` keeps a folder from being read as a transformation, as in the vendor's own SDK.
        """
        return f"{self.base}/{self.cloud}/{place.kind}/upload/v1/{place.address}"

    def trusted(self, url: str) -> str:
        """Return an address that an answer named, empty when it leads away from the service."""
        parts, own = urlsplit(url), urlsplit(self.base)
        if (parts.scheme, parts.netloc) == (own.scheme, own.netloc):
            return url
        is_vendor = parts.scheme == "https" and (parts.hostname or "").endswith(OWN)
        return url if is_vendor and parts.username is None else ""

    def holds(
        self,
        url: str,
        content: Content,
        *,
        retry: Retry,
        sleep: Callable[[float], None] = time.sleep,
        write: Callable[[bytes], object] = _nowhere,
        advance: Advance | None = None,
        is_new: bool = False,
    ) -> bool:
        """Read an address and tell whether it gives those bytes; ``write`` gets each block.

        A reading that breaks goes on where it broke; one that differs in size ends early.
        ``is_new`` waits for an asset that has just been made, which may take its time to appear.
        Raises NotFound, RateLimited, RemoteUnavailable, RemoteFailed.
        """
        received = _Received(content.size, write)

        def read() -> bool:
            try:
                return self._read(url, received, content, advance)
            except NotFound as error:
                if is_new:
                    raise RemoteUnavailable(f"{self.name} does not deliver it yet") from error
                raise

        return retry.call(read, sleep=sleep)

    def _read(
        self, url: str, received: _Received, content: Content, advance: Advance | None
    ) -> bool:
        if received.done == content.size:
            return received.holds(content)
        # Compressed bytes would not have our hash.
        headers = {"Accept-Encoding": "identity"}
        if received.done:
            headers["Range"] = f"bytes={received.done}-"
        with self._answer(url, headers) as answer:
            start = _start(answer.status_code, answer.headers)
            length = answer.headers.get("Content-Length", "")
            if start > received.done or (length and start + int(length) != content.size):
                return False
            behind = received.done - start
            # Blocks as they come: gathered ones would be lost where the connection breaks.
            for block in answer.iter_raw():
                fresh = block[behind:]
                behind -= len(block) - len(fresh)
                if received.done + len(fresh) > content.size:
                    return False
                received.take(fresh)
                if advance is not None:
                    advance(received.done, content.size)
        return received.holds(content)

    @contextmanager
    def _answer(self, url: str, headers: Mapping[str, str]) -> Iterator[httpx.Response]:
        import httpx

        try:
            with self._client().stream("GET", url, headers=dict(headers)) as answer:
                self._check(answer.status_code, answer.headers)
                yield answer
        except httpx.TimeoutException:
            raise RemoteUnavailable(
                f"{self.name} did not deliver anything within {self.timeout:g} seconds"
            ) from None
        except httpx.HTTPError:
            raise RemoteUnavailable(f"the connection to {self.name} broke") from None

    def _check(self, status: int, headers: Mapping[str, str]) -> None:
        if status in (200, 206):
            return
        if status in (404, 410):
            raise NotFound(f"{self.name} does not have the file")
        if status in (420, 429):
            after = parse_retry_after(headers.get("Retry-After", ""))
            raise RateLimited(f"{self.name} asks for a pause", after=after)
        if status >= 500 or status == 408:
            raise RemoteUnavailable(f"{self.name} answered with status {status}")
        raise RemoteFailed(f"{self.name} does not deliver the file: status {status}")

    def _client(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._made is None:
                self._made = httpx.Client(timeout=self.timeout, trust_env=False)
            return self._made

    def close(self) -> None:
        """Give connections back."""
        with self._lock:
            if self._made is not None:
                self._made.close()
                self._made = None


def _start(status: int, headers: Mapping[str, str]) -> int:
    """Return the offset that an answer begins at (RFC 9110, section 14.4)."""
    if status != 206:
        return 0
    span = re.match(r"bytes (\d+)-", headers.get("Content-Range", ""))
    return int(span[1]) if span else 0
