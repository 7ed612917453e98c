"""WebVTT in and out: the specification's cases, what people's files hold, and hostile bytes."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidctl.errors import InvalidCaptions
from vidctl.formats import vtt
from vidctl.model.segment import Segment, Word

DATA = Path(__file__).parents[2] / "data"


def read(text: str) -> list[Segment]:
    return vtt.parse(text.encode())


def cue(text: str) -> list[Segment]:
    """Read one cue from 0 to 2 seconds with this text."""
    return read(f"WEBVTT\n\n00:00.000 --> 00:02.000\n{text}\n")


def text_of(text: str) -> str:
    return "|".join(segment.text for segment in cue(text))


def times(text: str) -> list[tuple[float, float]]:
    return [(segment.start, segment.end) for segment in read(text)]


def test_real_file() -> None:
    segments = vtt.parse((DATA / "podcasting.vtt").read_bytes())
    assert segments[:3] == [
        Segment(0.0, 2.76, "In today's episode, you'll learn whether or not you", "Sarah"),
        Segment(2.76, 6.09, "should have a podcast trailer. And if so, what should you", "Sarah"),
        Segment(6.09, 11.61, "include in one? Welcome to Podcasting Q&A, where you learn", "Sarah"),
    ]
    assert [segment.speaker for segment in segments] == ["Sarah"] * 5 + ["Gillian"] * 2
    assert vtt.parse(vtt.write(segments).encode()) == segments


# --- where cues begin and end ---------------------------------------------------------------------

HELLO = [Segment(1.0, 2.0, "Hello")]
TIMING = "00:01.000 --> 00:02.000"


@pytest.mark.parametrize(
    "text",
    [
        f"WEBVTT\n\n{TIMING}\nHello\n",
        f"WEBVTT\n\n{TIMING}\nHello",
        f"WEBVTT\n{TIMING}\nHello",
        f"WEBVTT\r\n\r\n{TIMING}\r\nHello\r\n",
        f"WEBVTT\r\r{TIMING}\rHello\r",
        f"WEBVTT - a title\nKind: captions\n\n{TIMING}\nHello",
        f"\ufeffWEBVTT\n\n{TIMING}\nHello",
        f"\n\nWEBVTT\n\n{TIMING}\nHello",
        f"{TIMING}\nHello",
        f"WEBVTT\n\nsome id\n{TIMING} align:start position:0% line:90%\nHello",
        f"WEBVTT\n\n1\n{TIMING}\nHello\n\n",
        f"WEBVTT\n\n-->\n{TIMING}\nHello",
        f"WEBVTT\n\nNOTE a comment\n\n{TIMING}\nHello\n\nNOTE\nof two\nlines\n",
        f"WEBVTT\n\nSTYLE\n::cue {{ color: red }}\n\nREGION\nid:fred\n\n{TIMING}\nHello",
        f"WEBVTT\nStyle:\n::cue(c.x) {{ color: red;\n }}\n##\n\n{TIMING}\nHello",
        f"WEBVTT\n\n{TIMING}line:10%\nHello",
        "WEBVTT\n\n\t00:01.000\t-->   00:02.000 \nHello",
        "WEBVTT\n\n00:01.000-->00:02.000\n  Hello  ",
        f"WEBVTT\n\n{TIMING}\nHello\n\nwords of no cue",
        f"WEBVTT\n\n{TIMING}\n\nHello\n",
        f"WEBVTT\n\n{TIMING}\n \nHello\n \n",
        f"WEBVTT\n\n{TIMING}\nHello\n\n00:03.000 --> 00:04.000\n\n00:05.000 --> 00:06.000\n&nbsp;",
        f"WEBVTT\n\n{TIMING}\nHello\n\n00:03.000 --> 00:04.000\n<b></b>\u200b\n",
        f"WEBVTT\n\n{TIMING}\nHello\n\n00:03.000 --> 00:04.000\n\nNOTE nobody spoke\n",
        f"WEBVTT\n\n{TIMING}\nHello\n\n00:03.000 --> 00:04.000\n\n00:0x.000 -->\n\nlost",
        f"WEBVTT\n\n{TIMING}\nHello\n\n00:03.000 --> 00:04.000\n\nid\n00:05.000 --> 00:06.000\n",
    ],
)
def test_one_cue(text: str) -> None:
    assert read(text) == HELLO


def test_cues_without_empty_lines_between() -> None:
    text = "WEBVTT\n\n1\n00:01.000 --> 00:02.000\nOne\n2\n00:02.000 --> 00:03.000\nTwo\n7"
    assert read(text) == [Segment(1.0, 2.0, "One"), Segment(2.0, 3.0, "Two\n7")]


def test_a_number_is_speech_where_cues_have_no_numbers() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nOne\n2\n00:02.000 --> 00:03.000\n3"
    assert read(text) == [Segment(1.0, 2.0, "One\n2"), Segment(2.0, 3.0, "3")]


def test_order_is_by_start() -> None:
    text = "WEBVTT\n\n00:05.000 --> 00:06.000\nB\n\n00:01.000 --> 00:09.000\nA\n"
    assert read(text) == [Segment(1.0, 9.0, "A"), Segment(5.0, 6.0, "B")]


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "start", "end"),
    [
        ("00:00.000 --> 00:01.000", 0.0, 1.0),
        ("00:00:00.999 --> 00:59:59.999", 0.999, 3599.999),
        ("100:00:00.000 --> 1000:00:01.000", 360000.0, 3600001.0),
        ("0:00:00.000 --> 0:00:01.000", 0.0, 1.0),
        # The time to read it, at least one second, where the end is no end.
        ("00:05.000 --> 00:05.000", 5.0, 6.0),
        ("00:05.000 --> 00:04.000", 5.0, 6.0),
        # Written by another tool: commas, no milliseconds, short fields.
        ("00:00:01,000 --> 00:00:02,500", 1.0, 2.5),
        ("0:01.5 --> 0:02", 1.5, 2.0),
        ("75:30.000 --> 75:31.000", 4530.0, 4531.0),
    ],
)
def test_times(line: str, start: float, end: float) -> None:
    assert read(f"WEBVTT\n\n{line}\nHello") == [Segment(start, end, "Hello")]


@pytest.mark.parametrize(
    "line",
    [
        "00:00.000 -->",
        "--> 00:01.000",
        "00:00.000 00:01.000",
        "00:60.000 --> 01:01.000",
        "00:60:00.000 --> 01:00:01.000",
        "a0:00.000 --> 00:01.000",
        "00:00.00x --> 00:01.000",
        "00:00.000 --> 00:0x.000",
        "0\0:00.000 --> 00:01.000",
        "99999999:00:00.000 --> 99999999:00:01.000",
        f"{'9' * 5000}:00:00.000 --> 00:01.000",
    ],
)
def test_lines_that_are_no_times(line: str) -> None:
    with pytest.raises(InvalidCaptions):
        read(f"WEBVTT\n\n{line}\nHello")


def test_a_damaged_line_among_sound_ones_is_skipped() -> None:
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nOne\n\n00:03,000 --> 00:0x.000\nTwo\n"
    assert read(text) == [Segment(1.0, 2.0, "One")]


def test_an_unusable_end_stops_at_the_next_cue() -> None:
    text = (
        "WEBVTT\n\n00:01.000 --> 00:00.000\nA\n\n00:01.000 --> 00:03.000\nB\n\n"
        f"00:01.500 --> 00:03.000\nC\n\n00:09.000 --> 00:08.000\n{'long ' * 90}"
    )
    assert times(text) == [(1.0, 1.5), (1.0, 3.0), (1.5, 3.0), (9.0, 16.0)]


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("X-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000", [(11.0, 12.0), (13.0, 14.0)]),
        ("X-TIMESTAMP-MAP=LOCAL:00:00:01.000,MPEGTS:0", [(0.0, 1.0), (2.0, 3.0)]),
        ("X-TIMESTAMP-MAP=LOCAL:00:01.500, MPEGTS:0", [(0.0, 0.5), (1.5, 2.5)]),
        # What lies before the media begins is dropped.
        ("X-TIMESTAMP-MAP=LOCAL:00:02.000,MPEGTS:0", [(1.0, 2.0)]),
    ],
)
def test_hls_timestamp_map(header: str, expected: list[tuple[float, float]]) -> None:
    cues = "00:01.000 --> 00:02.000\nA\n\n00:03.000 --> 00:04.000\nB\n"
    assert times(f"WEBVTT\n{header}\n\n{cues}") == expected


def test_hls_segments_joined_into_one_file() -> None:
    text = (
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:00.000\n\n"
        "00:00.000 --> 00:05.000\nA <00:01.000>b\n\n"
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:1080000,LOCAL:00:00:02.000\n\n"
        "00:00.000 --> 00:05.000\nA <00:01.000>b\n\n00:05.000 --> 00:06.000\nC\n\n"
        "WEBVTT\n\n00:30.000 --> 00:31.000\nD\n"
    )
    assert read(text) == [
        Segment(10.0, 15.0, "A b", words=(Word("A", 10.0, 11.0), Word("b", 11.0, 15.0))),
        Segment(15.0, 16.0, "C"),
        Segment(30.0, 31.0, "D"),
    ]


def test_equal_cues_of_one_file_are_kept() -> None:
    text = "00:00.000 --> 00:05.000\nWEBVTT\n\n"
    assert read("WEBVTT\n\n" + text * 3) == [Segment(0.0, 5.0, "WEBVTT")] * 3


@pytest.mark.parametrize(
    "header",
    [
        "X-TIMESTAMP-MAP=MPEGTS:900000",
        "X-TIMESTAMP-MAP=LOCAL:00:00:00.000",
        "X-TIMESTAMP-MAP=MPEGTS:abc,LOCAL:00:00:00.000",
        "X-TIMESTAMP-MAP=MPEGTS:154697828979600,LOCAL:00:00:00.000",
        "X-TIMESTAMP-MAP=MPEGTS:8589934592,LOCAL:00:00:00.000",
    ],
)
def test_a_timestamp_map_that_cannot_be_applied_is_refused(header: str) -> None:
    with pytest.raises(InvalidCaptions, match="X-TIMESTAMP-MAP") as refused:
        read(f"WEBVTT\n{header}\n\n00:01.000 --> 00:02.000\nA\n")
    assert "remove the X-TIMESTAMP-MAP line" in refused.value.hint


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("<b>bold</b> <i.x>it</i> <u>u</u> <c.red.bg>c</c> <lang en>l</lang>", "bold it u c l"),
        ("<ruby>漢<rt>kan</rt></ruby>", "漢kan"),
        ("<font color=#fff>SRT</font> {\\an8}tags", "SRT tags"),
        ("one<br>two<BR/>three", "one\ntwo\nthree"),
        ("one\n\ttwo \n three", "one\ntwo\nthree"),
        ("</b>stray <b>open", "stray open"),
        ("&amp; &lt;b&gt; &gt; &nbsp;x&lrm;&rlm;", "& <b> > \xa0x\u200e\u200f"),
        ("&#65;&#x42;&#x1F600; &copy; &unknown; R&D AT&T &", "AB😀 © &unknown; R&D AT&T &"),
        ("a&#10;b&#13;&#10;c", "a\nb\nc"),
        ("&#0;&#xD800;&#1114112;", "\ufffd\ufffd\ufffd"),
        (f"&#{'9' * 6000};", f"&#{'9' * 6000};"),
        # A browser would lose the words after these.
        ("x < 5 and y > 3", "x < 5 and y > 3"),
        ("I <3 you", "I <3 you"),
        ("x <= 5", "x <= 5"),
        ("never <b closed", "never closed"),
        ("<v never closed", "never closed"),
        # But not what is a tag and nothing else.
        ("a< i>b< / i>c<>d</>e<1>f", "abcdef"),
        ("- One.\n- Two.", "- One.\n- Two."),
        ("Name: left alone", "Name: left alone"),
        ("nul \0 byte", "nul \ufffd byte"),
    ],
)
def test_cue_text(markup: str, text: str) -> None:
    assert cue(markup) == [Segment(0.0, 2.0, text)]


@pytest.mark.parametrize(
    "markup", ["", " ", "<b></b>", "&nbsp;", "\u200b", "<", "<v A>", "{\\an8}"]
)
def test_nothing_is_said(markup: str) -> None:
    with pytest.raises(InvalidCaptions):
        cue(markup)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        ("<v Fred>Hi", [("Fred", "Hi")]),
        ("<v.loud.x  Mary  Ann >Hi</v>", [("Mary Ann", "Hi")]),
        ("<v O'Neil &amp; Co&gt;>Hi", [("O'Neil & Co>", "Hi")]),
        ("<v>Hi", [(None, "Hi")]),
        ("<v Fred>Hi</v>\n<v Fred>again", [("Fred", "Hi\nagain")]),
        ("[music] <v Fred>Hi</v> (laughs)", [("Fred", "[music] Hi (laughs)")]),
        ("<v Fred>Hi\n<v Bill>Hello", [("Fred", "Hi"), ("Bill", "Hello")]),
        (
            "<v A>One</v> <v B>two\nthree</v>\n(all)",
            [("A", "One"), ("B", "two\nthree"), (None, "(all)")],
        ),
    ],
)
def test_voices(markup: str, expected: list[tuple[str | None, str]]) -> None:
    assert cue(markup) == [Segment(0.0, 2.0, text, speaker) for speaker, text in expected]


def test_inner_timestamps_become_words() -> None:
    assert cue("When the <00:01.000>moon <00:01.500><c>hits</c> <00:09.000>it") == [
        Segment(
            0.0,
            2.0,
            "When the moon hits it",
            words=(
                Word("When", 0.0, 0.571),
                Word("the", 0.571, 1.0),
                Word("moon", 1.0, 1.5),
                # A time outside of the cue is no time: these two share what is left.
                Word("hits", 1.5, 1.833),
                Word("it", 1.833, 2.0),
            ),
        )
    ]


def test_words_of_syllables_and_of_scripts_without_spaces() -> None:
    assert cue("un<00:01.000>der<00:01.500> it")[0].words == (
        Word("under", 0.0, 1.5),
        Word("it", 1.5, 2.0),
    )
    assert cue("こんにちは<00:01.000>世界")[0].words == (
        Word("こんにちは", 0.0, 1.0),
        Word("世界", 1.0, 2.0),
    )


# --- rolling captions -----------------------------------------------------------------------------

# "_" stands for the blank that YouTube puts in an empty line.
ROLLING = """WEBVTT
Kind: captions
Language: en

