"""Files of a scope on their way to a host: leases, and the parts that have arrived.

An upload is (group, host, locator). What was sent of other bytes, or in another transfer, is void.
A lease that ran out, or whose worker died, is free for anyone: the next one goes on from the parts.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from vidctl.errors import Ambiguous, LibraryLocked, NotFound
from vidctl.failpoints import reach
from vidctl.ids import derived_id
from vidctl.model.media import Content
from vidctl.model.upload import SentPart, Upload
from vidctl.store import jobs
from vidctl.store.database import Scoped, now

COLUMNS = (
    "u.id, u.group_id, u.host, u.locator, u.sha256, u.size, u.source, u.state, u.part_size,"
    " u.remote_id, u.error, u.created_at, u.updated_at, u.lease_owner, u.lease_until"
)
# The remote transfer of the same bytes is gone on with, in parts of the size it began with.
UPSERT = """
INSERT INTO uploads (group_id, id, host, locator, sha256, size, source, state, part_size,
  lease_owner, lease_until, created_at, updated_at)
VALUES (:group, :id, :host, :locator, :sha256, :size, :source, 'active', :part_size, :owner,
  :until, :now, :now)
ON CONFLICT (group_id, host, locator) DO UPDATE SET sha256 = excluded.sha256,
  size = excluded.size, source = excluded.source, state = 'active', error = '',
  remote_id = CASE WHEN :is_same THEN uploads.remote_id ELSE '' END,
  part_size = CASE WHEN :is_same AND uploads.remote_id <> '' THEN uploads.part_size
    ELSE excluded.part_size END,
  lease_owner = excluded.lease_owner, lease_until = excluded.lease_until,
  updated_at = excluded.updated_at
"""
SAVE_PART = """
INSERT INTO upload_parts (group_id, upload_id, ordinal, start, size, etag, created_at)
VALUES (:group, :id, :ordinal, :start, :size, :etag, :now)
ON CONFLICT (group_id, upload_id, ordinal) DO UPDATE SET start = excluded.start,
  size = excluded.size, etag = excluded.etag
"""


class SqliteUploads(Scoped):
    """The ``Uploads`` port over SQLite."""

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
        if content.group_id not in self.scope.group_ids:
            raise NotFound("these bytes belong to no group here")
        with self.database.transaction():
            held = self._row(
                "u.group_id = :group AND u.host = :host AND u.locator = :locator",
                group=content.group_id,
                host=host,
                locator=locator,
            )
            if held is not None:
                _refuse_if_busy(held)
            is_same = held is not None and (held["sha256"], held["size"]) == (
                content.sha256,
                content.size,
            )
            upload_id = derived_id(content.group_id, "upload", f"{host}/{locator}")
            if held is not None and not is_same:
                self._drop_parts(content.group_id, upload_id)
            self.database.execute(
                UPSERT,
                {
                    "group": content.group_id,
                    "id": upload_id,
                    "host": host,
                    "locator": locator,
                    "sha256": content.sha256,
                    "size": content.size,
                    "source": source,
                    "part_size": part_size,
                    "is_same": is_same,
                    "owner": jobs.this_worker(),
                    "until": now() + round(seconds * 1000),
                    "now": now(),
                },
            )
            row = self._row("u.id = :id", id=upload_id)
            return self._upload(row)

    def begin(self, upload_id: str, remote_id: str, part_size: int) -> None:
        """Remember the host's name for a transfer, and its part size in bytes.

        Parts of another transfer are void. Raises LibraryLocked when the upload was lost.
        """
        with self.database.transaction():
            row = self._held(upload_id)
            if (row["remote_id"], row["part_size"]) != (remote_id, part_size):
                self._drop_parts(row["group_id"], upload_id)
            self.database.execute(
                "UPDATE uploads SET remote_id = :remote, part_size = :part_size, updated_at = :now"
                " WHERE group_id = :group AND id = :id",
                {
                    "remote": remote_id,
                    "part_size": part_size,
                    "now": now(),
                    "group": row["group_id"],
                    "id": upload_id,
                },
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
        """Keep an upload for ``seconds`` from now. Raises LibraryLocked when it was lost."""
        with self.database.transaction():
            self._keep(self._held(upload_id), seconds)

    def finish(self, upload_id: str, *, error: str = "") -> None:
        """End an upload: forget it when it is done, keep its parts and why it failed otherwise.

        One that another process took over, or finished, is left to that one: the bytes are on the
        host whoever sent them.
        """
        if not error:
            reach("upload.completed")
        with self.database.transaction():
            if not error:
                self.database.execute(
                    f"DELETE FROM uploads AS u WHERE {self.in_scope('u')} AND u.id = :id"
                    " AND u.lease_owner = :owner",
                    self.bound(id=upload_id, owner=jobs.this_worker()),
                )
                return
            self.database.execute(
                "UPDATE uploads AS u SET state = 'failed', error = :error, lease_owner = '',"
                f" lease_until = 0, updated_at = :now WHERE {self.in_scope('u')} AND u.id = :id"
                " AND u.lease_owner = :owner",
                self.bound(id=upload_id, error=error, now=now(), owner=jobs.this_worker()),
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
            self.database.execute(
                "DELETE FROM uploads WHERE group_id = ? AND id = ?", (row["group_id"], upload_id)
            )

    def find(self, reference: str) -> Upload:
        """Return the upload with an id, or the beginning of one. Raises NotFound, Ambiguous."""
        rows = self._rows("u.id >= :low AND u.id < :high", low=reference, high=reference + "{")
        if not rows or not reference:
            raise NotFound(f"there is no upload {reference!r} here", hint="vidctl uploads list")
        if len(rows) > 1:
            raise Ambiguous(f"{reference!r} fits several uploads", hint="vidctl uploads list")
        return self._upload(rows[0])

    def all(self) -> Sequence[Upload]:
        """Return all uploads, oldest first; a lapsed lease reads as interrupted."""
        with self.database.reading():
            return [self._upload(row) for row in self._rows("1")]

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
        if row is None or (row["state"], row["lease_owner"]) != ("active", jobs.this_worker()):
            raise LibraryLocked(
                "another vidctl took this upload over", hint="leave it to finish, then look again"
            )
        return row

    def _keep(self, row: Any, seconds: float) -> None:
        self.database.execute(
            "UPDATE uploads SET lease_until = ?, updated_at = ? WHERE group_id = ? AND id = ?",
            (now() + round(seconds * 1000), now(), row["group_id"], row["id"]),
        )

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
        )


def _is_going_on(row: Any) -> bool:
    return bool(row["lease_until"] > now() and jobs.is_alive(row["lease_owner"]))


def _refuse_if_busy(row: Any) -> None:
    """Raise LibraryLocked for an upload of another process; none ever waits for itself."""
    is_ours = row["lease_owner"] == jobs.this_worker()
    if row["state"] == "active" and not is_ours and _is_going_on(row):
        raise LibraryLocked(
            f"another vidctl is sending these bytes to {row['host']}",
            hint="wait for it, or try again in a minute",
            item=row["source"],
        )
