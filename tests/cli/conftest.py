"""Libraries for the commands to work in."""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from harness import CAPTIONS, Runner, write_tone
from media_samples import make_video
from surface import CALLBACK, CLOUDINARY_KEY, EVENT

from vidctl.model.cost import Charge
from vidctl.model.event import Event
from vidctl.model.locator import locator_of
from vidctl.model.media import Content
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
    make_video(folder / "film.mp4", 2)
    (folder / "callback.json").write_bytes(CALLBACK)
    (folder / "openai.key").write_text("sk-not-a-real-key-0123456789\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDCTL_EMBED_ENGINE", "none")
        patch.setenv("VIDCTL_HOME", str(folder / "home"))
        patch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
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
        run.ok("config", "set", "hosts.shelf.kind", "folder")
        run.ok("config", "set", "hosts.shelf.path", "shelf")
        run.ok("keys", "set", "cloudinary", "--insecure-storage", stdin=CLOUDINARY_KEY)
    _note(folder / ".vidctl" / "library.db")
    return folder


def _note(file: Path) -> None:
    """Write down what no command leaves behind here.

    An event whose id does not differ from run to run, an upload that broke off, and a paid call.
    """
    library = SqliteLibrary(file)
    group = library.groups().resolve("default").id
    store = library.open(Scope.only(group))
    store.events.append([Event("content_event", "note_taken", id=EVENT)])
    other = file.parent.parent / "other.wav"
    content = Content(group, sha256(other.read_bytes()).hexdigest(), other.stat().st_size, ".wav")
    upload = store.uploads.claim(
        "shelf", locator_of(content), content, source=str(other), part_size=1 << 20
    )
    store.uploads.finish(upload.id, error="broke off")
    units = {"bytes": 1e9, "requests": 10.0}
    paid = Charge(EVENT, group, "cloudinary", "upload", "work", units, 400_000, "reserved")
    store.costs.settle(store.costs.reserve(paid).id, units, paid.amount)
    for table in ("uploads", "costs"):  # so that no age differs between two looks
        library.database.execute(f"UPDATE {table} SET created_at = 0, updated_at = 0")
    library.close()


@pytest.fixture
def stocked(template: Path, tmp_path: Path, home: Path, run: Runner) -> Path:
    """A copy of the project with a bit of everything, in ``tmp_path``, and of its home."""
    shutil.copytree(template / "home" / "config", home / "vidctl" / "config")
    shutil.copytree(template, tmp_path, dirs_exist_ok=True)
    run.ok("config", "trust", "--yes")  # a copy is another project
    return tmp_path
