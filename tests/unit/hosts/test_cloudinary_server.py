"""The stand-in for Cloudinary does what the service does, as the vendor's SDK sees it."""

from __future__ import annotations

import hashlib
import http.client
import io
import os
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import cloudinary.exceptions
import httpx
import pytest
from cloudinary import api, uploader
from cloudinary.utils import api_sign_request, api_string_to_sign
from hypothesis import given
from hypothesis import strategies as st
from servers.cloudinary import FAULTS, CloudinaryServer, to_sign
from servers.multipart import Cut, Form

DATA = os.urandom(100_000)
VALUES = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "S", "Zs"]), max_size=20)


@pytest.fixture
def service() -> Iterator[CloudinaryServer]:
    with CloudinaryServer(least_part=1000) as server:
        yield server


def account(service: CloudinaryServer, **changes: Any) -> dict[str, Any]:
    own = {"cloud_name": service.cloud, "api_key": service.key, "api_secret": service.secret}
    return {**own, "upload_prefix": service.address, "timeout": 10, **changes}


@given(st.dictionaries(st.sampled_from(["public_id", "tags", "context", "eager", "a"]), VALUES))
def test_it_signs_as_the_sdk_does(fields: dict[str, str]) -> None:
    server = CloudinaryServer.__new__(CloudinaryServer)
    server.secret, server.algorithm = "s3cret", "sha1"
    assert to_sign(fields) == api_string_to_sign(fields)
    assert server.sign({**fields, "api_key": "1", "signature": "x"}) == api_sign_request(
        fields, "s3cret"
    )


def test_a_file_goes_in_and_comes_out(service: CloudinaryServer) -> None:
    options = account(service, resource_type="video", public_id="a/b", overwrite=False)
    said = uploader.upload(("x.mp4", DATA), tags=["one", "two&"], **options)
    assert (said["bytes"], said["etag"]) == (len(DATA), hashlib.md5(DATA).hexdigest())
    assert uploader.upload(("x.mp4", b"other"), **options)["existing"]
    assert service.content("video", "a/b") == DATA
    shown = api.resource("a/b", **account(service, resource_type="video"))
    assert (shown["bytes"], shown["tags"]) == (len(DATA), ["one", "two&"])
    assert shown.rate_limit_allowed == 500
    assert httpx.get(said["secure_url"]).content == DATA
    part = httpx.get(said["secure_url"], headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, DATA[10:20])
    assert httpx.head(said["secure_url"]).headers["Content-Length"] == str(len(DATA))
    gone = account(service, resource_type="video")
    assert uploader.destroy("a/b", **gone)["result"] == "ok"
    assert uploader.destroy("a/b", **gone)["result"] == "not found"
    assert httpx.get(said["secure_url"]).status_code == 404
    with pytest.raises(cloudinary.exceptions.NotFound):
        api.resource("a/b", **gone)


def test_the_sdks_own_large_upload_works(service: CloudinaryServer) -> None:
    options = account(service, resource_type="video", public_id="big", chunk_size=30_000)
    said = uploader.upload_large(io.BytesIO(DATA), **options)
    assert said["bytes"] == len(DATA)
    assert service.content("video", "big") == DATA
    assert [call["range"][0] for call in service.of("upload")] == [0, 30_000, 60_000, 90_000]


def test_small_parts_are_refused(service: CloudinaryServer) -> None:
    options = account(service, resource_type="video", chunk_size=999)
    with pytest.raises(cloudinary.exceptions.BadRequest, match="larger than 5mb"):
        uploader.upload_large(io.BytesIO(DATA), **options)


def test_parts_that_are_missing_are_missed(service: CloudinaryServer) -> None:
    options = account(service, resource_type="video")
    headers = {"Content-Range": "bytes 50000-99999/100000", "X-Unique-Upload-Id": "u"}
    with pytest.raises(cloudinary.exceptions.BadRequest, match="not complete"):
        uploader.upload_large_part(("x", DATA[50_000:]), http_headers=headers, **options)
    headers["Content-Range"] = "bytes 50000-99999/200000"
    with pytest.raises(cloudinary.exceptions.BadRequest, match="does not match"):
        uploader.upload_large_part(("x", DATA[50_001:]), http_headers=headers, **options)
    assert service.assets == {}


