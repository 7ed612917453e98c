"""A watched folder: what is complete is given once, what is not is waited for."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from vidctl.errors import NotFound, UsageError
from vidctl.sources.watch import EMPTY, FIRST_PAUSE, LONGEST_PAUSE, SHARE, Watch, is_unfinished

Script = dict[float, Callable[[], object]]


class World:
    """A clock that sleeping moves, and things that happen at moments of it."""

    def __init__(self, folder: Path, script: Script, *, until: float = 20.0) -> None:
        self.folder = folder
        self.script = dict(sorted(script.items()))
        self.until = until
        self.now = 0.0
        self.given: list[tuple[float, str]] = []
        self.told: list[tuple[float, str]] = []

    def sleep(self, seconds: float) -> None:
        self.now = round(self.now + seconds, 6)
        for moment in [moment for moment in self.script if moment <= self.now]:
            self.script.pop(moment)()

    def run(self, *, settle: float = 2.0, busy: float = 0.0) -> list[tuple[float, str]]:
        """Watch until ``until`` and return moment and name of what was given."""
        self.watch = Watch(
            self.folder,
            settle=settle,
            poll=0.5,
            stop=lambda: self.now >= self.until,
            sleep=self.sleep,
            clock=lambda: self.now,
            tell=lambda message: self.told.append((self.now, message)),
        )
        for path in self.watch:
            self.given.append((self.now, str(path.relative_to(self.folder))))
            if busy:
                self.sleep(busy)
            self.hear(path)
        return self.given

    def hear(self, path: Path) -> None:
        """Do with a file what a test wants to do with it."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


def write(path: Path, text: str = "media") -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


def append(path: Path) -> Callable[[], object]:
    def act() -> None:
        with path.open("a") as file:
            file.write("more")

    return act


def test_files_that_are_there_are_given_in_order(folder: Path) -> None:
    for name in ("b.mp4", "a.MP3", "sub/c.wav", "notes.txt", "d"):
        write(folder / name)
    assert World(folder, {}).run() == [(2, "a.MP3"), (2, "b.mp4"), (2, "sub/c.wav")]


def test_a_file_is_given_when_it_has_stopped_growing(folder: Path) -> None:
    file = folder / "a.mp4"
    script: Script = {3.0: lambda: write(file), 4.0: append(file), 5.5: append(file)}
    assert World(folder, script).run() == [(7.5, "a.mp4")]


def test_a_file_written_in_place_is_waited_for(folder: Path) -> None:
    """Some programs make the file at its full size first; then only its time changes."""
    file = write(folder / "a.mp4", "0" * 100)

    def fill(mtime: int) -> Callable[[], object]:
        return lambda: os.utime(file, ns=(mtime, mtime))

    script: Script = {moment: fill(int(moment * 10)) for moment in (1.0, 2.0, 3.0)}
    assert World(folder, script).run() == [(5, "a.mp4")]


def test_a_file_that_changes_later_is_given_again(folder: Path) -> None:
    file = write(folder / "a.mp4")
    assert World(folder, {10.0: append(file)}).run() == [(2, "a.mp4"), (12, "a.mp4")]


def test_unfinished_names_wait_for_their_final_one(folder: Path) -> None:
    part = write(folder / "a.mp4.part")
    hidden = write(folder / ".b.mp4.Xy12Zz")
    temporary = write(folder / ".vidctl-tmp-00ff.mp4")
    script: Script = {
        5.0: lambda: part.rename(folder / "a.mp4"),
        6.0: lambda: hidden.rename(folder / "b.mp4"),
        7.0: temporary.unlink,
    }
    assert World(folder, script).run() == [(7, "a.mp4"), (8, "b.mp4")]


@pytest.mark.parametrize(
    "name",
    [
        *("a.mp4.part", "a.mp4.crdownload", "a.mp4.tmp", "a.mp4.download", "a.mp4~", "a.MP4.PART"),
        *(".a.mp4", "~$a.mp4", ".vidctl-tmp-12.mp4", "a.part.mp4", "a.tmp.mp4", "a.temp.mkv"),
        *("a.mp4.aria2", "a.mp4.opdownload", "a.mp4.filepart", "a.mp4.partial"),
    ],
)
def test_names_of_what_is_not_finished(name: str, folder: Path) -> None:
    assert is_unfinished(name)
    write(folder / name)
    assert World(folder, {}, until=5).run() == []


