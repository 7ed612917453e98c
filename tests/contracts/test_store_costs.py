"""The ledger: no work is paid for twice by accident, and caps hold for everybody together."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from harness import Clock
from stores import World, charge

from vidctl.errors import LimitReached, NotFound
from vidctl.model.cost import MICRO, Charge
from vidctl.store import leases
from vidctl.store.costs import Spending, month_of
from vidctl.store.sqlite import SqliteLibrary, SqliteStore

DEAD = f"{socket.gethostname()}:{os.getpid()}:another life"
ALIVE = f"{socket.gethostname()}:{os.getppid()}:another"
QUARTER = 250_000


@pytest.fixture
def store(world: World) -> SqliteStore:
    return world.acme


@pytest.fixture
def spending(world: World) -> Spending:
    return world.library.spending()


def reserve_as(
    monkeypatch: pytest.MonkeyPatch, worker: str, store: SqliteStore, of: Charge
) -> Charge:
    """Reserve as another process would."""
    with monkeypatch.context() as patch:
        patch.setattr(leases, "this_worker", lambda: worker)
        return store.costs.reserve(of)


def test_a_call_is_reserved_and_settled(store: SqliteStore, spending: Spending) -> None:
    wanted = charge(store.scope.home, run_id="run", thing_id="thing", metadata={"host": "s3"})
    made = store.costs.reserve(wanted)
    assert made.id == wanted.id
    assert store.costs.find("work") == made
    assert (made.state, spending.month(), spending.run("run")) == ("reserved", QUARTER, QUARTER)
    store.costs.settle(made.id, {"bytes": 4}, 100)
    held = store.costs.find("work")
    assert held is not None
    assert (held.state, held.units, held.amount) == ("spent", {"bytes": 4}, 100)
    assert (held.thing_id, held.run_id, held.metadata) == ("thing", "run", {"host": "s3"})
    assert (spending.month(), spending.run("run"), spending.run("other")) == (100, 100, 0)
    store.costs.release(made.id)
    store.costs.abandon(made.id)
    assert store.costs.find("work") == held, "what is settled stays"
    with pytest.raises(NotFound):
        store.costs.settle("nothing", {}, 0)


def test_what_was_not_billed_is_taken_off(store: SqliteStore, spending: Spending) -> None:
    made = store.costs.reserve(charge(store.scope.home))
    store.costs.release(made.id)
    assert (store.costs.find("work"), store.costs.page(), store.costs.totals()) == (None, [], [])
    assert spending.month() == 0
    again = store.costs.reserve(charge(store.scope.home))
    assert again.id != made.id
    store.costs.settle(made.id, {}, 7)  # it was billed after all
    assert spending.month() == QUARTER + 7
    assert store.costs.find("work") == again


def test_the_same_work_is_paid_once(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    made = reserve_as(monkeypatch, ALIVE, store, charge(store.scope.home))
    assert store.costs.reserve(charge(store.scope.home)) == made
    store.costs.settle(made.id, {}, 5)
    assert store.costs.reserve(charge(store.scope.home)).id == made.id
    assert store.costs.reserve(charge(store.scope.home, "other work")).id != made.id
    assert len(store.costs.page()) == 2


@pytest.mark.parametrize("mode", ["always", "resume"])
def test_work_that_is_asked_for_again_is_paid_again(
    store: SqliteStore, spending: Spending, mode: str
) -> None:
    made = store.costs.reserve(charge(store.scope.home))
    store.costs.settle(made.id, {}, QUARTER)
    again = store.costs.reserve(charge(store.scope.home), mode=mode)
    assert again.id != made.id
    assert spending.month() == 2 * QUARTER
    assert store.costs.find("work") == again


@pytest.mark.parametrize("how", ["died", "lapsed", "abandoned"])
@pytest.mark.parametrize(("mode", "sum_"), [("once", 2), ("always", 2), ("resume", 1)])
def test_a_call_that_broke_off_may_have_been_billed(
    store: SqliteStore,
    spending: Spending,
    frozen: Clock,
    monkeypatch: pytest.MonkeyPatch,
    how: str,
    mode: str,
    sum_: int,
) -> None:
    made = reserve_as(
        monkeypatch, DEAD if how == "died" else ALIVE, store, charge(store.scope.home)
    )
    if how == "lapsed":
        frozen.milliseconds += 3_600_000
    if how == "abandoned":
        store.costs.abandon(made.id)
    held = store.costs.find("work")
    assert held is not None
    assert (held.state, spending.month()) == ("unknown", QUARTER)
    again = store.costs.reserve(charge(store.scope.home), mode=mode)
    assert (again.state, again.id == made.id) == ("reserved", mode == "resume")
    assert spending.month() == sum_ * QUARTER
    assert sorted(each.state for each in store.costs.page()) == ["reserved", "spent"][:sum_]
    found = store.costs.find("work")
    assert found is not None
    assert (found.id, found.state) == (again.id, "reserved")


def test_totals_are_by_day_service_and_operation(store: SqliteStore, frozen: Clock) -> None:
    frozen.milliseconds = round(datetime(2026, 3, 31, 23, 59, 59, tzinfo=UTC).timestamp()) * 1000
    for number in range(3):
        made = store.costs.reserve(charge(store.scope.home, f"a{number}"))
        store.costs.settle(made.id, {"bytes": 10, "requests": number}, 100)
    frozen.milliseconds += 1000
    store.costs.reserve(charge(store.scope.home, "b", units={}))
    openai = charge(store.scope.home, "c", service="openai", operation="embed", units={"tokens": 9})
    store.costs.abandon(store.costs.reserve(openai).id)
    assert store.costs.totals() == [
        {
            "day": "2026-03-31",
            "service": "cloudinary",
            "operation": "upload",
            "calls": 3,
            "units": {"bytes": 30, "requests": 3},
            "amount": 300,
            "unknown": 0,
        },
        {
            "day": "2026-04-01",
            "service": "cloudinary",
            "operation": "upload",
            "calls": 1,
            "units": {},
            "amount": QUARTER,
            "unknown": QUARTER,
        },
        {
            "day": "2026-04-01",
            "service": "openai",
            "operation": "embed",
            "calls": 1,
            "units": {"tokens": 9},
            "amount": QUARTER,
            "unknown": QUARTER,
        },
    ]
    midnight = frozen.milliseconds
    assert [row["day"] for row in store.costs.totals(until=midnight)] == ["2026-03-31"]
    assert [row["day"] for row in store.costs.totals(since=midnight)] == ["2026-04-01"] * 2
    assert [each.key for each in store.costs.page(since=midnight)] == ["c", "b"]
    assert [each.key for each in store.costs.page(until=midnight, limit=2)] == ["a2", "a1"]


@pytest.mark.parametrize(
    ("moment", "first", "following"),
    [
        ("2026-12-31T23:59:59", "2026-12-01", "2027-01-01"),
        ("2024-02-01T00:00:00", "2024-02-01", "2024-03-01"),
        ("2026-11-30T12:00:00", "2026-11-01", "2026-12-01"),
    ],
)
def test_a_month_is_a_calendar_month(moment: str, first: str, following: str) -> None:
    def at(text: str) -> int:
        return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)

    assert month_of(at(moment)) == (at(first), at(following))


# --- caps ---------------------------------------------------------------------------------------


def test_a_cap_is_of_the_whole_library(world: World, spending: Spending) -> None:
    for number, store in enumerate((world.acme, world.rival, world.courses, world.third)):
        wanted = charge(store.scope.home, run_id=f"run {number}")
        spending.reserve_within(wanted, store.scope, run_cap=0, month_cap=MICRO)
    with pytest.raises(LimitReached) as caught:
        spending.reserve_within(
            charge(world.acme.scope.home, "more"), world.acme.scope, run_cap=0, month_cap=MICRO
        )
    assert caught.value.message == (
        "this upload would cost $0.25, and nothing is left of the cap of $1.00 a month"
    )
    assert caught.value.hint == "vidctl cost cap --month USD"
    assert world.acme.costs.find("more") is None
    assert spending.month() == MICRO


def test_a_run_has_a_cap_of_its_own(world: World, spending: Spending) -> None:
    home, scope = world.acme.scope.home, world.acme.scope
    for number in range(2):
        wanted = charge(home, f"a{number}", run_id="one")
        spending.reserve_within(wanted, scope, run_cap=2 * QUARTER, month_cap=0)
    with pytest.raises(LimitReached, match=r"cap of \$0.50 a run"):
        spending.reserve_within(
            charge(home, "b", run_id="one"), scope, run_cap=2 * QUARTER, month_cap=0
        )
    spending.reserve_within(
        charge(home, "b", run_id="two"), scope, run_cap=2 * QUARTER, month_cap=0
    )
    assert (spending.run("one"), spending.run("two")) == (2 * QUARTER, QUARTER)


def test_a_new_month_has_room_again(world: World, spending: Spending, frozen: Clock) -> None:
    home, scope = world.acme.scope.home, world.acme.scope
    frozen.milliseconds = round(datetime(2026, 1, 31, 23, tzinfo=UTC).timestamp()) * 1000
    spending.reserve_within(charge(home, "a"), scope, run_cap=0, month_cap=QUARTER)
    with pytest.raises(LimitReached):
        spending.reserve_within(charge(home, "b"), scope, run_cap=0, month_cap=QUARTER)
    frozen.milliseconds += 3_600_000
    spending.reserve_within(charge(home, "b"), scope, run_cap=0, month_cap=QUARTER)


def test_what_costs_nothing_more_passes_a_full_cap(
    world: World, spending: Spending, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, scope = world.acme.scope.home, world.acme.scope
    made = reserve_as(monkeypatch, DEAD, world.acme, charge(home))
    full = {"run_cap": QUARTER, "month_cap": QUARTER}
    again = spending.reserve_within(charge(home), scope, mode="resume", **full)
    assert again.id == made.id
    assert spending.reserve_within(charge(home), scope, **full).id == made.id
    spending.reserve_within(charge(home, "free", amount=0), scope, **full)
    before = world.dump("acme")["costs"]
    with pytest.raises(LimitReached):
        spending.reserve_within(charge(home), scope, mode="always", **full)
    assert world.dump("acme")["costs"] == before, "the refused one retired nothing"


SPENDER = """
import os, random, sys, time
from pathlib import Path
from vidctl.errors import LimitReached
from vidctl.ids import new_id
from vidctl.model.cost import Charge
from vidctl.model.scope import Scope
from vidctl.store.sqlite import SqliteLibrary

