"""Removing bytes from hosts, which is done only for bytes that nothing needs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from vidctl import failpoints
from vidctl.model.media import Content, MediaRow
from vidctl.ports import MediaHost, Store


def let_go(host: MediaHost, row: MediaRow, *, store: Store) -> bool:
    """Remove the bytes of a forgotten row; tell whether they were removed.

    They stay where another row names them, and where somebody is sending the same bytes at this
    moment. Raises what ``MediaHost.remove`` raises.
    """
    with cleared(host, row.locator, row.content, store=store) as is_free:
        if is_free:
            host.remove(row.locator)
        return is_free


@contextmanager
def cleared(
    host: MediaHost, locator: str, content: Content, *, store: Store, besides: str = ""
) -> Iterator[bool]:
    """Keep others from the place of some bytes while the block runs, and say if they may go.

    They may not where a row other than ``besides`` names them, nor where somebody sends the same
    bytes. Whoever wants to begin to send them waits for the end of the block.
    """
    removal = store.uploads.clear(host.name, locator, content, besides=besides)
    try:
        failpoints.reach("media.cleared")
        yield bool(removal)
    finally:
        store.uploads.settle([removal] if removal else [])
