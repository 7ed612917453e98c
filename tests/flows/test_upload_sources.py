"""What can be uploaded: lists on standard input, links, watched folders; and what is told of it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flow_samples import captioned, tone
from harness import CAPTIONS, Result, Runner, Spawner
from servers.cloudinary import CloudinaryServer
from servers.web import Page, WebServer
from upload_samples import BROKEN, tones

from vidctl import failpoints


@pytest.fixture
def web() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture
def inside(run: Runner, library: Path) -> Runner:
    """A library that may follow links to this machine."""
    run.ok("config", "set", "net.allow_private", "127.0.0.1")
    return run


def slugs(result: Any) -> list[str]:
    return [item["slug"] for item in result.envelope["data"]["items"]]


# --- lists --------------------------------------------------------------------------------------


def test_a_list_on_standard_input_by_lines_or_zeros(run: Runner, library: Path) -> None:
    one = tone(run.folder / "one.wav", seconds=0.2)
    odd = tone(run.folder / "two\nlines.wav", seconds=0.3)
    result = run("upload", "-", "--json", stdin="one.wav\n\nnothing.wav\n")
    assert (result.code, slugs(result)) == (3, ["one"])
    assert [error["item"] for error in result.envelope["errors"]] == ["nothing.wav"]
    result = run("upload", "-", "--json", stdin=f"{one}\0{odd}\0")
    assert (result.code, slugs(result)) == (0, ["one", "two-lines"])
    assert [item["new"] for item in result.data["items"]] == [False, True]


def test_an_empty_list_is_a_mistake(run: Runner, library: Path) -> None:
    assert run("upload", "-", stdin="\n \n").code == 2
    assert run("upload", "-", "-", stdin="a.wav\n").code == 2


def test_files_of_the_same_name_in_several_folders_stay_apart(run: Runner, library: Path) -> None:
    for number, folder in enumerate(("a", "b", "c")):
        (run.folder / folder).mkdir()
        tone(run.folder / folder / "talk.wav", seconds=0.2, pitch=300 + 50 * number)
    result = run("upload", "a", "b", "c", "-j", "3")
    assert result.code == 0, result
    assert sorted(result.err.splitlines()[:3]) == [
        f"{folder}/talk.wav: uploaded as podcast {slug}"
        for folder, slug in sorted(
            line.partition("/talk.wav: uploaded as podcast ")[::2]
            for line in result.err.splitlines()[:3]
        )
    ]
    listed = run.ok("podcasts", "list", "--json").data["items"]
    assert sorted(item["slug"] for item in listed) == ["talk", "talk-2", "talk-3"]


def test_the_order_is_that_of_the_files_however_many_threads(run: Runner, library: Path) -> None:
    tones(run.folder / "in", 30)
    result = run.ok("upload", "in", "-j", "6", "--json")
    assert slugs(result) == [f"talk-{number:04}" for number in range(30)]
    assert result.data["new"] == 30


def test_the_same_bytes_twice_in_one_run_are_one_item(run: Runner, library: Path) -> None:
    first = tone(run.folder / "a.wav", seconds=0.5)
    for name in "bcdefgh":
        shutil.copy(first, run.folder / f"{name}.wav")
    result = run.ok("upload", *(f"{name}.wav" for name in "abcdefgh"), "-j", "8", "--json")
    assert (result.data["new"], result.data["known"]) == (1, 7)
    assert len(set(slugs(result))) == 1
    assert run.ok("podcasts", "list", "--json").data["total"] == 1
    assert len(list((run.folder / ".vidctl" / "media").rglob("*.wav"))) == 1


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_of_the_same_bytes_the_first_source_names_the_item(
    run: Runner, library: Path, jobs: str
) -> None:
    """However many threads: title, captions and place in the list are those of the first."""
    names = []
    for number in range(12):
        pitch = 300 + 20 * number
        first = tone(run.folder / f"{number:02}-zz-first.wav", seconds=0.3, pitch=pitch)
        (run.folder / f"{number:02}-zz-first.vtt").write_text(CAPTIONS, encoding="utf-8")
        others = [run.folder / f"{number:02}-{letter}-copy.wav" for letter in "abc"]
        for copy in others:
            shutil.copy(first, copy)
        names += [first.name, *(copy.name for copy in others)]
    result = run.ok("upload", *names, "-j", jobs, "--no-loudness", "--json")
    found = [(item["slug"], item["new"]) for item in result.data["items"]]
    assert found == [
        (f"{number:02}-zz-first", place == 0) for number in range(12) for place in range(4)
    ]
    for number in range(12):
        rows = run.ok("media", "list", f"{number:02}-zz-first", "--json").data["items"]
        assert sorted(row["role"] for row in rows) == ["captions", "source"]


@pytest.mark.parametrize("jobs", ["1", "8"])
def test_of_files_of_one_name_the_first_is_taken_when_names_tell(
    run: Runner, library: Path, jobs: str
) -> None:
    folders = [f"{number}" for number in range(8)]
    for number, folder in enumerate(folders):
        (run.folder / folder).mkdir()
        tone(run.folder / folder / "talk.wav", seconds=0.2 + number / 10)
    words = (*folders, "--skip-existing", "name", "--no-loudness", "--json")
    result = run.ok("upload", *words, "-j", jobs)
    assert [item["new"] for item in result.data["items"]] == [True] + 7 * [False]
    (item,) = run.ok("podcasts", "list", "--json").data["items"]
    assert item["properties"]["duration"] == pytest.approx(0.2, abs=0.01)


# --- links --------------------------------------------------------------------------------------


def test_a_link_is_fetched_and_told_without_its_query(inside: Runner, web: WebServer) -> None:
    content = tone(inside.folder / "talk.wav", seconds=0.5).read_bytes()
    web.pages["/shows/talk.wav"] = Page(content)
    link = f"{web.base}/shows/talk.wav"
    result = inside.ok("upload", f"{link}?token=s3cret", "--json")
    (item,) = result.data["items"]
    assert (item["slug"], item["new"]) == ("talk", True)
    assert item["properties"]["sourceUrl"] == link
    assert "s3cret" not in result.out + result.err
    database = (inside.folder / ".vidctl" / "library.db").read_bytes()
    assert b"s3cret" not in database
    assert list((inside.folder / ".vidctl" / "cache").iterdir()) == []
    again = inside.ok("upload", "talk.wav", "--json").data["items"]
    assert [item["new"] for item in again] == [False]


def test_a_cut_link_goes_on_and_a_bad_one_is_an_error(inside: Runner, web: WebServer) -> None:
    content = tone(inside.folder / "source.wav", seconds=10).read_bytes()
    etag = {"ETag": '"1"'}
    web.pages["/cut.wav"] = Page(content, ranges=True, headers=etag, cuts=[70_000, None])
    web.pages["/page.mp4"] = Page(b"<!DOCTYPE html><title>Sign in</title>")
    links = [f"{web.base}/{name}" for name in ("cut.wav", "gone.mp4", "page.mp4")]
    result = inside("upload", *links, "--json")
    assert (result.code, slugs(result)) == (3, ["cut"])
    errors = {error["item"]: error["code"] for error in result.envelope["errors"]}
    assert errors == {links[1]: "not_found", links[2]: "invalid_media"}
    assert list((inside.folder / ".vidctl" / "cache").iterdir()) == []


@pytest.mark.parametrize("point", ["folder.make:1:enospc", "fetch.write:1:enospc"])
def test_a_full_disk_while_a_link_is_fetched_ends_the_run_with_its_tally(
    inside: Runner, web: WebServer, point: str
) -> None:
    content = tone(inside.folder / "talk.wav", seconds=0.5).read_bytes()
    web.pages |= {f"/{number}.wav": Page(content + bytes(2 * number)) for number in range(3)}
    links = [f"{web.base}/{number}.wav" for number in range(3)]
    failpoints.arm(point)
    result = inside("upload", *links, "--json")
    failpoints.arm("")
    assert result.code == 1, result
    (error,) = result.envelope["errors"]
    cache = inside.folder / ".vidctl" / "cache"
    assert (error["code"], error["item"]) == ("disk_full", links[0])
    assert str(cache) in error["message"]
    data = result.envelope["data"]
    assert (data["new"], data["failed"], data["left"]) == (0, 1, 2)
    assert list(cache.iterdir()) == []
    assert inside.ok("upload", *links, "--json").data["total"] == 3


def test_a_link_to_the_inside_is_refused_and_never_followed(
    run: Runner, library: Path, web: WebServer
) -> None:
    result = run("upload", f"{web.base}/talk.wav", "--json")
    assert result.code == 3, result
    assert [error["code"] for error in result.envelope["errors"]] == ["address_refused"]
    assert web.connections == 0


def test_offline_no_link_is_followed(inside: Runner, web: WebServer) -> None:
    result = inside("upload", f"{web.base}/talk.wav", "--offline", "--json")
    assert result.code == 3
    assert "--offline" in result.envelope["errors"][0]["message"]
    assert web.connections == 0


# --- a watched folder ---------------------------------------------------------------------------


def until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for something that another process does."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.1)


def test_a_watched_folder_is_taken_in_as_files_appear(
    run: Runner, spawn: Spawner, library: Path
) -> None:
    inbox = run.folder / "in"
    tones(inbox, 2)

    def held() -> int:
        return int(run.ok("podcasts", "list", "--json").data["total"])

    process = spawn.start("upload", "in", "--watch", "--json")
    until(lambda: held() == 2)
    (inbox / "text.mp3").write_bytes(BROKEN["text.mp3"])
    unfinished = tone(inbox / "later.wav.part", seconds=0.3)
    tones(inbox / "below", 1, first=7)
    until(lambda: held() == 3)
    unfinished.rename(inbox / "later.wav")
    until(lambda: held() == 4)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    envelope = json.loads(out)
    assert envelope["data"]["new"] == 4
    assert [error["code"] for error in envelope["errors"]] == ["invalid_media"]
    assert b"later.wav: uploaded as podcast later" in err
    assert b"text.mp3: not taken in" in err

    (inbox / "text.mp3").unlink()
    tones(inbox, 1, first=99)  # while nobody watches
    process = spawn.start("upload", "in", "--watch", "-j", "2", "--json")
    until(lambda: held() == 5)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    found = json.loads(out)["data"]
    assert (found["new"], found["known"]) == (1, 4)


class Watcher:
    """A process that watches a folder, and what it says."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.said = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said += line

    def hears(self, words: str, times: int = 1) -> None:
        """Wait until it has said something so many times."""
        until(lambda: self.said.count(words.encode()) >= times)

    def end(self) -> Result:
        """Press Ctrl-C and return how it ended."""
        self.process.send_signal(signal.SIGINT)
        assert self.process.stdout is not None
        out = self.process.stdout.read()
        code = self.process.wait(60)
        self._reader.join(10)
        return Result(code, out.decode(), self.said.decode())


