"""Search through the real store: what is found, where, in which scope, and what is said of it."""

from __future__ import annotations

import hashlib
import math
import subprocess
import sys
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from vidctl.errors import EngineUnavailable, UsageError
from vidctl.ids import derived_id, slugify
from vidctl.journey.index import index
from vidctl.journey.search import SearchNarrow, SearchResult, search
from vidctl.model.group import Group
from vidctl.model.scope import Scope
from vidctl.model.segment import Segment
from vidctl.model.thing import Thing
from vidctl.progress import Silent
from vidctl.store.sqlite import SqliteLibrary, SqliteStore

HOME, OTHER = (derived_id("", "group", name) for name in ("home", "other"))
FILLER = "the weather stays grey and nobody minds much because work goes on as before here"
# Words that mean the same get the same direction.
MEANINGS = {"refund": "money", "cash": "money", "reimbursed": "money"}


class WordEmbedder:
    """Embeds a text as the sum of its words' directions, which a hash gives."""

    identity = "test/words@16"
    dimension = 16
    fails = False

    def windows(self, text: str) -> Sequence[tuple[int, int]]:
        """Cut into windows of forty words."""
        count = len(text.split())
        return [(first, min(first + 40, count) - 1) for first in range(0, count, 40)]

    def embed(self, texts: Sequence[str], advance: Any) -> Sequence[bytes]:
        """Embed each text."""
        if self.fails:
            raise EngineUnavailable("the model is broken")
        return [self._vector(text) for text in texts]

    def _vector(self, text: str) -> bytes:
        sums = [0.0] * self.dimension
        for word in text.lower().split():
            digest = hashlib.sha256(MEANINGS.get(word, word).encode()).digest()
            weight = 0.1 if word in FILLER else 3.0
            sums = [s + weight * (byte - 127.5) for s, byte in zip(sums, digest, strict=False)]
        length = math.sqrt(math.fsum(s * s for s in sums))
        return array("f", [s / length for s in sums]).tobytes()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    library = SqliteLibrary(tmp_path / "library.db", create=True)
    for group_id, slug in ((HOME, "home"), (OTHER, "other")):
        library.groups().add(
            Group(group_id, slug, slug, "organization", None, slug, "active", 1, 1)
        )
    yield library.open(Scope.only(HOME))
    library.close()


@pytest.fixture
def other(store: SqliteStore) -> SqliteStore:
    return SqliteStore(store.database, Scope.only(OTHER))


def put(
    store: SqliteStore,
    name: str,
    lines: Sequence[str] = (),
    *,
    embedder: WordEmbedder | None = None,
    **fields: Any,
) -> Thing:
    """Add and index a video whose lines take five seconds each."""
    group_id = store.scope.home
    thing = Thing(
        id=derived_id(group_id, "test", name),
        group_id=group_id,
        type=fields.pop("type", "video"),
        slug=slugify(name),
        name=name,
        status="draft",
        created_at=fields.pop("created_at", 1),
        updated_at=1,
        properties=fields,
    )
    store.things.add(thing)
    segments = [Segment(5.0 * n, 5.0 * n + 5, line) for n, line in enumerate(lines)]
    store.segments.replace(thing.id, segments, source="test")
    index(thing, store=store, embedder=embedder, words=200, overlap=20, report=Silent())
    return thing


def find(store: SqliteStore, query: str, **options: Any) -> SearchResult:
    options = {"embedder": None, "narrow": SearchNarrow(), "mode": "text", **options}
    return search(query, store=store, **options)


def talk(at: int, line: str, length: int = 60) -> list[str]:
    """Return a transcript which says nothing but ``line``, at ``at``."""
    return [line if n == at else FILLER for n in range(length)]


def test_a_hit_names_the_moment(store: SqliteStore) -> None:
    thing = put(store, "Ein Gespräch", talk(40, "the zeppelin lands at noon"))
    put(store, "Another", talk(3, "a balloon lands"))
    [hit] = find(store, "When did the Zeppelins land?", explain=True, limit=1).hits
    assert hit.thing == {
        "id": thing.id,
        "groupId": HOME,
        "slug": "ein-gesprach",
        "name": "Ein Gespräch",
        "type": "video",
    }
    assert hit.start is not None
    assert hit.end is not None
    assert hit.start <= 200 < hit.end <= hit.start + 40
    assert hit.ref == f"ein-gesprach@{int(hit.start) // 60:02}:{int(hit.start) % 60:02}"
    assert [hit.text[start:end] for start, end in hit.marks] == ["zeppelin", "lands"]
    assert 0 < hit.score <= 1
    assert hit.explain["words"] == ["Zeppelins", "land"]
    assert hit.explain["text"]["rank"] == 1
    assert "semantic" not in hit.explain


def test_a_title_is_found_without_a_moment(store: SqliteStore) -> None:
    put(store, "Sourdough for beginners", talk(9, "flour and water"), description="Bread at home")
    [hit] = find(store, "sourdough bread").hits
    assert (hit.ref, hit.start, hit.end) == ("sourdough-for-beginners", None, None)
    assert hit.text == "Sourdough for beginners. Bread at home"


def test_each_moment_is_a_hit_and_none_comes_twice(store: SqliteStore) -> None:
    lines = talk(10, "the zeppelin lands")
    lines[12] = "zeppelin crews cheer"
    lines[50] = "the zeppelin leaves"
    put(store, "Airfield", lines)
    hits = find(store, "zeppelin").hits
    assert len(hits) == 2
    assert sorted(hit.start <= 50 < hit.end for hit in hits) == [False, True]


