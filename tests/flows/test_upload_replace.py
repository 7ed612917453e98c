"""A new version of an item's media: everything that hangs on the item stays, nothing gets lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from flow_samples import captioned, tone
from harness import Runner
from media_samples import make_audio, make_video, scene
from upload_samples import BROKEN

from vidctl import failpoints
from vidctl.config import Config
from vidctl.journey import replace as replacing
from vidctl.library import Library


def rows(folder: Path, slug: str) -> dict[str, list[str]]:
    """Return the file names of an item's media rows by role."""
    db = folder / ".vidctl" / "library.db"
    library = Library.open(Config(start=folder, environ={}, flags={"db": str(db)}))
    found: dict[str, list[str]] = {}
    for row in library.store.media.of(library.resolve(slug).id):
        found.setdefault(row.role, []).append(row.filename)
    library.close()
    return found


def item(run: Runner, slug: str, noun: str = "podcasts") -> dict[str, Any]:
    shown: dict[str, Any] = run.ok(noun, "show", slug, "--json").data
    return shown


@pytest.fixture
def talk(run: Runner, library: Path) -> Runner:
    """A library with a talk that was edited, put into a playlist, and partly watched."""
    run.ok("config", "set", "embed.engine", "none")
    captioned(run.folder / "talk.wav", ["The kingfisher waits.", "Then it dives."])
    run.ok("upload", "talk.wav", "--process", "--tag", "birds")
    run.ok("playlists", "add", "Mix", "--type", "podcast", "--items", "talk")
    run.ok("progress", "watch", "talk", "--range", "0-1")
    return run


def test_the_item_stays_and_its_media_is_new(talk: Runner) -> None:
    before = item(talk, "talk")
    tone(talk.folder / "edited.wav", seconds=4, pitch=500)
    result = talk.ok("upload", "edited.wav", "--replace", "talk", "--json")
    (record,) = result.data["items"]
    assert (record["id"], record["slug"], record["replaced"]) == (before["id"], "talk", True)
    after = item(talk, "talk")
    assert after["properties"]["duration"] == 4.0
    assert after["properties"]["tags"] == ["birds"]
    assert after["createdAt"] == before["createdAt"]
    assert rows(talk.folder, "talk")["source"] == ["edited.wav"]
    assert rows(talk.folder, "talk")["version"] == ["talk.wav"]
    assert talk.ok("playlists", "items", "mix", "--json").data["items"][0]["id"] == before["id"]
    watched = talk.ok("progress", "show", "--json").data["items"]
    assert [each["ranges"] for each in watched] == [[[0.0, 1.0]]]
    assert talk.ok("podcasts", "list", "--json").data["total"] == 1
    assert talk.ok("doctor", "--verify-data", "--json").data["problems"] == 0
    assert len(list((talk.folder / ".vidctl" / "media").rglob("*.wav"))) == 2


def test_the_transcript_is_made_anew_and_serves_until_then(talk: Runner) -> None:
    captioned(talk.folder / "edited.wav", ["The heron stands.", "It waits."], pitch=600)
    result = talk.ok("upload", "edited.wav", "--replace", "talk", "--json")
    assert any("vidctl process talk" in note for note in result.envelope["notes"])
    assert item(talk, "talk")["stages"]["transcribe"] == "failed"
    assert talk.ok("search", "kingfisher", "--mode", "text", "--json").data["hits"]
    (waiting,) = talk.ok("status", "--json").data["waiting"]
    assert (waiting["slug"], waiting["error"]) == ("talk", "the media was replaced")
    talk.ok("process")
    assert item(talk, "talk")["properties"]["transcript"] == "The heron stands. It waits."
    assert not talk.ok("search", "kingfisher", "--mode", "text", "--json").data["hits"]
    assert talk.ok("status", "--json").data["waiting"] == []


