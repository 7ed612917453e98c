"""The HTTP side of the Cloudinary stand-in: requests in, answers and faults out."""

from __future__ import annotations

import base64
import email.utils
import json
import re
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from servers.multipart import BLOCK, Cut, Form

if TYPE_CHECKING:
    from servers.cloudinary import CloudinaryServer

Call = dict[str, Any]
SAID = {
    400: "Bad Request",
    401: "Invalid credentials",
    403: "Not allowed",
    404: "Resource not found",
    409: "Resource already exists",
    420: "Rate Limit Exceeded. Limit of 500 api operations reached",
    429: "Too Many Requests",
    500: "General Error",
    503: "Service Unavailable",
}


class Refused(Exception):
    """The service answers with an error."""

    def __init__(self, status: int, message: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.message = message or SAID[status]


class Http(ThreadingHTTPServer):
    """A server that can end all its connections."""

    daemon_threads = True
    block_on_close = False
    service: CloudinaryServer

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(address, handler)
        self.open: set[socket.socket] = set()

    def get_request(self) -> tuple[socket.socket, Any]:
        connection, address = super().get_request()
        self.open.add(connection)
        return connection, address

    def shutdown_request(self, request: Any) -> None:
        self.open.discard(request)
        super().shutdown_request(request)

    def cut_all(self) -> None:
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that goes away is no error of the server's."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Http
    timeout = 60
    # Else the body of an answer waits for the client to acknowledge its head.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None: ...

    @property
    def service(self) -> CloudinaryServer:
        return self.server.service

    def do_POST(self) -> None:
        self._answer_to(self._posted)

    def do_GET(self) -> None:
        self._answer_to(self._got)

    def do_HEAD(self) -> None:
        self._answer_to(self._got)

    # --- one request ----------------------------------------------------------------------------

    def _answer_to(self, act: Callable[[Call, str], Any]) -> None:
        call = self._call()
        fault = self.service.choose_fault(call)
        call["fault"] = fault
        if self.service.latency:
            self.service.closing.wait(self.service.latency)
        try:
            if fault == "cut" and call["what"] != "delivery":
                raise self._cut_short()
            if fault == "hang":
                self.service.closing.wait()
                raise Cut
            if fault.isdigit() or fault == "not_json":
                self._skip_body()
                return self._refuse(call, fault)
            answer = act(call, fault)
            if fault == "lost":
                raise Cut
            if answer is not None:
                self._send(call, 200, _spoilt(answer, fault), fault=fault)
        except Refused as refused:
            said = {"error": {"message": refused.message}}
            self._send(call, refused.status, said, {"X-Cld-Error": refused.message})
        except Cut:
            self.close_connection = True
            with suppress(OSError):
                self.connection.shutdown(socket.SHUT_RDWR)

    def _call(self) -> Call:
        """Return what is known of a request before its body is read."""
        path = unquote(self.path.partition("?")[0])
        call: Call = {"what": "other", "method": self.command, "path": path, "bytes": 0}
        call |= {"range": None, "upload_id": self.headers.get("X-Unique-Upload-Id", "")}
        call |= {"n": len(self.service.calls), "resource_type": "", "public_id": "", "status": 0}
        span = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", self.headers.get("Content-Range", ""))
        if span:
            call["range"] = tuple(map(int, span.groups()))
        posted = re.fullmatch(r"/v1_1/([^/]+)/(image|video|raw)/(upload|destroy)", path)
        looked = re.fullmatch(r"/v1_1/([^/]+)/resources/(image|video|raw)/upload/(.+)", path)
        pinged = re.fullmatch(r"/v1_1/([^/]+)/ping", path)
        given = re.fullmatch(r"/([^/]+)/(image|video|raw)/upload/(?:v\d+/)?(.+)", path)
        if self.command == "POST" and posted:
            call |= {"cloud": posted[1], "resource_type": posted[2], "what": posted[3]}
        elif looked:
            call |= {"what": "resource", "cloud": looked[1], "resource_type": looked[2]}
            call["public_id"] = looked[3]
        elif pinged:
            call |= {"what": "ping", "cloud": pinged[1]}
        elif given and not path.startswith("/v1_1/"):
            call |= {"what": "delivery", "cloud": given[1], "resource_type": given[2]}
            call["public_id"] = given[3]
        return call

    def _posted(self, call: Call, fault: str) -> Any:
        body = self.service.new_file()
        with body.open("wb") as sink:
            fields, name = self._form(sink)
        call["bytes"] = body.stat().st_size
        call["public_id"] = fields.get("public_id", "")
        call["fields"] = fields
        try:
            if call["what"] == "other":
                raise Refused(404, "Not Found")
            self.service.check_signed(fields, call["cloud"])
            if call["what"] == "upload":
                return self.service.take(call, fields, body, name, fault)
            return self.service.destroy(call["resource_type"], fields.get("public_id", ""))
        finally:
            if not any(asset["path"] == str(body) for asset in self._assets()):
                body.unlink(missing_ok=True)

    def _got(self, call: Call, fault: str) -> Any:
        if call["what"] == "delivery":
            return self._deliver(call, fault)
        pair = f"{self.service.key}:{self.service.secret}".encode()
        if self.headers.get("Authorization") != f"Basic {base64.b64encode(pair).decode()}":
            raise Refused(401)
        if call.get("cloud") != self.service.cloud:
            raise Refused(401, f"Invalid cloud_name {call.get('cloud')}")
        if call["what"] == "ping":
            return {"status": "ok"}
        asset = self.service.assets.get((call["resource_type"], call["public_id"]))
        if asset is None:
            raise Refused(404, f"Resource not found - {call['public_id']}")
        return self.service.shown(asset)

    def _deliver(self, call: Call, fault: str) -> None:
        """Give the bytes of an asset, or another format of it where the address says one."""
        kind, name = call["resource_type"], call["public_id"]
        asset = self.service.assets.get((kind, name))
        if asset is None and kind != "raw":
            stem, _, ending = name.rpartition(".")
            asset = self.service.assets.get((kind, stem))
            if asset is not None and ending != asset["format"]:
                return self._send_bytes(call, 200, f"{stem} as {ending}".encode(), {})
        if asset is None:
            return self._send_bytes(call, 404, b"", {"X-Cld-Error": "Resource not found"})
        path = Path(asset["path"])
        size = path.stat().st_size
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first = int(span[1]) if span else 0
        last = min(int(span[2]) if span and span[2] else size - 1, size - 1)
        headers = {"ETag": f'"{asset["etag"]}"', "Accept-Ranges": "bytes"}
        if span:
            headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        self._head(call, 206 if span else 200, last - first + 1, headers)
        if self.command == "HEAD":
            return None
        left = (last - first + 1) // 2 if fault == "cut" else last - first + 1
        with path.open("rb") as source:
            source.seek(first)
            while left:
                block = source.read(min(BLOCK, left))
                left -= len(block)
                call["bytes"] += len(block)
                self.wfile.write(block)
        if fault == "cut":
            raise Cut
        return None

    # --- bodies ---------------------------------------------------------------------------------

    def _cut_short(self) -> Cut:
        """Read half of the body."""
        self._read_away(int(self.headers.get("Content-Length", 0)) // 2)
        return Cut()

    def _skip_body(self) -> None:
        self._read_away(int(self.headers.get("Content-Length", 0)))

    def _read_away(self, left: int) -> None:
        while left > 0:
            block = self.rfile.read(min(BLOCK, left))
            if not block:
                raise Cut
            left -= len(block)

    def _form(self, sink: Any) -> tuple[dict[str, str], str]:
        """Read a form; the bytes of its file go to ``sink``. Returns fields and a file name."""
        length = int(self.headers.get("Content-Length", 0))
        kind = self.headers.get("Content-Type", "")
        if kind.startswith("application/x-www-form-urlencoded"):
            return dict(parse_qsl(self.rfile.read(length).decode())), ""
        boundary = re.search(r'boundary="?([^";]+)"?', kind)
        if boundary is None:
            self._read_away(length)
            raise Refused(400, "Missing a form")
        return Form(self.rfile, length, boundary[1].encode()).read(sink)

    def _assets(self) -> list[dict[str, Any]]:
        with self.service.lock:
            return list(self.service.assets.values())

    # --- answers --------------------------------------------------------------------------------

    def _refuse(self, call: Call, fault: str) -> None:
        status = 200 if fault == "not_json" else int(fault)
        if fault in ("not_json", "502"):
            return self._send_bytes(call, status, b"<html>a page</html>", {})
        headers = {"X-Cld-Error": SAID[status]}
        if status == 429:
            headers["Retry-After"] = self.service.retry_after
        return self._send(call, status, {"error": {"message": SAID[status]}}, headers)

    def _send(
        self,
        call: Call,
        status: int,
        answer: Any,
        headers: dict[str, str] | None = None,
        fault: str = "",
    ) -> None:
        reset = email.utils.formatdate(time.time() + 3600, usegmt=True)
        limits = {"X-FeatureRateLimit-Limit": "500", "X-FeatureRateLimit-Reset": reset}
        said = {"Content-Type": "application/json", "X-Request-Id": f"r{call['n']}"}
        body = json.dumps(answer).encode()
        for _ in range(2 if fault == "twice" else 1):
            self._send_bytes(call, status, body, {**said, **limits, **(headers or {})})

    def _send_bytes(self, call: Call, status: int, body: bytes, headers: dict[str, str]) -> None:
        self._head(call, status, len(body), headers)
        if self.command != "HEAD":
            self.wfile.write(body)

    def _head(self, call: Call, status: int, length: int, headers: dict[str, str]) -> None:
        call["status"] = status
        self.send_response(status)
        if self.close_connection:
            headers = {"Connection": "close", **headers}
        for name, value in {"Content-Length": str(length), **headers}.items():
            self.send_header(name, value)
        self.end_headers()


def _spoilt(answer: Any, fault: str) -> Any:
    """Return an answer with what a fault does to it."""
    if "bytes" not in answer:
        return answer
    if fault == "wrong_size":
        return {**answer, "bytes": answer["bytes"] + 1}
    if fault == "wrong_etag":
        return {**answer, "etag": "0" * 32}
    if fault == "wrong_signature":
        return {**answer, "signature": "0" * 40}
    if fault == "no_etag":
        return {key: value for key, value in answer.items() if key != "etag"}
    return answer