00:00:00.080 --> 00:00:02.350 align:start position:0%
_
welcome<00:00:00.400><c> to</c><00:00:01.000><c> the</c><00:00:01.500><c> show</c>

00:00:02.350 --> 00:00:02.360 align:start position:0%
welcome to the show
_

00:00:02.360 --> 00:00:04.000 align:start position:0%
welcome to the show
today<00:00:02.800><c.colorE5E5E5> we</c><00:00:03.200><c> bake</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
today<c.colorE5E5E5> we</c> bake
_

00:00:04.010 --> 00:00:06.000 align:start position:0%
today we bake
bread
""".replace("_", " ")


def test_rolling_captions_are_joined() -> None:
    expected = [
        Segment(
            0.08,
            2.36,
            "welcome to the show",
            words=(
                Word("welcome", 0.08, 0.4),
                Word("to", 0.4, 1.0),
                Word("the", 1.0, 1.5),
                Word("show", 1.5, 2.36),
            ),
        ),
        Segment(
            2.36,
            4.01,
            "today we bake",
            words=(Word("today", 2.36, 2.8), Word("we", 2.8, 3.2), Word("bake", 3.2, 4.01)),
        ),
        Segment(4.01, 6.0, "bread"),
    ]
    assert read(ROLLING) == expected
    # Editors that trim lines leave an empty line where the blank one was.
    trimmed = "\n".join(line.rstrip() for line in ROLLING.split("\n"))
    assert read(trimmed) == expected


def test_three_rolling_lines() -> None:
    shown = ["a", "a\nb", "a\nb\nc", "b\nc\nd", "c\nd\ne"]
    cues = [f"00:0{i}.000 --> 00:0{i + 1}.000\n{text}\n" for i, text in enumerate(shown)]
    assert [s.text for s in read("WEBVTT\n\n" + "\n".join(cues))] == ["a", "b", "c", "d", "e"]


@pytest.mark.parametrize(
    "shown",
    [
        ["No.", "No.", "No."],
        ["No.", "No.\nNever.", "Why?", "I said no.", "Really?"],
        ["a\nb", "a\nb", "a\nb"],
    ],
)
def test_speech_that_repeats_itself_is_kept(shown: list[str]) -> None:
    cues = [f"00:0{i}.000 --> 00:0{i + 1}.000\n{text}\n" for i, text in enumerate(shown)]
    assert [s.text for s in read("WEBVTT\n\n" + "\n".join(cues))] == shown


def test_the_same_line_after_silence_is_said_again() -> None:
    later = "\n00:01:00.000 --> 00:01:02.000\nbread\n"
    assert [s.text for s in read(ROLLING + later)][-2:] == ["bread", "bread"]


# --- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"],
)
def test_encodings(encoding: str) -> None:
    text = f"WEBVTT\n\n{TIMING}\nÇa va, señor Müller?\n"
    assert vtt.parse(text.encode(encoding)) == [Segment(1.0, 2.0, "Ça va, señor Müller?")]


def test_broken_bytes_do_not_change_the_encoding() -> None:
    text = f"WEBVTT\n\n{TIMING}\nÇa va, señor Müller? ".encode() + b"\xe2\x82"
    assert vtt.parse(text) == [Segment(1.0, 2.0, "Ça va, señor Müller? \ufffd")]


@pytest.mark.parametrize("data", [b"", b"WEBVTT", b"\xef\xbb\xbfWEBVTT\n", b"\0" * 99, b"<html>"])
def test_no_captions(data: bytes) -> None:
    with pytest.raises(InvalidCaptions, match="holds no usable cue") as refused:
        vtt.parse(data)
    assert "-->" in refused.value.hint


def is_sound(segments: list[Segment]) -> bool:
    starts = [segment.start for segment in segments]
    lines = [line for segment in segments for line in segment.text.split("\n")]
    inside = all(s.start <= w.start <= w.end <= s.end for s in segments for w in s.words)
    ends = all(0 <= segment.start < segment.end for segment in segments)
    return inside and ends and starts == sorted(starts) and all(line.strip() for line in lines)


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(data: bytes, is_cue: bool) -> None:
    prefix = b"WEBVTT\n\n00:00.000 --> 00:01.000\n" if is_cue else b""
    with suppress(InvalidCaptions):
        assert is_sound(vtt.parse(prefix + data))


MARKS = ["<v A>", "</v>", "<00:00:00.500>", "&#", "{\\", "NOTE\n", "WEBVTT\n", "00:00.500"]
LINES_OF_FILES = [
    "00:01.000 --> 00:02.000\n",
    "X-TIMESTAMP-MAP=MPEGTS:90000,LOCAL:00:00.000\n",
    "\n\n",
    "-->",
]
PIECES = st.sampled_from([*"\n\r<>&;a1:.}\0\xb2\u200b\u2028\ufeff", *MARKS, *LINES_OF_FILES])


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_pieces_and_writing_them_again(text: str) -> None:
    try:
        segments = read(text)
    except InvalidCaptions:
        return
    assert is_sound(segments)
    assert read(vtt.write(segments)) == [replace(segment, words=()) for segment in segments]


@given(st.data())
def test_mutated_files(data: st.DataObject) -> None:
    text = bytearray(
        data.draw(st.sampled_from([(DATA / "podcasting.vtt").read_bytes(), ROLLING.encode()]))
    )
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(text)))
        text[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    with suppress(InvalidCaptions):
        assert is_sound(vtt.parse(bytes(text)))


TAGS = ["<a", "< a ", "< ", "<>", "<v", "<v A>a", "<00:00.001>a", "{\\", "&#9", "&amp;"]
ROWS = ["-->", "-->\n", "a\n", "1\n", "0:", "00:00.000-->00:00.001\nx\n", "WEBVTT\n\n"]


@pytest.mark.parametrize("piece", [*"\n< &9\xff", *TAGS, *ROWS])
def test_junk_is_read_in_linear_time(piece: str) -> None:
    junk = (piece * (300_000 // len(piece))).encode("latin-1")
    began = time.process_time()
    with suppress(InvalidCaptions):
        vtt.parse(b"WEBVTT\n\n00:00.000 --> 10:00.000\n" + junk)
    assert time.process_time() - began < 2


# --- writing --------------------------------------------------------------------------------------


def test_writing() -> None:
    segments = [
        Segment(5.0, 4.0, "ends before it starts"),
        Segment(0.0, 1.23456, "1 < 2 & 3 > 2 --> yes\n\n  {\\an8}NOTE  \n", "A & B -->", ()),
        Segment(-1.0, 0.5, "before the start", words=(Word("before", 0.0, 0.1),)),
        Segment(360000.0, 3600000.0004, "long", "  Two\nlines "),
        Segment(1.0, 2.0, " \n\u200b\n"),
        Segment(7.0, 8.0, "lone \ud800 and \0"),
        Segment(9.0, 10.0, "arrow", "dashes --"),
    ]
    assert vtt.write(segments) == (
        "WEBVTT\n"
        "\n00:00:00.000 --> 00:00:01.235\n<v A &amp; B --&gt;>1 &lt; 2 &amp; 3 &gt; 2 --&gt; yes\n"
        "&#123;\\an8}NOTE\n"
        "\n00:00:00.000 --> 00:00:00.500\nbefore the start\n"
        "\n00:00:05.000 --> 00:00:05.001\nends before it starts\n"
        "\n00:00:07.000 --> 00:00:08.000\nlone ? and \ufffd\n"
        "\n00:00:09.000 --> 00:00:10.000\n<v dashes -- >arrow\n"
        "\n100:00:00.000 --> 1000:00:00.000\n<v Two lines>long\n"
    )
    assert vtt.write([]) == "WEBVTT\n"


LINES = (
    st.text(
        st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Zl", "Zp"])
        | st.sampled_from("<>&;-:{}\\/"),
        min_size=1,
        max_size=30,
    )
    .map(str.strip)
    .filter(bool)
)


@st.composite
def transcripts(draw: st.DrawFn) -> list[Segment]:
    segments = []
    now = 0
    for ordinal in range(draw(st.integers(1, 8))):
        now += draw(st.integers(0, 500_000_000))
        end = now + draw(st.integers(1, 100_000))
        # The ordinal keeps lines from repeating, which would be rolling captions.
        text = "\n".join([f"{ordinal} {draw(LINES)}", *draw(st.lists(LINES, max_size=1))])
        speaker = draw(st.none() | LINES.map(lambda name: " ".join(name.split())))
        segments.append(Segment(now / 1000, end / 1000, text, speaker))
    return segments


@settings(max_examples=200)
@given(transcripts())
def test_what_is_written_is_read_back(segments: list[Segment]) -> None:
    written = vtt.write(segments)
    assert read(written) == segments
    blocks = written.removeprefix("WEBVTT\n\n").rstrip("\n").split("\n\n")
    assert len(blocks) == len(segments)
    assert all(block.count("-->") == 1 for block in blocks)
