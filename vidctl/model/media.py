"""Media: where the bytes of a thing are, and what a probe found in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Probe:
    """What a media file says about itself. Durations are seconds, sizes bytes.

    ``kind`` is ``video`` or ``audio``; ``truncated`` means that less could be read than the
    container promises. ``width``/``height`` are as shown, after rotation.
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


@dataclass(frozen=True, slots=True)
class StoredMedia:
    """Bytes at rest on a host: ``locator`` is the host's own name for them."""

    host: str
    locator: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class MediaRow:
    """One row of ``media``: ``role`` is ``source``, ``thumbnail`` or ``captions``."""

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
