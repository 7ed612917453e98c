"""A MediaHost over one bucket of a service that speaks S3."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from vidctl.errors import (
    Conflict,
    NotFound,
    NotVerified,
    RemoteUnavailable,
    UsageError,
    VidctlError,
)
from vidctl.files import atomic_writer, size_of
from vidctl.hosts.s3.bucket import Bucket, Found
from vidctl.hosts.s3.journal import Journal, journal_of
from vidctl.hosts.s3.options import checked
from vidctl.hosts.s3.refusals import Refused
from vidctl.hosts.s3.sending import Sender, drop, etag_of, part_size_of, unfinished
from vidctl.model.locator import is_locator, locator_of
from vidctl.model.media import Asset, Content, Orphan, StoredMedia
from vidctl.ports import Advance, Looked, Sending
from vidctl.retry import Retry
from vidctl.tasks import until

PLAIN = Sending()
# Seconds for taking back, when a sending is stopped, what nobody would go on with.
FAREWELL = 1.0
# A look before and one after a file is sent whole; beginning, ending and sweeping up its parts.
REQUESTS_WHOLE = 3
REQUESTS_AROUND_PARTS = 5


class S3Host(Looked):
    """A MediaHost over one bucket.

    ``options`` are the settings ``hosts.NAME.…`` by the last part of their names; ``key`` gives
    the secret ``ACCESS_KEY_ID:SECRET_ACCESS_KEY[:SESSION_TOKEN]`` or raises MissingKey, and is
    first asked when the service is. Raises UsageError for settings that cannot work, and
    AddressRefused for an endpoint where the key could be overheard.
    """

    kind = "s3"
    is_local = False

    def __init__(self, name: str, options: Mapping[str, Any], key: Callable[[], str]) -> None:
        self.name = name
        self.options = checked(name, options)
        self.part_size = self.options.part_size
        self._bucket = Bucket(self.options, key)

    @classmethod
    def configured(cls, name: str, options: Mapping[str, Any], key: Callable[[], str]) -> S3Host:
        """Make the host of the settings ``hosts.NAME``. Raises UsageError for unusable ones."""
        return cls(name, options, key)

    @property
    def retry(self) -> Retry:
        """How often a request is tried."""
        return self._bucket.retry

    @retry.setter
    def retry(self, retry: Retry) -> None:
        """Say how often a request is tried."""
        self._bucket.retry = retry

    @property
    def sleep(self) -> Callable[[float], None]:
        """How to wait between tries."""
        return self._bucket.sleep

    @sleep.setter
    def sleep(self, sleep: Callable[[float], None]) -> None:
        """Say how to wait between tries."""
        self._bucket.sleep = sleep

    @property
    def place(self) -> str:
        """The part of the bucket."""
        options = self._bucket.options
        return f"s3:{options.endpoint}/{options.bucket}/{options.prefix}"

    def locate(self, content: Content) -> str:
        """Return the end of the object's key: ``group/ab/abcdef….mp4``."""
        return locator_of(content)

    def put(self, source: Path, content: Content, sending: Sending = PLAIN) -> StoredMedia:
        """Send ``source`` and make sure that the bucket holds those bytes.

        A file of several parts goes on where an earlier try stopped, as far as the service and
        ``sending.uploads`` remember. An object of that name that is other bytes is replaced.
        Raises what the port says, and LibraryLocked while another process sends them.
        """
        locator = locator_of(content)
        _check_size(source, content)
        with journal_of(
            sending.uploads,
            host=self.name,
            locator=locator,
            content=content,
            source=sending.origin or str(source),
            part_size=part_size_of(content.size, self.part_size),
            heed=sending.heed,
        ) as journal:
            bucket = self._bucket.during(journal.tick)
            sender = Sender(bucket, self._key(locator), source, content, sending, journal.tick)
            self._bring(sender, journal)
            if journal.remote_id:
                sender.sweep()
        sending.advance(content.size, content.size)
        return StoredMedia(self.name, locator, content.sha256, content.size)

    def _bring(self, sender: Sender, journal: Journal) -> None:
        """Make the object right. Leaves nothing behind that nobody would go on with."""
        found = sender.bucket.head(sender.key)
        if found is not None:
            if self._is_right(sender, found, None):
                return
            _delete(sender.bucket, sender.key)
        try:
            etag = sender.send(journal)
            found = sender.bucket.head(sender.key)
            if found is None or not self._is_right(sender, found, etag):
                raise NotVerified(
                    f"what {self.name} holds is not what was sent", item=str(sender.source)
                )
        except BaseException as error:
            is_wrong = isinstance(error, Conflict | NotVerified)
            bucket = sender.bucket
            if not isinstance(error, Exception):
                # Somebody waits for the end, and the service may be what is silent.
                late = RemoteUnavailable(f"{bucket.place} did not answer in time")
                bucket = self._bucket.during(until(time.monotonic() + FAREWELL, late))
            # What went wrong first matters more than what goes wrong while tidying up.
            with suppress(VidctlError):
                if journal.remote_id and (is_wrong or not journal.is_kept):
                    drop(bucket, sender.key, journal.remote_id)
                if isinstance(error, NotVerified):
                    _delete(bucket, sender.key)
            raise

    def _is_right(self, sender: Sender, found: Found, etag: str | None) -> bool:
        """Tell whether an object is our bytes; ``etag`` is what it should have, None: work it out.

        An ETag that differs proves nothing, for not every service makes them from the bytes: then
        they are read back.
        """
        content = sender.content
        if found.size != content.size:
            return False
        if etag is None:
            etag = etag_of(sender.source, content, found.part_size, sender.heed)
        if etag and found.etag == etag and not self.options.reads_back:
            return True
        try:
            return sender.bucket.read(sender.key, content)
        except NotFound:
            return False

    def stat(self, locator: str) -> Asset | None:
        """Return what the service says of the object."""
        if not is_locator(locator):
            return None
        found = self._bucket.head(self._key(locator))
        if found is None:
            return None
        return Asset(locator, found.size, etag=found.etag, url=self._public(locator))

    def fetch(
        self, locator: str, target: Path, content: Content, advance: Advance = PLAIN.advance
    ) -> None:
        """Copy the bytes to ``target``. Raises NotFound, NotVerified and what writing does."""
        if not is_locator(locator):
            raise self._gone(locator)
        with atomic_writer(target) as writer:
            try:
                is_right = self._bucket.read(self._key(locator), content, writer.write, advance)
            except NotFound:
                raise self._gone(locator) from None
            if not is_right:
                raise NotVerified(
                    f"the file on {self.name} is damaged", hint="vidctl doctor", item=locator
                )

    def path(self, locator: str) -> Path:
        """Raise UsageError: the bytes are not on this machine."""
        raise UsageError(f"media on {self.name} is not a file on this machine", item=locator)

    def url(self, locator: str) -> str:
        """Return the public address, or ``s3://bucket/key``; empty for a foreign locator."""
        if not is_locator(locator):
            return ""
        return self._public(locator) or f"s3://{self.options.bucket}/{self._key(locator)}"

    def remove(self, locator: str) -> None:
        """Remove the object; nothing happens when it is gone already."""
        if is_locator(locator):
            _delete(self._bucket, self._key(locator))

    def orphans(self) -> list[Orphan]:
        """Return the unfinished transfers of vidctl's own objects in the bucket."""
        prefix = self.options.prefix
        found = []
        for said in unfinished(self._bucket, prefix):
            locator = str(said["Key"]).removeprefix(prefix)
            if is_locator(locator):
                moment = int(said["Initiated"].timestamp() * 1000)
                found.append(Orphan(self.name, str(said["UploadId"]), locator, moment))
        return found

    def abort(self, remote_id: str, locator: str) -> None:
        """Drop the parts of a transfer; nothing happens when there are none."""
        if remote_id and is_locator(locator):
            drop(self._bucket, self._key(locator), remote_id)

    def check(self) -> str:
        """Ask for the bucket, and return its name and where it is."""
        try:
            self._bucket.call("head_bucket", expect=("404", "NoSuchBucket"))
        except Refused:
            raise self._bucket.missing() from None
        return f"bucket {self.options.bucket} at {self._bucket.place}"

    def meter(self, size: int) -> dict[str, float]:
        """Return the bytes and the requests that sending takes."""
        part_size = part_size_of(size, self.part_size)
        if size <= part_size:
            return {"bytes": size, "requests": REQUESTS_WHOLE}
        return {"bytes": size, "requests": -(-size // part_size) + REQUESTS_AROUND_PARTS}

    def close(self) -> None:
        """Give connections back."""
        self._bucket.close()

    def _key(self, locator: str) -> str:
        return self.options.prefix + locator

    def _public(self, locator: str) -> str:
        base = self.options.public_url
        return f"{base}/{quote(self._key(locator))}" if base else ""

    def _gone(self, locator: str) -> NotFound:
        return NotFound(
            f"the media file is gone from {self.name}", hint="vidctl doctor", item=locator
        )


def _delete(bucket: Bucket, key: str) -> None:
    with suppress(Refused):
        bucket.call("delete_object", expect=("NoSuchKey",), Key=key)


def _check_size(source: Path, content: Content) -> None:
    """Look before anything is asked. Raises Conflict, NotFound, PermissionRefused."""
    if size_of(source) != content.size:
        raise Conflict(
            "the file changed while it was being sent",
            hint="wait until the file is complete, then run the same command again",
            item=str(source),
        )
