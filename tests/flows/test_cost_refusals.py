"""Refusals: what a service did not bill is taken off the ledger, and all that it may have stays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cost_samples import DEAR, counted, dear_cloud, pay, shown, sized, upload
from harness import Runner
from servers.cloudinary import CloudinaryServer
from servers.s3 import KEY, S3Server, running_s3

from vidctl.config import Config
from vidctl.errors import (
    AddressRefused,
    Conflict,
    EngineUnavailable,
    KeyRefused,
    MissingExtra,
    MissingKey,
    NotFound,
    NotVerified,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    UsageError,
    VidctlError,
)
from vidctl.library import Library
from vidctl.retry import Retry

PART = 1 << 16
# A file of three parts and a bit.
LARGE = 3 * PART + 1_000


@pytest.fixture
def cloud(
    run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudinaryServer]:
    with dear_cloud(run, monkeypatch, least_part=PART) as server:
        run.ok("config", "set", "hosts.cloudinary.part_mb", str(PART / (1 << 20)))
        yield server


@pytest.fixture
def bucket(run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[S3Server]:
    monkeypatch.setenv("VIDCTL_S3_KEY", KEY)
    with running_s3() as server:
        for key, value in (
            ("media.host", "s3"),
            ("hosts.s3.bucket", server.bucket),
            ("hosts.s3.endpoint", server.address),
            ("hosts.s3.part_mb", "5"),
            ("hosts.s3.parallel", "1"),
            ("prices.s3.gigabyte", DEAR),
        ):
            run.ok("config", "set", key, value)
        yield server


@pytest.fixture
def opened(run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Library]:
    monkeypatch.chdir(run.folder)
    made = Library.open(Config())
    yield made
    made.close()


def states(run: Runner) -> list[str]:
    return [row["state"] for row in shown(run)]


# --- whoever calls a service --------------------------------------------------------------------

UNASKED = (UsageError, MissingKey, MissingExtra, EngineUnavailable, AddressRefused)
REFUSED = (KeyRefused, NotFound, Conflict, RateLimited, RemoteFailed)
UNSURE = (*REFUSED, RemoteUnavailable, NotVerified, KeyboardInterrupt, RuntimeError)


@pytest.mark.parametrize("kind", [*UNASKED, *UNSURE])
def test_a_failure_counts_unless_nobody_was_asked(
    opened: Library, kind: type[BaseException]
) -> None:
    with pytest.raises(kind):
        pay(opened, kind("no"))
    is_unsure = kind in UNSURE
    assert counted(opened) == ([("unknown", 0.006)] if is_unsure else [])
    pay(opened)
    assert counted(opened) == [("spent", 0.006)] * (2 if is_unsure else 1)


@pytest.mark.parametrize("kind", REFUSED)
def test_a_refusal_that_is_not_billed_is_taken_off(
    opened: Library, kind: type[VidctlError]
) -> None:
    refusal = kind("no")
    refusal.is_unbilled = True
    with pytest.raises(kind):
        pay(opened, refusal)
    assert counted(opened) == []


def failing(*errors: VidctlError) -> Callable[[], None]:
    """Return a request that fails in one way after the other."""
    left = list(errors)

    def ask() -> None:
        raise left.pop(0)

    return ask


def unbilled(error: VidctlError) -> VidctlError:
    error.is_unbilled = True
    return error


@pytest.mark.parametrize(
    ("errors", "is_unbilled"),
    [
        ([unbilled(KeyRefused())], True),
        ([unbilled(RateLimited()), unbilled(KeyRefused())], True),
        ([unbilled(RateLimited())] * 3, True),
        ([RemoteUnavailable(), unbilled(KeyRefused())], False),
        ([RemoteUnavailable(), unbilled(RateLimited()), unbilled(RateLimited())], False),
        ([unbilled(RateLimited()), unbilled(RateLimited()), RemoteUnavailable()], False),
        ([KeyRefused()], False),
    ],
)
def test_after_a_lost_answer_a_refusal_proves_nothing(
    errors: list[VidctlError], is_unbilled: bool
) -> None:
    with pytest.raises(VidctlError) as caught:
        Retry(attempts=3).call(failing(*errors), sleep=lambda seconds: None)
    assert caught.value is errors[-1]
    assert caught.value.is_unbilled == is_unbilled


def test_a_refusal_takes_nothing_off_that_a_former_try_may_have_cost(opened: Library) -> None:
    with pytest.raises(RateLimited):
        pay(opened, RateLimited(), mode="resume")
    assert counted(opened) == [("unknown", 0.006)]
    for error in (MissingKey(), unbilled(KeyRefused())):
        with pytest.raises(MissingKey):
            pay(opened, error, mode="resume")
        assert counted(opened) == [("unknown", 0.006)], "of the first try something was sent"
    pay(opened, mode="resume")
    assert counted(opened) == [("spent", 0.006)]


# --- Cloudinary: what is stored is billed -------------------------------------------------------


def refusing(server: CloudinaryServer, what: str, faults: dict[int, str]) -> None:
    """Have requests of a sort meet faults, by their number from 0 among those of that sort."""
    seen = 0

    def choose(call: dict[str, object]) -> str:
        nonlocal seen
        if call["what"] != what:
            return ""
        seen += 1
        return faults.get(seen - 1, faults.get(-1, ""))

    server.fault = choose


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "409", "420"])
@pytest.mark.parametrize(("size", "part"), [(10_000, 0), (LARGE, 0), (LARGE, 2), (LARGE, 3)])
def test_an_upload_that_cloudinary_refuses_is_taken_off(
    run: Runner, cloud: CloudinaryServer, status: str, size: int, part: int
) -> None:
    (file,) = sized(run, size=size)
    refusing(cloud, "upload", {part: status})
    assert upload(run, file).code != 0
    assert cloud.assets == {}
    assert states(run) == []
    cloud.fault = None
    assert upload(run, file).code == 0
    assert states(run) == ["spent"]


@pytest.mark.parametrize(
    ("size", "faults"),
    [
        (10_000, {0: "cut", 1: "400"}),
        (10_000, {0: "500", 1: "401"}),
        (LARGE, {3: "cut", 4: "400"}),
        (LARGE, {3: "503", 4: "403"}),
        (10_000, {-1: "flip"}),
        (10_000, {-1: "cut"}),
    ],
)
def test_an_upload_that_cloudinary_may_have_stored_counts(
    run: Runner, cloud: CloudinaryServer, size: int, faults: dict[int, str]
) -> None:
    (file,) = sized(run, size=size)
    refusing(cloud, "upload", faults)
    assert upload(run, file).code != 0
    assert states(run) == ["unknown"]
    cloud.fault = None
    assert upload(run, file).code == 0
    assert states(run) == ["spent"], "the same bytes were gone on with"


def test_a_lost_answer_to_an_early_part_stores_nothing(
    run: Runner, cloud: CloudinaryServer
) -> None:
    (file,) = sized(run, size=LARGE)
    refusing(cloud, "upload", {0: "lost", 3: "400"})
    assert upload(run, file).code != 0
    assert cloud.assets == {}
    assert states(run) == []


def test_a_refusal_to_deliver_what_is_stored_counts(run: Runner, cloud: CloudinaryServer) -> None:
    (file,) = sized(run)
    cloud.fault = lambda call: {"upload": "no_etag", "delivery": "403"}.get(str(call["what"]), "")
    assert upload(run, file).code != 0
    assert states(run) == ["unknown"]


def test_a_key_that_cannot_be_one_costs_nothing(
    run: Runner, cloud: CloudinaryServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = sized(run)
    monkeypatch.setenv("VIDCTL_CLOUDINARY_KEY", "what is a key")
    assert upload(run, file).code == 4
    assert states(run) == []


# --- S3: every answer but 5xx is billed ---------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "fault"),
    [
        *(("head", "403"), ("head", "key"), ("head", "full")),
        *(("put", "403"), ("put", "key"), ("put", "full"), ("put", "bucket"), ("put", "large")),
    ],
)
def test_a_request_that_s3_refuses_counts(
    run: Runner, bucket: S3Server, what: str, fault: str
) -> None:
    (file,) = sized(run)
    bucket.fault = lambda call: fault if call.what == what else ""
    assert upload(run, file).code != 0
    assert states(run) == ["unknown"]
    bucket.fault = None
    assert upload(run, file).code == 0
    assert states(run) == ["spent"]


@pytest.mark.parametrize("part", [1, 2, 3])
def test_parts_that_came_before_a_refusal_count(run: Runner, bucket: S3Server, part: int) -> None:
    (file,) = sized(run, size=2 * (5 << 20) + 1_000)
    bucket.fault = lambda call: "key" if (call.what, call.ordinal) == ("part", part) else ""
    assert upload(run, file).code == 4
    assert states(run) == ["unknown"]
    bucket.fault = None
    assert upload(run, file).code == 0
    assert states(run) == ["spent"]


def test_a_key_that_is_none_of_s3_costs_nothing(
    run: Runner, bucket: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = sized(run)
    monkeypatch.setenv("VIDCTL_S3_KEY", "what is a key")
    assert upload(run, file).code == 4
    assert states(run) == []
    assert bucket.calls == []
