"""What is remembered of one transfer: in the library where there is one, else for this call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from vidctl.errors import Conflict, NotVerified, VidctlError
from vidctl.model.media import Content
from vidctl.model.upload import SentPart, Upload
from vidctl.ports import Uploads, undisturbed

# Seconds after which a process that says nothing more is taken for dead.
LEASE = 60.0
# Seconds between two signs of life; several may be late before that.
HEARTBEAT = 15.0


class Journal:
    """One transfer's id at the service, its part size in bytes, and what was acknowledged.

    ``is_kept`` tells whether another call can go on from it. ``heed`` raises when the sending is
    to end.
    """

    def __init__(
        self,
        part_size: int,
        uploads: Uploads | None,
        upload: Upload | None,
        heed: Callable[[], None] = undisturbed,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.part_size = part_size
        self._heed, self._clock = heed, clock
        self._told = clock()
        self.remote_id = ""
        self.parts: dict[int, SentPart] = {}
        self._uploads, self._upload = uploads, upload
        if upload is not None and upload.remote_id and upload.part_size:
            self.part_size, self.remote_id = upload.part_size, upload.remote_id
            self.parts = dict(upload.parts)

    @property
    def is_kept(self) -> bool:
        """Tell whether the library remembers this transfer."""
        return self._upload is not None

    def begin(self, remote_id: str) -> None:
        """Start anew under another id, empty for none yet."""
        self.remote_id, self.parts = remote_id, {}
        if self._uploads is not None and self._upload is not None:
            self._uploads.begin(self._upload.id, remote_id, self.part_size)

    def save(self, part: SentPart) -> None:
        """Remember that a part has arrived."""
        self.parts[part.ordinal] = part
        if self._uploads is not None and self._upload is not None:
            self._uploads.save_part(self._upload.id, part, seconds=LEASE)
            self._told = self._clock()

    def tick(self) -> None:
        """Say now and then that this process still sends; call it all along, and while waiting.

        Raises what ``heed`` does, and LibraryLocked when another process took over.
        """
        self._heed()
        if self._uploads is None or self._upload is None:
            return
        if self._clock() - self._told >= HEARTBEAT:
            self._uploads.extend(self._upload.id, seconds=LEASE)
            self._told = self._clock()

    def knows(self, part: SentPart, size: int, digest: bytes) -> bool:
        """Tell whether a part that the service lists is the bytes with that MD5.

        Where its ETags are no MD5s, one that it gave us for that part will do: the whole file is
        then checked by reading it back.
        """
        known = self.parts.get(part.ordinal)
        is_acknowledged = known is not None and known.etag == part.etag
        return part.size == size and (part.etag == digest.hex() or is_acknowledged)


@contextmanager
def journal_of(
    uploads: Uploads | None,
    *,
    host: str,
    locator: str,
    content: Content,
    source: str,
    part_size: int,
    heed: Callable[[], None] = undisturbed,
) -> Iterator[Journal]:
    """Claim a file's row in the journal while the block runs, and write down how it ended.

    A transfer that failed or was stopped stays to be gone on with, unless its bytes are not the
    right ones.
    Raises LibraryLocked when another process sends the same bytes.
    """
    if uploads is None:
        yield Journal(part_size, None, None, heed)
        return
    upload = uploads.claim(
        host, locator, content, source=source, part_size=part_size, seconds=LEASE
    )
    try:
        yield Journal(part_size, uploads, upload, heed)
    except (Conflict, NotVerified):
        uploads.drop(upload.id)
        raise
    except Exception as error:
        uploads.finish(upload.id, error=str(error) or type(error).__name__)
        raise
    except BaseException:
        # Who stops has not failed: it is interrupted, and free for whoever goes on.
        with suppress(VidctlError):
            uploads.extend(upload.id, seconds=0)
        raise
    uploads.finish(upload.id)
