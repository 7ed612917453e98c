"""Removing bytes from hosts, which is done only for bytes that no row needs."""

from __future__ import annotations

from vidctl.ports import MediaHost, Store


def let_go(host: MediaHost, locator: str, *, store: Store) -> bool:
    """Remove bytes unless a row names them; tell whether they were removed.

    On a host of this machine nobody can record the bytes between the look and the removal: both
    are in one write transaction. Raises what ``MediaHost.remove`` raises.
    """
    if host.is_local:
        with store.transaction():
            return _let_go(host, locator, store)
    return _let_go(host, locator, store)


def _let_go(host: MediaHost, locator: str, store: Store) -> bool:
    if store.media.is_needed(host.name, locator):
        return False
    host.remove(locator)
    return True
