"""A thumbnail at a moment that somebody names."""

from __future__ import annotations

from pathlib import Path

import pytest
from media_samples import flat, make_video
from PIL import Image

from vidctl.errors import InvalidMedia, UsageError
from vidctl.media.thumbnail import thumbnail


def brightness(path: Path) -> int:
    """The grey value in the middle of a picture."""
    with Image.open(path) as image:
        value = image.convert("L").getpixel((image.width // 2, image.height // 2))
    assert isinstance(value, int)
    return value


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """Eight seconds, each brighter than the one before, with one keyframe."""
    return make_video(
        tmp_path / "steps.mp4", 8, draw=lambda second: flat(20 + 25 * int(second)), keyframes=1000
    )


@pytest.mark.parametrize("at", [0, 0.04, 1.5, 4.0, 6.99, 7.9])
def test_the_frame_of_that_moment_is_taken(steps: Path, tmp_path: Path, at: float) -> None:
    second = thumbnail(steps, tmp_path / "t.jpg", at=at)
    assert second is not None
    assert abs(second - at) <= 0.1
    assert abs(brightness(tmp_path / "t.jpg") - (20 + 25 * int(second))) <= 4


def test_the_very_end_is_the_last_frame(steps: Path, tmp_path: Path) -> None:
    assert thumbnail(steps, tmp_path / "t.jpg", at=8.0) == 7.9


def test_a_moment_after_the_end_is_a_mistake(steps: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="00:09 is after the end, which is at 00:08"):
        thumbnail(steps, tmp_path / "t.jpg", at=9)
    assert not (tmp_path / "t.jpg").exists()


def test_a_named_moment_is_reached_however_far_the_keyframe(
    steps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the best of several is looked for, the work for one is bounded; here it is not."""
    monkeypatch.setattr("vidctl.media.frames.PIXELS_PER_LOOK", 1)
    assert thumbnail(steps, tmp_path / "t.jpg", at=7) == 7.0


def test_sound_has_no_frames(tmp_path: Path, sample: object) -> None:
    path = sample("mp3")  # type: ignore[operator]
    with pytest.raises(InvalidMedia, match="there is no picture to make a thumbnail of"):
        thumbnail(path, tmp_path / "t.jpg", at=1)


def test_a_turned_video_is_upright(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 2, rotation=90)
    thumbnail(path, tmp_path / "t.jpg", at=1)
    with Image.open(tmp_path / "t.jpg") as image:
        assert image.size == (90, 160)
