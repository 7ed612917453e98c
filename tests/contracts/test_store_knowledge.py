"""Transcripts, chunks and vectors: both indexes always hold what the rows say, and no more."""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import (
    ALL,
    DIMENSION,
    IDENTITY,
    Narrow,
    World,
    add_thing,
    chunk,
    unit,
    use,
    window,
)

from vidctl.errors import InvalidVector
from vidctl.model.knowledge import Chunk
from vidctl.model.segment import Segment, Word
from vidctl.model.thing import Thing
from vidctl.store.checkup import check
from vidctl.store.sqlite import SqliteStore


def healthy(world: World) -> None:
    """Fail when any check of the file finds something."""
    bad = [found for found in check(world.library.database) if not found.is_ok]
    assert bad == []


def matched(store: SqliteStore, word: str, narrow: Narrow = ALL) -> set[str]:
    """Return the ids of the chunks that hold a word."""
    return {match.chunk_id for match in store.knowledge.match_text(f'"{word}"', narrow, 100)}


# --- transcripts --------------------------------------------------------------------------------


def test_a_transcript_is_read_back(world: World) -> None:
    thing = add_thing(world.acme)
    lines = [
        Segment(0.5, 1.25, "one two", "Ann", (Word("one", 0.5, 0.75), Word("two", 0.75, 1.25))),
        Segment(1.25, 3.0, "中文 \x1b[0m"),
    ]
    world.acme.segments.replace(thing.id, lines, source="test/engine")
    assert world.acme.segments.of(thing.id) == lines
    assert world.acme.segments.source(thing.id) == "test/engine"
    assert world.acme.segments.transcripts([thing.id]) == {thing.id: "one two 中文 \x1b[0m"}


def test_a_new_transcript_leaves_nothing_of_the_old_one(world: World) -> None:
    thing = add_thing(world.acme)
    long = [Segment(n, n + 1, f"secret {n}", "Ann", (Word("s", n, n),)) for n in range(5)]
    short = [Segment(0, 2, "public")]
    world.acme.segments.replace(thing.id, long, source="a")
    world.acme.segments.replace(thing.id, short, source="b")
    assert world.acme.segments.of(thing.id) == short
    assert world.acme.segments.source(thing.id) == "b"
    assert "secret" not in repr(world.dump("acme"))
    world.acme.segments.replace(thing.id, long, source="c")
    assert world.acme.segments.of(thing.id) == long
    world.acme.segments.replace(thing.id, [], source="")
    assert world.acme.segments.source(thing.id) is None
    assert world.acme.segments.transcripts([thing.id]) == {}


# --- chunks and the full-text index -------------------------------------------------------------


def test_chunks_come_summary_first_and_in_order(world: World) -> None:
    thing = add_thing(world.acme)
    pieces = [
        chunk(thing, 2, "second", start=5.0, end=9.0, segment_first=3, segment_last=4),
        chunk(thing, 0, "summary", role="summary"),
        chunk(thing, 1, "first", start=0.0, end=5.0, segment_first=0, segment_last=2),
    ]
    world.acme.knowledge.replace(thing.id, pieces)
    assert world.acme.knowledge.chunks(thing.id) == [pieces[1], pieces[2], pieces[0]]
    assert world.acme.knowledge.get([pieces[0].id, "nope"]) == {pieces[0].id: pieces[0]}


def test_the_index_folds_case_accents_and_endings(world: World) -> None:
    thing = add_thing(world.acme)
    piece = chunk(thing, 0, "The Crème brûlées were MELTING 中文")
    world.acme.knowledge.replace(thing.id, [piece])
    for word in ("creme", "brulee", "melted", "CRÈME", "中文"):
        assert matched(world.acme, word) == {piece.id}, word
    assert matched(world.acme, "were melting") == {piece.id}
    assert matched(world.acme, "melting were") == set()