def test_context_is_the_lines_around_with_their_times(store: SqliteStore) -> None:
    put(store, "Count", [f"line number {n} {FILLER}" for n in range(40)])
    lines = store.segments.of(derived_id(HOME, "test", "Count"))
    [hit] = find(store, "21", context=2, limit=1).hits
    first, last = int(hit.start // 5), int(hit.end // 5) - 1
    around = [first - 2, first - 1, last + 1, last + 2]
    assert hit.context == tuple(f"{n * 5 // 60:02}:{n * 5 % 60:02} {lines[n].text}" for n in around)
    [hit] = find(store, "number 0 1", context=1, limit=1).hits
    assert len(hit.context) == 1


def test_meaning_finds_what_words_do_not(store: SqliteStore) -> None:
    embedder = WordEmbedder()
    put(store, "Shop", talk(30, "you will be reimbursed"), embedder=embedder)
    put(store, "Weather", talk(30, "rain tomorrow"), embedder=embedder)
    assert find(store, "refund").hits == ()
    for mode in ("semantic", "hybrid"):
        found = find(store, "refund", embedder=embedder, mode=mode, explain=True)
        assert (found.mode, found.notes) == (mode, ())
        hit = found.hits[0]
        assert hit.thing["name"] == "Shop"
        assert hit.start <= 150 < hit.end + 25
        assert hit.explain["semantic"]["rank"] == 1
        assert hit.explain["semantic"]["isInWindow"]


def test_other_groups_are_neither_found_nor_told_of(store: SqliteStore, other: SqliteStore) -> None:
    embedder = WordEmbedder()
    put(other, "Secret", talk(5, "the zeppelin is ours"), embedder=embedder)
    for mode in ("text", "semantic", "hybrid"):
        found = find(store, "zeppelin", embedder=embedder, mode=mode)
        assert found.hits == ()
    assert "there are no embeddings here" in found.notes[0]
    assert len(find(other, "zeppelin").hits) == 1


def test_narrowing_is_part_of_the_search(store: SqliteStore) -> None:
    for n in range(80):
        put(store, f"Video {n}", ["zeppelin zeppelin"], tags=["air"], created_at=5)
    put(store, "Show", talk(5, "one zeppelin", 9), type="podcast", created_at=9)
    for narrow in (SearchNarrow(types=("podcast",)), SearchNarrow(since=6)):
        assert [hit.thing["name"] for hit in find(store, "zeppelin", narrow=narrow).hits] == [
            "Show"
        ]
    assert len(find(store, "zeppelin", narrow=SearchNarrow(tags=("AIR",)), limit=70).hits) == 70


def test_all_words_rank_before_some(store: SqliteStore) -> None:
    put(store, "Both", talk(5, "a zeppelin over the lighthouse"))
    put(store, "One", talk(5, "zeppelin zeppelin zeppelin"))
    assert [hit.thing["name"] for hit in find(store, "zeppelin lighthouse").hits] == ["Both", "One"]


def test_without_a_model_search_is_by_words_and_says_so(store: SqliteStore) -> None:
    put(store, "Airfield", talk(5, "the zeppelin lands"))
    for mode in ("hybrid", "semantic"):
        found = find(store, "zeppelin", mode=mode)
        assert (found.mode, len(found.hits)) == ("text", 1)
        assert found.notes == ("there is no embedding model here, so search is by words only",)


def test_vectors_of_another_model_are_not_compared(store: SqliteStore) -> None:
    embedder = WordEmbedder()
    put(store, "Airfield", talk(5, "the zeppelin lands"), embedder=embedder)
    newer = WordEmbedder()
    newer.identity = "test/newer@16"
    found = find(store, "zeppelin", embedder=newer, mode="hybrid")
    assert (found.mode, len(found.hits)) == ("text", 1)
    assert found.notes == (
        "the embeddings here were made by test/words@16, not test/newer@16, so search is by words"
        " only; vidctl index makes them anew",
    )


def test_a_model_that_fails_stops_only_a_search_by_meaning(store: SqliteStore) -> None:
    put(store, "Airfield", talk(5, "the zeppelin lands"))
    broken = WordEmbedder()
    broken.fails = True
    found = find(store, "zeppelin", embedder=broken, mode="hybrid")
    assert (found.mode, len(found.hits)) == ("text", 1)
    assert found.notes == ("search is by words only: the model is broken",)
    with pytest.raises(EngineUnavailable):
        find(store, "zeppelin", embedder=broken, mode="semantic")


@pytest.mark.parametrize(
    "query",
    ['"', '" OR *', "zeppelin AND", "NEAR(zeppelin)", "text:zeppelin", "🎉", "\x00", "a" * 5000],
)
def test_whatever_is_typed_is_words(store: SqliteStore, query: str) -> None:
    put(store, "Airfield", talk(5, "the zeppelin lands"))
    found = find(store, query)
    assert len(found.hits) == ("zeppelin" in query)


@pytest.mark.parametrize(
    "options",
    [
        {"query": "  "},
        {"mode": "magic"},
        {"limit": 0},
        {"context": -1},
        {"vector_weight": 1.5},
        {"vector_weight": math.nan},
    ],
)
def test_an_impossible_search_is_refused(store: SqliteStore, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        find(store, **{"query": "zeppelin", **options})


def test_a_search_by_words_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys, vidctl.journey.search;"
        "print({'numpy', 'onnxruntime', 'tokenizers', 'pydantic'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"
