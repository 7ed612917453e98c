"""The text of caption files: bytes to characters, cue markup to plain text, and back.

WebVTT (https://www.w3.org/TR/webvtt1/) says how markup is read. SubRip has no standard: players
show what they do not know, so with ``loose`` only what is surely markup is taken away.
"""

from __future__ import annotations

import codecs
import html
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from vidctl.formats.timing import clock

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark is the first half of it
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What nobody sees or says: white space, and the marks some captioners put in an empty cue.
_VISIBLE = re.compile("[^\\s\u200b\u200e\u200f\u2060\ufeff]")
_BREAK = re.compile("\r\n|[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # what str.splitlines splits at
# Content stops at the next "<", so that a file of nothing but "<" is read in one pass.
_MARK = re.compile(r"<+([^<>]*)(>?)|\{\\[^{}]*\}")
_TAG = re.compile(r"\s*(?:/\s*)?[A-Za-z]")
_VOICE = re.compile(r"v(?:\.[^\s.]*)*\s(.*)", re.S)
_PROSE = re.compile(r"[0-9=-]*\s+\S")
_NAME_OR_NUMBER = (
    r"&(?:#[0-9]{1,7}(?![0-9])|#[xX][0-9A-Fa-f]{1,6}(?![0-9A-Fa-f])|[A-Za-z][A-Za-z0-9]{1,31})"
)
_REFERENCE = re.compile(_NAME_OR_NUMBER + ";?")
_CLOSED_REFERENCE = re.compile(_NAME_OR_NUMBER + ";")
_MARKUP_START = re.compile(r"<(?=\s*(?:/\s*)?[A-Za-z][^<>]*>|\s*[0-9:.]+\s*>)")


class Span(NamedTuple):
    """A run of cue text: who says it, and since which inner timestamp (milliseconds)."""

    text: str
    speaker: str | None
    at: int | None


class Line(NamedTuple):
    """A line of a cue: its text, stripped, and the spans that it is made of."""

    text: str
    spans: list[Span]


def decode(data: bytes) -> str:
    """Decode a caption file: by its byte order mark, else UTF-16 or UTF-8, else Windows-1252.

    Never fails: what no encoding explains becomes U+FFFD, and so does NUL.
    """
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            text = data[len(bom) :].decode(encoding, "replace")
            break
    else:
        text = _decode_unmarked(data)
    return text.lstrip("\ufeff").replace("\0", "\ufffd")


def _decode_unmarked(data: bytes) -> str:
    sample = data[:4096]
    if sample.count(0) * 4 > len(sample):  # half of the bytes of Western UTF-16 are zero
        little = sample[1::2].count(0) >= sample[::2].count(0)
        return data.decode("utf-16-le" if little else "utf-16-be", "replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        damaged = data.decode("utf-8", "replace")
    # A few broken bytes among many good sequences are damage, not another encoding.
    broken = damaged.count("\ufffd")
    accented = len(damaged) - len(damaged.encode("ascii", "ignore")) - broken
    return damaged if accented > broken else data.decode("cp1252", "replace")


def split_lines(text: str) -> list[str]:
    """Split at CR, LF and CR LF only, as WebVTT does."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def clean_lines(text: str) -> list[str]:
    """Split text into stripped lines without those that show nothing."""
    return [line.strip() for line in text.splitlines() if _VISIBLE.search(line)]


def storable(text: str) -> str:
    """Replace what UTF-8 or a caption file cannot hold: lone surrogates and NUL."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def spans(payload: str, *, loose: bool) -> Iterator[Span]:
    """Read the markup of one cue: tags and ``{\\an8}`` go, voices and timestamps are kept apart."""
    speaker: str | None = None
    at: int | None = None
    position = 0
    for mark in _MARK.finditer(payload):
        if mark.start() > position:
            yield Span(_unescape(payload[position : mark.start()], loose), speaker, at)
        position = mark.end()
        inner = mark[1]
        if inner is None:
            continue
        name = inner.strip()
        if mark[2] and (moment := clock(name)) is not None:
            at = moment
        elif mark[2] and (voice := _VOICE.fullmatch(inner)):
            speaker = " ".join(_unescape(voice[1], loose).split()) or None
        elif mark[2] and name == "/v":
            speaker = None
        elif mark[2] and name.lower() in ("br", "br/", "br /"):
            yield Span("\n", speaker, at)
        elif text := _kept(mark, loose):
            yield Span(_unescape(text, loose), speaker, at)
    if position < len(payload):
        yield Span(_unescape(payload[position:], loose), speaker, at)


def _kept(mark: re.Match[str], loose: bool) -> str:
    """Give what stays of a "<" and what follows: all of "x < 5" and "I <3 you", nothing of a tag.

    WebVTT takes a tag that is never closed for one to the end of the cue; no words are lost here.
    """
    whole, inner, closed = mark.group(0, 1, 2)
    if loose and whole.startswith("<<"):
        return whole
    if _TAG.match(inner):
        is_text = loose and not closed
    else:
        is_text = loose or _PROSE.match(inner) is not None
    if is_text:
        return whole
    return "" if closed else "".join(inner.split(None, 1)[1:])


def _unescape(text: str, loose: bool) -> str:
    if "&" not in text:
        return text
    # html.unescape alone raises ValueError on a reference of thousands of digits.
    pattern = _CLOSED_REFERENCE if loose else _REFERENCE
    return pattern.sub(lambda match: html.unescape(match[0]), text)


def split_spans(payload: Iterable[Span]) -> list[Line]:
    """Group spans into lines, without the lines that show nothing."""
    lines: list[list[Span]] = [[]]
    for span in payload:
        if _BREAK.search(span.text):
            first, *others = _BREAK.split(span.text)
            lines[-1].append(Span(first, span.speaker, span.at))
            lines.extend([Span(text, span.speaker, span.at)] for text in others)
        else:
            lines[-1].append(span)
    return lines_of(lines)


def lines_of(spans: Iterable[list[Span]]) -> list[Line]:
    """Give the lines that show something."""
    lines = [Line("".join([span.text for span in line]).strip(), line) for line in spans]
    return [line for line in lines if _VISIBLE.search(line.text)]


def escape(text: str) -> str:
    """Escape text for a WebVTT cue or voice."""
    escaped = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("{\\", "&#123;\\")


def escape_loosely(text: str) -> str:
    """Escape for SubRip only what a reader would take for markup; "Q&A" and "1 < 2" stay."""
    escaped = _CLOSED_REFERENCE.sub(lambda match: "&amp;" + match[0][1:], text)
    escaped = _MARKUP_START.sub("&lt;", escaped)
    return escaped.replace("{\\", "&#123;\\").replace("-->", "--&gt;")
