"""What is particular about media on S3: settings, names, checks, and other services' ways."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from servers.s3 import ACCESS, KEY, SECRET, Call, S3Server, running_s3

from vidctl.errors import (
    AddressRefused,
    KeyRefused,
    MissingExtra,
    NotFound,
    NotVerified,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    UsageError,
)
from vidctl.hosts.s3 import S3Host
from vidctl.hosts.s3.bucket import Bucket, Found
from vidctl.hosts.s3.options import MOST_PARTS
from vidctl.hosts.s3.sending import part_size_of
from vidctl.model.media import Asset, Content, Orphan
from vidctl.ports import Sending
from vidctl.retry import Retry
from vidctl.transfer import PartReader

GROUP = "01jgzzzzzz7000000000000000"
PART = 64 << 10
DATA = os.urandom(3 * PART + 5)
CONTENT = Content(GROUP, hashlib.sha256(DATA).hexdigest(), len(DATA), ".mp4")
LOCATOR = f"{GROUP}/{CONTENT.sha256[:2]}/{CONTENT.sha256}.mp4"


def md5(data: bytes) -> Any:
    return hashlib.md5(data)


@pytest.fixture
def service() -> Iterator[S3Server]:
    with running_s3() as server:
        yield server


@pytest.fixture
def host(service: S3Server) -> Iterator[S3Host]:
    host = service.host("archive")
    yield host
    host.close()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "talk.mp4"
    path.write_bytes(DATA)
    return path


def made(**options: Any) -> S3Host:
    return S3Host.configured("archive", {"bucket": "media", **options}, lambda: KEY)


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "error", "hint"),
    [
        ({"bucket": ""}, UsageError, "vidctl config set hosts.archive.bucket BUCKET"),
        ({"bucket": "  "}, UsageError, "vidctl config set hosts.archive.bucket BUCKET"),
        ({"part_mb": 4.9}, UsageError, "vidctl config set hosts.archive.part_mb 8"),
        ({"prefix": "a//b"}, UsageError, "vidctl config set hosts.archive.prefix media"),
        ({"prefix": "../b"}, UsageError, "vidctl config set hosts.archive.prefix media"),
        ({"prefix": "a\nb"}, UsageError, "vidctl config set hosts.archive.prefix media"),
        (
            {"public_url": "files"},
            UsageError,
            "vidctl config set hosts.archive.public_url https://…",
        ),
        *[
            ({"endpoint": text}, UsageError, "vidctl config set hosts.archive.endpoint https://…")
            for text in (
                *("s3.example.org", "ftp://s3.example.org", "https://", "https://a:b@example.org"),
                *("https://example.org/bucket", "https://example.org?x=1", "https://example.org:x"),
            )
        ],
        *[
            (
                {"endpoint": text},
                AddressRefused,
                "vidctl config set hosts.archive.endpoint https://…",
            )
            for text in ("http://s3.example.org", "http://10.0.0.1:9000", "http://127.0.0.1.nip.io")
        ],
    ],
)
def test_settings_that_cannot_work(options: Any, error: type[Exception], hint: str) -> None:
    with pytest.raises(error) as caught:
        made(**options)
    assert caught.value.hint == hint  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "endpoint", ["", "https://s3.example.org/", "http://127.0.0.1:9000", "http://[::1]:1"]
)
def test_endpoints_that_can(endpoint: str) -> None:
    assert made(endpoint=endpoint).options.endpoint == endpoint.rstrip("/")


@pytest.mark.parametrize(
    "key", ["", "AKIA", "AKIA:", ":secret", "AKIA:s e", "AKIA:sé", "A:s:", "::"]
)
def test_keys_that_cannot_be_one(key: str, service: S3Server) -> None:
    with pytest.raises(KeyRefused, match="is not ACCESS_KEY_ID:SECRET_ACCESS_KEY") as caught:
        service.host("archive", key=key).check()
    assert caught.value.hint == "vidctl keys set archive"
    assert service.calls == []


def test_names(service: S3Server, source: Path) -> None:
    host = service.host(prefix="/my/media/", public_url="https://media.example.org/x/")
    host.put(source, CONTENT)
    assert list(service.objects) == [f"my/media/{LOCATOR}"]
    url = f"https://media.example.org/x/my/media/{LOCATOR}"
    assert host.url(LOCATOR) == url
    etag = md5(b"".join(md5(DATA[i : i + PART]).digest() for i in range(0, len(DATA), PART)))
    assert host.stat(LOCATOR) == Asset(LOCATOR, len(DATA), f"{etag.hexdigest()}-4", url)
    assert service.host().url(LOCATOR) == f"s3://{service.bucket}/{LOCATOR}"
    assert host.url("../x") == ""
    host.close()


def test_no_object_has_too_many_parts() -> None:
    for size in (0, 1, 10**9, 10**11, 5 << 40):
        part_size = part_size_of(size, 8 << 20)
        assert -(-size // part_size) <= MOST_PARTS
        assert part_size % (1 << 20) == 0
    assert part_size_of(10**9, 8 << 20) == 8 << 20


def test_what_sending_takes_is_what_it_asks(host: S3Host, service: S3Server, source: Path) -> None:
    for data in (DATA[:100], DATA):
        source.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        service.forget()
        host.put(source, replace(CONTENT, sha256=sha256, size=len(data)))
        assert host.meter(len(data)) == {"bytes": len(data), "requests": len(service.calls)}


def test_types_and_hashes_are_told(host: S3Host, service: S3Server, source: Path) -> None:
    host.put(source, CONTENT)
    held = service._held.keys[LOCATOR]
    assert held.metadata["content-type"] == "video/mp4"
    assert held.metadata["x-amz-meta-sha256"] == CONTENT.sha256


# --- nobody else's settings ---------------------------------------------------------------------

ASKS = """
import sys
sys.path.insert(0, "tests")
def refuse(event, arguments):
    if event == "open" and ".aws" in str(arguments[0]):
        raise AssertionError(arguments[0])
    if event == "socket.connect" and arguments[1][0] != "127.0.0.1":
        raise AssertionError(arguments[1])
