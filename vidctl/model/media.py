"""Media: where the bytes of a thing are, and what a probe found in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

# What bytes are to their thing. ``source`` is its media now, ``copy`` the same bytes on another
# host, ``version`` a source that was replaced; the rest was made from it or came beside it.
ROLES = (
    *("source", "copy", "version", "thumbnail", "captions", "cover"),
    *("sheet", "storyboard", "storyboard_cues", "peaks", "preview", "audio"),
)


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named stretch of a media file; start and end are seconds."""

    start: float
    end: float
    title: str = ""


@dataclass(frozen=True, slots=True)
class Track:
    """One stream of a media file, by its place in the file counted from 0.

    ``type`` is ``video``, ``audio``, ``subtitle``, ``data`` or ``attachment``, or ``cover`` for a
    picture that is attached. Bit rates are bits a second; ``dynamic_range`` is ``PQ`` or ``HLG``
    for a picture with a high one (ITU-R BT.2100).
    """

    index: int
    type: str
    codec: str | None = None
    language: str = ""
    title: str = ""
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    dynamic_range: str | None = None
    sample_rate: int | None = None
    channels: int | None = None
    layout: str | None = None
    bit_rate: int | None = None
    is_default: bool = False
    is_forced: bool = False


@dataclass(frozen=True, slots=True)
class Probe:
    """What a media file says about itself. Durations are seconds, sizes bytes.

    ``kind`` is ``video`` or ``audio``. ``duration`` is what can be played; ``truncated`` means
    that the container promises more, namely ``promised``. ``width``/``height`` are as shown,
    after ``rotation``, which is in degrees counter-clockwise. ``bit_rate`` is bits a second.
    ``stream_count`` counts all streams, of which ``streams`` holds the first hundred.
    """

    kind: str
    format: str
    duration: float
    size: int
    video_codec: str | None = None
    audio_codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    truncated: bool = False
    tags: dict[str, str] = field(default_factory=dict)
    rotation: int = 0
    bit_rate: int | None = None
    promised: float | None = None
    has_cover: bool = False
    stream_count: int = 0
    streams: tuple[Track, ...] = ()
    chapters: tuple[Chapter, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return this as values that JSON has; ``from_json`` reads them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Probe:
        """Read what ``to_json`` returned. Raises TypeError for anything else."""
        streams = tuple(Track(**each) for each in values["streams"])
        chapters = tuple(Chapter(**each) for each in values["chapters"])
        return cls(**{**values, "streams": streams, "chapters": chapters})


@dataclass(frozen=True, slots=True)
class Loudness:
    """How loud sound is, by EBU R128; None where it is silent or too short to tell.

    ``integrated`` is in LUFS, ``range`` in LU, ``true_peak`` in dBTP.
    """

    integrated: float | None
    range: float | None
    true_peak: float | None

    def record(self) -> dict[str, float]:
        """Return what is known under the names that properties have."""
        named = {
            "integrated": self.integrated,
            "range": self.range,
            "truePeak": self.true_peak,
        }
        return {name: value for name, value in named.items() if value is not None}

    def to_json(self) -> dict[str, Any]:
        """Return this as values that JSON has; ``Loudness(**values)`` reads them."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Content:
    """Bytes by what they are: whose they are, their SHA-256 (hexadecimal) and size.

    ``suffix`` is the ending of their file name with its dot, ``.mp4``.
    """

    group_id: str
    sha256: str
    size: int
    suffix: str


@dataclass(frozen=True, slots=True)
class Asset:
    """What a host says of bytes that it holds.

    ``etag`` is the host's own checksum, empty where it has none; ``url`` is where people find
    the bytes, empty where nobody but vidctl can.
    """

    locator: str
    size: int
    etag: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class Orphan:
    """An upload that a host began and that nothing finished; its parts cost money there."""

    host: str
    remote_id: str
    locator: str
    started_at: int


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """Bytes at rest on a host: ``locator`` is the host's own name for them."""

    host: str
    locator: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One row of ``media``; ``role`` is one of ``ROLES``."""

    id: str
    group_id: str
    thing_id: str
    role: str
    sha256: str
    size: int
    host: str
    locator: str
    filename: str
    metadata: dict[str, Any] = field(default_factory=dict)

    @property
    def content(self) -> Content:
        """What the bytes are, wherever they are."""
        stem, dot, ending = self.locator.rpartition("/")[2].rpartition(".")
        suffix = dot + ending if stem and ending else ""
        return Content(self.group_id, self.sha256, self.size, suffix)
