"""Random watching by random people, against a model that knows nothing but sets and maxima."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from vidctl.config import Config
from vidctl.ids import new_id
from vidctl.library import Library
from vidctl.library.intake import take_in
from vidctl.model.thing import Thing
from vidctl.model.watching import Watch, fold

PEOPLE = ("ann", "bob")
ITEMS = ("talk", "live")
THRESHOLD = 0.9
# An operation without a time of its own happens later than all that have one.
PRESENT = 1_000_000_000

names = st.sampled_from(PEOPLE)
things = st.sampled_from(ITEMS)
seconds = st.integers(0, 70)
spans = st.tuples(seconds, seconds).map(lambda pair: [min(pair), max(pair)])


@dataclass
class Pair:
    """What one person did with one item: (time, number, kind, seconds seen, positions)."""

    log: list[tuple[int, int, str, list[list[int]], list[int]]] = field(default_factory=list)

    def now(self) -> tuple[set[int], int, bool]:
        """Return the seconds seen, the furthest position, and whether it is completed."""
        seen: set[int] = set()
        furthest, is_completed = 0, False
        for _, _, kind, ranges, places in sorted(self.log):
            if kind == "reset":
                seen, furthest, is_completed = set(), 0, False
            is_completed = is_completed or kind == "done"
            seen |= {at for start, end in ranges for at in range(start, end)}
            furthest = max([furthest, *places, *(end for start, end in ranges if end > start)])
        return seen, furthest, is_completed


class Watching(RuleBasedStateMachine):
    """Does what people do, and compares what is remembered with what they did."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="watching-"))
        file = self.folder / "library.db"
        shutil.copyfile(TEMPLATE, file)
        self.library = Library.open(Config(start=self.folder, environ={}, flags={"db": str(file)}))
        self.library.database.database.execute("PRAGMA synchronous = OFF")
        self.pairs = {(person, item): Pair() for person in PEOPLE for item in ITEMS}
        self.lengths: dict[str, int] = {"talk": 60, "live": 0}
        self.ids = {name: self.library.resolve(name, ()).id for name in (*ITEMS, *PEOPLE)}
        self.sent: list[dict[str, Any]] = []
        self.number = 0

    def teardown(self) -> None:
        self.library.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @initialize()
    def begin(self) -> None:
        """Nothing was watched."""

    # --- the model ---

    def note(
        self,
        person: str,
        item: str,
        kind: str,
        ranges: Sequence[Sequence[int]] = (),
        places: Sequence[int] = (),
        at: int = 0,
    ) -> None:
        whole = self.lengths[item] or 10**6
        self.number += 1
        kept = [[start, min(end, whole)] for start, end in ranges if start < whole]
        self.pairs[person, item].log.append(
            (at or PRESENT + self.number, self.number, kind, kept, [min(p, whole) for p in places])
        )

    def settle(self, touched: set[tuple[str, str]]) -> None:
        """Complete what was seen for long enough, at the time that the library says."""
        for person, item in touched:
            pair = self.pairs[person, item]
            seen, _, is_completed = pair.now()
            whole = self.lengths[item]
            if whole and not is_completed and len(seen) >= THRESHOLD * whole:
                resets = [entry[0] for entry in pair.log if entry[2] == "reset"]
                at = self.link(person, item)["completedAt"]
                if at >= PRESENT:
                    self.number += 1
                    at = PRESENT + self.number
                assert at > max(resets, default=0) or at >= PRESENT
                pair.log.append((at, self.number, "done", [], []))

    def link(self, person: str, item: str) -> dict[str, Any]:
        key = (self.ids[person], self.ids[item])
        return self.library.store.watched.load([key]).get(key, {})

    # --- what people do ---

    @rule(person=names, item=things, at=seconds, reset=st.booleans())
    def set(self, person: str, item: str, at: int, reset: bool) -> None:
        _, furthest, _ = self.pairs[person, item].now()
        self.library.progress.set(self.ids[item], at, reset=reset, person=person)
        if reset:
            self.note(person, item, "reset")
        if reset or at >= furthest or not self.pairs[person, item].log:
            self.note(person, item, "set", places=[at])

    @rule(person=names, item=things, ranges=st.lists(spans, min_size=1, max_size=3))
    def watch(self, person: str, item: str, ranges: list[list[int]]) -> None:
        whole = self.lengths[item] or 10**6
        if all(start >= whole or start == end for start, end in ranges):
            ranges = [*ranges, [0, 1]]
        self.library.progress.watch(
            self.ids[item], [(start, end) for start, end in ranges], person=person
        )
        self.note(person, item, "watch", ranges)
        self.settle({(person, item)})

    @rule(person=names, item=things)
    def done(self, person: str, item: str) -> None:
        _, _, was_completed = self.pairs[person, item].now()
        self.library.progress.done([self.ids[item]], person=person)
        if not was_completed:
            self.note(person, item, "done")

    @rule(data=st.data(), count=st.integers(1, 6))
    def batch(self, data: st.DataObject, count: int) -> None:
        """Send lines from the past, in any order, late resets among them."""
        lines: list[dict[str, Any]] = []
        for _ in range(count):
            person, item = data.draw(names), data.draw(things)
            self.number += 1
            at = data.draw(st.integers(1, 999)) * 100_000 + self.number
            line = {"id": f"l{self.number}", "item": self.ids[item], "person": person, "at": at}
            kind = data.draw(st.sampled_from(["watch", "watch", "set", "reset", "done"]))
            if kind == "watch":
                line["ranges"] = [[0, 1], *data.draw(st.lists(spans, max_size=2))]
                self.note(person, item, kind, line["ranges"], at=at)
            elif kind == "set":
                line["position"] = data.draw(seconds)
                self.note(person, item, kind, places=[line["position"]], at=at)
            else:
                line["action"] = "progress_reset" if kind == "reset" else "video_completed"
                self.note(person, item, kind, at=at)
            lines.append(line)
        self.sent += lines
        outcome = self.send(lines)
        assert outcome == {"new": count, "known": 0}
        named = {value: name for name, value in self.ids.items()}
        self.settle({(line["person"], named[line["item"]]) for line in lines})

    @rule(chance=st.randoms())
    def replay(self, chance: Any) -> None:
        """Send again what was sent before, shuffled."""
        again = chance.choices(self.sent, k=5) if self.sent else []
        assert self.send(again) == {"new": 0, "known": len(again)}

    def send(self, lines: list[dict[str, Any]]) -> dict[str, int]:
        outcome = take_in(self.library, [json.dumps(line).encode() for line in lines], form="watch")
        assert outcome.errors == []
        return {name: outcome.data[name] for name in ("new", "known")}

    # --- what happens to items ---

    @rule(item=things)
    def rename(self, item: str) -> None:
        self.number += 1
        name = f"{item}-{self.number}"
        self.library.videos.edit(self.ids[item], {}, name=name, slug=name)

    @rule(item=things, length=st.sampled_from([20, 60, 90]))
    def replace_media(self, item: str, length: int) -> None:
        """Another file under the same item, shorter or longer."""
        self.lengths[item] = length
        self.library.videos.edit(self.ids[item], {"duration": float(length)})

    @rule(item=things, is_away=st.booleans())
    def shelve(self, item: str, is_away: bool) -> None:
        act = self.library.videos.archive if is_away else self.library.videos.restore
        act([self.ids[item]])

    @invariant()
    def everything_is_remembered(self) -> None:
        keys = {(person, item): (self.ids[person], self.ids[item]) for person, item in self.pairs}
        links = self.library.store.watched.load(list(keys.values()))
        events = self.library.store.watched.events(list(keys.values()))
        for pair, key in keys.items():
            watch = Watch.of(links[key]) if key in links else Watch()
            assert watch == fold(events[key]), pair
            seen, furthest, is_completed = self.pairs[pair].now()
            covered = {at // 1000 for start, end in watch.ranges for at in range(start, end, 1000)}
            assert covered == seen, pair
            assert watch.position == furthest * 1000, pair
            assert (watch.completed_at is not None) == is_completed, pair
            assert watch.views == sum(entry[2] == "watch" for entry in self.pairs[pair].log)


TEMPLATE = Path(tempfile.gettempdir()) / "never-used"


@pytest.fixture(scope="module", autouse=True)
def _template(tmp_path_factory: pytest.TempPathFactory) -> None:
    global TEMPLATE
    folder = tmp_path_factory.mktemp("watching")
    TEMPLATE = folder / "library.db"
    Library.create(TEMPLATE, group="default")
    library = Library.open(Config(start=folder, environ={}, flags={"db": str(TEMPLATE)}))
    library.videos.add("Talk", {"duration": 60.0})
    library.videos.add("Live", {})
    for name in PEOPLE:
        library.store.things.add(Thing(new_id(), library.home, "user", name, name, "active", 1, 1))
    library.close()


MACHINE = settings(
    max_examples=40,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


def test_nothing_that_was_seen_is_lost() -> None:
    """1,000 operations: 40 runs of 25."""
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(Watching, settings=MACHINE)


@pytest.mark.slow
def test_nothing_is_lost_in_ten_thousand_operations() -> None:
    from hypothesis.stateful import run_state_machine_as_test

    run_state_machine_as_test(
        Watching, settings=settings(MACHINE, max_examples=200, stateful_step_count=50)
    )
