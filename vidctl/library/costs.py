"""What paid services cost, for front ends and for whoever calls such a service."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any, BinaryIO

from vidctl.catalog import costs
from vidctl.errors import (
    AddressRefused,
    Conflict,
    EngineUnavailable,
    KeyRefused,
    LibraryLocked,
    MissingExtra,
    MissingKey,
    UsageError,
    VidctlError,
)
from vidctl.ids import new_id
from vidctl.library.controller import Controller, listed
from vidctl.model.cost import MICRO, Charge, micros, place_of, upload_key
from vidctl.outcome import Outcome
from vidctl.progress import Report, Silent

if TYPE_CHECKING:
    from vidctl.model.media import Content
    from vidctl.model.thing import Thing
    from vidctl.ports import MediaHost

# service -> unit -> the setting with its price, and how many units that is for.
PRICES: Mapping[str, Mapping[str, tuple[str, float]]] = {
    "cloudinary": {"bytes": ("prices.cloudinary.gigabyte", 1e9)},
    "s3": {
        "bytes": ("prices.s3.gigabyte", 1e9),
        "requests": ("prices.s3.thousand_requests", 1e3),
    },
    "openai": {
        "seconds": ("prices.openai.minute", 60.0),
        "tokens": ("prices.openai.million_tokens", 1e6),
    },
}
# Whoever says this asked nobody.
UNASKED = (UsageError, MissingKey, MissingExtra, EngineUnavailable, AddressRefused)
# How long a call may take before its reservation passes for broken off, in seconds.
LEASE = 6 * 3600.0


class Bill:
    """What a call is reckoned to take, until ``used`` says what it took."""

    def __init__(self, units: Mapping[str, float]) -> None:
        self.units = dict(units)

    def used(self, units: Mapping[str, float]) -> None:
        """Say what the call took, in the same units as the estimate."""
        self.units = dict(units)


class Costs(Controller):
    """The ledger of paid calls and the caps on it; one for each thread, as a library is."""

    def rates(self, service: str) -> dict[str, float]:
        """Return a service's prices in US dollars for one unit; nothing for a free one."""
        number = self.library.config.number
        return {unit: number(key) / per for unit, (key, per) in PRICES.get(service, {}).items()}

    def price(self, operation: str, service: str, units: Mapping[str, float]) -> float:
        """Estimate in US dollars what an operation costs."""
        return costs.amount_of(units, self.rates(service)) / MICRO

    @contextmanager
    def spend(
        self,
        operation: str,
        service: str,
        key: str,
        units: Mapping[str, float],
        *,
        thing: Thing | None = None,
        group_id: str = "",
        mode: str = "once",
        **about: str,
    ) -> Iterator[Bill]:
        """Pay for the work of the block: written down before, settled after; ``units`` none: free.

        ``key`` is a hash of all that the result depends on. Keep the result inside the block:
        after it, the work counts as paid. ``mode`` is as in ``Costs.reserve`` of the store;
        ``about`` are ``host``, ``engine`` and ``model``. When the block fails, what was certainly
        not billed is taken off: nobody was asked, or the error ``is_unbilled``. All else counts.

        Raises LimitReached where a cap would be passed, LibraryLocked while a live process pays
        for the same work, Conflict when it was paid for already.
        """
        bill = Bill(units)
        if not units:
            yield bill
            return
        charge = self._charge(operation, service, key, units, thing, group_id, about)
        config = self.library.config
        reserved = self.library.database.spending().reserve_within(
            charge,
            self.library.scope,
            run_cap=micros(config.number("cost.cap_run")),
            month_cap=micros(config.number("cost.cap_month")),
            mode=mode,
            seconds=LEASE,
        )
        if reserved.id != charge.id and mode == "once":
            raise _in_the_way(reserved)
        try:
            yield bill
        except BaseException as error:
            self._end(reserved, error, is_ours=reserved.id == charge.id)
            raise
        amount = costs.amount_of(bill.units, self.rates(service))
        self.store.costs.settle(reserved.id, bill.units, amount)

    def _charge(
        self,
        operation: str,
        service: str,
        key: str,
        units: Mapping[str, float],
        thing: Thing | None,
        group_id: str,
        about: Mapping[str, str],
    ) -> Charge:
        group_id = group_id or (thing.group_id if thing is not None else "")
        return Charge(
            id=new_id(),
            group_id=group_id or self.library.home,
            service=service,
            operation=operation,
            key=key,
            units=dict(units),
            amount=costs.amount_of(units, self.rates(service)),
            state="reserved",
            thing_id="" if thing is None else thing.id,
            run_id=self.library.run_id,
            metadata={name: value for name, value in about.items() if value},
        )

    def _end(self, reserved: Charge, error: BaseException, *, is_ours: bool) -> None:
        """End a reservation whose work failed; one that a former try made may have been billed.

        What a service that refuses has billed is only known to whoever asked it:

        - Cloudinary counts what is stored, delivered and transformed; it stores a file with its
          last part (https://cloudinary.com/documentation/billing_and_plans), so an upload that is
          refused, at whichever part, was not billed.
        - S3 bills each request that it answers with 200, and in general with 4xx
          (https://docs.aws.amazon.com/AmazonS3/latest/userguide/ErrorCodeBilling.html), and
          parts came before: an upload that is refused there counts.
        - A service that does not answer may have done the work all the same, and after that no
          other answer tells: ``Retry`` sees to it.
        """
        # What failed matters more than the ledger, where the reservation goes on counting.
        with suppress(VidctlError):
            if is_ours and _is_unbilled(error):
                self.store.costs.release(reserved.id)
            else:
                self.store.costs.abandon(reserved.id)

    @contextmanager
    def sending(
        self, host: MediaHost, content: Content, thing: Thing | None = None
    ) -> Iterator[None]:
        """Pay for the sending of bytes to a host, once however often it breaks off.

        Bytes that were paid for and are there cost nothing. Raises as ``spend`` does, and what
        the host raises when it is asked for them.
        """
        units = host.meter(content.size)
        if not units:
            yield
            return
        locator = host.locate(content)
        key = upload_key(host.name, locator)
        held = self.store.costs.find(key)
        is_paid = held is not None and held.state == "spent"
        if is_paid and host.exists(locator, size=content.size):
            yield
            return
        with self.spend(
            "upload",
            host.kind,
            key,
            units,
            thing=thing,
            group_id=content.group_id,
            mode="resume",
            host=host.name,
        ):
            yield

    def show(
        self,
        *,
        since: int | None = None,
        until: int | None = None,
        by: str = "",
        limit: int = 100,
    ) -> Outcome:
        """Return what was spent from ``since`` to before ``until``, newest first, or sums ``by``.

        The data also has the ``amount`` of all of it in US dollars.
        """
        self.library.allow("keep library")
        cells = self.store.costs.totals(since=since, until=until)
        count = sum(cell["calls"] for cell in cells)
        if by:
            rows = costs.folded(cells, by)
            total = len(rows)
        else:
            charges = self.store.costs.page(since=since, until=until, limit=limit)
            rows = self._records(charges)
            total = count
        amount = sum(cell["amount"] for cell in cells) / MICRO
        data = {"items": rows, "total": total, "next": None, "calls": count, "amount": amount}
        return Outcome(data)

    def _records(self, charges: Sequence[Charge]) -> list[dict[str, Any]]:
        """Return rows of the ledger with the items they are for.

        An upload is paid for before there is an item; whose bytes it sent is known by their place.
        """
        places = {each.id: place_of(each) for each in charges if not each.thing_id}
        owners = self.store.media.owners({place[1] for place in places.values() if place})
        of = {
            each.id: each.thing_id or owners.get(places[each.id] or ("", ""), "")
            for each in charges
        }
        things = self.store.things.known(thing_id for thing_id in of.values() if thing_id)
        return [costs.record(each, of[each.id], things.get(of[each.id])) for each in charges]

    def caps(self) -> Outcome:
        """Return the caps in US dollars, 0 for none, and what this month has come to.

        The month is the library's as a whole, so nobody sees it who does not keep all of it.
        """
        self.library.allow("keep library")
        config = self.library.config
        data: dict[str, Any] = {
            "run": config.number("cost.cap_run"),
            "month": config.number("cost.cap_month"),
            "spent": None,
        }
        if self.library.access.owns_library:
            data["spent"] = self.library.database.spending().month() / MICRO
        return Outcome(data)

    def estimate(
        self,
        operation: str,
        references: Sequence[str],
        *,
        host: str = "",
        engine: str = "",
        stdin: BinaryIO | None = None,
        report: Report | None = None,
    ) -> Outcome:
        """Return what an ``upload``, ``transcribe`` or ``embed`` of items or files would cost.

        References are items, files, folders, globs, and ``-`` for a list of them on ``stdin``;
        ``host`` and ``engine`` are what it is done with, empty for the setting's. Nothing goes over
        the network. What cannot be estimated is an error. The data has the ``units`` and the
        ``amount`` in US dollars of everything, and how many rows are in which state.
        """
        from vidctl.library.estimates import Estimates

        self.library.allow("add")
        estimates = Estimates(
            self.library, host=host, engine=engine, stdin=stdin, report=report or Silent()
        )
        service, rows, errors = estimates.of(operation, references)
        for row in rows:
            row["amount"] = self.price(operation, service, row["units"])
        if len(errors) == 1 and not rows:
            raise errors[0]
        outcome = listed(rows, errors=errors)
        outcome.data |= {
            "service": service or None,
            "units": costs.summed(row["units"] for row in rows),
            "amount": sum(micros(row["amount"]) for row in rows) / MICRO,
            "counts": Counter(row["state"] for row in rows),
            "prices": self.library.config.text("prices.date") if service else None,
        }
        return outcome


def _is_unbilled(error: BaseException) -> bool:
    """Tell whether a failure means that the service cannot have billed the work."""
    is_unasked = isinstance(error, UNASKED) and not isinstance(error, KeyRefused)
    return is_unasked or (isinstance(error, VidctlError) and error.is_unbilled)


def _in_the_way(charge: Charge) -> VidctlError:
    if charge.state == "spent":
        return Conflict(
            f"this {charge.operation} has been paid for already", hint="vidctl cost show"
        )
    return LibraryLocked(f"another vidctl is paying for the same {charge.operation}")
