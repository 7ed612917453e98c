"""A web server on this machine that sends what a script says: redirects, cuts, lies, slow bytes.

``pages`` says what each path answers, ``calls`` is the ledger of requests, ``connections`` counts
what was accepted, whether or not a request followed.
"""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

BLOCK = 1 << 16


@dataclass
class Page:
    """What one path answers.

    ``ranges`` makes it honour Range with If-Range; ``cuts`` are numbers of body bytes after which
    the connection ends, one for each request, None for none; ``claims`` is the Content-Length that
    is sent instead of the right one, ``""`` for none at all. ``pause`` is the seconds between one
    byte of ``slow`` (body or head) and the next. ``hangs`` never answers; ``raw`` is sent instead
    of HTTP. ``then`` are pages for the requests after the first.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    ranges: bool = False
    cuts: list[int | None] = field(default_factory=list)
    claims: str | None = None
    pause: float = 0.0
    slow: str = "body"
    hangs: bool = False
    raw: bytes | None = None
    then: list[Page] = field(default_factory=list)


@dataclass(frozen=True)
class Request:
    """A request that came: its path with query, and its headers by name in lower case."""

    path: str
    headers: dict[str, str]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    owner: WebServer

    def get_request(self) -> Any:
        accepted = super().get_request()
        self.owner.connections += 1
        return accepted

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that leave and handshakes that fail are what tests are about."""


class WebServer:
    """A context manager; ``base`` is its address, ``port`` its port on 127.0.0.1.

    With ``ssl_context`` it speaks TLS and ``names`` are the server names that clients asked for.
    """

    def __init__(self, ssl_context: ssl.SSLContext | None = None) -> None:
        self.pages: dict[str, Page] = {}
        self.calls: list[Request] = []
        self.names: list[str | None] = []
        self.connections = 0
        self.closing = threading.Event()
        self._visits: dict[str, int] = {}
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = _Server(("127.0.0.1", 0), handler)
        self._server.owner = self
        self.port = self._server.server_port
        scheme = "http"
        if ssl_context is not None:
            scheme = "https"
            ssl_context.sni_callback = lambda sock, name, context: self.names.append(name)
            self._server.socket = ssl_context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.base = f"{scheme}://127.0.0.1:{self.port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )

    def __enter__(self) -> WebServer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def page(self, path: str) -> tuple[Page, int | None]:
        """Return what a path answers this time, and after how many bytes it is cut."""
        number = self._visits.get(path, 0)
        self._visits[path] = number + 1
        first = self.pages.get(path, Page(b"nothing here", 404))
        page = [first, *first.then][min(number, len(first.then))]
        return page, page.cuts[number] if number < len(page.cuts) else None


class _Handler(BaseHTTPRequestHandler):
    owner: WebServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.owner.calls.append(Request(self.path, headers))
        page, cut = self.owner.page(self.path.partition("?")[0])
        self.close_connection = True
        if page.hangs:
            self.owner.closing.wait()
            return
        with suppress(OSError):
            self._send(page, cut)

    def _send(self, page: Page, cut: int | None) -> None:
        if page.raw is not None:
            self.wfile.write(page.raw)
            return
        status, start = page.status, 0
        headers = dict(page.headers)
        if page.ranges:
            headers.setdefault("Accept-Ranges", "bytes")
            start = self._start(headers)
            if start:
                status = 206
                size = len(page.body)
                headers.setdefault("Content-Range", f"bytes {start}-{size - 1}/{size}")
        body = page.body[start:]
        length = str(len(body)) if page.claims is None else page.claims
        if length:
            headers["Content-Length"] = length
        lines = [f"HTTP/1.1 {status} Said", *(f"{k}: {v}" for k, v in headers.items()), "", ""]
        self._write("\r\n".join(lines).encode(), page.pause if page.slow == "head" else 0)
        self._write(body[:cut], page.pause if page.slow == "body" else 0)

    def _start(self, headers: dict[str, str]) -> int:
        wanted = self.headers.get("Range", "")
        version = headers.get("ETag") or headers.get("Last-Modified")
        if not wanted.startswith("bytes=") or self.headers.get("If-Range") != version:
            return 0
        return int(wanted.removeprefix("bytes=").partition("-")[0])

    def _write(self, data: bytes, pause: float) -> None:
        if not pause:
            for start in range(0, len(data), BLOCK):
                self.wfile.write(data[start : start + BLOCK])
            return
        for byte in data:
            self.wfile.write(bytes([byte]))
            if self.owner.closing.wait(pause):
                return

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def contexts(folder: Path, names: Iterable[str]) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return TLS contexts of a server called ``names``, and of a client that trusts it alone."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    today = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - datetime.timedelta(days=1))
        .not_valid_after(today + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), False)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return server, ssl.create_default_context(cafile=file)
