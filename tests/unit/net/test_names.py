"""What a file from the web is called, whatever a server says."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidctl.files import UNSAFE
from vidctl.net.names import LONGEST, name_of, safe_name

URL = "https://media.example/shows/episode%2012.mp3?token=abc"


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", "episode 12.mp3"),
        ("attachment", "episode 12.mp3"),
        ('attachment; filename="talk.mp4"', "talk.mp4"),
        ("attachment; filename=talk.mp4", "talk.mp4"),
        ("attachment;FileName = talk.mp4 ; size=3", "talk.mp4"),
        ('attachment; filename="a \\"b\\"; c.mp4"', "a _b_; c.mp4"),
        ("attachment; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.mp4", "naïve €.mp4"),
        ("attachment; filename=\"plain.mp4\"; filename*=UTF-8'en'%e2%82%ac.mp4", "€.mp4"),
        ("attachment; filename*=iso-8859-1''%A3.mp4; filename=x.mp4", "£.mp4"),
        ("attachment; filename*=klingon''%A3.mp4; filename=x.mp4", "x.mp4"),
        ("attachment; filename*=UTF-8''%FF.mp4; filename=x.mp4", "x.mp4"),
        ("attachment; filename*=nonsense; filename=x.mp4", "x.mp4"),
        ('attachment; name="x; filename=evil.mp4"; filename=good.mp4', "good.mp4"),
        ('attachment; filename="../../etc/passwd.mp4"', "passwd.mp4"),
        ('attachment; filename="..\\\\..\\\\boot.mp4"', "boot.mp4"),
        ('attachment; filename="/etc/cron.d/x.mp4"', "x.mp4"),
        ("attachment; filename*=UTF-8''..%2F..%2Fx.mp4", "x.mp4"),
        ('attachment; filename=".."', "episode 12.mp3"),
        ('attachment; filename=""', "episode 12.mp3"),
        ('attachment; filename=".bashrc"', "episode 12.mp3"),
        ('attachment; filename="CON.mp4"', "_CON.mp4"),
        ('attachment; filename="a\u202e4pm.exe.mp4"', "a4pm.exe.mp4"),
        ('attachment; filename="a<b>|?*:.mp4"', "a_b_____.mp4"),
        ('attachment; filename="talk', "episode 12.mp3"),
    ],
)
def test_the_header_is_read(disposition: str, name: str) -> None:
    assert name_of(URL, disposition=disposition) == name


@pytest.mark.parametrize(
    ("url", "asked", "kind", "name"),
    [
        ("https://cdn.example/9f86d0", "https://a.example/talk.mp3", "", "talk.mp3"),
        ("https://cdn.example/9f86d0", "https://a.example/", "video/mp4", "9f86d0.mp4"),
        ("https://cdn.example/", "https://a.example/", "audio/mpeg; x=y", "download.mp3"),
        ("https://cdn.example/", "", "", "download"),
        ("https://cdn.example/get.php?id=3", "", "Video/WebM", "get.php.webm"),
        ("https://cdn.example/get.php", "https://a.example/talk.ogg", "", "talk.ogg"),
        ("https://cdn.example/talk.mp3", "", "video/mp4", "talk.mp3"),
        ("https://cdn.example/page", "", "text/html", "page"),
        ("https://cdn.example/a%2Fb%2F..%2Fc.mp4", "", "", "c.mp4"),
        ("https://cdn.example/..%5C..%5Cc.mp4", "", "", "c.mp4"),
        ("https://cdn.example/%00%0A%1B%5B31mx.mp4", "", "", "[31mx.mp4"),
    ],
)
def test_the_address_is_read(url: str, asked: str, kind: str, name: str) -> None:
    assert name_of(url, asked=asked, content_type=kind) == name


NAUGHTY = [
    "",
    ".",
    "..",
    "...",
    "/",
    "\\",
    " ",
    "nul",
    "COM1.mp4",
    "com¹.mp4",
    "aux.tar.gz",
    "x" * 5000,
    "好" * 300 + ".mp4",
    "മ" * 300 + ".mp4",
    "👩‍👩‍👧" * 90 + ".mkv",
    "e\u0301" * 300 + ".mp3",
    "a." + "b" * 300,
    "\ud800.mp4",
    "a\x00b.mp4",
    "-rf.mp4",
    "~/x.mp4",
    "$(reboot).mp4",
    ".mp4",
    "x.mp4.",
    "x.mp4 ",
]


def check(name: str, folder: Path) -> None:
    assert len(name.encode()) <= LONGEST
    assert name not in ("", ".", "..")
    assert not name.startswith(".")
    assert name == name.rstrip(" .")
    assert not UNSAFE.search(name)
    assert Path(name).name == name
    assert safe_name(name) == name, "a safe name stays as it is"
    (folder / name).write_bytes(b"")
    (folder / name).unlink()


@pytest.mark.parametrize("name", NAUGHTY)
def test_naughty_names_become_safe(name: str, tmp_path: Path) -> None:
    check(safe_name(name), tmp_path)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("names")


@settings(max_examples=500)
@given(text=st.text(max_size=400), ending=st.sampled_from(["", ".mp4", "..", " .", "/", ".c"]))
def test_every_text_becomes_safe(text: str, ending: str, folder: Path) -> None:
    check(safe_name(text + ending), folder)
    check(name_of(f"https://media.example/{text}", disposition=f"a; filename={text}"), folder)


def test_a_long_name_keeps_its_suffix() -> None:
    assert safe_name("好" * 300 + ".mp4") == "好" * 65 + ".mp4"
