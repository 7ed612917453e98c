"""Say what an upload would do, by doing only what changes nothing: read, probe, compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vidctl.batch.inputs import Inputs, by_name, name_of, replaceable, shown
from vidctl.batch.tally import LISTED
from vidctl.errors import LimitReached, VidctlError
from vidctl.journey.examine import Examined, MediaFile, examine
from vidctl.journey.replace import is_another_version
from vidctl.journey.send import Terms
from vidctl.library import Library
from vidctl.model.cost import micros, written
from vidctl.outcome import Outcome
from vidctl.progress import Report

if TYPE_CHECKING:
    from pathlib import Path

    from vidctl.batch.plan import Plan
    from vidctl.model.thing import Thing
    from vidctl.ports import MediaHost
    from vidctl.sources import Source

NEW, VERSION, HERE, TWICE, LINK = (
    *("new", "new version", "already here", "same as above", "not fetched"),
)


def rehearse(library: Library, inputs: Inputs, plan: Plan, report: Report) -> Outcome:
    """Return what an upload would do with each file, and what sending would cost.

    Nothing is written, and nothing goes over the network: links are listed unread. It ends as the
    upload would: with one error for each file that would fail, and where ``plan.max_items`` would
    end it early.
    """
    rehearsal = _Rehearsal(library, plan, report)
    for source in inputs.listed:
        rehearsal.look(source)
    return rehearsal.outcome(inputs.errors)


@dataclass(slots=True)
class _Rehearsal:
    library: Library
    plan: Plan
    report: Report
    host: MediaHost = field(init=False)
    replaced: Thing | None = field(init=False)
    records: list[dict[str, Any]] = field(default_factory=list)
    errors: list[VidctlError] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    units: dict[str, float] = field(default_factory=dict)
    sizes: int = 0
    seen: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)
    left: int = 0
    full: LimitReached = field(init=False)
    halting: VidctlError | None = None

    def __post_init__(self) -> None:
        hosts = self.library.hosts
        self.host = hosts.named(self.plan.host or hosts.default_name)
        self.replaced = replaceable(self.library, self.plan)
        most = self.plan.max_items
        self.full = LimitReached(
            f"the upload would stop after {most} new item{'' if most == 1 else 's'}",
            hint="raise --max-items, or run the same command once more after it",
        )

    def look(self, source: Source) -> None:
        """Look at a source and write down what would become of it."""
        if self.halting is not None:
            self.left += 1
            return
        done = by_name(self.library, 0, source) if self.plan.skip == "name" else None
        if done is not None and done.taken is not None:
            self._say(source, done.taken.size, HERE)
        elif self.plan.skip == "name" and name_of(source) in self.names:
            self._say(source, None, TWICE)
        elif source.path is None:
            self._say(source, None, LINK)
        else:
            self._read(source, source.path)

    def _read(self, source: Source, path: Path) -> None:
        try:
            seen = self._examined(MediaFile(path, shown(source)))
            self._say(source, seen.size, self._state(source, seen))
        except VidctlError as error:
            if error is self.full:
                self.halting = error
                self.left += 1
                return
            error.item = source.name
            self.errors.append(error)
        finally:
            self.report.drop(shown(source))

    def _examined(self, file: MediaFile) -> Examined:
        terms = Terms(
            longest=self.plan.max_duration,
            takes_truncated=self.plan.takes_truncated,
            is_rereading=self.plan.skip == "hash" or bool(self.plan.replace),
        )
        store, sandbox = self.library.store, self.library.sandbox
        return examine(file, store=store, sandbox=sandbox, terms=terms, report=self.report)

    def _state(self, source: Source, seen: Examined) -> str:
        if self.replaced is not None:
            state = VERSION if is_another_version(seen, self.replaced) else HERE
        elif seen.held is not None:
            state = HERE
        else:
            state = TWICE if seen.sha256 in self.seen else NEW
        if state == NEW and self.counts.get(NEW, 0) == (self.plan.max_items or None):
            raise self.full
        if state in (NEW, VERSION):
            self.seen.add(seen.sha256)
            self.names.add(name_of(source))
            self.sizes += seen.size
            for unit, amount in self.host.meter(seen.size).items():
                self.units[unit] = self.units.get(unit, 0.0) + amount
        return state

    def _say(self, source: Source, size: int | None, state: str) -> None:
        self.counts[state] = self.counts.get(state, 0) + 1
        if len(self.records) < LISTED:
            self.records.append({"file": source.name, "size": size, "state": state})

    def outcome(self, errors: list[VidctlError]) -> Outcome:
        """Return everything that was found."""
        new = self.counts.get(NEW, 0) + self.counts.get(VERSION, 0)
        cost = self.library.costs.price("upload", self.host.kind, self.units)
        notes = [f"{new:,} would be uploaded; nothing was changed"]
        if cost:
            price = written(micros(cost))
            notes.append(f"sending that to {self.host.name} would cost about {price}")
        if self.left:
            files = f"{self.left:,} file{'' if self.left == 1 else 's'}"
            notes.append(f"{files} would not be tried")
        links = self.counts.get(LINK, 0)
        if links:
            were = "link was not fetched" if links == 1 else "links were not fetched"
            notes.append(f"{links:,} {were}, so nobody knows what is there")
        data = {
            "items": self.records,
            "total": sum(self.counts.values()),
            "next": None,
            "counts": self.counts,
            "bytes": self.sizes,
            "host": self.host.name,
            "cost": cost,
            "left": self.left,
        }
        found = [*errors, *self.errors, *([self.halting] if self.halting else [])]
        return Outcome(data, notes=notes, errors=found, halting=self.halting)
