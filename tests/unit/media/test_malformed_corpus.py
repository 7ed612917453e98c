"""Five hundred broken and hostile files: each is understood or refused in words, and in time."""

from __future__ import annotations

import ctypes
import math
import os
import socketserver
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from harness import Runner
from hypothesis import given, settings
from hypothesis import strategies as st
from malformed_files import Good, corpus
from media_samples import make_audio

from vidctl.cli.exits import ExitCode
from vidctl.errors import InvalidMedia, NotFound, PermissionRefused, VidctlError
from vidctl.journey.episode import described
from vidctl.media.probe import LONGEST
from vidctl.media.sandbox import Sandbox
from vidctl.model.media import Probe
from vidctl.model.properties import checked_properties

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs inotify and /proc")

MEMORY = 1 << 30
SECONDS = 8.0
LONGEST_CALL = 10.0
ALLOWED = (InvalidMedia, NotFound, PermissionRefused)
IN_ACCESS, IN_OPEN = 0x1, 0x20
MARK = "CANARY"


class Watch:
    """Hears of every opening and reading of a file (inotify)."""

    def __init__(self, path: Path) -> None:
        library = ctypes.CDLL(None, use_errno=True)
        self.fd = library.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        watched = library.inotify_add_watch(self.fd, os.fsencode(path), IN_OPEN | IN_ACCESS)
        assert min(self.fd, watched) >= 0, os.strerror(ctypes.get_errno())

    def was_touched(self) -> bool:
        try:
            return bool(os.read(self.fd, 4096))
        except BlockingIOError:
            return False


@pytest.fixture
def visits() -> Iterator[tuple[str, list[Any]]]:
    """A web server that only notes who comes; its address and its visitors."""
    seen: list[Any] = []

    class Door(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            seen.append(self.client_address)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Door) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", seen
        server.shutdown()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(workers=2, seconds=SECONDS, memory=MEMORY)
    yield sandbox
    sandbox.close()


def outcome(sandbox: Sandbox, path: Path, target: Path) -> tuple[Probe | VidctlError, float]:
    """Probe a file, and make a picture of what can be probed; return what came of it, and when."""
    began = time.monotonic()
    found: Probe | VidctlError
    try:
        found = sandbox.probe(path)
        sandbox.thumbnail(path, target / f"{threading.get_ident()}.jpg")
    except VidctlError as error:
        found = error
    return found, time.monotonic() - began


def complaint(found: Probe | VidctlError, seconds: float) -> str:
    """Say what is wrong with an outcome, empty for nothing."""
    if seconds > 2 * LONGEST_CALL:
        return f"took {seconds:.1f} s"
    if isinstance(found, VidctlError):
        is_said = isinstance(found, ALLOWED) and found.message and found.item
        is_ours = "confused" not in found.message and "crashed" not in found.message
        return "" if is_said and is_ours else f"{found!r} {getattr(found, '__notes__', '')}"
    facts = (found.duration, found.fps or 1.0, found.promised or 0.0)
    is_sane = all(math.isfinite(fact) and 0 <= fact <= LONGEST for fact in facts)
    is_kind = found.kind in ("video", "audio") and len(found.streams) <= found.stream_count
    is_kept = all(0 <= each.start < each.end <= LONGEST for each in found.chapters)
    checked_properties("podcast", described(found, "podcast"))
    return "" if is_sane and is_kind and is_kept and MARK not in repr(found) else repr(found)


def test_every_file_is_understood_or_refused(
    sandbox: Sandbox, visits: tuple[str, list[Any]], tmp_path: Path
) -> None:
    address, visitors = visits
    canary = make_audio(tmp_path / "canary.mp3", 3, codec="libmp3lame", tags={"title": MARK})
    files = corpus(tmp_path / "files", Good(tmp_path / "good"), canary, address)
    (tmp_path / "files" / canary.name).symlink_to(canary)
    (tmp_path / "out").mkdir()
    watch = Watch(canary)

    began = time.monotonic()
    with ThreadPoolExecutor(2) as threads:
        found = list(threads.map(lambda path: outcome(sandbox, path, tmp_path / "out"), files))
    total = time.monotonic() - began

    pairs = zip(files, found, strict=True)
    wrong = {path.name: what for path, each in pairs if (what := complaint(*each))}
    assert wrong == {}
    assert len(files) >= 423
    # Neither all refused nor all believed: the test would prove nothing.
    assert 100 < sum(isinstance(each, Probe) for each, _ in found) < len(files) - 200
    assert not watch.was_touched()
    assert visitors == []
    assert total < 60
    canary.read_bytes()
    assert watch.was_touched(), "the watch hears nothing at all"


def test_a_name_is_never_taken_for_an_address(
    sandbox: Sandbox, visits: tuple[str, list[Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    address, visitors = visits
    canary = make_audio(tmp_path / "canary.mp3", 1, codec="libmp3lame", tags={"title": MARK})
    monkeypatch.chdir(tmp_path)
    watch = Watch(canary)
    names = ["concat:canary.mp3", "file:canary.mp3", "cache:canary.mp3", "async:canary.mp3"]
    names += ["subfile,,start,0,end,0,,:canary.mp3", "data:audio/mp3;base64,AAAA", "pipe:0", "fd:"]
    names += ["-i", "--help", "canary%2Emp3", "canary*.mp3", "@canary.mp3", f"{address}/a.mp4"]
    for name in names:
        with pytest.raises(NotFound) as caught:
            sandbox.probe(Path(name))
        assert caught.value.item == str(Path(name))
    assert not watch.was_touched()
    assert visitors == []


@pytest.mark.usefixtures("library")
def test_the_command_line_survives_them(run: Runner, tmp_path: Path) -> None:
    canary = make_audio(tmp_path / "canary.mp3", 1, codec="libmp3lame")
    files = corpus(tmp_path / "files", Good(tmp_path / "good"), canary, "http://127.0.0.1:9")
    special = [path for path in files if not os.path.isfile(path)]
    some = [path for path in files if os.path.isfile(path)][::11]
    done = run("upload", "--json", *some)
    assert done.code == ExitCode.PARTIAL, done.err
    told = done.envelope
    assert len(told["errors"]) > 10
    assert all(error["message"] and error["item"] for error in told["errors"])
    refused = (ExitCode.FAILED, ExitCode.PARTIAL, ExitCode.NOT_FOUND)
    for path in special:
        if path.is_relative_to(tmp_path) and not os.path.isdir(path):
            answer = run("upload", path)
            assert answer.code in refused, (path, answer)
            assert "error:" in answer.err


@settings(max_examples=60)
@given(share=st.floats(0, 1), shape=st.sampled_from(["mp4", "mov", "mkv", "mp3", "flac", "ogg"]))
def test_a_file_cut_anywhere(
    share: float, shape: str, cuttable: tuple[Sandbox, Good, Path]
) -> None:
    sandbox, good, folder = cuttable
    path = folder / f"cut.{shape}"
    path.write_bytes(good[shape][: int(len(good[shape]) * share)])
    try:
        found = sandbox.probe(path)
    except InvalidMedia:
        return
    assert 0 < found.duration < 1.2
    assert found.promised is None or found.promised > found.duration


@pytest.fixture(scope="module")
def cuttable(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Sandbox, Good, Path]]:
    folder = tmp_path_factory.mktemp("cut")
    sandbox = Sandbox(workers=1)
    yield sandbox, Good(folder / "good"), folder
    sandbox.close()
