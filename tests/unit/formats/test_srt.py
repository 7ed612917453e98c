"""SubRip in and out: what editors, converters and podcasts write, and hostile bytes."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidctl.errors import InvalidCaptions
from vidctl.formats import srt
from vidctl.model.segment import Segment, Word

DATA = Path(__file__).parents[2] / "data"


def read(text: str) -> list[Segment]:
    return srt.parse(text.encode())


def cue(text: str) -> list[Segment]:
    """Read one cue from 0 to 2 seconds with this text."""
    return read(f"1\n00:00:00,000 --> 00:00:02,000\n{text}\n")


def cues(*texts: str) -> str:
    """Write cues of a second each, one after the other."""
    rows = [f"{i + 1}\n00:00:0{i},000 --> 00:00:0{i + 1},000\n{t}\n" for i, t in enumerate(texts)]
    return "\n".join(rows)


def test_real_file() -> None:
    segments = srt.parse((DATA / "podcasting.srt").read_bytes())
    assert len(segments) == 222
    assert segments[:2] == [
        Segment(0.179, 2.399, "When you first get\nstarted in podcasting, it's", "Travis"),
        Segment(
            2.4, 4.799, "almost guaranteed that you're\ngoing to make a handful of rookie", "Travis"
        ),
    ]
    turns = [name for name, _ in groupby(segment.speaker for segment in segments)]
    assert turns == [
        "Travis",
        "Sarah",
        "Travis",
        "Gilon",
        "Travis",
        "Gilon",
        "Travis",
        "Sarah",
        "Gilon",
        "Travis",
    ]
    assert srt.parse(srt.write(segments).encode()) == segments


# --- where cues begin and end ---------------------------------------------------------------------

TWO = [Segment(1.0, 2.0, "One"), Segment(2.0, 3.5, "Two\nlines")]
FIRST, SECOND = "00:00:01,000 --> 00:00:02,000", "00:00:02,000 --> 00:00:03,500"


@pytest.mark.parametrize(
    "text",
    [
        f"1\n{FIRST}\nOne\n\n2\n{SECOND}\nTwo\nlines\n",
        f"1\r\n{FIRST}\r\nOne\r\n\r\n2\r\n{SECOND}\r\nTwo\r\nlines\r\n",
        f"1\r{FIRST}\rOne\r\r2\r{SECOND}\rTwo\rlines",
        f"\ufeff1\n{FIRST}\nOne\n\n2\n{SECOND}\nTwo\nlines",
        f"\n\n\n 1 \n {FIRST} \n One \n\n\n\n2\n{SECOND}\n\tTwo\nlines",
        # No counters; no empty lines; every second line empty.
        f"{FIRST}\nOne\n\n{SECOND}\nTwo\nlines",
        f"1\n{FIRST}\nOne\n2\n{SECOND}\nTwo\nlines\n",
        f"{FIRST}\nOne\n{SECOND}\nTwo\nlines",
        f"1\n\n{FIRST}\n\nOne\n\n\n2\n\n{SECOND}\n\nTwo\n\nlines\n\n",
        f"{FIRST}\nOne\n\n7\n{SECOND}\nTwo\nlines",
        # Counters that say nothing.
        f"0\n{FIRST}\nOne\n\n0\n{SECOND}\nTwo\nlines",
        f"999999999\n{FIRST}\nOne\n\n5\n{SECOND}\nTwo\nlines",
        # Positions, and a cue or a file out of order.
        f"1\n{FIRST}  X1:63 X2:223 Y1:43 Y2:58\nOne\n\n2\n{SECOND}\nTwo\nlines",
        f"2\n{SECOND}\nTwo\nlines\n\n1\n{FIRST}\nOne",
        # Cues without words, without times.
        f"1\n{FIRST}\nOne\n\n2\n{FIRST}\n\n\n3\n{FIRST}\n<i></i>\n\n4\n{SECOND}\nTwo\nlines",
        f"1\n{FIRST}\nOne\n\n2\nwhen was this said?\n\n3\n{SECOND}\nTwo\nlines",
        f"credits\n\n1\n{FIRST}\nOne\n\n2\n{SECOND}\nTwo\nlines",
        # WebVTT under the wrong name.
        f"WEBVTT\n\nNOTE x\n\n{FIRST}\nOne\n\n{SECOND}\nTwo\nlines".replace(",", "."),
    ],
)
def test_two_cues(text: str) -> None:
    assert read(text) == TWO


def test_numbers_can_be_speech() -> None:
    assert [s.text for s in read(f"1\n{FIRST}\n42\n\n2\n{SECOND}\n3\n2\n1")] == ["42", "3\n2\n1"]
    assert [s.text for s in read(f"{FIRST}\n42\n{SECOND}\n43")] == ["42", "43"]


# --- times ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "start", "end"),
    [
        ("00:00:00,179 --> 00:00:02,399", 0.179, 2.399),
        ("00:00:01.000 --> 00:00:02.000", 1.0, 2.0),
        ("0:0:1,5 --> 0:0:2,25", 1.5, 2.25),
        ("00:01 --> 00:02", 1.0, 2.0),
        ("00:01,5 --> 00:02,5", 1.5, 2.5),
        ("75:30,000 --> 75:31,000", 4530.0, 4531.0),
        ("00:00:01:500 --> 00:00:02:500", 1.5, 2.5),
        ("00:00:01,123456 --> 00:00:02,1", 1.123, 2.1),
        ("1000:00:00,000 --> 1000:00:01,000", 3600000.0, 3600001.0),
        ("00:00:01,000->00:00:02,000", 1.0, 2.0),
        ("00:00:01,000 -- > 00:00:02,000", 1.0, 2.0),
        ("00:00:01,000 –> 00:00:02,000", 1.0, 2.0),
        ("00: 00: 01, 000 --> 00: 00: 02, 000", 1.0, 2.0),
        ("00：00：01，000 --> 00：00：02，000", 1.0, 2.0),
        ("-00:00:01,000 --> 00:00:02,000", 0.0, 2.0),
        # The end is missing, damaged, or no end: the time to read it.
        ("00:00:01,000 --> ", 1.0, 2.0),
        ("00:00:01,000 --> 00:00:1d,890", 1.0, 2.0),
        ("00:00:01,000 --> 00:00:75,000", 1.0, 2.0),
        ("00:00:01,000 --> 00:00:01,000", 1.0, 2.0),
        ("00:00:01,000 --> 00:00:00,500", 1.0, 2.0),
    ],
)
def test_times(line: str, start: float, end: float) -> None:
    assert read(f"1\n{line}\nHello") == [Segment(start, end, "Hello")]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "00:00:75,000 --> 00:01:16,000",
        "00:75:00,000 --> 01:16:00,000",
        "--> 00:00:01,000",
        "00:00:01,000 00:00:02,000",
        "00:00:01,000 --- 00:00:02,000",
        "x00:00:01,000 --> 00:00:02,000",
        "²:00:01 --> ²:00:02",
        f"{'9' * 5000}:00:00,000 --> 00:00:01,000",
    ],
)
def test_lines_that_are_no_times(line: str) -> None:
    with pytest.raises(InvalidCaptions):
        read(f"1\n{line}\nHello")


# --- text -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ('{\\an8}<b>bold</b> <i>it</i> <font color="#ff0">font</font>', "bold it font"),
        ('< u><font color="red" >a< s>b< /  i > c</s></xyz>', "ab c"),
        ("a<br>b<br/>c", "a\nb\nc"),
        ("<b\n>over two lines</b>", "over two lines"),
        ("Q&A R&D AT&T &amp; &lt;b&gt; &nbsp;x &#233; &lrm;", "Q&A R&D AT&T & <b> \xa0x é \u200e"),
        ("&lt &copy", "&lt &copy"),
        # SubRip has no tags that players agree on: what is not surely one is text.
        ("x < 5 & y > 3", "x < 5 & y > 3"),
        ("I <3 you", "I <3 you"),
        ("2<3,5>1,4<6", "2<3,5>1,4<6"),
        ("never <b closed", "never <b closed"),
        ("a <- b <= c << d >> e", "a <- b <= c << d >> e"),
        ("{normal text} {x}", "{normal text} {x}"),
        ("WEBVTT", "WEBVTT"),
    ],
)
def test_cue_text(markup: str, text: str) -> None:
    assert cue(markup) == [Segment(0.0, 2.0, text)]


def test_rolling_captions_converted_to_srt_are_joined() -> None:
    text = (
        "5\n00:00:17,840 --> 00:00:19,670\n[Music]\nhi everyone and welcome to a\n\n"
        "6\n00:00:19,670 --> 00:00:19,680\nhi everyone and welcome to a\n \n\n"
        "7\n00:00:19,680 --> 00:00:21,830\nhi everyone and welcome to a\nnew video about\n\n"
        "8\n00:00:21,830 --> 00:00:21,840\nnew video about\n \n\n"
        "9\n00:00:21,840 --> 00:00:22,230\nnew video about\nplay\n\n"
        "10\n00:00:22,230 --> 00:00:22,240\nplay\n \n\n"
        "11\n00:00:22,240 --> 00:00:24,070\nplay\nand talk\n"
    )
    assert read(text) == [
        Segment(17.84, 19.68, "[Music]\nhi everyone and welcome to a"),
        Segment(19.68, 21.84, "new video about"),
        Segment(21.84, 22.24, "play"),
        Segment(22.24, 24.07, "and talk"),
    ]


# --- speakers -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        # As podcasts do: named when the speaker changes, from the first cue on.
        (["Ann: Hi.", "And so", "Bob: Yes."], [("Ann", "Hi."), ("Ann", "And so"), ("Bob", "Yes.")]),
        (["Ann:\nHi.", "Bob:", "Yes."], [("Ann", "Hi."), ("Bob", "Yes.")]),
        (["[Music]", "DR. ANN LEE: Hi."], [(None, "[Music]"), ("DR. ANN LEE", "Hi.")]),
        ([">> SPEAKER 1: Hi.", "- Bob: Yes."], [("SPEAKER 1", "Hi."), ("Bob", "Yes.")]),
        (["Ann: Hi.\nWhy: not"], [("Ann", "Hi.\nWhy: not")]),
        (["<v Ann>Hi.", "Bob: Yes."], [("Ann", "Hi."), (None, "Bob: Yes.")]),
        # Later, when names alternate.
        (
            ["So", "Ann: Hi.", "Bob: Yes.", "Ann: No."],
            [(None, "So"), ("Ann", "Hi."), ("Bob", "Yes."), ("Ann", "No.")],
        ),
        # Anything else before a colon is text.
        (["So", "Remember this: no."], [(None, "So"), (None, "Remember this: no.")]),
        (["So", "Ann: Hi.", "Bob: Yes."], [(None, "So"), (None, "Ann: Hi."), (None, "Bob: Yes.")]),
        (["Chapter 1: Go.", "He said: no."], [(None, "Chapter 1: Go."), (None, "He said: no.")]),
        (["It is 10:30 now"], [(None, "It is 10:30 now")]),
        (["We Are Many Too Many: x"], [(None, "We Are Many Too Many: x")]),
        (["Http://x.org: y", ": z"], [(None, "Http://x.org: y"), (None, ": z")]),
    ],
)
def test_speakers(texts: list[str], expected: list[tuple[str | None, str]]) -> None:
    assert [(s.speaker, s.text) for s in read(cues(*texts))] == expected


def test_speakers_who_share_a_cue() -> None:
    assert read(cues("Ann: Hi.\nBob: Yes.\nWhy not?", "Bob: Why?")) == [
        Segment(0.0, 1.0, "Hi.", "Ann"),
        Segment(0.0, 1.0, "Yes.\nWhy not?", "Bob"),
        Segment(1.0, 2.0, "Why?", "Bob"),
    ]


# --- bytes ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1"],
)
def test_encodings(encoding: str) -> None:
    text = f"1\n{FIRST}\nÇa va, señor Müller?\n"
    assert srt.parse(text.encode(encoding)) == [Segment(1.0, 2.0, "Ça va, señor Müller?")]


@pytest.mark.parametrize(
    "data", [b"", b"1\n", b"\0" * 99, b"\xff\xfe", b"WEBVTT\n\n", b"1\n\n2\n\n"]
)
def test_no_captions(data: bytes) -> None:
    with pytest.raises(InvalidCaptions, match="holds no usable cue") as refused:
        srt.parse(data)
    assert "-->" in refused.value.hint


def is_sound(segments: list[Segment]) -> bool:
    starts = [segment.start for segment in segments]
    lines = [line for segment in segments for line in segment.text.split("\n")]
    ends = all(0 <= segment.start < segment.end for segment in segments)
    return ends and starts == sorted(starts) and all(line.strip() for line in lines)


MARKS = ["<b>", "</b>", "<v A>", "&#", "&amp;", "{\\an8}", "A: ", "B: ", "WEBVTT\n", "-->", "->"]
ROWS = ["00:00:01,000 --> 00:00:02,000\n", "0:3 -> 0:1\n", "1\n", "2\n", "\n\n"]
PIECES = st.sampled_from([*"\n\r<>&;a1:.,-}\0\xb2\u200b\u2028\ufeff", *MARKS, *ROWS])


@given(st.binary(max_size=300), st.booleans())
def test_any_bytes(data: bytes, is_cue: bool) -> None:
    with suppress(InvalidCaptions):
        assert is_sound(srt.parse((FIRST.encode() + b"\n" if is_cue else b"") + data))


@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_pieces_and_writing_them_again(text: str) -> None:
    with suppress(InvalidCaptions):
        segments = read(text)
        assert is_sound(segments)
        again = read(srt.write(segments))
        assert is_sound(again)
        assert again == read(srt.write(again))


@given(st.data())
def test_mutated_files(data: st.DataObject) -> None:
    text = bytearray((DATA / "podcasting.srt").read_bytes()[:2000])
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(text)))
        text[at : at + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=9))
    with suppress(InvalidCaptions):
        assert is_sound(srt.parse(bytes(text)))


JUNK = ["<a", "< a ", "< ", "<>", "{\\", "&#9", "&amp;", "-->", "0:0->", "0:0-->\n", "a\n", "1\n\n"]


@pytest.mark.parametrize("piece", [*"\n< &9:-", *JUNK, "A: b\n", "1\n00:01 --> 00:02\nA: b\n"])
def test_junk_is_read_in_linear_time(piece: str) -> None:
    junk = piece * (300_000 // len(piece))
    began = time.process_time()
    with suppress(InvalidCaptions):
        read(f"1\n{FIRST}\n{junk}")
    assert time.process_time() - began < 2


# --- writing --------------------------------------------------------------------------------------


def test_writing() -> None:
    segments = [
        Segment(5.0, 4.0, "ends before it starts", "Bob"),
        Segment(0.0, 1.23456, "Q&A: 1 < 2 --> 3\n\n  {\\an8}<b>&amp;</b>  \n", "Ann"),
        Segment(2.0, 3.0, "more", "Ann", (Word("more", 2.0, 3.0),)),
        Segment(3.0, 4.0, "Note: 00:01 -> 00:02\n00:01 -> 00:02", "Ann"),
        Segment(360000.0, 3600000.0004, "long\u2028line"),
        Segment(1.0, 2.0, " \n"),
        Segment(7.0, 8.0, "lone \ud800 and \0", " Bo:\nb "),
    ]
    assert srt.write(segments) == (
        "1\n00:00:00,000 --> 00:00:01,235\nAnn: Q&A: 1 < 2 --&gt; 3\n"
        "&#123;\\an8}&lt;b>&amp;amp;&lt;/b>\n"
        "\n2\n00:00:02,000 --> 00:00:03,000\nmore\n"
        "\n3\n00:00:03,000 --> 00:00:04,000\nNote: 00:01 -> 00:02\n00:01 -&gt; 00:02\n"
        "\n4\n00:00:05,000 --> 00:00:05,001\nBob: ends before it starts\n"
        "\n5\n00:00:07,000 --> 00:00:08,000\nBo b: lone ? and \ufffd\n"
        "\n6\n100:00:00,000 --> 1000:00:00,000\nlong\nline\n"
    )
    assert srt.write([]) == ""


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
NAMES = st.sampled_from(["Ann", "Bob Lee", "DR. X", "Speaker 1", "Élodie", "O'Neil"])


@st.composite
def transcripts(draw: st.DrawFn, speakers: st.SearchStrategy[str | None]) -> list[Segment]:
    segments = []
    now = 0
    for ordinal in range(draw(st.integers(1, 8))):
        now += draw(st.integers(0, 500_000_000))
        end = now + draw(st.integers(1, 100_000))
        # The ordinal keeps lines from repeating, which would be rolling captions.
        text = f"{ordinal} {draw(LINES)}\nand {draw(LINES)}"
        segments.append(Segment(now / 1000, end / 1000, text, draw(speakers)))
    return segments


@settings(max_examples=200)
@given(transcripts(st.none()) | transcripts(NAMES))
def test_what_is_written_is_read_back(segments: list[Segment]) -> None:
    written = srt.write(segments)
    assert read(written) == segments
    blocks = written.rstrip("\n").split("\n\n")
    assert [block.split("\n")[0] for block in blocks] == [
        str(counter) for counter in range(1, len(segments) + 1)
    ]
    assert all(block.count("-->") == 1 for block in blocks)


def test_text_like_a_label_does_not_change_the_speaker() -> None:
    segments = [Segment(0.0, 1.0, "Hi.", "Ann"), Segment(1.0, 2.0, "Bob: is late", "Ann")]
    assert read(srt.write(segments)) == segments
    assert read(srt.write([replace(segment, speaker=None) for segment in segments[::-1]]))
