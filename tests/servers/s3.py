"""An S3 on this machine: moto's server, and before it a proxy that makes faults on demand.

moto keeps what it is sent but checks neither signatures and Content-MD5 nor, where parts are put
together, If-None-Match; the proxy does as Amazon documents, and ``calls`` is its ledger.
Signatures: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import http.client
import logging
import re
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from vidctl.hosts.s3 import S3Host

ACCESS, SECRET = "AKIAEXAMPLEKEY000001", "s3cr3t/not+real0123456789abcdef"
KEY = f"{ACCESS}:{SECRET}"
LEAST_PART = 1000
DROPPED = {"connection", "transfer-encoding", "expect", "host"}
ERRORS = {
    "400": (400, "RequestTimeout"),
    "403": (403, "AccessDenied"),
    "409": (409, "ConditionalRequestConflict"),
    "429": (429, "TooManyRequests"),
    "500": (500, "InternalError"),
    "501": (501, "NotImplemented"),
    "502": (502, "Bad Gateway"),
    "503": (503, "SlowDown"),
    "skew": (403, "RequestTimeTooSkewed"),
    "digest": (400, "BadDigest"),
    "key": (403, "InvalidAccessKeyId"),
    "signature": (403, "SignatureDoesNotMatch"),
    "hash": (400, "XAmzContentSHA256Mismatch"),
    "bucket": (404, "NoSuchBucket"),
    "region": (400, "AuthorizationHeaderMalformed"),
    "small": (400, "EntityTooSmall"),
    "large": (400, "EntityTooLarge"),
    "full": (403, "QuotaExceeded"),
    "forgotten": (404, "NoSuchUpload"),
}
# cut        the connection ends before anything was done
# body       the connection ends in the middle of the body that was sent
# lost       all is done as asked, and the connection ends before the answer
# answer     the answer ends in the middle
# hang       no answer for longer than anybody waits
# deaf       as hang, and nothing of the body is read either
# flip       a bit of what was sent is stored otherwise; the service does not notice
# truncate   the second half of what was sent is not stored; the service does not notice
# spoil      a bit of the answer's body is other than stored
# wrong_size, wrong_etag: the headers of the answer lie
# twice      what was asked is done two times
# page       a web page instead of S3's answer, with status 200
FAULTS = (
    *("cut", "body", "lost", "answer", "hang", "flip", "truncate", "spoil"),
    *("wrong_size", "wrong_etag", "twice", "page", *ERRORS),
)


@dataclass
class Call:
    """One request: ``what`` is the operation, ``ordinal`` of its kind from 1, ``size`` of it."""

    what: str
    ordinal: int
    key: str
    query: dict[str, str]
    size: int = 0
    fault: str = ""
    status: int = 0


def what_is(method: str, key: str, query: dict[str, str]) -> str:
    """Return what an S3 request asks for, as in the vendor's names of operations."""
    if not key:
        return "list_uploads" if "uploads" in query else f"{method.lower()}_bucket"
    if "uploadId" in query:
        names = {"PUT": "part", "POST": "complete", "DELETE": "abort", "GET": "list_parts"}
        return names[method]
    return "begin" if "uploads" in query else method.lower()


