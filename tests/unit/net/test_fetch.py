"""Reading from the web, against a server on this machine that lies, stalls and breaks off."""

from __future__ import annotations

import gzip
import os
import threading
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from servers.web import Page, WebServer, contexts

from vidctl import __version__, failpoints
from vidctl.errors import (
    AddressRefused,
    LimitReached,
    NotFound,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    StorageFull,
    VidctlError,
)
from vidctl.net.fetch import Fetcher
from vidctl.retry import Retry

QUICK = Retry(attempts=3, base=0.001, cap=0.001, total=30)
BODY = os.urandom(1_000_000)
ETAG = {"ETag": '"v1"'}


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


def fetcher(**options: Any) -> Fetcher:
    return Fetcher(**{"allow_private": "127.0.0.1", "timeout": 5.0, "retry": QUICK, **options})


def download(web: WebServer, folder: Path, path: str = "/talk.mp4", **options: Any) -> bytes:
    """Download and return the bytes, sure that nothing else is left in the folder."""
    fetcher(**options).download(web.base + path, folder / "target")
    assert [file.name for file in folder.iterdir()] == ["target"]
    return (folder / "target").read_bytes()


def fails(
    error: type[VidctlError], web: WebServer, folder: Path, path: str = "/talk.mp4", **options: Any
) -> VidctlError:
    """Download, sure that it fails like this and leaves nothing; return the error."""
    with pytest.raises(error) as caught:
        fetcher(**options).download(web.base + path, folder / "target")
    assert type(caught.value) is error
    assert list(folder.iterdir()) == []
    return caught.value


# --- what goes well -----------------------------------------------------------------------------


def test_a_file_is_downloaded(web: WebServer, tmp_path: Path) -> None:
    headers = {"Content-Type": "video/mp4; codecs=avc1", "Set-Cookie": "a=b"}
    web.pages["/shows/a%20talk.mp4"] = Page(BODY, headers=headers)
    heard: list[tuple[float, float]] = []
    paced: list[int] = []
    target = tmp_path / "target"
    url = f"{web.base}/shows/a talk.mp4?token=secret#t=3"
    done = fetcher().download(url, target, lambda *now: heard.append(now), pace=paced.append)
    assert target.read_bytes() == BODY
    assert (done.path, done.size, done.content_type) == (target, len(BODY), "video/mp4")
    assert (done.filename, done.url) == (
        "a talk.mp4",
        f"{web.base}/shows/a%20talk.mp4?token=secret",
    )
    assert heard[-1] == (len(BODY), len(BODY))
    assert heard == sorted(heard)
    assert {total for _, total in heard} == {len(BODY)}
    assert sum(paced) == len(BODY)


