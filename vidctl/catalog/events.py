"""Events as people read them: with the names of who did something, and of what it was done to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vidctl.model.event import Event
    from vidctl.ports import Store

BATCH = 1000
MOST_NAMES = 100_000

# (slug, name); both empty for what is removed, or out of sight.
Name = tuple[str, str]
NAMELESS: Name = ("", "")


class Names:
    """Slugs and names by id, looked up once for many events.

    ``paths`` are the groups that may be named, by id; ``sees`` tells whether a person may be.
    """

    def __init__(self, store: Store, paths: dict[str, str], sees: Callable[[str], bool]) -> None:
        self.store = store
        self.paths = paths
        self.sees = sees
        self._known: dict[str, Name] = {}

    def learn(self, ids: Iterable[str | None]) -> None:
        """Look up all of these at once."""
        if len(self._known) > MOST_NAMES:
            self._known.clear()
        wanted = {each for each in ids if each is not None} - self._known.keys()
        found: dict[str, Name] = {
            each: (self.paths[each], self.paths[each]) for each in wanted if each in self.paths
        }
        things = self.store.things.known(wanted - found.keys())
        people = self.store.people.known(wanted - found.keys() - things.keys())
        for thing in (*things.values(), *people.values()):
            is_shown = thing.type not in ("creator", "user") or self.sees(thing.id)
            found[thing.id] = (thing.slug, thing.name) if is_shown else NAMELESS
        self._known |= {each: found.get(each, NAMELESS) for each in wanted}

    def of(self, thing_id: str | None) -> Name:
        """Return what is known under an id."""
        return self._known.get(thing_id or "", NAMELESS)


def records(events: Iterable[Event], names: Names) -> Iterator[dict[str, Any]]:
    """Yield events as they appear in JSON; what has no name here shows as its id only."""
    remaining = iter(events)
    while batch := list(islice(remaining, BATCH)):
        names.learn(each for event in batch for each in (event.actor_id, event.target_id))
        for event in batch:
            slug, name = names.of(event.target_id)
            yield {
                "id": event.id,
                "groupId": event.group_id,
                "at": event.at,
                "type": event.type,
                "action": event.action,
                "actorId": event.actor_id,
                "actor": names.of(event.actor_id)[0] or None,
                "targetId": event.target_id,
                "target": slug or None,
                "targetName": name or None,
                "metadata": event.metadata,
            }