@dataclass
class S3Server:
    """An address that speaks S3; ``fault`` names what is to go wrong with a call, "" nothing."""

    inner: str
    bucket: str = field(default_factory=lambda: f"vidctl-{uuid.uuid4().hex[:12]}")
    latency: float = 0.0
    hang: float = 3.0
    is_conditional: bool = True
    checks_digests: bool = True
    faults: deque[str] = field(default_factory=deque)
    fault: Callable[[Call], str] | None = None
    calls: list[Call] = field(default_factory=list)
    lock: threading.RLock = field(default_factory=threading.RLock)
    closing: threading.Event = field(default_factory=threading.Event)
    address: str = ""

    def note(self, method: str, target: str) -> Call:
        """Write a request down, and which fault it gets."""
        parts = urlsplit(target)
        _, _, key = parts.path.lstrip("/").partition("/")
        query = {k: v[0] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
        what = what_is(method, key, query)
        with self.lock:
            call = Call(what, self.count(what) + 1, key, query)
            self.calls.append(call)
            if self.faults:
                call.fault = self.faults.popleft()
            elif self.fault is not None:
                call.fault = self.fault(call)
        return call

    def count(self, *names: str) -> int:
        """Return how many calls there were of some kinds."""
        with self.lock:
            return sum(call.what in names for call in self.calls)

    def forget(self) -> None:
        """Forget calls and faults."""
        with self.lock:
            self.calls.clear()
            self.faults.clear()
            self.fault = None

    def host(self, name: str = "s3", key: str = KEY, **options: Any) -> S3Host:
        """Make a host of this bucket that does not wait between tries."""
        from vidctl.hosts.s3 import S3Host

        settings = {"bucket": self.bucket, "endpoint": self.address, "timeout": 20.0, **options}
        host = S3Host.configured(name, settings, lambda: key)
        host.part_size = 64 << 10
        host.sleep = lambda seconds: None
        return host

    @property
    def objects(self) -> dict[str, bytes]:
        """What moto holds in the bucket, by key."""
        held = self._held.keys
        return {key: held[key].value for key in held}

    @property
    def unfinished(self) -> int:
        """How many transfers are neither complete nor aborted."""
        return len(self._held.multiparts)

    def damage(self, key: str, data: bytes) -> None:
        """Replace an object by other bytes; the service knows their size and ETag."""
        held = self._held.keys[key]
        held.value = data
        held._etag = None

    @property
    def _held(self) -> Any:
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.s3.models import s3_backends

        return s3_backends[DEFAULT_ACCOUNT_ID]["aws"].buckets[self.bucket]

    def ask(
        self, method: str, target: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Pass a request on to moto; its conditions are judged and obeyed in one step."""
        connection = http.client.HTTPConnection(self.inner, timeout=60)
        with self.lock, _closing(connection):
            connection.request(method, target, body=body, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http
    call: Call

    def _answer(self) -> None:
        service = self.server.service
        call = self.call = service.note(self.command, self.path)
        with suppress(ConnectionError, TimeoutError):
            self._serve(service, call)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _answer  # noqa: N815

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _serve(self, service: S3Server, call: Call) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if call.fault == "cut":
            return self._end()
        if call.fault == "deaf":
            service.closing.wait(service.hang)
            return self._end()
        body = self.rfile.read(length // 2 if call.fault == "body" else length)
        call.size = len(body)
        time.sleep(service.latency)
        if call.fault == "body":
            return self._end()
        if call.fault == "hang":
            service.closing.wait(service.hang)
            return self._end()
        if call.fault == "page":
            return self._say(200, [("Content-Type", "text/html")], b"<html>Log in to the wifi")
        if call.fault in ERRORS:
            return self._refuse(*ERRORS[call.fault], call)
        refusal = self._judged(service, call, body)
        if refusal is not None:
            return self._refuse(*refusal, call)
        status, headers, answer = self._passed_on(service, call, body)
        if call.fault == "lost":
            return self._end()
        self._say(status, *_altered(call.fault, headers, answer), cut=call.fault == "answer")

    def _judged(self, service: S3Server, call: Call, body: bytes) -> tuple[int, str] | None:
        """Return the refusal that moto does not make and Amazon would."""
        refused = self._unsigned(body)
        if refused:
            return ERRORS[refused]
        said = self.headers.get("Content-MD5")
        ours = base64.b64encode(hashlib.md5(body).digest()).decode()
        if said and service.checks_digests and said != ours:
            return ERRORS["digest"]
        if self.headers.get("If-None-Match") and not service.is_conditional:
            return ERRORS["501"]
        return None

    def _unsigned(self, body: bytes) -> str:
        """Return why a signature is not good, "" when it is."""
        said = re.fullmatch(
            r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8})/([^/]+)/s3/aws4_request, "
            r"SignedHeaders=([a-z0-9;-]+), Signature=([0-9a-f]{64})",
            self.headers.get("Authorization", ""),
        )
        if said is None or said[1] != ACCESS:
            return "key"
        _, day, region, names, signature = said.groups()
        hashed = self.headers.get("x-amz-content-sha256", "")
        if hashed != hashlib.sha256(body).hexdigest():
            return "hash"
        path, _, query = self.path.partition("?")
        pairs = sorted(pair if "=" in pair else f"{pair}=" for pair in query.split("&") if pair)
        lines = [f"{name}:{' '.join(self.headers[name].split())}" for name in names.split(";")]
        request = "\n".join([self.command, path, "&".join(pairs), *lines, "", names, hashed])
        scope = f"{day}/{region}/s3/aws4_request"
        digest = hashlib.sha256(request.encode()).hexdigest()
        text = "\n".join(["AWS4-HMAC-SHA256", self.headers["x-amz-date"], scope, digest])
        secret = f"AWS4{SECRET}".encode()
        for step in (*scope.split("/"), text):
            secret = hmac.digest(secret, step.encode(), "sha256")
        return "" if hmac.compare_digest(secret.hex(), signature) else "signature"

    def _passed_on(
        self, service: S3Server, call: Call, body: bytes
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        headers = {k: v for k, v in self.headers.items() if k.lower() not in DROPPED}
        headers["Host"] = self.headers["Host"]
        if call.fault == "flip" and body:
            body = flipped(body)
        if call.fault == "truncate":
            body = body[: len(body) // 2]
        headers["Content-Length"] = str(len(body))
        with service.lock:
            if call.what == "complete" and self.headers.get("If-None-Match") == "*":
                plain = {k: v for k, v in headers.items() if k.lower() != "content-length"}
                there, _, _ = service.ask("HEAD", urlsplit(self.path).path, plain, b"")
                if there == 200:
                    return 412, [], _error("PreconditionFailed")
            answer = service.ask(self.command, self.path, headers, body)
            if call.fault == "twice":
                answer = service.ask(self.command, self.path, headers, body)
        return answer

    def _refuse(self, status: int, code: str, call: Call) -> None:
        headers = [("Content-Type", "application/xml")]
        if status in (429, 503):
            headers.append(("Retry-After", "0"))
        if code == "RequestTimeTooSkewed":
            headers.append(("Date", self.date_time_string(time.time() + 7200)))
        self._say(status, headers, _error(code))

    def _say(
        self, status: int, headers: list[tuple[str, str]], body: bytes, *, cut: bool = False
    ) -> None:
        self.call.status = status
        names = {name.lower() for name, _ in headers}
        self.send_response_only(status)
        for name, value in headers:
            if name.lower() not in ("connection", "transfer-encoding", "content-length"):
                self.send_header(name, value)
        if "date" not in names:
            self.send_header("Date", self.date_time_string())
        told = [value for name, value in headers if name.lower() == "content-length"]
        is_bodyless = self.command == "HEAD" or status == 204
        length = told[0] if is_bodyless and told else str(len(body))
        self.send_header("Content-Length", length)
        self.end_headers()
        if not is_bodyless:
            self.wfile.write(body[: len(body) // 2] if cut else body)
        if cut:
            self._end()

    def _end(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.connection.shutdown(2)


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    service: S3Server

    def handle_error(self, *_: Any) -> None:
        """Clients go away; that is what is tested."""


def flipped(data: bytes) -> bytes:
    """Return bytes with one bit changed in the middle."""
    changed = bytearray(data)
    changed[len(changed) // 2] ^= 1
    return bytes(changed)


def _altered(
    fault: str, headers: list[tuple[str, str]], body: bytes
) -> tuple[list[tuple[str, str]], bytes]:
    changes: dict[str, Callable[[str], str]] = {}
    if fault == "wrong_size":
        changes["content-length"] = lambda value: str(int(value) + 1)
    if fault == "wrong_etag":
        changes["etag"] = lambda value: '"' + "0" * 32 + '"'
    headers = [(n, changes[n.lower()](v) if n.lower() in changes else v) for n, v in headers]
    return headers, flipped(body) if fault == "spoil" and body else body


def _error(code: str) -> bytes:
    text = f"<Error><Code>{code}</Code><Message>{code} {ACCESS} {SECRET}</Message></Error>"
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}'.encode()


@contextmanager
def _closing(connection: http.client.HTTPConnection) -> Iterator[None]:
    try:
        yield
    finally:
        connection.close()


@functools.cache
def moto() -> str:
    """Start moto's server, once in this process, and return its host and port."""
    from moto.s3 import models
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    models.S3_UPLOAD_PART_MIN_SIZE = LEAST_PART
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"{host}:{port}"


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """Run a proxy before moto with an empty bucket; each has its own ledger."""
    service = S3Server(moto())
    http_server = _Http(("127.0.0.1", 0), _Handler)
    http_server.service = service
    service.address = f"http://127.0.0.1:{http_server.server_address[1]}"
    thread = threading.Thread(target=http_server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    status, _, _ = service.ask("PUT", f"/{service.bucket}", _signed(), b"")
    assert status == 200
    try:
        yield service
    finally:
        service.closing.set()
        http_server.shutdown()
        http_server.server_close()
        thread.join()


def _signed() -> dict[str, str]:
    """Return what moto reads an account from; it does not check signatures unless told to."""
    scope = f"{ACCESS}/20260101/us-east-1/s3/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, Signature=0"}
