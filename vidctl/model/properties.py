"""What a video's and a podcast's ``properties`` may hold, checked where people's input arrives.

Names are camelCase because they cross the wire as they are. Unknown keys are kept, under
``extra``. ``viewCount`` and ``transcript`` are accepted, but a stored view count is only the
number imported with the item: the truth is counted from events, and the transcript of an item
with segments is derived from those.
"""

from __future__ import annotations

import json
import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StrictInt,
    StringConstraints,
    ValidationError,
    model_validator,
)

from vidctl.errors import UsageError

# What the patterns of properties ask for, where it is not an address.
PATTERNS = {
    "youtubeId": "must be the 11 characters of a YouTube id",
    "email": "must be an address such as ana@example.org",
}
YOUTUBE_ID = re.compile(r"[A-Za-z0-9_-]{11}")

Url = Annotated[
    str, StringConstraints(strip_whitespace=True, pattern=r"^(https?://|s3://|/|\.{0,2}/)\S*$")
]
Word = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Seconds = Annotated[float, Field(ge=0, le=3_600_000, allow_inf_nan=False)]
Level = Annotated[float, Field(ge=-200, le=200, allow_inf_nan=False)]
# Episodes are counted, but some are 7.5: what is whole is written as people write it.
Episode = Annotated[
    float,
    Field(ge=0, allow_inf_nan=False),
    AfterValidator(lambda number: int(number) if number % 1 == 0 and number < 2**53 else number),
]
Millis = Annotated[int, Field(ge=-62_135_596_800_000, le=253_402_300_799_999)]


class ChapterProperties(BaseModel):
    """A named stretch of an item, in seconds from its start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: Seconds
    end: Seconds
    title: str = Field("", max_length=1000)

    @model_validator(mode="after")
    def _goes_forward(self) -> ChapterProperties:
        if self.end < self.start:
            raise ValueError("a chapter must not end before it starts")
        return self


class LoudnessProperties(BaseModel):
    """How loud sound is by EBU R128: LUFS, LU and dBTP; what is not known is left out."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    integrated: Level | None = None
    range: Level | None = None
    truePeak: Level | None = None  # noqa: N815


class MediaProperties(BaseModel):
    """Properties that videos and podcasts share."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str | None = Field(None, max_length=1_000_000)
    thumbnail: Url | None = None
    duration: Seconds | None = None
    transcript: str | None = None
    categories: list[Word] = Field(default_factory=list)
    tags: list[Word] = Field(default_factory=list)
    viewCount: int | None = Field(None, ge=0)  # noqa: N815
    publishedAt: Millis | None = None  # noqa: N815
    language: str | None = Field(None, max_length=35)
    sourceUrl: Url | None = None  # noqa: N815
    media: dict[str, Any] | None = None
    chapters: list[ChapterProperties] | None = Field(None, max_length=1000)
    loudness: LoudnessProperties | None = None
    extra: dict[str, Any] = Field(default_factory=dict)


class VideoProperties(MediaProperties):
    """Properties of a video."""

    youtubeId: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{11}$")] | None = None  # noqa: N815
    videoUrl: Url | None = None  # noqa: N815


class PodcastProperties(MediaProperties):
    """Properties of a podcast episode."""

    audioUrl: Url | None = None  # noqa: N815
    episodeNumber: Episode | None = None  # noqa: N815
    seasonNumber: Annotated[int, Field(ge=0)] | None = None  # noqa: N815
    show: Word | None = None
    author: Word | None = None


class PlaylistProperties(BaseModel):
    """Properties of a playlist; how many items it has is counted, never stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    playlistType: Literal["video", "podcast", "course"]  # noqa: N815
    description: str | None = Field(None, max_length=1_000_000)
    thumbnail: Url | None = None
    categories: list[Word] = Field(default_factory=list)
    tags: list[Word] = Field(default_factory=list)
    extra: dict[str, Any] = Field(default_factory=dict)


class CourseProperties(BaseModel):
    """Properties of a course; how many lessons it has is counted, never stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    description: str | None = Field(None, max_length=1_000_000)
    level: Literal["beginner", "intermediate", "advanced", "all"] | None = None
    instructor: Word | None = None
    estimatedHours: Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)] | None = None  # noqa: N815
    thumbnail: Url | None = None
    categories: list[Word] = Field(default_factory=list)
    tags: list[Word] = Field(default_factory=list)
    publishedAt: Millis | None = None  # noqa: N815
    language: str | None = Field(None, max_length=35)
    extra: dict[str, Any] = Field(default_factory=dict)


class Question(BaseModel):
    """A question of a quiz; ``answer`` is one of the choices, or its place counted from 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    question: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
    choices: Annotated[list[Word], Field(min_length=2)]
    answer: StrictInt | Word

    @model_validator(mode="after")
    def _is_answerable(self) -> Question:
        is_place = isinstance(self.answer, int)
        if self.answer not in (range(len(self.choices)) if is_place else self.choices):
            raise ValueError("answer must be one of the choices, or its place counted from 0")
        return self


class LessonProperties(BaseModel):
    """Properties of a lesson; ``body`` is Markdown."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    lessonType: Literal["video", "text", "quiz"] | None = None  # noqa: N815
    description: str | None = Field(None, max_length=1_000_000)
    body: str | None = Field(None, max_length=5_000_000)
    quiz: Annotated[list[Question], Field(min_length=1)] | None = None
    duration: Seconds | None = None
    publishedAt: Millis | None = None  # noqa: N815
    extra: dict[str, Any] = Field(default_factory=dict)


class PersonProperties(BaseModel):
    """Properties of a creator or user."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    email: (
        Annotated[
            str,
            StringConstraints(strip_whitespace=True, max_length=320, pattern=r"^[^@\s]+@[^@\s]+$"),
        ]
        | None
    ) = None
    bio: str | None = Field(None, max_length=1_000_000)
    extra: dict[str, Any] = Field(default_factory=dict)


MODELS: dict[str, type[BaseModel]] = {
    "video": VideoProperties,
    "podcast": PodcastProperties,
    "playlist": PlaylistProperties,
    "course": CourseProperties,
    "lesson": LessonProperties,
    "creator": PersonProperties,
    "user": PersonProperties,
}


def checked_properties(type: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return ``values`` validated for a thing of ``type``, unknown keys moved under ``extra``.

    Keys whose value is None are left out. Raises UsageError that names the first bad property.
    """
    model = MODELS[type]
    known = {key: value for key, value in values.items() if key in model.model_fields}
    unknown = {key: value for key, value in values.items() if key not in model.model_fields}
    extra = known.get("extra") or {}
    if unknown and isinstance(extra, dict):
        known["extra"] = {**extra, **unknown}
    try:
        checked = model.model_validate(known)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"]) or "properties"
        said = first["msg"].lower().removeprefix("value error, ")
        if first["type"] == "string_pattern_mismatch":
            said = PATTERNS.get(name, "must be a web address, or a path that begins with / or ./")
        raise UsageError(f"{name}: {said} (got {first['input']!r})") from None
    kept = {
        key: value
        for key, value in checked.model_dump(exclude_none=True, exclude_unset=True).items()
        if value != {} or key in values
    }
    for key, value in kept.items():
        _refuse_unstorable(key, value)
    return kept


def _refuse_unstorable(key: str, value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except UnicodeEncodeError:
        raise UsageError(f"{key}: holds bytes that are not UTF-8 text") from None
    except ValueError:
        raise UsageError(f"{key}: holds a number that is not finite") from None