@pytest.fixture
def watcher(run: Runner, spawn: Spawner, library: Path) -> Iterator[Callable[..., Watcher]]:
    """Start ``vidctl upload in --watch``; it ends with the test."""
    started: list[Watcher] = []
    (run.folder / "in").mkdir()

    def start(*words: str, **env: str) -> Watcher:
        process = spawn.start("upload", "in", "--watch", "--json", *words, env=env)
        started.append(Watcher(process))
        return started[-1]

    yield start
    for each in started:
        each.process.kill()
        each.process.communicate()


@pytest.mark.parametrize("jobs", ["1", "3"])
def test_what_fails_for_now_is_tried_again_while_watching_goes_on(
    run: Runner, watcher: Callable[..., Watcher], jobs: str
) -> None:
    tones(run.folder / "in", 2)
    (run.folder / "in" / "text.mp3").write_bytes(BROKEN["text.mp3"])
    watching = watcher("-j", jobs, VIDCTL_FAILPOINT="copy.write:1:enospc")
    watching.hears("; tried again in 00:05")
    watching.hears("uploaded as podcast", 2)
    time.sleep(3)
    result = watching.end()
    assert result.code == 3, result
    data = result.envelope["data"]
    assert (data["new"], data["failed"], data["left"]) == (2, 1, 0)
    assert [error["code"] for error in result.envelope["errors"]] == ["invalid_media"]
    assert result.err.count("text.mp3: not taken in") == 1, "for good: only when it changes"
    assert result.err.count("tried again") == 1


