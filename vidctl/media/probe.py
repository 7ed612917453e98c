"""What a media file is: kind, duration, picture, sound, streams, chapters and tags."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

from vidctl.errors import TruncatedMedia
from vidctl.media.chapters import chapters_of
from vidctl.media.completeness import is_material, read_through
from vidctl.media.refusal import AGAIN, refusal_of_streams
from vidctl.media.source import (
    MICROSECONDS,
    cover,
    is_cover,
    open_media,
    packets,
    picture,
    quarter_turns,
    shown_size,
    sound,
    video_frames,
)
from vidctl.media.tags import language_of, line, tags_of
from vidctl.model.media import Probe, Track

if TYPE_CHECKING:
    from av import AudioStream, VideoFrame, VideoStream
    from av.container import InputContainer
    from av.stream import Stream

LONGEST = 3_600_000.0
FASTEST = 1000
FIRST_PACKETS = 300
MAX_TRACKS = 100
LONGEST_TITLE = 200
HIGHEST_RATE = 10_000_000_000
# The transfer characteristics with a high dynamic range (ITU-T H.273, table 3).
DYNAMIC_RANGES = {16: "PQ", 18: "HLG"}


def probe(path: Path, *, verify: bool = True) -> Probe:
    """Look into a media file.

    With ``verify`` the whole file is read once (not decoded) to find out whether it was cut
    short; ``duration`` is then what can be played, which in a truncated file is less than its
    header says. Without it the header is believed. Raises what ``open_media`` raises, and
    InvalidMedia when there is neither sound nor picture or nothing of them decodes, and
    TruncatedMedia when the file is cut before its first moment ends.
    """
    with open_media(path) as container:
        described = _described(container, path)
        if not verify and described.duration:
            return described
        # A frame of a video was read by now; sound need not be opened again.
        read = read_through(container, path) if described.kind == "audio" else None
    if read is None:
        with open_media(path) as container:
            read = read_through(container, path)
    readable, is_cut = read
    told = described.duration
    is_other = is_material(abs(readable - told), max(readable, told))
    duration = _sane(readable) if is_cut or is_other or not told else told
    if is_cut and not duration:
        raise TruncatedMedia(
            "the file ends before anything in it can be played", hint=AGAIN, item=str(path)
        )
    promised = told if is_cut and told > duration else None
    return replace(
        described,
        duration=duration,
        truncated=is_cut,
        promised=promised,
        bit_rate=_rate(described.bit_rate or (8 * described.size / duration if duration else 0)),
    )


def _described(container: InputContainer, path: Path) -> Probe:
    """Tell what the header says; one frame is decoded, because only frames know their rotation."""
    video, audio = picture(container), sound(container)
    if video is None and audio is None:
        raise refusal_of_streams(path)
    turn = quarter_turns(_first_frame(container, video)) if video else 0
    width, height = shown_size(video, turn) if video else (None, None)
    duration = _sane((container.duration or 0) / MICROSECONDS)
    return Probe(
        kind="video" if video else "audio",
        format=_format(container, path),
        duration=duration,
        size=path.stat().st_size,
        video_codec=video.codec_context.codec.canonical_name if video else None,
        audio_codec=audio.codec_context.codec.canonical_name if audio else None,
        width=width or None,
        height=height or None,
        fps=_fps(video) if video else None,
        sample_rate=audio.codec_context.sample_rate if audio else None,
        channels=audio.codec_context.channels if audio else None,
        tags=tags_of(container, path),
        rotation=turn,
        bit_rate=_rate(container.bit_rate),
        has_cover=cover(container) is not None,
        stream_count=len(container.streams),
        streams=tuple(_track(stream) for stream in islice(container.streams, MAX_TRACKS)),
        chapters=chapters_of(container, duration),
    )


def _track(stream: Stream) -> Track:
    from av.stream import Disposition

    context = stream.codec_context
    track = Track(
        index=stream.index,
        type="cover" if is_cover(stream) else stream.type or "data",
        codec=context.codec.canonical_name if context else None,
        language=language_of(stream),
        title=line(stream.metadata.get("title", ""), LONGEST_TITLE),
        bit_rate=_rate(context.bit_rate) if context else None,
        is_default=bool(stream.disposition & Disposition.default),
        is_forced=bool(stream.disposition & Disposition.forced),
    )
    if context is None:
        return track
    if stream.type == "video":
        return _seen(track, cast("VideoStream", stream))
    return _heard(track, cast("AudioStream", stream)) if stream.type == "audio" else track


def _seen(track: Track, stream: VideoStream) -> Track:
    context = stream.codec_context
    return replace(
        track,
        width=context.width or None,
        height=context.height or None,
        fps=None if track.type == "cover" else _fps(stream),
        dynamic_range=DYNAMIC_RANGES.get(context.color_trc),
    )


def _heard(track: Track, stream: AudioStream) -> Track:
    context = stream.codec_context
    return replace(
        track,
        sample_rate=context.sample_rate or None,
        channels=context.channels or None,
        layout=context.layout.name,
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


def _rate(bits: float | None) -> int | None:
    """Return bits a second, None for what no file has."""
    return round(bits) if bits and 0 < bits <= HIGHEST_RATE else None


def _sane(seconds: float) -> float:
    """Bound a duration: broken timestamps can claim thousands of years."""
    return round(min(max(seconds, 0.0), LONGEST), 3)
