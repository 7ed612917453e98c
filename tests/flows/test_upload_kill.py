"""SIGKILL and failing disks while parts are on their way to a service: nothing is lost or doubled.

A rerun goes on where the killed one was: each file is one item and one asset, and at most one part
is sent a second time for each kill.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_samples import tone
from harness import Runner
from servers.cloudinary import CloudinaryServer

from vidctl import failpoints

VIDCTL = [sys.executable, "-m", "vidctl"]
PART = 1 << 16
# Sizes in seconds of 16 kB each: two, five and one part, and one that is cut evenly.
SECONDS = (7.0, 20.0, 1.0)
PARTS = 2 + 5 + 1
UPLOAD = ("upload", "in", "--no-loudness")

POINTS = [
    *(("upload.part.sent", visit) for visit in (1, 2, 3, 5)),
    *(("upload.part.saved", visit) for visit in (1, 3, 5)),
    *(("upload.completed", visit) for visit in (1, 2)),
    *(("ingest.copied", visit) for visit in (1, 3)),
    *(("upload.recorded", visit) for visit in (1, 2)),
    *(("store.commit", visit) for visit in (2, 5, 9)),
]


@pytest.fixture
def service() -> Iterator[CloudinaryServer]:
    """A slow service: time enough to be killed in."""
    with CloudinaryServer(least_part=PART, latency=0.02) as server:
        yield server


@pytest.fixture
def cloud(run: Runner, library: Path, service: CloudinaryServer) -> Runner:
    """Three files to take in, and a library that sends media in small parts."""
    (run.folder / "in").mkdir()
    for number, seconds in enumerate(SECONDS):
        tone(run.folder / "in" / f"talk-{number}.wav", seconds=seconds, pitch=300 + 50 * number)
    run.ok("config", "set", "media.host", "cloudinary")
    run.ok("config", "set", "hosts.cloudinary.api", service.address)
    run.ok("config", "set", "hosts.cloudinary.part_mb", str(PART / 1e6))
    return run


def upload(cloud: Runner, service: CloudinaryServer, *words: str) -> Any:
    return cloud(*UPLOAD, "--json", *words, env={"CLOUDINARY_URL": service.key_text})


def start(cloud: Runner, service: CloudinaryServer, **env: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*VIDCTL, *UPLOAD],
        cwd=cloud.folder,
        env={**os.environ, "CLOUDINARY_URL": service.key_text, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def assert_whole(cloud: Runner, service: CloudinaryServer, *, kills: int) -> None:
    """Check the end state of a finished run against the service's own ledger."""
    items = cloud.ok("podcasts", "list", "--json").data["items"]
    assert sorted(item["slug"] for item in items) == [f"talk-{n}" for n in range(len(SECONDS))]
    files = sorted((cloud.folder / "in").glob("*.wav"))
    stored = sorted(service.content(*place) for place in service.assets)
    assert stored == sorted(file.read_bytes() for file in files), "one asset each, byte for byte"
    sent = len(service.of("upload"))
    assert sent <= PARTS + kills, f"{sent} parts sent of {PARTS}, after {kills} kills"
    assert cloud.ok("uploads", "list", "--json").data["items"] == []
    doctor = cloud("doctor", "--json", env={"CLOUDINARY_URL": service.key_text})
    assert doctor.code == 0, doctor
    before = len(service.of("upload"))
    assert upload(cloud, service).data["known"] == len(SECONDS)
    assert len(service.of("upload")) == before


def test_nothing_is_sent_twice_when_nothing_happens(
    cloud: Runner, service: CloudinaryServer
) -> None:
    assert upload(cloud, service).code == 0
    assert len(service.of("upload")) == PARTS
    assert_whole(cloud, service, kills=0)


@pytest.mark.parametrize(("point", "visit"), POINTS)
def test_kill_at_a_named_point_of_an_upload(
    cloud: Runner, service: CloudinaryServer, point: str, visit: int
) -> None:
    process = start(cloud, service, VIDCTL_FAILPOINT=f"{point}:{visit}:kill")
    assert process.wait(60) == -signal.SIGKILL, "the point was never reached"
    assert upload(cloud, service).code == 0
    assert_whole(cloud, service, kills=1)


def kill_at_random(cloud: Runner, service: CloudinaryServer, seed: int, rounds: int) -> None:
    chance = random.Random(seed)
    kills = 0
    for _ in range(rounds):
        sent = len(service.of("upload"))
        process = start(cloud, service)
        # From the first sign of life at the service on: starting takes most of the time.
        deadline = time.monotonic() + 60
        while not service.calls[sent:] and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(chance.uniform(0, 0.6))
        process.kill()
        kills += process.wait(60) != 0
    assert upload(cloud, service).code == 0
    assert_whole(cloud, service, kills=kills)


@pytest.mark.parametrize("seed", range(2))
def test_kill_at_random_moments_of_an_upload(
    cloud: Runner, service: CloudinaryServer, seed: int
) -> None:
    kill_at_random(cloud, service, seed, rounds=5)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(200, 220))
def test_kill_at_a_hundred_random_moments_of_an_upload(
    cloud: Runner, service: CloudinaryServer, seed: int
) -> None:
    kill_at_random(cloud, service, seed, rounds=5)


def test_every_point_exists() -> None:
    import vidctl

    root = Path(vidctl.__file__).parent
    source = "".join(file.read_text(encoding="utf-8") for file in root.rglob("*.py"))
    assert [name for name, _ in POINTS if f'reach("{name}")' not in source] == []


# --- disks that fail ----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["enospc", "eio"])
@pytest.mark.parametrize("visit", [*range(1, 15), 18, 22])
def test_a_library_disk_that_fails_at_any_write_of_an_upload(
    cloud: Runner, service: CloudinaryServer, visit: int, action: str
) -> None:
    """The journal, the ledger and the item are all written in transactions."""
    service.latency = 0.0
    failpoints.arm(f"store.commit:{visit}:{action}")
    result = upload(cloud, service)
    failpoints.arm("")
    if result.code:
        codes = {error["code"] for error in result.envelope["errors"]}
        assert codes <= {"disk_full", "storage"}, result
    assert upload(cloud, service).code == 0
    assert_whole(cloud, service, kills=1)


@pytest.mark.parametrize("visit", [1, 2, 3, 5])
def test_a_file_that_cannot_be_read_half_way_is_one_error(
    cloud: Runner, service: CloudinaryServer, visit: int
) -> None:
    service.latency = 0.0
    failpoints.arm(f"transfer.read:{visit}:eio")
    result = upload(cloud, service)
    failpoints.arm("")
    assert (result.code, result.envelope["data"]["new"]) == (3, 2), result
    (error,) = result.envelope["errors"]
    assert (error["code"], Path(error["item"]).suffix) == ("storage", ".wav")
    assert upload(cloud, service).code == 0
    assert_whole(cloud, service, kills=1)