@pytest.mark.parametrize("name", ["a.mp4", "part.mp4", "party.mp4", "a~.mp4", "my.tmpl.mp4"])
def test_names_of_what_is(name: str) -> None:
    assert not is_unfinished(name)


def test_files_that_go_or_move_are_no_trouble(folder: Path) -> None:
    gone, moved, back = (write(folder / name) for name in ("gone.mp4", "moved.mp4", "back.mp4"))
    script: Script = {
        1.0: gone.unlink,
        5.0: lambda: moved.rename(folder / "elsewhere.mp4"),
        8.0: back.unlink,
        12.0: lambda: write(back, "other"),
    }
    assert World(folder, script).run() == [
        (2, "back.mp4"),
        (2, "moved.mp4"),
        (7, "elsewhere.mp4"),
        (14, "back.mp4"),
    ]


def test_a_file_that_goes_while_another_is_taken_is_not_given(folder: Path) -> None:
    write(folder / "a.mp4")
    gone, grown = write(folder / "b.mp4"), write(folder / "c.mp4")
    script: Script = {4.0: gone.unlink, 5.0: append(grown)}
    assert World(folder, script, until=30).run(busy=6) == [(2, "a.mp4"), (10.5, "c.mp4")]


def test_empty_files_pipes_and_folders_are_left_alone(folder: Path, tmp_path: Path) -> None:
    (folder / "empty.mp4").touch()
    os.mkfifo(folder / "pipe.mp4")
    (folder / "folder.mp4").mkdir()
    (folder / "dangling.mp4").symlink_to(tmp_path / "none")
    (folder / "round").symlink_to(folder)
    write(folder / ".git" / "a.mp4")
    (folder / "link.mp4").symlink_to(write(tmp_path / "elsewhere.mp4"))
    filled: Script = {6.0: lambda: write(folder / "empty.mp4")}
    assert World(folder, filled).run() == [(2, "link.mp4"), (8, "empty.mp4")]


def test_a_folder_below_may_come_and_go(folder: Path) -> None:
    write(folder / "sub" / "a.mp4")
    script: Script = {
        4.0: lambda: shutil.rmtree(folder / "sub"),
        6.0: lambda: write(folder / "new" / "b.mp4"),
    }
    assert World(folder, script).run() == [(2, "sub/a.mp4"), (8, "new/b.mp4")]


def test_a_watched_folder_that_goes_is_told_once_and_waited_for(
    folder: Path, tmp_path: Path
) -> None:
    """A network drive that comes back has the same files: they are not given again."""
    write(folder / "a.mp4")
    away = tmp_path / "away"
    script: Script = {
        4.0: lambda: folder.rename(away),
        8.0: lambda: away.rename(folder),
        9.0: lambda: write(folder / "b.mp4"),
    }
    world = World(folder, script)
    assert world.run() == [(2, "a.mp4"), (11, "b.mp4")]
    (left, gone), (came, back) = world.told
    assert (left, came) == (4, 8)
    assert "the watched folder is gone" in gone
    assert "is back" in back
    assert world.watch.trouble is None


def test_a_file_that_waits_is_not_given_while_its_folder_is_gone(
    folder: Path, tmp_path: Path
) -> None:
    write(folder / "a.mp4")
    world = World(folder, {1.0: lambda: folder.rename(tmp_path / "away")}, until=30)
    assert world.run() == []
    assert len(world.told) == 1, "once, however long it lasts"
    assert isinstance(world.watch.trouble, NotFound)
    assert world.watch.trouble.item == str(folder)
    assert world.watch.waiting == {folder / "a.mp4"}


def test_what_is_postponed_comes_again_after_pauses_that_grow(folder: Path) -> None:
    write(folder / "a.mp4")
    world = World(folder, {}, until=2000)
    world.hear = lambda path: world.watch.postpone(path)  # type: ignore[method-assign]
    moments = [moment for moment, _ in world.run()]
    pauses = [later - earlier for earlier, later in itertools.pairwise(moments)]
    expected = [FIRST_PAUSE * 2**n for n in range(6)]
    assert pauses[:6] == pytest.approx(expected, abs=0.5)
    assert set(pauses[6:]) == {LONGEST_PAUSE}
    assert world.watch.waiting == {folder / "a.mp4"}


