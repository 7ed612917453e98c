"""Write a month of viewings of a department, one JSON object a line, the same at every run."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2025, 1, 1, 17, tzinfo=UTC)
DAYS = 31
DEVICES = ("mobile", "mobile", "desktop", "tablet", "tv")
# Where people leave a film: as a share of it, and how many of ten do.
LEAVES = ((0.12, 2), (0.45, 2), (0.8, 1), (1.0, 5))

FILMS = {
    "science": {
        "why-there-are-two-tides": 500.0,
        "spring-and-neap": 400.0,
        "reading-a-tide-table": 600.0,
        "parts-of-a-boat": 300.0,
        "knots-that-hold": 450.0,
    },
    "arts": {"seeing-edges": 540.0, "light-and-shade": 660.0},
}
VIEWERS = {
    "science": [f"student-{number}" for number in range(1, 7)] + ["guest"],
    "arts": [f"student-{number}" for number in range(3, 7)],
}
# The guest has bought one course, and these are its films.
BOUGHT = ("why-there-are-two-tides", "spring-and-neap", "reading-a-tide-table")


def viewings(department: str) -> Iterator[dict[str, Any]]:
    """Yield viewings in order of time: who, what, which seconds, when, on what."""
    dice = random.Random(f"harbour {department}")
    films = FILMS[department]
    shares = [share for share, count in LEAVES for _ in range(count)]
    for day in range(DAYS):
        for person in VIEWERS[department]:
            if dice.random() < 0.55:
                continue
            allowed = BOUGHT if person == "guest" else tuple(films)
            item = dice.choice(allowed)
            begin = 0.0 if dice.random() < 0.8 else round(films[item] * dice.random() * 0.5, 1)
            end = max(begin + 5, round(films[item] * dice.choice(shares), 1))
            moment = START + timedelta(days=day, minutes=dice.randrange(240))
            yield {
                "person": person,
                "item": item,
                "ranges": [[begin, min(end, films[item])]],
                "at": moment.isoformat(),
                "device": dice.choice(DEVICES),
                "id": f"{department}-{day}-{person}",
            }


if __name__ == "__main__":
    for viewing in viewings(sys.argv[1]):
        print(json.dumps(viewing))
