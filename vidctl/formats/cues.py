"""Timed cues, whatever file they stand in, to segments; and segments to rows for a writer.

Times are whole milliseconds here: that is what caption files hold, and it keeps rounding out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple
from unicodedata import east_asian_width

from vidctl.errors import InvalidCaptions
from vidctl.formats.text import Line, Span, clean_lines, lines_of, spans, split_spans, storable
from vidctl.model.segment import Segment, Word

# Rolling captions show a window of two or three lines; a longer repeat is not rolling.
_WINDOW = 8
# Windows that follow each other within this time can be the same window, moved on.
_TOUCHING = 1000
# Reading time of a cue whose end is unusable: 60 ms a character, within what lint allows a cue.
_SHORTEST, _PER_CHARACTER, _LONGEST = 1000, 60, 7000


@dataclass(slots=True)
class Cue:
    """A cue as a file states it; ``shift`` moves it, and its inner timestamps, onto the media."""

    start: int
    end: int
    lines: list[str] = field(default_factory=list)
    shift: int = 0


class Row(NamedTuple):
    """What a writer writes: a cue with sound times and at least one line."""

    start: int
    end: int
    speaker: str | None
    lines: list[str]


@dataclass(slots=True)
class _Shown:
    """A cue read: lines that show something, with spans only where voices or times are told."""

    start: int
    end: int
    lines: list[Line]
    is_voiced: bool
    is_timed: bool


def to_segments(cues: Iterable[Cue], *, loose: bool) -> list[Segment]:
    """Turn cues into segments in order of start, each with text and with end after start.

    Repeats of rolling captions are removed, inner timestamps become words, voices become
    speakers; a cue of several voices becomes several segments with the same times. ``loose`` is
    SubRip's way with markup. Raises InvalidCaptions when nothing is left.
    """
    shown = [_read(cue, loose) for cue in cues if cue.shift >= 0 or cue.end + cue.shift > 0]
    shown = sorted((cue for cue in shown if cue.lines), key=lambda cue: cue.start)
    _repair_ends(shown)
    if _is_rolling(shown):
        shown = _unrolled(shown)
    segments = [segment for cue in shown for segment in _voices(cue)]
    if not segments:
        raise InvalidCaptions(
            hint="a cue is a line 00:00:01.000 --> 00:00:04.000 and the spoken text below it"
        )
    return segments


def _read(cue: Cue, loose: bool) -> _Shown:
    read = list(spans("\n".join(cue.lines), loose=loose))
    is_voiced = any(span.speaker for span in read)
    is_timed = any(span.at is not None for span in read)
    if cue.shift and is_timed:
        read = [_shifted(span, cue.shift) for span in read]
    if is_voiced or is_timed:
        lines = split_spans(read)
    else:
        lines = [Line(line, []) for line in clean_lines("".join([span.text for span in read]))]
    return _Shown(max(0, cue.start + cue.shift), cue.end + cue.shift, lines, is_voiced, is_timed)


def _shifted(span: Span, shift: int) -> Span:
    return span if span.at is None else span._replace(at=span.at + shift)


def _repair_ends(shown: Sequence[_Shown]) -> None:
    """Give a cue that ends before it starts its reading time, or the time to the next cue."""
    following: int | None = None
    upcoming: int | None = None
    for cue in reversed(shown):
        if upcoming is not None and upcoming > cue.start:
            following = upcoming
        upcoming = cue.start
        if cue.end <= cue.start:
            characters = sum(len(line.text) for line in cue.lines)
            length = min(max(_SHORTEST, _PER_CHARACTER * characters), _LONGEST)
            cue.end = cue.start + length
            if following is not None:
                cue.end = min(cue.end, following)


def _repeats(shown: Sequence[_Shown]) -> Iterator[tuple[_Shown, int]]:
    """Yield each cue with the number of its first lines that were in view already."""
    view: list[str] = []
    end = 0
    for cue in shown:
        top = [" ".join(line.text.split()) for line in cue.lines[:_WINDOW]]
        size = min(len(view), len(top)) if cue.start <= end + _TOUCHING else 0
        while size and view[-size:] != top[:size]:
            size -= 1
        yield cue, size
        view = [" ".join(line.text.split()) for line in cue.lines[-_WINDOW:]]
        end = cue.end


def _is_rolling(shown: Sequence[_Shown]) -> bool:
    """Tell whether lines roll: many cues begin with the last lines of the cue before.

    In other captions a repeated line is speech ("No." "No."), so one repeat proves nothing.
    """
    found = [(size, len(cue.lines)) for cue, size in _repeats(shown)]
    repeats = sum(size > 0 for size, _ in found)
    rolls = sum(0 < size < lines for size, lines in found)
    is_timed = any(cue.is_timed for cue in shown)
    return rolls > 0 and (is_timed or repeats > 1) and repeats * 3 >= len(found) - 1


def _unrolled(shown: Sequence[_Shown]) -> list[_Shown]:
    fresh: list[_Shown] = []
    for cue, repeated in _repeats(shown):
        if repeated < len(cue.lines):
            fresh.append(replace(cue, lines=cue.lines[repeated:]))
        elif fresh:
            # The window stands still while the last word is spoken.
            fresh[-1].end = max(fresh[-1].end, cue.end)
    return fresh


def _voices(cue: _Shown) -> Iterator[Segment]:
    heard = [span for line in cue.lines for span in line.spans]
    speakers = {span.speaker for span in heard if span.speaker and span.text.strip()}
    if len(speakers) <= 1:
        yield _segment(cue, next(iter(speakers), None), cue.lines)
        return
    runs: list[tuple[str | None, list[list[Span]]]] = []
    for line in cue.lines:
        begun = False
        for span in line.spans:
            if not runs or (span.speaker != runs[-1][0] and span.text.strip()):
                runs.append((span.speaker, [[]]))
            elif not begun:
                runs[-1][1].append([])
            begun = True
            runs[-1][1][-1].append(span)
    for speaker, turn in runs:
        yield _segment(cue, speaker, lines_of(turn))


def _segment(cue: _Shown, speaker: str | None, lines: list[Line]) -> Segment:
    text = "\n".join(line.text for line in lines)
    words = _words(cue, lines) if cue.is_timed else ()
    return Segment(cue.start / 1000, cue.end / 1000, text, speaker, words)


def _words(cue: _Shown, lines: list[Line]) -> tuple[Word, ...]:
    """Time words by the inner timestamps; words between two of these share the time by length."""
    if all(span.at is None for line in lines for span in line.spans):
        return ()
    groups: list[tuple[int, list[str]]] = [(cue.start, [])]
    for line in lines:
        for span in line.spans:
            # WebVTT ignores a timestamp that is outside of the cue or goes back.
            if span.at is not None and groups[-1][0] < span.at <= cue.end:
                groups.append((span.at, []))
            groups[-1][1].append(span.text)
        groups[-1][1].append("\n")
    ends = [start for start, _ in groups[1:]] + [cue.end]
    words: list[tuple[list[str], int, int]] = []
    before = " "
    for (start, parts), end in zip(groups, ends, strict=True):
        text = "".join(parts)
        timed = _spread(text.split(), start, end)
        if timed and words and _is_within_word(before, text[0]):
            words[-1] = (words[-1][0], words[-1][1], timed[0][2])
            words[-1][0].extend(timed.pop(0)[0])
        words.extend(timed)
        before = text[-1:] or before
    return tuple(Word("".join(parts), start / 1000, end / 1000) for parts, start, end in words)


def _spread(tokens: list[str], start: int, end: int) -> list[tuple[list[str], int, int]]:
    total = sum(map(len, tokens))
    timed = []
    passed = 0
    for token in tokens:
        begin = start + (end - start) * passed // total
        passed += len(token)
        timed.append(([token], begin, start + (end - start) * passed // total))
    return timed


def _is_within_word(left: str, right: str) -> bool:
    """Tell whether a timestamp between two characters cuts a word, as in sung syllables."""
    spaced = left.isspace() or right.isspace()
    return not spaced and not {east_asian_width(left), east_asian_width(right)} & {"W", "F"}


def rows(segments: Iterable[Segment]) -> list[Row]:
    """Give what to write in order of start: end after start, no empty line, nothing empty."""
    written = []
    for segment in segments:
        lines = clean_lines(storable(segment.text))
        if lines:
            start = max(0, round(segment.start * 1000))
            speaker = " ".join(storable(segment.speaker or "").split()) or None
            written.append(Row(start, max(start + 1, round(segment.end * 1000)), speaker, lines))
    return sorted(written, key=lambda row: row.start)
