"""Sending one file into a bucket: whole or in parts, and on from where it broke.

Parts: https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html. A part counts as
sent when the service lists it with the MD5 of the bytes that we hold, whoever remembers what.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from vidctl.errors import RemoteUnavailable, VidctlError
from vidctl.failpoints import reach
from vidctl.hosts.s3.bucket import Bucket
from vidctl.hosts.s3.journal import Journal
from vidctl.hosts.s3.options import MEGABYTE, MOST_PARTS
from vidctl.hosts.s3.refusals import Refused
from vidctl.model.locator import content_type_of
from vidctl.model.media import Content
from vidctl.model.upload import SentPart
from vidctl.ports import Sending
from vidctl.tasks import Left, Tasks
from vidctl.transfer import PartReader


def part_size_of(size: int, wanted: int) -> int:
    """Return the bytes of a part: what is wanted, or more where there would be too many parts."""
    least = -(-size // MOST_PARTS)
    return wanted if wanted >= least else -(-least // MEGABYTE) * MEGABYTE


def etag_of(source: Path, content: Content, part_size: int, heed: Callable[[], None]) -> str:
    """Return the ETag that a file has after it was sent in such parts, 0 for whole.

    Raises Conflict when the file is not ``content``, and what reading it and ``heed`` do.
    """
    reader = PartReader(source, content, Sending(heed=heed))
    digests = [_md5(data or b"") for _, _, data in reader.parts(part_size or MEGABYTE)]
    reader.verify()
    return _combined(digests) if part_size else reader.md5


@dataclass(frozen=True, slots=True)
class _Sent:
    """A part that the service has; ``is_sound`` tells whether its ETag is our MD5."""

    part: SentPart
    digest: bytes

    @property
    def is_sound(self) -> bool:
        return self.part.etag == self.digest.hex()


class Sender:
    """One file on its way to an object; call ``send`` once.

    ``heed`` is called all along, and by the requests of ``bucket``; it raises to end the sending.
    """

    def __init__(
        self,
        bucket: Bucket,
        key: str,
        source: Path,
        content: Content,
        sending: Sending,
        heed: Callable[[], None],
    ) -> None:
        self.bucket, self.key, self.heed = bucket, key, heed
        self.source, self.content, self.sending = source, content, sending

    def send(self, journal: Journal) -> str | None:
        """Send what has not arrived and return the ETag to expect.

        That is empty where the service's ETags are not checksums, and None when somebody else
        has made the object. Raises Conflict when the file changed.
        """
        if self.content.size <= journal.part_size and not journal.remote_id:
            return self._send_whole(journal)
        for _ in range(2):
            try:
                return self._send_parts(journal)
            except Refused:
                # Our parts are gone: the object was made after all, or they were dropped.
                if self.bucket.head(self.key) is not None:
                    return None
                journal.begin("")
                self.sending.advance(0, self.content.size)
        raise RemoteUnavailable(f"{self.bucket.place} dropped the parts that it was sent")

    def sweep(self) -> None:
        """Drop every transfer of this object; those who still send find that it is there.

        The parts of one whose beginning was acknowledged to nobody would cost money for ever.
        """
        # A key that may not list them can still send: the object is there, which counts.
        with suppress(VidctlError):
            for remote_id in transfers(self.bucket, self.key):
                drop(self.bucket, self.key, remote_id)

    # --- whole ----------------------------------------------------------------------------------

    def _send_whole(self, journal: Journal) -> str:
        reader = PartReader(self.source, self.content, Sending(heed=self.heed))
        data = b"".join(block or b"" for _, _, block in reader.parts(max(1, journal.part_size)))
        reader.verify()

        self.bucket.create(
            "put_object",
            before=lambda: self.sending.pace(len(data)),
            Key=self.key,
            Body=data,
            ContentMD5=_base64(_md5(data)),
            **self._said(0),
        )
        return reader.md5

    def _said(self, part_size: int) -> dict[str, Any]:
        metadata = {"sha256": self.content.sha256}
        if part_size:
            metadata["part-size"] = str(part_size)
        return {"ContentType": content_type_of(self.key), "Metadata": metadata}

    # --- in parts -------------------------------------------------------------------------------

    def _send_parts(self, journal: Journal) -> str:
        if not journal.remote_id:
            answer = self.bucket.call(
                "create_multipart_upload", Key=self.key, **self._said(journal.part_size)
            )
            reach("s3.begun")
            journal.begin(str(answer["UploadId"]))
            there: dict[int, SentPart] = {}
        else:
            there = self._there(journal)
        sent = self._send_missing(journal, there)
        parts = [{"PartNumber": n + 1, "ETag": one.part.etag} for n, one in sorted(sent.items())]
        reach("s3.complete")
        self.bucket.create(
            "complete_multipart_upload",
            Key=self.key,
            UploadId=journal.remote_id,
            MultipartUpload={"Parts": parts},
        )
        reach("s3.completed")
        if not all(one.is_sound for one in sent.values()):
            return ""
        return _combined([one.digest for _, one in sorted(sent.items())])

    def _there(self, journal: Journal) -> dict[int, SentPart]:
        """Return the parts that the service says it has, by ordinal."""
        found = {}
        for page in self.bucket.pages(
            "list_parts",
            {"PartNumberMarker": "NextPartNumberMarker"},
            expect=("NoSuchUpload",),
            Key=self.key,
            UploadId=journal.remote_id,
        ):
            for said in page.get("Parts", ()):
                ordinal = int(said["PartNumber"]) - 1
                offset, etag = ordinal * journal.part_size, str(said["ETag"]).strip('"')
                found[ordinal] = SentPart(ordinal, offset, int(said["Size"]), etag)
        return found

    def _send_missing(self, journal: Journal, there: Mapping[int, SentPart]) -> dict[int, _Sent]:
        """Send the parts that are not there, some at a time, and return them all."""
        reader = PartReader(self.source, self.content, Sending(heed=self.heed), with_md5=False)
        tasks: Tasks[_Sent] = Tasks("s3-part", self.heed)
        send = partial(self._send_part, self.bucket.inside(tasks.check), journal.remote_id)
        arrived = _Arrived(self, journal, tasks)
        with closing(reader.parts(journal.part_size)) as parts:  # type: ignore[type-var]
            try:
                for ordinal, offset, data in parts:
                    data, part = data or b"", there.get(ordinal)
                    if part is not None and journal.knows(part, len(data), _md5(data)):
                        arrived.add(_Sent(part, _md5(data)))
                        continue
                    arrived.wait_for_room(self.bucket.options.parallel)
                    tasks.begin(partial(send, ordinal, offset, data))
                arrived.wait_for_room(1)
            except BaseException as error:
                arrived.leave(is_waiting=isinstance(error, Exception))
                raise
        reader.verify()
        return arrived.sent

    def _send_part(
        self, bucket: Bucket, remote_id: str, ordinal: int, offset: int, data: bytes
    ) -> _Sent:
        digest = _md5(data)
        answer = bucket.call(
            "upload_part",
            expect=("NoSuchUpload",),
            before=lambda: self.sending.pace(len(data)),
            Key=self.key,
            UploadId=remote_id,
            PartNumber=ordinal + 1,
            Body=data,
            ContentMD5=_base64(digest),
        )
        etag = str(answer.get("ETag", "")).strip('"')
        return _Sent(SentPart(ordinal, offset, len(data), etag), digest)


class _Arrived:
    """The parts of one file that have arrived, and those on their way."""

    def __init__(self, sender: Sender, journal: Journal, tasks: Tasks[_Sent]) -> None:
        self.sent: dict[int, _Sent] = {}
        self._advance, self._total = sender.sending.advance, sender.content.size
        self._journal, self._tasks = journal, tasks
        self._bytes = 0

    def add(self, one: _Sent) -> None:
        """Count a part."""
        self.sent[one.part.ordinal] = one
        self._bytes += one.part.size
        self._advance(self._bytes, self._total)

    def wait_for_room(self, parallel: int) -> None:
        """Return when fewer than ``parallel`` parts are on their way. Raises what one raised."""
        while self._tasks.under_way >= parallel:
            self._keep(self._tasks.take())

    def leave(self, *, is_waiting: bool) -> None:
        """Begin no further try, and keep what the tasks bring, or it would be sent again.

        ``is_waiting`` waits for what is on its way; else only what has arrived is kept.
        """
        self._tasks.leave()
        while self._tasks.under_way:
            with suppress(Refused, VidctlError, Left):
                one = self._tasks.take() if is_waiting else next(self._tasks.ended(), None)
                if one is None:
                    return
                self._journal.save(one.part)

    def _keep(self, one: _Sent) -> None:
        reach("s3.part")
        self._journal.save(one.part)
        self.add(one)


def transfers(bucket: Bucket, key: str) -> list[str]:
    """Return the names of the unfinished transfers of one object."""
    return [str(said["UploadId"]) for said in unfinished(bucket, key) if str(said["Key"]) == key]


def unfinished(bucket: Bucket, prefix: str) -> list[Mapping[str, Any]]:
    """Return what the service says of the unfinished transfers below a prefix."""
    markers = {"KeyMarker": "NextKeyMarker", "UploadIdMarker": "NextUploadIdMarker"}
    pages = bucket.pages("list_multipart_uploads", markers, Prefix=prefix)
    return [said for page in pages for said in page.get("Uploads", ())]


def drop(bucket: Bucket, key: str, remote_id: str) -> None:
    """Drop the parts of a transfer; nothing happens when there are none."""
    with suppress(Refused):
        bucket.call("abort_multipart_upload", expect=("NoSuchUpload",), Key=key, UploadId=remote_id)


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()


def _base64(digest: bytes) -> str:
    return b64encode(digest).decode()


def _combined(digests: list[bytes]) -> str:
    """Return the ETag of an object made of parts: the MD5 of their MD5s, and how many."""
    return f"{_md5(b''.join(digests)).hex()}-{len(digests)}"
