"""Tags as they come out of files of every kind, and the addresses in ID3."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from media_samples import image_bytes, make_audio, with_cover

from vidctl.media.probe import probe
from vidctl.media.tags import MAX_VALUE, clean, language, line

TAGS = {
    "title": "Die Möwe",
    "artist": "Ana",
    "album": "Küste",
    "date": "2024-03-01",
    "track": "7/12",
    "comment": "Wind.",
    "genre": "Podcast",
}
CODECS = {
    "mp3": "libmp3lame",
    "m4a": "aac",
    "flac": "flac",
    "ogg": "libopus",
    "wav": "pcm_s16le",
    "mka": "aac",
}


@pytest.mark.parametrize("suffix", CODECS)
def test_formats_name_the_same_things_alike(suffix: str, tmp_path: Path) -> None:
    path = make_audio(tmp_path / f"a.{suffix}", 1, codec=CODECS[suffix], tags=TAGS)
    found = probe(path).tags
    assert {name: found.get(name) for name in TAGS} == TAGS


def test_what_podcasts_have_in_mp4(tmp_path: Path) -> None:
    tags = {"show": "Küste", "episode_sort": "7", "season_number": "2", "synopsis": "All of it."}
    found = probe(make_audio(tmp_path / "a.m4a", 1, tags=tags)).tags
    assert {name: found.get(name) for name in tags} == tags


def id3(version: int, *frames: tuple[str, bytes], flags: int = 0) -> bytes:
    def size(number: int) -> bytes:
        return bytes(number >> shift & 127 for shift in (21, 14, 7, 0))

    body = b""
    for name, content in frames:
        length = size(len(content)) if version == 4 else struct.pack(">I", len(content))
        body += name.encode() + length + b"\0\0" + content
    return b"ID3" + bytes([version, 0, flags]) + size(len(body)) + body


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = make_audio(tmp_path_factory.mktemp("sound") / "a.mp3", 1, codec="libmp3lame")
    return path.read_bytes()


@pytest.mark.parametrize("version", [3, 4])
def test_frames_of_podcasts_in_id3(version: int, sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    frames = [
        ("APIC", b"\0image/jpeg\0\3\0" + image_bytes("JPEG") * 20),
        ("TDES", b"\3What happens at sea.\0"),
        ("TGID", b"\0tag:example.org,2024:7"),
        ("WFED", b"https://example.org/feed.xml\0rest"),
        ("WXXX", b"\0mine\0https://example.org/other"),
    ]
    path.write_bytes(id3(version, *frames) + sound)
    found = probe(path).tags
    assert found["tdes"] == "What happens at sea."
    assert found["tgid"] == "tag:example.org,2024:7"
    assert found["wfed"] == "https://example.org/feed.xml"
    assert "wxxx" not in found
    assert probe(path).has_cover


@pytest.mark.parametrize(
    "head",
    [
        id3(2, ("WFED", b"http://a")),
        id3(3, ("WFED", b"http://a"), flags=0x80),
        id3(3, ("wfed", b"http://a")),
        b"ID3\3\0\0\0\0\0\x05WFED\0",
        b"ID3\3\0\0\0\0\x02\0WFED\xff\xff\xff\xff\0\0" + bytes(246),
        b"",
    ],
)
def test_addresses_that_are_none(head: bytes, sound: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(head + sound)
    assert probe(path).tags.get("wfed", "") != "http://a"


def test_a_cover_is_told_apart(sound: bytes, tmp_path: Path) -> None:
    plain = tmp_path / "a.mp3"
    plain.write_bytes(sound)
    covered = probe(with_cover(plain, tmp_path / "b.mp3", image_bytes("JPEG")))
    assert not probe(plain).has_cover
    assert covered.has_cover
    assert [track.type for track in covered.streams] == ["audio", "cover"]


@given(st.text())
def test_clean_text_stays_clean(text: str) -> None:
    once = clean(text)
    assert clean(once) == once
    assert len(once) <= MAX_VALUE
    assert not set(once) & set("\x00\x1b\x7f\u202e\t\r")
    assert "\n" not in line(text, 50)
    assert len(line(text, 50)) <= 50


@pytest.mark.parametrize(
    ("code", "wanted"),
    [
        *[("eng", "eng"), ("DE", "de"), (" pt-BR ", "pt-br"), ("und", ""), ("", "")],
        *[("x" * 40, ""), ("english", ""), ("e\x1b", ""), ("en-US-x-y-z-1-2-3", "")],
    ],
)
def test_languages(code: str, wanted: str) -> None:
    assert language(code) == wanted
