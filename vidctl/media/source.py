"""The one door through which media files are opened, and how their streams are walked.

Untrusted files pass a short list of formats and may open nothing but themselves: a playlist
named ``.mp4`` must not read a neighbour's file or a web address.
"""

from __future__ import annotations

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.errors import InvalidMedia
from vidctl.media.refusal import (
    AGAIN,
    HEAD,
    cannot_open,
    refusal_of_content,
    refusal_of_decoding,
    refusal_of_head,
)

if TYPE_CHECKING:
    from av import AudioFrame, AudioStream, Packet, VideoFrame, VideoStream
    from av.container import InputContainer
    from av.stream import Stream

FORMATS = "mov,matroska,mp3,wav,w64,flac,ogg,aac,avi,mpegts,mpeg,flv,asf,aiff,caf"
CLOCK_STARTS_AT_ZERO = frozenset({"mov", "matroska"})
LIVE_START = 60.0
FAILURES_IN_A_ROW = 50
MICROSECONDS = 1_000_000
BYTES_PER_PIXEL = 4


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open a local media file; every failure, also later in the block, is one of ours.

    Raises NotFound, PermissionRefused, or InvalidMedia with the reason and a hint.
    """
    import av

    head = _head(path)
    options = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
    try:
        # An absolute path cannot be taken for an option, a protocol or a pattern.
        container = av.open(str(path.absolute()), options=options, metadata_errors="replace")
    except (av.FFmpegError, UnicodeError) as error:
        raise refusal_of_content(head, path) from error
    with container:
        try:
            yield container
        except (av.FFmpegError, UnicodeError) as error:
            raise refusal_of_decoding(path) from error


def picture(container: InputContainer) -> VideoStream | None:
    """Return the moving picture, or None; cover art is not one."""
    streams = [stream for stream in container.streams.video if not is_cover(stream)]
    best = container.streams.best("video")
    usable = [stream for stream in streams if _is_decodable(stream)]
    return next((stream for stream in usable if stream is best), usable[0] if usable else None)


def sound(container: InputContainer) -> AudioStream | None:
    """Return the main sound track, or None."""
    best = container.streams.best("audio")
    usable = [stream for stream in container.streams.audio if _is_decodable(stream)]
    return next((stream for stream in usable if stream is best), usable[0] if usable else None)


def cover(container: InputContainer) -> VideoStream | None:
    """Return the first attached picture, or None."""
    return next((stream for stream in container.streams.video if is_cover(stream)), None)


def is_cover(stream: Stream) -> bool:
    """Tell whether a stream is a picture attached to the file, and not a video."""
    from av.stream import Disposition

    return bool(stream.disposition & Disposition.attached_pic)


def origin(container: InputContainer) -> float:
    """Return which container time, in seconds, is zero on the clock that people see.

    MP4 and Matroska count from their own zero, so sound that starts late stays late. Others, and
    cuts from a live stream, start anywhere: there the first timestamp is zero.
    """
    start = (container.start_time or 0) / MICROSECONDS
    names = set(container.format.name.split(","))
    return 0.0 if names & CLOCK_STARTS_AT_ZERO and start < LIVE_START else start


def shown_size(stream: VideoStream, turn: int) -> tuple[int, int]:
    """Return width and height as a player shows them: square pixels, turned by ``turn``."""
    aspect = stream.sample_aspect_ratio or 1
    width, height = round(stream.codec_context.width * aspect), stream.codec_context.height
    return (height, width) if turn % 180 else (width, height)


def quarter_turns(frame: VideoFrame | None) -> int:
    """Return by how many degrees, counter-clockwise, a frame must be turned: 0, 90, 180 or 270."""
    return round(frame.rotation / 90) * 90 % 360 if frame else 0


def packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Stream]]:
    """Yield the packets of some streams (of all by default), stepping over damage."""
    import av

    reader = container.demux(*streams)
    failures = 0
    while failures < FAILURES_IN_A_ROW:
        try:
            packet = next(reader)
        except (StopIteration, IndexError):
            # PyAV flushes at the end and has no object for a stream that appeared on the way.
            return
        except av.FFmpegError:
            failures += 1
            reader = container.demux(*streams)
            continue
        failures = 0
        yield packet


def video_frames(packet: Packet[Stream]) -> list[VideoFrame]:
    """Decode a packet of a video stream; a damaged one gives nothing."""
    import av

    return [frame for frame in _decode(packet) if isinstance(frame, av.VideoFrame)]


def audio_frames(packet: Packet[Stream]) -> list[AudioFrame]:
    """Decode a packet of an audio stream; a damaged one gives nothing."""
    import av

    return [frame for frame in _decode(packet) if isinstance(frame, av.AudioFrame)]


def _decode(packet: Packet[Stream]) -> list[object]:
    import av

    try:
        return list(packet.decode())
    except av.FFmpegError as error:
        if error.errno == errno.ENOMEM:
            _need_memory(packet.stream)
        return []


def _need_memory(stream: Stream) -> None:
    """Raise MemoryError when there is none for a picture: that is not damage to step over.

    FFmpeg says the same of a damaged packet that claims an absurd size.
    """
    from av import VideoCodecContext

    context = stream.codec_context
    if isinstance(context, VideoCodecContext):
        bytearray(BYTES_PER_PIXEL * context.width * context.height)


def _is_decodable(stream: Stream) -> bool:
    return stream.codec_context is not None


def _head(path: Path) -> bytes:
    """Return the first bytes of a file that may be media; refuse everything else."""
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise InvalidMedia(
                "this is a folder, not a media file",
                hint="give the files in it",
                item=str(path),
            )
        if not stat.S_ISREG(mode):
            # Opening a pipe would wait for ever for somebody to write.
            raise InvalidMedia("this is not a regular file", item=str(path))
        with path.open("rb") as file:
            head = file.read(HEAD)
    except (OSError, ValueError) as error:
        raise cannot_open(error, path) from error
    if not head:
        raise InvalidMedia(
            "the file is empty (0 bytes)",
            hint=AGAIN,
            item=str(path),
        )
    refused = refusal_of_head(head, path)
    if refused:
        raise refused
    return head