def test_a_service_that_names_a_pause_is_given_it(folder: Path) -> None:
    write(folder / "a.mp4")
    world = World(folder, {}, until=100)
    world.hear = lambda path: world.watch.postpone(path, least=42)  # type: ignore[method-assign]
    assert [moment for moment, _ in world.run()] == [2, 44, 86]


def test_a_postponed_file_that_changes_comes_when_it_is_complete(folder: Path) -> None:
    file = write(folder / "a.mp4")
    world = World(folder, {3.0: append(file)})
    world.hear = lambda path: world.watch.postpone(path)  # type: ignore[method-assign]
    assert world.run()[:2] == [(2, "a.mp4"), (5, "a.mp4")]


def test_nothing_is_given_while_everything_is_held(folder: Path) -> None:
    for name in "abc":
        write(folder / f"{name}.mp4")
    world = World(folder, {}, until=30)
    held = []

    def hear(path: Path) -> None:
        if path.name != "c.mp4":
            held.append(world.watch.hold())

    world.hear = hear  # type: ignore[method-assign]
    assert world.run() == [(2, "a.mp4"), (7, "b.mp4"), (17, "c.mp4")]
    assert held == [FIRST_PAUSE, 2 * FIRST_PAUSE]


def test_holding_twice_at_once_is_one_pause(folder: Path) -> None:
    watch = Watch(folder, clock=lambda: 0.0)
    assert [watch.hold(), watch.hold()] == [FIRST_PAUSE, FIRST_PAUSE]
    watch.release()


def test_files_that_stay_empty_are_told_once(folder: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        (folder / name).touch()
    script: Script = {
        10.0: lambda: (folder / "late.mp4").touch(),
        150.0: lambda: write(folder / "a.mp4"),
    }
    world = World(folder, script, until=200)
    assert world.run() == [(152, "a.mp4")]
    assert world.told == [
        (EMPTY, "a.mp4 and 1 more are empty: taken in when something is in it"),
        (EMPTY + 10, "late.mp4 is empty: taken in when something is in it"),
    ]


def test_what_is_no_folder_is_a_mistake(tmp_path: Path) -> None:
    for path in (tmp_path / "none", write(tmp_path / "a.mp4")):
        with pytest.raises(UsageError):
            Watch(path)


def test_a_request_to_stop_is_heard_between_files(folder: Path) -> None:
    for number in range(5):
        write(folder / f"{number}.mp4")
    world = World(folder, {}, until=6)
    assert [name for _, name in world.run(busy=2)] == ["0.mp4", "1.mp4"]


def test_looking_takes_a_share_of_the_time(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that takes 3 seconds is followed by 27 of rest, in steps that hear a stop."""
    looks: list[float] = []
    world = World(folder, {}, until=100)
    real = os.scandir

    def slow(path: str) -> object:
        looks.append(world.now)
        world.now += 3
        return real(path)

    monkeypatch.setattr(os, "scandir", slow)
    world.run()
    assert looks == [0, 30, 60, 90]
    assert SHARE == 0.1


def test_thousands_of_files_are_looked_through_quickly(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5000):
        (folder / f"{number:05}.mp4").write_bytes(b"x")
    looks = 0
    real = os.scandir

    def count(path: str) -> object:
        nonlocal looks
        looks += 1
        return real(path)

    monkeypatch.setattr(os, "scandir", count)
    begun = time.process_time()
    # Nothing settles, so that all of the time goes into looking.
    files = Watch(folder, settle=3600, stop=lambda: looks >= 10, sleep=lambda seconds: None)
    assert list(files) == []
    assert looks == 10
    assert (time.process_time() - begun) / looks < 0.25, "seconds for a look; 0.04 are usual"


def test_it_works_in_real_time(folder: Path) -> None:
    over = threading.Event()
    file = folder / "growing.mp4"

    def grow() -> None:
        with file.open("wb", buffering=0) as handle:
            for _ in range(10):
                handle.write(bytes(1000))
                time.sleep(0.05)

    writer = threading.Thread(target=grow)
    writer.start()
    sizes = []
    for path in Watch(folder, settle=0.3, poll=0.05, stop=over.is_set):
        assert path == file
        sizes.append(path.stat().st_size)
        over.set()
    writer.join()
    assert sizes == [10_000]


def test_ctrl_c_ends_it(folder: Path) -> None:
    def interrupted(seconds: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        next(iter(Watch(folder, sleep=interrupted)))
