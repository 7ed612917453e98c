"""Files that are whole outside and hostile inside: covers, chapters, tags, clocks and shapes.

Each is small; what it claims, unpacks to or repeats is not.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from malformed_files import Good, Named, box, element, patched
from media_samples import image_bytes, make_video, with_cover

MOST = b"\x7f\x7f\x7f\x7f"
SEGMENT = b"\x18\x53\x80\x67"
UNKNOWN_SIZE = b"\x01\xff\xff\xff\xff\xff\xff\xff"


def inside(folder: Path, good: Good) -> list[Path]:
    """Write all files and return their paths."""
    folder.mkdir()
    for make in (boxes, tags, covers, chapters, clocks, circles):
        for name, content in make(good):
            (folder / name).write_bytes(content)
    for aspect in (Fraction(65535, 1), Fraction(1, 65535)):
        for turn in (0, 90):
            shape = f"{aspect.numerator}-{aspect.denominator}-{turn}"
            make_video(folder / f"aspect-{shape}.mp4", 0.5, aspect=aspect, rotation=turn)
    make_video(folder / "thousand.mkv", 0.2, fps=1000)
    return sorted(folder.iterdir())


def boxes(good: Good) -> Iterator[Named]:
    """Yield an MP4 cut in the middle of each of its boxes, and without each of them."""
    content = good["mp4"]
    for number, (place, size, kind) in enumerate(_boxes(content, 0, len(content))):
        yield f"cut-in-{number:02}-{kind.decode()}.mp4", content[: place + size // 2]
        if kind != b"mdat":
            hidden = content[: place + 4] + b"free" + content[place + 8 :]
            yield f"without-{number:02}-{kind.decode()}.mp4", hidden


def _boxes(content: bytes, start: int, end: int) -> Iterator[tuple[int, int, bytes]]:
    while start + 8 <= end:
        size, kind = struct.unpack(">I4s", content[start : start + 8])
        yield start, size, kind
        if kind in (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"udta"):
            yield from _boxes(content, start + 8, start + size)
        start += size


def seven(number: int) -> bytes:
    """Write a size as ID3 does, seven bits to a byte."""
    return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))


def tags(good: Good) -> Iterator[Named]:
    """Yield tags that claim 256 MB, unpack to 60 MB, or come twenty thousand times."""
    sound = good["mp3"]
    yield "tag-claims.mp3", b"ID3\4\0\0" + MOST + sound
    picture = b"APIC" + MOST + b"\0\0\0image/png\0\3\0"
    yield "picture-claims.mp3", b"ID3\4\0\0" + seven(4000) + picture + sound
    packed = zlib.compress(bytes(60_000_000), 9)
    frame = b"TXXX" + seven(len(packed) + 4) + b"\0\x0d" + seven(60_000_000) + packed
    yield "tag-unpacks.mp3", b"ID3\4\0\0" + seven(len(frame)) + frame + sound
    yield "tags-20000.mp3", (b"ID3\4\0\0" + seven(0)) * 20_000 + sound
    flac = good["flac"]
    claim = b"\x06\xff\xff\xff" + struct.pack(">I", 3) + b"\xff" * 64
    yield "picture-claims.flac", flac[:4] + claim + flac[4:]
    movie = good["mp4"][good["mp4"].index(b"mvhd") - 4 :][:108]
    name = box(b"\xa9nam", box(b"data", bytes(8) + b"x" * 8)) * 50_000
    listed = box(b"udta", box(b"meta", bytes(4) + box(b"ilst", name)))
    head = good["mp4"][: good["mp4"].index(b"moov") - 4]
    yield "names-50000.mp4", head + box(b"moov", movie + listed)


def covers(good: Good) -> Iterator[Named]:
    """Yield sound whose covers are tiny files and enormous pictures."""

    def covered(picture: bytes, mime: str = "image/png") -> bytes:
        path = with_cover(good.paths["mp3"], good.folder / "covered.mp3", picture, mime)
        return path.read_bytes()

    for width, height in ((30_000, 30_000), (50_000_000, 1), (1, 50_000_000)):
        yield f"cover-{width}x{height}.mp3", covered(one_bit_png(width, height))
    packed = b"k\0\0" + zlib.compress(bytes(100_000_000), 9)
    text = one_bit_png(8, 8, png_chunk(b"zTXt", packed) + png_chunk(b"iCCP", packed))
    yield "cover-text-unpacks.mp3", covered(text)
    photo = image_bytes("JPEG")
    for side in (7_000, 65_000):
        size = struct.pack(">HH", side, side)
        yield f"cover-{side}.mp3", covered(patched(photo, b"\xff\xc0", 5, size), "image/jpeg")


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Write a chunk of a PNG."""
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def one_bit_png(width: int, height: int, more: bytes = b"") -> bytes:
    """Write a PNG that is black, with one bit to a pixel: a bomb of few bytes."""
    packer = zlib.compressobj(9)
    step = min(height, 10_000)
    rows = bytes(step * (1 + (width + 7) // 8)) if width * step < 1 << 28 else b""
    pixels = b"".join(packer.compress(rows) for _ in range(height // step)) + packer.flush()
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + more + png_chunk(b"IDAT", pixels) + png_chunk(b"IEND", b"")


def chapters(good: Good) -> Iterator[Named]:
    """Yield files with tens of thousands of chapters."""

    def frame(number: int) -> bytes:
        body = b"c%d\0" % number + struct.pack(">IIII", number, number + 1, 2**32 - 1, 2**32 - 1)
        return b"CHAP" + struct.pack(">I", len(body)) + b"\0\0" + body

    frames = b"".join(map(frame, range(30_000)))
    yield "chapters.mp3", b"ID3\3\0\0" + seven(len(frames)) + frames + good["mp3"]
    atoms = b"".join(
        element(
            b"\xb6",
            element(b"\x73\xc4", struct.pack(">I", number + 1))
            + element(b"\x91", struct.pack(">Q", number * 1000))
            + element(b"\x92", struct.pack(">Q", number * 1000 + 900)),
        )
        for number in range(30_000)
    )
    yield (
        "chapters.mkv",
        _in_segment(good, element(b"\x10\x43\xa7\x70", element(b"\x45\xb9", atoms))),
    )


def _in_segment(good: Good, content: bytes) -> bytes:
    """Put something first into a Matroska file's segment, which no longer says how long it is."""
    start = good["mkv"].index(SEGMENT)
    return good["mkv"][:start] + SEGMENT + UNKNOWN_SIZE + content + good["mkv"][start + 12 :]


def clocks(good: Good) -> Iterator[Named]:
    """Yield files whose time stands still, runs backwards or takes 34 hours."""
    mp4, avi, mkv = good["mp4"], good["avi"], good["mkv"]
    for step in (0, 1, 2**31 - 1, 2**31, 2**32 - 1):
        yield f"step-{step}.mp4", patched(mp4, b"stts", 16, struct.pack(">I", step))
    for length in (-1, -(2**31)):
        yield f"length{length}.mp4", patched(mp4, b"mvhd", 20, struct.pack(">i", length))
    for start in (-1, -(2**31), 2**31 - 1):
        yield f"edit-{start}.mp4", patched(mp4, b"elst", 16, struct.pack(">i", start))
    yield "edits.mp4", patched(mp4, b"elst", 8, struct.pack(">I", 2**32 - 1))
    # strh has its scale and rate 28 bytes after its name.
    yield "no-rate.avi", patched(avi, b"strh", 28, bytes(8))
    yield "fast.avi", patched(avi, b"strh", 28, struct.pack("<II", 1, 2**32 - 1))
    scale = b"\x2a\xd7\xb1\x83"
    for value in (b"\0\0\0", b"\xff\xff\xff"):
        yield f"scale-{value[0]}.mkv", patched(mkv, scale, 4, value)
    hours = struct.pack(">I", 34 * 3_600_000)
    yield "hours.mp4", patched(patched(mp4, b"mvhd", 20, hours), b"tkhd", 24, hours)


def circles(good: Good) -> Iterator[Named]:
    """Yield files that lead back to where they began."""
    seek = element(b"\x53\xab", b"\x11\x4d\x9b\x74") + element(b"\x53\xac", struct.pack(">Q", 0))
    head = element(b"\x11\x4d\x9b\x74", element(b"\x4d\xbb", seek))
    yield "seek-to-itself.mkv", _in_segment(good, head * 50)
    yield "heads.mkv", element(b"\x1a\x45\xdf\xa3", b"\x42\x82\x88matroska") * 5000
    avi, wav, ogg = good["avi"], good["wav"], good["ogg"]
    yield "lists.avi", avi[:12] + b"LIST\4\0\0\0hdrl" * 30_000 + avi[12:]
    yield "lists.wav", wav[:12] + b"LIST\4\0\0\0INFO" * 50_000 + wav[12:]
    yield "tables.ts", good["ts"][:376] * 2000
    streams = (ogg[:14] + struct.pack("<I", number) + ogg[18:47] for number in range(10_000))
    yield "streams.ogg", b"".join(streams)
