"""One bucket: the vendor's client with our key and timeouts only, and requests tried again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from vidctl.errors import NotFound, RemoteUnavailable, Temporary
from vidctl.hosts.s3.client import Client
from vidctl.hosts.s3.refusals import Refused
from vidctl.model.media import Content
from vidctl.ports import Advance
from vidctl.retry import Retry
from vidctl.tasks import Tasks, attended

if TYPE_CHECKING:
    from vidctl.hosts.s3.options import Options

T = TypeVar("T")
Answer = dict[str, Any]

BLOCK = 1 << 20
# Services that do not know If-None-Match say so in one of these ways.
_UNCONDITIONAL = ("NotImplemented", "InvalidArgument")
_EXISTS = "PreconditionFailed"
# ETags of objects encrypted with these are no MD5.
_KMS = "aws:kms"


def _nowhere(block: bytes) -> object: ...


def _at_once() -> None: ...


@dataclass(frozen=True, slots=True)
class Found:
    """What a HEAD says of an object; ``part_size`` is 0 unless it was sent in parts by vidctl.

    ``etag`` is empty where it is known to be no checksum.
    """

    size: int
    etag: str
    part_size: int


class Bucket:
    """The bucket of ``options``, at the service that the key belongs to.

    ``key`` is asked for at the first request. Every method raises what ``Translator`` makes, and
    tries again what may pass, as ``retry`` says. Requests are made by the calling thread, see
    ``during`` and ``inside`` for those that can be left.
    """

    def __init__(self, options: Options, key: Callable[[], str]) -> None:
        self.options = options
        self.retry = Retry()
        self.sleep: Callable[[float], None] = time.sleep
        self._client = Client(options, key)
        self._heed: Callable[[], None] | None = None
        self._is_in_task = False

    def during(self, heed: Callable[[], None]) -> Bucket:
        """Return this bucket for work that ends when ``heed`` raises, and calls it all along.

        Requests and pauses are left behind in threads of their own.
        """
        bucket = copy(self)
        bucket._heed = heed
        return bucket

    def inside(self, check: Callable[[], None]) -> Bucket:
        """Return this bucket for a task that can be left: ``check`` raises before another try."""
        bucket = self.during(check)
        bucket._is_in_task = True
        return bucket

    @property
    def place(self) -> str:
        """The service's address, as people know it."""
        return self._client.place

    def head(self, key: str) -> Found | None:
        """Return what is under a key, None for nothing."""
        try:
            said = self.call("head_object", expect=("404", "NoSuchKey"), Key=key)
        except Refused:
            return None
        is_checksum = not str(said.get("ServerSideEncryption", "")).startswith(_KMS)
        etag = str(said.get("ETag", "")).strip('"') if is_checksum else ""
        part_size = str(said.get("Metadata", {}).get("part-size", ""))
        size = int(part_size) if part_size.isascii() and part_size.isdigit() else 0
        return Found(int(said.get("ContentLength", -1)), etag, size)

    def create(self, operation: str, **parameters: Any) -> None:
        """Make an object by ``put_object`` or ``complete_multipart_upload`` unless it is there.

        Nothing happens when there is one already, which may be ours: a request whose answer was
        lost is made again. Raises Refused for NoSuchUpload.
        """
        forgotten = ("NoSuchUpload",)
        if self._client.is_conditional:
            expect = (*forgotten, *_UNCONDITIONAL, _EXISTS)
            try:
                self.call(operation, expect=expect, IfNoneMatch="*", **parameters)
            except Refused as refused:
                if refused.code == _EXISTS:
                    return
                if refused.code in forgotten:
                    raise
            else:
                return
        self.call(operation, expect=forgotten, **parameters)
        self._client.is_conditional = False

    def read(
        self,
        key: str,
        content: Content,
        write: Callable[[bytes], object] = _nowhere,
        advance: Advance | None = None,
    ) -> bool:
        """Read an object and tell whether it is those bytes; ``write`` gets each block.

        A reading that breaks goes on where it broke; one that grows too long ends early. Raises
        NotFound when there is no object.
        """
        digest = hashlib.sha256()
        done = 0

        def read_on() -> bool:
            nonlocal done
            with closing(self._blocks(key, done, content.size)) as blocks:
                for block in blocks:
                    if done + len(block) > content.size:
                        return False
                    write(block)
                    digest.update(block)
                    done += len(block)
                    if advance is not None:
                        advance(done, content.size)
            return done == content.size

        while True:
            before = done
            try:
                is_whole = self.retry.call(read_on, sleep=self.sleep, heed=self._heed)
            except Temporary:
                # A long reading may break more often than a request is tried.
                if done - before < BLOCK:
                    raise
            else:
                return is_whole and digest.hexdigest() == content.sha256

    def _blocks(self, key: str, start: int, size: int) -> Generator[bytes, None, None]:
        """Yield an object's bytes from an offset on, none when it ends before."""
        if start and start == size:
            return
        span = {"Range": f"bytes={start}-"} if start else {}
        parameters = {"Bucket": self.options.bucket, "Key": key, **span}
        client = self._client
        get = client.operation("get_object", ("NoSuchKey", "InvalidRange"), parameters)
        try:
            answer = self._do(get)
        except Refused as refused:
            if refused.code == "NoSuchKey":
                raise NotFound(f"the file is gone from {self.options.name}") from None
            return
        # As a context manager it gives the stream below it, which takes a short answer for whole.
        body = answer["Body"]

        def read() -> bytes:
            with client.translated("get_object"):
                block: bytes = body.read(BLOCK)
                return block

        try:
            if start and not str(answer.get("ContentRange", "")).startswith(f"bytes {start}-"):
                raise RemoteUnavailable(f"{self.place} does not go on where a reading broke")
            while block := self._do(read):
                yield block
        finally:
            self._let_go(body)

    def _let_go(self, body: Any) -> None:
        """Close an answer; where a thread that was left still reads it, that one is waited for."""
        if self._heed is None:
            body.close()
        else:
            Tasks("s3", self._heed).begin(body.close)

    def pages(
        self, operation: str, markers: Mapping[str, str], **parameters: Any
    ) -> Iterator[Answer]:
        """Yield the pages of a list; ``markers`` says which answer each next question repeats."""
        while True:
            page = self.call(operation, **parameters)
            yield page
            if not page.get("IsTruncated"):
                return
            parameters |= {ask: page[told] for ask, told in markers.items()}

    def call(
        self,
        operation: str,
        *,
        expect: Collection[str] = (),
        before: Callable[[], None] = _at_once,
        **parameters: Any,
    ) -> Answer:
        """Make a request about the bucket; ``before`` each try something may have to be waited for.

        Raises Refused for the codes in ``expect``.
        """

        request = {"Bucket": self.options.bucket, **parameters}

        def ask() -> Answer:
            act = self._client.operation(operation, expect, request)

            def leave() -> Answer:
                before()
                return act()

            return self._do(leave)

        return self.retry.call(ask, sleep=self.sleep, heed=self._heed)

    def missing(self) -> NotFound:
        """Return the error for a bucket that is not there."""
        return self._client.said.no_bucket()

    def close(self) -> None:
        """Give connections back; the next request makes new ones."""
        self._client.close()

    def _do(self, act: Callable[[], T]) -> T:
        """Do something that may take long, for as long as somebody waits for it."""
        if self._heed is None:
            return act()
        if self._is_in_task:
            self._heed()
            return act()
        return attended(act, self._heed, name="s3")
