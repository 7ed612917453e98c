"""The cues of storyboards."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.errors import InvalidCaptions
from vidctl.formats import vtt
from vidctl.formats.storyboard import Tile, readdressed, storyboard_vtt

TILES = (
    Tile(0.0, 5.0, "sprite.jpg", 0, 0, 160, 90),
    Tile(5.0, 3661.5, "https://cdn.example.org/s.jpg?x=1", 160, 90, 160, 90),
)


def test_players_find_the_rectangle_behind_the_address() -> None:
    assert storyboard_vtt(TILES) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:05.000\nsprite.jpg#xywh=0,0,160,90\n\n"
        "00:00:05.000 --> 01:01:01.500\nhttps://cdn.example.org/s.jpg?x=1#xywh=160,90,160,90\n"
    )


def test_it_is_webvtt_to_our_own_reader() -> None:
    cues = vtt.parse(storyboard_vtt(TILES).encode())
    assert [(cue.start, cue.end) for cue in cues] == [(0, 5), (5, 3661.5)]


def test_addresses_change_and_nothing_else_does() -> None:
    text = storyboard_vtt(TILES)
    changed = readdressed(text, lambda address: f"../ab/{len(address)}.jpg")
    assert changed == text.replace("sprite.jpg", "../ab/10.jpg").replace(
        TILES[1].address, f"../ab/{len(TILES[1].address)}.jpg"
    )
    assert readdressed(text, lambda address: address) == text


def test_a_text_without_rectangles_is_no_storyboard() -> None:
    with pytest.raises(InvalidCaptions, match="name no picture"):
        readdressed("WEBVTT\n\n00:00.000 --> 00:01.000\nhello\n", str)


@given(st.floats(0, 359_999), st.floats(0, 10))
def test_times_are_to_the_millisecond(start: float, length: float) -> None:
    line = storyboard_vtt([Tile(start, start + length, "a.jpg", 0, 0, 1, 1)]).splitlines()[2]
    first, _, last = line.partition(" --> ")
    for text, second in ((first, start), (last, start + length)):
        hours, minutes, rest = text.split(":")
        assert int(hours) * 3600 + int(minutes) * 60 + float(rest) == pytest.approx(
            second, abs=0.000501
        )
