"""Uploads that broke off, for front ends."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.errors import UsageError, VidctlError
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.library.resuming import Resumption
from vidctl.model.locator import is_locator
from vidctl.model.media import Content
from vidctl.model.scope import Scope
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.media import Orphan
    from vidctl.model.upload import Upload
    from vidctl.ports import MediaHost
    from vidctl.progress import Report

DAY = 86400.0


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

        The data lists each with its ``item``: a new one with the details that were given, the one
        whose media were to be replaced or moved. A file that is gone or changed is an error, and so
        is a link of which only a part was kept.
        """
        self.library.allow("keep library")
        uploads, errors = self._chosen(references)
        if not rehearse:
            self.library.writable()
        rows = []
        for upload in uploads:
            try:
                resumption = Resumption(self.library, upload)
                resumption.check()
                row = {**record(upload), "item": None}
                if not rehearse:
                    row["item"] = self._resumed(resumption, report)
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

    def _resumed(self, resumption: Resumption, report: Report) -> str:
        """Go on with an upload and return the slug of its item."""
        slug = resumption.run(report)
        left = self._left(resumption.upload.id)
        if left is not None:
            # Where the bytes were there, or came in other parts, the host passed it over.
            self._abort(left)
        return slug

    def _left(self, upload_id: str) -> Upload | None:
        return next((each for each in self.store.uploads.all() if each.id == upload_id), None)

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

    def orphans(
        self,
        *,
        host: str = "",
        older_than: float = DAY,
        every: bool = False,
        abort: bool = False,
    ) -> Outcome:
        """Return transfers on the hosts that no upload here knows of, and drop them on ``abort``.

        Only what is of the groups in use is looked at; with ``every``, all that has the form of
        vidctl's names: also of groups that were purged, and of other libraries, whose uploads may
        go on. Only what is ``older_than`` that many seconds is: what is younger may be going on
        elsewhere. ``owner`` is the slug of the group, None where the library has none of that id.
        A host that does not answer is an error. Raises PermissionRefused, for ``every`` to all but
        who owns the library.
        """
        self.library.allow("keep library")
        if every:
            self.library.allow_group("keep library", None)
        owners = {group.id: group.slug for group in self.library.database.groups().all()}
        known = self._known(tuple(owners))
        latest = now() - round(older_than * 1000)
        rows: list[dict[str, Any]] = []
        errors: list[VidctlError] = []
        for name in [host] if host else self.library.hosts.names():
            try:
                place = self.library.hosts.named(name)
                self._reachable(place)
                for orphan in place.orphans():
                    group_id = _group_of(orphan.locator)
                    is_wanted = every or group_id in self.library.scope.group_ids
                    if not is_wanted or orphan.remote_id in known or not is_locator(orphan.locator):
                        continue
                    if orphan.started_at <= latest:
                        rows.append(_orphan(orphan, place, owners.get(group_id), abort=abort))
            except VidctlError as error:
                if host:
                    raise
                error.item = name
                errors.append(error)
        return listed(rows, errors=errors, notes=[] if rows else ["no orphans found"])

    def _known(self, ids: tuple[str, ...]) -> set[str]:
        """Return the transfers that groups of the library, by their ids, know of."""
        everywhere = self.library.database.open(Scope(ids[0], ids))
        return {upload.remote_id for upload in everywhere.uploads.all()}


def record(upload: Upload) -> dict[str, Any]:
    """Return an upload as values that JSON has; sizes are bytes."""
    return {
        "id": upload.id,
        "file": upload.source,
        "purpose": upload.purpose,
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


def _group_of(locator: str) -> str:
    """Return the id of the group that a locator belongs to."""
    return locator.partition("/")[0]


def _orphan(orphan: Orphan, host: MediaHost, owner: str | None, *, abort: bool) -> dict[str, Any]:
    if abort:
        host.abort(orphan.remote_id, orphan.locator)
    return {
        "host": orphan.host,
        "remoteId": orphan.remote_id,
        "locator": orphan.locator,
        "owner": owner,
        "startedAt": orphan.started_at,
        "aborted": abort,
    }
