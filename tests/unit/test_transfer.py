"""Rates, the shared limit, and the reader that knows whether the file is still the same."""

from __future__ import annotations

import hashlib
import os
import threading
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidctl import failpoints
from vidctl.errors import Conflict, NotFound, StorageFailed, UsageError
from vidctl.model.media import Content
from vidctl.ports import Sending
from vidctl.transfer import BURST, Pace, PartReader, parse_rate

# --- rates --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("0", 0),
        ("0M", 0),
        ("1", 1),
        ("1500", 1500),
        ("500K", 500_000),
        ("500k", 500_000),
        ("5M", 5_000_000),
        ("5MB", 5_000_000),
        ("5 MB/s", 5_000_000),
        ("1.5MiB", 1_572_864),
        ("1.5mi", 1_572_864),
        ("2G", 2_000_000_000),
        ("1GiB/s", 1 << 30),
        ("1T", 10**12),
        (" 64KiB ", 65_536),
    ],
)
def test_rates_are_read(text: str, rate: float) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "M", "fast", "-5M", "5X", "5i", "1,5M", "5M/m", "nan", "inf", "1e6", "0.5", "5MM", "٥M"],
)
def test_what_is_no_rate_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_rate(text)
    assert caught.value.hint


# --- pace ---------------------------------------------------------------------------------------


class Alone:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now = 100.0

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def paced(rate: float) -> tuple[Pace, Alone]:
    clock = Alone()
    return Pace(rate, sleep=clock.sleep, clock=lambda: clock.now), clock


@settings(max_examples=300)
@given(
    rate=st.floats(1000, 1e9),
    seconds=st.lists(st.floats(0, 4), min_size=1, max_size=15),
    rests=st.lists(st.floats(0, 3), max_size=20),
)
def test_no_stretch_of_time_carries_more_than_the_rate(
    rate: float, seconds: list[float], rests: list[float]
) -> None:
    """Whenever bytes may leave, all that left since any earlier moment fits rate and burst."""
    pace, clock = paced(rate)
    begun, left = clock.now, 0
    moments = []
    for number, size in enumerate(int(rate * worth) for worth in seconds):
        if number < len(rests):
            clock.now += rests[number]
        start = clock.now
        pace(size)
        left += size
        moments.append((start, clock.now, left - size, left))
    slack = 1 + left * 1e-6
    for start, _, before, _ in moments:
        for _, end, _, after in moments:
            if end >= start:
                assert after - before <= rate * (end - start + BURST) + slack
    assert clock.now - begun <= left / rate + sum(rests) + 1e-3, "and no slower than asked"


def test_a_long_transfer_takes_its_time_exactly() -> None:
    pace, clock = paced(5_000_000)
    begun = clock.now
    for _ in range(1000):
        pace(1_000_000)
    assert clock.now - begun == pytest.approx(200, rel=0.001)


def test_no_rate_never_sleeps() -> None:
    pace, clock = paced(0)
    pace(10**12)
    assert clock.now == 100


def test_nothing_costs_nothing() -> None:
    pace, clock = paced(1000)
    pace(0)
    assert clock.now == 100


class Together:
    """A virtual clock for several threads: it moves when all of them sleep, to the next waking."""

    def __init__(self, threads: int) -> None:
        self.now = 0.0
        self.alive = threads
        self.changed = threading.Condition()
        self.waking: dict[int, float] = {}

    def clock(self) -> float:
        with self.changed:
            return self.now

    def sleep(self, seconds: float) -> None:
        me = threading.get_ident()
        with self.changed:
            self.waking[me] = self.now + seconds
            self._move()
            while me in self.waking:
                self.changed.wait()

    def leave(self) -> None:
        with self.changed:
            self.alive -= 1
            self._move()

    def _move(self) -> None:
        if self.waking and len(self.waking) == self.alive:
            me, self.now = min(self.waking.items(), key=lambda item: item[1])
            del self.waking[me]
            self.changed.notify_all()


def race(work: list[list[int]], rate: float) -> list[list[tuple[float, int]]]:
    """Let one thread per list send its sizes through one Pace; return (moment, size) of each."""
    world = Together(len(work))
    pace = Pace(rate, sleep=world.sleep, clock=world.clock)
    ready = threading.Barrier(len(work))
    sent: list[list[tuple[float, int]]] = [[] for _ in work]

    def send(number: int) -> None:
        ready.wait()
        for size in work[number]:
            pace(size)
            sent[number].append((world.clock(), size))
        world.leave()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    return sent


def test_threads_share_the_rate_and_none_starves() -> None:
    rate, each = 1_000_000.0, 5_000_000
    sent = race([[100_000] * 50 for _ in range(4)], rate)
    ends = [moments[-1][0] for moments in sent]
    total = 4 * each / rate
    assert max(ends) == pytest.approx(total, abs=2 * BURST)
    assert min(ends) >= total * 0.97, "all end together when all send the same"


def test_a_large_part_does_not_shut_out_small_ones() -> None:
    """The slices of 20 MB and the small calls take turns: each gets half of the rate."""
    rate = 1_000_000.0
    large, small = race([[20_000_000], [100_000] * 50], rate)
    assert small[-1][0] == pytest.approx(10, abs=0.5), "5 MB at half of 1 MB/s"
    assert large[-1][0] == pytest.approx(25, abs=0.5)


