"""What the tags of a file say about an episode, as the properties of a podcast or a video.

Tags come from many programs and many years: what makes no sense is left out, never an error.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from vidctl.media.tags import language
from vidctl.model.media import Chapter, Loudness, Probe

# What podcasts are made to (Apple, Spotify: -16 LUFS; mono sounds 3 dB louder than it measures).
TARGET_STEREO = -16.0
TARGET_MONO = -19.0
TOLERANCE = 2.0
MOST_WORDS = 50
LONGEST_WORD = 200
MOST_EPISODES = 1_000_000
MOST_SEASONS = 10_000
OLDEST_YEAR = 1800
NEWEST_YEAR = 9998

# Names of tags as FFmpeg reads them, the best first; TDES and the like are frames of ID3 that it
# has no name for.
DESCRIPTIONS = ("tdes", "description", "synopsis", "subtitle", "tit3", "comment")
LONG_DESCRIPTIONS = ("synopsis",)
SHOWS = ("show", "album", "podcast_title")
AUTHORS = ("artist", "album_artist", "author", "composer")
EPISODES = ("episode_sort", "episode", "episodenumber", "track", "episode_id")
SEASONS = ("season_number", "season", "seasonnumber", "disc")
DATES = ("release_date", "tdrl", "date", "year", "creation_time")
KEYWORDS = ("keywords", "tkwd")
CATEGORIES = ("category", "tcat", "genre")
LANGUAGES = ("language", "tlan")
# A genre that only says what kind of thing it is.
KINDS = frozenset({"podcast", "podcasts", "other", "unknown", "speech", "video podcast"})

_NUMBER = re.compile(
    r"\s*(?:s\d+\s*)?(?:e|ep|episode|#|no\.?)?\s*(\d{1,9}(?:\.\d{1,3})?)(?![\d.])", re.I
)
_YEAR = re.compile(r"\d{4}")
_SHAPES = ("%Y-%m-%d", "%Y-%m", "%Y", "%Y%m%d")


def described(probe: Probe, type: str) -> dict[str, Any]:
    """Return the properties that a file's tags and chapters give an item of ``type``.

    A podcast has more of them than a video. The title is not among them: it is the item's name.
    """
    tags = {name: value.strip() for name, value in probe.tags.items() if value.strip()}
    found: dict[str, Any] = {
        "description": _description(tags),
        "language": language(_first(tags, LANGUAGES)),
        "chapters": [chapter_record(chapter) for chapter in probe.chapters],
    }
    if type == "podcast":
        found |= {
            "show": _short(_first(tags, SHOWS)),
            "author": _short(_first(tags, AUTHORS)),
            "episodeNumber": _number(tags, EPISODES, MOST_EPISODES),
            "seasonNumber": _whole(_number(tags, SEASONS, MOST_SEASONS)),
            "publishedAt": _published(tags),
            "tags": _words(tags, KEYWORDS),
            "categories": [
                word for word in _words(tags, CATEGORIES) if word.casefold() not in KINDS
            ],
        }
    return {name: value for name, value in found.items() if value not in (None, "", [])}


def chapter_record(chapter: Chapter) -> dict[str, Any]:
    """Return a chapter as properties have it; times are seconds."""
    return {"start": chapter.start, "end": chapter.end, "title": chapter.title}


def loudness_warning(loudness: Loudness, *, channels: int | None = 2) -> str | None:
    """Say by how much an episode is louder or quieter than listeners expect; None if it fits.

    The target is -16 LUFS, for one channel -19 LUFS, each give or take 2 LU.
    """
    target = TARGET_MONO if channels == 1 else TARGET_STEREO
    if loudness.integrated is None:
        return "it is silent, or as good as silent"
    distance = loudness.integrated - target
    if abs(distance) <= TOLERANCE:
        return None
    how = "louder" if distance > 0 else "quieter"
    return (
        f"it is {abs(distance):.1f} LU {how} than podcasts should be"
        f" ({loudness.integrated:.1f} LUFS, recommended {target:.0f})"
    )


def _first(tags: Mapping[str, str], names: Iterable[str]) -> str:
    return next((tags[name] for name in names if name in tags), "")


def _description(tags: Mapping[str, str]) -> str:
    """Choose the longest of what is meant as one: many programs cut the first to 255 characters."""
    told = _first(tags, DESCRIPTIONS)
    for name in LONG_DESCRIPTIONS:
        longer = tags.get(name, "")
        if len(longer) > len(told):
            told = longer
    return told


def _short(text: str) -> str:
    return " ".join(text.split())[:LONGEST_WORD].strip()


def _number(tags: Mapping[str, str], names: Iterable[str], most: float) -> float | int | None:
    """Return the first tag that is a number: ``7``, ``7/12``, ``E7``, ``S2E7``, ``#7``."""
    for name in names:
        match = _NUMBER.match(tags.get(name, ""))
        value = float(match[1]) if match else 0.0
        if 0 < value <= most:
            return int(value) if value.is_integer() else value
    return None


def _whole(value: float | None) -> int | None:
    return None if value is None or not float(value).is_integer() else int(value)


def _published(tags: Mapping[str, str]) -> int | None:
    """Return the first date that makes sense, as epoch milliseconds; a date alone is in UTC."""
    for name in DATES:
        moment = _moment(tags.get(name, ""))
        if moment is not None:
            return moment
    return None


def _moment(text: str) -> int | None:
    date = _parsed(text)
    if date is None or not OLDEST_YEAR <= date.year <= NEWEST_YEAR:
        return None
    date = date if date.tzinfo else date.replace(tzinfo=UTC)
    return math.floor(date.timestamp() * 1000)


def _parsed(text: str) -> datetime | None:
    if not _YEAR.match(text):
        return None
    for shape in _SHAPES:
        try:
            return datetime.strptime(text, shape)
        except ValueError:
            continue
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _words(tags: Mapping[str, str], names: Iterable[str]) -> list[str]:
    """Split keywords at commas, semicolons and the null that ID3v2.4 puts between values."""
    parts = (_short(part) for part in re.split(r"[,;/\0]", _first(tags, names)))
    return list(dict.fromkeys(filter(None, parts)))[:MOST_WORDS]
