"""Libraries for the commands to work in."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from harness import CAPTIONS, Runner, write_tone
from surface import EVENT

from vidctl.model.event import Event
from vidctl.model.scope import Scope
from vidctl.store.sqlite import SqliteLibrary


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
        run.ok("people", "add", "Ana", "--email", "ana@example.org")
        run.ok("people", "add", "Zoe", "--type", "creator")
        run.ok("people", "rm", "zoe")
        run.ok("people", "grant", "ana", "talk")
        run.ok("videos", "add", "--title", "Another", "--duration", "90")
        run.ok("playlists", "add", "Mix", "--items", "clip,another")
        run.ok("playlists", "add", "Blank")
        run.ok("playlists", "add", "Shelf")
        run.ok("playlists", "archive", "shelf")
        run.ok("courses", "add", "Birds", "--level", "beginner", "--tag", "birds")
        run.ok("lessons", "add", "Welcome", "--course", "birds", "--video", "clip")
        run.ok("lessons", "add", "Planned", "--course", "birds", "--draft")
        run.ok("lessons", "add", "Away", "--course", "birds")
        run.ok("lessons", "archive", "away")
        run.ok("courses", "enrol", "birds", "ana")
        run.ok("courses", "add", "Shut")
        run.ok("courses", "archive", "shut")
        run.ok("labels", "add", "Kept", "talk", "clip")
        run.ok("progress", "watch", "talk", "--range", "0-1", "--at-time", "2025-01-07")
        (folder / "viewings.jsonl").write_text('{"item": "clip", "ranges": [[1, 2]]}\n')
        run.ok("search", "kingfisher", "--mode", "text")
        run.ok("config", "set", "search.limit", "7")
    _note(folder / ".vidctl" / "library.db")
    return folder


def _note(file: Path) -> None:
    """Log an event whose id does not differ from run to run."""
    library = SqliteLibrary(file)
    store = library.open(Scope.only(library.groups().resolve("default").id))
    store.events.append([Event("content_event", "note_taken", id=EVENT)])
    library.close()


@pytest.fixture
def stocked(template: Path, tmp_path: Path) -> Path:
    """A copy of the project with a bit of everything, in ``tmp_path``."""
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    return tmp_path
