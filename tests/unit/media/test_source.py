"""What may be opened as media, and what is said about everything else."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import pytest
from media_samples import cut, image_bytes, make_subtitles, make_video

from vidctl.errors import InvalidMedia, NotFound, PermissionRefused, TruncatedMedia, VidctlError
from vidctl.media import source
from vidctl.media.audio import audio_blocks, decode_audio
from vidctl.media.probe import probe
from vidctl.media.source import open_media, packets
from vidctl.media.thumbnail import thumbnail

Sample = Callable[[str], Path]

PICTURE = "this is a picture ({}), not audio or video"
PLAYLIST = "this is a playlist: it only names other files, which vidctl does not follow"
TEXT = "this is text, not audio or video"
DAMAGED = "the file is damaged or incomplete: nothing in it can be played"
OTHER = "this is not audio or video that vidctl can read"
NO_INDEX = "the file is incomplete: its index is missing, so nothing in it can be played"
CONCAT = "ffconcat version 1.0\nfile '{}'\n"
M3U8 = "#EXTM3U\n#EXT-X-TARGETDURATION:8\n#EXTINF:8,\n{}\n#EXT-X-ENDLIST\n"
HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(100)

CONTENTS: list[tuple[str, bytes, type[VidctlError], str]] = [
    ("empty", b"", InvalidMedia, "the file is empty (0 bytes)"),
    ("one byte", b"\0", InvalidMedia, OTHER),
    ("text", b"Dear diary,\ntoday I filmed a talk.\n", InvalidMedia, TEXT),
    ("Chinese text", "今天我录了一个讲座。".encode() * 700, InvalidMedia, TEXT),
    ("Latin-1 text", "Gestern hörte ich Vögel.".encode("latin-1") * 9, InvalidMedia, TEXT),
    ("captions", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n", InvalidMedia, TEXT),
    ("playlist", M3U8.format("good.mp4").encode(), InvalidMedia, PLAYLIST),
    ("remote list", M3U8.format("http://127.0.0.1:9/a.ts").encode(), InvalidMedia, PLAYLIST),
    ("concat", CONCAT.format("good.mp4").encode(), InvalidMedia, PLAYLIST),
    ("dash", b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash"/>', InvalidMedia, PLAYLIST),
    ("jpeg", image_bytes("JPEG"), InvalidMedia, PICTURE.format("JPEG")),
    ("png", image_bytes("PNG"), InvalidMedia, PICTURE.format("PNG")),
    ("gif", image_bytes("GIF"), InvalidMedia, PICTURE.format("GIF")),
    ("webp", image_bytes("WEBP"), InvalidMedia, PICTURE.format("WebP")),
    ("bmp", image_bytes("BMP"), InvalidMedia, PICTURE.format("BMP")),
    ("tiff", image_bytes("TIFF"), InvalidMedia, PICTURE.format("TIFF")),
    ("heic", HEIC, InvalidMedia, PICTURE.format("HEIC")),
    ("pdf", b"%PDF-1.7\n\0\1\2", InvalidMedia, "this is a PDF document, not audio or video"),
    ("zip", b"PK\3\4" + bytes(60), InvalidMedia, "this is a ZIP archive, not audio or video"),
    (
        "gzip",
        gzip.compress(b"x"),
        InvalidMedia,
        "this is a compressed archive, not audio or video",
    ),
    (
        "web page",
        b"\n<!DOCTYPE html><html><body>Sign in</body></html>",
        InvalidMedia,
        "this is a web page, not a video: the download was probably refused",
    ),
    ("random", random.Random(7).randbytes(50_000), InvalidMedia, OTHER),
    ("zeros", bytes(50_000), InvalidMedia, OTHER),
    ("broken mkv", b"\x1aE\xdf\xa3" + bytes(500), InvalidMedia, DAMAGED),
    ("broken riff", b"RIFF\1\2\3\4WAVEfmt " + bytes(50), InvalidMedia, DAMAGED),
    ("only ftyp", b"\0\0\0\x18ftypisom\0\0\2\0isommp41", TruncatedMedia, NO_INDEX),
    ("atom of size 0", b"\0\0\0\0mdat" + bytes(90), TruncatedMedia, NO_INDEX),
]

OPENERS: dict[str, Callable[[Path], object]] = {
    "probe": probe,
    "thumbnail": lambda path: thumbnail(path, path.parent / "thumbnail.jpg"),
    "decode_audio": decode_audio,
    "audio_blocks": lambda path: list(audio_blocks(path)),
}


@pytest.mark.parametrize("suffix", [".mp4", ".mp3"])
@pytest.mark.parametrize(
    ("content", "error", "message"), [row[1:] for row in CONTENTS], ids=[row[0] for row in CONTENTS]
)
def test_what_is_not_media_is_refused_in_plain_words(
    content: bytes,
    error: type[VidctlError],
    message: str,
    suffix: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / f"talk{suffix}"
    path.write_bytes(content)
    for opener in OPENERS.values():
        with pytest.raises(error) as caught:
            opener(path)
        assert (type(caught.value), caught.value.message) == (error, message)
        assert caught.value.item == str(path)
    assert capfd.readouterr() == ("", "")
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("opener", OPENERS.values(), ids=OPENERS)
def test_what_is_not_a_readable_file(opener: Callable[[Path], object], tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    os.mkfifo(tmp_path / "pipe.mp4")
    table: list[tuple[Path, type[VidctlError], str]] = [
        (tmp_path / "none.mp4", NotFound, "there is no such file"),
        (tmp_path / "file" / "none.mp4", NotFound, "there is no such file"),
        (Path("a\0b.mp4"), NotFound, "there is no such file"),
        (tmp_path, InvalidMedia, "this is a folder, not a media file"),
        (tmp_path / "pipe.mp4", InvalidMedia, "this is not a regular file"),
        (
            Path("https://example.org/talk.mp4"),
            NotFound,
            "this is a web address, not a file on this machine",
        ),
    ]
    for path, error, message in table:
        with pytest.raises(VidctlError) as caught:
            opener(path)
        assert (type(caught.value), caught.value.message) == (error, message)


def test_a_file_that_may_not_be_read(
    sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = sample("mp4")
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(PermissionRefused, match=r"^you may not read this file$"):
        probe(path)


def test_an_index_that_is_cut_or_behind_the_cut(tmp_path: Path) -> None:
    path = make_video(tmp_path / "whole.mp4")
    for share in (0.5, 0.99):
        with pytest.raises(TruncatedMedia) as caught:
            probe(cut(path, tmp_path / "cut.mp4", share))
        assert caught.value.message == NO_INDEX


def test_neither_sound_nor_picture(tmp_path: Path) -> None:
    path = make_subtitles(tmp_path / "talk.mkv")
    with pytest.raises(InvalidMedia, match=r"^the file holds no sound and no picture$"):
        probe(path)
    with pytest.raises(InvalidMedia, match=r"^the file has no sound$"):
        decode_audio(path)
    assert thumbnail(path, tmp_path / "t.jpg") is None


@pytest.mark.parametrize(
    "name",
    [
        "-i.mp4",
        "--.mp4",
        "a:b.mp4",
        "concat:good.mp4|good.mp4",
        "file:good.mp4",
        "talk%03d.mp4",
        "talk*.mp4",
        "new\nline.mp4",
        "鳥 🐦.mp4",
        os.fsdecode(b"\xff\xfe.mp4"),
    ],
)
def test_any_file_name_is_a_plain_file(
    name: str, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_bytes(sample("mp4").read_bytes())
    monkeypatch.chdir(tmp_path)
    assert probe(Path(name)).duration == 8.0
    assert len(decode_audio(Path(name), start=1, end=2)) == 16000
    assert thumbnail(Path(name), Path("-o.jpg")) is not None


@pytest.fixture
def requests() -> Iterator[tuple[str, list[str]]]:
    """A web server on this machine that remembers what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_file_reaches_neither_its_neighbours_nor_the_network(
    sample: Sample,
    requests: tuple[str, list[str]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second line of defence: the same files when nobody looked at their first bytes."""
    monkeypatch.setattr(source, "refusal_of_head", lambda head, path: None)
    url, asked = requests
    (tmp_path / "good.mp4").write_bytes(sample("mp4").read_bytes())
    playlists: list[str | bytes] = [
        CONCAT.format("good.mp4"),
        CONCAT.format(url + "/a.mp4"),
        M3U8.format("good.mp4"),
        M3U8.format(url + "/a.ts"),
        f'<?xml version="1.0"?><MPD><BaseURL>{url}/</BaseURL></MPD>',
        "v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=x\r\nm=video 9 RTP/AVP 96\r\n",
        image_bytes("JPEG"),
        image_bytes("PNG"),
    ]
    for number, content in enumerate(playlists):
        path = tmp_path / f"list{number}.mp4"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        with pytest.raises(InvalidMedia):
            probe(path)
    assert asked == []


def test_errors_inside_the_block_are_translated(sample: Sample) -> None:
    with pytest.raises(InvalidMedia, match="damaged or copy-protected"), open_media(sample("mp4")):
        raise av.InvalidDataError(1, "bad")


def test_packets_stop_when_nothing_more_can_be_read() -> None:
    class Broken:
        tries = 0

        def demux(self) -> Broken:
            return self

        def __next__(self) -> object:
            self.tries += 1
            raise av.InvalidDataError(1, "bad")

    broken = Broken()
    assert list(packets(broken)) == []  # type: ignore[arg-type]
    assert broken.tries == source.FAILURES_IN_A_ROW


def damaged(content: bytes, kind: int, chance: random.Random) -> bytes:
    """Flip bytes anywhere or in the header, take a stretch out, or put a foreign one in."""
    result = bytearray(content)
    place = chance.randrange(len(result))
    if kind == 0:
        for _ in range(chance.choice((1, 10, 500))):
            result[chance.randrange(len(result))] = chance.randrange(256)
    elif kind == 1:
        for _ in range(20):
            result[chance.randrange(3000)] = chance.choice((0, 255, 127, 128))
    elif kind == 2:
        del result[place : place + chance.randrange(50_000)]
    else:
        result[place:place] = chance.randbytes(20_000)
    return bytes(result)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "ts", "avi", "mp3", "m4a", "flac", "ogg"])
def test_damage_never_escapes_as_anything_else(suffix: str, sample: Sample, tmp_path: Path) -> None:
    chance = random.Random(suffix)
    content = sample(suffix).read_bytes()
    for number in range(4):
        path = tmp_path / f"{number}.{suffix}"
        path.write_bytes(damaged(content, number, chance))
        for opener in OPENERS.values():
            with contextlib.suppress(InvalidMedia):
                opener(path)


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    code = (
        "import sys, vidctl.media.probe, vidctl.media.thumbnail, vidctl.media.audio, vidctl.files\n"
        "import vidctl.hosts.folder\n"
        "print(sorted({'av', 'PIL', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "[]\n")
