"""Many small media files, made quickly: one template, and other bytes at the end of each."""

from __future__ import annotations

import os
import time
from pathlib import Path

from flow_samples import tone

# Older than what counts as just written: only such files are recognised by their time.
AN_HOUR = 3600.0


def aged(file: Path, seconds: float = AN_HOUR) -> Path:
    """Make a file look as if it had been there for a while."""
    moment = time.time() - seconds
    os.utime(file, (moment, moment))
    return file


def tones(folder: Path, count: int, *, seconds: float = 0.2, first: int = 0) -> list[Path]:
    """Write ``count`` WAV files that differ only in their last sample."""
    folder.mkdir(parents=True, exist_ok=True)
    template = tone(folder / "template.wav", seconds=seconds)
    content = template.read_bytes()
    template.unlink()
    made = []
    for number in range(first, first + count):
        file = folder / f"talk-{number:04}.wav"
        file.write_bytes(content[:-4] + number.to_bytes(4, "little"))
        made.append(aged(file))
    return made


BROKEN = {
    "empty.mp4": b"",
    "text.mp3": b"this is no sound at all\n" * 20,
    "page.mp4": b"<!DOCTYPE html><html><body>404</body></html>",
    "noise.wav": bytes(range(256)) * 8,
    "header.wav": b"RIFF\xff\xff\xff\x7fWAVE",
    "list.mp4": b"#EXTM3U\n#EXTINF:9,\nfile:///etc/passwd\n",
}


def broken(folder: Path, count: int) -> list[Path]:
    """Write ``count`` files that are no media, of several kinds."""
    made = []
    kinds = list(BROKEN.items())
    for number in range(count):
        name, content = kinds[number % len(kinds)]
        file = folder / f"bad-{number:02}-{name}"
        file.write_bytes(content)
        made.append(aged(file))
    return made
