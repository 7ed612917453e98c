"""Marks are put on and taken off lists of words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.catalog.editing import Change, Marks, marked
from vidctl.catalog.labels import LONGEST_LABEL, checked_label
from vidctl.errors import UsageError
from vidctl.model.label import label_key

words = st.lists(st.text(max_size=6), max_size=6)


@given(words, words, words)
def test_marks(held: list[str], added: list[str], removed: list[str]) -> None:
    """What was taken off is gone unless it was put on; the rest keeps its order and spelling."""
    found = marked(held, added, removed)
    gone = {label_key(word) for word in removed}
    kept = [word for word in held if label_key(word) not in gone]
    assert found[: len(kept)] == kept
    assert {label_key(word) for word in found} == {label_key(word) for word in [*kept, *added]}
    assert marked(found, added, ()) == found


@given(st.text())
def test_a_key_is_its_own_key(text: str) -> None:
    assert label_key(label_key(text)) == label_key(text)
    assert label_key(f"  {text}\t") == label_key(text)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Must see", "must  SEE"),
        ("STRASSE", "straße"),
        ("ﬁne", "FINE"),
        ("e\u0301t\u00e9", "ÉTÉ"),
        ("a\u00a0b", "A b"),
    ],
)
def test_spellings_of_one_label(one: str, other: str) -> None:
    assert label_key(one) == label_key(other)


def test_a_label_is_checked() -> None:
    assert checked_label("  two \n words ") == "two words"
    for text in ("", " ", "\u00a0", "x" * (LONGEST_LABEL + 1)):
        with pytest.raises(UsageError):
            checked_label(text)


def test_a_change_knows_what_only_one_item_can_have() -> None:
    assert not Change()
    assert Change({"tags": ["a"]}, Marks(add_labels=("x",))).for_one == []
    assert Change({"youtubeId": None}, slug="x").for_one == ["slug", "youtubeId"]
