"""Media made on the spot: small, deterministic, and as sound or as broken as a test asks for."""

from __future__ import annotations

import io
import wave
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Pixels = NDArray[np.uint8]
    Sound = NDArray[np.int16]

RATE = 48000
FPS = 10
SIZE = (160, 90)


def noise(seconds: float) -> Sound:
    """Loud and quiet noise at ``RATE`` that resembles itself nowhere: a shift is measurable."""
    import numpy as np

    random = np.random.default_rng(1961)
    samples = round(seconds * RATE)
    loudness = np.repeat(random.random(samples // 2400 + 1), 2400)[:samples]
    return np.clip(random.standard_normal(samples) * 6000 * loudness, -32000, 32000).astype("i2")


def scene(second: float) -> Pixels:
    """A picture with edges, different in every second."""
    import numpy as np

    width, height = SIZE
    pixels = np.full((height, width, 3), 60, np.uint8)
    pixels[:, :: 16 + 2 * int(second % 7)] = (220, 180, 40)
    pixels[:: 12 + int(second % 5)] = (30, 90, 200)
    return pixels


def flat(value: int) -> Pixels:
    """A blank picture."""
    import numpy as np

    return np.full((SIZE[1], SIZE[0], 3), value, np.uint8)


@dataclass
class Recipe:
    """What a media file holds. ``sound``/``picture`` are encoder names, empty for none.

    ``delay`` shifts the sound; ``gap`` is (from, length) of a pause in its timestamps.
    """

    seconds: float = 4.0
    sound: str = "aac"
    picture: str = "libx264"
    form: str | None = None
    layout: str = "mono"
    sound_rate: int = RATE
    sound_seconds: float | None = None
    delay: float = 0.0
    gap: tuple[float, float] | None = None
    rotation: int = 0
    aspect: Fraction | None = None
    keyframes: int = 10
    is_interleaved: bool = True
    fps: int = FPS
    draw: Callable[[float], Pixels] = scene
    tags: dict[str, str] = field(default_factory=dict)
    options: dict[str, str] = field(default_factory=dict)


def make(target: Any, **recipe: Any) -> Any:
    """Write a media file from a ``Recipe`` and return ``target`` (a path or a file object)."""
    import av

    wanted = Recipe(**recipe)
    name = str(target) if isinstance(target, Path) else target
    with av.open(name, "w", format=wanted.form, options=wanted.options) as output:
        output.metadata.update(wanted.tags)
        video = _video_stream(output, wanted) if wanted.picture else None
        audio = _audio_stream(output, wanted) if wanted.sound else None
        packets: list[Any] = []
        if video is not None:
            packets += _video_packets(video, wanted)
        if audio is not None:
            packets += _audio_packets(audio, wanted)
        if wanted.is_interleaved:
            packets.sort(key=lambda packet: packet.dts * packet.time_base)
        for packet in packets:
            output.mux(packet)
    return target


def make_video(path: Path, seconds: float = 4.0, *, audio: str = "aac", **recipe: Any) -> Path:
    """Write a video, with sound unless ``audio`` is empty."""
    return Path(make(path, seconds=seconds, sound=audio, **recipe))


def make_audio(path: Path, seconds: float = 4.0, *, codec: str = "aac", **recipe: Any) -> Path:
    """Write a file that holds only sound."""
    return Path(make(path, seconds=seconds, sound=codec, picture="", **recipe))


def cut(path: Path, target: Path, share: float = 0.6) -> Path:
    """Copy the first part of a file: a download that stopped."""
    content = path.read_bytes()
    target.write_bytes(content[: int(len(content) * share)])
    return target


def hollow(path: Path, target: Path, share: float = 0.6) -> Path:
    """Copy a file with zeros after the first part: space reserved, download never finished."""
    content = path.read_bytes()
    kept = content[: int(len(content) * share)]
    target.write_bytes(kept + bytes(len(content) - len(kept)))
    return target


def image_bytes(form: str, size: tuple[int, int] = (64, 48)) -> bytes:
    """A picture in one of Pillow's formats: red left half, blue right half."""
    from PIL import Image

    image = Image.new("RGB", size, "blue")
    image.paste("red", (0, 0, size[0] // 2, size[1]))
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def with_cover(path: Path, target: Path, image: bytes, mime: str = "image/jpeg") -> Path:
    """Copy an MP3 with a picture in an ID3v2.3 APIC frame in front."""
    body = b"\0" + mime.encode() + b"\0\3\0" + image
    frame = b"APIC" + len(body).to_bytes(4, "big") + b"\0\0" + body
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    target.write_bytes(b"ID3\3\0\0" + size + frame + path.read_bytes())
    return target


def with_chapters(path: Path, target: Path, titles: list[str], length: float = 0.4) -> Path:
    """Copy a media file, adding chapters of ``length`` seconds one after the other."""
    import av

    ticks = round(length * 1000)
    with av.open(str(path)) as source, av.open(str(target), "w") as output:
        output.set_chapters(
            [
                {
                    "id": number,
                    "start": number * ticks,
                    "end": (number + 1) * ticks,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": title},
                }
                for number, title in enumerate(titles)
            ]
        )
        streams = [output.add_stream_from_template(stream) for stream in source.streams]
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                output.mux(packet)
    return target


def sine(
    path: Path, levels: list[tuple[float, float]], *, hertz: float = 1000.0, degrees: float = 0.0
) -> Path:
    """Write a stereo WAV of a sine wave: (dBFS, seconds) one after the other."""
    import numpy as np

    parts = []
    for level, seconds in levels:
        phase = 2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE + np.radians(degrees)
        parts.append(10 ** (level / 20) * np.sin(phase))
    whole = np.concatenate(parts)
    # A sine that begins at once is more than a sine: its first peaks overshoot.
    place = np.arange(len(whole))
    whole *= np.minimum(np.minimum(place, place[::-1]) / (0.01 * RATE), 1.0)
    samples = np.repeat(whole, 2)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return path


def make_subtitles(path: Path) -> Path:
    """Write a Matroska file with nothing but subtitles."""
    import av

    text = io.BytesIO(b"1\n00:00:00,000 --> 00:00:02,000\nhello\n")
    with av.open(text, "r", format="srt") as source, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(source.streams.subtitles[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    return path


def _video_stream(output: Any, wanted: Recipe) -> Any:
    options = {"g": str(wanted.keyframes)}
    if wanted.picture == "libx264":
        options |= {"preset": "ultrafast", "threads": "1", "sc_threshold": "0"}
    stream = output.add_stream(wanted.picture, rate=wanted.fps, options=options)
    stream.width, stream.height = SIZE
    stream.pix_fmt = "yuv420p"
    if wanted.aspect:
        stream.codec_context.sample_aspect_ratio = wanted.aspect
    if wanted.rotation:
        stream.set_display_rotation(wanted.rotation)
    return stream


def _audio_stream(output: Any, wanted: Recipe) -> Any:
    stream = output.add_stream(wanted.sound, rate=wanted.sound_rate, layout=wanted.layout)
    stream.bit_rate = 96_000
    return stream


def _video_packets(stream: Any, wanted: Recipe) -> Iterator[Any]:
    import av

    for number in range(round(wanted.seconds * wanted.fps)):
        frame = av.VideoFrame.from_ndarray(wanted.draw(number / wanted.fps), format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, wanted.fps)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _audio_packets(stream: Any, wanted: Recipe) -> Iterator[Any]:
    for frame in _audio_frames(stream, wanted):
        if wanted.gap and frame.pts * frame.time_base >= wanted.gap[0]:
            frame.pts += round(wanted.gap[1] / frame.time_base)
        for packet in stream.encode(frame):
            yield _delayed(packet, wanted.delay)
    for packet in stream.encode(None):
        yield _delayed(packet, wanted.delay)


def _audio_frames(stream: Any, wanted: Recipe) -> Iterator[Any]:
    import av
    import numpy as np

    context = stream.codec_context
    samples = noise(wanted.sound_seconds or wanted.seconds)
    interleaved = np.repeat(samples, context.channels)[None]
    whole = av.AudioFrame.from_ndarray(interleaved, format="s16", layout=wanted.layout)
    whole.sample_rate, whole.pts, whole.time_base = RATE, 0, Fraction(1, RATE)
    resampler = av.AudioResampler(
        context.format.name, wanted.layout, wanted.sound_rate, context.frame_size or 1024
    )
    yield from resampler.resample(whole)
    yield from resampler.resample(None)


def _delayed(packet: Any, delay: float) -> Any:
    ticks = round(delay / packet.time_base)
    packet.pts += ticks
    packet.dts += ticks
    return packet
