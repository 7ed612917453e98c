"""The chapters that a file itself states: ID3 CHAP, MP4 chapter tracks, Matroska, Vorbis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vidctl.media.tags import line
from vidctl.model.media import Chapter

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.container.core import Chapter as Stated

MAX_CHAPTERS = 1000
MAX_TITLE = 200


def chapters_of(container: InputContainer, duration: float) -> tuple[Chapter, ...]:
    """Return the chapters of a file that lasts ``duration`` seconds, in order.

    Those that make no sense (they begin after the end, or end before they begin) are left out,
    the others end with the file at the latest. There are at most a thousand.
    """
    found = (_chapter(each, duration) for each in container.chapters()[:MAX_CHAPTERS])
    return tuple(sorted(filter(None, found), key=lambda chapter: (chapter.start, chapter.end)))


def _chapter(stated: Stated, duration: float) -> Chapter | None:
    base = float(stated["time_base"] or 0)
    start, end = stated["start"] * base, stated["end"] * base
    if not (math.isfinite(start) and math.isfinite(end)):
        return None
    start = max(start, 0.0)
    end = min(end, duration) if duration else end
    if end <= start or (duration and start >= duration):
        return None
    title = line(stated["metadata"].get("title", ""), MAX_TITLE)
    return Chapter(round(start, 3), round(end, 3), title)
