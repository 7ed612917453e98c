"""Ids sort by time, survive a round trip, and imported ones are the same everywhere."""

from __future__ import annotations

import os
import time
import uuid

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from vidctl.ids import (
    ALPHABET,
    ID_LENGTH,
    decode,
    derived_id,
    encode,
    is_id,
    new_id,
    new_ids,
    slugify,
)

NUMBERS = st.integers(min_value=0, max_value=(1 << 128) - 1)
# Also lone surrogates: an argument whose bytes are no UTF-8 arrives with some.
ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))


@given(NUMBERS)
def test_decode_undoes_encode(number: int) -> None:
    text = encode(number)
    assert len(text) == ID_LENGTH
    assert is_id(text)
    assert decode(text) == number


@given(NUMBERS, NUMBERS)
def test_texts_sort_like_numbers(one: int, other: int) -> None:
    assert (encode(one) < encode(other)) == (one < other)


@given(ANY_TEXT)
def test_decode_takes_ids_only(text: str) -> None:
    assume(not is_id(text))
    with pytest.raises(ValueError, match="not an id"):
        decode(text)


@pytest.mark.parametrize(
    "text",
    ["", "0" * 25, "0" * 27, "8" + "0" * 25, "0" * 25 + "i", "0" * 25 + "A", "0" * 25 + "\n"],
)
def test_near_misses_are_no_ids(text: str) -> None:
    assert not is_id(text)


def test_a_new_id_is_a_uuid_of_version_7_made_now() -> None:
    before = time.time_ns() // 1_000_000
    number = decode(new_id())
    made = uuid.UUID(int=number)
    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before <= number >> 80 <= time.time_ns() // 1_000_000


def test_new_ids_differ() -> None:
    assert len({new_id() for _ in range(1000)}) == 1000


def test_new_ids_sort_by_the_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter([5_000_000, 6_000_000, 1 << 60])
    monkeypatch.setattr(time, "time_ns", lambda: next(moments))
    made = [new_id() for _ in range(3)]
    assert made == sorted(made)


def test_new_ids_rise_within_one_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: moment)
    made = [new_id() for _ in range(3000)]
    made += [*new_ids(100), new_id(), *new_ids(3), new_id()]
    assert made == sorted(set(made))
    assert {uuid.UUID(int=decode(text)).version for text in made} == {7}


def test_new_ids_rise_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    monkeypatch.setattr(time, "time_ns", lambda: 5_000_000)
    assert first < new_id() < new_id()


def test_a_forked_process_does_not_go_on_where_the_first_stopped() -> None:
    new_id()
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.write(writing, " ".join(new_id() for _ in range(100)).encode())
        os._exit(0)
    mine = {new_id() for _ in range(100)}
    os.waitpid(child, 0)
    theirs = os.read(reading, 10_000).decode().split()
    os.close(reading)
    os.close(writing)
    assert len(theirs) == 100
    assert not mine & set(theirs)


PARTS = st.tuples(st.text(), st.text(), st.text())


@given(PARTS)
def test_a_derived_id_repeats_and_is_a_uuid_of_version_8(parts: tuple[str, str, str]) -> None:
    made = derived_id(*parts)
    assert made == derived_id(*parts)
    derived = uuid.UUID(int=decode(made))
    assert (derived.version, derived.variant) == (8, uuid.RFC_4122)


@given(PARTS, PARTS)
def test_other_parts_give_another_id(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """``ab`` + ``c`` is not ``a`` + ``bc``: the parts keep their borders."""
    assume(one != other)
    assert derived_id(*one) != derived_id(*other)


def test_a_derived_id_never_changes() -> None:
    """Ids of imported things are on many machines: this value is for ever."""
    assert derived_id("group", "rss", "guid-1") == "6tzcvrp21ehsbbn6zcgkbs4d13"


@given(ANY_TEXT)
def test_a_slug_is_a_slug_of_itself(text: str) -> None:
    slug = slugify(text)
    assert slug == slugify(slug)
    assert 0 < len(slug.encode()) <= 80
    assert not slug.startswith("-")
    assert not slug.endswith("-")
    assert "--" not in slug
    assert not any(char.isspace() or char in "/\\_.@:" for char in slug)


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("What you can do", "what-you-can-do"),
        ("  Crème brûlée — 2. Teil! ", "creme-brulee-2-teil"),
        ("Straße", "strasse"),
        ("snake_case.mp4", "snake-case-mp4"),
        ("機器學習 101", "機器學習-101"),
        ("ｆｕｌｌ ｗｉｄｔｈ", "full-width"),
        ("../../etc/passwd", "etc-passwd"),
        ("[/b]\x1b[31m", "b-31m"),
        ("🎬🎬", "item"),
        ("", "item"),
        ("한국어 강의", "한국어-강의"),
    ],
)
def test_slugs_of_titles(title: str, slug: str) -> None:
    assert slugify(title) == slug


def test_a_long_title_is_cut_between_characters() -> None:
    assert slugify("語" * 100) == "語" * 26
    assert slugify("a" * 79 + " b") == "a" * 79


def test_the_alphabet_has_no_letters_that_look_alike() -> None:
    assert len(set(ALPHABET)) == 32
    assert set("ilou") & set(ALPHABET) == set()
