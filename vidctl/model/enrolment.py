"""Enrolment: what a course is made of for whoever takes it, and how far they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from vidctl.model.thing import Thing

WEIGHTS = ("lessons", "duration")
Watched = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Step:
    """A lesson as it counts: the ids that finish it, and its length in seconds.

    ``items`` are the lesson itself and what it contains; ``duration`` is the lesson's own or that
    of what it contains, None where neither is known.
    """

    course_id: str
    lesson_id: str
    items: tuple[str, ...]
    duration: float | None = None


@dataclass(frozen=True, slots=True)
class OutlineRow:
    """A lesson in the order of its course, its section, and what it contains."""

    lesson: Thing
    section: str | None
    item: Thing | None = None

    @property
    def duration(self) -> float | None:
        """The lesson's own length in seconds, else that of what it contains."""
        own = self.lesson.properties.get("duration")
        if own is None and self.item is not None:
            own = self.item.properties.get("duration")
        return own


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a person is in a course; times are epoch milliseconds, ``progress`` 0 to 1.

    ``finished_at`` is when the last lesson was finished, None while one is left.
    """

    progress: float
    done: int
    total: int
    started_at: int | None = None
    last_at: int | None = None
    finished_at: int | None = None


class Syllabus:
    """The lessons of a course as they count.

    With the weight ``lessons`` each counts the same; with ``duration`` each counts by its length,
    and one without a length by the mean of the others.
    """

    def __init__(self, steps: Sequence[Step], *, weight: str) -> None:
        self.total = len(steps)
        self.weights = weights_of(steps, weight)
        self.sum = math.fsum(self.weights)
        self.places: dict[str, list[int]] = {}
        for number, step in enumerate(steps):
            for item in step.items:
                self.places.setdefault(item, []).append(number)

    def standing(self, watched: Watched) -> Standing:
        """Return how far somebody is who watched what this says (item id -> link metadata)."""
        links = {item: watched[item] for item in watched if item in self.places}
        finished: dict[int, int] = {}
        for item, link in links.items():
            moment = link.get("completedAt")
            if moment is None:
                continue
            for number in self.places[item]:
                finished[number] = min(moment, finished.get(number, moment))
        is_over = 0 < self.total == len(finished)
        share = math.fsum(self.weights[number] for number in finished) / (self.sum or 1.0)
        starts = [link["startedAt"] for link in links.values() if "startedAt" in link]
        visits = [link["lastAt"] for link in links.values() if "lastAt" in link]
        return Standing(
            progress=1.0 if is_over else min(share, 1.0),
            done=len(finished),
            total=self.total,
            started_at=min(starts, default=None),
            last_at=max(visits, default=None),
            finished_at=max(finished.values()) if is_over else None,
        )


def weights_of(steps: Sequence[Step], weight: str) -> list[float]:
    """Return what each lesson counts; a length of zero is as good as none."""
    known = [step.duration for step in steps if step.duration]
    if weight != "duration" or not known:
        return [1.0] * len(steps)
    mean = math.fsum(known) / len(known)
    return [step.duration or mean for step in steps]
