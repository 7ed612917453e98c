"""Pictures made of characters: exactly what is drawn, and that nothing is wider than asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.cli import charts
from vidctl.cli.text import width


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0s"),
        (12.4, "12s"),
        (59.6, "1m 00s"),
        (245, "4m 05s"),
        (3600, "1h 00m"),
        (11_520, "3h 12m"),
        (4_000_000, "1,111h 06m"),
    ],
)
def test_lasting(seconds: float, said: str) -> None:
    assert charts.lasting(seconds) == said


def test_numbers() -> None:
    assert charts.count(1234) == "1,234"
    assert [charts.percent(share) for share in (0.451, 0, 1, None)] == ["45 %", "0 %", "100 %", ""]
    changes = [charts.changed(share) for share in (0.123, -0.031, 0.001, -0.001, 12.5, None)]
    assert changes == ["+12 %", "-3 %", "0 %", "0 %", "+1,250 %", ""]


def test_sparkline() -> None:
    assert charts.sparkline(range(8)) == "▁▂▃▄▅▆▇█"
    assert charts.sparkline([0, 5, 10]) == "▁▅█"
    assert charts.sparkline([0, 0]) == "▁▁"
    assert charts.sparkline([]) == ""
    assert charts.sparkline(range(8), ascii=True) == "_.-=+*#@"
    assert charts.sparkline([0, 0, 4, 4, 8, 8], columns=3) == "▁▅█"


def test_resampling_keeps_the_mean() -> None:
    assert charts.resampled([1, 2, 3, 4, 5, 6], 3) == [1.5, 3.5, 5.5]
    assert charts.resampled([3, 0, 3], 2) == [2, 2]


def test_bars() -> None:
    rows = [("tv", 8.0, "8"), ("phone", 4.0, "4"), ("watch", 0.1, "0"), ("other", 0.0, "0")]
    assert charts.bars(rows, columns=20) == [
        "tv     ██████████  8",
        "phone  █████       4",
        "watch  ▏           0",
        "other              0",
    ]
    assert charts.bars(rows, columns=20, ascii=True) == [
        "tv     ##########  8",
        "phone  #####       4",
        "watch  #           0",
        "other              0",
    ]
    assert charts.bars([]) == []
    assert charts.bars([("nothing", 0.0, "0")], columns=12) == ["not…       0"]


def test_curve() -> None:
    drawn = charts.curve([1, 0.75, 0.5, 0.5, 0.25, 0], columns=6, rows=4, labels=["0:00", "9"])
    assert drawn == [
        "100 % │⣿",
        "      │⣿⣿",
        " 50 % │⣿⣿⣿⣿",
        "      │⣿⣿⣿⣿⣿",
        "  0 % └──────",
        "       0:00 9",
    ]


def test_curve_in_ascii() -> None:
    drawn = charts.curve([1, 0.5, 0.01, 0], columns=4, rows=2, ascii=True)
    assert drawn == [
        "100 % |#",
        " 50 % |###",
        "  0 % +----",
    ]
    assert charts.curve([], columns=2, rows=2, ascii=True) == ["100 % |", " 50 % |", "  0 % +--"]


def test_labels_stand_at_both_ends() -> None:
    assert charts.spread(["00:00", "01:00", "02:00"], 21) == "00:00   01:00   02:00"


def test_rows_are_aligned() -> None:
    assert charts.rows([("views", "1,234", "+2 %"), ("gone", "", "x"), ("people", "7", "")]) == [
        "views   1,234  +2 %",
        "people      7",
    ]
    assert charts.rows([("gone", "", "")]) == []


@pytest.mark.parametrize(
    ("encoding", "can"),
    [("utf-8", True), ("ascii", False), ("latin-1", False), ("cp437", False), (None, False)],
)
def test_what_an_encoding_can_say(encoding: str | None, can: bool) -> None:
    assert charts.can_say(encoding) is can
    assert not charts.can_say("no-such-encoding")


shares = st.lists(st.floats(0, 1), max_size=300)


@given(shares, st.booleans())
def test_nothing_is_wider_than_asked(values: list[float], ascii: bool) -> None:
    lines = [charts.sparkline(values, columns=60, ascii=ascii)]
    lines += charts.curve(values, labels=["0", "1", "2"], ascii=ascii)
    assert all(width(line) <= 67 for line in lines)
    rows = [(f"label {n} 名前" * (n % 5), value, f"{value:.0%}") for n, value in enumerate(values)]
    assert all(width(line) <= 80 for line in charts.bars(rows, columns=80, ascii=ascii))
    if ascii:
        assert all(line.isascii() for line in lines)
