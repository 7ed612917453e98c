"""The ledger of paid calls of a scope, and the caps that hold for the whole library.

A reservation is made before the call and belongs to the process that makes it. One whose process
died may have been billed, so it goes on counting. Amounts are millionths of a US dollar.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from vidctl.errors import LimitReached, NotFound
from vidctl.model.cost import Charge, written
from vidctl.model.scope import Scope
from vidctl.store import leases
from vidctl.store.database import Database, Scoped, now, to_json

COLUMNS = (
    "c.id, c.group_id, c.service, c.operation, c.key, c.units, c.amount, c.state, c.thing_id,"
    " c.run_id, c.created_at, c.metadata, c.lease_owner, c.lease_until"
)
WITHIN = (
    "c.state <> 'released' AND (:since IS NULL OR c.created_at >= :since)"
    " AND (:until IS NULL OR c.created_at < :until)"
)
# What the ledger is summed by: days of UTC, and who did what.
CELL = "c.created_at / 86400000, c.service, c.operation"
INSERT = """
INSERT INTO costs (group_id, id, service, operation, thing_id, run_id, key, units, amount, state,
  metadata, lease_owner, lease_until, created_at, updated_at)
VALUES (:group, :id, :service, :operation, :thing, :run, :key, :units, :amount, 'reserved',
  :metadata, :owner, :until, :now, :now)
"""
# The key goes to the next payment for the same work; this one keeps counting under its own id.
RETIRE = """
UPDATE costs SET key = key || '#' || id, updated_at = :now,
  state = CASE WHEN :is_over THEN 'spent' ELSE state END
