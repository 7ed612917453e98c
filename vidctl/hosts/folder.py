"""Media kept in one folder of this machine, named by content: ``group/ab/abcdef….mp4``."""

from __future__ import annotations

import re
from pathlib import Path

from vidctl.errors import NotFound, StorageFailed, UsageError
from vidctl.files import copy_file, make_folder, remove_file, size_of, sweep_temporaries
from vidctl.model.media import StoredMedia

_VIDEO = {"3g2", "3gp", "asf", "avi", "flv", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg"}
_VIDEO |= {"mts", "ogv", "ts", "webm", "wmv"}
_AUDIO = {"aac", "aif", "aifc", "aiff", "caf", "flac", "m4a", "m4b", "mka", "mp3", "oga", "ogg"}
_AUDIO |= {"opus", "w64", "wav", "wma"}
_BESIDE = {"jpeg", "jpg", "png", "webp", "srt", "vtt"}
SUFFIXES = frozenset(f".{name}" for name in _VIDEO | _AUDIO | _BESIDE)
OTHER_SUFFIX = ".bin"

_GROUP = re.compile(r"[0-9a-z]{1,64}")
_HASH = re.compile(r"[0-9a-f]{64}")
_LOCATOR = re.compile(r"[0-9a-z]{1,64}/([0-9a-f]{2})/\1[0-9a-f]{62}(\.[0-9a-z]{2,5})")


class FolderHost:
    """A MediaHost over ``root``, which is created when the first file arrives.

    A locator that this host did not make, or that leads outside ``root`` through a symbolic
    link, behaves as missing.
    """

    name = "folder"

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()

    def put(self, source: Path, *, group_id: str, sha256: str, suffix: str) -> StoredMedia:
        """Copy ``source`` in, checking on the way that it still has that hash.

        Raises StorageFull, StorageFailed, PermissionRefused, NotFound, and Conflict when the
        file changed since it was hashed; then nothing is left under the final name.
        """
        if not _GROUP.fullmatch(group_id) or not _HASH.fullmatch(sha256):
            raise UsageError(f"{group_id!r} and {sha256!r} do not name stored media")
        ending = suffix.lower() if suffix.lower() in SUFFIXES else OTHER_SUFFIX
        locator = f"{group_id}/{sha256[:2]}/{sha256}{ending}"
        target = self.root / locator
        if not self._is_inside(target.parent):
            raise StorageFailed(f"{target.parent} leads outside the media folder {self.root}")
        make_folder(target.parent)
        size = size_of(source)
        if not self.exists(locator, size=size):
            size = copy_file(source, target, sha256=sha256)
        return StoredMedia(host=self.name, locator=locator, sha256=sha256, size=size)

    def path(self, locator: str) -> Path:
        """Return where the bytes are. Raises NotFound when they are gone."""
        path = self._find(locator)
        if path is None or not path.is_file():
            raise NotFound(
                "the media file is gone from the media folder",
                hint="vidctl doctor",
                item=locator,
            )
        return path

    def exists(self, locator: str, *, size: int) -> bool:
        """Tell whether bytes of that size are there."""
        path = self._find(locator)
        try:
            return path is not None and size_of(path) == size
        except NotFound:
            return False

    def remove(self, locator: str) -> None:
        """Remove the bytes; nothing happens when they are gone already."""
        path = self._find(locator)
        if path is not None:
            remove_file(path)

    def sweep(self, *, older_than: float) -> int:
        """Remove leftovers of killed copies, ``older_than`` seconds old; return how many."""
        return sweep_temporaries(self.root, older_than=older_than, recursive=True)

    def _find(self, locator: str) -> Path | None:
        match = _LOCATOR.fullmatch(locator)
        if match is None or match[2] not in SUFFIXES | {OTHER_SUFFIX}:
            return None
        path = self.root / locator
        return path if self._is_inside(path) else None

    def _is_inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root.resolve())
