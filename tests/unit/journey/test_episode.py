"""What tags become: the properties of an episode, and a word about how loud it is."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.journey import episode
from vidctl.journey.episode import described, loudness_warning
from vidctl.model.media import Chapter, Loudness, Probe
from vidctl.model.properties import checked_properties


def probe(chapters: tuple[Chapter, ...] = (), **tags: str) -> Probe:
    return Probe("audio", "mp3", 60.0, 1000, tags=tags, chapters=chapters)


def found(type: str = "podcast", **tags: str) -> dict[str, Any]:
    return described(probe(**tags), type)


def test_a_podcast_with_everything() -> None:
    tags = {
        "title": "The gull",
        "album": "Coast",
        "artist": "Ana",
        "date": "2024-03-01T06:30:00Z",
        "track": "7/12",
        "disc": "2",
        "description": "Short.",
        "synopsis": "Short, and then longer.",
        "keywords": "sea, birds;sea",
        "genre": "Podcast",
        "category": "Nature",
        "language": "ENG",
    }
    chapters = (Chapter(0.0, 20.5, "Start"), Chapter(20.5, 60.0))
    assert described(probe(chapters, **tags), "podcast") == {
        "description": "Short, and then longer.",
        "language": "eng",
        "chapters": [
            {"start": 0.0, "end": 20.5, "title": "Start"},
            {"start": 20.5, "end": 60.0, "title": ""},
        ],
        "show": "Coast",
        "author": "Ana",
        "episodeNumber": 7,
        "seasonNumber": 2,
        "publishedAt": 1_709_274_600_000,
        "tags": ["sea", "birds"],
        "categories": ["Nature"],
    }


def test_a_video_has_no_episode() -> None:
    given = found("video", track="7", album="Coast", date="2024", description="d", language="de")
    assert given == {"description": "d", "language": "de"}


def test_nothing_is_made_up() -> None:
    assert found() == {}
    assert found(track=" ", album="", date="\n", genre="Podcast") == {}


@pytest.mark.parametrize(
    ("text", "number"),
    [
        *[("7", 7), ("07", 7), ("7/12", 7), ("E7", 7), ("e07", 7), ("S02E07", 7), ("#7", 7)],
        *[("Episode 7", 7), ("ep. 7", None), ("7.5", 7.5), ("No. 7", 7), (" 7 ", 7)],
        *[("abc", None), ("0", None), ("-3", None), ("/12", None), ("1e9", 1), ("1.2.3", None)],
        *[
            ("9999999", None),
            ("99999999999999999999", None),
            ("٧", 7),
            ("inf", None),
            ("nan", None),
        ],
    ],
)
def test_episode_numbers(text: str, number: float | None) -> None:
    assert found(track=text).get("episodeNumber") == number


def test_the_better_tag_wins_unless_it_makes_no_sense() -> None:
    assert found(episode_sort="3", track="7")["episodeNumber"] == 3
    assert found(episode_sort="abc", track="7")["episodeNumber"] == 7
    assert found(release_date="soon", date="2024")["publishedAt"] == 1_704_067_200_000
    assert "seasonNumber" not in found(season_number="1.5")


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        *[("2024-03-01", 1_709_251_200_000), ("20240301", 1_709_251_200_000)],
        *[("2024-03", 1_709_251_200_000), ("2024", 1_704_067_200_000)],
        *[
            ("2024-03-01 06:30:00", 1_709_274_600_000),
            ("2024-03-01T06:30+02:00", 1_709_267_400_000),
        ],
        *[("0", None), ("0000", None), ("0000-00-00", None), ("2024-13-01", None), ("1066", None)],
        *[
            ("9999-12-31T23:59:59-12:00", None),
            ("yesterday", None),
            ("2024-02-30", None),
            ("24", None),
        ],
    ],
)
def test_dates(text: str, moment: int | None) -> None:
    assert found(date=text).get("publishedAt") == moment


NAMES = sorted(
    {
        name
        for group in ("DESCRIPTIONS", "SHOWS", "AUTHORS", "EPISODES", "SEASONS", "DATES")
        for name in getattr(episode, group)
    }
    | {*episode.KEYWORDS, *episode.CATEGORIES, *episode.LANGUAGES}
)
ODD = st.text() | st.integers().map(str) | st.datetimes().map(str) | st.from_regex(r"[sSeE#]?\d+.*")
TIMES = st.floats(0, 3_600_000).map(lambda value: round(value, 3))
CHAPTERS = st.lists(
    st.builds(lambda a, b, title: Chapter(min(a, b), max(a, b), title), TIMES, TIMES, st.text())
)


@given(
    st.sampled_from(["podcast", "video"]),
    st.dictionaries(st.sampled_from(NAMES), ODD, max_size=8),
    CHAPTERS,
)
def test_whatever_tags_say_can_be_stored(
    type: str, tags: dict[str, str], chapters: list[Chapter]
) -> None:
    given = described(probe(tuple(chapters), **tags), type)
    kept = checked_properties(type, given)
    assert kept == given
    assert "extra" not in kept


@pytest.mark.parametrize(
    ("integrated", "channels", "said"),
    [
        *[(-16.0, 2, ""), (-18.0, 2, ""), (-14.0, 2, ""), (-19.0, 1, ""), (-21.0, 1, "")],
        *[(-16.9, 1, "2.1 LU louder"), (-21.1, 1, "2.1 LU quieter")],
        *[(-18.1, 2, "2.1 LU quieter"), (-13.9, 2, "2.1 LU louder"), (-30.0, 6, "14.0 LU quieter")],
        *[(-18.1, None, "2.1 LU quieter"), (None, 2, "silent")],
    ],
)
def test_loudness(integrated: float | None, channels: int | None, said: str) -> None:
    warning = loudness_warning(Loudness(integrated, 5.0, -1.0), channels=channels)
    assert (warning is None) == (said == "")
    assert said in (warning or "")
    if said and integrated is not None:
        assert f"{integrated:.1f} LUFS" in (warning or "")
