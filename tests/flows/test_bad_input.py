"""Files that are no media, or hardly: one error line each, and the good ones go through."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from flow_samples import captioned, tone

sys.path.insert(0, str(Path(__file__).parent.parent))

import media_samples


def empty(path: Path) -> None:
    path.write_bytes(b"")


def text(path: Path) -> None:
    path.write_text("This is a shopping list.\n" * 50, encoding="utf-8")


def noise(path: Path) -> None:
    path.write_bytes(bytes((7 * n * n + n // 3) % 256 for n in range(50_000)))


def cut_in_the_index(path: Path) -> None:
    media_samples.make_video(path, 2.0)
    path.write_bytes(path.read_bytes()[:400])


def image(path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (64, 48), "red").save(path, format="PNG")


def playlist(path: Path) -> None:
    path.write_text("#EXTM3U\n#EXTINF:2,\ngood.wav\n", encoding="utf-8")


def concat(path: Path) -> None:
    path.write_text("ffconcat version 1.0\nfile good.wav\n", encoding="utf-8")


BAD = {
    "empty.mp4": empty,
    "list.mp4": text,
    "noise.mp4": noise,
    "cut.mp4": cut_in_the_index,
    "picture.mp4": image,
    "playlist.mp4": playlist,
    "concat.mp4": concat,
}


@pytest.fixture
def folder(tmp_path: Path, library: Path) -> Path:
    inbox = tmp_path / "in"
    inbox.mkdir()
    captioned(inbox / "good.wav", ["A good line."])
    return inbox


@pytest.mark.parametrize("name", BAD)
def test_one_bad_file_is_one_line(run: Any, folder: Path, name: str) -> None:
    BAD[name](folder / name)
    result = run("upload", folder, "--json")
    assert result.code == 3, result
    envelope = result.envelope
    assert envelope["status"] == "partial"
    assert [item["slug"] for item in envelope["data"]["items"]] == ["good"]
    (error,) = envelope["errors"]
    assert error["code"] in ("invalid_media", "truncated_media")
    assert error["item"] == str(folder / name)
    assert error["hint"]
    said = [line for line in result.err.splitlines() if line.startswith("error:")]
    assert len(said) == 1
    assert str(folder / name) in said[0]


def test_many_bad_files_do_not_stop_the_good_one(run: Any, folder: Path) -> None:
    for name, make in BAD.items():
        make(folder / name)
    result = run("upload", folder, "-j", "3", "--json")
    assert result.code == 3
    assert len(result.envelope["errors"]) == len(BAD)
    assert len(result.envelope["data"]["items"]) == 1
    again = run("upload", folder, "--json")
    assert again.code == 3
    assert again.envelope["data"]["items"][0]["new"] is False
    assert run.ok("podcasts", "list", "--json").data["total"] == 1


def test_a_truncated_video_is_refused_as_such(run: Any, folder: Path) -> None:
    whole, cut = folder / "whole.mp4", folder / "cut.mp4"
    media_samples.make_video(whole, 6.0, options={"movflags": "faststart"})
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    result = run("upload", cut, "--json")
    assert result.code == 3
    assert result.envelope["errors"][0]["code"] == "truncated_media"
    assert result.envelope["data"]["items"] == []


def test_a_video_without_sound_goes_in_and_says_so(run: Any, folder: Path) -> None:
    silent = folder / "silent.mp4"
    media_samples.make_video(silent, 2.0, audio="")
    assert run("upload", silent).code == 0
    result = run("transcribe", "silent", "--engine", "local", "--json")
    assert result.code == 3
    assert result.envelope["errors"][0]["code"] == "invalid_media"
    assert "no sound" in result.envelope["errors"][0]["message"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read(run: Any, folder: Path) -> None:
    secret = tone(folder / "secret.wav", seconds=0.5)
    secret.chmod(0)
    result = run("upload", secret, "--json")
    assert result.code == 3
    assert result.envelope["errors"][0]["code"] == "permission"


def test_a_missing_file_and_an_empty_folder(run: Any, tmp_path: Path, library: Path) -> None:
    (tmp_path / "none").mkdir()
    result = run("upload", "nothing.mp4", "none", "*.mkv", "--json")
    assert result.code == 3
    assert [error["code"] for error in result.envelope["errors"]] == ["not_found"] * 3
    assert result.envelope["data"]["items"] == []


@pytest.mark.parametrize("visit", range(1, 5))
@pytest.mark.parametrize("step", ["open", "write", "fsync", "replace"])
@pytest.mark.parametrize(("action", "code"), [("enospc", "disk_full"), ("eio", "storage")])
def test_a_disk_that_fails_at_any_step(
    run: Any, folder: Path, tmp_path: Path, step: str, visit: int, action: str, code: str
) -> None:
    from vidctl import failpoints

    failpoints.arm(f"copy.{step}:{visit}:{action}")
    result = run("upload", folder / "good.wav", "--json")
    if result.code == 0:  # fewer visits than that
        assert visit > 1
        return
    assert result.code == 1, "what is wrong with the disk ends the run"
    assert result.envelope["errors"][0]["code"] == code
    assert run.ok("podcasts", "list", "--json").data["total"] == 0
    left = [file.name for file in (tmp_path / ".vidctl" / "media").rglob("*.vidctl-tmp-*")]
    assert left == []
    failpoints.arm("")
    assert run("upload", folder / "good.wav").code == 0
    assert run("doctor", "--verify-data").code == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A file system of 1 MB, where this process may mount one."""
    point = tmp_path / "small"
    point.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1000k", "tmpfs", str(point)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("no mount command here")
    if done.returncode:
        pytest.skip("this process may not mount a file system")
    yield point
    subprocess.run(["umount", "-l", str(point)], check=True, capture_output=True)


def test_a_full_disk(spawn: Any, small_disk: Path, tmp_path: Path) -> None:
    big = tone(tmp_path / "big.wav", seconds=120)
    spawn.folder = small_disk
    assert spawn("init").code == 0
    result = spawn("upload", big, "--json")
    assert result.code == 1, result
    assert result.envelope["errors"][0]["code"] == "disk_full"
    assert str(small_disk) in result.envelope["errors"][0]["message"]
    assert spawn("podcasts", "list", "--json").data["total"] == 0
    assert spawn("doctor").code == 0
