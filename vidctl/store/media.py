"""Where the bytes of a scope's things are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from vidctl.model.media import MediaRow
from vidctl.store.database import Scoped, now, to_json

COLUMNS = (
    "m.id, m.group_id, m.thing_id, m.role, m.sha256, m.size, m.host, m.locator, m.filename,"
    " m.metadata"
)

INSERT = """
INSERT INTO media (group_id, id, thing_id, role, sha256, size, host, locator, filename, metadata,
  created_at, updated_at)
VALUES (:home, :id, :thing_id, :role, :sha256, :size, :host, :locator, :filename, :metadata, :now,
  :now)
"""


class SqliteMedia(Scoped):
    """The ``Media`` port over SQLite."""

    def add(self, row: MediaRow) -> None:
        """Remember stored bytes in the home group. Raises Conflict for a source held already."""
        with self.database.transaction():
            self.database.execute(
                INSERT,
                self.bound(
                    id=row.id,
                    thing_id=row.thing_id,
                    role=row.role,
                    sha256=row.sha256,
                    size=row.size,
                    host=row.host,
                    locator=row.locator,
                    filename=row.filename,
                    metadata=to_json(row.metadata),
                    now=now(),
                ),
            )

    def of(self, thing_id: str, role: str = "") -> Sequence[MediaRow]:
        """Return a thing's media of a role (or of all roles), oldest first."""
        return self._where(
            "m.thing_id = :thing_id AND (:role = '' OR m.role = :role)",
            thing_id=thing_id,
            role=role,
        )

    def by_hash(self, sha256: str) -> MediaRow | None:
        """Return where the home group has bytes: as an item's media, else as a former version."""
        found = self._where(
            "m.group_id = :home AND m.sha256 = :sha256 AND m.role IN ('source', 'version')",
            sha256=sha256,
        )
        return min(found, key=lambda row: row.role) if found else None

    def by_file(self, filename: str, path: str = "") -> MediaRow | None:
        """Return what was taken into the home group from a file of that name, the newest.

        With ``path``, only what came from there, as its row's metadata says.
        """
        found = self._where(
            "m.group_id = :home AND m.filename = :filename AND m.role IN ('source', 'version')"
            " AND (:path = '' OR json_extract(m.metadata, '$.path') = :path)",
            filename=filename,
            path=path,
        )
        return found[-1] if found else None

    def annotate(self, media_id: str, metadata: Mapping[str, Any]) -> None:
        """Replace what is known about where bytes came from."""
        with self.database.transaction():
            self.database.execute(
                "UPDATE media AS m SET metadata = :metadata, updated_at = :now"
                f" WHERE {self.in_scope('m')} AND m.id = :id AND m.deleted_at IS NULL",
                self.bound(id=media_id, metadata=to_json(dict(metadata)), now=now()),
            )

    def is_needed(self, host: str, locator: str, *, besides: str = "") -> bool:
        """Tell whether a row, other than the one of the id ``besides``, names those bytes."""
        return bool(
            self.database.rows(
                f"SELECT 1 FROM media AS m WHERE {self.in_scope('m')} AND m.deleted_at IS NULL"
                " AND m.host = :host AND m.locator = :locator AND m.id <> :besides LIMIT 1",
                self.bound(host=host, locator=locator, besides=besides),
            )
        )

    def owners(self, locators: Collection[str]) -> Mapping[tuple[str, str], str]:
        """Return the ids of the things that bytes are of, by host and locator.

        Bytes that several things share are the first one's; those that nobody needs any more are
        whose they were.
        """
        rows = self.database.rows(
            f"SELECT m.host, m.locator, m.thing_id FROM media AS m WHERE {self.in_scope('m')}"
            " AND m.locator IN (SELECT value FROM json_each(:locators))"
            " ORDER BY m.deleted_at IS NULL, m.id DESC",
            self.bound(locators=to_json(list(locators))),
        )
        return {(host, locator): thing_id for host, locator, thing_id in rows}

    def all(self) -> Iterable[MediaRow]:
        """Return every media row of the scope."""
        return self._where("1")

    def _where(self, condition: str, **parameters: Any) -> list[MediaRow]:
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM media AS m WHERE {self.in_scope('m')}"
            f" AND m.deleted_at IS NULL AND {condition} ORDER BY m.id",
            self.bound(**parameters),
        )
        return [media_row_of(row) for row in rows]

    def recast(self, media_id: str, role: str) -> None:
        """Give bytes another role. Raises Conflict for a second source of the same bytes."""
        with self.database.transaction():
            self.database.execute(
                "UPDATE media AS m SET role = :role, updated_at = :now"
                f" WHERE {self.in_scope('m')} AND m.id = :id AND m.deleted_at IS NULL",
                self.bound(id=media_id, role=role, now=now()),
            )

    def remove(self, media_id: str) -> None:
        """Forget where bytes are; the bytes themselves are the host's."""
        with self.database.transaction():
            self.database.execute(
                "UPDATE media AS m SET deleted_at = :now, updated_at = :now,"
                f" filename = '', metadata = '{{}}' WHERE {self.in_scope('m')} AND m.id = :id",
                self.bound(id=media_id, now=now()),
            )


def media_row_of(row: Any) -> MediaRow:
    """Make a record of a row with the columns of COLUMNS."""
    return MediaRow(
        id=row[0],
        group_id=row[1],
        thing_id=row[2],
        role=row[3],
        sha256=row[4],
        size=row[5],
        host=row[6],
        locator=row[7],
        filename=row[8],
        metadata=json.loads(row[9]),
    )
