"""A MediaHost over one cloud of Cloudinary."""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from vidctl.errors import NotFound, NotVerified, UsageError
from vidctl.files import atomic_writer
from vidctl.hosts.cloudinary.callbacks import Seen, SeenHere, verify_callback
from vidctl.hosts.cloudinary.delivery import Delivery
from vidctl.hosts.cloudinary.names import FOLDER, parsed, place_of
from vidctl.hosts.cloudinary.sending import Sender
from vidctl.hosts.cloudinary.service import Service, account_of
from vidctl.model.media import Asset, Content, Orphan, StoredMedia
from vidctl.ports import Advance, Looked, Sending
from vidctl.retry import Retry

T = TypeVar("T")

PART = 20_000_000
LEAST_PART = 5 << 20
MEGABYTE = 1 << 20
PLAIN = Sending()


class CloudinaryHost(Looked):
    """A MediaHost over one cloud of Cloudinary.

    ``options`` are the settings ``hosts.NAME.…`` by the last part of their names; ``key`` gives
    the secret ``cloudinary://KEY:SECRET@CLOUD`` or raises MissingKey, and is first asked when the
    service is. ``retry`` and ``sleep`` say how often a request is tried, and how to wait.
    """

    kind = "cloudinary"
    is_local = False

    def __init__(self, name: str, options: Mapping[str, Any], key: Callable[[], str]) -> None:
        self.name = name
        self.options = options
        self.retry = Retry()
        self.sleep: Callable[[float], None] = time.sleep
        self.api = _checked_api(name, str(options.get("api") or ""))
        self.folder = str(options.get("folder") or "vidctl")
        if not FOLDER.fullmatch(self.folder):
            hint = f"vidctl config set hosts.{name}.folder vidctl"
            raise UsageError(f"{self.folder!r} is no folder of {name}", hint=hint)
        self.part_size = self._part_size()
        self._key = key
        self._lock = threading.Lock()
        self._seen = SeenHere()
        self._service: Service | None = None
        self._delivery: Delivery | None = None

    @classmethod
    def configured(
        cls, name: str, options: Mapping[str, Any], key: Callable[[], str]
    ) -> CloudinaryHost:
        """Make the host of the settings ``hosts.NAME``. Raises UsageError for unusable ones."""
        return cls(name, options, key)

    @property
    def service(self) -> Service:
        """The interfaces of the service. Raises MissingKey, KeyRefused."""
        with self._lock:
            if self._service is None:
                cloud = str(self.options.get("cloud") or "")
                account = account_of(self._key(), cloud=cloud, name=self.name)
                self._service = Service(
                    account, name=self.name, api=self.api, timeout=self._timeout
                )
            return self._service

    @property
    def delivery(self) -> Delivery:
        """Where bytes are read. Raises MissingKey, KeyRefused where only the key has the cloud."""
        cloud = str(self.options.get("cloud") or "") or self.service.account.cloud
        with self._lock:
            if self._delivery is None:
                self._delivery = Delivery(
                    cloud, name=self.name, api=self.api, timeout=self._timeout
                )
            return self._delivery

    @property
    def place(self) -> str:
        """The folder of the cloud. Raises MissingKey where only the key names the cloud."""
        cloud = str(self.options.get("cloud") or "") or self.service.account.cloud
        return f"cloudinary:{self.api}/{cloud}/{self.folder}"

    def locate(self, content: Content) -> str:
        """Return the place of these bytes: ``video/vidctl/GROUP/SHA256.mp4``."""
        return place_of(content, self.folder).locator

    def put(self, source: Path, content: Content, sending: Sending = PLAIN) -> StoredMedia:
        """Send ``source`` and make sure that Cloudinary holds those bytes.

        A file of more than one part goes on where an earlier try stopped, as far as
        ``sending.uploads`` remembers. Bytes that are there under the name and are others are
        replaced. Raises what the port says, and LibraryLocked while another process sends them.
        """
        place = place_of(content, self.folder)
        return Sender(self, place, source, content, sending).run()

    def stat(self, locator: str) -> Asset | None:
        """Return what the admin interface says of a locator."""
        place = parsed(locator)
        if place is None:
            return None
        said = self.tried(lambda: self.service.look(place))
        if said is None:
            return None
        url = self.delivery.trusted(str(said.get("secure_url", ""))) or self.delivery.url(place)
        return Asset(locator, _size(said), etag=str(said.get("etag", "")), url=url)

    def fetch(
        self, locator: str, target: Path, content: Content, advance: Advance = PLAIN.advance
    ) -> None:
        """Copy the bytes to ``target`` from where people get them.

        Cloudinary converts what is asked for under another ending than its own; where that gave
        other bytes, the address that the admin interface names is read.
        """
        place = parsed(locator)
        if place is None:
            raise NotFound(f"{self.name} does not have the file", item=locator)
        url = self.delivery.url(place)
        try:
            return self._fetch(url, locator, target, content, advance)
        except (NotFound, NotVerified) as error:
            asset = self.stat(locator)
            if asset is None:
                raise NotFound(f"the file is gone from {self.name}", item=locator) from error
            if asset.url == url:
                raise
        return self._fetch(asset.url, locator, target, content, advance)

    def path(self, locator: str) -> Path:
        """Raise UsageError: the bytes are not on this machine."""
        raise UsageError(f"media on {self.name} is not a file on this machine", item=locator)

    def url(self, locator: str) -> str:
        """Return the address that people get the bytes from, empty for a foreign locator."""
        place = parsed(locator)
        return "" if place is None else self.delivery.url(place)

    def remove(self, locator: str) -> None:
        """Remove the bytes, also from Cloudinary's caches."""
        place = parsed(locator)
        if place is not None:
            self.tried(lambda: self.service.destroy(place))

    def orphans(self) -> list[Orphan]:
        """Return nothing: Cloudinary does not list unfinished uploads, and drops them itself."""
        return []

    def abort(self, remote_id: str, locator: str) -> None:
        """Do nothing: Cloudinary cannot drop the parts of an upload, it forgets them in time."""

    def check(self) -> str:
        """Ask the service for a sign of life, and return the name of the cloud."""
        self.tried(self.service.ping)
        return f"cloud {self.service.account.cloud}"

    def meter(self, size: int) -> dict[str, float]:
        """Return the bytes and the requests that sending takes."""
        return {"bytes": size, "requests": max(1, math.ceil(size / self.part_size))}

    def verify_callback(
        self, body: bytes, timestamp: str, signature: str, *, seen: Seen | None = None
    ) -> bool:
        """Tell whether a notification is this account's, at most two hours old, and new.

        ``seen`` remembers what was accepted, in place of this object.
        """
        return verify_callback(
            body,
            timestamp,
            signature,
            secret=self.service.account.secret,
            now=time.time(),
            seen=self._seen if seen is None else seen,
        )

    def close(self) -> None:
        """Give connections back."""
        with self._lock:
            made: list[Service | Delivery | None] = [self._service, self._delivery]
            self._service = self._delivery = None
        for part in made:
            if part is not None:
                part.close()

    def tried(self, act: Callable[[], T], *, sleep: Callable[[float], None] | None = None) -> T:
        """Do something at the service, several times if need be, pausing by ``sleep``."""
        return self.retry.call(act, sleep=sleep or self.sleep)

    @property
    def _timeout(self) -> float:
        return float(self.options.get("timeout") or 60.0)

    def _part_size(self) -> int:
        size = int(float(self.options.get("part_mb") or 0) * MEGABYTE)
        if size and size < LEAST_PART and not _is_here(self.api):
            hint = f"vidctl config set hosts.{self.name}.part_mb {LEAST_PART // MEGABYTE}"
            raise UsageError(f"{self.name} takes no parts of less than 5 MB", hint=hint)
        return size or PART

    def _fetch(
        self, url: str, locator: str, target: Path, content: Content, advance: Advance
    ) -> None:
        with atomic_writer(target) as writer:
            is_right = self.delivery.holds(
                url,
                content,
                retry=self.retry,
                sleep=self.sleep,
                write=writer.write,
                advance=advance,
            )
            if not is_right:
                raise NotVerified(f"{self.name} delivers other bytes than were sent", item=locator)


def _size(said: Mapping[str, Any]) -> int:
    size = said.get("bytes")
    return size if isinstance(size, int) else -1


def _is_here(api: str) -> bool:
    """Tell whether an address is on this machine."""
    host = urlsplit(api).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked_api(name: str, api: str) -> str:
    """Return the address of the interfaces. Raises UsageError for one that is not safe."""
    api = api.rstrip("/")
    if not api:
        return ""
    hint = f"vidctl config set hosts.{name}.api https://api.cloudinary.com"
    try:
        parts = urlsplit(api)
        is_plain = parts.port is None or parts.port > 0
    except ValueError:
        is_plain = False
    if not is_plain or not parts.hostname or "@" in parts.netloc or parts.query or parts.fragment:
        raise UsageError(f"the address of {name} is not the address of a service", hint=hint)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_here(api)):
        raise UsageError(
            f"the address of {name} must begin with https:// so that the key stays secret",
            hint=hint,
        )
    return api