@pytest.mark.parametrize(
    "changes",
    [{"api_secret": "wrong"}, {"api_key": "9"}, {"cloud_name": "other"}],
)
def test_another_account_is_refused(changes: dict[str, str], service: CloudinaryServer) -> None:
    options = account(service, **changes)
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired):
        uploader.upload(("x", DATA), resource_type="raw", **options)
    with pytest.raises(cloudinary.exceptions.AuthorizationRequired):
        api.ping(**options)
    assert service.assets == {}


SILENT = {"cut", "lost", "hang"}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_what_it_says(fault: str, service: CloudinaryServer) -> None:
    service.faults.append(fault)
    options = account(service, resource_type="video", public_id="f", timeout=0.3)
    wrong = fault in ("flip", "lie", "truncate")
    if fault in SILENT or fault.isdigit() or fault == "not_json":
        with pytest.raises(cloudinary.exceptions.Error):
            uploader.upload(("x.mp4", DATA), **options)
        assert len(service.assets) == (1 if fault == "lost" else 0)
    else:
        said = uploader.upload(("x.mp4", DATA), **options)
        is_told = said["bytes"] == len(DATA) and said.get("etag") == hashlib.md5(DATA).hexdigest()
        assert is_told is (fault in ("twice", "lie", "wrong_signature"))
        assert (service.content("video", "f") != DATA) is wrong
    assert service.calls[0]["fault"] == fault
    assert api.ping(**account(service)) == {"status": "ok"}


def test_uploads_need_no_memory(service: CloudinaryServer) -> None:
    """Sixty-four megabytes go through while less than four are held."""
    size = 64 << 20
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
    tail = b"\r\n--b--\r\n"
    connection = http.client.HTTPConnection(service.address.removeprefix("http://"))
    block = bytes(1 << 16)

    def body() -> Iterator[bytes]:
        yield head
        for _ in range(size // len(block)):
            yield block
        yield tail

    tracemalloc.start()
    try:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        length = {"Content-Length": str(len(head) + size + len(tail))}
        path = f"/v1_1/{service.cloud}/raw/upload"
        connection.request("POST", path, body=body(), headers={**kind, **length})
        assert connection.getresponse().status == 401
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()
        connection.close()
    assert service.calls[0]["bytes"] == size
    assert list(service.folder.iterdir()) == []


@given(st.binary(max_size=400), st.integers(1, 50), st.booleans())
def test_forms_are_read_in_any_pieces(data: bytes, step: int, has_marks: bool) -> None:
    if has_marks:
        data = data[:9] + b"\r\n--bou" + data[9:] + b"\r\n--\r\n"
    text = (
        b'--bound\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--bound\r\n'
        b'Content-Disposition: form-data; name="file"; filename="x.mp4"\r\n'
        b"Content-Type: video/mp4\r\n\r\n" + data + b"\r\n--bound--\r\n"
    )
    if data.count(b"\r\n--bound"):
        return

    class Drip(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            return super().read(min(step, size or 0))

    sink = io.BytesIO()
    assert Form(Drip(text), len(text), b"bound").read(sink) == ({"a": "one"}, "x.mp4")
    assert sink.getvalue() == data
    with pytest.raises(Cut):
        Form(Drip(text[:-20]), len(text), b"bound").read(io.BytesIO())


def test_it_ends_with_requests_under_way() -> None:
    with CloudinaryServer(fault=lambda call: "hang") as server:
        failures: list[Exception] = []

        def ask() -> None:
            try:
                api.ping(**account(server, timeout=60))
            except cloudinary.exceptions.Error as error:
                failures.append(error)

        thread = threading.Thread(target=ask)
        thread.start()
        while not server.calls:
            thread.join(0.01)
    thread.join(10)
    assert not thread.is_alive()
    assert len(failures) == 1
    assert not server.folder.exists()
