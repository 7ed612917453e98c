"""Moving previews."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from media_samples import flat, make_video
from PIL import Image

from vidctl.errors import InvalidMedia, UsageError
from vidctl.media.preview import preview

Sample = Callable[[str], Path]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "preview.webp"


def pictures(path: Path) -> list[int]:
    """The grey in the middle of each frame of an animation."""
    found = []
    with Image.open(path) as image:
        for number in range(getattr(image, "n_frames", 1)):
            image.seek(number)
            value = image.convert("L").getpixel((image.width // 2, image.height // 2))
            assert isinstance(value, int)
            found.append(value)
    return found


def test_moments_of_the_whole_video_follow_each_other(tmp_path: Path, target: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 12, draw=lambda second: flat(10 + 20 * int(second)))
    made = preview(path, target)
    assert (made["width"], made["height"], made["seconds"]) == (160, 90, 3.0)
    assert made["moments"] == [1.5, 5.5, 9.5]
    with Image.open(target) as image:
        assert (image.format, image.info["loop"]) == ("WEBP", 0)
    shown = pictures(target)
    # WebP stores equal neighbours once, for longer.
    assert sorted(shown) == shown
    expected = [10 + 20 * second for second in (1, 2, 5, 6, 9, 10)]
    assert len(shown) == len(expected)
    for value, wanted in zip(shown, expected, strict=True):
        assert abs(value - wanted) <= 5


def test_it_lasts_as_long_as_asked(sample: Sample, target: Path) -> None:
    made = preview(sample("mp4"), target, seconds=2, width=80)
    assert made["frames"] == 20
    with Image.open(target) as image:
        total = 0
        for number in range(image.n_frames):  # type: ignore[attr-defined]
            image.seek(number)
            image.load()
            total += image.info["duration"]
    assert total == 2000
    assert image.size == (80, 45)


def test_a_video_shorter_than_the_preview_is_shown_from_its_beginning(
    tmp_path: Path, target: Path
) -> None:
    made = preview(make_video(tmp_path / "v.mp4", 1), target)
    assert made["moments"] == [0.0]
    assert made["frames"] == 30


@pytest.mark.parametrize("suffix", ["mov", "mkv", "webm", "ts", "avi", "flv", "mpg", "wmv"])
def test_every_format(sample: Sample, suffix: str, target: Path) -> None:
    assert preview(sample(suffix), target)["frames"] == 30


def test_a_turned_video_is_upright(tmp_path: Path, target: Path) -> None:
    preview(make_video(tmp_path / "v.mp4", 2, rotation=90), target)
    with Image.open(target) as image:
        assert image.size == (90, 160)


@pytest.mark.parametrize(
    "wanted", [{"seconds": 0.1}, {"seconds": 16}, {"width": 10}, {"width": 700}]
)
def test_sizes_that_make_no_sense(sample: Sample, target: Path, wanted: dict[str, float]) -> None:
    with pytest.raises(UsageError):
        preview(sample("mp4"), target, **wanted)  # type: ignore[arg-type]
    assert not target.exists()


def test_memory_is_bounded(sample: Sample, target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vidctl.media.preview.MOST_PIXELS", 160 * 90 * 10)
    with pytest.raises(UsageError, match="too big") as caught:
        preview(sample("mp4"), target)
    assert caught.value.hint == "--width 320 --seconds 3"
    assert not target.exists()


def test_sound_has_no_preview(sample: Sample, target: Path) -> None:
    with pytest.raises(InvalidMedia, match="there is no picture to make a preview of"):
        preview(sample("mp3"), target)
