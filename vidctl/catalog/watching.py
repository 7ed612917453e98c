"""Watching: log what people saw, and keep ``watched`` links what the events come to."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vidctl.catalog.enrolment import refresh
from vidctl.ids import derived_id
from vidctl.model.thing import MEDIA_TYPES
from vidctl.model.watching import (
    ACTIONS,
    COMPLETED,
    Range,
    Viewing,
    Watch,
    advance,
    fold,
    length,
    since,
    union,
)

if TYPE_CHECKING:
    from vidctl.model.thing import Thing
    from vidctl.ports import Store

Clock = Callable[[], int]
# A person and an item.
Pair = tuple[str, str]

# What can be watched: an item, or a lesson, which stands for the video in it.
WATCHABLE = (*MEDIA_TYPES, "lesson")


@dataclass(frozen=True, slots=True)
class Rules:
    """What recording needs to know: settings of the library, and the time.

    ``threshold`` is the share of an item (0 to 1) that completes it, ``weight`` how lessons count
    in a course.
    """

    threshold: float
    weight: str
    now: Clock


def watched_item(store: Store, thing: Thing) -> Thing:
    """Return what is watched when somebody watches a thing: of a lesson the video in it."""
    if thing.type != "lesson":
        return thing
    for link in store.sequences.links(thing.id):
        found = store.things.find(link.to_id)
        if found is not None and found.type in MEDIA_TYPES:
            return found
    return thing


def length_of(thing: Thing) -> int:
    """Return an item's length in milliseconds, 0 where it is unknown."""
    return round(float(thing.properties.get("duration") or 0) * 1000)


def viewed_metadata(
    ranges: Sequence[Range],
    whole: int,
    position: int | None = None,
    device: str | None = None,
    session: str | None = None,
) -> dict[str, Any]:
    """Return the metadata of a ``video_viewed`` event, lengths in milliseconds given as seconds.

    ``completionRate`` is the share of the item that its ranges cover; it and ``duration`` are
    left out where the length is unknown.
    """
    watched = 0
    seconds: list[list[float]] = []
    for start, end in ranges:
        watched += end - start
        seconds.append([start / 1000, end / 1000])
    said: dict[str, Any] = {"ranges": seconds, "watchTime": watched / 1000}
    if whole > 0:
        seen = watched if len(seconds) < 2 else length(union(ranges))
        # To six decimals, and to the nearest, in whole numbers.
        share = (seen * 1_000_000 + whole // 2) // whole / 1_000_000
        said["completionRate"] = share if seen < whole else 1.0
        said["duration"] = whole / 1000
    if device is not None:
        said["deviceType"] = device
    if position is not None:
        said["position"] = position / 1000
    if session is not None:
        said["sessionId"] = session
    return said


def record(
    *, store: Store, viewings: Sequence[Viewing], lengths: Mapping[str, int], rules: Rules
) -> int:
    """Log events that are certainly new and bring the ``watched`` links up to date, in one go.

    ``lengths`` are those of the items that are known, in milliseconds. An item of which enough was
    seen is completed by an event of its own, once after each reset, and stays completed whatever
    happens to its length or the threshold. Returns how many items were completed that way.
    """
    steps: dict[Pair, list[Viewing]] = {}
    for each in viewings:
        _, _, action, _, _, person, item, _ = each
        if action in ACTIONS and person is not None and item is not None:
            held = steps.get((person, item))
            if held is None:
                steps[person, item] = [each]
            else:
                held.append(each)
    with store.transaction():
        before = watches(store, steps)
        store.events.log(viewings)
        after = _grown(store, before, steps)
        done = _completions(store, steps, before, after, lengths, rules.threshold)
        if done:
            store.events.log(list(done.values()))
            grown = _grown(store, after, {pair: [each] for pair, each in done.items()})
            after |= grown
        if after:
            store.watched.save({pair: watch.metadata() for pair, watch in after.items()})
            _refresh(store, after, rules)
    return len(done)


def watches(store: Store, pairs: Iterable[Pair]) -> dict[Pair, Watch]:
    """Return what some people have seen of some items; pairs without a link are left out."""
    wanted = list(pairs)
    if not wanted:
        return {}
    return {pair: Watch.of(said) for pair, said in store.watched.load(wanted).items()}


def _grown(
    store: Store, before: Mapping[Pair, Watch], steps: Mapping[Pair, Sequence[Viewing]]
) -> dict[Pair, Watch]:
    """Add logged events to what was known; where the order matters, start from all events."""
    grown: dict[Pair, Watch] = {}
    unsure: list[Pair] = []
    nothing = Watch()
    for pair, viewings in steps.items():
        found = advance(before.get(pair, nothing), viewings)
        if found is None:
            unsure.append(pair)
        else:
            grown[pair] = found
    if unsure:
        grown |= {pair: fold(events) for pair, events in store.watched.events(unsure).items()}
    return grown


def _completions(
    store: Store,
    steps: Mapping[Pair, Sequence[Viewing]],
    before: Mapping[Pair, Watch],
    after: Mapping[Pair, Watch],
    lengths: Mapping[str, int],
    threshold: float,
) -> dict[Pair, Viewing]:
    """Return the events by which pairs are completed that have just seen enough."""
    found: dict[Pair, Viewing] = {}
    for pair, watch in after.items():
        whole = lengths.get(pair[1], 0)
        if whole > 0 and watch.completed_at is None and watch.seen >= threshold * whole:
            known = before.get(pair)
            ranges = known.ranges if known is not None and known.reset == watch.reset else ()
            at = _crossing(ranges, watch, steps[pair], threshold * whole)
            found[pair] = completion(pair, watch, at)
    logged = store.events.known([each.id for each in found.values()])
    return {pair: each for pair, each in found.items() if each.id not in logged}


def completion(pair: Pair, watch: Watch, at: int) -> Viewing:
    """Return the event by which an item is completed for having been seen.

    Its id comes from the person, the item and the last reset, so that it is logged once.
    """
    person, item = pair
    last = "" if watch.reset is None else watch.reset[1]
    if watch.reset is not None:
        # In the millisecond of the reset, its id decides what was first, and this one is fixed.
        at = max(at, watch.reset[0] + 1)
    id_ = derived_id(item, "completed", f"{person}/{last}")
    return Viewing(at, id_, COMPLETED, person_id=person, item_id=item, metadata={"by": "threshold"})


def _crossing(
    ranges: Sequence[Range], watch: Watch, steps: Sequence[Viewing], enough: float
) -> int:
    """Return the time of the event with which enough was seen."""
    ordered = sorted(since(steps, watch.reset))

    def seen(count: int) -> int:
        spans = [span for each in ordered[:count] for span in each.ranges]
        return length(union([*ranges, *spans]))

    # What was seen only grows, so the event can be looked for by halves.
    place = bisect_left(range(len(ordered) + 1), enough, key=seen)
    if 0 < place <= len(ordered):
        return ordered[place - 1].at
    return watch.last_at or 0


def _refresh(store: Store, pairs: Iterable[Pair], rules: Rules) -> None:
    people, items = {person for person, _ in pairs}, {item for _, item in pairs}
    refresh(store=store, person_ids=people, item_ids=items, now=rules.now, weight=rules.weight)
