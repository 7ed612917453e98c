from __future__ import annotations

import sqlite3
import string

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vidctl.journey.stemming import fold, stem

ENDINGS = [
    *("s", "es", "ies", "sses", "ed", "eed", "ing", "ational", "tional", "enci", "izer", "ization"),
    *("ation", "ator", "alism", "iveness", "fulness", "ousness", "aliti", "iviti", "biliti"),
    *("logi", "icate", "ative", "alize", "iciti", "ical", "ful", "ness", "al", "ance", "ence"),
    *("er", "ic", "able", "ible", "ant", "ement", "ment", "ent", "sion", "tion", "ion", "ou"),
    *("ism", "ate", "iti", "ous", "ive", "ize", "e", "ll", "y"),
]
WORDS = st.builds(
    lambda root, first, second: root + first + second,
    st.text("aeiouybcdhlmnrstvwxz", min_size=1, max_size=8),
    st.sampled_from(["", *ENDINGS]),
    st.sampled_from(["", *ENDINGS]),
)


@pytest.fixture(scope="module")
def database():
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE VIRTUAL TABLE texts USING fts5 (text,"
        " tokenize = 'porter unicode61 remove_diacritics 2')"
    )
    connection.execute("CREATE VIRTUAL TABLE terms USING fts5vocab (texts, 'row')")
    yield connection
    connection.close()


@given(word=WORDS)
@example(word="generalizations")
@example(word="happy")
@example(word="hopping")
@example(word="relational")
@example(word="adoption")
def test_stems_are_those_of_the_full_text_index(database, word):
    database.execute("DELETE FROM texts")
    database.execute("INSERT INTO texts VALUES (?)", (word,))
    assert database.execute("SELECT term FROM terms").fetchall() == [(stem(word),)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("Café", "cafe"),
        ("cafe\u0301", "cafe"),
        ("STRASSE", "strass"),
        ("日本語", "日本語"),
        ("it", "it"),
        ("a1b2s", "a1b2s"),
        ("x" * 80, "x" * 80),
    ],
)
def test_words_of_other_kinds_are_only_folded(word, expected):
    assert stem(word) == expected


@given(st.text(string.printable))
def test_folding_ascii_is_lower_case(text):
    assert fold(text) == text.lower()


@given(word=WORDS)
def test_only_the_last_letter_of_a_stem_may_differ_from_the_word(word):
    assert word.startswith(stem(word)[:-1] if len(stem(word)) > 2 else stem(word))
