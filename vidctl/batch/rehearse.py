"""Say what an upload would do, by doing only what changes nothing: read, probe, compare."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vidctl.batch.inputs import Inputs, by_name, replaceable, shown
from vidctl.batch.tally import LISTED
from vidctl.errors import VidctlError
from vidctl.journey.examine import Examined, MediaFile, examine
from vidctl.journey.replace import is_another_version
from vidctl.journey.send import Terms
from vidctl.library import Library
from vidctl.outcome import Outcome
from vidctl.progress import Report

if TYPE_CHECKING:
    from vidctl.batch.plan import Plan
    from vidctl.model.thing import Thing
    from vidctl.ports import MediaHost
    from vidctl.sources import Source

NEW, VERSION, HERE, TWICE, LINK, LEFT = (
    *("new", "new version", "already here", "same as above", "not fetched", "not done"),
)


def rehearse(library: Library, inputs: Inputs, plan: Plan, report: Report) -> Outcome:
    """Return what an upload would do with each file, and what sending would cost.

    Nothing is written, and nothing goes over the network: links are listed unread.
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

    def __post_init__(self) -> None:
        hosts = self.library.hosts
        self.host = hosts.named(self.plan.host or hosts.default_name)
        self.replaced = replaceable(self.library, self.plan)

    def look(self, source: Source) -> None:
        """Look at a source and write down what would become of it."""
        if self.plan.max_items and self.counts.get(NEW, 0) >= self.plan.max_items:
            self._say(source, None, LEFT)
            return
        done = by_name(self.library, 0, source) if self.plan.skip == "name" else None
        if done is not None and done.taken is not None:
            self._say(source, done.taken.size, HERE)
        elif source.path is None:
            self._say(source, None, LINK)
        else:
            try:
                seen = self._examined(MediaFile(source.path, shown(source)))
                self._say(source, seen.size, self._state(seen))
            except VidctlError as error:
                error.item = source.name
                self.errors.append(error)

    def _examined(self, file: MediaFile) -> Examined:
        terms = Terms(
            longest=self.plan.max_duration,
            takes_truncated=self.plan.takes_truncated,
            is_rereading=self.plan.skip == "hash" or bool(self.plan.replace),
        )
        store, sandbox = self.library.store, self.library.sandbox
        return examine(file, store=store, sandbox=sandbox, terms=terms, report=self.report)

    def _state(self, seen: Examined) -> str:
        if self.replaced is not None:
            state = VERSION if is_another_version(seen, self.replaced) else HERE
        elif seen.held is not None:
            return HERE
        else:
            state = TWICE if seen.sha256 in self.seen else NEW
        if state in (NEW, VERSION):
            self.seen.add(seen.sha256)
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
            notes.append(f"sending that to {self.host.name} would cost about ${cost:.4f}")
        links = self.counts.get(LINK, 0)
        if links:
            notes.append(f"{links:,} links were not fetched, so what they hold is not known")
        data = {
            "items": self.records,
            "total": sum(self.counts.values()),
            "next": None,
            "counts": self.counts,
            "bytes": self.sizes,
            "host": self.host.name,
            "cost": cost,
        }
        return Outcome(data, notes=notes, errors=[*errors, *self.errors])
