"""xAPI: what people watched as statements of the video profile. Pure.

Source: xAPI Video Profile, https://w3id.org/xapi/video (v2, 2023-03-23): verbs, extensions, and
played segments written as ``0[.]12.5[,]30[.]45``.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from vidctl.model.watching import COMPLETED, RESET, VIEWED, Range, Viewing, length, union

PROFILE = "https://w3id.org/xapi/video"
VERBS = {
    "played": f"{PROFILE}/verbs/played",
    "paused": f"{PROFILE}/verbs/paused",
    "seeked": f"{PROFILE}/verbs/seeked",
    "completed": "http://adlnet.gov/expapi/verbs/completed",
}
ACTIVITY = f"{PROFILE}/activity-type/video"
EXTENSION = f"{PROFILE}/extensions/"


@dataclass(slots=True)
class Told:
    """One person's way through one item, while its statements are made.

    ``whole`` is the item's length in milliseconds, 0 where it is unknown.
    """

    person_id: str
    group_id: str
    item_id: str
    person_name: str
    item_name: str
    whole: int
    seen: tuple[Range, ...] = ()
    session: str = ""
    sessions: dict[str, list[Range]] = field(default_factory=dict)

    def statements(self, viewings: Iterable[Viewing]) -> Iterator[dict[str, Any]]:
        """Yield the statements of events in order of time.

        A viewing becomes what a player would have sent: played, a seek between two ranges, and
        paused with the segments that the session played so far. An event is logged when a viewing
        ends, so what came before is dated back by what was played. A position that was set by hand
        is nobody's watching, and left out.
        """
        # Of one moment, what completed an item comes after what was watched of it.
        for viewing in sorted(viewings, key=lambda each: (each.at, each.action == COMPLETED)):
            if viewing.action == RESET:
                self.seen = ()
            elif viewing.action == VIEWED and viewing.ranges:
                yield from self._viewed(viewing)
            elif viewing.action == COMPLETED:
                result = {"completion": True, "extensions": self._so_far()}
                yield self._statement(viewing, "completed", 0, viewing.at, result)

    def _viewed(self, viewing: Viewing) -> Iterator[dict[str, Any]]:
        self.session = str(viewing.metadata.get("sessionId") or viewing.id)
        left = length(viewing.ranges)
        before: int | None = None
        for number, (start, end) in enumerate(viewing.ranges):
            at = viewing.at - left
            if before is None:
                result = {"extensions": {EXTENSION + "time": start / 1000}}
                yield self._statement(viewing, "played", number, at, result)
            else:
                jump = {"time-from": before / 1000, "time-to": start / 1000}
                result = {"extensions": {EXTENSION + key: value for key, value in jump.items()}}
                yield self._statement(viewing, "seeked", number, at, result)
            left -= end - start
            before = end
        self.sessions.setdefault(self.session, []).extend(viewing.ranges)
        self.seen = union([*self.seen, *viewing.ranges])
        result = {"extensions": {EXTENSION + "time": (before or 0) / 1000, **self._so_far()}}
        yield self._statement(viewing, "paused", 0, viewing.at, result)

    def _so_far(self) -> dict[str, Any]:
        said: dict[str, Any] = {
            EXTENSION + "played-segments": segments(self.sessions.get(self.session, []))
        }
        if self.whole > 0:
            said[EXTENSION + "progress"] = round(min(1.0, length(self.seen) / self.whole), 3)
        return said

    def _statement(
        self, viewing: Viewing, verb: str, number: int, at: int, result: dict[str, Any]
    ) -> dict[str, Any]:
        name = f"urn:vidctl:{viewing.id}:{verb}:{number}"
        context = {EXTENSION + "session-id": uuid_of(self.session or viewing.id)}
        return {
            "id": uuid_of(name),
            "actor": {
                "objectType": "Agent",
                "name": self.person_name,
                "account": {"homePage": f"urn:vidctl:{self.group_id}", "name": self.person_id},
            },
            "verb": {"id": VERBS[verb], "display": {"en-US": verb}},
            "object": {
                "objectType": "Activity",
                "id": f"urn:vidctl:{self.item_id}",
                "definition": {"type": ACTIVITY, "name": {"und": self.item_name}},
            },
            "result": result,
            "context": {
                "contextActivities": {"category": [{"id": PROFILE}]},
                "extensions": {
                    **context,
                    **({EXTENSION + "length": self.whole / 1000} if self.whole > 0 else {}),
                },
            },
            "timestamp": timestamp(at),
        }


def segments(ranges: Sequence[Range]) -> str:
    """Write ranges of milliseconds as played segments, in the order they were played."""
    return "[,]".join(f"{_plain(start)}[.]{_plain(end)}" for start, end in ranges)


def timestamp(milliseconds: int) -> str:
    """Write epoch milliseconds as ISO 8601 in UTC, to the millisecond."""
    moment = datetime.fromtimestamp(max(0, milliseconds) // 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03}Z"


def uuid_of(name: str) -> str:
    """Return the UUID that a name always gets; a name that is one stays."""
    try:
        return str(uuid.UUID(name))
    except ValueError:
        return str(uuid.uuid5(uuid.NAMESPACE_URL, name))


def _plain(milliseconds: int) -> str:
    return f"{milliseconds / 1000:.3f}".rstrip("0").rstrip(".")
