"""Untrusted text on a terminal: nothing in it can move the cursor or change the order of a line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.cli.text import fit, pad, plural, size, table, visible, width

ANY_TEXT = st.text(alphabet=st.characters(exclude_categories=()))
# https://www.unicode.org/Public/UCD/latest/ucd/PropList.txt, Bidi_Control
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"


def is_hostile(char: str) -> bool:
    return unicodedata.category(char) in ("Cc", "Cs", "Zl", "Zp") or char in BIDI


@given(ANY_TEXT)
def test_nothing_hostile_is_left(text: str) -> None:
    shown = visible(text)
    assert not any(map(is_hostile, shown))
    shown.encode()


@given(ANY_TEXT)
def test_with_lines_only_breaks_and_tabs_are_left(text: str) -> None:
    shown = visible(text, lines=True)
    assert {char for char in shown if is_hostile(char)} <= {"\n", "\t"}
    assert shown.count("\n") == text.count("\n")


@given(ANY_TEXT)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    harmless = "".join(char for char in text if not is_hostile(char) and char != "\ufeff")
    assert visible(harmless) == harmless
    assert visible(visible(text)) == visible(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        (
            "\x1b]8;;http://evil\x07click\x1b]8;;\x07",
            "\\x1b]8;;http://evil\\x07click\\x1b]8;;\\x07",
        ),
        ("\x9b31m", "\\x9b31m"),
        ("a\tb\nc\rd", "a b c\\x0dd"),
        ("exe.\u202e4pm", "exe.\\u202e4pm"),
        ("\u2066x\u2069\u061c", "\\u2066x\\u2069\\u061c"),
        ("\x00\x7f", "\\x00\\x7f"),
        ("line\u2028end\u2029", "line\\u2028end\\u2029"),
        ("caf\udce9", "caf\\udce9"),
        ("[/b][link=x]", "[/b][link=x]"),
        ("中文 é é 🎬", "中文 é é 🎬"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize(
    ("text", "cells"),
    [
        ("", 0),
        ("abc", 3),
        ("中文", 4),
        ("ｆ", 2),
        ("é", 1),
        ("a\u200db", 2),
        ("한글", 4),
        ("🎬", 2),
    ],
)
def test_width(text: str, cells: int) -> None:
    assert width(text) == cells


@given(st.text(), st.integers(min_value=1, max_value=40))
def test_a_fitted_text_fits(text: str, cells: int) -> None:
    fitted = fit(text, cells)
    assert width(fitted) <= cells
    assert fitted == text or (fitted.endswith("…") and text.startswith(fitted[:-1]))


@given(st.text(), st.integers(min_value=0, max_value=40))
def test_a_padded_text_fills(text: str, cells: int) -> None:
    assert width(pad(text, cells)) == max(width(text), cells)


ROWS = st.integers(min_value=1, max_value=5).flatmap(
    lambda count: st.lists(
        st.lists(ANY_TEXT, min_size=count, max_size=count), min_size=1, max_size=5
    )
)


@given(ROWS, st.integers(min_value=60, max_value=120))
def test_a_table_fits_the_terminal(rows: list[list[str]], columns: int) -> None:
    header = [f"C{number}" for number in range(len(rows[0]))]
    lines = table(header, rows, columns=columns).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(width(line) <= columns for line in lines)
    assert not any(map(is_hostile, "".join(lines)))


def test_the_widest_column_gives_way() -> None:
    rows = [["short", "x" * 100], ["a", "y"]]
    assert table(["SLUG", "TITLE"], rows, columns=30) == (
        "SLUG   TITLE\nshort  xxxxxxxxxxxxxxxxxxxxxx…\na      y"
    )


def test_wide_characters_line_up() -> None:
    assert table(["A", "B"], [["中文", "x"], ["abcd", "y"]], columns=80) == (
        "A     B\n中文  x\nabcd  y"
    )


@pytest.mark.parametrize(
    ("count", "said"), [(0, "0 items"), (1, "1 item"), (2, "2 items"), (12_345, "12,345 items")]
)
def test_plural(count: int, said: str) -> None:
    assert plural(count, "item") == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (1_250_000, "1.2 MB"), (10**16, "10000.0 TB")],
)
def test_size(count: int, said: str) -> None:
    assert size(count) == said
