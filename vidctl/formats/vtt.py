"""WebVTT, as https://www.w3.org/TR/webvtt1/ reads it, and a little further where people err."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from vidctl.errors import InvalidCaptions
from vidctl.formats.cues import Cue, rows, to_segments
from vidctl.formats.text import decode, escape, split_lines
from vidctl.formats.timing import clock, srt_timing, stamp, vtt_timing
from vidctl.model.segment import Segment

_SIGNATURE = re.compile(r"\s*WEBVTT(?:[ \t].*)?\s*")
_NOT_SPEECH = re.compile(r"(?:WEBVTT|NOTE|STYLE|REGION)(?:\s|$)")
_MAP = re.compile(r"\s*X-TIMESTAMP-MAP\s*=", re.I)
_LOCAL = re.compile(r"LOCAL\s*:\s*([0-9:.]+)", re.I)
_MPEGTS = re.compile(r"MPEGTS\s*:\s*([0-9]{1,10})(?![0-9])", re.I)
# MPEG-2 presentation times count 90 kHz ticks in 33 bits.
_TICKS_PER_MILLISECOND, _TICKS = 90, 2**33


def is_webvtt(text: str) -> bool:
    """Tell whether text begins with the WebVTT signature."""
    return _SIGNATURE.fullmatch(split_lines(text.lstrip()[:200])[0]) is not None


def parse(data: bytes) -> list[Segment]:
    """Read a WebVTT file; a missing signature and times in SubRip's style are forgiven.

    ``X-TIMESTAMP-MAP`` (RFC 8216, 3.5) moves cues onto the clock of the media; files joined from
    segments keep one copy of a cue that several repeat. Raises InvalidCaptions when there is no
    usable cue or the map cannot be applied.
    """
    blocks = list(_blocks(split_lines(decode(data))))
    segments = to_segments(_cues(blocks), loose=False)
    is_joined = sum(_SIGNATURE.fullmatch(block[0]) is not None for block, _ in blocks) > 1
    return list(dict.fromkeys(segments)) if is_joined else segments


def _cues(blocks: list[tuple[list[str], bool]]) -> list[Cue]:
    timings = _timings([block[0] for block, _ in blocks if "-->" in block[0]])
    cues: list[Cue] = []
    shift = 0
    is_numbered = False
    silent: Cue | None = None
    for block, is_cut in blocks:
        head, *payload = block
        if "-->" not in head:
            is_numbered = is_numbered or (not cues and is_cut and _is_number(block[-1]))
            shift = _block_shift(block, shift)
            # Tools that trim lines empty the blank line that some captioners begin a cue with.
            if silent and not is_cut and not _NOT_SPEECH.match(head):
                silent.lines = block
            silent = None
            continue
        found, silent = timings[head], None
        if found:
            if is_cut and is_numbered and payload and _is_number(payload[-1]):
                payload.pop()  # the number of the next cue, where an empty line is missing
            cues.append(Cue(*found, lines=payload, shift=shift))
            if not payload and not is_cut:
                silent = cues[-1]
    return cues


def _blocks(lines: list[str]) -> Iterator[tuple[list[str], bool]]:
    """Cut lines at empty ones and before those with an arrow; tell which an arrow has cut."""
    block: list[str] = []
    for line in lines:
        is_arrow = "-->" in line
        if block and (is_arrow or not line):
            yield block, is_arrow
            block = []
        if line:
            block.append(line)
    if block:
        yield block, False


def _is_number(line: str) -> bool:
    return line.isascii() and line.strip().isdigit()


def _timings(arrows: list[str]) -> dict[str, tuple[int, int] | None]:
    """Read the lines with an arrow, strictly; or in SubRip's way when that explains nearly all.

    A lone odd line among sound ones is damage, which browsers skip too; a file written with
    commas or without milliseconds throughout is only written by another tool.
    """
    strict = {line: vtt_timing(line) for line in arrows}
    meant = [line for line in arrows if line.lstrip()[:1].isdigit()]
    if all(strict[line] for line in meant):
        return strict
    loose = {line: strict[line] or _loose_timing(line) for line in arrows}
    explained = sum(loose[line] is not None for line in meant)
    return loose if explained * 10 >= len(meant) * 9 else strict


def _loose_timing(line: str) -> tuple[int, int] | None:
    start, end = srt_timing(line) or (0, None)
    return None if end is None else (start, end)


def _block_shift(block: list[str], shift: int) -> int:
    """Give the milliseconds to add to cue times after a block that is no cue."""
    if _SIGNATURE.fullmatch(block[0]):
        shift = 0
    for line in filter(_MAP.match, block):
        local, mpegts = _LOCAL.search(line), _MPEGTS.search(line)
        cue_time = clock(local[1]) if local else None
        if cue_time is None or not mpegts or int(mpegts[1]) >= _TICKS:
            raise InvalidCaptions(
                f"the captions are timed by a map that cannot be read: {line.strip()[:100]!r}",
                hint="remove the X-TIMESTAMP-MAP line if the cues already match the video",
            )
        shift = round(int(mpegts[1]) / _TICKS_PER_MILLISECOND) - cue_time
    return shift


def write(segments: Iterable[Segment]) -> str:
    """Write segments as WebVTT in order of start; speakers become voices, words are left out."""
    blocks = ["WEBVTT\n"]
    for row in rows(segments):
        # A name that ends in dashes would make an arrow with the end of the tag.
        voice = f"<v {escape(row.speaker)}>".replace("-->", "-- >") if row.speaker else ""
        text = "\n".join(map(escape, row.lines))
        blocks.append(f"{stamp(row.start, '.')} --> {stamp(row.end, '.')}\n{voice}{text}\n")
    return "\n".join(blocks)
