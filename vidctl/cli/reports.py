"""Progress on stderr: bars on a terminal, one line for each item elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vidctl.cli.text import fit, visible

if TYPE_CHECKING:
    from vidctl.cli.diagnostics import Diagnostics


class LineReport:
    """Prints a line when an item is through, and nothing between."""

    def __init__(self, diagnostics: Diagnostics, *, items: bool) -> None:
        self._diagnostics = diagnostics
        self._items = items

    def step(self, item: str, stage: str) -> None:
        """Stay silent; only the end of an item is a line."""

    def advance(self, item: str, done: float, total: float) -> None:
        """Stay silent."""

    def finish(self, item: str, summary: str) -> None:
        """Print the item's line."""
        if self._items:
            self._diagnostics.note(f"{item}: {summary}")

    def note(self, message: str) -> None:
        """Print a note."""
        self._diagnostics.note(message)

    def close(self) -> None:
        """Nothing is open."""


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
            BarColumn(bar_width=20),
            TextColumn("{task.percentage:>3.0f}%"),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._progress.start()

    def step(self, item: str, stage: str) -> None:
        """Show the stage beside the item's bar."""
        if item not in self._tasks:
            label = fit(visible(item), 28)
            self._tasks[item] = self._progress.add_task("", label=label, stage=stage, total=None)
        # ``reset`` would drop the other fields if it were given one.
        self._progress.reset(self._tasks[item], total=None)
        self._progress.update(self._tasks[item], stage=stage)

    def advance(self, item: str, done: float, total: float) -> None:
        """Move the item's bar."""
        if item in self._tasks:
            self._progress.update(self._tasks[item], completed=done, total=total or None)

    def finish(self, item: str, summary: str) -> None:
        """Replace the item's bar by a line."""
        if item in self._tasks:
            self._progress.remove_task(self._tasks.pop(item))
        self._progress.console.print(visible(f"{item}: {summary}"), soft_wrap=True)

    def note(self, message: str) -> None:
        """Print a note above the bars."""
        self._progress.console.print(visible(message), soft_wrap=True)

    def close(self) -> None:
        """Take the bars away."""
        self._progress.stop()
