"""Files of a scope on their way to a host, and what of them has arrived.

One process at a time sends the same bytes to the same place; it has a lease, so a dead one's place
is free. The row of an upload that broke off stays, with its parts, until somebody goes on with it
or drops it. One that arrived stays until a media row names its bytes: until then, nobody may
remove them.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from vidctl.errors import Ambiguous, LibraryLocked, NotFound
from vidctl.failpoints import reach
from vidctl.ids import derived_id, new_id
from vidctl.model.media import Content
from vidctl.model.upload import BESIDE, REMOVAL, SentPart, Upload
from vidctl.store import leases
from vidctl.store.database import Scoped, now, to_json
from vidctl.store.media import SqliteMedia

COLUMNS = (
    "u.id, u.group_id, u.host, u.locator, u.sha256, u.size, u.source, u.state, u.part_size,"
    " u.remote_id, u.error, u.created_at, u.updated_at, u.lease_owner, u.lease_until, u.purpose,"
    " u.thing_id, u.details, u.is_held, u.has_arrived"
)
# The remote transfer of the same bytes is gone on with, in parts of the size it began with. What a
# live process said of an upload when it took hold of it stays.
CLAIM = """
INSERT INTO uploads (group_id, id, host, locator, sha256, size, source, state, part_size,
  lease_owner, lease_until, created_at, updated_at)
VALUES (:group, :id, :host, :locator, :sha256, :size, :source, 'active', :part_size, :owner,
  :until, :now, :now)
ON CONFLICT (group_id, id) DO UPDATE SET sha256 = excluded.sha256,
  size = excluded.size, source = excluded.source, state = 'active', error = '', has_arrived = 0,
  remote_id = CASE WHEN :is_same THEN uploads.remote_id ELSE '' END,
  part_size = CASE WHEN :is_same AND uploads.remote_id <> '' THEN uploads.part_size
    ELSE excluded.part_size END,
  is_held = CASE uploads.lease_owner WHEN excluded.lease_owner THEN uploads.is_held ELSE 0 END,
  lease_owner = excluded.lease_owner, lease_until = excluded.lease_until,
  updated_at = excluded.updated_at
"""
HOLD = """
INSERT INTO uploads (group_id, id, host, locator, sha256, size, source, state, purpose, thing_id,
  details, is_held, lease_owner, lease_until, created_at, updated_at)
VALUES (:group, :id, :host, :locator, :sha256, :size, :source, 'active', :purpose, :thing,
  :details, 1, :owner, :until, :now, :now)
ON CONFLICT (group_id, id) DO UPDATE SET source = excluded.source, state = 'active', error = '',
  purpose = excluded.purpose, thing_id = excluded.thing_id, details = excluded.details, is_held = 1,
  lease_owner = excluded.lease_owner, lease_until = excluded.lease_until,
  updated_at = excluded.updated_at
"""
SAVE_PART = """
INSERT INTO upload_parts (group_id, upload_id, ordinal, start, size, etag, created_at)
VALUES (:group, :id, :ordinal, :start, :size, :etag, :now)
ON CONFLICT (group_id, upload_id, ordinal) DO UPDATE SET start = excluded.start,
  size = excluded.size, etag = excluded.etag
