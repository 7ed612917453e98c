"""Make the clip that ``vidctl demo`` imports: a recorded voice under a drawn title card.

    python examples/make_demo_clip.py speech.flac vidctl/data/demo/ask-not.mp4

The picture is black for the first second and changes with the words, so that choosing a
thumbnail has something to choose.
"""

from __future__ import annotations

import argparse
import math
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av import AudioStream, VideoStream
from av.audio.fifo import AudioFifo
from av.container import OutputContainer
from PIL import Image, ImageDraw, ImageFont

SIZE = (640, 360)
FPS = 10
RATE = 44100
BLACK_SECONDS = 1.0
NAVY, WHITE, GOLD, GREY = (16, 28, 58), (240, 242, 248), (238, 200, 110), (120, 132, 160)
LINES = (
    (1.0, "And so, my fellow Americans:"),
    (3.3, "ask not what your country can do for you,"),
    (8.1, "ask what you can do for your country."),
)


def card(second: float, total: float) -> Image.Image:
    """Draw the picture that is shown at ``second``."""
    image = Image.new("RGB", SIZE)
    if second < BLACK_SECONDS:
        return image
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, *SIZE), fill=NAVY)
    draw.rectangle((40, 48, 46, 132), fill=GOLD)
    draw.text((62, 44), "Inaugural Address", font=ImageFont.load_default(44), fill=WHITE)
    draw.text(
        (64, 102), "John F. Kennedy, 20 January 1961", font=ImageFont.load_default(24), fill=GREY
    )
    for row, (start, words) in enumerate(LINES):
        if second >= start:
            colour = GOLD if row == len(LINES) - 1 else WHITE
            place = (62, 180 + 40 * row)
            draw.text(place, words, font=ImageFont.load_default(25), fill=colour)
    draw.rectangle((0, SIZE[1] - 6, round(SIZE[0] * second / total), SIZE[1]), fill=GOLD)
    return image


def speech(source: Path) -> AudioFifo:
    """Decode a recording to mono."""
    fifo = AudioFifo()
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    with av.open(str(source)) as container:
        for frame in (*container.decode(container.streams.audio[0]), None):
            for part in resampler.resample(frame):
                fifo.write(part)
    return fifo


def add_streams(output: OutputContainer) -> tuple[VideoStream, AudioStream]:
    """Set up H.264 that every browser plays, and AAC."""
    options = {"crf": "26", "preset": "slow", "g": str(3 * FPS), "threads": "1"}
    video = output.add_stream("libx264", rate=FPS, options=options)
    video.width, video.height = SIZE
    video.pix_fmt = "yuv420p"
    audio = output.add_stream("aac", rate=RATE, layout="mono")
    audio.bit_rate = 64_000
    return video, audio


def write(output: OutputContainer, fifo: AudioFifo, total: float) -> None:
    """Encode picture and sound, the sound about a frame ahead of the picture."""
    video, audio = add_streams(output)
    for number in range(math.ceil(total * FPS)):
        samples = round((number + 1) * RATE / FPS)
        frame_size = audio.codec_context.frame_size or 1024
        while fifo.samples_read < samples and (sound := fifo.read(frame_size, partial=True)):
            output.mux(audio.encode(sound))
        picture = np.asarray(card(number / FPS, total))
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, FPS)
        output.mux(video.encode(frame))
    output.mux(audio.encode(None))
    output.mux(video.encode(None))


def main() -> None:
    """Read the two paths and make the clip."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("speech", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    fifo = speech(arguments.speech)
    total = fifo.samples / RATE
    options = {"movflags": "+faststart", "fflags": "+bitexact"}
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(arguments.output), "w", options=options) as output:
        output.metadata["title"] = "Inaugural Address, 1961 (excerpt)"
        output.metadata["artist"] = "John F. Kennedy"
        output.metadata["date"] = "1961-01-20"
        write(output, fifo, total)
    print(f"{arguments.output}: {total:.1f} s, {arguments.output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
