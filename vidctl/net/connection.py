"""One request over one connection, to an address that was checked, until a moment in time.

Neither proxies nor certificates of the environment, cookies, user names or redirects are known
here: what httpcore is not told to do does not happen.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from vidctl.errors import LimitReached, RemoteFailed, RemoteUnavailable, VidctlError
from vidctl.net.guard import Endpoint
from vidctl.ports import undisturbed
from vidctl.tasks import SLICE, attended

if TYPE_CHECKING:
    import httpcore


@dataclass(slots=True)
class Deadline:
    """A moment after which nothing is waited for; ``seconds`` from when it is made.

    ``heed`` raises to end the waiting before; it is called all along.
    """

    seconds: float
    heed: Callable[[], None] = undisturbed
    clock: Callable[[], float] = time.monotonic
    _end: float = field(init=False)

    def __post_init__(self) -> None:
        self._end = self.clock() + self.seconds

    @property
    def is_over(self) -> bool:
        """Whether the moment has come."""
        return self.clock() >= self._end

    def within(self, timeout: float | None) -> float:
        """Return ``timeout`` in seconds, or what is left where that is less."""
        left = max(0.001, self._end - self.clock())
        return left if timeout is None else min(timeout, left)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: header names are in lower case, ``blocks`` is the body as sent."""

    endpoint: Endpoint
    status: int
    headers: Mapping[str, str]
    blocks: Iterable[bytes]


class _Timed:
    """A network stream whose every wait ends at the deadline, however slowly bytes trickle in."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        import httpcore

        waiting = Deadline(self._deadline.within(timeout))
        while True:
            self._deadline.heed()
            self._check()
            try:
                return self._stream.read(max_bytes, waiting.within(SLICE))
            except httpcore.ReadTimeout:
                if waiting.is_over:
                    raise

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._deadline.heed()
        self._check()
        self._stream.write(buffer, self._deadline.within(timeout))

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> _Timed:
        within = self._deadline.within(timeout)
        greet = partial(self._stream.start_tls, ssl_context, server_hostname, within)
        return _Timed(attended(greet, self._deadline.heed, name="tls"), self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)

    def close(self) -> None:
        self._stream.close()

    def _check(self) -> None:
        import httpcore

        if self._deadline.is_over:
            raise httpcore.ReadTimeout


class _Pinned:
    """A network backend that knows one way: to the addresses that were checked, in their order."""

    def __init__(self, endpoint: Endpoint, deadline: Deadline) -> None:
        self._endpoint = endpoint
        self._deadline = deadline

    def connect_tcp(
        self, host: str, port: int, timeout: float | None = None, **options: Any
    ) -> _Timed:
        import httpcore

        backend = httpcore.SyncBackend()
        failure: Exception = httpcore.ConnectError(f"no address of {host}")
        for address in self._endpoint.addresses:
            within = self._deadline.within(timeout)
            connect = partial(backend.connect_tcp, address, port, within, **options)
            try:
                stream = attended(connect, self._deadline.heed, name="connect")
                return _Timed(stream, self._deadline)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure


@contextmanager
def answered(
    endpoint: Endpoint,
    headers: Mapping[str, str],
    *,
    timeout: float,
    deadline: Deadline,
    ssl_context: ssl.SSLContext | None = None,
) -> Iterator[Answer]:
    """Send a GET and give the answer; its body can be read until the block ends.

    ``timeout`` is how many seconds may pass without a byte. Raises RemoteUnavailable for network
    trouble, RemoteFailed for a certificate that is not the host's, LimitReached at the deadline.
    """
    import httpcore

    waits = dict.fromkeys(("connect", "read", "write", "pool"), timeout)
    sent = {"Host": endpoint.authority, **headers, "Connection": "close"}
    pool = httpcore.ConnectionPool(
        ssl_context=ssl_context,
        max_keepalive_connections=0,
        network_backend=cast("httpcore.NetworkBackend", _Pinned(endpoint, deadline)),
    )
    url = httpcore.URL(
        scheme=endpoint.scheme.encode(),
        host=endpoint.host.encode(),
        port=endpoint.port,
        target=endpoint.target.encode(),
    )
    with pool, _network_errors(endpoint, deadline):
        request = [(name.encode(), value.encode()) for name, value in sent.items()]
        with pool.stream("GET", url, headers=request, extensions={"timeout": waits}) as response:
            found = {name.decode().lower(): _text(value) for name, value in response.headers}
            yield Answer(endpoint, response.status, found, response.iter_stream())


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


@contextmanager
def _network_errors(endpoint: Endpoint, deadline: Deadline) -> Iterator[None]:
    import httpcore

    try:
        yield
    except (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError) as error:
        raise _translated(error, endpoint, deadline) from error


def _translated(error: Exception, endpoint: Endpoint, deadline: Deadline) -> VidctlError:
    import httpcore

    host = endpoint.host
    if deadline.is_over:
        return LimitReached(
            f"{host} did not finish within {deadline.seconds:g} seconds", item=endpoint.shown
        )
    # httpcore raises again "from None", which leaves only the context.
    if isinstance(error.__context__, ssl.SSLCertVerificationError):
        why = error.__context__.verify_message
        return RemoteFailed(f"the certificate of {host} does not hold: {why}", item=endpoint.shown)
    if isinstance(error, httpcore.TimeoutException):
        message = f"{host} does not answer"
    elif isinstance(error, httpcore.ConnectError):
        message = f"{host} cannot be reached"
    else:
        message = f"the connection to {host} ended early"
    return RemoteUnavailable(message, item=endpoint.shown)
