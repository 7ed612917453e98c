"""Progress on stderr: bars on a terminal, one line for each item elsewhere."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from vidctl.cli.text import fit, size, visible
from vidctl.keys import redact
from vidctl.timecode import clock

if TYPE_CHECKING:
    from vidctl.cli.diagnostics import Diagnostics

# Stages whose unit is bytes.
OF_BYTES = frozenset({"hash", "send", "fetch"})
# Seconds that a rate looks back on, and after which a long stage is told of where no bar is.
WINDOW = 10.0
PATIENCE = 30.0


class Rate:
    """How fast bytes move just now: over the last ten seconds, so that a pause shows.

    What was there when the stage began (parts that an earlier run had sent) is no speed.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._seen: deque[tuple[float, float]] = deque()

    def advance(self, done: float) -> None:
        """Hear that ``done`` bytes are through."""
        moment = self._now()
        if self._seen and done < self._seen[-1][1]:
            self._seen.clear()
        self._seen.append((moment, done))
        while len(self._seen) > 2 and self._seen[1][0] < moment - WINDOW:
            self._seen.popleft()

    @property
    def per_second(self) -> float | None:
        """Bytes a second, None as long as nobody can tell."""
        if len(self._seen) < 2:
            return None
        (began, first), (_, last) = self._seen[0], self._seen[-1]
        passed = self._now() - began
        return (last - first) / passed if passed > 0 else None

    def said(self, total: float) -> str:
        """Return progress in words: ``1.2 MB of 3.4 MB, 0.5 MB/s, 00:04 left``."""
        done = self._seen[-1][1] if self._seen else 0.0
        words = [f"{size(int(done))} of {size(int(total))}"]
        speed = self.per_second
        if speed is not None:
            words.append(f"{size(int(speed))}/s")
        if speed and done < total:
            words.append(f"{clock((total - done) / speed)} left")
        return ", ".join(words)


class LineReport:
    """Prints a line when an item is through, and twice a minute about one that takes long."""

    def __init__(
        self,
        diagnostics: Diagnostics,
        *,
        items: bool,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._diagnostics = diagnostics
        self._items = items
        self._now = now
        self._lock = threading.Lock()
        self._stages: dict[str, _Stage] = {}

    def step(self, item: str, stage: str) -> None:
        """Remember what is at work."""
        with self._lock:
            self._stages[item] = _Stage(stage, Rate(self._now), self._now())

    def advance(self, item: str, done: float, total: float) -> None:
        """Print where a long transfer is, now and then."""
        with self._lock:
            stage = self._stages.get(item)
            if stage is None or stage.name not in OF_BYTES or not self._items:
                return
            stage.rate.advance(done)
            if self._now() - stage.told < PATIENCE or done >= total:
                return
            stage.told = self._now()
            said = stage.rate.said(total)
        self._diagnostics.note(f"{item}: {stage.name}, {said}")

    def finish(self, item: str, summary: str) -> None:
        """Print the item's line."""
        self.drop(item)
        if self._items:
            self._diagnostics.note(f"{item}: {summary}")

    def drop(self, item: str) -> None:
        """Forget the item."""
        with self._lock:
            self._stages.pop(item, None)

    def note(self, message: str) -> None:
        """Print a note."""
        self._diagnostics.note(message)

    def close(self) -> None:
        """Nothing is open."""


class _Stage:
    def __init__(self, name: str, rate: Rate, began: float) -> None:
        self.name = name
        self.rate = rate
        self.told = began


class BarReport:
    """Draws one bar for each item at work, and leaves a line behind for each that is through."""

    def __init__(self, diagnostics: Diagnostics) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        console = Console(
            stderr=True, highlight=False, no_color=not diagnostics.has_color, markup=False
        )
        self._progress = Progress(
            TextColumn("{task.fields[label]}", markup=False),
            TextColumn("{task.fields[stage]}", markup=False),
            BarColumn(bar_width=12),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[said]}", markup=False),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._lock = threading.Lock()
        self._tasks: dict[str, Any] = {}
        self._stages: dict[str, _Stage] = {}
        self._progress.start()

    def step(self, item: str, stage: str) -> None:
        """Show the stage beside the item's bar."""
        with self._lock:
            if item not in self._tasks:
                label = fit(visible(item), 20)
                self._tasks[item] = self._progress.add_task(
                    "", label=label, stage=stage, said="", total=None
                )
            self._stages[item] = _Stage(stage, Rate(), 0.0)
            # ``reset`` would drop the other fields if it were given one.
            self._progress.reset(self._tasks[item], total=None)
            self._progress.update(self._tasks[item], stage=stage, said="")

    def advance(self, item: str, done: float, total: float) -> None:
        """Move the item's bar; bytes are told with their rate and the time that is left."""
        with self._lock:
            task, stage = self._tasks.get(item), self._stages.get(item)
            if task is None or stage is None:
                return
            said = ""
            if stage.name in OF_BYTES:
                stage.rate.advance(done)
                said = stage.rate.said(total)
            self._progress.update(task, completed=done, total=total or None, said=said)

    def finish(self, item: str, summary: str) -> None:
        """Replace the item's bar by a line."""
        self.drop(item)
        self._progress.console.print(visible(redact(f"{item}: {summary}")), soft_wrap=True)

    def drop(self, item: str) -> None:
        """Take the item's bar away."""
        with self._lock:
            task = self._tasks.pop(item, None)
            self._stages.pop(item, None)
        if task is not None:
            self._progress.remove_task(task)

    def note(self, message: str) -> None:
        """Print a note above the bars."""
        self._progress.console.print(visible(redact(message)), soft_wrap=True)

    def close(self) -> None:
        """Take the bars away."""
        self._progress.stop()
