"""Files behind links: downloaded beside the library, used, and removed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vidctl.errors import UsageError
from vidctl.files import DAY, TEMPORARY_PREFIX, make_folder
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
    sweep(folder)
    place = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    try:
        # A folder of its own, so that the name may be anything that the server says.
        found = fetcher.download(source.url, place / "arriving", advance, pace=pace)
        file = found.path.rename(place / found.filename)
        yield Downloaded(file, found.url, found.filename, found.content_type, found.size)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sweep(folder: Path, *, older_than: float = DAY) -> int:
    """Remove downloads that killed processes left in ``folder``; return how many went.

    ``older_than`` is the age in seconds since the last write to one.
    """
    removed = 0
    newest = time.time() - older_than
    for place in folder.glob(f"{PREFIX}*"):
        with suppress(OSError):
            times = [place.lstat().st_mtime, *(file.lstat().st_mtime for file in place.iterdir())]
            if max(times) <= newest and not place.is_symlink():
                shutil.rmtree(place)
                removed += 1
    return removed
