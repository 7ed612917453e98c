"""Stage state of a scope's things: leases, finished parts, failures.

A job is (thing, stage); its key says what the work depends on (bytes, engine, settings). Parts
saved under another key are void. A lease that ran out is free for anyone, so a dead worker's job
never stays "running".
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from vidctl.errors import LibraryLocked, NotFound
from vidctl.ids import derived_id
from vidctl.store import leases
from vidctl.store.database import Scoped, now, to_json

UPSERT = """
INSERT INTO jobs (group_id, id, thing_id, stage, state, key, lease_owner, lease_until, created_at,
  updated_at)
VALUES (:group_id, :id, :thing_id, :stage, 'running', :key, :owner, :until, :now, :now)
ON CONFLICT (group_id, thing_id, stage) DO UPDATE SET state = 'running', key = excluded.key,
  lease_owner = excluded.lease_owner, lease_until = excluded.lease_until, error = '',
  updated_at = excluded.updated_at
"""


class SqliteJobs(Scoped):
    """The ``Jobs`` port over SQLite."""

    def claim(self, thing_id: str, stage: str, key: str, *, seconds: float = 60.0) -> str:
        """Take a stage of a thing for ``seconds`` and return the job's id.

        Parts of an interrupted run with the same key stay. Raises LibraryLocked while another
        live process holds the stage.
        """
        with self.database.transaction():
            row = self.database.one(
                "SELECT t.group_id, j.id, j.key, j.state, j.lease_owner, j.lease_until"
                " FROM things AS t LEFT JOIN jobs AS j ON j.group_id = t.group_id"
                " AND j.thing_id = t.id AND j.stage = :stage"
                f" WHERE {self.in_scope('t')} AND t.id = :id AND t.deleted_at IS NULL",
                self.bound(id=thing_id, stage=stage),
            )
            if row is None:
                raise NotFound(f"there is no thing {thing_id}")
            group_id, job_id, old_key, state, owner, until = row
            # A worker never waits for itself: a second claim by this process is a restart.
            is_held = state == "running" and leases.is_live(owner, until)
            if is_held and not leases.is_ours(owner):
                raise LibraryLocked(
                    f"another vidctl is busy with {stage} of this item",
                    hint="wait for it, or try again in a minute",
                )
            job_id = job_id or derived_id(group_id, "job", f"{thing_id}/{stage}")
            if old_key is not None and (old_key != key or state == "done"):
                self._drop_parts(group_id, job_id)
            self.database.execute(
                UPSERT,
                {
                    "group_id": group_id,
                    "id": job_id,
                    "thing_id": thing_id,
                    "stage": stage,
                    "key": key,
                    "now": now(),
                    **leases.taken(seconds),
                },
            )
        return str(job_id)

    def extend(self, job_id: str, *, seconds: float = 60.0) -> None:
        """Keep a claimed job for ``seconds`` from now. Raises LibraryLocked when it was lost."""
        with self.database.transaction():
            self._held(job_id)
            self.database.execute(
                "UPDATE jobs AS j SET lease_owner = :owner, lease_until = :until"
                f" WHERE {self.in_scope('j')} AND j.id = :id",
                self.bound(id=job_id, **leases.taken(seconds)),
            )

    def _held(self, job_id: str) -> None:
        """Make sure that this process still has the job, which a pause can cost it."""
        row = self.database.one(
            f"SELECT 1 FROM jobs AS j WHERE {self.in_scope('j')} AND j.id = :id"
            " AND j.state = 'running' AND j.lease_owner = :owner",
            self.bound(id=job_id, owner=leases.this_worker()),
        )
        if row is None:
            raise LibraryLocked(
                "another vidctl took this work over", hint="leave it to finish, then look again"
            )

    def parts(self, job_id: str) -> dict[int, Any]:
        """Return the results of a job's finished parts by ordinal."""
        rows = self.database.rows(
            f"SELECT p.ordinal, p.result FROM job_parts AS p WHERE {self.in_scope('p')}"
            " AND p.job_id = :id",
            self.bound(id=job_id),
        )
        return {row[0]: json.loads(row[1]) for row in rows}

    def save_part(self, job_id: str, ordinal: int, result: Any) -> None:
        """Keep a finished part; a rerun will not do it again. Raises as ``extend`` does."""
        with self.database.transaction():
            self._held(job_id)
            self.database.execute(
                "INSERT INTO job_parts (group_id, job_id, ordinal, result, created_at)"
                " SELECT j.group_id, j.id, :ordinal, :result, :now FROM jobs AS j"
                f" WHERE {self.in_scope('j')} AND j.id = :id"
                " ON CONFLICT (group_id, job_id, ordinal) DO UPDATE SET result = excluded.result",
                self.bound(id=job_id, ordinal=ordinal, result=to_json(result), now=now()),
            )

    def finish(self, job_id: str, *, error: str = "") -> None:
        """End a job: done, or failed with a reason. The parts of a done job are dropped.

        A job that another process took over is left to that one: a failure is not told there,
        and for a success LibraryLocked is raised, so that the caller's transaction is undone.
        """
        with self.database.transaction():
            if not error:
                self._held(job_id)
                for group_id in self.scope.group_ids:
                    self._drop_parts(group_id, job_id)
            self.database.execute(
                "UPDATE jobs AS j SET state = :state, error = :error, lease_owner = '',"
                f" lease_until = 0, updated_at = :now WHERE {self.in_scope('j')} AND j.id = :id"
                " AND j.lease_owner = :owner",
                self.bound(
                    id=job_id,
                    state="failed" if error else "done",
                    error=error,
                    now=now(),
                    owner=leases.this_worker(),
                ),
            )

    def _drop_parts(self, group_id: str, job_id: str) -> None:
        self.database.execute(
            "DELETE FROM job_parts WHERE group_id = ? AND job_id = ?", (group_id, job_id)
        )

    def states(self, thing_ids: Sequence[str] = ()) -> Sequence[dict[str, Any]]:
        """Return state rows of these things, or of all; a lapsed lease reads as interrupted."""
        rows = self.database.rows(
            "SELECT j.thing_id, j.stage, j.state, j.key, j.error, j.lease_owner, j.lease_until,"
            f" j.updated_at FROM jobs AS j WHERE {self.in_scope('j')}"
            " AND (:every OR j.thing_id IN (SELECT value FROM json_each(:ids)))"
            " ORDER BY j.updated_at",
            self.bound(every=not thing_ids, ids=to_json(list(thing_ids))),
        )
        return [
            {
                "thingId": row[0],
                "stage": row[1],
                "state": _state(row[2], row[5], row[6]),
                "key": row[3],
                "error": row[4],
                "updatedAt": row[7],
            }
            for row in rows
        ]


def _state(state: str, owner: str, until: int) -> str:
    is_lost = state == "running" and not leases.is_live(owner, until)
    return "interrupted" if is_lost else state
