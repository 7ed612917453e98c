"""Libraries for the commands to work in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import CAPTIONS, Runner, write_tone


@pytest.fixture(autouse=True)
def _without_models(monkeypatch: pytest.MonkeyPatch) -> None:
    """Embedding takes seconds and an extra; what the commands say about it is tested apart."""
    monkeypatch.setenv("VIDCTL_EMBED_ENGINE", "none")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a bit of everything, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("stocked")
    (folder / "talk.vtt").write_text(CAPTIONS, encoding="utf-8")
    write_tone(folder / "talk.wav")
    write_tone(folder / "other.wav", pitch=220)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDCTL_EMBED_ENGINE", "none")
        patch.setenv("VIDCTL_HOME", str(folder / "home"))
        run = Runner(patch, folder)
        run.ok("init")
        run.ok("upload", "talk.wav", "--process", "--tag", "birds")
        run.ok("videos", "add", "dQw4w9WgXcQ", "--title", "Clip", "--description", "About kites")
        run.ok("videos", "add", "--title", "Old")
        run.ok("videos", "archive", "old")
        run.ok("podcasts", "add", "--title", "Gone")
        run.ok("podcasts", "archive", "gone")
        run.ok("groups", "add", "closed")
        run.ok("groups", "archive", "closed")
        run.ok("groups", "add", "acme")
        run.ok("groups", "add", "acme/courses")
        run.ok("config", "set", "search.limit", "7")
    return folder


@pytest.fixture
def stocked(template: Path, tmp_path: Path) -> Path:
    """A copy of the project with a bit of everything, in ``tmp_path``."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return tmp_path
