"""What people searched for, remembered for ``analytics searches``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vidctl.errors import VidctlError
from vidctl.model.event import Event

if TYPE_CHECKING:
    from vidctl.library.core import Library

LONGEST_QUERY = 300


def remember(library: Library, query: str, *, mode: str, hits: int) -> bool:
    """Log a search that was answered, and tell whether that worked.

    A search is done when it is answered: a library that is busy, cannot be written or is archived
    forgets it. Nobody is named as searching unless somebody was.
    """
    if not library.config.origin("search.log").value:
        return False
    event = Event(
        "content_event",
        "searched",
        actor_id=library.access.person_id or None,
        metadata={"query": query[:LONGEST_QUERY], "mode": mode, "hits": hits},
    )
    try:
        library.writable()
        with library.database.database.hurried():
            library.store.events.append([event])
    except VidctlError:
        return False
    return True