"""


# What people see: not what lies beside a file, unless it is all that is being sent.
IN_VIEW = "u.purpose NOT IN ('beside', 'removal')"
# How long it may take to record what has arrived, and to remove bytes from a host that is asked
# again and again, in seconds.
HELD = 3600.0
REMOVING = 900.0
# How long after its lease a process that still runs is believed to be at it, in seconds.
LONGEST = 86_400.0


class SqliteUploads(Scoped):
    """The ``Uploads`` port over SQLite."""

    def hold(
        self,
        host: str,
        locator: str,
        content: Content,
        *,
        source: str,
        purpose: str,
        thing_id: str = "",
        details: Mapping[str, Any] | None = None,
        seconds: float = HELD,
    ) -> str:
        """Take hold of a place for bytes to come, and return the id to settle; empty: not now.

        That is while bytes are being removed there. Until it is settled, nobody removes what is
        at the place. Of what lies ``beside`` a file several may be sent at once. Raises
        LibraryLocked while another live process sends the same bytes, NotFound for content of a
        group that is not in the scope.
        """
        self._check_group(content)
        # A power cut that takes it back ends the sending as well.
        with self.database.transaction(is_lasting=False):
            there = self._at(content.group_id, host, locator)
            if any(row["purpose"] == REMOVAL for row in there):
                return ""
            upload_id = new_id()
            if purpose != BESIDE:
                upload_id = _id_of(content, host, locator)
                self._take_over(self._row("u.id = :id", id=upload_id), content)
            self.database.execute(
                HOLD,
                {
                    **_named(upload_id, host, locator, content, source, seconds),
                    "purpose": purpose,
                    "thing": thing_id,
                    "details": to_json(dict(details or {})),
                },
            )
            return upload_id

    def clear(self, host: str, locator: str, content: Content, *, besides: str = "") -> str:
        """Keep everybody from a place whose bytes are to be removed; return the id to settle.

        It is empty where the bytes must stay: a media row other than ``besides`` names them, or
        somebody sends them, or removes them already.
        """
        self._check_group(content)
        with self.database.transaction(is_lasting=False):
            is_needed = SqliteMedia(self.database, self.scope).is_needed
            if self._at(content.group_id, host, locator) or is_needed(
                host, locator, besides=besides
            ):
                return ""
            removal_id = new_id()
            self.database.execute(
                HOLD,
                {
                    **_named(removal_id, host, locator, content, "", REMOVING),
                    "purpose": REMOVAL,
                    "thing": "",
                    "details": "{}",
                },
            )
            return removal_id

    def settle(self, upload_ids: Collection[str]) -> None:
        """Forget uploads of this process: what they brought is recorded, or nothing will be."""
        if not upload_ids:
            return
        with self.database.transaction(is_lasting=False):
            self.database.execute(
                f"DELETE FROM uploads AS u WHERE {self.in_scope('u')}"
                " AND u.id IN (SELECT value FROM json_each(:ids)) AND u.lease_owner = :owner",
                self.bound(ids=to_json(list(upload_ids)), owner=leases.this_worker()),
            )

    def _at(self, group_id: str, host: str, locator: str) -> list[Any]:
        """Return who is busy at a place; what dead processes left and nobody resumes goes."""
        found = self._rows(
            "u.group_id = :group AND (u.purpose IN ('beside', 'removal')"
            " OR (u.host = :host AND u.locator = :locator))",
            group=group_id,
            host=host,
            locator=locator,
        )
        busy = [row for row in found if row["state"] == "active" and _is_going_on(row)]
        for row in found:
            if row["purpose"] in (BESIDE, REMOVAL) and row not in busy:
                self._forget(row)
        return [row for row in busy if (row["host"], row["locator"]) == (host, locator)]

    def claim(
        self,
        host: str,
        locator: str,
        content: Content,
        *,
        source: str,
        part_size: int,
        seconds: float = 60.0,
    ) -> Upload:
        """Take the sending of some bytes to a host for ``seconds``; return what has arrived.

        ``part_size``, in bytes, is for a transfer that has yet to begin. Raises LibraryLocked
        while another live process sends the same bytes, NotFound for content of a group that is
        not in the scope.
        """
        self._check_group(content)
        upload_id = _id_of(content, host, locator)
        with self.database.transaction():
            row = self._row("u.id = :id", id=upload_id)
            if row is not None and content.size <= part_size and _is_held_here(row):
                return self._upload(row)
            is_same = self._take_over(row, content)
            self.database.execute(
                CLAIM,
                {
                    **_named(upload_id, host, locator, content, source, seconds),
                    "part_size": part_size,
                    "is_same": is_same,
                },
            )
            return self._upload(self._row("u.id = :id", id=upload_id))

    def _take_over(self, row: Any, content: Content) -> bool:
        """Tell whether an upload can go on from its parts; those of other bytes are void.

        Raises LibraryLocked while another live process is at it.
        """
        if row is None:
            return False
        _refuse_if_busy(row)
        is_same = (row["sha256"], row["size"]) == (content.sha256, content.size)
        if not is_same:
            self._drop_parts(row["group_id"], row["id"])
        return is_same

    def begin(self, upload_id: str, remote_id: str, part_size: int) -> None:
        """Remember the host's name for a transfer, and its part size in bytes.

        Parts of another transfer are void. Raises LibraryLocked when the upload was lost.
        """
        with self.database.transaction():
            row = self._held(upload_id)
            if (row["remote_id"], row["part_size"]) != (remote_id, part_size):
                self._drop_parts(row["group_id"], upload_id)
            self._update(
                row,
                "remote_id = :remote, part_size = :part_size",
                remote=remote_id,
                part_size=part_size,
            )

    def save_part(self, upload_id: str, part: SentPart, *, seconds: float = 60.0) -> None:
        """Remember that a part has arrived, and keep the upload. Raises as ``extend`` does."""
        reach("upload.part.sent")
        with self.database.transaction():
            row = self._held(upload_id)
            self.database.execute(
                SAVE_PART,
                {
                    "group": row["group_id"],
                    "id": upload_id,
                    "ordinal": part.ordinal,
                    "start": part.offset,
                    "size": part.size,
                    "etag": part.etag,
                    "now": now(),
                },
            )
            self._keep(row, seconds)
        reach("upload.part.saved")

    def extend(self, upload_id: str, *, seconds: float = 60.0) -> None:
        """Keep an upload for ``seconds`` from now; 0 lets go of it, also where it was held.

        Raises LibraryLocked when it was lost.
        """
        with self.database.transaction():
            row = self._held(upload_id)
            self._keep(row, seconds)
            if not seconds:
                self._update(row, "is_held = 0")

    def finish(self, upload_id: str, *, error: str = "") -> None:
        """End an upload: forget it when it is done, keep its parts and why it failed otherwise.

        One that is held stays until it is settled. One that another process took over, or
        finished, is left to that one: the bytes are on the host whoever sent them.
        """
        if not error:
            reach("upload.completed")
        with self.database.transaction():
            row = self._row("u.id = :id", id=upload_id)
            if row is None or row["lease_owner"] != leases.this_worker():
                return
            if not error and not row["is_held"]:
                self._forget(row)
                return
            if error:
                self._update(
                    row,
                    "state = 'failed', error = :error, lease_owner = '',"
                    " lease_until = 0, is_held = 0",
                    error=error,
                )
            elif row["remote_id"] or row["lease_until"] < leases.taken(HELD / 2)["until"]:
                self._drop_parts(row["group_id"], upload_id)
                self._update(
                    row,
                    "has_arrived = 1, remote_id = '', lease_until = :until",
                    until=leases.taken(HELD)["until"],
                )

    def drop(self, upload_id: str) -> None:
        """Forget an upload and its parts; nothing happens when there is none.

        Raises LibraryLocked while another live process sends it.
        """
        with self.database.transaction():
            row = self._row("u.id = :id", id=upload_id)
            if row is None:
                return
            _refuse_if_busy(row)
            self._forget(row)

    def find(self, reference: str) -> Upload:
        """Return the upload with an id, or the beginning of one. Raises NotFound, Ambiguous."""
        rows = self._rows(
            f"u.id >= :low AND u.id < :high AND {IN_VIEW}", low=reference, high=reference + "{"
        )
        if not rows or not reference:
            raise NotFound(f"there is no upload {reference!r} here", hint="vidctl uploads list")
        if len(rows) > 1:
            raise Ambiguous(f"{reference!r} fits several uploads", hint="vidctl uploads list")
        return self._upload(rows[0])

    def all(self) -> Sequence[Upload]:
        """Return all uploads, oldest first; a lapsed lease reads as interrupted."""
        with self.database.reading():
            return [self._upload(row) for row in self._rows(IN_VIEW)]

    def _row(self, condition: str, **parameters: Any) -> Any:
        rows = self._rows(condition, **parameters)
        return rows[0] if rows else None

    def _rows(self, condition: str, **parameters: Any) -> list[Any]:
        return self.database.rows(
            f"SELECT {COLUMNS} FROM uploads AS u WHERE {self.in_scope('u')} AND {condition}"
            " ORDER BY u.created_at, u.id",
            self.bound(**parameters),
        )

    def _held(self, upload_id: str) -> Any:
        """Make sure that this process still has the upload, which a pause can cost it."""
        row = self._row("u.id = :id", id=upload_id)
        if row is None or (row["state"], row["lease_owner"]) != ("active", leases.this_worker()):
            raise LibraryLocked(
                "another vidctl took this upload over", hint="leave it to finish, then look again"
            )
        return row

    def _keep(self, row: Any, seconds: float) -> None:
        self._update(row, "lease_until = :until", until=leases.taken(seconds)["until"])

    def _update(self, row: Any, assignments: str, **parameters: Any) -> None:
        self.database.execute(
            f"UPDATE uploads SET {assignments}, updated_at = :now"
            " WHERE group_id = :group AND id = :id",
            {"group": row["group_id"], "id": row["id"], "now": now(), **parameters},
        )

    def _forget(self, row: Any) -> None:
        self.database.execute(
            "DELETE FROM uploads WHERE group_id = ? AND id = ?", (row["group_id"], row["id"])
        )

    def _check_group(self, content: Content) -> None:
        if content.group_id not in self.scope.group_ids:
            raise NotFound("these bytes belong to no group here")

    def _drop_parts(self, group_id: str, upload_id: str) -> None:
        self.database.execute(
            "DELETE FROM upload_parts WHERE group_id = ? AND upload_id = ?", (group_id, upload_id)
        )

    def _upload(self, row: Any) -> Upload:
        parts = self.database.rows(
            "SELECT p.ordinal, p.start, p.size, p.etag FROM upload_parts AS p"
            " WHERE p.group_id = ? AND p.upload_id = ? ORDER BY p.ordinal",
            (row["group_id"], row["id"]),
        )
        is_lost = row["state"] == "active" and not _is_going_on(row)
        return Upload(
            id=row["id"],
            group_id=row["group_id"],
            host=row["host"],
            locator=row["locator"],
            sha256=row["sha256"],
            size=row["size"],
            source=row["source"],
            state="interrupted" if is_lost else row["state"],
            part_size=row["part_size"],
            remote_id=row["remote_id"],
            parts={part[0]: SentPart(*part) for part in parts},
            error=row["error"],
            created_at=row["created_at"],
            updated_at=row["updated_at"],
            purpose=row["purpose"],
            thing_id=row["thing_id"],
            details=json.loads(row["details"]),
            has_arrived=bool(row["has_arrived"]),
        )


def _id_of(content: Content, host: str, locator: str) -> str:
    return derived_id(content.group_id, "upload", f"{host}/{locator}")


def _named(
    upload_id: str, host: str, locator: str, content: Content, source: str, seconds: float
) -> dict[str, Any]:
    """Return the parameters that say what is sent where, by whom and until when."""
    return {
        "group": content.group_id,
        "id": upload_id,
        "host": host,
        "locator": locator,
        "sha256": content.sha256,
        "size": content.size,
        "source": source,
        "now": now(),
        **leases.taken(seconds),
    }


def _is_going_on(row: Any) -> bool:
    """Tell whether somebody is at an upload.

    What is held is so while its process runs, also where that takes long or is stopped; on
    another machine only the lease can tell. Another process may have its number by now, so even
    that ends.
    """
    owner, until = row["lease_owner"], row["lease_until"]
    may_be_held = row["is_held"] and until + round(LONGEST * 1000) > now()
    return leases.is_live(owner, until) or bool(may_be_held and leases.runs_here(owner))


def _is_held_here(row: Any) -> bool:
    return row["state"] == "active" and row["is_held"] and leases.is_ours(row["lease_owner"])


def _refuse_if_busy(row: Any) -> None:
    """Raise LibraryLocked for an upload of another process; none ever waits for itself."""
    if row["state"] == "active" and not leases.is_ours(row["lease_owner"]) and _is_going_on(row):
        raise LibraryLocked(
            f"another vidctl is sending these bytes to {row['host']}",
            hint="wait for it, or try again in a minute",
            item=row["source"],
        )