def test_a_request_says_little(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cookies, no user of ~/.netrc, no proxy of the environment, no compression."""
    proxy = f"http://127.0.0.1:{web.port}"
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, proxy)
    netrc = Path(os.environ["HOME"]) / ".netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    web.pages["/a"] = Page(status=302, headers={"Location": "/b", "Set-Cookie": "a=b"})
    web.pages["/b"] = Page(b"page", headers={"Set-Cookie": "c=d"})
    one = fetcher()
    assert one.get(f"{web.base}/a") == one.get(f"{web.base}/b") == b"page"
    assert [call.path for call in web.calls] == ["/a", "/b", "/b"]
    for call in web.calls:
        assert call.headers == {
            "host": f"127.0.0.1:{web.port}",
            "user-agent": f"vidctl/{__version__}",
            "accept": "*/*",
            "accept-encoding": "identity",
            "connection": "close",
        }


def test_an_empty_file_is_a_file(web: WebServer, tmp_path: Path) -> None:
    web.pages["/talk.mp4"] = Page(b"")
    assert download(web, tmp_path) == b""


def test_a_body_without_a_length_is_taken(web: WebServer, tmp_path: Path) -> None:
    web.pages["/talk.mp4"] = Page(BODY, claims="")
    assert download(web, tmp_path) == BODY


def test_an_older_target_is_replaced_only_by_a_whole_file(web: WebServer, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.write_bytes(b"old")
    with pytest.raises(NotFound):
        fetcher().download(f"{web.base}/none", target)
    assert target.read_bytes() == b"old"
    web.pages["/some"] = Page(b"new")
    fetcher().download(f"{web.base}/some", target)
    assert target.read_bytes() == b"new"


def test_the_name_comes_from_the_last_answer(web: WebServer, tmp_path: Path) -> None:
    web.pages["/go"] = Page(status=307, headers={"Location": "/9f86"})
    web.pages["/9f86"] = Page(b"x", headers={"Content-Disposition": 'inline; filename="../a.mp4"'})
    done = fetcher().download(f"{web.base}/go", tmp_path / "target")
    assert (done.filename, done.url) == ("a.mp4", f"{web.base}/9f86")


def test_threads_may_share_one(web: WebServer, tmp_path: Path) -> None:
    for number in range(8):
        web.pages[f"/{number}.mp4"] = Page(BODY[number:])
    one = fetcher()
    threads = [
        threading.Thread(
            target=one.download, args=(f"{web.base}/{number}.mp4", tmp_path / f"{number}.mp4")
        )
        for number in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(8):
        assert (tmp_path / f"{number}.mp4").read_bytes() == BODY[number:]


# --- broken connections -------------------------------------------------------------------------


@pytest.mark.parametrize("version", [ETAG, {"Last-Modified": "Tue, 14 Nov 2023 22:13:20 GMT"}])
def test_a_broken_download_goes_on_where_it_broke(
    web: WebServer, tmp_path: Path, version: dict[str, str]
) -> None:
    """Broken seven times, more often than tries that bring nothing are made."""
    cuts: list[int | None] = [100_000] * 7
    web.pages["/talk.mp4"] = Page(BODY, headers=version, ranges=True, cuts=cuts)
    assert download(web, tmp_path) == BODY
    ranges = [call.headers.get("range") for call in web.calls]
    assert ranges == [None, *(f"bytes={n}00000-" for n in range(1, 8))]
    assert {call.headers.get("if-range") for call in web.calls[1:]} == set(version.values())


@pytest.mark.parametrize(
    "page",
    [
        Page(BODY, cuts=[400_000]),
        Page(BODY, headers=ETAG, cuts=[400_000]),
        Page(BODY, headers={"ETag": 'W/"weak"'}, ranges=True, cuts=[400_000]),
        Page(BODY, headers={**ETAG, "Accept-Ranges": "none"}, cuts=[400_000]),
    ],
    ids=["no version", "no ranges", "weak version", "ranges refused"],
)
def test_a_server_that_cannot_go_on_begins_anew(web: WebServer, tmp_path: Path, page: Page) -> None:
    web.pages["/talk.mp4"] = page
    assert download(web, tmp_path) == BODY
    assert len(web.calls) == 2


def test_a_file_that_changed_meanwhile_is_taken_whole(web: WebServer, tmp_path: Path) -> None:
    new = Page(BODY[::-1], headers={"ETag": '"v2"'}, ranges=True)
    web.pages["/talk.mp4"] = Page(BODY, headers=ETAG, ranges=True, cuts=[400_000], then=[new])
    assert download(web, tmp_path) == BODY[::-1]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (206, {"Content-Range": "bytes 0-999999/1000000"}),
        (206, {"Content-Range": "bytes 400000-999999/2000000"}),
        (206, {"Content-Range": "bytes 400000-999999/1000000", "ETag": '"v2"'}),
        (206, {"Content-Range": "nonsense"}),
        (206, {}),
        (416, {"Content-Range": "bytes */1000"}),
    ],
)
def test_a_server_that_goes_on_elsewhere_is_not_believed(
    web: WebServer, tmp_path: Path, status: int, headers: dict[str, str]
) -> None:
    wrong = Page(b"x" * 600_000, status=status, headers=headers)
    right = Page(BODY, headers=ETAG)
    web.pages["/talk.mp4"] = Page(BODY, headers=ETAG, cuts=[400_000], then=[wrong, right])
    assert download(web, tmp_path) == BODY
    assert "range" not in web.calls[2].headers


def test_tries_that_bring_nothing_end(web: WebServer, tmp_path: Path) -> None:
    web.pages["/talk.mp4"] = Page(BODY, headers=ETAG, ranges=True, cuts=[1000, 0, 0, 0, 0, 0, 0])
    error = fails(RemoteUnavailable, web, tmp_path)
    assert error.message == "the connection to 127.0.0.1 ended early"
    assert len(web.calls) == 3 + 3


def test_a_part_that_was_not_asked_for_is_refused(web: WebServer, tmp_path: Path) -> None:
    web.pages["/talk.mp4"] = Page(BODY, status=206, headers={"Content-Range": "bytes 0-9/10"})
    fails(RemoteFailed, web, tmp_path)


@pytest.mark.parametrize("claims", ["1000001", "99999999"])
def test_a_body_shorter_than_it_says_is_never_whole(
    web: WebServer, tmp_path: Path, claims: str
) -> None:
    web.pages["/talk.mp4"] = Page(BODY, claims=claims)
    fails(RemoteUnavailable, web, tmp_path)


def test_a_body_longer_than_it_says_ends_there(web: WebServer, tmp_path: Path) -> None:
    web.pages["/talk.mp4"] = Page(BODY, claims="1000")
    assert download(web, tmp_path) == BODY[:1000]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\n",
    ],
    ids=["nothing", "ssh", "negative", "two lengths", "cut chunk", "bad chunk", "endless header"],
)
def test_what_is_not_http_is_unavailable(web: WebServer, tmp_path: Path, raw: bytes) -> None:
    web.pages["/talk.mp4"] = Page(raw=raw)
    fails(RemoteUnavailable, web, tmp_path)


def test_nobody_listening_is_unavailable(tmp_path: Path) -> None:
    with WebServer() as gone:
        pass
    error = fails(RemoteUnavailable, gone, tmp_path)
    assert error.message == "127.0.0.1 cannot be reached"


# --- what servers refuse ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "headers", "error", "calls"),
    [
        (400, {}, RemoteFailed, 1),
        (401, {"WWW-Authenticate": "Basic"}, RemoteFailed, 1),
        (403, {}, RemoteFailed, 1),
        (404, {}, NotFound, 1),
        (410, {}, NotFound, 1),
        (408, {}, RateLimited, 3),
        (418, {}, RemoteFailed, 1),
        (425, {}, RateLimited, 3),
        (429, {}, RateLimited, 3),
        (429, {"Retry-After": "0"}, RateLimited, 3),
        (429, {"Retry-After": "3600"}, RateLimited, 1),
        (500, {}, RemoteUnavailable, 3),
        (501, {}, RemoteFailed, 1),
        (502, {}, RemoteUnavailable, 3),
        (503, {}, RemoteUnavailable, 3),
        (503, {"Retry-After": "7200"}, RateLimited, 1),
        (504, {}, RemoteUnavailable, 3),
        (505, {}, RemoteFailed, 1),
        (599, {}, RemoteUnavailable, 3),
        (204, {}, RemoteFailed, 1),
        (300, {}, RemoteFailed, 1),
        (302, {}, RemoteFailed, 1),
        (304, {}, RemoteFailed, 1),
        (416, {}, RemoteFailed, 1),
    ],
)
def test_a_status_is_an_error_of_its_own(
    web: WebServer,
    tmp_path: Path,
    status: int,
    headers: dict[str, str],
    error: type[VidctlError],
    calls: int,
) -> None:
    empty = status in (204, 304)
    body = b"" if empty else b"<html>no</html>"
    web.pages["/talk.mp4"] = Page(body, status, headers, claims="" if empty else None)
    said = fails(error, web, tmp_path, "/talk.mp4?token=secret")
    assert len(web.calls) == calls
    assert "127.0.0.1" in said.message
    assert str(status) in said.message
    assert said.item == f"{web.base}/talk.mp4"
    after = headers.get("Retry-After")
    if isinstance(said, RateLimited):
        assert said.after == (float(after) if after else None)


def test_trouble_that_passes_is_waited_for(web: WebServer, tmp_path: Path) -> None:
    busy = Page(status=429, headers={"Retry-After": "0"})
    web.pages["/talk.mp4"] = Page(status=503, then=[busy, Page(BODY)])
    assert download(web, tmp_path) == BODY


# --- redirects ----------------------------------------------------------------------------------


def chain(web: WebServer, length: int) -> None:
    for number in range(length):
        web.pages[f"/{number}"] = Page(
            status=301 + number % 3, headers={"Location": f"{number + 1}"}
        )
    web.pages[f"/{length}"] = Page(b"there")


def test_five_redirects_are_followed(web: WebServer, tmp_path: Path) -> None:
    chain(web, 5)
    assert download(web, tmp_path, "/0") == b"there"


def test_six_are_not(web: WebServer, tmp_path: Path) -> None:
    chain(web, 6)
    assert "5 redirects" in fails(RemoteFailed, web, tmp_path, "/0").message
    assert len(web.calls) == 6


def test_going_round_in_circles_ends(web: WebServer, tmp_path: Path) -> None:
    web.pages["/talk.mp4"] = Page(status=302, headers={"Location": "/talk.mp4"})
    fails(RemoteFailed, web, tmp_path)


def test_a_redirect_into_the_network_is_refused(web: WebServer, tmp_path: Path) -> None:
    with WebServer() as inside:
        location = f"http://localhost:{inside.port}/admin"
        web.pages["/talk.mp4"] = Page(b"x", 302, {"Location": location})
        fails(AddressRefused, web, tmp_path)
        assert inside.connections == 0


def named(host: str, port: int) -> Sequence[str]:
    assert host.endswith("media.example")
    return ["127.0.0.1"]


def test_the_certificate_is_that_of_the_name(tmp_path: Path) -> None:
    """The connection goes to the address that was checked; TLS and Host speak of the name."""
    server, client = contexts(tmp_path, ["media.example"])
    with WebServer(server) as web:
        web.pages["/talk.mp4"] = Page(BODY)
        options: dict[str, Any] = {"resolve": named, "ssl_context": client}
        one = fetcher(**options)
        done = one.download(f"https://media.example:{web.port}/talk.mp4", tmp_path / "target")
        assert (done.path.read_bytes(), web.names) == (BODY, ["media.example"])
        assert web.calls[0].headers["host"] == f"media.example:{web.port}"
        for url in (f"https://other.media.example:{web.port}/", f"{web.base}/talk.mp4"):
            with pytest.raises(RemoteFailed, match="certificate"):
                one.get(url)
        with pytest.raises(RemoteFailed, match="certificate"):
            fetcher(resolve=named).get(f"https://media.example:{web.port}/talk.mp4")
        assert len(web.calls) == 1


def test_https_does_not_lead_to_http(web: WebServer, tmp_path: Path) -> None:
    server, client = contexts(tmp_path, ["media.example"])
    with WebServer(server) as secure:
        location = f"http://127.0.0.1:{web.port}/"
        secure.pages["/"] = Page(b"x", 302, {"Location": location})
        with pytest.raises(AddressRefused, match="from https to http"):
            fetcher(resolve=named, ssl_context=client).get(f"https://media.example:{secure.port}/")
    assert web.connections == 0


# --- limits -------------------------------------------------------------------------------------


@pytest.mark.parametrize("claims", [None, ""], ids=["said", "unsaid"])
def test_a_file_that_is_too_large_is_refused(
    web: WebServer, tmp_path: Path, claims: str | None
) -> None:
    web.pages["/talk.mp4"] = Page(BODY, claims=claims)
    fails(LimitReached, web, tmp_path, max_bytes=len(BODY) - 1)
    assert len(web.calls) == 1
    assert download(web, tmp_path, max_bytes=len(BODY)) == BODY


def test_a_page_has_a_limit_of_its_own(web: WebServer) -> None:
    web.pages["/feed"] = Page(BODY)
    with pytest.raises(LimitReached):
        fetcher().get(f"{web.base}/feed", max_bytes=1000)


@pytest.mark.parametrize(
    ("page", "options", "error"),
    [
        (Page(hangs=True), {"timeout": 0.1}, RemoteUnavailable),
        (Page(BODY, pause=0.02), {"total": 0.4}, LimitReached),
        (Page(BODY, pause=0.02, slow="head"), {"total": 0.4}, LimitReached),
        (Page(BODY, pause=1.0), {"timeout": 0.1}, RemoteUnavailable),
        (Page(hangs=True), {"timeout": 30.0, "total": 0.3}, LimitReached),
    ],
    ids=["silent", "slow body", "slow head", "stalled body", "silent for long"],
)
def test_slow_servers_are_left(
    web: WebServer,
    tmp_path: Path,
    page: Page,
    options: dict[str, Any],
    error: type[VidctlError],
) -> None:
    web.pages["/talk.mp4"] = page
    begun = time.monotonic()
    fails(error, web, tmp_path, **options)
    assert time.monotonic() - begun < 3


Pack = Callable[[bytes], bytes]


@pytest.mark.parametrize(("name", "pack"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_what_is_packed_unasked_is_unpacked(
    web: WebServer, tmp_path: Path, name: str, pack: Pack
) -> None:
    data = b"0123456789" * 300_000
    web.pages["/talk.mp4"] = Page(pack(data), headers={"Content-Encoding": name, **ETAG})
    assert download(web, tmp_path) == data


def test_a_bomb_is_stopped_at_the_limit(web: WebServer, tmp_path: Path) -> None:
    """1 MB that would become 1 GB."""
    packing = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packing.compress(b"") + packing.flush(zlib.Z_FULL_FLUSH)
    # A full flush forgets what was before, so that a block can be repeated.
    block = packing.compress(bytes(1 << 20)) + packing.flush(zlib.Z_FULL_FLUSH)
    bomb = head + block * 1024
    assert len(zlib.decompressobj(31).decompress(bomb, 50 << 20)) == 50 << 20
    web.pages["/talk.mp4"] = Page(bomb, headers={"Content-Encoding": "gzip"})
    tracemalloc.start()
    try:
        fails(LimitReached, web, tmp_path, max_bytes=5_000_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16_000_000


@pytest.mark.parametrize(
    ("name", "body", "error"),
    [
        ("br", b"x", RemoteFailed),
        ("gzip, gzip", b"x", RemoteFailed),
        ("gzip", b"this is not packed", RemoteFailed),
        ("gzip", gzip.compress(BODY)[:-500], RemoteUnavailable),
        ("gzip", b"", RemoteUnavailable),
    ],
)
def test_what_cannot_be_unpacked_is_refused(
    web: WebServer, tmp_path: Path, name: str, body: bytes, error: type[VidctlError]
) -> None:
    web.pages["/talk.mp4"] = Page(body, headers={"Content-Encoding": name})
    fails(error, web, tmp_path)


@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_full_disk_leaves_nothing(web: WebServer, tmp_path: Path, number: int) -> None:
    web.pages["/talk.mp4"] = Page(BODY)
    failpoints.arm(f"fetch.write:{number}:enospc")
    fails(StorageFull, web, tmp_path)
    assert len(web.calls) == 1


# --- stopping -----------------------------------------------------------------------------------


class Stop(BaseException):
    """What a caller ends a call with."""


@pytest.mark.parametrize(
    "page",
    [
        Page(hangs=True),
        Page(b"x" * 1000, pause=0.2),
        Page(b"x" * 1000, pause=0.2, slow="head"),
        Page(status=503, headers={"Retry-After": "60"}),
    ],
    ids=["silent", "trickle", "head", "pause"],
)
def test_a_call_ends_when_told_to(web: WebServer, tmp_path: Path, page: Page) -> None:
    web.pages["/talk.mp4"] = page
    began = time.monotonic()

    def heed() -> None:
        if time.monotonic() - began > 0.5:
            raise Stop

    with pytest.raises(Stop):
        fetcher(heed=heed, timeout=30.0, retry=Retry()).download(
            f"{web.base}/talk.mp4", tmp_path / "target"
        )
    assert time.monotonic() - began < 3
    assert list(tmp_path.iterdir()) == []


def test_a_lookup_that_takes_long_is_left(tmp_path: Path) -> None:
    may_end = threading.Event()
    calls = 0

    def lookup(host: str, port: int) -> Sequence[str]:
        may_end.wait(30)
        return ["127.0.0.1"]

    def heed() -> None:
        nonlocal calls
        calls += 1
        if calls > 3:
            raise Stop

    began = time.monotonic()
    with pytest.raises(Stop):
        fetcher(heed=heed, resolve=lookup).get("http://talks.example.com/a")
    assert time.monotonic() - began < 5
    may_end.set()
