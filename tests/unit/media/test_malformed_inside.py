"""All work on files that are hostile inside: it ends in time, in words, and without a trace."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from malformed_files import Good
from malformed_inside import inside

from vidctl.errors import InvalidMedia
from vidctl.media.sandbox import Sandbox

SECONDS = 8.0
LONGEST_CALL = 20.0
WORK: dict[str, dict[str, Any]] = {
    "probe": {},
    "thumbnail": {"width": 320},
    "convert": {"form": "opus"},
    "sheet": {"columns": 3, "rows": 3, "width": 480},
}
TARGETS = {"thumbnail": "made.png", "convert": "made.opus", "sheet": "made.webp"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(workers=1, seconds=SECONDS, memory=1 << 30)
    yield sandbox
    sandbox.close()


def complaint(sandbox: Sandbox, path: Path, work: str, folder: Path) -> str:
    """Say what is wrong with what came of some work, empty for nothing; ``ok`` where it is done."""
    places = {"target": folder / TARGETS[work]} if work in TARGETS else {}
    began = time.monotonic()
    said = "ok"
    try:
        sandbox.call(work, limit=SECONDS, path=path, **places, **WORK[work])
    except InvalidMedia as error:
        is_ours = error.message and error.item and "confused" not in error.message
        said = "" if is_ours and "crashed" not in error.message else repr(error)
        if any(folder.iterdir()):
            said = "left a file"
    seconds = time.monotonic() - began
    for target in folder.iterdir():
        target.unlink()
    return said if seconds < LONGEST_CALL else f"took {seconds:.1f} s"


def test_all_work_ends_in_words(sandbox: Sandbox, tmp_path: Path) -> None:
    files = inside(tmp_path / "files", Good(tmp_path / "good"))
    folder = tmp_path / "out"
    folder.mkdir()
    found = {
        (path.name, work): complaint(sandbox, path, work, folder) for path in files for work in WORK
    }
    assert {key: said for key, said in found.items() if said not in ("", "ok")} == {}
    assert len(files) > 80
    # Neither all refused nor all believed: the test would prove nothing.
    done = [key for key, said in found.items() if said == "ok"]
    assert 100 < len(done) < len(found) - 100
    for name in ("cover-30000x30000.mp3", "cover-1x50000000.mp3", "cover-65000.mp3"):
        assert (name, "probe") in done, "the sound is good"
        assert (name, "thumbnail") in done, "no picture is no failure"
    assert len(sandbox.probe(tmp_path / "files" / "chapters.mkv").chapters) <= 1000
