"""Small media for whole journeys: a tone with captions beside it, made without any codec."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path

RATE = 8000


def tone(path: Path, *, seconds: float = 1.0, pitch: float = 440.0) -> Path:
    """Write a mono WAV file; another pitch makes other bytes."""
    count = int(seconds * RATE)
    samples = (round(9000 * math.sin(2 * math.pi * pitch * i / RATE)) for i in range(count))
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(b"".join(struct.pack("<h", sample) for sample in samples))
    return path


def captioned(path: Path, lines: list[str], *, pitch: float = 440.0) -> Path:
    """Write a tone and, beside it, WebVTT captions of one second a line."""
    tone(path, seconds=len(lines), pitch=pitch)
    cues = [
        f"00:{second // 60:02}:{second % 60:02}.000 --> 00:{second // 60:02}:{second % 60:02}.900\n"
        f"{line}\n"
        for second, line in enumerate(lines)
    ]
    path.with_suffix(".vtt").write_text("WEBVTT\n\n" + "\n".join(cues), encoding="utf-8")
    return path
