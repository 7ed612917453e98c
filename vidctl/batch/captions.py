"""The caption files beside media files, found without listing a large folder for each of them."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from pathlib import Path

# Folders that are remembered; files mostly come in the order of their folders.
REMEMBERED = 256
SUFFIXES = (".vtt", ".srt")


class Captions:
    """Finds the best caption file of a media file. Threads may share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._has_some: dict[tuple[str, int], bool] = {}

    def __call__(self, media: Path) -> Sequence[Path]:
        """Return the caption file that belongs to a media file, if there is one."""
        from vidctl.transcribers.captions import sidecars

        return tuple(sidecars(media)[:1]) if self._may_have(media.parent) else ()

    def _may_have(self, folder: Path) -> bool:
        """Tell whether there are captions in a folder at all; asked again when it changes."""
        try:
            key = (str(folder), folder.stat().st_mtime_ns)
            with self._lock:
                if key in self._has_some:
                    return self._has_some[key]
            with os.scandir(folder) as entries:
                found = any(entry.name.lower().endswith(SUFFIXES) for entry in entries)
        except OSError:
            return False
        with self._lock:
            if len(self._has_some) >= REMEMBERED:
                self._has_some.clear()
            self._has_some[key] = found
        return found
