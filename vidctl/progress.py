"""How work in progress tells where it is, without knowing who listens."""

from __future__ import annotations

from typing import Protocol


class Report(Protocol):
    """Receives progress. Implementations print, draw a bar, or do nothing; none may raise."""

    def step(self, item: str, stage: str) -> None:
        """Tell that work on ``item`` enters a stage (``copy``, ``transcribe``, ``embed`` …)."""

    def advance(self, item: str, done: float, total: float) -> None:
        """Tell how much of the current stage is done, in the stage's own unit."""

    def finish(self, item: str, summary: str) -> None:
        """Tell that an item is through, with one line about the outcome."""

    def drop(self, item: str) -> None:
        """Tell that nothing is at work on an item any more; what became of it is told elsewhere."""

    def note(self, message: str) -> None:
        """Tell something the person should know, which is not an error."""

    def close(self) -> None:
        """Give the screen back; called once, at the end."""


class Silent:
    """A report that nobody reads."""

    def step(self, item: str, stage: str) -> None:
        """Ignore the step."""

    def advance(self, item: str, done: float, total: float) -> None:
        """Ignore the progress."""

    def finish(self, item: str, summary: str) -> None:
        """Ignore the summary."""

    def drop(self, item: str) -> None:
        """Ignore the end."""

    def note(self, message: str) -> None:
        """Ignore the note."""

    def close(self) -> None:
        """Nothing is open."""
