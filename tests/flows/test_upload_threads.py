"""Many files at a time: how much faster that is when a service takes its time, and how bounded."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Runner
from servers.cloudinary import CloudinaryServer
from upload_samples import broken, tones

from vidctl import batch
from vidctl.config import Config
from vidctl.journey.ingest import Details
from vidctl.library import Library
from vidctl.progress import Silent

COUNT = 40
# tests/benchmarks/uploads.py measures the five times of a thousand files; others work here too.
LEAST_RATIO = 3.0


@pytest.fixture
def service() -> Iterator[CloudinaryServer]:
    with CloudinaryServer(latency=0.05) as server:
        yield server


def test_eight_at_a_time_are_several_times_faster(
    run: Runner, library: Path, service: CloudinaryServer
) -> None:
    run.ok("config", "set", "media.host", "cloudinary")
    run.ok("config", "set", "hosts.cloudinary.api", service.address)
    env = {"CLOUDINARY_URL": service.key_text}
    tones(run.folder / "warm", 1, first=9000)
    run.ok("upload", "warm", env=env)
    taken = {}
    for jobs, first in (("1", 0), ("8", COUNT)):
        tones(run.folder / jobs, COUNT, first=first)
        began = time.monotonic()
        found = run.ok("upload", jobs, "-j", jobs, "--no-loudness", "--json", env=env).data
        taken[jobs] = time.monotonic() - began
        assert found["new"] == COUNT
    assert len(service.of("upload")) == 2 * COUNT + 1
    assert taken["1"] / taken["8"] >= LEAST_RATIO, taken


def test_what_is_kept_does_not_grow_with_the_files(
    run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Results beyond the listed ones are counted and forgotten."""
    monkeypatch.setattr("vidctl.batch.tally.LISTED", 10)
    files = tones(run.folder / "in", 60)
    (run.folder / "text.mp3").write_text("no sound", encoding="utf-8")
    run.ok("upload", "in")
    opened = Library.open(Config(start=run.folder, environ={}, flags={"db": str(library)}))
    names = [str(file) for file in files]

    def growth(times: int) -> int:
        tracemalloc.start()
        outcome = batch.upload(
            opened, names * times, Details(), plan=batch.Plan(jobs=3), report=Silent()
        )
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert outcome.data["known"] == 60, "each file once, however often it is named"
        assert len(outcome.data["items"]) == 10
        assert "60 items; the first 10 are listed" in outcome.notes
        return size

    growth(1)
    assert growth(20) < growth(1) + 400_000
    outcome = batch.upload(
        opened, [str(run.folder / "text.mp3")], Details(), plan=batch.Plan(), report=Silent()
    )
    assert [error.code for error in outcome.errors] == ["invalid_media"]
    opened.close()


class Screen(Silent):
    """Remembers which items have a bar."""

    def __init__(self) -> None:
        self.bars: set[str] = set()
        self.most = 0

    def step(self, item: str, stage: str) -> None:
        """Draw a bar."""
        self.bars.add(item)
        self.most = max(self.most, len(self.bars))

    def finish(self, item: str, summary: str) -> None:
        """Take it away."""
        self.bars.discard(item)

    def drop(self, item: str) -> None:
        """Take it away."""
        self.bars.discard(item)


@pytest.mark.parametrize("is_rehearsal", [False, True])
@pytest.mark.parametrize("jobs", [1, 3])
def test_a_file_that_fails_leaves_no_bar_behind(
    run: Runner, library: Path, jobs: int, is_rehearsal: bool
) -> None:
    tones(run.folder / "in", 6)
    broken(run.folder / "in", 6)
    screen = Screen()
    opened = Library.open(Config(start=run.folder, environ={}, flags={"db": str(library)}))
    plan = batch.Plan(jobs=jobs, max_items=5, is_rehearsal=is_rehearsal)
    batch.upload(opened, [str(run.folder / "in")], Details(), plan=plan, report=screen)
    opened.close()
    assert screen.bars == set()
    assert 0 < screen.most <= jobs
