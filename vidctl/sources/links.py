"""Files behind links: downloaded beside the library, used, and removed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vidctl.errors import UsageError
from vidctl.files import (
    TEMPORARY_PREFIX,
    make_folder,
    rename,
    sweep_folders,
    temporary_folder,
)
from vidctl.net.fetch import Downloaded, Fetcher
from vidctl.ports import Advance, Sending
from vidctl.sources.expand import Source

PREFIX = f"{TEMPORARY_PREFIX}link-"
PLAIN = Sending()


@contextmanager
def downloaded(
    source: Source,
    folder: Path,
    fetcher: Fetcher,
    advance: Advance = PLAIN.advance,
    *,
    pace: Callable[[int], None] = PLAIN.pace,
) -> Iterator[Downloaded]:
    """Download a link below ``folder`` and give it as a file that has its name from the web.

    The file is gone when the block ends; what killed processes left for a day is removed too.
    Raises what ``Fetcher.download`` does, with the source's label as its item.
    """
    if not source.url:
        raise UsageError(f"{source.name} is no link")
    make_folder(folder)
    sweep_folders(folder, f"{PREFIX}*")
    # A folder of its own, so that the name may be anything that the server says.
    with temporary_folder(PREFIX, folder) as place:
        found = fetcher.download(source.url, place / "arriving", advance, pace=pace)
        file = rename(found.path, place / found.filename)
        yield Downloaded(file, found.url, found.filename, found.content_type, found.size)
