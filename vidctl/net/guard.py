"""Which web addresses vidctl goes to: those of the public internet, and those a setting names.

A link can come from a feed, a web page or a redirect, so it may point at this machine, at the
router or at a cloud's metadata service. A host is looked up once, every address that it has is
checked, and the connection goes to exactly one of those. Ranges: IANA's IPv4 and IPv6
Special-Purpose Address Registries (RFC 6890).
"""

from __future__ import annotations

import ipaddress
import queue
import re
import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from vidctl.errors import AddressRefused, NotFound, RemoteUnavailable, UsageError
from vidctl.files import UNSAFE

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

SETTING = "net.allow_private"
PORTS = {"http": 80, "https": 443}
LOOKUP_SECONDS = 20.0


def _networks(*texts: str) -> tuple[IPNetwork, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_NOT_PUBLIC_4 = _networks(
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16"),
    *("198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
    # The one public address that answers from inside a cloud: Azure's metadata and DNS.
    "168.63.129.16/32",
)
# Global unicast is 2000::/3; within it lie Teredo (2001::/32), 6to4 (2002::/16), documentation.
_PUBLIC_6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_6 = _networks("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
# A name server that translates adds these beside the IPv4 addresses that they stand for.
_TRANSLATED = _networks("64:ff9b::/96", "64:ff9b:1::/48")
# Interface identifiers that carry an IPv4 address (ISATAP, RFC 5214).
_ISATAP = (0x00005EFE, 0x02005EFE)

_LOCAL_NAMES = ("localhost", "localdomain", "local", "internal", "ip6-localhost", "ip6-loopback")
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
_QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}")
# A host whose last label reads as a number is an IPv4 address to some programs (WHATWG URL, 3.5).
_NUMBER = re.compile(r"(?:.*\.)?(?:[0-9]+|0x[0-9a-f]*)")
_KEPT = "!$&'()*+,-./:;=?@[]_~%"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A web address that was checked, and the IP addresses that its host had at that moment.

    ``target`` is path and query, percent-encoded.
    """

    scheme: str
    host: str
    port: int
    target: str
    addresses: tuple[str, ...] = ()

    @property
    def authority(self) -> str:
        """What a ``Host`` header calls it; the port is left out where it is the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.authority}{self.target}"

    @property
    def shown(self) -> str:
        """The address fit for messages: a query may hold a signature or a token."""
        return self.url.partition("?")[0]


class Allowed:
    """Hosts outside the public internet that a setting names.

    ``text`` holds host names, IP addresses and networks such as ``192.168.1.0/24``, separated by
    commas. Raises UsageError for anything else.
    """

    def __init__(self, text: str = "") -> None:
        self.names: set[str] = set()
        self.networks: list[IPNetwork] = []
        for entry in filter(None, (part.strip().lower() for part in text.split(","))):
            try:
                self.networks.append(ipaddress.ip_network(entry))
            except ValueError:
                if not _NAME.fullmatch(entry) or _NUMBER.fullmatch(entry):
                    raise UsageError(
                        f"{entry!r} in {SETTING} is neither a host name nor an address",
                        hint=f"vidctl config set {SETTING} nas.lan,192.168.1.0/24",
                    ) from None
                self.names.add(entry)

    def has(self, address: IPAddress) -> bool:
        """Tell whether an address lies in a network that is named."""
        return any(address in network for network in self.networks)


NOBODY = Allowed()


def resolve(host: str, port: int) -> list[str]:
    """Return the IP addresses of a host name, as the system's resolver gives them.

    Raises NotFound when there is no such host, and RemoteUnavailable when nobody knows in time:
    the resolver has no time limit of its own that a program could set.
    """
    answers: queue.SimpleQueue[list[str] | socket.gaierror] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            answers.put(list(dict.fromkeys(str(entry[4][0]) for entry in found)))
        except socket.gaierror as error:
            answers.put(error)

    threading.Thread(target=look_up, name="resolve", daemon=True).start()
    try:
        answer = answers.get(timeout=LOOKUP_SECONDS)
    except queue.Empty:
        raise RemoteUnavailable(f"no name server answers about {host}") from None
    if isinstance(answer, list):
        return answer
    if answer.errno == socket.EAI_AGAIN:
        raise RemoteUnavailable(f"no name server answers about {host}") from answer
    raise NotFound(f"there is no host called {host}", hint="check the address") from answer


def check_url(url: str, allowed: Allowed = NOBODY, *, resolve: Resolve = resolve) -> Endpoint:
    """Return where ``url`` leads, its host looked up once and all its addresses checked.

    Raises AddressRefused unless it is http or https to the public internet or to what
    ``allowed`` names, and what ``resolve`` raises. Nothing is connected to.
    """
    endpoint = parse_url(url)
    host, is_named = endpoint.host, endpoint.host in allowed.names
    literal = _literal(host)
    if literal is None and not is_named and _is_local_name(host):
        raise _refused(f"{host} is a name of this machine or its network", host)
    texts = [str(literal)] if literal is not None else resolve(host, endpoint.port)
    found = [ipaddress.ip_address(text) for text in texts]
    if not is_named:
        found = _without_translations(found)
        for address in found:
            if not is_public(address) and not allowed.has(address):
                said = host if literal is not None else f"{host} is {address}, which"
                raise _refused(f"{said} is not on the public internet", host)
    if not found:
        raise NotFound(f"there is no address for {host}")
    addresses = tuple(str(address) for address in found)
    return Endpoint(endpoint.scheme, host, endpoint.port, endpoint.target, addresses)


def is_public(address: IPAddress) -> bool:
    """Tell whether an address is one that anybody on the internet can reach."""
    if isinstance(address, ipaddress.IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    if address not in _PUBLIC_6 or any(address in network for network in _NOT_PUBLIC_6):
        return False
    return (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP


def parse_url(url: str) -> Endpoint:
    """Return the parts of an http or https address, not looked up; raises AddressRefused.

    Whatever two programs could read in two ways is refused: user names, backslashes, control
    characters, IPv4 addresses that are not four decimal numbers, names that end in a dot.
    """
    text = _clean(url)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:  # its text may repeat a password
        raise AddressRefused("that is not how a web address is written") from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise AddressRefused("a web address begins with https:// or http:// and names a host")
    if "@" in parts.netloc:
        raise AddressRefused(
            "a web address that holds a user name or password is not used",
            hint="remove what stands before the @",
        )
    if port == 0 or parts.netloc.endswith(":"):
        raise AddressRefused("the port of that web address is not a port")
    host = _host(parts)
    return Endpoint(parts.scheme, host, port or PORTS[parts.scheme], _target(parts))


def follow(endpoint: Endpoint, location: str) -> str:
    """Return where the ``Location`` of an answer leads, not checked yet; raises AddressRefused."""
    try:
        return urljoin(endpoint.url, _clean(location))
    except ValueError:
        raise AddressRefused(f"{endpoint.host} leads to what is no web address") from None


def _clean(text: str) -> str:
    """Refuse what urllib would leave out or read in its own way."""
    text = text.strip(" ")
    if "\\" in text or UNSAFE.search(text):
        raise AddressRefused("a web address has no backslashes and no control characters")
    return text


def _host(parts: SplitResult) -> str:
    host = parts.hostname or ""
    if "[" in parts.netloc:
        if "%" in host:
            raise AddressRefused("a web address names no network interface")
        try:
            return str(ipaddress.IPv6Address(host))
        except ValueError:
            raise AddressRefused(f"{host} is no IPv6 address") from None
    if not host.isascii():
        host = _in_ascii(host)
    if _NUMBER.fullmatch(host.rstrip(".")) and _literal(host) is None:
        raise AddressRefused(f"{host} is not how an IP address is written")
    if len(host) > 253 or not _NAME.fullmatch(host):
        raise AddressRefused(f"{host} is not how a host name is written")
    return host


def _in_ascii(host: str) -> str:
    import idna

    try:
        return idna.encode(host, uts46=True).decode().lower()
    except idna.IDNAError:
        raise AddressRefused(f"{host} is not how a host name is written") from None


def _target(parts: SplitResult) -> str:
    path = quote(parts.path or "/", safe=_KEPT)
    return f"{path}?{quote(parts.query, safe=_KEPT)}" if parts.query else path


def _literal(host: str) -> IPAddress | None:
    """Return the IP address that a host is written as, None for a name."""
    if ":" in host:
        return ipaddress.IPv6Address(host)
    try:
        return ipaddress.IPv4Address(host) if _QUAD.fullmatch(host) else None
    except ValueError:
        return None


def _is_local_name(host: str) -> bool:
    return host.rpartition(".")[2] in _LOCAL_NAMES or host.endswith(".home.arpa")


def _without_translations(found: list[IPAddress]) -> list[IPAddress]:
    """Leave out NAT64 addresses where the host has others; alone they are refused."""
    plain = [address for address in found if not any(address in net for net in _TRANSLATED)]
    return plain or found


def _refused(message: str, host: str) -> AddressRefused:
    return AddressRefused(message, hint=f"if that is meant: vidctl config set {SETTING} {host}")
