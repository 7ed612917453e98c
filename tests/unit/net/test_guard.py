"""Which addresses vidctl goes to. Every refused form is tried against a server that counts."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from servers.web import Page, WebServer

from vidctl.errors import (
    AddressRefused,
    NotFound,
    RemoteFailed,
    RemoteUnavailable,
    UsageError,
    VidctlError,
)
from vidctl.net import guard
from vidctl.net.fetch import Fetcher
from vidctl.net.guard import Allowed, check_url, is_public, parse_url
from vidctl.retry import Retry

PUBLIC = "93.184.216.34"
PUBLIC_6 = "2606:2800:220:1:248:1893:25c8:1946"
ONCE = Retry(attempts=1)

# What the stub of a name server says.
NAMES = {
    "media.example": [PUBLIC],
    "both.example": [PUBLIC, PUBLIC_6],
    "loop.example": ["127.0.0.1"],
    "loop6.example": ["::1"],
    "mixed.example": [PUBLIC, "127.0.0.1"],
    "mixed6.example": [PUBLIC, "::1"],
    "ten.example": ["10.0.0.7"],
    "router.example": ["192.168.1.1"],
    "office.example": ["172.16.5.4"],
    "cgnat.example": ["100.64.0.1"],
    "metadata.example": ["169.254.169.254"],
    "azure.example": ["168.63.129.16"],
    "oracle.example": ["192.0.0.192"],
    "zero.example": ["0.0.0.0"],
    "zero6.example": ["::"],
    "many.example": ["224.0.0.251"],
    "many6.example": ["ff02::fb"],
    "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"],
    "link6.example": ["fe80::1%eth0"],
    "unique.example": ["fd00:ec2::254"],
    "none.example": [],
    "dns64.example": ["64:ff9b::5db8:d822", PUBLIC],
}


def names(host: str, port: int) -> Sequence[str]:
    return NAMES[host]


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        server.pages["/"] = Page(b"a secret of this machine")
        yield server


REFUSED = [
    # not the web, or not an address
    "",
    "127.0.0.1:{port}",
    "//127.0.0.1:{port}/",
    "http:127.0.0.1:{port}",
    "http:/127.0.0.1:{port}/",
    "http:///127.0.0.1:{port}/",
    "http://",
    "http://:{port}/",
    "file:///etc/passwd",
    "ftp://127.0.0.1:{port}/",
    "gopher://127.0.0.1:{port}/_GET",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "unix:///run/docker.sock",
    # user names, and what two programs read in two ways
    "http://user:pass@media.example/",
    "http://media.example@127.0.0.1:{port}/",
    "http://media.example:80@127.0.0.1:{port}/",
    "http://127.0.0.1:{port}\\@media.example/",
    "http://media.example\\@127.0.0.1:{port}/",
    "http://1.1.1.1 &@127.0.0.1:{port}# @3.3.3.3/",
    "http://127.0.0.1:{port}\t/",
    "http://127.0.0.1:{port}/\r\nHost: media.example",
    "http://media.example\x00.127.0.0.1:{port}/",
    "http://127.0.0.1%00.media.example:{port}/",
    "http://%31%32%37.0.0.1:{port}/",
    "http://media.example:99999/",
    "http://media.example:0/",
    "http://media.example:/",
    "http://media.example:8x/",
    "http://media..example/",
    "http://-media.example/",
    # loopback and unspecified
    "http://127.0.0.1:{port}/",
    "HTTP://127.0.0.1:{port}/",
    "http://127.1.2.3:{port}/",
    "http://0.0.0.0:{port}/",
    "http://[::1]:{port}/",
    "http://[::]:{port}/",
    "http://[0:0:0:0:0:0:0:1]:{port}/",
    # IPv4 in other writings
    "http://2130706433:{port}/",
    "http://0x7f000001:{port}/",
    "http://0x7f.0.0.1:{port}/",
    "http://0x7f.1:{port}/",
    "http://017700000001:{port}/",
    "http://0177.0.0.1:{port}/",
    "http://0177.0.0x1:{port}/",
    "http://127.1:{port}/",
    "http://127.0.1:{port}/",
    "http://127.0.0.1.:{port}/",
    "http://127.000.000.001:{port}/",
    "http://00127.0.0.1:{port}/",
    "http://256.256.256.256:{port}/",
    "http://1.2.3.4.5:{port}/",
    "http://１２７.０.０.１:{port}/",
    "http://①②⑦.⓪.⓪.①:{port}/",
    "http://127。0。0。1:{port}/",
    # IPv4 within IPv6
    "http://[::ffff:127.0.0.1]:{port}/",
    "http://[::ffff:7f00:1]:{port}/",
    "http://[::ffff:8.8.8.8]:{port}/",
    "http://[::127.0.0.1]:{port}/",
    "http://[64:ff9b::127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/",
    "http://[64:ff9b:1::7f00:1]:{port}/",
    "http://[2002:7f00:1::]:{port}/",
    "http://[2002:c0a8:101::1]:{port}/",
    "http://[2001:0:7f00:1::1]:{port}/",
    "http://[2600::5efe:127.0.0.1]:{port}/",
    "http://[2600::200:5efe:127.0.0.1]:{port}/",
    # other ranges, by number
    "http://10.1.2.3:{port}/",
    "http://172.31.255.255:{port}/",
    "http://192.168.0.1:{port}/",
    "http://100.127.0.1:{port}/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.100.100.200/latest/meta-data/",
    "http://198.18.0.1/",
    "http://192.0.2.1/",
    "http://203.0.113.9/",
    "http://224.0.0.1/",
    "http://240.0.0.1/",
    "http://255.255.255.255/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fe80::1%eth0]/",
    "http://[fec0::1]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[2001:db8::1]/",
    "http://[3fff::1]/",
    "http://[100::1]/",
    "http://[::1/",
    "http://[127.0.0.1]:{port}/",
    "http://[v1.127]/",
    # names of this machine and its network
    "http://localhost:{port}/",
    "http://LOCALHOST:{port}/",
    "http://localhost.:{port}/",
    "http://me.localhost:{port}/",
    "http://localhost.localdomain:{port}/",
    "http://ip6-localhost:{port}/",
    "http://ⓛocalhost:{port}/",
    "http://printer.local/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://nas.home.arpa/",
    "http://media.example./",
    # names that lead there
    *(
        f"http://{name}:{{port}}/"
        for name, found in NAMES.items()
        if found and name not in ("media.example", "both.example", "dns64.example")
    ),
]


def refuse_connections(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Let nothing connect, and return the list of what wanted to."""
    wanted: list[Any] = []

    def connect(address: Any, *_: Any, **__: Any) -> socket.socket:
        wanted.append(address)
        raise OSError("no")

    monkeypatch.setattr(socket, "create_connection", connect)
    return wanted