def test_captions_stay_with_the_item_when_the_new_file_has_none(talk: Runner) -> None:
    tone(talk.folder / "edited.wav", seconds=4, pitch=500)
    result = talk.ok("upload", "edited.wav", "--replace", "talk", "--process", "--json")
    assert any("keeps the captions" in note for note in result.envelope["notes"])
    assert rows(talk.folder, "talk")["captions"] == ["talk.vtt"]
    assert item(talk, "talk")["properties"]["transcript"].startswith("The kingfisher")


def test_the_same_bytes_change_nothing(talk: Runner) -> None:
    before = item(talk, "talk")
    events = talk.ok("events", "list", "--json").data["total"]
    result = talk.ok("upload", "talk.wav", "--replace", "talk", "--json")
    assert result.data["items"][0]["replaced"] is False
    assert "1 already here, not stored again" in result.envelope["notes"]
    assert item(talk, "talk") == before
    assert talk.ok("events", "list", "--json").data["total"] == events


def test_a_former_version_comes_back_without_a_second_row(talk: Runner) -> None:
    tone(talk.folder / "edited.wav", seconds=4, pitch=500)
    talk.ok("upload", "edited.wav", "--replace", "talk")
    talk.ok("upload", "talk.wav", "--replace", "talk")
    found = rows(talk.folder, "talk")
    assert (found["source"], found["version"]) == (["talk.wav"], ["edited.wav"])
    assert item(talk, "talk")["properties"]["duration"] == 2.0
    result = talk.ok("upload", "edited.wav", "--json")
    assert [each["new"] for each in result.data["items"]] == [False]
    assert "as a former version" in result.err


def test_another_items_bytes_are_refused(talk: Runner) -> None:
    tone(talk.folder / "other.wav", seconds=3, pitch=700)
    talk.ok("upload", "other.wav")
    for words in (("-n",), ()):
        result = talk("upload", "other.wav", "--replace", "talk", *words, "--json")
        assert result.code == 3, result
        assert result.envelope["errors"][0]["code"] == "conflict"
    assert rows(talk.folder, "talk")["source"] == ["talk.wav"]


def test_a_rehearsed_replacement_changes_nothing(talk: Runner) -> None:
    from harness import files_below

    tone(talk.folder / "edited.wav", seconds=4, pitch=500)
    before = files_below(talk.folder)
    result = talk.ok("upload", "edited.wav", "--replace", "talk", "-n")
    assert result.out == "edited.wav\t64.0 kB\tnew version\n"
    assert talk.ok("upload", "talk.wav", "--replace", "talk", "-n").out.endswith("already here\n")
    assert files_below(talk.folder) == before


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("edited.wav", "talk.wav", "--replace", "talk"), 2),
        (("edited.wav", "--replace", "talk", "--title", "x"), 2),
        (("edited.wav", "--replace", "talk", "--tag", "x"), 2),
        (("edited.wav", "--replace", "talk", "--skip-existing", "name"), 2),
        (("edited.wav", "--replace", "nothing"), 6),
        (("gone.wav", "--replace", "talk"), 3),
        (("text.mp3", "--replace", "talk"), 3),
    ],
)
def test_what_cannot_replace(talk: Runner, words: tuple[str, ...], code: int) -> None:
    tone(talk.folder / "edited.wav", seconds=4, pitch=500)
    (talk.folder / "text.mp3").write_bytes(BROKEN["text.mp3"])
    before = item(talk, "talk")
    assert talk("upload", *words).code == code
    assert item(talk, "talk") == before
    assert rows(talk.folder, "talk") == {"source": ["talk.wav"], "captions": ["talk.vtt"]}


