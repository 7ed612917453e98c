"""The child processes that read media files: what they may, and what becomes of bad ones."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest
from harness import Spawner
from media_samples import cut, make_video, sine

from vidctl.errors import InvalidMedia, NotFound, StorageFailed, Temporary, TruncatedMedia
from vidctl.media import sandbox as module
from vidctl.media.loudness import loudness
from vidctl.media.probe import probe
from vidctl.media.sandbox import Sandbox
from vidctl.media.thumbnail import thumbnail
from vidctl.model.media import Probe

Sample = Callable[[str], Path]
on_linux = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    sandbox = Sandbox(workers=2)
    yield sandbox
    sandbox.close()


def children(sandbox: Sandbox) -> list[int]:
    return sorted(child._process.pid for child in sandbox._children)


def is_running(pid: int) -> bool:
    """Tell whether a process does something; a zombie does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def wait_until(claim: Callable[[], bool], seconds: float = 20.0) -> None:
    end = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < end, "it did not come true"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sound of which measuring the loudness takes seconds."""
    path = sine(tmp_path_factory.mktemp("long") / "long.wav", [(-20, 20)])
    content = path.read_bytes()
    data = content[44:] * 100
    head = content[:4] + (len(data) + 36).to_bytes(4, "little") + content[8:40]
    path.write_bytes(head + len(data).to_bytes(4, "little") + data)
    return path


# --- the same answers as without ----------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "mp3", "ogg"])
def test_a_child_sees_what_this_process_sees(suffix: str, sandbox: Sandbox, sample: Sample) -> None:
    path = sample(suffix)
    assert sandbox.probe(path) == probe(path)
    assert sandbox.probe(path, verify=False) == probe(path, verify=False)
    assert sandbox.loudness(path) == loudness(path)


def test_a_probe_survives_json(sample: Sample) -> None:
    found = probe(sample("mp4"))
    assert Probe.from_json(found.to_json()) == found


def test_a_picture(sandbox: Sandbox, sample: Sample, tmp_path: Path) -> None:
    second = sandbox.thumbnail(sample("mp4"), tmp_path / "child.jpg", width=80)
    assert second == thumbnail(sample("mp4"), tmp_path / "here.jpg", width=80)
    assert (tmp_path / "child.jpg").read_bytes() == (tmp_path / "here.jpg").read_bytes()
    assert sandbox.thumbnail(sample("wav"), tmp_path / "none.jpg") is None


def test_errors_are_those_of_this_process(
    sandbox: Sandbox, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    cut(sample("m4a"), Path("cut.m4a"), 0.5)
    Path("text.mp4").write_text("hello")
    for name, kind in (
        ("cut.m4a", TruncatedMedia),
        ("text.mp4", InvalidMedia),
        ("gone.mp4", NotFound),
    ):
        with pytest.raises(kind) as here:
            probe(Path(name))
        with pytest.raises(kind) as there:
            sandbox.probe(Path(name))
        said = [
            (type(each.value), each.value.message, each.value.hint, each.value.item)
            for each in (here, there)
        ]
        assert said[0] == said[1]
        assert there.value.item == name


def test_names_that_are_no_text(sandbox: Sandbox, sample: Sample, tmp_path: Path) -> None:
    for name in (b"caf\xe9.mp3", "новый\nряд.mp3".encode(), b'"{}\\.mp3'):
        path = tmp_path / os.fsdecode(name)
        path.write_bytes(sample("mp3").read_bytes())
        assert sandbox.probe(path).duration == 8.0


def test_only_what_is_in_the_table_can_be_called(sandbox: Sandbox, sample: Sample) -> None:
    for name in ("os:system", "vidctl.media.probe:probe", "", "__import__"):
        with pytest.raises(TypeError, match="table of calls"):
            sandbox.call(name, path=sample("mp3"))
    with pytest.raises(TypeError, match="colour"):
        sandbox.call("probe", path=sample("mp3"), colour=1)
    assert sandbox.probe(sample("mp3")).kind == "audio"


# --- one pool for many threads ------------------------------------------------------------------


def test_many_files_share_few_children(sandbox: Sandbox, sample: Sample) -> None:
    paths = [sample(suffix) for suffix in ("mp3", "wav", "flac", "ogg")] * 15
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(sandbox.probe, paths))
    assert [each.size for each in found] == [path.stat().st_size for path in paths]
    assert len(children(sandbox)) <= 2
    before = children(sandbox)
    sandbox.probe(paths[0])
    assert children(sandbox) == before


def test_nothing_starts_before_it_is_needed() -> None:
    assert children(Sandbox()) == []


def test_a_child_is_replaced_after_many_files(
    sandbox: Sandbox, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RECYCLED_AFTER", 2)
    seen = set()
    for _ in range(4):
        sandbox.probe(sample("mp3"))
        seen |= set(children(sandbox))
    assert len(seen) == 2
    assert children(sandbox) == []


def test_a_closed_sandbox_leaves_no_process(sandbox: Sandbox, sample: Sample) -> None:
    sandbox.probe(sample("mp3"))
    (pid,) = children(sandbox)
    sandbox.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert sandbox.probe(sample("mp3")).kind == "audio"


def test_a_forgotten_sandbox_leaves_no_process(sample: Sample) -> None:
    sandbox = Sandbox()
    sandbox.probe(sample("mp3"))
    (pid,) = children(sandbox)
    del sandbox
    gc.collect()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


# --- limits -------------------------------------------------------------------------------------


def test_a_file_that_takes_too_long(sandbox: Sandbox, long: Path, sample: Sample) -> None:
    sandbox.probe(sample("mp3"))
    before = children(sandbox)
    began = time.monotonic()
    with pytest.raises(InvalidMedia, match=r"could not be read within 1 s") as caught:
        sandbox.call("loudness", limit=1.0, path=long)
    assert time.monotonic() - began < 4
    assert caught.value.item == str(long)
    assert caught.value.hint
    assert sandbox.probe(sample("mp3")).kind == "audio"
    assert not set(children(sandbox)) & set(before)


def test_big_files_get_more_time(sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "big"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)
    assert sandbox._limit([path], 60.0) == 1060.0
    assert sandbox._limit([tmp_path / "gone", Path("nul\0")], 60.0) == 60.0


@on_linux
def test_a_file_that_needs_too_much_memory(sample: Sample, tmp_path: Path) -> None:
    path = make_large_picture(tmp_path / "large.mkv")
    small, large = Sandbox(workers=1, memory=64 << 20), Sandbox(workers=1, memory=1 << 30)
    with pytest.raises(InvalidMedia, match="took more than 64 MiB of memory") as caught:
        small.probe(path)
    assert "smaller" in caught.value.hint
    assert small.probe(sample("mp3")).kind == "audio"
    assert large.probe(path).width == 9000
    small.close()
    large.close()


def make_large_picture(path: Path) -> Path:
    from fractions import Fraction

    import av
    import numpy as np

    with av.open(str(path), "w") as output:
        stream = output.add_stream("mjpeg", rate=1)
        stream.width = stream.height = 9000
        stream.pix_fmt = "yuvj420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((9000, 9000, 3), np.uint8), format="rgb24")
        frame.pts, frame.time_base = 0, Fraction(1)
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            output.mux(packet)
    return path


@on_linux
def test_a_picture_that_is_too_big_to_write(sample: Sample, tmp_path: Path) -> None:
    sandbox = Sandbox(workers=1, output=500)
    with pytest.raises(StorageFailed):
        sandbox.thumbnail(sample("mp4"), tmp_path / "a.jpg")
    assert list(tmp_path.iterdir()) == []
    sandbox.close()


@on_linux
def test_a_child_has_limits_and_no_secrets(
    sandbox: Sandbox, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "CLOUDINARY_URL", "VIDCTL_KEY_S3")
    for name in (*secrets, "GITHUB_TOKEN", "DATABASE_PASSWORD"):
        monkeypatch.setenv(name, "canary-9f3c")
    sandbox.probe(sample("mp3"))
    (pid,) = children(sandbox)
    told = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"canary-9f3c" not in told
    limits = {
        line[:25].strip(): line[26:47].strip()
        for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
    }
    assert limits["Max core file size"] == "0"
    assert limits["Max file size"] == str(module.LARGEST_OUTPUT)
    assert module.MEMORY < int(limits["Max address space"]) < module.MEMORY + (1 << 30)
    assert os.getpriority(os.PRIO_PROCESS, pid) == os.getpriority(os.PRIO_PROCESS, 0)
    descriptors = [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    assert [each for each in descriptors if "socket" in each or str(sample("mp3")) in each] == []


def test_a_module_in_the_working_folder_is_not_imported(
    sandbox: Sandbox, sample: Sample, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("av.py", "json.py", "numpy.py", "sitecustomize.py"):
        (tmp_path / name).write_text("open('imported', 'w')\nraise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    assert sandbox.probe(sample("mp3")).kind == "audio"
    assert not (tmp_path / "imported").exists()


# --- children that die --------------------------------------------------------------------------


@on_linux
@pytest.mark.parametrize(
    ("number", "said"),
    [
        (signal.SIGSEGV, "crashed the decoder"),
        (signal.SIGABRT, "crashed the decoder"),
        (signal.SIGKILL, "of memory"),
    ],
)
def test_a_child_that_dies_at_work(
    number: signal.Signals, said: str, sandbox: Sandbox, long: Path, sample: Sample
) -> None:
    with ThreadPoolExecutor(2) as threads:
        work = threads.submit(sandbox.loudness, long)
        wait_until(lambda: len(children(sandbox)) == 1)
        (pid,) = children(sandbox)
        wait_until(lambda: has_opened(pid, long))
        # Others go on.
        assert threads.submit(sandbox.probe, sample("mp3")).result(30).kind == "audio"
        os.kill(pid, number)
        with pytest.raises(InvalidMedia, match=said):
            work.result(30)
    assert sandbox.probe(sample("mp3")).kind == "audio"
    assert pid not in children(sandbox)


def has_opened(pid: int, path: Path) -> bool:
    with suppress(OSError):
        return str(path) in [os.readlink(each) for each in Path(f"/proc/{pid}/fd").iterdir()]
    return False


@on_linux
def test_harm_done_by_the_file_before_costs_nothing(sandbox: Sandbox, sample: Sample) -> None:
    """The child dies while it has nothing to do, or just as the next file comes."""
    for _ in range(10):
        sandbox.probe(sample("mp3"))
        (pid,) = children(sandbox)
        os.kill(pid, signal.SIGSEGV)
        assert sandbox.probe(sample("wav")).kind == "audio"


@on_linux
def test_children_end_with_a_parent_that_is_killed(spawn: Spawner, long: Path) -> None:
    """Also in the midst of their work."""
    code = (
        "import sys, threading, time\nfrom pathlib import Path\n"
        "from vidctl.media.sandbox import Sandbox\n"
        "sandbox = Sandbox()\n"
        "threading.Thread(target=sandbox.loudness, args=(Path(sys.argv[1]),)).start()\n"
        "while not sandbox._children: time.sleep(0.01)\n"
        "print(next(iter(sandbox._children))._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(long)], stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        wait_until(lambda: has_opened(pid, long))
        assert is_running(pid)
        parent.kill()
        wait_until(lambda: not is_running(pid), 5)


@on_linux
def test_an_interrupt_in_the_terminal_is_for_the_parent(sandbox: Sandbox, sample: Sample) -> None:
    sandbox.probe(sample("mp3"))
    (pid,) = children(sandbox)
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGINT)
    sandbox.probe(sample("mp3"))
    assert children(sandbox) == [pid]


def test_closing_interrupts_what_still_runs(sandbox: Sandbox, long: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        work = threads.submit(sandbox.loudness, long)
        wait_until(lambda: len(children(sandbox)) == 1)
        sandbox.close()
        with pytest.raises(Temporary, match="interrupted"):
            work.result(30)


def test_an_interrupted_call_costs_its_child(
    sandbox: Sandbox, sample: Sample, long: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An answer that nobody waited for must not be taken for the next one's."""
    sandbox.probe(sample("mp3"))
    (child,) = sandbox._children

    def interrupted(request: object, seconds: float) -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "ask", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sandbox.loudness(long)
    assert children(sandbox) == []
    assert sandbox.probe(sample("mp3")).size == sample("mp3").stat().st_size


@pytest.mark.parametrize(
    ("program", "said"),
    [("/nowhere/python", "cannot be started"), ("/bin/false", "does not start")],
)
def test_no_child_can_be_started(
    program: str, said: str, sandbox: Sandbox, sample: Sample, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", program)
    with pytest.raises(StorageFailed, match=said) as caught:
        sandbox.probe(sample("mp3"))
    assert caught.value.hint
    monkeypatch.undo()
    assert sandbox.probe(sample("mp3")).kind == "audio"
    assert threading.active_count() < 20


def test_a_video_of_a_telephone(sandbox: Sandbox, tmp_path: Path) -> None:
    found = sandbox.probe(make_video(tmp_path / "a.mp4", 1, rotation=90))
    assert (found.rotation, found.width, found.height) == (90, 90, 160)
    video, audio = found.streams
    assert (video.type, video.width, video.height, video.fps) == ("video", 160, 90, 10.0)
    assert (audio.type, audio.channels, audio.layout) == ("audio", 1, "mono")