WHERE group_id = :group AND id = :id
"""


class SqliteCosts(Scoped):
    """The ``Costs`` port over SQLite."""

    def reserve(self, charge: Charge, *, seconds: float = 3600.0, mode: str = "once") -> Charge:
        """Write down a call before it is made; return the reservation, which has its own id.

        With another id, and ``once``, nothing was reserved: the same work (``key``) was paid for,
        or is being paid for by a live process. ``always`` pays once more. ``resume`` goes on with
        the reservation of a call that broke off, at no further cost, and else pays once more. Of
        a call that broke off nobody knows whether it was billed: without ``resume`` it counts, and
        the new one as well. Raises NotFound for a group that is not in the scope.
        """
        if charge.group_id not in self.scope.group_ids:
            raise NotFound("that charge belongs to no group here")
        with self.database.transaction():
            held = self._held(charge)
            if held is not None:
                is_broken = held.state == "unknown"
                if mode == "once" and not is_broken:
                    return held
                if mode == "resume" and is_broken:
                    self._lease(held, seconds)
                    return replace(held, state="reserved")
                self.database.execute(
                    RETIRE,
                    {
                        "group": held.group_id,
                        "id": held.id,
                        "is_over": is_broken,
                        "now": now(),
                    },
                )
            return self._add(charge, seconds)

    def settle(self, charge_id: str, units: Mapping[str, float], amount: int) -> None:
        """Say what a call took in the end. Raises NotFound where there is no such reservation."""
        # Two processes can share what ``resume`` took over, and only one of them knows best.
        changed = self._end(
            charge_id,
            "state = 'spent', units = :units, amount = :amount,"
            " key = CASE state WHEN 'released' THEN key || '#' || id ELSE key END",
            "1",
            units=to_json(dict(units)),
            amount=amount,
        )
        if not changed:
            raise NotFound(f"there is no reservation {charge_id} here")

    def release(self, charge_id: str) -> None:
        """Take a call off that was certainly not billed; what was settled stays."""
        self._end(charge_id, "state = 'released'", "c.state = 'reserved'")

    def abandon(self, charge_id: str) -> None:
        """End a call that may have been billed: it counts, and the same work can be tried again."""
        self._end(charge_id, "state = 'reserved'", "c.state = 'reserved'")

    def _end(self, charge_id: str, assignments: str, condition: str, **parameters: Any) -> int:
        # A power cut can only bring the reservation back, and that counts.
        with self.database.transaction(is_lasting=False):
            done = self.database.execute(
                f"UPDATE costs AS c SET {assignments}, lease_owner = '', lease_until = 0,"
                f" updated_at = :now WHERE {self.in_scope('c')} AND c.id = :id AND {condition}",
                self.bound(id=charge_id, now=now(), **parameters),
            )
            return int(done.rowcount)

    def find(self, key: str) -> Charge | None:
        """Return the newest payment for a piece of work that counts, None when there is none."""
        rows = self._rows(
            "c.key = :key AND c.state <> 'released' ORDER BY c.created_at DESC, c.id DESC", key=key
        )
        return rows[0] if rows else None

    def page(
        self, *, since: int | None = None, until: int | None = None, limit: int = 100
    ) -> Sequence[Charge]:
        """Return what counts from ``since`` to before ``until`` (milliseconds), newest first."""
        return self._rows(
            f"{WITHIN} ORDER BY c.created_at DESC, c.id DESC LIMIT :limit",
            since=since,
            until=until,
            limit=limit,
        )

    def totals(
        self, *, since: int | None = None, until: int | None = None
    ) -> Sequence[dict[str, Any]]:
        """Return sums by day (UTC), service and operation, oldest first.

        Each has ``day`` (2026-11-24), ``service``, ``operation``, ``calls``, ``units``, ``amount``
        and ``unknown``, how much of it belongs to calls that broke off or are going on.
        """
        parameters = self.bound(since=since, until=until)
        cells: dict[tuple[Any, ...], dict[str, Any]] = {}
        with self.database.reading():
            for day, service, operation, calls, amount, open_ in self.database.rows(
                f"SELECT {CELL}, count(*), sum(c.amount),"
                " sum(CASE WHEN c.state = 'reserved' THEN c.amount ELSE 0 END)"
                f" FROM costs AS c WHERE {self.in_scope('c')} AND {WITHIN} GROUP BY {CELL}"
                f" ORDER BY {CELL}",
                parameters,
            ):
                cells[day, service, operation] = {
                    "day": datetime.fromtimestamp(day * 86400, UTC).date().isoformat(),
                    "service": service,
                    "operation": operation,
                    "calls": calls,
                    "units": {},
                    "amount": amount,
                    "unknown": open_,
                }
            for day, service, operation, unit, sum_ in self.database.rows(
                f"SELECT {CELL}, u.key, sum(u.value) FROM costs AS c, json_each(c.units) AS u"
                f" WHERE {self.in_scope('c')} AND {WITHIN} GROUP BY {CELL}, u.key"
                f" ORDER BY {CELL}, u.key",
                parameters,
            ):
                cells[day, service, operation]["units"][unit] = sum_
        return list(cells.values())

    def _add(self, charge: Charge, seconds: float) -> Charge:
        moment = now()
        self.database.execute(
            INSERT,
            {
                "group": charge.group_id,
                "id": charge.id,
                "service": charge.service,
                "operation": charge.operation,
                "thing": charge.thing_id,
                "run": charge.run_id,
                "key": charge.key,
                "units": to_json(charge.units),
                "amount": charge.amount,
                "metadata": to_json(charge.metadata),
                "now": moment,
                **leases.taken(seconds),
            },
        )
        return replace(charge, state="reserved", created_at=moment)

    def _lease(self, charge: Charge, seconds: float) -> None:
        self.database.execute(
            "UPDATE costs SET lease_owner = :owner, lease_until = :until, updated_at = :now"
            " WHERE group_id = :group AND id = :id",
            {
                "now": now(),
                "group": charge.group_id,
                "id": charge.id,
                **leases.taken(seconds),
            },
        )

    def _held(self, charge: Charge) -> Charge | None:
        rows = self._rows(
            "c.group_id = :group AND c.key = :key AND c.state <> 'released'",
            group=charge.group_id,
            key=charge.key,
        )
        return rows[0] if rows else None

    def _rows(self, condition: str, **parameters: Any) -> list[Charge]:
        rows = self.database.rows(
            f"SELECT {COLUMNS} FROM costs AS c WHERE {self.in_scope('c')} AND {condition}",
            self.bound(**parameters),
        )
        return [_charge_of(row) for row in rows]


def _charge_of(row: Any) -> Charge:
    is_broken = row["state"] == "reserved" and not leases.is_live(
        row["lease_owner"], row["lease_until"]
    )
    return Charge(
        id=row["id"],
        group_id=row["group_id"],
        service=row["service"],
        operation=row["operation"],
        key=row["key"],
        units=json.loads(row["units"]),
        amount=row["amount"],
        state="unknown" if is_broken else row["state"],
        thing_id=row["thing_id"],
        run_id=row["run_id"],
        created_at=row["created_at"],
        metadata=json.loads(row["metadata"]),
    )


class Spending:
    """What the whole library spends: sums over every group, and caps on them."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def month(self) -> int:
        """Return what counts in the present calendar month (UTC)."""
        since, until = month_of(now())
        return self._sum("created_at >= ? AND created_at < ?", since, until)

    def run(self, run_id: str) -> int:
        """Return what counts in one run."""
        return self._sum("run_id = ?", run_id)

    def reserve_within(
        self,
        charge: Charge,
        scope: Scope,
        *,
        run_cap: int,
        month_cap: int,
        mode: str = "once",
        seconds: float = 3600.0,
    ) -> Charge:
        """Reserve as ``Costs.reserve`` does, where the caps leave room; a cap of 0 is none.

        Checking and writing are one transaction, so that processes cannot pass a cap together.
        Raises LimitReached, which says what is left, and then the transaction is undone.
        """
        with self.database.transaction():
            reserved = SqliteCosts(self.database, scope).reserve(charge, seconds=seconds, mode=mode)
            if charge.amount and reserved.id == charge.id:
                # Summed up only for a cap: a large upload would add up what it spent for each file.
                if run_cap:
                    _admit(charge, self.run(charge.run_id), run_cap, "run")
                if month_cap:
                    _admit(charge, self.month(), month_cap, "month")
        return reserved

    def _sum(self, condition: str, *parameters: Any) -> int:
        row = self.database.one(
            f"SELECT coalesce(sum(amount), 0) FROM costs WHERE state <> 'released' AND {condition}",
            parameters,
        )
        return int(row[0])


def month_of(moment: int) -> tuple[int, int]:
    """Return the bounds of the calendar month (UTC) of a moment, all in epoch milliseconds."""
    day = datetime.fromtimestamp(moment / 1000, UTC)
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    following = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return round(first.timestamp() * 1000), round(following.timestamp() * 1000)


def _admit(charge: Charge, sum_: int, cap: int, span: str) -> None:
    """Raise LimitReached where the ``sum_`` that a charge is in passes a cap."""
    if sum_ <= cap:
        return
    left = max(0, cap - (sum_ - charge.amount))
    raise LimitReached(
        f"this {charge.operation} would cost {written(charge.amount)}, and"
        f" {written(left) if left else 'nothing'} is left of the cap of {written(cap)} a {span}",
        hint=f"vidctl cost cap --{span} USD",
    )