def test_a_video_keeps_its_picture_and_the_thumbnail_follows(run: Runner, library: Path) -> None:
    make_video(run.folder / "one.mp4", 2.0)
    make_video(run.folder / "two.mp4", 3.0, draw=lambda second: scene(second + 3))
    make_audio(run.folder / "sound.m4a", 2.0)
    run.ok("upload", "one.mp4")
    first = item(run, "one", "videos")["properties"]["thumbnail"]
    assert run("upload", "sound.m4a", "--replace", "one").code == 3
    run.ok("upload", "two.mp4", "--replace", "one")
    shown = item(run, "one", "videos")["properties"]
    assert shown["duration"] == pytest.approx(3.0, abs=0.1)
    assert shown["thumbnail"] != first
    assert rows(run.folder, "one") == {
        "version": ["one.mp4"],
        "source": ["two.mp4"],
        "thumbnail": ["thumbnail.jpg"],
    }
    pictures = list((run.folder / ".vidctl" / "media").rglob("*.jpg"))
    assert [shown["thumbnail"].endswith(picture.name) for picture in pictures] == [True]


def test_a_picture_that_somebody_chose_stays(run: Runner, library: Path) -> None:
    make_video(run.folder / "one.mp4", 2.0)
    make_video(run.folder / "two.mp4", 3.0)
    run.ok("upload", "one.mp4")
    run.ok("videos", "edit", "one", "--thumbnail", "https://example.org/mine.jpg")
    run.ok("upload", "two.mp4", "--replace", "one")
    shown = item(run, "one", "videos")["properties"]
    assert shown["thumbnail"] == "https://example.org/mine.jpg"


def test_an_item_that_had_only_a_link_gets_media(run: Runner, library: Path) -> None:
    make_video(run.folder / "film.mp4", 2.0)
    run.ok("videos", "add", "https://example.org/film.mp4", "--title", "Film")
    run.ok("upload", "film.mp4", "--replace", "film")
    assert rows(run.folder, "film")["source"] == ["film.mp4"]
    assert item(run, "film", "videos")["properties"]["videoUrl"] == "https://example.org/film.mp4"


STEPS = ["copy.open", "copy.write", "copy.fsync", "copy.replace", "store.commit"]


@pytest.mark.parametrize("action", ["eio", "enospc"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("visit", [1, 2])
def test_a_disk_that_fails_leaves_the_old_version_or_the_new(
    talk: Runner, step: str, visit: int, action: str
) -> None:
    tone(talk.folder / "edited.wav", seconds=4, pitch=500)
    old = (item(talk, "talk")["properties"], rows(talk.folder, "talk"))
    failpoints.arm(f"{step}:{visit}:{action}")
    result = talk("upload", "edited.wav", "--replace", "talk", "--json")
    failpoints.arm("")
    assert result.code in (0, 1, 3), result
    if result.code:
        assert (item(talk, "talk")["properties"], rows(talk.folder, "talk")) == old
        shutil.copy2(talk.folder / "edited.wav", talk.folder / "again.wav")
        talk.ok("upload", "again.wav", "--replace", "talk")
    assert item(talk, "talk")["properties"]["duration"] == 4.0
    assert talk.ok("doctor", "--verify-data", "--json").data["problems"] == 0


def test_of_two_replacements_at_once_one_is_refused(
    run: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both have sent their bytes; the one that records second must not make a second source."""
    for number, name in enumerate(("first", "second", "third")):
        tone(run.folder / f"{name}.wav", pitch=400 + 50 * number)
    run.ok("init")
    run.ok("upload", "first.wav")
    record = replacing._Change.record
    others: list[bool] = []

    def late(self: Any, *arguments: Any) -> Any:
        if not others:
            others.append(True)
            run.ok("upload", "third.wav", "--replace", "first")
        return record(self, *arguments)

    monkeypatch.setattr(replacing._Change, "record", late)
    result = run("upload", "second.wav", "--replace", "first")
    assert result.code != 0
    assert "replaced or moved meanwhile" in result.err
    rows = json.loads(run.ok("media", "list", "first", "--json").out)["data"]["items"]
    sources = [row["filename"] for row in rows if row["role"] == "source"]
    assert sources == ["third.wav"]