def test_real_threads_keep_the_rate() -> None:
    pace = Pace(4_000_000)
    begun = time.monotonic()
    threads = [threading.Thread(target=pace, args=(500_000,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - begun >= 0.5 - BURST - 0.01


# --- reading in parts ---------------------------------------------------------------------------


def content_of(data: bytes) -> Content:
    return Content("g1", hashlib.sha256(data).hexdigest(), len(data), ".mp4")


def reader_of(folder: Path, data: bytes, sending: Sending | None = None) -> PartReader:
    path = folder / "talk.mp4"
    path.write_bytes(data)
    return PartReader(path, content_of(data), sending or Sending())


@settings(max_examples=60)
@given(
    data=st.binary(max_size=5000),
    part_size=st.integers(1, 2000),
    skip=st.sets(st.integers(0, 40), max_size=10),
)
def test_the_parts_are_the_file(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, part_size: int, skip: set[int]
) -> None:
    reader = reader_of(tmp_path_factory.mktemp("parts"), data)
    ordinals = []
    for ordinal, offset, part in reader.parts(part_size, skip):
        ordinals.append(ordinal)
        assert offset == ordinal * part_size
        assert (part is None) == (ordinal in skip)
        assert part is None or part == data[offset : offset + part_size]
    assert ordinals == list(range(max(1, -(-len(data) // part_size))))
    assert reader.md5 == hashlib.md5(data).hexdigest()
    reader.verify()


def test_an_empty_file_is_one_empty_part(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, b"")
    assert list(reader.parts(100, ())) == [(0, 0, b"")]
    reader.verify()


def test_part_sizes_below_one_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        next(reader_of(tmp_path, b"abc").parts(0, ()))


Change = Callable[[Path], None]


def shrink(path: Path) -> None:
    os.truncate(path, 700)


def grow(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def flip(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(900)
        file.write(b"\x00")


@pytest.mark.parametrize("change", [shrink, grow, flip])
@pytest.mark.parametrize("is_early", [True, False], ids=["before", "between"])
def test_a_file_that_changed_is_a_conflict(tmp_path: Path, change: Change, is_early: bool) -> None:
    # More than is read ahead, so that the change is seen.
    data = b"\x01" * 1_000 + os.urandom(900_000)
    reader = reader_of(tmp_path, data)
    if is_early:
        change(reader.path)
    with pytest.raises(Conflict, match="changed while it was being sent") as caught:  # noqa: PT012
        parts = reader.parts(100_000, ())
        if not is_early:
            next(parts)
            if change is flip:
                with reader.path.open("r+b") as file:
                    file.seek(850_000)
                    file.write(bytes(10))
            else:
                change(reader.path)
        for _ in parts:
            pass
        reader.verify()
    assert (caught.value.item, bool(caught.value.hint)) == (str(reader.path), True)


@pytest.mark.parametrize("change", [shrink, grow])
def test_a_file_of_another_size_is_seen_before_anything_is_sent(
    tmp_path: Path, change: Change
) -> None:
    reader = reader_of(tmp_path, bytes(2000))
    change(reader.path)
    with pytest.raises(Conflict):
        next(reader.parts(100, ()))


def test_verify_without_reading_to_the_end_is_a_conflict(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, bytes(2000))
    parts = reader.parts(100, ())
    next(parts)
    parts.close()  # type: ignore[attr-defined]
    with pytest.raises(Conflict):
        reader.verify()


def test_a_missing_file_and_a_pipe_are_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        next(PartReader(tmp_path / "none.mp4", content_of(b"x"), Sending()).parts(1, ()))
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(StorageFailed):
        next(PartReader(tmp_path / "pipe.mp4", content_of(b"x"), Sending()).parts(1, ()))


@pytest.mark.parametrize("number", range(1, 7))
def test_a_disk_that_fails_at_any_read_ends_it(tmp_path: Path, number: int) -> None:
    """Five parts and the look past the end are six reads."""
    reader = reader_of(tmp_path, bytes(500))
    failpoints.arm(f"transfer.read:{number}:eio")
    with pytest.raises(StorageFailed):
        list(reader.parts(100, ()))
    assert readers() == []


def readers() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "reader"]


def test_a_host_that_gives_up_leaves_no_thread(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, os.urandom(10_000))

    def send() -> None:
        for _ in reader.parts(1000, ()):
            assert readers() == ["reader"]
            raise RuntimeError("the host failed")

    with pytest.raises(RuntimeError):
        send()
    assert readers() == []


@pytest.mark.parametrize("skip", [(), range(64)], ids=["sent", "skipped"])
def test_memory_holds_a_few_parts_whatever_the_size(tmp_path: Path, skip: range) -> None:
    """64 MB in parts of 1 MB; the file is sparse."""
    path = tmp_path / "large.mp4"
    with path.open("wb") as file:
        file.truncate(64 << 20)
    digest = hashlib.sha256(bytes(64 << 20)).hexdigest()
    reader = PartReader(path, Content("g1", digest, 64 << 20, ".mp4"), Sending())
    tracemalloc.start()
    try:
        for _ in reader.parts(1 << 20, skip):
            pass
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    reader.verify()
    assert peak < 8 << 20


def test_parts_are_read_while_one_is_on_its_way_and_no_more_than_two(tmp_path: Path) -> None:
    reader = reader_of(tmp_path, os.urandom(10_000))
    parts = reader.parts(1000, ())
    next(parts)
    deadline = time.monotonic() + 10
    while reader._size < 3000 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.1)
    assert reader._size == 3000
    for _ in parts:
        pass
    reader.verify()


def test_a_disk_that_hangs_can_be_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a part is asked whether to go on."""
    may_read = threading.Event()
    asked = 0

    def heed() -> None:
        nonlocal asked
        asked += 1
        if asked == 2:
            may_read.set()
            raise KeyboardInterrupt

    reader = reader_of(tmp_path, bytes(1000), Sending(heed=heed))
    read = reader._read
    monkeypatch.setattr(
        reader, "_read", lambda *words, **said: may_read.wait() and read(*words, **said)
    )
    with pytest.raises(KeyboardInterrupt):
        next(reader.parts(100, ()))
    assert readers() == []
