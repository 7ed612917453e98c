"""Estimates: what it would cost, of files as an upload finds them, and nothing for what is here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cost_samples import PRICE, SIZE, dear_cloud, shown, sized, upload
from flow_samples import captioned, tone
from harness import Runner
from servers.cloudinary import CloudinaryServer


@pytest.fixture
def cloud(
    run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[CloudinaryServer]:
    with dear_cloud(run, monkeypatch) as server:
        yield server


def test_estimates_of_items_and_files(run: Runner, cloud: CloudinaryServer) -> None:
    captioned(run.folder / "talk.wav", ["one two three", "four five"] * 300)
    tone(run.folder / "other.wav", seconds=120)
    run.ok("upload", "talk.wav", "--no-loudness", "--to", "folder", "--process")

    def reckoned(*words: str) -> tuple[Any, ...]:
        data = run.ok("cost", "estimate", *words, "--json").data
        return data["service"], data["amount"], [row["units"] for row in data["items"]]

    (run.folder / "talk.wav").rename(run.folder / "elsewhere.wav")
    size = (run.folder / "elsewhere.wav").stat().st_size
    assert reckoned("upload", "talk", "--to", "cloudinary") == (
        "cloudinary",
        pytest.approx(size / 1e6, abs=1e-5),
        [{"bytes": size, "requests": 1}],
    )
    assert reckoned("transcribe", "talk", "other.wav", "--engine", "openai") == (
        "openai",
        0.072,
        [{"seconds": 600}, {"seconds": 120}],
    )
    # 1,500 words in chunks of 500 that share 50: four chunks, 1,650 words, 4 tokens for 3 words.
    assert reckoned("embed", "talk", "--engine", "openai") == (
        "openai",
        0.000044,
        [{"tokens": 2200}],
    )
    # Nobody knows what is said in a file: 150 words a minute.
    assert reckoned("embed", "other.wav", "--engine", "openai")[2] == [{"tokens": 400}]
    for engine in ("local", "captions"):
        assert reckoned("transcribe", "talk", "--engine", engine)[:2] == (None, 0)
    assert reckoned("embed", "talk")[:2] == (None, 0)


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["upload", "nothing"], 6),
        (["upload", "link"], 6),
        (["transcribe", "link"], 6),
        (["transcribe", "text.txt"], 1),
        (["upload", "text.txt", "--to", "nowhere"], 2),
        (["upload", "text.txt", "--engine", "openai"], 2),
        (["embed", "link", "--to", "folder"], 2),
        (["embed", "link", "--engine", "nobody"], 2),
        (["dance", "link"], 2),
    ],
)
def test_what_cannot_be_estimated(run: Runner, library: Path, words: list[str], code: int) -> None:
    run.ok("videos", "add", "https://example.org/a.mp4", "--title", "link")
    (run.folder / "text.txt").write_text("no sound", encoding="utf-8")
    refused = run("cost", "estimate", *words)
    assert (refused.code, refused.out) == (code, "")
    assert refused.err.startswith("error: ")
    if words[0] == "upload" and code == 6:
        assert run("cost", "estimate", *words, "text.txt").code == 3, "a folder takes all, free"


def states(data: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(Path(row["what"]).name, row["state"], row["item"]) for row in data["items"]]


def test_folders_globs_and_lists_are_taken_as_an_upload_takes_them(
    run: Runner, cloud: CloudinaryServer
) -> None:
    files = sized(run, "in", count=3)
    (run.folder / "in" / "notes.txt").write_text("no media", encoding="utf-8")
    ways: list[tuple[list[str | Path], dict[str, Any]]] = [
        (["in"], {}),
        (["in/*.wav"], {}),
        ([*files], {}),
        (["in", files[0], "in/*.wav"], {}),
        (["-"], {"stdin": "".join(f"{file}\n" for file in files)}),
    ]
    for words, more in ways:
        result = run("cost", "estimate", "upload", *words, "--json", **more)
        assert result.code == 0, result
        data = result.data
        assert states(data) == [(file.name, "new", None) for file in files], words
        assert (data["amount"], data["counts"]) == (3 * PRICE, {"new": 3})
        assert data["units"] == {"bytes": 3 * SIZE, "requests": 3}
    assert cloud.calls == [], "an estimate asks nobody"
    assert shown(run) == []


def test_what_an_upload_would_not_send_costs_nothing(run: Runner, cloud: CloudinaryServer) -> None:
    files = sized(run, "in", count=3)
    assert upload(run, files[0]).code == 0
    copy = run.folder / "in" / "zz-copy.wav"
    copy.write_bytes(files[1].read_bytes())
    cloud.calls.clear()
    result = run.ok("cost", "estimate", "upload", "in", "talk-0000", "--json")
    assert states(result.data) == [
        ("talk-0000.wav", "already here", "talk-0000"),
        ("talk-0001.wav", "new", None),
        ("talk-0002.wav", "new", None),
        ("zz-copy.wav", "same as above", None),
        ("talk-0000", "already here", "talk-0000"),
    ]
    assert (result.data["amount"], result.data["units"]["bytes"]) == (2 * PRICE, 2 * SIZE)
    text = run.ok("cost", "estimate", "upload", "in")
    assert text.out.splitlines() == [
        "in/talk-0000.wav\t\tfree\talready here as talk-0000",
        "in/talk-0001.wav\t10.0 kB, 1 request\t$0.01\t",
        "in/talk-0002.wav\t10.0 kB, 1 request\t$0.01\t",
        "in/zz-copy.wav\t\tfree\tsame as above",
    ]
    assert "about $0.02 at cloudinary for 2 of 4 (20.0 kB, 2 requests)" in text.err
    assert "2 would not be sent" in text.err
    assert cloud.calls == []
    assert upload(run, "in").code == 0
    assert sum(row["amount"] for row in shown(run)) == 3 * PRICE, "as it was reckoned"


def test_what_an_upload_would_refuse_is_an_error_of_its_own(
    run: Runner, cloud: CloudinaryServer
) -> None:
    (file,) = sized(run, "in")
    (run.folder / "in" / "bad.mp4").write_bytes(b"no video")
    link = "https://example.org/a.mp4"
    result = run("cost", "estimate", "upload", "in", f"{link}?token=secret", "gone", "--json")
    assert result.code == 3
    assert states(result.envelope["data"]) == [(file.name, "new", None)]
    said = {error["item"]: error["message"] for error in result.envelope["errors"]}
    assert list(said) == ["in/bad.mp4", link, "gone"]
    assert said[link] == "how large it is, is known when it is fetched"
    assert said["gone"] == "is neither a file nor an item here"
    assert "secret" not in result.out
    none = run("cost", "estimate", "upload", "gone", "lost", "--json")
    assert none.code == 3
    assert [error["item"] for error in none.envelope["errors"]] == ["gone", "lost"]
    assert none.envelope["data"]["items"] == []


def test_a_list_is_read_once_and_not_empty(run: Runner, cloud: CloudinaryServer) -> None:
    (file,) = sized(run)
    assert run("cost", "estimate", "upload", "-", "-", stdin=f"{file}\n").code == 2
    assert run("cost", "estimate", "upload", "-", stdin="").code == 2
    listed = run("cost", "estimate", "upload", "-", "--json", stdin=f"{file}\0gone\0")
    assert (listed.code, len(listed.envelope["data"]["items"])) == (3, 1)


@pytest.mark.parametrize(
    ("price", "text"),
    [("0.5", "$0.000005"), ("200", "$0.002"), ("1000", "$0.01"), ("123456", "$1.23456")],
)
def test_small_prices_are_written_in_full(
    run: Runner, cloud: CloudinaryServer, price: str, text: str
) -> None:
    run.ok("config", "set", "prices.cloudinary.gigabyte", price)
    (file,) = sized(run)
    assert run.ok("cost", "estimate", "upload", file).out.split("\t")[2] == text
    assert f"would cost about {text}" in run.ok("upload", "-n", file).err


def test_what_costs_nothing_is_called_free(run: Runner, cloud: CloudinaryServer) -> None:
    run.ok("config", "set", "prices.cloudinary.gigabyte", "0")
    (file,) = sized(run)
    assert run.ok("cost", "estimate", "upload", file).out.split("\t")[2] == "free"
    assert run.ok("cost", "estimate", "upload", file, "--json").data["amount"] == 0
    assert "would cost" not in run.ok("upload", "-n", file).err


def test_on_a_terminal_the_points_are_in_line(run: Runner, cloud: CloudinaryServer) -> None:
    run.ok("config", "set", "prices.cloudinary.gigabyte", "1000000")
    small, large = sized(run, "a"), sized(run, "b", size=1_500_000)
    upload(run, *small)
    out = run.ok("cost", "estimate", "upload", *small, *large, "b/talk-0000.wav", tty=True).out
    header, *rows = out.splitlines()
    assert header.split() == ["WHAT", "UNITS", "PRICE", "STATE"]
    column = header.index("PRICE")
    prices = [row[column : header.index("STATE")].rstrip() for row in rows]
    assert prices == ["  free", "$1,500.00"]