def test_a_better_match_ranks_higher(world: World) -> None:
    thing = add_thing(world.acme)
    pieces = [chunk(thing, 0, "apple pear plum fig lime kiwi"), chunk(thing, 1, "apple apple")]
    world.acme.knowledge.replace(thing.id, pieces)
    found = world.acme.knowledge.match_text('"apple"', ALL, 10)
    assert [match.chunk_id for match in found] == [pieces[1].id, pieces[0].id]
    assert [match.rank for match in found] == [1, 2]
    assert found[0].score > found[1].score
    assert world.acme.knowledge.match_text("", ALL, 10) == []
    assert len(world.acme.knowledge.match_text('"apple"', ALL, 1)) == 1


def test_the_group_is_no_word(world: World) -> None:
    thing = add_thing(world.acme)
    world.acme.knowledge.replace(thing.id, [chunk(thing, 0, "apple")])
    for word in (world.groups["acme"].id, world.groups["acme"].id + "0", "scope"):
        assert matched(world.acme, word) == set()


def test_ranking_happens_inside_the_group(world: World) -> None:
    """A thousand better matches elsewhere take no place of the few that are here."""
    here = add_thing(world.acme)
    piece = chunk(here, 0, "apple " + "filler " * 50)
    world.acme.knowledge.replace(here.id, [piece])
    for store in (world.rival, world.third, world.courses):
        there = add_thing(store)
        store.knowledge.replace(there.id, [chunk(there, n, "apple") for n in range(30)])
    assert matched(world.acme, "apple") == {piece.id}
    assert len(world.wide.knowledge.match_text('"apple"', ALL, 100)) == 31


NARROWS: list[tuple[Narrow, set[str]]] = [
    (Narrow(), {"a", "b", "c"}),
    (Narrow(types=("podcast",)), {"b"}),
    (Narrow(types=("podcast", "video"), tags=("GO",)), {"a"}),
    (Narrow(tags=("go", "sql")), set()),
    (Narrow(since=2000), {"b", "c"}),
    (Narrow(since=3000), {"c"}),
]


def shelf(world: World) -> dict[str, Chunk]:
    """Put things that a search can be narrowed to, each with a chunk and a vector."""
    things = {
        "a": add_thing(world.acme, created_at=1000, tags=["Go"]),
        "b": add_thing(world.acme, created_at=2000, type="podcast"),
        "c": add_thing(world.acme, created_at=500, publishedAt=3000),
        "gone": add_thing(world.acme, status="archived", tags=["go"]),
    }
    pieces = {name: chunk(thing, 0, "apple") for name, thing in things.items()}
    for number, (name, piece) in enumerate(pieces.items()):
        world.acme.knowledge.replace(things[name].id, [piece])
        vector = unit([1, number / 10, 0, 0])
        world.acme.knowledge.add_vectors(IDENTITY, DIMENSION, [window(piece, vector)])
    return pieces


def test_both_rankers_can_be_narrowed(world: World) -> None:
    pieces = shelf(world)
    for narrow, names in NARROWS:
        expected = {pieces[name].id for name in names}
        assert matched(world.acme, "apple", narrow) == expected, narrow
        found = world.acme.knowledge.match_vector(IDENTITY, unit([1, 0, 0, 0]), narrow, 10)
        assert {match.chunk_id for match in found} == expected, narrow


