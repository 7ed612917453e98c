"""How the log is read: filters, pages by (at, id), and what came in since a moment."""

from __future__ import annotations

import base64
import json
from typing import Any

from vidctl.errors import UsageError
from vidctl.model.event import Event, EventQuery
from vidctl.store.database import to_json

COLUMNS = "e.type, e.action, e.actor_id, e.target_id, e.at, e.metadata, e.id, e.group_id"


def event_of(row: Any) -> Event:
    """Make a record of a row with the columns of COLUMNS."""
    return Event(row[0], row[1], row[2], row[3], row[4], json.loads(row[5]), row[6], row[7])


def narrowed(query: EventQuery) -> tuple[list[str], dict[str, Any]]:
    """Return the conditions on ``e`` that a query makes, and their parameters."""
    parts: list[str] = []
    parameters: dict[str, Any] = {}
    for condition, name, value in (
        ("e.type = :type", "type", query.type),
        ("e.action = :action", "action", query.action),
        ("e.actor_id = :actor", "actor", query.actor),
        ("e.target_id = :target", "target", query.target),
        ("e.at >= :since", "since", query.since),
        ("e.at < :until", "until", query.until),
    ):
        if value is not None:
            parts.append(condition)
            parameters[name] = value
    return parts, parameters


def source(query: EventQuery) -> str:
    """Return the table to read, as ``e``.

    Whoever asks about one thing gets that thing's events and sorts them: going through the log in
    order until a page is full, which SQLite prefers, reads all of it for a thing with few.
    """
    return "events AS e" + (" INDEXED BY events_by_target" if query.target is not None else "")


def write_cursor(event: Event) -> str:
    """Write the place after which the next page begins as a token safe in URLs and shells."""
    raw = to_json([event.at, event.id]).encode()
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def read_cursor(cursor: str) -> tuple[int, str]:
    """Read a cursor back as (at, id). Raises UsageError when it is damaged."""
    try:
        at, event_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, TypeError):
        at = event_id = None
    if type(at) is not int or not -(2**63) <= at < 2**63 or not isinstance(event_id, str):
        raise UsageError(f"{cursor!r} is no page of a listing of events")
    return at, event_id