def test_there_are_enough_forms() -> None:
    assert len(set(REFUSED)) == len(REFUSED) > 110


@pytest.mark.parametrize("form", REFUSED)
def test_no_form_makes_a_connection(
    form: str, web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = refuse_connections(monkeypatch)
    url = form.replace("{port}", str(web.port))
    with pytest.raises(AddressRefused) as caught:
        Fetcher(resolve=names, retry=ONCE).get(url)
    assert (web.connections, wanted) == (0, [])
    assert "secret" not in caught.value.message


@pytest.mark.parametrize("form", [form for form in REFUSED if not {"\n", "\x00"} & {*form}])
def test_no_form_is_followed(form: str, web: WebServer) -> None:
    """The first request is allowed to reach the server, where it leads must not be."""
    target = form.replace("{port}", str(web.port))
    web.pages["/go"] = Page(status=302, headers={"Location": target})
    fetcher = Fetcher(allow_private="start.example", resolve=starting, retry=ONCE)
    # What has no host ("", "http:///x") leads back to start.example and finds nothing there.
    with pytest.raises((AddressRefused, NotFound, RemoteFailed)):
        fetcher.get(f"http://start.example:{web.port}/go")
    assert [call.path for call in web.calls if call.path == "/"] == []
    assert all(call.headers["host"] == f"start.example:{web.port}" for call in web.calls)


def starting(host: str, port: int) -> Sequence[str]:
    return ["127.0.0.1"] if host == "start.example" else names(host, port)


def test_a_name_is_looked_up_once_and_that_answer_is_used(
    web: WebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name server that says a public address first and this machine afterwards (rebinding)."""
    answers = iter([[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]])
    asked = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return next(answers)

    wanted = refuse_connections(monkeypatch)
    fetcher = Fetcher(resolve=rebinding, retry=ONCE)
    url = f"http://rebind.example:{web.port}/"
    with pytest.raises(RemoteUnavailable):
        fetcher.get(url)
    assert asked == ["rebind.example"]
    assert wanted == [(PUBLIC, web.port)]
    with pytest.raises(AddressRefused):
        fetcher.get(url)
    assert (len(wanted), web.connections) == (1, 0)


def test_a_retry_checks_again(web: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([[PUBLIC], ["127.0.0.1"]])
    wanted = refuse_connections(monkeypatch)
    fetcher = Fetcher(resolve=lambda host, port: next(answers), retry=Retry(base=0.001))
    with pytest.raises(AddressRefused):
        fetcher.get(f"http://rebind.example:{web.port}/")
    assert (wanted, web.connections) == ([(PUBLIC, web.port)], 0)


def test_all_addresses_are_tried_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = refuse_connections(monkeypatch)
    with pytest.raises(RemoteUnavailable):
        Fetcher(resolve=names, retry=ONCE).get("https://both.example/")
    assert wanted == [(PUBLIC, 443), (PUBLIC_6, 443)]


# --- the opt-in ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:{port}/"),
        ("127.0.0.0/8", "http://127.0.0.1:{port}/"),
        ("10.0.0.0/8, 127.0.0.1", "http://127.0.0.1:{port}/"),
        ("localhost", "http://localhost:{port}/"),
        ("LOCALHOST", "http://localhost:{port}/"),
        ("loop.example", "http://loop.example:{port}/"),
        ("127.0.0.1", "http://loop.example:{port}/"),
    ],
)
def test_what_a_setting_names_is_reached(allowed: str, url: str, web: WebServer) -> None:
    def resolving(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1"] if host == "localhost" else names(host, port)

    fetcher = Fetcher(allow_private=allowed, resolve=resolving)
    assert fetcher.get(url.replace("{port}", str(web.port))) == b"a secret of this machine"
    assert web.connections == 1


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("10.0.0.0/8", "http://127.0.0.1:{port}/"),
        ("loop.example", "http://127.0.0.1:{port}/"),
        ("loop.example", "http://localhost:{port}/"),
        ("127.0.0.1", "http://localhost:{port}/"),
        ("127.0.0.1", "http://[::ffff:127.0.0.1]:{port}/"),
        ("127.0.0.1", "http://2130706433:{port}/"),
        ("127.0.0.1", "http://user@127.0.0.1:{port}/"),
    ],
)
def test_and_nothing_else_is(allowed: str, url: str, web: WebServer) -> None:
    with pytest.raises(AddressRefused):
        Fetcher(allow_private=allowed, resolve=names).get(url.replace("{port}", str(web.port)))
    assert web.connections == 0


@pytest.mark.parametrize("text", ["nas lan", "10.0.0.0/99", "10.0.0.1/8", "127.1", "*", "http://x"])
def test_a_setting_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"net\.allow_private"):
        Allowed(text)


def test_the_hint_is_a_command_that_helps() -> None:
    with pytest.raises(AddressRefused) as caught:
        check_url("http://router.example/", resolve=names)
    assert caught.value.message == (
        "router.example is 192.168.1.1, which is not on the public internet"
    )
    word = "if that is meant: vidctl config set net.allow_private router.example"
    assert caught.value.hint == word
    assert check_url("http://router.example/", Allowed("router.example"), resolve=names)


# --- what is accepted ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://media.example", "https://media.example/"),
        ("  HTTPS://Media.Example:443/a.mp4 ", "https://media.example/a.mp4"),
        ("http://media.example:8080/a?b=c#d", "http://media.example:8080/a?b=c"),
        ("http://media.example/a b/ü.mp4", "http://media.example/a%20b/%C3%BC.mp4"),
        ("http://media.example/%20%zz?x=%", "http://media.example/%20%zz?x=%"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://8.8.8.8/", "http://8.8.8.8/"),
        ("http://[2606:4700:0::1111]:81/", "http://[2606:4700::1111]:81/"),
        ("http://a_b.example/", "http://a_b.example/"),
    ],
)
def test_addresses_of_the_web_are_read(url: str, seen: str) -> None:
    assert parse_url(url).url == seen


def test_a_query_is_not_shown() -> None:
    endpoint = parse_url("https://media.example/a.mp4?X-Signature=abc#t")
    assert endpoint.shown == "https://media.example/a.mp4"


def test_translated_addresses_beside_real_ones_are_left_out() -> None:
    assert check_url("http://dns64.example/", resolve=names).addresses == (PUBLIC,)


def test_a_host_without_an_address_is_not_found() -> None:
    with pytest.raises(NotFound):
        check_url("http://none.example/", resolve=names)


@settings(max_examples=500)
@given(address=st.ip_addresses(v=4))
def test_what_is_not_global_is_never_public(address: ipaddress.IPv4Address) -> None:
    assert address.is_global or not is_public(address)


@settings(max_examples=500)
@given(
    address=st.ip_addresses(v=6)
    | st.integers(0, 2**125 - 1).map(lambda bits: ipaddress.IPv6Address((1 << 125) | bits))
)
def test_the_same_of_ipv6(address: ipaddress.IPv6Address) -> None:
    if is_public(address):
        assert address.is_global
        assert (address.ipv4_mapped, address.sixtofour, address.teredo) == (None, None, None)


@settings(max_examples=500)
@given(text=st.text(), before=st.sampled_from(["", "http://", "https://[", "http://a."]))
def test_no_text_breaks_it(text: str, before: str) -> None:
    try:
        endpoint = parse_url(before + text)
    except AddressRefused:
        return
    assert endpoint.url.isascii()
    assert not set(endpoint.url) & set(" \r\n\t\\@") or "@" in endpoint.target
    assert parse_url(endpoint.url) == endpoint


# --- the real resolver --------------------------------------------------------------------------


def test_the_system_is_asked_for_addresses() -> None:
    assert "127.0.0.1" in guard.resolve("localhost", 80)


@pytest.mark.parametrize(
    ("number", "error"),
    [(socket.EAI_NONAME, NotFound), (socket.EAI_AGAIN, RemoteUnavailable)],
)
def test_what_the_resolver_says_is_translated(
    number: int, error: type[VidctlError], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(number, "no")

    monkeypatch.setattr(socket, "getaddrinfo", failing)
    with pytest.raises(error, match="nowhere"):
        guard.resolve("nowhere.example", 80)


def test_a_resolver_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    release = threading.Event()
    monkeypatch.setattr(guard, "LOOKUP_SECONDS", 0.05)
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(10) and [])
    with pytest.raises(RemoteUnavailable, match="no name server"):
        guard.resolve("slow.example", 80)
    release.set()
