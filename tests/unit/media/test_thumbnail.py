"""Which frame stands for a video, and how it is written."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from media_samples import SIZE, flat, image_bytes, make_video, scene, with_cover
from PIL import Image, ImageFilter

from vidctl import failpoints
from vidctl.errors import StorageFull
from vidctl.media import frames as frames_module
from vidctl.media import source
from vidctl.media import thumbnail as module
from vidctl.media.thumbnail import thumbnail

if TYPE_CHECKING:
    from media_samples import Pixels

Sample = Callable[[str], Path]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "thumbnail.jpg"


def colour(path: Path, place: tuple[float, float]) -> tuple[int, int, int]:
    """Return the colour at a place given as shares of width and height."""
    with Image.open(path) as image:
        pixel = image.getpixel((int(image.width * place[0]), int(image.height * place[1])))
    assert isinstance(pixel, tuple)
    red, green, blue = pixel
    return int(red), int(green), int(blue)


def is_near(colour: tuple[int, int, int], wanted: tuple[int, int, int]) -> bool:
    return all(abs(found - value) < 40 for found, value in zip(colour, wanted, strict=True))


@pytest.mark.parametrize("keyframes", [10, 1000])
@pytest.mark.parametrize("value", [0, 128, 255])
def test_blank_beginnings_and_ends_are_skipped(
    value: int, keyframes: int, target: Path, tmp_path: Path
) -> None:
    """Also where the only keyframe is the black one at the start."""

    def draw(second: float) -> Pixels:
        return scene(second) if 5 <= second < 6 else flat(value)

    path = make_video(tmp_path / "v.mp4", 8, draw=draw, keyframes=keyframes, audio="")
    second = thumbnail(path, target)
    assert second is not None
    assert 5 <= second < 6


def test_a_sharp_frame_is_preferred_to_a_blurred_one(target: Path, tmp_path: Path) -> None:
    def draw(second: float) -> Pixels:
        sharp = scene(3.0)
        if 2 <= second < 3:
            return sharp
        return np.asarray(Image.fromarray(sharp).filter(ImageFilter.GaussianBlur(4)))

    second = thumbnail(make_video(tmp_path / "v.mp4", 8, draw=draw), target)
    assert second is not None
    assert 2 <= second < 3


def test_a_video_that_is_black_throughout_has_a_black_thumbnail(
    target: Path, tmp_path: Path
) -> None:
    path = make_video(tmp_path / "v.mp4", 2, draw=lambda second: flat(0))
    assert thumbnail(path, target) is not None
    assert colour(target, (0.5, 0.5)) < (10, 10, 10)


def quadrants(second: float) -> Pixels:
    """Red, green, blue and white from the top left, clockwise."""
    width, height = SIZE
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[: height // 2, : width // 2] = (220, 20, 20)
    pixels[: height // 2, width // 2 :] = (20, 200, 20)
    pixels[height // 2 :, width // 2 :] = (20, 20, 220)
    return pixels


@pytest.mark.parametrize(
    ("turn", "size", "top_left"),
    [
        (0, (160, 90), (220, 20, 20)),
        # Turned counter-clockwise the top right corner comes to the top left.
        (90, (90, 160), (20, 200, 20)),
        (-90, (90, 160), (255, 255, 255)),
        (180, (160, 90), (20, 20, 220)),
    ],
)
def test_the_picture_is_upright(
    turn: int, size: tuple[int, int], top_left: tuple[int, int, int], target: Path, tmp_path: Path
) -> None:
    path = make_video(tmp_path / "phone.mp4", 1, rotation=turn, draw=quadrants)
    thumbnail(path, target)
    with Image.open(target) as image:
        assert (image.format, image.size) == ("JPEG", size)
    assert is_near(colour(target, (0.2, 0.2)), top_left)


@pytest.mark.parametrize(("width", "size"), [(80, (80, 45)), (640, (160, 90)), (1, (1, 1))])
def test_it_is_as_wide_as_asked_but_never_enlarged(
    width: int, size: tuple[int, int], sample: Sample, target: Path
) -> None:
    thumbnail(sample("mp4"), target, width=width)
    with Image.open(target) as image:
        assert image.size == size


def test_pixels_are_made_square(target: Path, tmp_path: Path) -> None:
    thumbnail(make_video(tmp_path / "v.mkv", 1, aspect=Fraction(3, 2)), target, width=120)
    with Image.open(target) as image:
        assert image.size == (120, 45)


@pytest.mark.parametrize("suffix", ["mov", "mkv", "webm", "ts", "avi", "flv", "mpg", "wmv"])
def test_every_format(suffix: str, sample: Sample, target: Path) -> None:
    second = thumbnail(sample(suffix), target)
    assert second is not None
    assert 0 <= second <= 8.1
    with Image.open(target) as image:
        assert image.size == (160, 90)


def test_few_places_are_looked_at(
    sample: Sample, target: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    real = module.frame_at

    def counted(container: object, video: object, moment: float) -> object:
        looks.append(moment)
        return real(container, video, moment)  # type: ignore[arg-type]

    monkeypatch.setattr(module, "frame_at", counted)
    thumbnail(sample("mp4"), target)
    assert len(looks) == module.LOOKS == 12
    assert looks[0] > 0
    assert looks[-1] < 8


def test_the_work_is_bounded_where_keyframes_are_rare(
    target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = 0
    real = source.video_frames

    def counted(packet: object) -> list[object]:
        nonlocal frames
        found = list(real(packet))  # type: ignore[arg-type]
        frames += len(found)
        return list(found)

    monkeypatch.setattr(frames_module, "video_frames", counted)
    monkeypatch.setattr(frames_module, "PIXELS_PER_LOOK", 10 * SIZE[0] * SIZE[1])
    path = make_video(tmp_path / "v.mp4", 20, keyframes=1000, audio="")
    assert thumbnail(path, target) is not None
    # A decoder with two threads may give a frame or two more than were asked for.
    assert frames <= 12 * 20


def test_a_recording_without_a_duration(tmp_path: Path, target: Path) -> None:
    path = make_video(tmp_path / "live.mkv", 8, draw=lambda s: flat(0) if s < 2.5 else scene(s))
    content = path.read_bytes()
    place = content.index(b"\x44\x89\x88")
    path.write_bytes(content[:place] + b"\xec\x89" + content[place + 2 :])
    second = thumbnail(path, target)
    assert second is not None
    assert second >= 2.5


@pytest.mark.parametrize(("form", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_the_cover_of_a_sound_file(
    form: str, mime: str, sample: Sample, target: Path, tmp_path: Path
) -> None:
    image = image_bytes(form, (800, 600))
    path = with_cover(sample("mp3"), tmp_path / "song.mp3", image, mime)
    assert thumbnail(path, target) == 0.0
    with Image.open(target) as written:
        assert (written.format, written.size) == ("JPEG", (640, 480))
    assert is_near(colour(target, (0.1, 0.5)), (255, 0, 0))
    assert is_near(colour(target, (0.9, 0.5)), (0, 0, 255))


@pytest.mark.parametrize("image", [b"\xff\xd8\xff not a picture", image_bytes("JPEG")[:300], b"x"])
def test_a_damaged_cover_is_no_cover(
    image: bytes, sample: Sample, target: Path, tmp_path: Path
) -> None:
    path = with_cover(sample("mp3"), tmp_path / "song.mp3", image)
    assert thumbnail(path, target) is None
    assert not target.exists()


def test_a_cover_that_would_fill_the_memory_is_no_cover(
    sample: Sample, target: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    image = bytearray(image_bytes("PNG"))
    image[16:24] = (60_000).to_bytes(4, "big") * 2
    path = with_cover(sample("mp3"), tmp_path / "song.mp3", bytes(image), "image/png")
    assert thumbnail(path, target) is None
    monkeypatch.setattr(module, "MAX_COVER_PIXELS", 100)
    assert thumbnail(with_cover(sample("mp3"), path, image_bytes("JPEG")), target) is None


def test_no_picture(sample: Sample, target: Path) -> None:
    assert thumbnail(sample("mp3"), target) is None
    assert not target.exists()


def test_a_picture_that_does_not_decode(target: Path, tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 2, audio="")
    content = bytearray(path.read_bytes())
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[start:end] = bytes([255]) * (end - start)
    path.write_bytes(content)
    assert thumbnail(path, target) is None
    assert not target.exists()


def test_a_full_disk_leaves_the_old_picture(sample: Sample, target: Path) -> None:
    target.write_bytes(b"old")
    failpoints.arm("copy.fsync:1:enospc")
    with pytest.raises(StorageFull):
        thumbnail(sample("mp4"), target)
    assert target.read_bytes() == b"old"
    assert sorted(target.parent.iterdir()) == [target]


@pytest.mark.parametrize(("suffix", "form"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
def test_the_ending_says_the_format(tmp_path: Path, suffix: str, form: str) -> None:
    thumbnail(make_video(tmp_path / "v.mp4", 1), tmp_path / f"picture.{suffix}")
    with Image.open(tmp_path / f"picture.{suffix}") as image:
        assert image.format == form
