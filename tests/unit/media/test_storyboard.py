"""Storyboards: which picture stands where, how many sheets there are, and what that costs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_samples import flat, make_video
from PIL import Image

from vidctl.errors import InvalidMedia, UsageError
from vidctl.media import frames
from vidctl.media.storyboard import MOST_PICTURES, plan, storyboard

Sample = Callable[[str], Path]


def shade(second: float) -> int:
    return 30 + 20 * int(second)


@pytest.fixture(params=[1, 10, 25, 1000])
def steps(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Ten seconds, each a grey of its own, with keyframes every so many frames."""
    path = tmp_path / "steps.mp4"
    return make_video(path, 10, draw=lambda second: flat(shade(second)), keyframes=request.param)


def shades(folder: Path, made: dict[str, Any]) -> list[int]:
    """The grey in the middle of each cue's rectangle."""
    sheets = [Image.open(folder / name).convert("L") for name in made["sheets"]]
    found = []
    for _, _, number, left, top in made["cues"]:
        value = sheets[number].getpixel((left + made["width"] // 2, top + made["height"] // 2))
        assert isinstance(value, int)
        found.append(value)
    return found


def test_each_cue_shows_a_picture_of_its_seconds(steps: Path, tmp_path: Path) -> None:
    made = storyboard(steps, tmp_path, every=1)
    assert [cue[:2] for cue in made["cues"]] == [[n, n + 1] for n in range(10)]
    assert made["sheets"] == ["storyboard.jpg"]
    assert (made["width"], made["height"]) == (160, 90)
    for number, value in enumerate(shades(tmp_path, made)):
        assert abs(value - shade(number)) <= 4, number


def test_sheets_are_filled_one_after_the_other(steps: Path, tmp_path: Path) -> None:
    made = storyboard(steps, tmp_path, stem="s", every=1, columns=2, rows=2, width=80)
    assert made["sheets"] == ["s-1.jpg", "s-2.jpg", "s-3.jpg"]
    assert [cue[2:] for cue in made["cues"][:5]] == [
        *([0, 0, 0], [0, 80, 0], [0, 0, 45], [0, 80, 45]),
        [1, 0, 0],
    ]
    sizes = [Image.open(tmp_path / name).convert("L").size for name in made["sheets"]]
    assert sizes == [(160, 90), (160, 90), (160, 45)], "empty places are cut off"
    for number, value in enumerate(shades(tmp_path, made)):
        assert abs(value - shade(number)) <= 4


def test_tiles_alone_are_one_sheet_for_all_of_it(steps: Path, tmp_path: Path) -> None:
    made = storyboard(steps, tmp_path, columns=2, rows=2)
    assert [cue[:2] for cue in made["cues"]] == [[0, 2.5], [2.5, 5], [5, 7.5], [7.5, 10]]
    assert len(made["sheets"]) == 1


def test_pictures_closer_than_frames_repeat(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", 2, fps=2, draw=lambda second: flat(shade(second)))
    made = storyboard(path, tmp_path, every=0.1)
    assert len(made["cues"]) == 20
    assert len(set(shades(tmp_path, made))) <= 8


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv", "webm", "ts", "avi", "flv", "mpg", "wmv"])
def test_every_format(sample: Sample, suffix: str, tmp_path: Path) -> None:
    made = storyboard(sample(suffix), tmp_path, every=1)
    assert 8 <= len(made["cues"]) <= 9


def test_the_work_is_one_pass_where_keyframes_are_rare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going back to the only keyframe for each picture would decode 40 times as much."""
    decoded = 0
    real = frames.video_frames

    def counted(packet: Any) -> list[Any]:
        nonlocal decoded
        found = list(real(packet))
        decoded += len(found)
        return found

    monkeypatch.setattr(frames, "video_frames", counted)
    path = make_video(tmp_path / "v.mp4", 20, keyframes=10_000, audio="")
    storyboard(path, tmp_path, every=0.25)
    assert decoded <= 200 + 20


def test_keyframes_are_taken_where_there_are_some(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded = 0
    real = frames.video_frames

    def counted(packet: Any) -> list[Any]:
        nonlocal decoded
        found = list(real(packet))
        decoded += len(found)
        return found

    monkeypatch.setattr(frames, "video_frames", counted)
    path = make_video(tmp_path / "v.mp4", 20, keyframes=10, audio="")
    made = storyboard(path, tmp_path, every=2)
    # A decoder with several threads may hand out a few frames more than were asked for.
    assert decoded <= 6 * len(made["cues"])


def test_a_header_that_lies_costs_no_more_than_the_file(tmp_path: Path) -> None:
    """Thirty-four hours in the header, two seconds in the file."""
    path = make_video(tmp_path / "v.mp4", 2, audio="")
    content = bytearray(path.read_bytes())
    place = content.index(b"mvhd")
    scale = int.from_bytes(content[place + 16 : place + 20], "big")
    content[place + 20 : place + 24] = (34 * 3600 * scale).to_bytes(4, "big")
    path.write_bytes(content)
    made = storyboard(path, tmp_path)
    assert len(made["cues"]) <= 1000


def test_sound_has_no_storyboard(sample: Sample, tmp_path: Path) -> None:
    with pytest.raises(InvalidMedia, match="there is no picture to make a storyboard of"):
        storyboard(sample("mp3"), tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "wanted",
    [
        *({"every": 0.0}, {"every": -1.0}, {"columns": 0, "rows": 1}, {"columns": 21, "rows": 1}),
        *({"width": 10}, {"width": 641}, {"columns": 20, "rows": 1, "width": 640}),
    ],
)
def test_layouts_that_make_no_sense(wanted: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        plan(60, **wanted)


def test_too_many_pictures_are_refused_with_a_way_out() -> None:
    with pytest.raises(UsageError) as caught:
        plan(36_000, every=1)
    every = float(caught.value.hint.removeprefix("--every "))
    assert plan(36_000, every=every).count <= MOST_PICTURES


@given(st.floats(0.05, 400_000))
def test_a_plan_without_wishes_is_bounded(duration: float) -> None:
    laid = plan(duration)
    assert 1 <= laid.count <= 1000
    assert laid.count * laid.every >= duration - 1e-3
    assert laid.every == 5 or laid.count > 800


@given(st.floats(0.5, 40_000), st.integers(1, 20), st.integers(1, 20))
def test_one_sheet_is_one_sheet(duration: float, columns: int, rows: int) -> None:
    laid = plan(duration, columns=columns, rows=rows)
    assert laid.count <= columns * rows
    assert laid.count * laid.every >= duration - 1e-3
