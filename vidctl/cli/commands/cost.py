"""``vidctl cost``: what paid services cost, before and after."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.output import Columns
from vidctl.cli.text import plural, size
from vidctl.errors import UsageError
from vidctl.model.cost import micros, written
from vidctl.timecode import clock, iso, parse_date

Price = Callable[[dict[str, Any]], str]

app = noun("Costs of services: show, estimate, cap.")


class By(StrEnum):
    """What costs are summed by."""

    day = "day"
    month = "month"
    service = "service"
    operation = "operation"


class Operation(StrEnum):
    """What can be paid for."""

    upload = "upload"
    transcribe = "transcribe"
    embed = "embed"


@app.command("show", cls=Command)
def show(
    ctx: typer.Context,
    since: Annotated[
        str | None, typer.Option(metavar="DATE", help="Spent at or after; also 7d.")
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="Spent before; also 7d.")
    ] = None,
    by: Annotated[By | None, typer.Option(help="Sum up instead of listing calls.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=10_000, help="Calls to list.")
    ] = 100,
) -> None:
    """Show paid calls, newest first, and their estimated price."""
    with call(ctx) as c:
        outcome = c.library.costs.show(
            since=parse_date(since) if since else None,
            until=parse_date(until) if until else None,
            by=by.value if by else "",
            limit=limit,
        )
        data = outcome.data
        left = data["total"] - len(data["items"])
        if left:
            outcome.notes.append(f"{plural(left, 'older call')} not shown; --limit, or --by to sum")
        outcome.notes.append(f"{money(data['amount'])} in {plural(data['calls'], 'call')}")
        price = _aligned(c, data["items"], "amount")
        if by:
            columns = _sums(by.value, price, _aligned(c, data["items"], "unknown"))
        else:
            columns = _calls(price)
        c.finish(outcome, columns=columns)


@app.command("estimate", cls=Command)
def estimate(
    ctx: typer.Context,
    operation: Annotated[
        Operation, typer.Argument(metavar="OPERATION", help="upload, transcribe or embed.")
    ],
    what: Annotated[
        list[str],
        typer.Argument(metavar="ITEM", help="Items, files, folders, globs; - for a list on stdin."),
    ],
    to: Annotated[
        str, typer.Option(metavar="HOST", help="Host to send to, instead of the setting's.")
    ] = "",
    engine: Annotated[
        str, typer.Option(metavar="ENGINE", help="local or openai, instead of the setting's.")
    ] = "",
) -> None:
    """Reckon what an operation would cost, without doing it.

    Files are read, to find those that are here already; nothing goes over the network.
    """
    with call(ctx) as c:
        outcome = c.library.costs.estimate(
            operation.value,
            what,
            host=to,
            engine=engine,
            stdin=getattr(sys.stdin, "buffer", None),
            report=c.report(),
        )
        outcome.notes += _reckoned(outcome.data)
        c.finish(outcome, columns=_estimates(_aligned(c, outcome.data["items"], "amount")))


def _reckoned(data: dict[str, Any]) -> list[str]:
    """Return what an estimate comes to."""
    if not data["items"]:
        return []
    if not data["service"]:
        return ["it is done on this machine, so it costs nothing"]
    paid, total, units = data["counts"].get("new", 0), data["total"], _units(data)
    share = f" for {paid:,} of {total:,}" if total > 1 else ""
    if share and units:
        share += f" ({units})"
    notes = [
        f"about {money(data['amount'])} at {data['service']}{share}, by prices of {data['prices']};"
        " the invoice is the service's"
    ]
    left = total - paid
    if left:
        notes.append(f"{left:,} would not be sent: here already, or the same as another")
    return notes


@app.command("cap", cls=WriteCommand)
def cap(
    ctx: typer.Context,
    run: Annotated[
        float | None, typer.Option(metavar="USD", help="Most that one run may spend; 0: no cap.")
    ] = None,
    month: Annotated[
        float | None, typer.Option(metavar="USD", help="Most for a calendar month; 0: no cap.")
    ] = None,
    user: Annotated[
        bool, typer.Option("--user", help="In the user's file, not the project's.")
    ] = False,
) -> None:
    """Show the caps on what services may cost, or set them.

    A call that would pass a cap is not made, and the command ends with exit code 8. The month
    (UTC) is the whole library's, whoever spends.
    """
    with call(ctx) as c:
        wanted = {
            f"cost.cap_{span}": value
            for span, value in (("run", run), ("month", month))
            if value is not None
        }
        if user and not wanted:
            raise UsageError("--user goes with a cap", hint="vidctl cost cap --user --month 20")
        c.library.costs.caps()  # refuses whoever may not, before anything is written
        if wanted:
            c.library.allow_everywhere("keep library")
        notes = _set(c, wanted, user=user)
        outcome = c.library.costs.caps()
        outcome.notes += notes
        c.finish(outcome, text=lambda: _caps(outcome.data, c, bool(wanted)))


def _set(c: Call, wanted: dict[str, float], *, user: bool) -> list[str]:
    """Write caps to a settings file, let them count here as well, and return notes."""
    from vidctl import config, paths
    from vidctl.library.project_trust import ProjectTrust

    checked = {key: config.checked(config.setting_of(key), each) for key, each in wanted.items()}
    notes: list[str] = []
    if checked and not c.is_rehearsal:
        is_user = user or c.config.project is None
        file = paths.user_config_file() if is_user or c.config.project is None else c.config.project
        for key, value in checked.items():
            notes += ProjectTrust(c.config).write(file, key, value)
    for key, value in checked.items():
        c.setting(key, value)
    return notes


def _caps(data: dict[str, Any], c: Call, is_set: bool) -> str:
    def shown(cap: float) -> str:
        return money(cap) if cap else "no cap"

    lines = [f"{'run':<6} {shown(data['run'])}", f"{'month':<6} {shown(data['month'])}"]
    if data["spent"] is not None:
        lines[1] += f", {money(data['spent'])} spent"
    return "\n".join([*([c.said("changed", "change")] if is_set else []), *lines])


def money(amount: float) -> str:
    """Write US dollars: two decimals, or as many as a small amount needs."""
    return written(micros(amount))


def _aligned(c: Call, items: Sequence[dict[str, Any]], key: str) -> Price:
    """Return how the prices of a column are written; on a terminal, with the points in line."""

    def shown(row: dict[str, Any]) -> str:
        return money(row[key]) if row[key] else "free"

    if not c.output.is_terminal:
        return shown
    most = max((shown(row).partition(".")[0] for row in items), key=len, default="")

    def in_line(row: dict[str, Any]) -> str:
        whole, point, decimals = shown(row).partition(".")
        return f"{whole:>{len(most)}}{point}{decimals}"

    return in_line


def _units(row: dict[str, Any]) -> str:
    shown: dict[str, Callable[[float], str]] = {
        "bytes": lambda count: size(round(count)),
        "seconds": clock,
        "requests": lambda count: plural(round(count), "request"),
        "tokens": lambda count: plural(round(count), "token"),
    }
    known = {unit: count for unit, count in row["units"].items() if unit in shown}
    return ", ".join(shown[unit](count) for unit, count in known.items())


def _item(row: dict[str, Any]) -> str:
    return str(row["item"] or row["host"] or row["engine"] or "")


def _calls(price: Price) -> Columns:
    return (
        ("time", lambda row: iso(row["at"])[:16].replace("T", " ")),
        ("service", lambda row: str(row["service"])),
        ("operation", lambda row: str(row["operation"])),
        ("for", _item),
        ("units", _units),
        ("price", price),
        ("state", lambda row: "" if row["state"] == "spent" else str(row["state"])),
    )


def _estimates(price: Price) -> Columns:
    return (
        ("what", lambda row: str(row["what"])),
        ("units", _units),
        ("price", price),
        ("state", _state),
    )


def _state(row: dict[str, Any]) -> str:
    if row["state"] == "new":
        return ""
    return f"{row['state']} as {row['item']}" if row["item"] else str(row["state"])


def _sums(by: str, price: Price, unsure: Price) -> Columns:
    return (
        (by, lambda row: str(row[by])),
        ("calls", lambda row: f"{row['calls']:,}"),
        ("units", _units),
        ("price", price),
        ("unsure", lambda row: unsure(row) if row["unknown"] else ""),
    )
