"""Files that are no good, each broken in a way of its own; nothing here is copied from anywhere.

``corpus`` writes them into a folder. What some of them point to must never be opened.
"""

from __future__ import annotations

import os
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

from media_samples import image_bytes, make_audio, make_video, with_chapters, with_cover

Named = tuple[str, bytes]
HOURS_34 = 34 * 3600
FLIPS = 130


class Good:
    """Sound files of one second to start from, as bytes by suffix."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        options = {"movflags": "+faststart"}
        made = {
            "mp4": make_video(folder / "a.mp4", 1, options=options),
            "mov": make_video(folder / "a.mov", 1),
            "mkv": make_video(folder / "a.mkv", 1),
            "webm": make_video(folder / "a.webm", 1, picture="libvpx", audio="libopus"),
            "ts": make_video(folder / "a.ts", 1),
            "avi": make_video(folder / "a.avi", 1, audio="libmp3lame"),
            "flv": make_video(folder / "a.flv", 1),
            "mp3": make_audio(folder / "a.mp3", 1, codec="libmp3lame"),
            "m4a": make_audio(folder / "a.m4a", 1),
            "flac": make_audio(folder / "a.flac", 1, codec="flac"),
            "wav": make_audio(folder / "a.wav", 1, codec="pcm_s16le"),
            "ogg": make_audio(folder / "a.ogg", 1, codec="libopus"),
        }
        self.files = {suffix: path.read_bytes() for suffix, path in made.items()}
        self.paths = made
        self.folder = folder

    def __getitem__(self, suffix: str) -> bytes:
        return self.files[suffix]


def corpus(folder: Path, good: Good, canary: Path, address: str) -> list[Path]:
    """Write all files and return their paths; some point to ``canary`` or to a web address."""
    folder.mkdir()
    paths = []
    makers: list[Callable[[Good], Iterator[Named]]] = [
        nothing_much,
        cuts,
        flips,
        false_promises,
        too_much_inside,
        two_in_one,
        odd_tags,
    ]
    named = [each for make in makers for each in make(good)]
    for name, content in [*named, *pointers(canary, address)]:
        path = folder / name
        assert not path.exists(), name
        path.write_bytes(content)
        paths.append(path)
    return paths + not_files(folder)


# --- files with little in them ------------------------------------------------------------------


def nothing_much(good: Good) -> Iterator[Named]:
    """Yield empty files, text, pictures and noise under the names of media."""
    text = b"Dear all, here is the recording.\n"
    page = b"<!doctype html><html><body>404 Not Found</body></html>"
    rng = random.Random(57)
    for suffix in ("mp4", "mp3", "mkv", "wav", "avi"):
        yield f"empty.{suffix}", b""
        yield f"one-byte.{suffix}", b"\0"
        yield f"text.{suffix}", text * 40
        yield f"page.{suffix}", page
        yield f"zeros.{suffix}", bytes(70_000)
        yield f"ones.{suffix}", b"\xff" * 70_000
        for size in (2, 12, 300, 5_000, 60_000):
            yield f"noise-{size}.{suffix}", rng.randbytes(size)
    for form in ("JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP"):
        yield f"picture-{form}.mp4", image_bytes(form)
        yield f"picture-{form}.mp3", image_bytes(form)
    for magic in (b"ID3\4\0\0\x7f\x7f\x7f\x7f", b"OggS", b"fLaC", b"RIFF\xff\xff\xff\xffWAVE"):
        yield f"magic-{magic[:4].decode()}-alone.bin", magic
        yield f"magic-{magic[:4].decode()}-noise.bin", magic + rng.randbytes(3000)


def cuts(good: Good) -> Iterator[Named]:
    """Yield files that end early: in their header, before and after their index, at the end."""
    for number in range(1, 41):
        yield f"cut-{number:02}.mp4", good["mp4"][: len(good["mp4"]) * number // 41]
    place = good["mov"].index(b"moov") - 4
    for before in (0, 1, 4, 7, 8, 9, 100, 1000):
        yield f"cut-{before}-before-moov.mov", good["mov"][: place - before]
    for after in (4, 8, 9, 40, 200, 400):
        yield f"cut-{after}-after-moov.mov", good["mov"][: place + after]
    for suffix in ("mkv", "webm", "ts", "avi", "flv", "mp3", "m4a", "flac", "wav", "ogg"):
        for share in (1, 3, 10, 40, 80, 99):
            yield f"cut-{share}.{suffix}", good[suffix][: len(good[suffix]) * share // 100]


def flips(good: Good) -> Iterator[Named]:
    """Yield files with some bytes changed, most of them near the beginning."""
    suffixes = sorted(good.files)
    for seed in range(FLIPS):
        rng = random.Random(seed)
        suffix = suffixes[seed % len(suffixes)]
        content = bytearray(good[suffix])
        reach = 600 if seed % 2 else len(content)
        for _ in range(rng.choice((1, 3, 10, 50, 200))):
            content[rng.randrange(min(reach, len(content)))] = rng.randrange(256)
        yield f"flip-{seed:03}.{suffix}", bytes(content)


# --- headers that lie ---------------------------------------------------------------------------


def patched(content: bytes, mark: bytes, offset: int, value: bytes) -> bytes:
    """Overwrite bytes at an offset from the first ``mark``."""
    start = content.index(mark) + offset
    return content[:start] + value + content[start + len(value) :]


def false_promises(good: Good) -> Iterator[Named]:
    """Yield files whose headers claim hours, gigabytes or enormous pictures."""
    mp4 = good["mp4"]
    for seconds in (HOURS_34, 4_294_967):
        # Version 0 of mvhd: 16 bytes after its name a timescale of 1000, then the duration.
        long = patched(mp4, b"mvhd", 20, struct.pack(">I", min(seconds * 1000, 2**32 - 1)))
        yield f"mvhd-{seconds}.mp4", long
        # tkhd has the duration 24 bytes after its name, mdhd 20.
        yield f"tkhd-{seconds}.mp4", patched(long, b"tkhd", 24, b"\xff\xff\xff\xfe")
        yield f"mdhd-{seconds}.mp4", patched(long, b"mdhd", 20, b"\xff\xff\xff\xfe")
    for scale in (0, 1, 2**32 - 1):
        yield f"timescale-{scale}.mp4", patched(mp4, b"mdhd", 16, struct.pack(">I", scale))
    wav = good["wav"]
    for size in (0, 1, 2**31, 2**32 - 1):
        yield f"data-{size}.wav", patched(wav, b"data", 4, struct.pack("<I", size))
        yield f"riff-{size}.wav", patched(wav, b"RIFF", 4, struct.pack("<I", size))
    for rate in (0, 1, 2**32 - 1):
        yield f"rate-{rate}.wav", patched(wav, b"fmt ", 12, struct.pack("<I", rate))
    for channels in (0, 255, 65535):
        yield f"channels-{channels}.wav", patched(wav, b"fmt ", 10, struct.pack("<H", channels))
    # STREAMINFO: the 36 bits of the number of samples end 18 bytes after the block begins.
    flac = good["flac"]
    yield "samples.flac", patched(flac, b"fLaC", 8 + 14, b"\xff\xff\xff\xff")
    yield (
        "samples-34h.flac",
        patched(flac, b"fLaC", 22, struct.pack(">I", HOURS_34 * 48000 % 2**32)),
    )
    mkv = good["mkv"]
    for value in (1e3 * HOURS_34, 1e300, float("inf"), float("nan"), -1.0):
        yield f"duration-{value}.mkv", patched(mkv, b"\x44\x89\x88", 3, struct.pack(">d", value))
    for width, height in ((65535, 65535), (0, 0), (1, 65535), (32768, 32768), (16384, 16384)):
        size = struct.pack(">HH", width, height)
        # A visual sample entry has its size 28 bytes after its name (ISO/IEC 14496-12, 12.1.3).
        yield f"size-{width}x{height}.mp4", patched(mp4, b"avc1\0\0\0\0\0\0\0\1", 28, size)
        yield (
            f"tkhd-{width}x{height}.mp4",
            patched(mp4, b"tkhd", 80, struct.pack(">II", width << 16, height << 16)),
        )
    for table in (b"stsz", b"stts", b"stsc", b"stco"):
        place = 12 if table == b"stsz" else 8
        for count in (0, 2**31, 2**32 - 1):
            yield (
                f"{table.decode()}-{count}.mp4",
                patched(mp4, table, place, struct.pack(">I", count)),
            )


# --- too much of something ----------------------------------------------------------------------


def box(name: bytes, content: bytes) -> bytes:
    """Write an MP4 box."""
    return struct.pack(">I4s", len(content) + 8, name) + content


def element(identity: bytes, content: bytes) -> bytes:
    """Write a Matroska element with a size of eight bytes."""
    return identity + struct.pack(">Q", len(content) | 1 << 56) + content


def too_much_inside(good: Good) -> Iterator[Named]:
    """Yield files with thousands of streams, boxes in boxes, and what unpacks to gigabytes."""
    mp4 = good["mp4"]
    start = mp4.index(b"trak") - 4
    (size,) = struct.unpack(">I", mp4[start : start + 4])
    track, head = mp4[start : start + size], mp4[: mp4.index(b"moov") - 4]
    movie = mp4[mp4.index(b"mvhd") - 4 :][:108]
    for count in (300, 10_000):
        yield f"tracks-{count}.mp4", head + box(b"moov", movie + track * count)
    entry = element(b"\xae", element(b"\xd7", b"\1") + element(b"\x86", b"A_PCM/INT/LIT"))
    ebml = good["mkv"][: good["mkv"].index(b"\x18\x53\x80\x67")]
    yield (
        "tracks-10000.mkv",
        ebml + element(b"\x18\x53\x80\x67", element(b"\x16\x54\xae\x6b", entry * 10_000)),
    )
    for depth in (12, 1_000, 30_000):
        # Every box says that it reaches to the end of the file.
        yield f"boxes-{depth}.mp4", head + struct.pack(">I4s", 0, b"moov") * depth
        yield f"traks-{depth}.mp4", head + (b"\0\0\0\0moov" + b"\0\0\0\0trak" * depth)
    for depth in (20, 2_000):
        nested = b""
        for _ in range(depth):
            nested = element(b"\xa0", nested)
        yield f"groups-{depth}.mkv", ebml + element(b"\x18\x53\x80\x67", nested)
    claimed = 1 << 30
    packed = zlib.compress(bytes(1 << 24), 9) * 4
    data = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", claimed) + packed)
    yield "bomb.mov", head + box(b"moov", box(b"cmov", data)) + mp4[-1000:]
    yield "many-boxes.mp4", head + box(b"free", b"") * 100_000


def two_in_one(good: Good) -> Iterator[Named]:
    """Yield files that are two things at once."""
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("a.mp4", good["mp4"])
    packed = archive.getvalue()
    for suffix in ("mp4", "mp3", "mkv", "flac"):
        yield f"then-zip.{suffix}", good[suffix] + packed
        yield f"zip-then.{suffix}", packed + good[suffix]
        yield f"gif-then.{suffix}", image_bytes("GIF") + good[suffix]
        yield f"jpeg-then.{suffix}", image_bytes("JPEG") + good[suffix]
        yield f"pdf-then.{suffix}", b"%PDF-1.7\n" + good[suffix]
        yield f"script-then.{suffix}", b"#!/bin/sh\necho hello\nexit\n" + good[suffix]
    yield "mp4-then.mkv", good["mp4"] + good["mkv"]
    yield "mkv-then.mp4", good["mkv"] + good["mp4"]
    yield "twice.mp3", good["mp3"] * 2
    yield "flac-in-id3.mp3", b"ID3\4\0\0\0\0\0\0" + good["flac"]


# --- tags ---------------------------------------------------------------------------------------


def id3(*frames: tuple[bytes, bytes]) -> bytes:
    """Write an ID3v2.3 tag."""
    body = b"".join(name + struct.pack(">I", len(text)) + b"\0\0" + text for name, text in frames)
    return b"ID3\3\0\0" + bytes(len(body) >> shift & 127 for shift in (21, 14, 7, 0)) + body


def odd_tags(good: Good) -> Iterator[Named]:
    """Yield files whose tags are no text, endless, or too many."""
    sound = good["mp3"]
    for encoding in range(6):
        bad = bytes([encoding]) + b"\xff\xfe\xd8\x00caf\xe9\xc3\x28\0\x1b[31m"
        names = (b"TIT2", b"TALB", b"TDRC", b"TRCK", b"COMM", b"USLT", b"TDES", b"WFED")
        yield f"text-{encoding}.mp3", id3(*((name, bad) for name in names)) + sound
    yield "tag-1mb.mp3", id3((b"TIT2", b"\0" + b"x" * 1_000_000)) + sound
    yield (
        "tags-5000.mp3",
        id3(*[(b"TXXX", b"\0k%d\0v" % number) for number in range(5_000)]) + sound,
    )
    yield "frame-too-big.mp3", b"ID3\3\0\0\0\0\1\0WFED\x7f\xff\xff\xff\0\0http://" + sound
    yield "tag-in-tag.mp3", id3((b"TIT2", id3((b"TIT2", b"\0x")))) * 50 + sound
    for kind, picture in (("PNG", image_bytes("PNG")), ("junk", b"\x89PNG\r\n\x1a\n" + b"x" * 90)):
        path = with_cover(good.paths["mp3"], good.folder / "cover.mp3", picture, "image/png")
        yield f"cover-{kind}.mp3", path.read_bytes()
    # A PNG that says it is 60,000 pixels wide and high.
    huge = patched(image_bytes("PNG"), b"IHDR", 4, struct.pack(">II", 60_000, 60_000))
    path = with_cover(good.paths["mp3"], good.folder / "cover.mp3", huge, "image/png")
    yield "cover-huge.mp3", path.read_bytes()
    marked = make_video(good.folder / "t.mkv", 1, tags={"title": "Kingfisher"}).read_bytes()
    yield "title.mkv", marked.replace(b"Kingfisher", b"King\xff\xfe\xc3(er")
    named = with_chapters(good.paths["mkv"], good.folder / "c.mkv", ["Kingfisher", "Heron"])
    yield "chapter-title.mkv", named.read_bytes().replace(b"Kingfisher", b"King\xff\xfe\xc3(er")
    named = with_chapters(good.paths["mp3"], good.folder / "c.mp3", ["Kingfisher", "Heron"])
    broken = named.read_bytes()
    yield "chapter-times.mp3", patched(broken, b"CHAP", 14, b"\xff\xff\xff\xff\0\0\0\0")
    yield "chapter-text.mp3", broken.replace(b"Kingfisher", b"King\xff\xfe\xc3(er")


# --- what would lead elsewhere ------------------------------------------------------------------


def pointers(canary: Path, address: str) -> Iterator[Named]:
    """Yield playlists and containers that name another file or a web address."""
    for target in (str(canary), f"file://{canary}", f"{address}/a.mp4", canary.name):
        mark = zlib.crc32(target.encode())
        lists = {
            "m3u8": f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{target}\n#EXT-X-ENDLIST\n",
            "m3u": f"#EXTM3U\n{target}\n",
            "ffconcat": f"ffconcat version 1.0\nfile '{target}'\n",
            "concat": f"file '{target}'\n",
            "pls": f"[playlist]\nFile1={target}\nNumberOfEntries=1\n",
            "asx": f"<asx version='3.0'><entry><ref href='{target}'/></entry></asx>",
            "smil": f"<smil><body><video src='{target}'/></body></smil>",
            "xspf": f"<playlist xmlns='http://xspf.org/ns/0/'><location>{target}</location>"
            "</playlist>",
            "mpd": f"<MPD xmlns='urn:mpeg:dash:schema:mpd:2011'><BaseURL>{target}</BaseURL></MPD>",
            "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nu={target}\nm=audio 9 RTP/AVP 0\n",
            "rtsptext": f"rtsptextRTSP://{target}\r\n",
        }
        for kind, text in lists.items():
            suffix = ("mp4", "mp3", "mkv")[len(kind) % 3]
            yield f"list-{kind}-{mark}.{suffix}", text.encode()
        playlist = lists["m3u8"].encode()
        yield f"subtitles-{mark}.avi", avi_with_subtitles(playlist)
        yield f"in-id3-{mark}.mp3", b"ID3\4\0\0\0\0\0\0" + playlist
        yield f"reference-{mark}.mov", mov_elsewhere(target)


def avi_with_subtitles(text: bytes) -> bytes:
    """Write an AVI whose subtitle track (GAB2) is a text; old players looked into that."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)

    def header(kind: bytes, codec: bytes) -> bytes:
        return chunk(
            b"strh", kind + codec + struct.pack("<10I", 0, 0, 0, 1, 1, 0, 9, 0, 0, 0) + bytes(8)
        )

    picture = image_bytes("JPEG")
    form = struct.pack("<IiiHH4sIiiII", 40, 64, 48, 1, 24, b"MJPG", 9216, 0, 0, 0, 0)
    streams = chunk(b"LIST", b"strl" + header(b"vids", b"MJPG") + chunk(b"strf", form))
    streams += chunk(b"LIST", b"strl" + header(b"txts", bytes(4)) + chunk(b"strf", b""))
    main = chunk(b"avih", struct.pack("<14I", 40_000, 0, 0, 16, 1, 0, 2, 0, 64, 48, 0, 0, 0, 0))
    note = "x\0".encode("utf-16-le")
    inner = b"GAB2\0\2\0" + struct.pack("<I", len(note)) + note
    inner += b"\4\0" + struct.pack("<I", len(text)) + text
    movie = chunk(b"01tx", inner) + chunk(b"00dc", picture) + chunk(b"00dc", picture)
    return chunk(
        b"RIFF",
        b"AVI " + chunk(b"LIST", b"hdrl" + main + streams) + chunk(b"LIST", b"movi" + movie),
    )


