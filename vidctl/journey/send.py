"""Put bytes on a host: paced, written down as they arrive, and paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from vidctl.files import sha256_of, size_of
from vidctl.model.media import Content, StoredMedia
from vidctl.ports import MediaHost, Sending, Store
from vidctl.progress import Report


def _on() -> None: ...


def _at_once(size: int) -> None: ...


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
    pace: Callable[[int], None] = _at_once
    heed: Callable[[], None] = _on
    captions: Callable[[Path], Sequence[Path]] = _no_captions
    longest: float = 0.0
    takes_truncated: bool = False
    measures_loudness: bool = True
    is_rereading: bool = False


def send(
    path: Path,
    content: Content,
    *,
    store: Store,
    host: MediaHost,
    terms: Terms,
    report: Report,
    label: str,
    origin: str = "",
) -> StoredMedia:
    """Put a file on a host and return once the host's size and hash equal ours.

    Raises what ``MediaHost.put`` raises, and what ``terms.pay`` refuses with.
    """

    def advance(done: float, total: float) -> None:
        terms.heed()
        report.advance(label, done, total)

    sending = Sending(advance, terms.pace, store.uploads, origin or str(path))
    with terms.pay(host, content):
        return host.put(path, content, sending)


def send_small(
    file: Path, *, store: Store, host: MediaHost, terms: Terms, report: Report, label: str
) -> StoredMedia:
    """Put a file that belongs to a media file, such as its captions, on the host."""
    sha256 = sha256_of(file, lambda done, total: terms.heed())
    content = Content(store.scope.home, sha256, size_of(file), file.suffix)
    locator = host.locate(content)
    if not host.is_local and store.media.is_needed(host.name, locator):
        # Captions and covers are shared by many files, and were verified when the first came.
        return StoredMedia(host.name, locator, sha256, content.size)
    return send(file, content, store=store, host=host, terms=terms, report=report, label=label)
