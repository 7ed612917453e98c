"""Put bytes on a host: paced, written down as they arrive, and paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from vidctl.files import as_text, sha256_of, size_of
from vidctl.journey.holds import Holds
from vidctl.model.media import Content, StoredMedia
from vidctl.ports import MediaHost, Sending, Store, at_once, undisturbed
from vidctl.progress import Report


def _no_captions(media: Path) -> Sequence[Path]:
    return ()


def _admitted() -> AbstractContextManager[None]:
    return nullcontext()


def _alone(sha256: str) -> AbstractContextManager[None]:
    return nullcontext()


def _free(host: MediaHost, content: Content) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms files are taken in.

    ``admit`` is entered around the making of a new item and refuses with LimitReached; ``alone``
    around the work on the bytes of a hash, which two threads must not send at once; ``pay`` around
    what is sent to a host. ``heed`` raises when the work is to end, and is asked all along.
    ``captions`` finds the caption files of a media file. ``longest`` is in seconds, 0 for any
    length. ``is_rereading`` trusts no memory of unchanged files.
    """

    admit: Callable[[], AbstractContextManager[None]] = _admitted
    alone: Callable[[str], AbstractContextManager[None]] = _alone
    pay: Callable[[MediaHost, Content], AbstractContextManager[None]] = _free
    pace: Callable[[int], None] = at_once
    heed: Callable[[], None] = undisturbed
    captions: Callable[[Path], Sequence[Path]] = _no_captions
    longest: float = 0.0
    takes_truncated: bool = False
    measures_loudness: bool = True
    is_rereading: bool = False


# A file of one part needs no journal: it is sent whole again.
SMALL = 5_000_000


def send(
    path: Path,
    content: Content,
    *,
    store: Store,
    host: MediaHost,
    terms: Terms,
    report: Report,
    label: str,
    holds: Holds,
    origin: str = "",
) -> StoredMedia:
    """Put a file on a host and return once the host's size and hash equal ours.

    ``holds`` keeps its place until it is recorded. Raises what ``MediaHost.put`` raises,
    LibraryLocked while another process is at that place, and what ``terms.pay`` refuses with.
    """
    source = as_text(origin or str(path))
    holds.take(host, content, source, heed=terms.heed)
    sending = _sending(terms, report, label, store, source)
    with terms.pay(host, content):
        return host.put(path, content, sending)


def send_small(
    file: Path,
    *,
    store: Store,
    host: MediaHost,
    terms: Terms,
    report: Report,
    label: str,
    holds: Holds,
) -> StoredMedia:
    """Put a file that belongs to a media file, such as its captions, on the host."""
    sha256 = sha256_of(file, lambda done, total: terms.heed())
    content = Content(store.scope.home, sha256, size_of(file), file.suffix)
    locator = host.locate(content)
    holds.take(host, content, as_text(str(file)), heed=terms.heed, is_beside=True)
    if not host.is_local and store.media.is_needed(host.name, locator):
        # Captions and covers are shared by many files, and were verified when the first came.
        return StoredMedia(host.name, locator, sha256, content.size)
    sending = _sending(terms, report, label, store, as_text(str(file)))
    if content.size <= SMALL:
        sending = replace(sending, uploads=None)
    with terms.pay(host, content):
        return host.put(file, content, sending)


def _sending(terms: Terms, report: Report, label: str, store: Store, source: str) -> Sending:
    def advance(done: float, total: float) -> None:
        terms.heed()
        report.advance(label, done, total)

    return Sending(advance, terms.pace, terms.heed, uploads=store.uploads, origin=source)