sys.addaudithook(refuse)
from vidctl.hosts.s3 import S3Host
bucket, endpoint, key = sys.argv[1:]
host = S3Host.configured("s3", {"bucket": bucket, "endpoint": endpoint}, lambda: key)
print(host.check())
"""


def test_no_other_tools_settings_are_used(service: S3Server, tmp_path: Path) -> None:
    """Neither files in the home nor a profile, a key or an address from the environment."""
    (tmp_path / ".aws").mkdir()
    for name in ("config", "credentials"):
        text = "[default]\naws_access_key_id=AKIAOTHER\naws_secret_access_key=x\nregion=xx\n"
        (tmp_path / ".aws" / name).write_text(text + "endpoint_url=http://127.0.0.1:1\n")
    others = {
        "HOME": str(tmp_path),
        "AWS_PROFILE": "nobody",
        "AWS_ACCESS_KEY_ID": "AKIAOTHER",
        "AWS_SECRET_ACCESS_KEY": "other",
        "AWS_SESSION_TOKEN": "other",
        "AWS_ENDPOINT_URL": "http://127.0.0.1:1",
        "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1",
        "AWS_CONFIG_FILE": str(tmp_path / ".aws" / "config"),
        "AWS_MAX_ATTEMPTS": "7",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASKS, service.bucket, service.address, KEY],
        env={**os.environ, **others},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.startswith(f"bucket {service.bucket} at 127.0.0.1:"), done.stderr
    assert [call.what for call in service.calls] == ["head_bucket"]


def test_without_the_extra(host: S3Host, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(MissingExtra) as caught:
        host.check()
    assert caught.value.hint == 'pip install "vidctl[s3]"'


def test_two_hosts_at_once(service: S3Server, source: Path) -> None:
    with running_s3() as second:
        one, two = service.host("one"), second.host("two")
        assert (one.put(source, CONTENT).host, two.put(source, CONTENT).host) == ("one", "two")
        one.remove(LOCATOR)
        assert (list(service.objects), list(second.objects)) == ([], [LOCATOR])
        one.close()
        two.close()


# --- checking -----------------------------------------------------------------------------------


def test_what_is_there_is_checked_by_its_etag(
    host: S3Host, service: S3Server, source: Path
) -> None:
    """Also when the parts were of another size than they would be now."""
    host.part_size = PART // 2
    host.put(source, CONTENT)
    host.part_size = 2 * PART
    service.forget()
    host.put(source, CONTENT)
    assert [call.what for call in service.calls] == ["head"]


def test_reading_back_when_asked_to(service: S3Server, source: Path) -> None:
    host = service.host(verify="read")
    host.put(source, CONTENT)
    assert service.count("get") == 1
    service.forget()
    service.fault = lambda call: "spoil" if call.what == "get" else ""
    with pytest.raises(NotVerified):
        host.put(source, CONTENT)
    assert service.objects == {}
    host.close()


def lying(call: Call) -> str:
    return "wrong_etag" if call.what in ("head", "part", "put") else ""


def test_etags_that_are_no_checksums(host: S3Host, service: S3Server, source: Path) -> None:
    service.fault = lying
    for data in (DATA[:100], DATA[:PART]):
        source.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        host.put(source, replace(CONTENT, sha256=sha256, size=len(data)))
    assert service.count("get") == 2
    assert service.count("delete") == 0


def test_bits_that_rot_without_a_trace_are_found_by_reading(
    service: S3Server, source: Path, tmp_path: Path
) -> None:
    host = service.host(verify="read")
    host.put(source, CONTENT)
    held = service._held.keys[LOCATOR]
    etag = held.etag.strip('"')
    held.value = DATA[:-1] + b"\0"
    held._etag = etag
    host.put(source, CONTENT)
    assert service.objects == {LOCATOR: DATA}
    host.close()


@pytest.mark.parametrize("encryption", ["aws:kms", "aws:kms:dsse"])
def test_the_etag_of_an_encrypted_object_means_nothing(
    encryption: str, host: S3Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"ContentLength": 5, "ETag": '"abc"', "Metadata": {"part-size": "7"}}
    answers = iter([{**said, "ServerSideEncryption": encryption}, said])
    monkeypatch.setattr(Bucket, "call", lambda *_, **__: next(answers))
    bucket = host._bucket
    assert bucket.head("key") == Found(5, "", 7)
    assert bucket.head("key") == Found(5, "abc", 7)


def test_a_service_that_does_not_know_conditions(
    host: S3Host, service: S3Server, source: Path
) -> None:
    service.is_conditional = False
    for data in (DATA[:100], DATA[:200], DATA):
        source.write_bytes(data)
        sha256 = hashlib.sha256(data).hexdigest()
        host.put(source, replace(CONTENT, sha256=sha256, size=len(data)))
    assert len(service.objects) == 3
    # One request found out; the others did not ask again.
    assert service.count("put") == 3
    assert service.count("complete") == 1


def test_a_damaged_part_is_sent_again(host: S3Host, service: S3Server, source: Path) -> None:
    service.fault = lambda call: "digest" if (call.what, call.ordinal) == ("part", 2) else ""
    host.put(source, CONTENT)
    assert service.count("part") == 5
    assert service.objects == {LOCATOR: DATA}


# --- orphans ------------------------------------------------------------------------------------


def test_orphans_are_listed_and_aborted(service: S3Server, source: Path) -> None:
    host = service.host("archive", prefix="media")
    client = host._bucket._client.made()
    for key in (f"media/{LOCATOR}", LOCATOR, "media/somebody-elses.mp4", f"media/{LOCATOR}x"):
        client.create_multipart_upload(Bucket=service.bucket, Key=key)
    (orphan,) = host.orphans()
    assert orphan == Orphan("archive", orphan.remote_id, LOCATOR, orphan.started_at)
    assert orphan.started_at > 1_262_304_000_000
    for _ in range(2):
        host.abort(orphan.remote_id, orphan.locator)
        assert host.orphans() == []
    host.abort("", LOCATOR)
    host.abort("nothing", LOCATOR)
    assert service.unfinished == 3
    host.close()


def test_a_transfer_that_began_unheard_is_swept(
    host: S3Host, service: S3Server, source: Path
) -> None:
    service.fault = lambda call: "lost" if (call.what, call.ordinal) == ("begin", 1) else ""
    host.put(source, CONTENT)
    assert service.count("begin") == 2
    assert service.unfinished == 0


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "error", "message"),
    [
        ("key", KeyRefused, "does not accept the key of archive"),
        ("signature", KeyRefused, "does not accept the key of archive"),
        ("403", KeyRefused, "the key of archive may not do put_object in the bucket vidctl-"),
        ("skew", RemoteFailed, "the clock of this machine is wrong"),
        ("bucket", NotFound, "there is no bucket vidctl-"),
        ("region", RemoteFailed, "is in another region"),
        ("small", RemoteFailed, "wants larger parts"),
        ("large", RemoteFailed, "refused put_object: EntityTooLarge EntityTooLarge … …"),
        ("503", RateLimited, "asks for a pause"),
        ("500", RemoteUnavailable, "answered put_object with InternalError"),
        ("hang", RemoteUnavailable, "did not answer in time"),
        ("cut", RemoteUnavailable, "the connection to 127.0.0.1"),
    ],
)
def test_what_an_error_says(
    fault: str, error: type[Exception], message: str, service: S3Server, source: Path
) -> None:
    host = service.host("archive", timeout=0.3)
    host.retry = Retry(attempts=1)
    source.write_bytes(DATA[:10])
    content = replace(CONTENT, sha256=hashlib.sha256(DATA[:10]).hexdigest(), size=10)
    service.fault = lambda call: fault if call.what == "put" else ""
    with pytest.raises(error) as caught:
        host.put(source, content)
    assert message in str(caught.value)
    assert ACCESS not in str(caught.value)
    assert SECRET not in str(caught.value)
    host.close()


def test_a_pause_that_the_service_asks_for(service: S3Server, source: Path) -> None:
    host = service.host()
    pauses: list[float] = []
    host.sleep = pauses.append
    host.retry = Retry(base=0.001)
    service.faults.extend(["", "503", "429"])
    host.put(source, CONTENT)
    assert len(pauses) == 2
    assert max(pauses) < 0.01
    host.close()


def test_nobody_answers(source: Path) -> None:
    host = made(endpoint="http://127.0.0.1:1")
    host.retry = Retry(attempts=2, base=0.001)
    with pytest.raises(RemoteUnavailable, match=r"the connection to 127.0.0.1:1 failed or broke"):
        host.put(source, CONTENT)


def test_a_bucket_that_is_not_there(service: S3Server, source: Path) -> None:
    host = S3Host.configured(
        "archive", {"bucket": "another-bucket", "endpoint": service.address}, lambda: KEY
    )
    for act in (host.check, lambda: host.put(source, CONTENT), host.orphans):
        with pytest.raises(NotFound, match=r"there is no bucket another-bucket at 127\.0\.0\.1"):
            act()
    host.close()


def test_a_bucket_that_cannot_be_one(service: S3Server) -> None:
    host = S3Host.configured("s3", {"bucket": "a/ b", "endpoint": service.address}, lambda: KEY)
    with pytest.raises(UsageError, match="cannot be the name of a bucket"):
        host.check()
    host.close()


def test_memory_is_bounded_by_the_parts_on_their_way(
    service: S3Server, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While parts wait to leave, three more are read: one in hand and two ahead."""
    host = service.host(parallel=2)
    host.part_size = PART // 8
    read: list[int] = []
    part = PartReader._part

    def counted(reader: PartReader, file: BinaryIO, size: int) -> bytes:
        read.append(size)
        return part(reader, file, size)

    monkeypatch.setattr(PartReader, "_part", counted)
    may_leave = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        sending = Sending(pace=lambda size: may_leave.wait() and None)
        stored = pool.submit(host.put, source, CONTENT, sending)
        deadline = time.monotonic() + 20
        while len(read) < 5 and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.3)
        seen = len(read)
        may_leave.set()
        stored.result()
    assert seen == 5
    assert len(read) == 25
    host.close()
