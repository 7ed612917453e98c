"""Finds ``media_samples`` however the tests are started, and makes the samples once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from media_samples import make_audio, make_video

Sample = Callable[[str], Path]

AUDIO: dict[str, dict[str, Any]] = {
    "mp3": {"codec": "libmp3lame"},
    "m4a": {"codec": "aac"},
    "aac": {"codec": "aac", "form": "adts"},
    "flac": {"codec": "flac"},
    "wav": {"codec": "pcm_s16le"},
    "aiff": {"codec": "pcm_s16be"},
    "ogg": {"codec": "libopus"},
}
VIDEO: dict[str, dict[str, Any]] = {
    "mp4": {"options": {"movflags": "+faststart"}},
    "mov": {},
    "mkv": {},
    "webm": {"picture": "libvpx", "audio": "libopus"},
    "ts": {},
    "avi": {"audio": "libmp3lame"},
    "flv": {},
    "mpg": {"picture": "mpeg2video", "audio": "mp2", "fps": 25},
    "wmv": {"picture": "msmpeg4", "audio": "wmav2", "form": "asf", "sound_rate": 44100},
}
SECONDS = 8.0


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Sample:
    """Give an eight-second file of a format by its suffix; tests must not change it."""
    folder = tmp_path_factory.mktemp("samples")

    def give(suffix: str) -> Path:
        path = folder / f"sample.{suffix}"
        if not path.exists():
            make, recipe = (
                (make_audio, AUDIO[suffix]) if suffix in AUDIO else (make_video, VIDEO[suffix])
            )
            make(path, SECONDS, **recipe)
        return path

    return give
