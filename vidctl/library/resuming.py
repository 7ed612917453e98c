"""Going on with an upload that broke off, as what it was meant to be."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.errors import Conflict, LibraryLocked, NotFound
from vidctl.model.scope import Scope
from vidctl.model.upload import ITEM, MOVE, REPLACE
from vidctl.sources.expand import is_link

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.thing import Thing
    from vidctl.model.upload import Upload
    from vidctl.outcome import Outcome
    from vidctl.progress import Report

# How much of an id people see and type.
SHORT = 10


class Resumption:
    """One upload that is to go on, in the group that it belongs to."""

    def __init__(self, library: Library, upload: Upload) -> None:
        self.library = _within(library, upload)
        self.upload = upload
        self._abort = f"vidctl uploads abort {upload.id[:SHORT]}"

    def check(self) -> None:
        """Make sure that it can go on: nobody is at it, and what it is sent from is as it was.

        Raises LibraryLocked, NotFound and Conflict.
        """
        upload = self.upload
        if upload.state == "active":
            raise LibraryLocked("another vidctl is sending it", hint="vidctl uploads list")
        if upload.purpose == MOVE:
            self._check_move()
            return
        if upload.purpose == ITEM and self._is_held():
            raise Conflict(
                "its bytes belong to an item already",
                hint=f"run the command that sent it again, or {self._abort}",
            )
        if upload.purpose == REPLACE:
            self._thing()
        if is_link(upload.source):
            self._check_link()
        else:
            self._check_file(Path(upload.source))
        self._check_captions()

    def run(self, report: Report) -> str:
        """Send the rest and return the slug of the item. Raises what went wrong."""
        outcome = self._moved(report) if self.upload.purpose == MOVE else self._sent(report)
        if outcome.errors:
            raise outcome.errors[0]
        return str(outcome.data["items"][0]["slug"])

    def _moved(self, report: Report) -> Outcome:
        # Nothing is deleted by going on: that is asked for by the command that does it.
        return self.library.media.move([self._thing().id], self.upload.host, report=report)

    def _sent(self, report: Report) -> Outcome:
        from vidctl import batch
        from vidctl.journey.ingest import Details

        known = self.upload.details
        details = Details.of(known) if known else Details()
        plan = batch.Plan(
            host=self.upload.host,
            replace=self._thing().id if self.upload.purpose == REPLACE else "",
            takes_truncated=bool(known.get("takesTruncated")),
            measures_loudness=bool(known.get("measuresLoudness", True)),
        )
        return batch.upload(self.library, [self.upload.source], details, plan=plan, report=report)

    def _thing(self) -> Thing:
        thing = self.library.store.things.find(self.upload.thing_id)
        if thing is None:
            raise NotFound("the item that it was for is gone", hint=self._abort)
        return thing

    def _check_captions(self) -> None:
        """Make sure that captions are those that were given, whoever wrote the library."""
        from vidctl.files import sha256_of

        known = self.upload.details
        paths = [Path(path) for path in known.get("captions", ())]
        found = [sha256_of(path) for path in paths if path.is_file()]
        if found != known.get("captionHashes", []):
            raise Conflict("its captions have changed since", hint=self._abort)

    def _is_held(self) -> bool:
        return self.library.store.media.by_hash(self.upload.sha256) is not None

    def _check_move(self) -> None:
        rows = self.library.store.media.of(self._thing().id)
        there = [row for row in rows if row.sha256 == self.upload.sha256]
        if not any(row.host != self.upload.host for row in there):
            raise Conflict("the item does not have these bytes any more", hint=self._abort)

    def _check_link(self) -> None:
        if self.upload.details.get("isPartialUrl"):
            raise Conflict(
                "the rest of its address, which may be a secret, was not kept",
                hint=f"run the upload again with the whole address, or {self._abort}",
            )

    def _check_file(self, path: Path) -> None:
        from vidctl.files import sha256_of, size_of

        if not path.is_file():
            raise NotFound("the file is gone", hint=self._abort)
        if size_of(path) != self.upload.size or sha256_of(path) != self.upload.sha256:
            raise Conflict("the file has changed since", hint=self._abort)


def _within(library: Library, upload: Upload) -> Library:
    """Return the library at the group of an upload."""
    if upload.group_id == library.home:
        return library
    above = library.database.groups().ancestors(upload.group_id)
    return library.within(Scope(upload.group_id, (upload.group_id,), above=above))