def test_a_file_that_failed_for_good_is_tried_again_when_it_changes(
    run: Runner, watcher: Callable[..., Watcher]
) -> None:
    file = run.folder / "in" / "talk.wav"
    file.write_bytes(BROKEN["text.mp3"])
    watching = watcher()
    watching.hears("talk.wav: not taken in")
    file.write_bytes(tone(run.folder / "real.wav", seconds=0.5).read_bytes())
    watching.hears("talk.wav: uploaded as podcast talk")
    result = watching.end()
    assert result.code == 3, "what failed did fail"
    assert result.envelope["data"]["new"] == 1


def test_ctrl_c_tells_what_still_waits(run: Runner, watcher: Callable[..., Watcher]) -> None:
    tones(run.folder / "in", 3)
    (run.folder / "in" / "empty.mp4").touch()
    watching = watcher(VIDCTL_FAILPOINT="copy.write:1:enospc")
    watching.hears("; tried again in 00:05")
    result = watching.end()
    assert result.code == 3, result
    (error,) = result.envelope["errors"]
    assert (error["code"], Path(error["item"]).name) == ("disk_full", "talk-0000.wav")
    data = result.envelope["data"]
    assert (data["new"], data["failed"], data["left"]) == (0, 1, 2)
    notes = result.envelope["notes"]
    assert "1 file is still to be tried again" in notes
    assert "2 files not tried" in notes
    assert run.ok("upload", "in/talk-0000.wav", "in/talk-0001.wav", "--json").data["new"] == 2


