"""SIGKILL anywhere in upload, transcribe and index: a rerun finishes, nothing lost or doubled."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from flow_samples import captioned
from harness import Runner

VIDCTL = [sys.executable, "-m", "vidctl"]
FILES = 3
LINES = [f"Line {number} speaks of chapter and verse." for number in range(40)]
UPLOAD = ("upload", "in", "--process")

# Every named point that these commands pass, and how often to let them pass before.
POINTS = [
    *(
        (f"copy.{step}", visit)
        for step in ("open", "write", "fsync", "replace", "done")
        for visit in (1, 3)
    ),
    *((f"ingest.{step}", visit) for step in ("copied", "derived") for visit in (1, 2, 3)),
    *(("store.commit", visit) for visit in (1, 2, 4, 7, 11, 15)),
    *(("store.committed", visit) for visit in (1, 2, 4, 7, 11, 15)),
    *((f"transcribe.{step}", visit) for step in ("part", "saved") for visit in (1, 3)),
    *(("index.chunked", visit) for visit in (1, 2, 3)),
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A library with settings that need no model, and three files to take in."""
    folder = tmp_path / "project"
    (folder / "in").mkdir(parents=True)
    for number in range(FILES):
        captioned(folder / "in" / f"talk-{number}.wav", LINES, pitch=300 + 50 * number)
    vidctl(folder, "init")
    vidctl(folder, "config", "set", "embed.engine", "none")
    vidctl(folder, "config", "set", "chunk.words", "40")
    vidctl(folder, "config", "set", "chunk.overlap", "5")
    return folder


def vidctl(folder: Path, *words: str) -> Any:
    """Run a command to its end, in this process, and return the data of its envelope."""
    with pytest.MonkeyPatch.context() as patch:
        return Runner(patch, folder).ok(*words, "--json").data


def start(folder: Path, words: Sequence[str], **env: str) -> subprocess.Popen[bytes]:
    """Start a command that will not live long."""
    return subprocess.Popen(
        [*VIDCTL, *words],
        cwd=folder,
        env={**os.environ, **env},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def assert_whole(folder: Path) -> None:
    """Check the end state of a finished run: every file once, every line, a clean bill."""
    items = vidctl(folder, "podcasts", "list")["items"]
    assert sorted(item["slug"] for item in items) == [f"talk-{n}" for n in range(FILES)]
    for item in items:
        shown = vidctl(folder, "podcasts", "show", item["slug"])
        assert shown["properties"]["transcript"] == " ".join(LINES)
        assert shown["stages"] == {"transcribe": "done", "index": "done"}
    hits = vidctl(folder, "search", "verse", "--mode", "text", "-n", "50")["hits"]
    assert {hit["thing"]["slug"] for hit in hits} == {f"talk-{n}" for n in range(FILES)}
    assert vidctl(folder, "doctor", "--verify-data")["problems"] == 0
    media = [f for f in (folder / ".vidctl" / "media").rglob("*") if f.is_file()]
    assert len(media) == FILES + 1, media  # the captions are the same bytes
    assert vidctl(folder, *UPLOAD)["items"][0]["new"] is False


@pytest.mark.parametrize(("point", "visit"), POINTS)
def test_kill_at_a_named_point(project: Path, point: str, visit: int) -> None:
    process = start(project, UPLOAD, VIDCTL_FAILPOINT=f"{point}:{visit}:kill")
    assert process.wait(60) == -signal.SIGKILL, "the point was never reached"
    vidctl(project, *UPLOAD)
    sweep(project)
    assert_whole(project)


def sweep(folder: Path) -> None:
    """Let doctor remove what killed copies left, as if an hour had passed."""
    for file in (folder / ".vidctl" / "media").rglob("*"):
        os.utime(file, (time.time() - 90_000,) * 2)
    vidctl(folder, "doctor", "--fix")


def kill_at_random(project: Path, seed: int, rounds: int) -> None:
    rng = random.Random(seed)
    copy = project.with_name("whole")
    shutil.copytree(project, copy)
    began = time.monotonic()
    assert start(copy, UPLOAD).wait(120) == 0
    whole = time.monotonic() - began
    for _ in range(rounds):
        process = start(project, UPLOAD)
        time.sleep(rng.uniform(0.1, whole))
        process.kill()
        process.wait(60)
    vidctl(project, *UPLOAD)
    sweep(project)
    assert_whole(project)


@pytest.mark.parametrize("seed", range(2))
def test_kill_at_random_moments(project: Path, seed: int) -> None:
    kill_at_random(project, seed, rounds=4)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 120))
def test_kill_at_two_hundred_random_moments(project: Path, seed: int) -> None:
    kill_at_random(project, seed, rounds=10)


def test_a_point_exists_for_every_name() -> None:
    """A failpoint that is renamed must not leave a test that kills nothing."""
    import vidctl

    root = Path(vidctl.__file__).parent
    source = "".join(file.read_text(encoding="utf-8") for file in root.rglob("*.py"))
    missing: list[str] = [name for name, _ in POINTS if f'reach("{name}")' not in source]
    assert missing == []