def mov_elsewhere(target: str) -> bytes:
    """Write a QuickTime file whose samples are said to be in another file (dref)."""
    full = struct.pack(">I", 0)
    name = target.encode()
    alias = full + bytes(150) + struct.pack(">HH", 2, len(name)) + name
    alias += struct.pack(">HH", 18, len(name)) + name + b"\xff\xff\0\0"
    references = full + struct.pack(">I", 2) + box(b"alis", alias) + box(b"url ", full + name)
    entry = box(
        b"sowt", bytes(7) + b"\1" + bytes(8) + struct.pack(">HHHHI", 1, 16, 0, 0, 48000 << 16)
    )
    table = box(b"stsd", full + struct.pack(">I", 1) + entry)
    table += box(b"stts", full + struct.pack(">III", 1, 100, 1))
    table += box(b"stsc", full + struct.pack(">IIII", 1, 1, 100, 1))
    table += box(b"stsz", full + struct.pack(">II", 2, 100))
    table += box(b"stco", full + struct.pack(">II", 1, 0))
    media = box(b"mdhd", full + bytes(8) + struct.pack(">III", 48000, 100, 0))
    media += box(b"hdlr", full + b"mhlrsoun" + bytes(13))
    media += box(
        b"minf",
        box(b"smhd", bytes(8)) + box(b"dinf", box(b"dref", references)) + box(b"stbl", table),
    )
    head = box(b"mvhd", full + bytes(8) + struct.pack(">II", 1000, 100) + bytes(80))
    track = box(b"tkhd", full + bytes(8) + struct.pack(">III", 1, 0, 100) + bytes(60))
    movie = box(b"moov", head + box(b"trak", track + box(b"mdia", media)))
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + movie + box(b"mdat", bytes(200))


# --- names that are not files -------------------------------------------------------------------


def not_files(folder: Path) -> list[Path]:
    """Make what stands where a file is expected, and return all the paths."""
    loop, other, pipe, inner = (
        folder / name for name in ("loop.mp4", "loop2.mp4", "pipe.mp4", "dir.mp4")
    )
    loop.symlink_to(other)
    other.symlink_to(loop)
    os.mkfifo(pipe)
    inner.mkdir()
    (folder / "gone.mp4").symlink_to(folder / "nowhere")
    (folder / "self.mp4").symlink_to(folder)
    return [
        *(
            loop,
            other,
            pipe,
            inner,
            folder / "gone.mp4",
            folder / "self.mp4",
            folder / "missing.mp4",
        ),
        *(Path("/dev/null"), Path("/dev/zero"), Path("/dev/stdin"), Path("/dev/fd/0")),
        *(Path("/proc/self/mem"), Path("/proc/self/environ"), Path("/")),
        *(folder / "dir.mp4" / "a.mp4", folder / ("x" * 300), folder / "nul\0.mp4"),
    ]
