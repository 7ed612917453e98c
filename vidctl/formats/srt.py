"""SubRip subtitles. Nobody standardised them: what editors and players write and accept counts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from vidctl.formats import vtt
from vidctl.formats.cues import Cue, rows, to_segments
from vidctl.formats.text import decode, escape_loosely, split_lines
from vidctl.formats.timing import srt_timing, stamp
from vidctl.model.segment import Segment

_COUNTER = re.compile(r"[0-9]{1,9}")
_SOUND = re.compile(r"[\[(♪*].*", re.S)
_LONGEST_NAME, _MOST_NAMES = 40, 4
# Capitalised words before a colon that head a text instead of naming who speaks.
_HEADING = re.compile(
    r"(act|chapter|episode|example|important|introduction|lesson|module|note|part|remember|scene|"
    r"section|step|summary|tip|title|warning)\b",
    re.I,
)


def parse(data: bytes) -> list[Segment]:
    """Read an SRT file, or a WebVTT file under the wrong name.

    Counters, hours, milliseconds and empty lines may miss. ``Name:`` at the start of a cue names
    the speaker from there on, as podcasts write it, when the first cue has one or when names
    alternate. Raises InvalidCaptions when there is no usable cue.
    """
    text = decode(data)
    if vtt.is_webvtt(text):
        return vtt.parse(data)
    segments = to_segments(_cues(split_lines(text)), loose=True)
    return segments if any(segment.speaker for segment in segments) else _attributed(segments)


def _cues(lines: list[str]) -> list[Cue]:
    """Collect cues: from one timing line to the next, without the counter before the next."""
    timings = [(index, found) for index, line in enumerate(lines) if (found := srt_timing(line))]
    cues: list[Cue] = []
    if not timings:
        return cues
    first = _above(lines, timings[0][0], -1)
    counter = _number(lines, first)
    is_numbered = counter is not None
    ends = [index for index, _ in timings[1:]] + [len(lines)]
    for (index, (start, end)), stop in zip(timings, ends, strict=True):
        last = _above(lines, stop, index) if stop < len(lines) else index
        number = _number(lines, last) if last > index else None
        if last < stop - 1:
            is_counter = number is not None and counter is not None and number == counter + 1
        else:
            # In a file without counters a number alone at the end of a cue is speech.
            is_counter = number is not None and (is_numbered or not lines[last - 1].strip())
        # A cue that ends before it starts is given a sound end later.
        spoken = _spoken(lines[index + 1 : last if is_counter else stop], counter)
        cues.append(Cue(start, -1 if end is None else end, spoken))
        counter = number if is_counter else counter and counter + 1
    return cues


def _above(lines: list[str], index: int, floor: int) -> int:
    """Give the nearest line above ``index`` that is not empty, or ``floor``."""
    index -= 1
    while index > floor and not lines[index].strip():
        index -= 1
    return index


def _number(lines: list[str], index: int) -> int | None:
    line = lines[index].strip() if index >= 0 else ""
    return int(line) if _COUNTER.fullmatch(line) else None


def _spoken(payload: list[str], counter: int | None) -> list[str]:
    """Drop empty lines, and all from the counter of a cue that has lost its times."""
    expected = "" if counter is None else str(counter + 1)
    spoken: list[str] = []
    before = "text"
    for line in map(str.strip, payload):
        if line and not before and line == expected:
            break
        if line:
            spoken.append(line)
        before = line
    return spoken


def _label(line: str) -> tuple[str, str] | None:
    """Split ``Name: text``; None unless what stands before the colon looks like a name."""
    head, colon, rest = line.partition(":")
    name = head.lstrip("->\N{EN DASH} ").rstrip()  # captioners mark a new speaker with ">>"
    words = name.split()
    if not colon or (rest and not rest[0].isspace()) or len(name) > _LONGEST_NAME:
        return None
    if not 1 <= len(words) <= _MOST_NAMES or _HEADING.match(name):
        return None
    if not name[0].isupper() or not all(word[0].isupper() or word.isdigit() for word in words):
        return None
    return " ".join(words), rest.strip()


def _attributed(segments: list[Segment]) -> list[Segment]:
    known = _speakers(segments)
    attributed: list[Segment] = []
    speaker: str | None = None
    for segment in segments if known else ():
        turn: list[str] = []
        for line in segment.text.split("\n"):
            label = _label(line)
            if label and label[0] in known:
                attributed.extend(_turn(segment, speaker, turn))
                speaker, rest = label
                turn = [rest]
            else:
                turn.append(line)
        attributed.extend(_turn(segment, speaker, turn))
    return attributed or segments


def _speakers(segments: Sequence[Segment]) -> set[str]:
    """Give the names of speakers; none where labels do not follow the custom of transcripts."""
    labels = [_label(segment.text.split("\n", 1)[0]) for segment in segments]
    names = [label[0] for label in labels if label]
    speech = [at for at, segment in enumerate(segments) if not _SOUND.fullmatch(segment.text)]
    changes = [name for before, name in pairwise(["", *names]) if name != before]
    if (speech and labels[speech[0]]) or len(changes) > len(set(changes)):
        return set(names)
    return set()


def _turn(segment: Segment, speaker: str | None, lines: list[str]) -> Iterator[Segment]:
    text = "\n".join(filter(None, lines))
    if text:
        # Words would still hold the name, or those of another speaker.
        words = segment.words if text == segment.text else ()
        yield replace(segment, text=text, speaker=speaker, words=words)


def write(segments: Iterable[Segment]) -> str:
    """Write segments as SRT in order of start; ``Name:`` stands where the speaker changes."""
    blocks = []
    speaker: str | None = None
    for counter, row in enumerate(rows(segments), 1):
        # A tag can begin on one line and end on the next, so lines are escaped together.
        lines = [_told(line) for line in escape_loosely("\n".join(row.lines)).split("\n")]
        name = " ".join((row.speaker or "").replace(":", " ").split())
        # A text that reads like "Name: …" needs the name said again.
        if name and (name != speaker or _label(row.lines[0])):
            lines[0] = f"{escape_loosely(name)}: {lines[0]}"
        speaker = name or speaker
        times = f"{stamp(row.start, ',')} --> {stamp(row.end, ',')}"
        blocks.append("\n".join([str(counter), times, *lines, ""]))
    return "\n".join(blocks)


def _told(line: str) -> str:
    """Keep a line of speech from being read as times."""
    return line.replace(">", "&gt;") if srt_timing(line) else line
