"""Uploads that broke off, for front ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import Conflict, LibraryLocked, NotFound, UsageError, VidctlError
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.locator import content_type_of, is_locator
from vidctl.model.media import Content
from vidctl.model.scope import Scope
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.media import Orphan
    from vidctl.model.upload import Upload
    from vidctl.ports import MediaHost
    from vidctl.progress import Report

DAY = 86400.0
# How much of an id people see and type.
SHORT = 10
# What is made from a media file or lies beside one: pictures, captions, waveforms.
BESIDE = ("image/", "text/", "application/json", "application/x-subrip")


class Uploads(Controller):
    """Files on their way to a host, and what is left of those that never arrived."""

    def all(self) -> Outcome:
        """Return the uploads that are going on or broke off, oldest first."""
        self.library.allow("keep library")
        rows = [record(upload) for upload in self.store.uploads.all()]
        return listed(rows, notes=[] if rows else ["no uploads under way"])

    def resume(
        self, references: Sequence[str] = (), *, report: Report, rehearse: bool = False
    ) -> Outcome:
        """Go on with uploads, or with all that broke off, from where their files are.

        The data lists each with its ``item``. A file that is gone or changed is an error, and so
        is an upload that was no item's own: those belong to commands that can be run again.
        """
        self.library.allow("keep library")
        uploads, errors = self._chosen(references)
        if not rehearse:
            self.library.writable()
        rows = []
        for upload in uploads:
            try:
                self._check(upload)
                row = {**record(upload), "item": None}
                if not rehearse:
                    row["item"] = self._resumed(upload, report)
                rows.append(row)
            except VidctlError as error:
                error.item = upload.source
                errors.append(error)
        if errors and not rows:
            raise errors[0]
        return listed(rows, errors=errors, notes=[] if uploads else ["nothing to go on with"])

    def _chosen(self, references: Sequence[str]) -> tuple[list[Upload], list[VidctlError]]:
        """Return the uploads that are named, else those that nobody is sending."""
        if not references:
            return [each for each in self.store.uploads.all() if each.state != "active"], []
        chosen: dict[str, Upload] = {}
        errors: list[VidctlError] = []
        for reference in references:
            try:
                upload = self.store.uploads.find(reference)
                chosen[upload.id] = upload
            except VidctlError as error:
                error.item = reference
                errors.append(error)
        return list(chosen.values()), errors

    def _check(self, upload: Upload) -> None:
        """Make sure that an upload can go on: nobody is at it, and its file is as it was."""
        if upload.state == "active":
            raise LibraryLocked("another vidctl is sending it", hint="vidctl uploads list")
        gone = f"vidctl uploads abort {upload.id[:SHORT]}"
        again = f"run the command that sent it again, or {gone}"
        if content_type_of(upload.locator).startswith(BESIDE):
            raise Conflict("it goes with another file", hint=again)
        if self._held(upload):
            raise Conflict("its bytes belong to an item already", hint=again)
        if "://" in upload.source:
            return
        from vidctl.files import sha256_of, size_of

        path = Path(upload.source)
        if not path.is_file():
            raise NotFound("the file is gone", hint=gone)
        if size_of(path) != upload.size or sha256_of(path) != upload.sha256:
            raise Conflict("the file has changed since", hint=gone)

    def _held(self, upload: Upload) -> bool:
        rows = self._at(upload).store.media
        return any(rows.by_hash(upload.sha256, role) for role in ("source", "version"))

    def _at(self, upload: Upload) -> Library:
        """Return the library at the group of an upload."""
        if upload.group_id == self.library.home:
            return self.library
        above = self.library.database.groups().ancestors(upload.group_id)
        return self.library.within(Scope(upload.group_id, (upload.group_id,), above=above))

    def _resumed(self, upload: Upload, report: Report) -> str:
        """Send the rest and return the slug of the item. Raises what went wrong."""
        from vidctl import batch
        from vidctl.journey.ingest import Details

        library = self._at(upload)
        outcome = batch.upload(
            library, [upload.source], Details(), plan=batch.Plan(host=upload.host), report=report
        )
        if outcome.errors:
            raise outcome.errors[0]
        # Where the parts are of another size by now, or there are none, the host passed it over.
        self.store.uploads.drop(upload.id)
        return str(outcome.data["items"][0]["slug"])

    def chosen(self, references: Sequence[str], *, every: bool) -> Outcome:
        """Return what ``abort`` would drop, for a question to be asked.

        Raises UsageError unless either references or ``every`` is given.
        """
        self.library.allow("keep library")
        if bool(references) == every:
            raise UsageError("name uploads, or take all of them", hint="vidctl uploads abort --all")
        uploads, errors = self._chosen(references)
        if errors and not uploads:
            raise errors[0]
        return listed([record(upload) for upload in uploads], errors=errors)

    def abort(self, references: Sequence[str], *, every: bool = False) -> Outcome:
        """Give uploads up: drop their parts from the host, then forget them.

        ``every`` is all that nobody is sending. One that another process sends, or whose host
        does not answer, is an error and stays.
        """
        outcome = self.chosen(references, every=every)
        uploads, _ = self._chosen(references)
        errors = list(outcome.errors)
        rows = []
        for upload in uploads:
            try:
                self._abort(upload)
                rows.append(record(upload))
            except VidctlError as error:
                error.item = error.item or upload.source
                errors.append(error)
        if errors and not rows:
            raise errors[0]
        return listed(rows, errors=errors)

    def _abort(self, upload: Upload) -> None:
        host = self.library.hosts.named(upload.host)
        self._reachable(host)
        # Taken first, so that nobody goes on with it while its parts are dropped.
        claimed = self.store.uploads.claim(
            upload.host,
            upload.locator,
            Content(upload.group_id, upload.sha256, upload.size, Path(upload.locator).suffix),
            source=upload.source,
            part_size=upload.part_size,
        )
        try:
            if claimed.remote_id:
                host.abort(claimed.remote_id, claimed.locator)
        except BaseException as error:
            self.store.uploads.finish(claimed.id, error=f"not aborted: {error}")
            raise
        self.store.uploads.drop(claimed.id)

    def _reachable(self, host: MediaHost) -> None:
        if self.library.is_offline and not host.is_local:
            raise UsageError(f"--offline, and the host {host.name} is on the network")

    def orphans(self, *, host: str = "", older_than: float = DAY, abort: bool = False) -> Outcome:
        """Return transfers on the hosts that no upload here knows of, and drop them on ``abort``.

        Only what is of the groups in use is looked at, and only what is ``older_than`` that many
        seconds: what is younger may be going on elsewhere. A host that does not answer is an error.
        """
        self.library.allow("keep library")
        known = self._known()
        latest = now() - round(older_than * 1000)
        rows: list[dict[str, Any]] = []
        errors: list[VidctlError] = []
        for name in [host] if host else self.library.hosts.names():
            try:
                place = self.library.hosts.named(name)
                self._reachable(place)
                for orphan in place.orphans():
                    if not self._is_ours(orphan) or orphan.remote_id in known:
                        continue
                    if orphan.started_at <= latest:
                        rows.append(_orphan(orphan, place, abort=abort))
            except VidctlError as error:
                if host:
                    raise
                error.item = name
                errors.append(error)
        return listed(rows, errors=errors, notes=[] if rows else ["no orphans found"])

    def _known(self) -> set[str]:
        """Return the transfers that any group of the library knows of."""
        ids = tuple(group.id for group in self.library.database.groups().all())
        everywhere = self.library.database.open(Scope(ids[0], ids))
        return {upload.remote_id for upload in everywhere.uploads.all()}

    def _is_ours(self, orphan: Orphan) -> bool:
        group_id = orphan.locator.partition("/")[0]
        return is_locator(orphan.locator) and group_id in self.library.scope.group_ids


def record(upload: Upload) -> dict[str, Any]:
    """Return an upload as values that JSON has; sizes are bytes."""
    return {
        "id": upload.id,
        "file": upload.source,
        "host": upload.host,
        "locator": upload.locator,
        "state": upload.state,
        "sent": upload.sent,
        "size": upload.size,
        "parts": len(upload.parts),
        "error": upload.error,
        "createdAt": upload.created_at,
        "updatedAt": upload.updated_at,
    }


def _orphan(orphan: Orphan, host: MediaHost, *, abort: bool) -> dict[str, Any]:
    if abort:
        host.abort(orphan.remote_id, orphan.locator)
    return {
        "host": orphan.host,
        "remoteId": orphan.remote_id,
        "locator": orphan.locator,
        "startedAt": orphan.started_at,
        "aborted": abort,
    }
