"""One bucket: the vendor's client with our key and timeouts only, and requests tried again."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from vidctl.errors import MissingExtra, NotFound, RemoteUnavailable, Temporary
from vidctl.hosts.s3.refusals import Refused, Translator
from vidctl.model.media import Content
from vidctl.ports import Advance
from vidctl.retry import Retry

if TYPE_CHECKING:
    from vidctl.hosts.s3.options import Options

T = TypeVar("T")
Answer = dict[str, Any]

BLOCK = 1 << 20
LONGEST_CONNECT = 10.0
# With no region, Amazon's first one is asked, which names the right one; others do not care.
ANY_REGION = "us-east-1"
AMAZON = "Amazon S3"
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
    tries again what may pass, as ``retry`` says.
    """

    def __init__(self, options: Options, key: Callable[[], str]) -> None:
        self.options = options
        self.retry = Retry()
        self.sleep: Callable[[float], None] = time.sleep
        self.is_conditional = True
        self._key = key
        self._lock = threading.Lock()
        self._client: Any = None
        self._said = self._translator(())

    @property
    def place(self) -> str:
        """The service's address, as people know it."""
        return urlsplit(self.options.endpoint).netloc or AMAZON

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
        if self.is_conditional:
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
        self.is_conditional = False

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
                is_whole = self.retry.call(read_on, sleep=self.sleep)
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
        client = self._made()
        try:
            with self._translated("get_object", ("NoSuchKey", "InvalidRange")):
                answer = client.get_object(Bucket=self.options.bucket, Key=key, **span)
        except Refused as refused:
            if refused.code == "NoSuchKey":
                raise NotFound(f"the file is gone from {self.options.name}") from None
            return
        # As a context manager it gives the stream below it, which takes a short answer for whole.
        with closing(answer["Body"]) as body:
            if start and not str(answer.get("ContentRange", "")).startswith(f"bytes {start}-"):
                raise RemoteUnavailable(f"{self.place} does not go on where a reading broke")
            while True:
                with self._translated("get_object", ()):
                    block = body.read(BLOCK)
                if not block:
                    return
                yield block

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

        def ask() -> Answer:
            client = self._made()
            before()
            with self._translated(operation, expect):
                answer: Answer = getattr(client, operation)(
                    Bucket=self.options.bucket, **parameters
                )
                return answer

        return self.retry.call(ask, sleep=self.sleep)

    def missing(self) -> NotFound:
        """Return the error for a bucket that is not there."""
        return self._said.no_bucket()

    def close(self) -> None:
        """Give connections back; the next request makes new ones."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def _translated(self, operation: str, expect: Collection[str]) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError
        from urllib3.exceptions import HTTPError

        try:
            yield
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            if code in expect:
                raise Refused(code) from None
            # The vendor's own text may hold more than ours shows.
            raise self._said.refusal(error.response, operation) from None
        except (BotoCoreError, HTTPError, OSError) as error:
            raise self._said.broken(error) from error

    def _made(self) -> Any:
        with self._lock:
            if self._client is None:
                access, secret, token = self._parts_of_key()
                self._said = self._translator((access, secret, token))
                self._client = _client(self.options, access, secret, token)
            return self._client

    def _translator(self, secrets: Collection[str]) -> Translator:
        return Translator(self.options.name, self.place, self.options.bucket, secrets)

    def _parts_of_key(self) -> tuple[str, str, str]:
        """Return access key id, secret and session token, the last empty where there is none."""
        parts = self._key().strip().split(":", 2)
        text = "".join(parts)
        is_plain = text.isascii() and text.isprintable() and " " not in text
        if len(parts) < 2 or not all(parts) or not is_plain:
            raise self._said.malformed()
        access, secret, token = (*parts, "")[:3]
        return access, secret, token


def _client(options: Options, access: str, secret: str, token: str) -> Any:
    """Return the vendor's client; nothing in ``~/.aws`` and no other key is looked for."""
    try:
        import boto3
        from botocore.config import Config
        from botocore.loaders import Loader
        from botocore.session import Session
    except ImportError as error:
        raise MissingExtra("S3 needs boto3", hint='pip install "vidctl[s3]"') from error

    files = ("config_file", "credentials_file")
    session = Session(
        session_vars={
            "profile": (None, None, None, None),
            **dict.fromkeys(files, (None, None, os.devnull, None)),
        }
    )
    session.register_component("data_loader", Loader(include_default_search_paths=False))
    session.get_component("data_loader").search_paths.append(Loader.BUILTIN_DATA_PATH)
    config = Config(
        connect_timeout=min(options.timeout, LONGEST_CONNECT),
        read_timeout=options.timeout,
        # Ours know of pauses that the service asks for, and end.
        retries={"total_max_attempts": 1, "mode": "standard"},
        max_pool_connections=options.parallel + 2,
        signature_version="s3v4",
        s3={"addressing_style": "path" if options.endpoint else "auto"},
        # Many services know no others than Content-MD5, which we send.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        ignore_configured_endpoint_urls=True,
        user_agent_extra="vidctl",
    )
    return boto3.session.Session(botocore_session=session).client(
        "s3",
        region_name=options.region or ANY_REGION,
        endpoint_url=options.endpoint or None,
        aws_access_key_id=access,
        aws_secret_access_key=secret,
        aws_session_token=token or None,
        config=config,
    )
