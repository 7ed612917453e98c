"""The media hosts of a library, by name, and its files wherever they are."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl import registry
from vidctl.config import HOST_KINDS, Config
from vidctl.errors import UsageError
from vidctl.keys import Keys

if TYPE_CHECKING:
    from vidctl.model.media import MediaRow
    from vidctl.ports import MediaHost

LOCAL = "folder"
# Services with a key that keep no media.
SERVICES = ("openai",)


class Hosts:
    """The hosts that the settings describe; each is made when it is first asked for.

    ``folder`` is always there. ``cloudinary`` and ``s3`` are too, as names; whether they work
    depends on their settings and keys.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._made: dict[str, MediaHost] = {}

    @cached_property
    def keys(self) -> Keys:
        """The keys of the hosts, and of the services that are no hosts, by name."""
        return Keys(self.config.environ, self.kinds())

    def kinds(self) -> dict[str, str]:
        """Return the kind of service of each name that can have a key.

        A kind that is not trusted does not count; a host that needs it cannot be made.
        """
        found = {name: name for name in SERVICES}
        for name in {*HOST_KINDS, *self.config.named("hosts")}:
            origin = self.config.seen(f"hosts.{name}.kind")
            kind = str(origin.value) if origin.value and origin.is_trusted else name
            if kind in HOST_KINDS and kind != LOCAL:
                found[name] = kind
        return found

    @property
    def default_name(self) -> str:
        """The name of the host that new media goes to."""
        return self.config.text("media.host")

    @property
    def default(self) -> MediaHost:
        """The host that new media goes to."""
        return self.named(self.default_name)

    def names(self) -> list[str]:
        """Return the names of hosts that are set up or were made, the folder first.

        Those of a project that is not trusted are among them, to be told of; ``named`` refuses.
        """
        default = str(self.config.seen("media.host").value)
        found = {LOCAL, default, *self.config.named("hosts")}
        return [LOCAL, *sorted(found - {LOCAL})]

    def kind(self, name: str) -> str:
        """Return what a host is. Raises UsageError for a name that means nothing."""
        known = {*HOST_KINDS, *self.config.named("hosts")}
        if name in known:
            kind = self.config.text(f"hosts.{name}.kind") or name
            if kind in HOST_KINDS:
                return kind
            hint = f"vidctl config set hosts.{name}.kind {'|'.join(HOST_KINDS)}"
            raise UsageError(f"what the host {name} is has not been set", hint=hint)
        raise UsageError(f"there is no media host {name!r}", hint="vidctl hosts list")

    def named(self, name: str) -> MediaHost:
        """Return the host of a name, ready to use. Raises UsageError where its settings lack."""
        if name not in self._made:
            options = self.config.options("hosts", name) if name != LOCAL else {}
            kind = self.kind(name)
            if name == LOCAL:
                options = {"path": str(self.config.media_folder())}
            elif kind == LOCAL and options["path"]:
                options["path"] = str(self.config.resolved(f"hosts.{name}.path"))
            maker = registry.load(registry.HOSTS[kind])
            options["verify"] = self.config.text("media.verify")
            self._made[name] = maker.configured(name, options, self._key(name))
        return self._made[name]

    def _key(self, name: str) -> Callable[[], str]:
        return lambda: self.keys.require(name).reveal()

    def is_default(self, name: str) -> bool:
        """Tell whether the settings name this host for new media, trusted or not."""
        return name == self.config.seen("media.host").value

    @contextmanager
    def local(self, row: MediaRow) -> Iterator[Path]:
        """Give a media row's bytes as a file on this machine, fetched where they are not.

        A fetched file is removed when the block ends. Raises NotFound when the bytes are gone,
        NotVerified when they are others, and what the host raises.
        """
        host = self.named(row.host)
        if host.is_local:
            yield host.path(row.locator)
            return
        cache = self.config.cache_folder()
        cache.mkdir(parents=True, exist_ok=True)
        suffix = Path(row.locator).suffix
        with tempfile.TemporaryDirectory(prefix="fetched-", dir=cache) as folder:
            target = Path(folder) / f"{row.sha256}{suffix}"
            host.fetch(row.locator, target, row.content)
            yield target

    def close(self) -> None:
        """Give the hosts' connections back."""
        while self._made:
            self._made.popitem()[1].close()
