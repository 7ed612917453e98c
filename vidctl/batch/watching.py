"""An upload that follows a folder: what fails for a reason that passes is tried again later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.errors import LibraryLocked, RateLimited, StorageFull, Temporary, VidctlError
from vidctl.sources import Source, Watch
from vidctl.timecode import clock

if TYPE_CHECKING:
    from vidctl.batch.pool import Gate
    from vidctl.batch.tally import Done, Tally
    from vidctl.progress import Report

# What may be different in a while, without anybody touching the file.
PASSING = (LibraryLocked, StorageFull, Temporary)


class Watching:
    """Gives the files of a watched folder out, and again those that failed for now.

    Used by the thread that feeds the others and hears their results.
    """

    def __init__(
        self, folder: Path, gate: Gate, report: Report, *, rest: Callable[[float], None]
    ) -> None:
        self.gate = gate
        self.report = report
        self.watch = Watch(folder, stop=self.is_over, sleep=rest, tell=report.note)
        self._under_way: dict[int, Path] = {}
        self._failed: dict[Path, VidctlError] = {}

    def is_over(self) -> bool:
        """Tell whether watching has ended for a reason that does not pass."""
        halting = self.gate.halting
        return halting is not None and not isinstance(halting, PASSING)

    def sources(self) -> Iterator[tuple[int, Source]]:
        """Yield numbered files until the gate is shut for good, or Ctrl-C."""
        # Ctrl-C is how watching ends. What is at work goes on to its end; a second one ends that.
        with suppress(KeyboardInterrupt):
            for number, path in enumerate(self.watch):
                self._under_way[number] = path
                yield number, Source(path=path, label=str(path))

    def counts(self, done: Done, label: str) -> bool:
        """Hear what became of a file; tell whether that is the last word on it."""
        path = self._under_way.pop(done.number)
        self._failed.pop(path, None)
        error = done.error
        if not isinstance(error, PASSING):
            if error is None:
                self.watch.release()
            return True
        self._failed[path] = error
        least = (error.after or 0.0) if isinstance(error, RateLimited) else 0.0
        pause = self.watch.postpone(path, least=least)
        if isinstance(self.gate.halting, PASSING):
            self.gate.halting = None
            pause = max(pause, self.watch.hold(least=least))
        self.report.finish(label, f"{error.message}; tried again in {clock(pause)}")
        return False

    def close(self, tally: Tally) -> None:
        """Add to a tally what waits, and what is wrong with the folder."""
        waiting = self.watch.waiting.union(self._under_way.values()) - self._failed.keys()
        for error in self._failed.values():
            tally.fail(error)
        if self.watch.trouble is not None:
            tally.fail(self.watch.trouble)
        tally.left += len(waiting)
        failed = len(self._failed)
        if failed:
            are = "file is" if failed == 1 else "files are"
            tally.notes.append(f"{failed:,} {are} still to be tried again")
        tally.notes.append("what waits, or comes meanwhile, is taken in at the next start")
