"""What a media file is: kind, duration, picture, sound and tags."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.files import UNSAFE
from vidctl.media.completeness import is_material, read_through
from vidctl.media.refusal import refusal_of_streams
from vidctl.media.source import (
    MICROSECONDS,
    open_media,
    packets,
    picture,
    quarter_turns,
    shown_size,
    sound,
    video_frames,
)
from vidctl.model.media import Probe

if TYPE_CHECKING:
    from av import VideoFrame, VideoStream
    from av.container import InputContainer

LONGEST = 3_600_000.0
FASTEST = 1000
FIRST_PACKETS = 300
MAX_TAGS = 100
MAX_KEY = 64
MAX_VALUE = 10_000
_CONTAINER_TAGS = frozenset({"major_brand", "minor_version", "compatible_brands"})


def probe(path: Path, *, verify: bool = True) -> Probe:
    """Look into a media file.

    With ``verify`` the whole file is read once (not decoded) to find out whether it was cut
    short; ``duration`` is then what can be played, which in a truncated file is less than its
    header says. Without it the header is believed. Raises what ``open_media`` raises, and
    InvalidMedia when there is neither sound nor picture or nothing of them decodes.
    """
    with open_media(path) as container:
        described = _described(container, path)
    if not verify and described.duration:
        return described
    readable, is_cut = read_through(path)
    told = described.duration
    is_other = is_material(abs(readable - told), max(readable, told))
    duration = _sane(readable) if is_cut or is_other or not told else told
    return replace(described, duration=duration, truncated=is_cut)


def _described(container: InputContainer, path: Path) -> Probe:
    """Tell what the header says; one frame is decoded, because only frames know their rotation."""
    video, audio = picture(container), sound(container)
    if video is None and audio is None:
        raise refusal_of_streams(path)
    width, height = (
        shown_size(video, quarter_turns(_first_frame(container, video))) if video else (None, None)
    )
    return Probe(
        kind="video" if video else "audio",
        format=_format(container, path),
        duration=_sane((container.duration or 0) / MICROSECONDS),
        size=path.stat().st_size,
        video_codec=video.codec_context.codec.canonical_name if video else None,
        audio_codec=audio.codec_context.codec.canonical_name if audio else None,
        width=width or None,
        height=height or None,
        fps=_fps(video) if video else None,
        sample_rate=audio.codec_context.sample_rate if audio else None,
        channels=audio.codec_context.channels if audio else None,
        tags=_tags(container),
    )


def _first_frame(container: InputContainer, video: VideoStream) -> VideoFrame | None:
    for packet in islice(packets(container, video), FIRST_PACKETS):
        for frame in video_frames(packet):
            return frame
    return None


def _format(container: InputContainer, path: Path) -> str:
    """Choose among the names of a format family the one that the file's own name says."""
    names = container.format.name.split(",")
    suffix = path.suffix.lower().removeprefix(".")
    return suffix if suffix in names else names[0]


def _fps(video: VideoStream) -> float | None:
    rate = float(video.average_rate or video.guessed_rate or 0)
    return round(rate, 3) if 0 < rate <= FASTEST else None


def _sane(seconds: float) -> float:
    """Bound a duration: broken timestamps can claim thousands of years."""
    return round(min(max(seconds, 0.0), LONGEST), 3)


def _tags(container: InputContainer) -> dict[str, str]:
    """Return the file's tags with lower-case names, without control characters, cut to size.

    Ogg keeps them on the stream.
    """
    found = dict(container.metadata)
    if container.format.name == "ogg":
        found = {**container.streams[0].metadata, **found}
    tags: dict[str, str] = {}
    for key, value in islice(found.items(), MAX_TAGS):
        name = UNSAFE.sub("", key).strip().lower()[:MAX_KEY]
        if name and name not in _CONTAINER_TAGS:
            tags[name] = _clean(value)
    return tags


def _clean(value: str) -> str:
    """Drop control characters but keep line breaks; descriptions have them."""
    lines = value[: 2 * MAX_VALUE].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    return "\n".join(UNSAFE.sub("", line.replace("\t", " ")) for line in lines).strip()[:MAX_VALUE]