WORDS = ("ant", "bee", "cat", "dog", "eel", "fox")
TEXTS = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
STEPS = st.lists(
    st.tuples(st.integers(0, 2), st.lists(TEXTS, max_size=4), st.booleans()), max_size=6
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(steps=STEPS)
def test_the_indexes_hold_what_the_rows_say(
    world: World, steps: list[tuple[int, list[str], bool]]
) -> None:
    """After any sequence of replacements: the same words, and vectors of living chunks alone."""
    stores = (world.acme, world.acme, world.rival)
    said: dict[str, tuple[SqliteStore, str]] = {}
    with world.library.database.transaction():
        things = [add_thing(store) for store in stores]
        for which, texts, is_embedded in steps:
            store, thing = stores[which], things[which]
            pieces = [chunk(thing, ordinal, text) for ordinal, text in enumerate(texts)]
            store.knowledge.replace(thing.id, pieces)
            said = {key: value for key, value in said.items() if key not in owned(thing)}
            said |= {piece.id: (store, piece.text) for piece in pieces}
            if is_embedded:
                waiting = store.knowledge.unembedded(thing.id, IDENTITY)
                windows = [window(piece, unit([1, len(piece.text), 0, 0])) for piece in waiting]
                store.knowledge.add_vectors(IDENTITY, DIMENSION, windows)
                assert store.knowledge.unembedded(thing.id, IDENTITY) == []
    mine = {key for thing in things for key in owned(thing)}
    for word in WORDS:
        for store in (world.acme, world.rival):
            expected = {key for key, (s, text) in said.items() if s is store and word in text}
            assert matched(store, word) & mine == expected
    healthy(world)


def owned(thing: Thing) -> set[str]:
    """Return the ids that chunks of a thing can have in these tests."""
    return {chunk(thing, ordinal, "").id for ordinal in range(4)}


def test_unchanged_chunks_keep_their_vectors(world: World) -> None:
    thing = add_thing(world.acme)
    pieces = [chunk(thing, 0, "one"), chunk(thing, 1, "two")]
    world.acme.knowledge.replace(thing.id, pieces)
    windows = [window(piece, unit([1, 0, 0, 0])) for piece in pieces]
    world.acme.knowledge.add_vectors(IDENTITY, DIMENSION, windows)
    changed = chunk(thing, 1, "two, really")
    world.acme.knowledge.replace(thing.id, [pieces[0], changed])
    assert world.acme.knowledge.unembedded(thing.id, IDENTITY) == [changed]
    assert world.acme.knowledge.vector_counts() == {IDENTITY: 1}


def test_chunks_that_moved_in_time_are_moved(world: World) -> None:
    """Better captions often say the same words at another time."""
    thing = add_thing(world.acme)
    before = chunk(thing, 0, "one", start=1.0, end=2.0, segment_first=0, segment_last=1)
    world.acme.knowledge.replace(thing.id, [before])
    world.acme.knowledge.add_vectors(IDENTITY, DIMENSION, [window(before, unit([1, 0, 0, 0]))])
    after = chunk(thing, 0, "one", start=11.0, end=12.5, segment_first=4, segment_last=5)
    world.acme.knowledge.replace(thing.id, [after])
    assert world.acme.knowledge.chunks(thing.id) == [after]
    assert world.acme.knowledge.vector_counts() == {IDENTITY: 1}
    healthy(world)


def test_vectors_of_another_model_are_another_set(world: World) -> None:
    thing = add_thing(world.acme)
    piece = chunk(thing, 0, "one")
    world.acme.knowledge.replace(thing.id, [piece])
    world.acme.knowledge.add_vectors("one/a@4", 4, [window(piece, unit([1, 0, 0, 0]))])
    query = unit([1, 0, 0, 0])
    assert world.acme.knowledge.match_vector("two/b@4", query, ALL, 5) == []
    assert world.acme.knowledge.unembedded(thing.id, "two/b@4") == [piece]
    world.acme.knowledge.add_vectors("two/b@4", 4, [window(piece, unit([0, 1, 0, 0]))])
    (found,) = world.acme.knowledge.match_vector("two/b@4", query, ALL, 5)
    assert found.score == pytest.approx(0, abs=1e-6)
    assert world.acme.knowledge.vector_counts() == {"one/a@4": 1, "two/b@4": 1}


# --- nearest vectors ----------------------------------------------------------------------------


class Corpus:
    """Random vectors in every group, and the exact answer computed beside the store."""

    def __init__(self, world: World, seed: int, *, windows: int = 1) -> None:
        self.world = world
        self.random = random.Random(seed)
        self.vectors: dict[str, list[np.ndarray[Any, Any]]] = {}
        self.things: dict[str, Thing] = {}
        self.groups: dict[str, str] = {}
        with world.library.database.transaction():
            for path, count in (("acme", 9), ("acme/courses", 3), ("rival", 25), ("third", 1)):
                store = world.open(path)
                for number in range(count):
                    self._add(store, path, number, windows)

    def _add(self, store: SqliteStore, path: str, number: int, windows: int) -> None:
        status = "archived" if number % 4 == 3 else "draft"
        thing = add_thing(store, status=status, tags=["odd"] if number % 2 else [])
        pieces = [chunk(thing, ordinal, f"text {ordinal}") for ordinal in range(2)]
        store.knowledge.replace(thing.id, pieces)
        for piece in pieces:
            raw = self.cluster(windows)
            store.knowledge.add_vectors(
                IDENTITY, DIMENSION, [window(piece, v, part) for part, v in enumerate(raw)]
            )
            self.vectors[piece.id] = [np.frombuffer(v, "<f4") for v in raw]
            self.things[piece.id] = thing
            self.groups[piece.id] = path

    def direction(self) -> bytes:
        """Return a random direction."""
        return unit([self.random.gauss(0, 1) for _ in range(DIMENSION)])

    def cluster(self, count: int) -> list[bytes]:
        """Return directions near to each other, as the windows of one chunk are."""
        middle = [self.random.gauss(0, 1) for _ in range(DIMENSION)]
        return [unit([x + self.random.gauss(0, 0.1) for x in middle]) for _ in range(count)]

    def nearest(self, query: bytes, paths: Sequence[str], narrow: Narrow) -> list[float]:
        """Return the similarity of every chunk that may be found, best first."""
        wanted = np.frombuffer(query, "<f4")
        return sorted(
            (
                float(max(vector @ wanted for vector in vectors))
                for key, vectors in self.vectors.items()
                if self.groups[key] in paths
                and self.things[key].status != "archived"
                and all(tag in self.things[key].properties["tags"] for tag in narrow.tags)
            ),
            reverse=True,
        )


SCOPES = {"acme": ("acme",), "wide": ("acme", "acme/courses"), "rival": ("rival",)}


@pytest.mark.parametrize("seed", range(3))
def test_the_nearest_are_the_nearest_of_the_group(world: World, seed: int) -> None:
    corpus = Corpus(world, seed)
    for scope, paths in SCOPES.items():
        store: SqliteStore = getattr(world, scope)
        for narrow in (ALL, Narrow(tags=("odd",)), Narrow(types=("podcast",))):
            for k in (1, 3, 100):
                query = corpus.direction()
                found = store.knowledge.match_vector(IDENTITY, query, narrow, k)
                exact = [] if narrow.types else corpus.nearest(query, paths, narrow)
                assert [match.score for match in found] == pytest.approx(exact[:k], abs=1e-5)
                assert [match.rank for match in found] == list(range(1, len(found) + 1))
                for match in found:
                    assert corpus.groups[match.chunk_id] in paths
                    assert match.thing_id == corpus.things[match.chunk_id].id
    healthy(world)


def test_k_chunks_come_back_however_many_windows_each_has(world: World) -> None:
    corpus = Corpus(world, seed=7, windows=12)
    for scope, paths in SCOPES.items():
        store: SqliteStore = getattr(world, scope)
        for k in (1, 4, 10, 100):
            query = corpus.direction()
            found = store.knowledge.match_vector(IDENTITY, query, ALL, k)
            exact = corpus.nearest(query, paths, ALL)
            assert [match.score for match in found] == pytest.approx(exact[:k], abs=1e-5)


def test_a_match_names_the_window_that_was_nearest(world: World) -> None:
    thing = add_thing(world.acme)
    piece = chunk(thing, 0, "zero one two")
    world.acme.knowledge.replace(thing.id, [piece])
    directions = ([1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0])
    windows = [window(piece, unit(d), part) for part, d in enumerate(directions)]
    world.acme.knowledge.add_vectors(IDENTITY, DIMENSION, windows)
    (found,) = world.acme.knowledge.match_vector(IDENTITY, unit([0.1, 1, 0, 0]), ALL, 5)
    assert (found.first_word, found.last_word) == (1, 1)


def test_another_driver_finds_the_same(world: World, sqlite: str, tmp_path: Path) -> None:
    """What a machine without sqlite-vec wrote is indexed by the next one that has it."""
    corpus = Corpus(world, seed=3)
    query = corpus.direction()
    other = "sqlite3" if sqlite == "pysqlite3" else "pysqlite3"
    world.close()
    with pytest.MonkeyPatch.context() as patch:
        use(patch, other)
        again = World(world.path, world.groups)
        found = again.rival.knowledge.match_vector(IDENTITY, query, ALL, 10)
        exact = corpus.nearest(query, ("rival",), ALL)
        assert [match.score for match in found] == pytest.approx(exact[:10], abs=1e-5)
        healthy(again)
        again.close()


NAN, INF = math.nan, math.inf


def raw(*values: float) -> bytes:
    return array("f", values).tobytes()


BAD = {
    "not a number": raw(NAN, 0, 0, 1),
    "infinite": raw(INF, 0, 0, 0),
    "minus infinite": raw(0, -INF, 0, 0),
    "both infinities": raw(INF, -INF, 0, 0),
    "zero": raw(0, 0, 0, 0),
    "tiny": raw(1e-30, 0, 0, 0),
    "not of unit length": raw(3, 4, 0, 0),
    "too short": raw(1, 0, 0),
    "too long": raw(1, 0, 0, 0, 0),
    "empty": b"",
    "a broken number": raw(1, 0, 0, 0)[:-1],
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_vector_is_refused(world: World, name: str) -> None:
    thing = add_thing(world.acme)
    pieces = [chunk(thing, 0, "one"), chunk(thing, 1, "two")]
    world.acme.knowledge.replace(thing.id, pieces)
    good = window(pieces[0], unit([1, 0, 0, 0]))
    with pytest.raises(InvalidVector):
        world.acme.knowledge.add_vectors(IDENTITY, DIMENSION, [good, window(pieces[1], BAD[name])])
    assert world.acme.knowledge.vector_counts() == {}, "nothing of the batch is kept"
    world.acme.knowledge.add_vectors(IDENTITY, DIMENSION, [good])
    with pytest.raises(InvalidVector):
        world.acme.knowledge.match_vector(IDENTITY, BAD[name], ALL, 5)


def test_a_model_cannot_change_its_dimension(world: World) -> None:
    thing = add_thing(world.acme)
    piece = chunk(thing, 0, "one")
    world.acme.knowledge.replace(thing.id, [piece])
    world.acme.knowledge.add_vectors(IDENTITY, 4, [window(piece, unit([1, 0, 0, 0]))])
    with pytest.raises(InvalidVector, match="has 4 dimensions here, not 3"):
        world.acme.knowledge.add_vectors(IDENTITY, 3, [window(piece, unit([1, 0, 0]))])


def test_a_chunk_that_changed_meanwhile_gets_no_vector(world: World) -> None:
    thing = add_thing(world.acme)
    old = chunk(thing, 0, "old")
    world.acme.knowledge.replace(thing.id, [old])
    world.acme.knowledge.replace(thing.id, [])
    world.acme.knowledge.add_vectors(IDENTITY, DIMENSION, [window(old, unit([1, 0, 0, 0]))])
    assert world.acme.knowledge.vector_counts() == {}
    healthy(world)
