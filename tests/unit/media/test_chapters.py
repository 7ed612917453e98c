"""Chapters that files state themselves."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_samples import with_chapters

from vidctl.media.chapters import MAX_CHAPTERS, MAX_TITLE, chapters_of
from vidctl.media.probe import probe
from vidctl.model.media import Chapter

Sample = Callable[[str], Path]


@pytest.mark.parametrize("suffix", ["mp3", "m4a", "mp4", "mov", "mkv", "ogg"])
def test_formats_that_have_chapters(suffix: str, sample: Sample, tmp_path: Path) -> None:
    path = with_chapters(
        sample(suffix), tmp_path / f"a.{suffix}", ["Anfang", "Ärger\x07 & Glück", "Ende"], 2
    )
    starts = [(chapter.start, chapter.title) for chapter in probe(path).chapters]
    assert starts == [(0.0, "Anfang"), (2.0, "Ärger & Glück"), (4.0, "Ende")]
    assert all(chapter.end > chapter.start for chapter in probe(path).chapters)


def test_chapters_outlive_a_cut(sample: Sample, tmp_path: Path) -> None:
    """What was promised is still told: the rest may come with a better copy."""
    path = with_chapters(sample("mkv"), tmp_path / "a.mkv", ["one", "two"], 3)
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 6 // 10])
    found = probe(path)
    assert found.truncated
    assert [chapter.title for chapter in found.chapters] == ["one", "two"]


def stated(start: int, end: int, base: Fraction | None, title: str | None = "t") -> dict[str, Any]:
    metadata = {} if title is None else {"title": title}
    return {"id": 0, "start": start, "end": end, "time_base": base, "metadata": metadata}


def read(chapters: list[dict[str, Any]], duration: float) -> tuple[Chapter, ...]:
    return chapters_of(cast("Any", SimpleNamespace(chapters=lambda: chapters)), duration)


def test_what_makes_no_sense_is_left_out() -> None:
    second = Fraction(1)
    found = read(
        [
            stated(5, 50, second, "to the end of the file at the latest"),
            stated(-3, 5, second, "from the beginning"),
            stated(20, 30, second, "after the end"),
            stated(4, 4, second, "nothing"),
            stated(6, 2, second, "backwards"),
            stated(1, 2, None, "no clock"),
            stated(7, 8, second, None),
        ],
        10.0,
    )
    assert found == (
        Chapter(0.0, 5.0, "from the beginning"),
        Chapter(5.0, 10.0, "to the end of the file at the latest"),
        Chapter(7.0, 8.0, ""),
    )


def test_many_chapters_and_long_titles_are_cut() -> None:
    found = read([stated(n, n + 1, Fraction(1), "x" * 999) for n in range(3000)], 0.0)
    assert len(found) == MAX_CHAPTERS
    assert {len(chapter.title) for chapter in found} == {MAX_TITLE}


TICKS = st.integers(-(2**63), 2**63 - 1)


@given(
    st.lists(st.tuples(TICKS, TICKS, st.fractions(min_value=0, max_value=10**9), st.text())),
    st.floats(0, 3_600_000),
)
def test_any_chapters(values: list[tuple[int, int, Fraction, str]], duration: float) -> None:
    found = read([stated(*value) for value in values], duration)
    assert list(found) == sorted(found, key=lambda chapter: (chapter.start, chapter.end))
    for chapter in found:
        assert 0 <= chapter.start <= chapter.end
        assert not duration or chapter.end <= round(duration, 3)
