"""Media kept in one folder of this machine, named by content: ``group/ab/abcdef….mp4``."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from vidctl.errors import (
    Conflict,
    NotFound,
    NotVerified,
    PermissionRefused,
    StorageFailed,
    UsageError,
)
from vidctl.files import (
    copy_file,
    make_folder,
    remove_file,
    sha256_of,
    size_of,
    sweep_temporaries,
)
from vidctl.model.locator import is_locator, locator_of
from vidctl.model.media import Asset, Content, Orphan, StoredMedia
from vidctl.ports import Advance, Looked, Sending

PLAIN = Sending()
# The host whose folder lies beside the library.
MAIN = "folder"


class FolderHost(Looked):
    """A MediaHost over ``root``, which is created when the first file arrives.

    A locator that this host did not make, or that leads outside ``root`` through a symbolic
    link, behaves as missing.
    """

    kind = "folder"
    is_local = True

    def __init__(self, root: Path, *, name: str = "folder") -> None:
        self.root = root.absolute()
        self.name = name

    @classmethod
    def configured(
        cls, name: str, options: Mapping[str, Any], key: Callable[[], str]
    ) -> FolderHost:
        """Make the host of the settings ``hosts.NAME``; no key is asked for."""
        if not options["path"]:
            raise UsageError(
                f"the host {name} has no folder", hint=f"vidctl config set hosts.{name}.path FOLDER"
            )
        return cls(Path(options["path"]), name=name)

    @property
    def place(self) -> str:
        """The folder, whatever links lead to it."""
        return f"folder:{self.root.resolve()}"

    def locate(self, content: Content) -> str:
        """Return the place of these bytes below ``root``: ``group/ab/abcdef….mp4``."""
        return locator_of(content)

    def put(self, source: Path, content: Content, sending: Sending = PLAIN) -> StoredMedia:
        """Copy ``source`` in, checking on the way that it still has that hash.

        Raises StorageFull, StorageFailed, PermissionRefused, NotFound, and Conflict when the
        file changed since it was hashed; then nothing is left under the final name.
        """
        locator = self.locate(content)
        target = self.root / locator
        if not self._is_inside(target.parent):
            raise StorageFailed(f"{target.parent} leads outside the media folder {self.root}")
        make_folder(target.parent)
        size = size_of(source)
        if not self.exists(locator, size=size) or not self._is_sound(target, content):
            size = copy_file(
                source, target, sha256=content.sha256, pace=sending.pace, advance=sending.advance
            )
        sending.advance(size, size)
        return StoredMedia(host=self.name, locator=locator, sha256=content.sha256, size=size)

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

    def stat(self, locator: str) -> Asset | None:
        """Return the size of the bytes, None when they are gone; a folder has no checksums."""
        path = self._find(locator)
        try:
            return None if path is None else Asset(locator, size_of(path), url=self.url(locator))
        except NotFound:
            return None

    def fetch(
        self, locator: str, target: Path, content: Content, advance: Advance = PLAIN.advance
    ) -> None:
        """Copy the bytes to ``target``. Raises NotFound, NotVerified and what writing does."""
        try:
            copy_file(self.path(locator), target, sha256=content.sha256, advance=advance)
        except Conflict as error:
            raise NotVerified(
                "the file in the media folder is damaged", hint="vidctl doctor", item=locator
            ) from error
        advance(content.size, content.size)

    def url(self, locator: str) -> str:
        """Return the address beside the library, or the path where another host's folder is."""
        return "./media/" + locator if self.name == MAIN else str(self.root / locator)

    def remove(self, locator: str) -> None:
        """Remove the bytes; nothing happens when they are gone already."""
        path = self._find(locator)
        if path is not None:
            remove_file(path)

    def orphans(self) -> list[Orphan]:
        """Return nothing: a copy that was killed leaves a temporary file, see ``sweep``."""
        return []

    def abort(self, remote_id: str, locator: str) -> None:
        """Do nothing: there are no transfers."""

    def check(self) -> str:
        """Make sure that the folder can be written to, where there is one yet."""
        place = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        if not os.access(place, os.W_OK):
            raise PermissionRefused(f"you may not write in {place}")
        return str(self.root)

    def meter(self, size: int) -> dict[str, float]:
        """A copy on this machine costs nothing."""
        return {}

    def close(self) -> None:
        """Nothing is open."""

    def sweep(self, *, older_than: float) -> int:
        """Remove leftovers of killed copies, ``older_than`` seconds old; return how many."""
        return sweep_temporaries(self.root, older_than=older_than, recursive=True)

    def _is_sound(self, path: Path, content: Content) -> bool:
        return sha256_of(path, PLAIN.advance) == content.sha256

    def _find(self, locator: str) -> Path | None:
        if not is_locator(locator):
            return None
        path = self.root / locator
        return path if self._is_inside(path) else None

    def _is_inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root.resolve())
