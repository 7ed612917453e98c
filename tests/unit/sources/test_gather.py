"""From what was typed to files and links, each once and in order."""

from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from vidctl.errors import AddressRefused, NotFound, UsageError
from vidctl.sources import MEDIA_SUFFIXES, Source, expand, gather, is_link


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """``b.mp4 a.MP3 notes.txt .hidden.mp4 sub/c.webm .git/d.mp4``, in the working folder."""
    for name in ("b.mp4", "a.MP3", "notes.txt", ".hidden.mp4", "sub/c.webm", ".git/d.mp4"):
        path = tmp_path / "files" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "files")
    return tmp_path / "files"


def names(sources: list[Source], folder: Path) -> list[str]:
    return [
        str(source.path.relative_to(folder)) if source.path else source.url for source in sources
    ]


def test_a_folder_gives_its_media(folder: Path) -> None:
    found, errors = gather([str(folder)])
    assert names(found, folder) == ["a.MP3", "b.mp4", "sub/c.webm"]
    assert errors == []
    assert found[0].name == found[0].label == str(folder / "a.MP3")


def test_everything_is_taken_once_and_in_order(folder: Path) -> None:
    patterns = ["https://a.example/x.mp4", "b.mp4", "b*.mp4", ".", "sub/../b.mp4", "./notes.txt"]
    found, errors = gather([*patterns, "https://a.example/x.mp4"])
    assert names(found, folder)[:4] == ["https://a.example/x.mp4", "b.mp4", "a.MP3", "sub/c.webm"]
    assert names(found, folder)[-1] == "notes.txt", "a file that is named is taken as it is"
    assert errors == []


def test_what_names_nothing_is_an_error_each(folder: Path) -> None:
    (folder / "empty").mkdir()
    patterns = ["none.mp4", "*.xyz", "empty", "**x", "a" * 300, "a\0b", "b.mp4"]
    found, errors = gather(patterns)
    assert names(found, folder) == ["b.mp4"]
    assert {type(error) for error in errors} == {NotFound}
    assert [(error.item, error.message) for error in errors] == [
        ("none.mp4", "does not exist"),
        ("*.xyz", "does not exist"),
        ("empty", "has no media files"),
        ("**x", "does not exist"),
        ("a" * 300, "file name too long"),
        ("a\0b", "does not exist"),
    ]


def test_an_empty_name_makes_no_sense() -> None:
    for read in (gather, expand):
        with pytest.raises(UsageError, match="empty path"):
            read([""])


def test_a_file_with_brackets_is_itself(folder: Path) -> None:
    (folder / "talk [1080p].mp4").write_bytes(b"x")
    found, _ = gather(["talk [1080p].mp4"])
    assert names(found, folder) == ["talk [1080p].mp4"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_folders_without_leave_to_read_are_said(folder: Path) -> None:
    (folder / "sub").chmod(0)
    assert gather(["sub/c.webm"])[1][0].message == "permission denied"


def test_the_suffixes_are_those_of_media() -> None:
    assert {".mp4", ".mkv", ".mp3", ".wav"} <= MEDIA_SUFFIXES
    assert all(suffix == suffix.lower() and suffix.startswith(".") for suffix in MEDIA_SUFFIXES)


# --- links --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://a.example/x.mp4", True),
        ("HTTP://a.example", True),
        (" https://a.example ", True),
        ("ftp://a.example/x", True),
        ("s3://bucket/key", True),
        ("file.mp4", False),
        ("C:/talks/x.mp4", False),
        ("http:x", False),
        ("./http://a", False),
        ("talk: part 1.mp4", False),
    ],
)
def test_links_are_told_from_paths(text: str, expected: bool) -> None:
    assert is_link(text) is expected


def test_a_label_keeps_the_query_to_itself() -> None:
    found, _ = gather(["https://a.example/x.mp4?token=secret#t=1"])
    assert found == [
        Source(url="https://a.example/x.mp4?token=secret#t=1", label="https://a.example/x.mp4")
    ]
    assert found[0].path is None


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/x", "s3://bucket/key", "https://u:secret@a.example/?k=secret", "http://"],
)
def test_a_link_that_is_not_followed_is_an_error(url: str) -> None:
    found, errors = gather([url, "https://a.example/x.mp4"])
    assert len(found) == 1
    assert [type(error) for error in errors] == [AddressRefused]
    assert errors[0].item == url.partition("?")[0].replace("u:secret@", "")
    assert "secret" not in errors[0].message + errors[0].item


# --- a list on the standard input ---------------------------------------------------------------


@pytest.mark.parametrize(
    "data",
    [
        b"b.mp4\nsub\nhttps://a.example/x.mp4\n",
        b"b.mp4\r\n\r\nsub\r\nhttps://a.example/x.mp4",
        b"b.mp4\0sub\0https://a.example/x.mp4\0",
        b"b.mp4\0sub\0https://a.example/x.mp4",
        b"\n  \nb.mp4\nb.mp4\nsub\n https://a.example/x.mp4 \n",
    ],
)
def test_a_list_is_read(folder: Path, data: bytes) -> None:
    found, errors = gather(["-"], io.BytesIO(data))
    assert names(found, folder) == ["b.mp4", "sub/c.webm", found[-1].url]
    assert found[-1].url == "https://a.example/x.mp4"
    assert errors == []


def test_a_list_stands_between_others(folder: Path) -> None:
    found, _ = gather(["sub", "-", "a.MP3"], io.BytesIO(b"b.mp4"))
    assert names(found, folder) == ["sub/c.webm", "b.mp4", "a.MP3"]


def test_names_of_any_bytes_are_read(folder: Path) -> None:
    odd = [b"line\nbreak.mp4", b"caf\xe9.mp4", b" space .mp4", b"-"]
    for name in odd:
        (folder / os.fsdecode(name)).write_bytes(b"x")
    found, errors = gather(["-"], io.BytesIO(b"\0".join(odd)))
    assert [os.fsencode(source.path or "").rpartition(b"/")[2] for source in found] == odd
    assert errors == []


@pytest.mark.parametrize("stdin", [None, io.BytesIO(b""), io.BytesIO(b"\n \n"), io.BytesIO(b"\0")])
def test_an_empty_list_is_a_mistake(stdin: io.BytesIO | None) -> None:
    with pytest.raises(UsageError, match="list on the standard input is empty") as caught:
        gather(["-"], stdin)
    assert caught.value.hint


def test_two_lists_are_a_mistake() -> None:
    with pytest.raises(UsageError, match="once"):
        gather(["-", "-"], io.BytesIO(b"x"))


def test_a_list_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:

    module = __import__("sys").modules["vidctl.sources.expand"]
    monkeypatch.setattr(module, "LONGEST_LIST", 10)
    with pytest.raises(UsageError, match="longer"):
        gather(["-"], io.BytesIO(b"x" * 11))
