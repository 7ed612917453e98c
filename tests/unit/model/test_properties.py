"""What a video's and a podcast's properties may hold."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.errors import UsageError
from vidctl.model.properties import MODELS, checked_properties

WHOLE_VIDEO = {
    "description": "d",
    "thumbnail": "https://example.org/a.jpg",
    "duration": 12.5,
    "transcript": "t",
    "categories": ["talks"],
    "tags": ["a", "b"],
    "viewCount": 7,
    "publishedAt": 1_736_208_000_000,
    "language": "en",
    "sourceUrl": "https://example.org",
    "media": {"format": "mp4"},
    "chapters": [{"start": 0.0, "end": 4.5, "title": "Start"}],
    "loudness": {"integrated": -16.2, "range": 4.0, "truePeak": -1.1},
    "extra": {"camera": "x"},
    "youtubeId": "dQw4w9WgXcQ",
    "videoUrl": "/films/a.mp4",
}
WHOLE_PODCAST = {
    "audioUrl": "https://example.org/a.mp3",
    "episodeNumber": 12.5,
    "seasonNumber": 2,
    "show": "The show",
    "author": "Ana",
    "duration": 1,
}


@pytest.mark.parametrize(
    ("type", "values"), [("video", WHOLE_VIDEO), ("podcast", WHOLE_PODCAST), ("creator", {})]
)
def test_everything_of_the_plan_is_kept_as_it_is(type: str, values: dict[str, Any]) -> None:
    assert checked_properties(type, values) == values


def test_unknown_keys_go_under_extra() -> None:
    assert checked_properties("video", {"camera": "x", "extra": {"lens": 50}}) == {
        "extra": {"camera": "x", "lens": 50}
    }


def test_a_podcast_has_no_youtube_id_of_its_own() -> None:
    assert checked_properties("podcast", {"youtubeId": "dQw4w9WgXcQ"}) == {
        "extra": {"youtubeId": "dQw4w9WgXcQ"}
    }


def test_nothing_is_made_up() -> None:
    assert checked_properties("video", {}) == {}
    assert checked_properties("video", {"description": None}) == {}
    assert checked_properties("video", {"tags": []}) == {"tags": []}


def test_words_lose_the_space_around_them() -> None:
    assert checked_properties("video", {"tags": [" a ", "b\n"]}) == {"tags": ["a", "b"]}


BAD = [
    ("video", "youtubeId", "short"),
    ("video", "youtubeId", "dQw4w9WgXcQ\n"),
    ("video", "videoUrl", "javascript:alert(1)"),
    ("video", "videoUrl", "https://example.org/a b"),
    ("video", "thumbnail", "file:///etc/passwd"),
    ("video", "duration", -1),
    ("video", "duration", float("nan")),
    ("video", "duration", float("inf")),
    ("video", "duration", 3_600_001),
    ("video", "viewCount", -1),
    ("video", "viewCount", 1.5),
    ("video", "publishedAt", 10**16),
    ("video", "tags", "a"),
    ("video", "tags", [""]),
    ("video", "tags", ["x" * 201]),
    ("video", "language", "x" * 36),
    ("video", "media", "mp4"),
    ("video", "description", "x" * 1_000_001),
    ("video", "description", "caf\udce9"),
    ("video", "extra", [1]),
    ("video", "extra", {"a": float("inf")}),
    ("video", "extra", {"a": ["caf\udce9"]}),
    ("podcast", "episodeNumber", -1),
    ("podcast", "episodeNumber", float("inf")),
    ("podcast", "seasonNumber", 1.5),
]


@pytest.mark.parametrize(("type", "key", "value"), BAD)
def test_bad_values_are_named(type: str, key: str, value: Any) -> None:
    with pytest.raises(UsageError) as caught:
        checked_properties(type, {key: value})
    assert caught.value.message.startswith(key)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)
KEYS = st.sampled_from([*WHOLE_VIDEO, *WHOLE_PODCAST, "camera", "email"])


@given(st.sampled_from(sorted(MODELS)), st.dictionaries(KEYS, JSON, max_size=4))
def test_checking_twice_changes_nothing(type: str, values: dict[str, Any]) -> None:
    """Whatever arrives is refused in one way, or is stored and read back as it is."""
    try:
        once = checked_properties(type, values)
    except UsageError:
        return
    assert repr(checked_properties(type, once)) == repr(once)
    assert once.keys() <= {*values, "extra"}
