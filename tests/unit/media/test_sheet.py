"""Contact sheets: what is on them, and where."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
from media_samples import cut, flat, make_video
from PIL import Image

from vidctl import failpoints
from vidctl.errors import InvalidMedia, StorageFull, UsageError
from vidctl.media.sheet import GAP, GROUND, MOST_PIXELS, labels, sheet

Sample = Callable[[str], Path]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "sheet.jpg"


def shade(second: float) -> int:
    """How bright the picture of a second is."""
    return 30 + 20 * int(second)


@pytest.fixture
def steps(tmp_path: Path) -> Path:
    """Ten seconds, each a grey of its own."""
    return make_video(tmp_path / "steps.mp4", 10, draw=lambda second: flat(shade(second)))


def grey(image: Image.Image, place: tuple[int, int]) -> int:
    value = image.convert("L").getpixel(place)
    assert isinstance(value, int)
    return value


def test_pictures_stand_in_order_and_are_of_their_times(steps: Path, target: Path) -> None:
    made = sheet(steps, target, columns=5, rows=2, width=840)
    assert made["pictures"] == pytest.approx([0.5 + n for n in range(10)], abs=0.26)
    with Image.open(target) as image:
        assert image.size == (made["width"], made["height"])
        assert image.width == 840
        tile = (840 - 6 * GAP) // 5
        assert image.height == 2 * (round(tile * 9 / 16) + GAP) + GAP
        for number, second in enumerate(made["pictures"]):
            row, column = divmod(number, 5)
            place = (
                GAP + column * (tile + GAP) + tile // 3,
                GAP + row * (round(tile * 9 / 16) + GAP) + 20,
            )
            assert abs(grey(image, place) - shade(second)) <= 4
        assert grey(image, (2, 2)) == pytest.approx(GROUND[0], abs=6)


def test_each_picture_carries_its_time(steps: Path, target: Path) -> None:
    """White digits on a dark ground in the corner; without them, a picture has one shade."""
    sheet(steps, target, columns=1, rows=1, width=400)
    with Image.open(target) as image:
        assert image.size == (400, round(384 * 9 / 16) + 2 * GAP), "as wide as was asked for"
        corner = image.convert("L").crop((310, 190, 390, 222))
        assert max(corner.tobytes()) > 200
        assert min(corner.tobytes()) < 60
        body = image.convert("L").crop((20, 20, 200, 160)).tobytes()
        assert max(body) - min(body) <= 4


def test_a_short_video_has_fewer_pictures_and_rows(tmp_path: Path, target: Path) -> None:
    made = sheet(make_video(tmp_path / "v.mp4", 0.3), target, columns=2, rows=4, width=320)
    assert made["pictures"] == [0.1, 0.2]
    with Image.open(target) as image:
        assert image.height < 90 + 3 * GAP


def test_fewer_pictures_than_columns_fill_the_row(tmp_path: Path, target: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 0.1)
    made = sheet(path, target, columns=5, rows=4, width=800)
    assert len(made["pictures"]) == 1
    tile = 800 - 2 * GAP
    assert (made["width"], made["height"]) == (800, round(tile * 9 / 16) + 2 * GAP)
    with Image.open(target) as image:
        assert grey(image, (800 - GAP - 5, GAP + 5)) != pytest.approx(GROUND[0], abs=6)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        ([0.5, 61.9, 3600], ["00:00", "01:01", "1:00:00"]),
        ([0.1, 0.35, 59.95], ["00:00.1", "00:00.3", "00:59.9"]),
        ([1.02, 1.04, 2.0], ["00:01.02", "00:01.04", "00:02.00"]),
        ([0.001, 0.002], ["00:00.001", "00:00.002"]),
        ([], []),
    ],
)
def test_no_two_pictures_have_the_same_label(seconds: list[float], said: list[str]) -> None:
    assert labels(seconds) == said


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
@pytest.mark.parametrize(("columns", "rows", "width"), [(1, 1, 400), (16, 9, 1600), (3, 2, 501)])
def test_a_sheet_is_as_wide_as_was_asked_for(
    tmp_path: Path, target: Path, rotation: int, columns: int, rows: int, width: int
) -> None:
    path = make_video(tmp_path / "v.mp4", 20, rotation=rotation)
    made = sheet(path, target, columns=columns, rows=rows, width=width)
    assert made["width"] == width
    assert len(made["pictures"]) == columns * rows
    tile = (width - GAP * (columns + 1)) // columns
    shape = 16 / 9 if rotation % 180 else 9 / 16
    assert made["height"] == rows * (round(tile * shape) + GAP) + GAP


@pytest.mark.parametrize("aspect", [Fraction(1, 200), Fraction(200, 1)])
@pytest.mark.parametrize("rotation", [0, 90])
def test_strips_are_neither_cut_off_nor_endless(
    tmp_path: Path, aspect: Fraction, rotation: int
) -> None:
    path = make_video(tmp_path / "v.mp4", 2, aspect=aspect, rotation=rotation)
    target = tmp_path / "sheet.webp"
    made = sheet(path, target, columns=1, rows=20, width=8192)
    assert made["width"] == 8192
    assert made["width"] * made["height"] <= MOST_PIXELS
    with Image.open(target) as image:
        assert (image.format, image.height) == ("WEBP", made["height"])


@pytest.mark.parametrize(("suffix", "form"), [("png", "PNG"), ("webp", "WEBP"), ("jpeg", "JPEG")])
def test_the_ending_says_the_format(sample: Sample, tmp_path: Path, suffix: str, form: str) -> None:
    sheet(sample("mp4"), tmp_path / f"sheet.{suffix}", columns=2, rows=2, width=400)
    with Image.open(tmp_path / f"sheet.{suffix}") as image:
        assert image.format == form


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "ts", "avi", "flv", "mpg", "wmv"])
def test_every_format(sample: Sample, suffix: str, target: Path) -> None:
    made = sheet(sample(suffix), target, columns=4, rows=2, width=640)
    assert len(made["pictures"]) == 8
    assert made["pictures"] == pytest.approx([0.5 + n for n in range(8)], abs=0.6)


def test_a_turned_video_stands_upright(tmp_path: Path, target: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 2, rotation=90)
    made = sheet(path, target, columns=1, rows=1, width=160)
    with Image.open(target) as image:
        assert image.height == round(144 * 16 / 9) + 2 * GAP
    assert made["height"] == image.height


def test_what_is_left_of_a_cut_file_is_shown(sample: Sample, tmp_path: Path, target: Path) -> None:
    path = cut(sample("mp4"), tmp_path / "cut.mp4", 0.5)
    made = sheet(path, target, columns=4, rows=2, width=640)
    assert 2 <= len(made["pictures"]) <= 6


def test_sound_has_no_sheet(sample: Sample, target: Path) -> None:
    with pytest.raises(InvalidMedia, match="there is no picture to make a sheet of"):
        sheet(sample("mp3"), target)
    assert not target.exists()


@pytest.mark.parametrize(
    "wanted", [{"columns": 0}, {"rows": 21}, {"width": 100}, {"width": 9000}, {"rows": -1}]
)
def test_sizes_that_make_no_sense(sample: Sample, target: Path, wanted: dict[str, int]) -> None:
    with pytest.raises(UsageError):
        sheet(sample("mp4"), target, **wanted)
    with pytest.raises(UsageError, match="do not fit"):
        sheet(sample("mp4"), target, columns=20, width=160)
    assert not target.exists()


def test_a_full_disk_leaves_the_old_sheet(sample: Sample, target: Path) -> None:
    target.write_bytes(b"old")
    failpoints.arm("copy.fsync:1:enospc")
    try:
        with pytest.raises(StorageFull):
            sheet(sample("mp4"), target)
    finally:
        failpoints.arm("")
    assert target.read_bytes() == b"old"
    assert [file.name for file in target.parent.iterdir()] == ["sheet.jpg"]
