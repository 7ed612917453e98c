"""Notifications: the service's own pass, and nothing else does."""

from __future__ import annotations

import hashlib
import threading
import time

import pytest
from servers.cloudinary import CloudinaryServer

from vidctl.hosts.cloudinary import SeenHere, verify_callback

SECRET = "Pp_n0t-a-real-s3cret"
NOW = 1_795_541_000.0
STAMP = str(int(NOW))
BODY = '{"notification_type":"upload","public_id":"vidctl/ä/1","bytes":1}'.encode()


def signed(body: bytes, stamp: str, secret: str = SECRET, algorithm: str = "sha1") -> str:
    return hashlib.new(algorithm, body + stamp.encode() + secret.encode()).hexdigest()


def passes(body: bytes, stamp: str, signature: str, *, secret: str = SECRET) -> bool:
    return verify_callback(body, stamp, signature, secret=secret, now=NOW)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_what_the_vendor_signs_passes(algorithm: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The SDK's own check is the measure; it reads its secret from settings of the process."""
    import cloudinary
    from cloudinary.utils import verify_notification_signature

    now = int(time.time())
    signature = signed(BODY, str(now), algorithm=algorithm)
    monkeypatch.setattr(cloudinary, "_config", cloudinary.Config())
    cloudinary.config(api_secret=SECRET)
    assert verify_notification_signature(BODY.decode(), now, signature, algorithm=algorithm)
    assert verify_callback(BODY, str(now), signature, secret=SECRET, now=time.time())


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_no_flipped_byte_passes(algorithm: str) -> None:
    signature = signed(BODY, STAMP, algorithm=algorithm)
    assert passes(BODY, STAMP, signature)
    tried = 0
    for at in range(len(BODY)):
        for bit in range(8):
            flipped = bytearray(BODY)
            flipped[at] ^= 1 << bit
            assert not passes(bytes(flipped), STAMP, signature)
            tried += 1
    for text, place in ((STAMP, 1), (signature, 2)):
        for at in range(len(text)):
            for bit in range(7):
                flipped_text = text[:at] + chr(ord(text[at]) ^ (1 << bit)) + text[at + 1 :]
                words = [BODY, STAMP, signature]
                words[place] = flipped_text
                assert not passes(*words)  # type: ignore[arg-type]
                tried += 1
    assert tried > 500


def test_an_added_or_missing_byte_does_not_pass() -> None:
    signature = signed(BODY, STAMP)
    for at in range(len(BODY) + 1):
        assert not passes(BODY[:at] + b" " + BODY[at:], STAMP, signature)
        assert not passes(BODY[:at] + BODY[at + 1 :], STAMP, signature) or at == len(BODY)
    # The hash does not see where the body ends and the timestamp begins.
    assert not passes(BODY + STAMP[:1].encode(), STAMP[1:], signature)
    plain = b"count=10"
    assert passes(plain, STAMP, signed(plain, STAMP))
    assert not passes(plain[:-1], "0" + STAMP, signed(plain, STAMP))


@pytest.mark.parametrize(
    ("age", "is_taken"),
    [(0, True), (7199, True), (7200, True), (7201, False), (-299, True), (-301, False)],
)
def test_old_ones_do_not_pass(age: int, is_taken: bool) -> None:
    stamp = str(int(NOW) - age)
    assert passes(BODY, stamp, signed(BODY, stamp)) is is_taken


@pytest.mark.parametrize(
    "stamp", ["", "0", "-1", "+1795541000", " 1795541000", "1795541000.0", "١٧٩٥٥٤١٠٠٠", "1e9", "x"]
)
def test_a_timestamp_must_be_one(stamp: str) -> None:
    assert not passes(BODY, stamp, signed(BODY, stamp))


@pytest.mark.parametrize("signature", ["", "0", "0" * 40, "0" * 64, "ä" * 40, "0" * 41, "\0" * 40])
def test_a_signature_must_be_one(signature: str) -> None:
    assert not passes(BODY, STAMP, signature)
    assert not passes(BODY, STAMP, signed(BODY, STAMP).upper())


def test_another_secret_and_none_do_not_pass() -> None:
    assert not passes(BODY, STAMP, signed(BODY, STAMP, "other"))
    assert not passes(BODY, STAMP, signed(BODY, STAMP, ""), secret="")


def accepts(body: bytes, signature: str, seen: SeenHere, now: float = NOW) -> bool:
    return verify_callback(body, STAMP, signature, secret=SECRET, now=now, seen=seen)


@pytest.mark.parametrize("algorithm", ["sha1", "sha256"])
def test_what_came_before_does_not_pass(algorithm: str) -> None:
    seen = SeenHere()
    signature = signed(BODY, STAMP, algorithm=algorithm)
    assert not accepts(BODY[:-1], signature, seen), "a forgery is not remembered"
    assert accepts(BODY, signature, seen)
    for age in (0, 60, 7199, 7200, 7201):
        assert not accepts(BODY, signature, seen, NOW + age)
    other = BODY + b" "
    assert accepts(other, signed(other, STAMP, algorithm=algorithm), seen)
    assert accepts(BODY, signature, SeenHere()), "each memory is its own"


def test_one_thread_of_many_accepts_it() -> None:
    seen, signature = SeenHere(), signed(BODY, STAMP)
    taken: list[bool] = []
    ready = threading.Barrier(8)

    def receive() -> None:
        ready.wait()
        taken.append(accepts(BODY, signature, seen))

    threads = [threading.Thread(target=receive) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 7 + [True]


def test_a_memory_is_bounded_and_forgets_what_is_too_old_anyway() -> None:
    seen = SeenHere(most=3)
    assert [seen.is_new(name, until=NOW + 100, now=NOW) for name in "aabcd"] == [
        *(True, False, True, True),
        False,  # it is full
    ]
    later = NOW + 101
    assert [seen.is_new(name, until=later + 100, now=later) for name in "dabc"] == [
        *(True, True, True),
        False,
    ]


def test_a_host_checks_with_its_own_secret() -> None:
    with CloudinaryServer() as server:
        host = server.host()
        stamp = str(int(time.time()))
        assert host.verify_callback(BODY, stamp, signed(BODY, stamp, server.secret))
        assert not host.verify_callback(BODY, stamp, signed(BODY, stamp, server.secret))
        assert host.verify_callback(
            BODY, stamp, signed(BODY, stamp, server.secret), seen=SeenHere()
        )
        assert not host.verify_callback(BODY, stamp, signed(BODY, stamp, "other"))
        assert server.calls == []
