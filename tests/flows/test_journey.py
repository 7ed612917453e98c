"""The main job on real speech: a file in, the right second out."""

from __future__ import annotations

import signal
import wave
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.local

PHRASE = "ask what you can do for your country"
# Where the recording says it, by ear and by the waveform.
SAID_AT = 8.1


@pytest.fixture(scope="session")
def clip() -> Path:
    """The recording that ships with vidctl."""
    return Path(str(resources.files("vidctl") / "data" / "demo" / "ask-not.mp4"))


@pytest.fixture(scope="session")
def thrice(clip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The recording three times in a row, as sound: long enough for several parts."""
    from vidctl.media.audio import decode_audio

    samples = decode_audio(clip)
    file = tmp_path_factory.mktemp("speech") / "thrice.wav"
    with wave.open(str(file), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(16000)
        for _ in range(3):
            sound.writeframes((samples * 32767).astype("<i2").tobytes())
            sound.writeframes(bytes(2 * 16000))
    return file


@pytest.mark.parametrize("mode", ["hybrid", "text", "semantic"])
def test_the_moment_is_found(run: Any, library: Path, clip: Path, mode: str) -> None:
    item = run.ok("upload", clip, "--process", "--json").data["items"][0]
    assert item["type"] == "video"
    assert item["processed"]["transcribed"] is True
    assert item["properties"]["thumbnail"].endswith(".jpg")
    hits = run.ok("search", PHRASE, "--mode", mode, "--json").data["hits"]
    best = hits[0]
    assert abs(best["start"] - SAID_AT) < 2, best
    assert best["ref"] == f"{item['slug']}@00:{int(best['start']):02}"
    assert "country" in best["text"]
    shown = run.ok("videos", "show", best["ref"].partition("@")[0], "--json").data
    assert "fellow Americans" in shown["properties"]["transcript"]
    assert shown["stages"] == {"transcribe": "done", "index": "done"}


def test_a_second_process_does_nothing(run: Any, library: Path, clip: Path) -> None:
    run.ok("upload", clip, "--process")
    (again,) = run.ok("process", "--json").data["items"]
    assert (again["transcribed"], again["indexed"]) == (False, False)
    (forced,) = run.ok("transcribe", again["slug"], "--force", "--json").data["items"]
    assert forced["transcribed"] is True
    (after,) = run.ok("process", "--json").data["items"]
    # The same words make the same chunks, and those have their vectors already.
    assert (after["transcribed"], after["indexed"]) == (False, False)


def test_finished_parts_survive_a_kill(run: Any, spawn: Any, library: Path, thrice: Path) -> None:
    run.ok("config", "set", "transcribe.part_seconds", "10")
    run.ok("upload", thrice)
    killed = spawn("transcribe", "thrice", env={"VIDCTL_FAILPOINT": "transcribe.saved:2:kill"})
    assert killed.code == -signal.SIGKILL
    (rest,) = run.ok("transcribe", "thrice", "--json").data["items"]
    assert rest["resumed"] == 2
    resumed = run.ok("podcasts", "show", "thrice", "--json").data["properties"]["transcript"]
    run.ok("transcribe", "thrice", "--force")
    unbroken = run.ok("podcasts", "show", "thrice", "--json").data["properties"]["transcript"]
    assert resumed == unbroken
    assert unbroken.lower().count("fellow americans") == 3


def test_captions_win_over_the_model_unless_it_is_asked_for(
    run: Any, library: Path, thrice: Path, tmp_path: Path
) -> None:
    talk = tmp_path / "talk.wav"
    talk.write_bytes(thrice.read_bytes())
    talk.with_suffix(".srt").write_text(
        "1\n00:00:01,000 --> 00:00:02,000\nTyped by hand.\n", encoding="utf-8"
    )
    item = run.ok("upload", talk, "--process", "--json").data["items"][0]
    assert item["processed"]["source"] == "captions/srt"
    (done,) = run.ok("transcribe", "talk", "--engine", "local", "--json").data["items"]
    assert done["source"].startswith("faster-whisper/")
    hits = run.ok("search", "typed by hand", "--mode", "text", "--json").data["hits"]
    assert hits != []  # the index still holds the captions until it is told
    run.ok("index")
    assert run.ok("search", "typed", "--mode", "text", "--json").data["hits"] == []


def test_demo_leaves_nothing_behind(run: Any, tmp_path: Path) -> None:
    data = run.ok("demo", "--json").data
    assert abs(data["hits"][0]["start"] - SAID_AT) < 2
    assert data["kept"] is None
    assert list(tmp_path.iterdir()) == []
    kept = tmp_path / "kept"
    run.ok("demo", "--keep", kept)
    run.folder = kept
    assert run.ok("videos", "list", "--json").data["total"] == 1
    assert run("demo", "--keep", kept).code == 9