def test_a_service_that_is_away_is_waited_for(run: Runner, watcher: Callable[..., Watcher]) -> None:
    """After three files in trouble the others are not tried, and nothing ends."""
    with CloudinaryServer() as service:
        run.ok("config", "set", "hosts.cloudinary.api", service.address)
        service.fault = lambda call: "503"
        tones(run.folder / "in", 6)
        words = ("--to", "cloudinary", "-j", "3")
        watching = watcher(*words, CLOUDINARY_URL=service.key_text)
        watching.hears("; tried again in", 3)
        service.fault = None
        watching.hears("uploaded as podcast", 6)
        result = watching.end()
    assert result.code == 0, result
    data = result.envelope["data"]
    assert (data["new"], data["failed"], data["left"]) == (6, 0, 0)
    assert len(service.assets) == 6


def test_a_watched_folder_that_comes_back_is_followed_again(
    run: Runner, watcher: Callable[..., Watcher]
) -> None:
    inbox, away = run.folder / "in", run.folder / "away"
    tones(inbox, 1)
    watching = watcher()
    watching.hears("uploaded as podcast")
    inbox.rename(away)
    watching.hears("the watched folder is gone; waiting for it to come back")
    tones(away, 1, first=5)
    away.rename(inbox)
    watching.hears("uploaded as podcast", 2)
    inbox.rename(away)
    watching.hears("the watched folder is gone", 2)
    result = watching.end()
    assert result.code == 3, result
    assert [error["code"] for error in result.envelope["errors"]] == ["not_found"]
    data = result.envelope["data"]
    assert (data["new"], data["known"]) == (2, 0), "what was given is not given again"


def test_a_limit_ends_watching(run: Runner, watcher: Callable[..., Watcher]) -> None:
    tones(run.folder / "in", 3)
    watching = watcher("--max-items", "2")
    assert watching.process.wait(60) == 8
    assert run.ok("podcasts", "list", "--json").data["total"] == 2


def test_watching_takes_a_file_the_whole_way(run: Runner, spawn: Spawner, library: Path) -> None:
    (run.folder / "in").mkdir()
    captioned(run.folder / "in" / "talk.wav", ["The kingfisher waits."])
    run.ok("config", "set", "embed.engine", "none")
    process = spawn.start("upload", "in", "--watch", "--process", "--json")
    until(lambda: bool(run("search", "kingfisher", "--mode", "text", "--json").data["hits"]))
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


@pytest.mark.parametrize(
    "words", [("talk.wav",), ("in", "in"), ("nothing",), ("in", "--title", "x"), ("-",)]
)
def test_watching_takes_one_folder(run: Runner, library: Path, words: tuple[str, ...]) -> None:
    (run.folder / "in").mkdir()
    tone(run.folder / "talk.wav", seconds=0.2)
    assert run("upload", *words, "--watch").code == 2