path, group, bills, seed = sys.argv[1:]
library = SqliteLibrary(Path(path))
scope, dice = Scope.only(group), random.Random(int(seed))
costs = library.open(scope).costs
sys.stdin.readline()
while True:
    amount = dice.choice((10_000, 30_000, 70_000))
    charge = Charge(new_id(), group, "openai", "embed", new_id(), {"tokens": 1}, amount, "reserved")
    try:
        library.spending().reserve_within(charge, scope, run_cap=0, month_cap=1_000_000)
    except LimitReached:
        if amount == 10_000:
            break
        continue
    # The service that sends the bill; what is in its file was charged.
    with open(bills, "a") as file:
        file.write(f"{amount}\\n")
    costs.settle(charge.id, charge.units, amount)
    time.sleep(dice.random() / 200)
"""


def billed(file: Path) -> int:
    return sum(map(int, file.read_text(encoding="utf-8").split())) if file.exists() else 0


def start(world: World, bills: Path, seed: int) -> subprocess.Popen[bytes]:
    group = world.groups["acme" if seed % 2 else "rival"].id
    command = [sys.executable, "-c", SPENDER, str(world.path), group, str(bills), str(seed)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)


def test_eight_processes_cannot_pass_a_cap_together(world: World, tmp_path: Path) -> None:
    """Requirement 29: a cap of 1.00; three of the eight are killed half-way, then all run again."""
    bills = tmp_path / "bills"
    dice = random.Random(29)
    spenders = [start(world, bills, seed) for seed in range(8)]
    for spender in spenders:
        assert spender.stdin is not None
        spender.stdin.write(b"go\n")
        spender.stdin.flush()
    deadline = time.monotonic() + 60
    for spender in spenders[:3]:
        seen = billed(bills)
        while billed(bills) <= seen and spender.poll() is None and time.monotonic() < deadline:
            time.sleep(dice.random() / 100)
        os.kill(spender.pid, signal.SIGKILL)
    told = [spender.communicate(timeout=120)[1] for spender in spenders]
    assert [spender.returncode for spender in spenders[3:]] == [0] * 5, told
    assert 0 < billed(bills) <= MICRO
    again = start(world, bills, 99)
    assert again.communicate(b"go\n", timeout=60)[1] == b""
    library = SqliteLibrary(world.path)
    counted = library.spending().month()
    library.close()
    assert billed(bills) <= counted <= MICRO
    assert counted > MICRO - 10_000, "what was left of the cap could be spent"
