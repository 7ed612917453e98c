"""Analytics as people look at them: a few numbers, a picture, a table; at most 80 columns."""

from __future__ import annotations

from typing import Any

from vidctl.cli.charts import bars, changed, count, curve, lasting, percent, rows, sparkline
from vidctl.cli.output import Columns
from vidctl.cli.text import fit, plural, visible, wrapped
from vidctl.model.analytics import DAY_MS
from vidctl.timecode import clock, iso

COLUMNS = 80
INDENT = "  "
LABELS = 5
MOST_ROWS = 10

POPULAR: Columns = (
    ("item", lambda row: str(row["slug"] or row["id"])),
    ("views", lambda row: count(row["views"])),
    ("viewers", lambda row: count(row["uniqueViewers"])),
    ("watched", lambda row: lasting(row["watchTime"])),
    ("average", lambda row: percent(row["averagePercentageViewed"])),
    ("title", lambda row: str(row["name"] or "(removed)")),
)
SEARCHES: Columns = (
    ("query", lambda row: str(row["query"]).strip()),
    ("asked", lambda row: count(row["count"])),
    ("hits", lambda row: count(row["hits"])),
    ("last", lambda row: iso(row["lastAt"])[:16].replace("T", " ")),
)


def cells(by: str) -> Columns:
    """Return the columns of an export that is summed by ``day``, ``week`` or ``month``."""
    return (
        (by, lambda row: str(row[by])),
        ("item", lambda row: str(row["item"] or row["itemId"])),
        ("device", lambda row: str(row["device"])),
        ("views", lambda row: str(row["views"])),
        ("watched", lambda row: str(row["watchTime"])),
        ("average", lambda row: percent(row["averagePercentageViewed"])),
    )


def summary(data: dict[str, Any], *, ascii: bool = False) -> str:
    """Return the screen of a summary."""
    shifts = data["change"] or {}
    days = (data["until"] - data["since"]) // DAY_MS

    def shift(key: str) -> str:
        said = changed(shifts.get(key))
        return f"{said} on the {plural(days, 'day')} before" if said and key == "views" else said

    lines = [_dates(data), ""]
    lines += rows(
        [
            ("views", count(data["views"]), shift("views")),
            ("unique viewers", count(data["uniqueViewers"]), shift("uniqueViewers")),
            ("watch time", lasting(data["watchTime"]), shift("watchTime")),
            (
                "average viewed",
                percent(data["averagePercentageViewed"]),
                shift("averagePercentageViewed"),
            ),
            ("completion rate", percent(data["completionRate"]), shift("completionRate")),
            ("enrolments", _some(data["enrolments"]), ""),
            ("courses finished", _some(data["courseCompletions"]), ""),
        ]
    )
    lines += _trend(data, ascii=ascii)
    lines += _section("devices", _devices(data, ascii=ascii))
    lines += _section("most viewed", _viewed(data["top"], ascii=ascii))
    return "\n".join(lines)


def item(data: dict[str, Any], *, ascii: bool = False) -> str:
    """Return the screen of one item."""
    lines = [_title(data["item"]), _dates(data), ""]
    lines += rows(
        [
            ("views", count(data["views"]), ""),
            ("unique viewers", count(data["uniqueViewers"]), ""),
            (
                "finished",
                "" if data["completedViewers"] is None else count(data["completedViewers"]),
                percent(data["completionRate"]),
            ),
            ("watch time", lasting(data["watchTime"]), ""),
            ("average viewed", percent(data["averagePercentageViewed"]), ""),
            ("first viewed", _day(data["firstViewedAt"]), ""),
            ("last viewed", _day(data["lastViewedAt"]), ""),
        ]
    )
    lines += _trend(data, ascii=ascii)
    if data["retention"]:
        shares = [*data["retention"], 1.0]  # so that a full bar means everybody
        drawn = sparkline(shares, ascii=ascii)[:-1]
        lines += ["", "retention", f"{INDENT}{drawn}"]
    return "\n".join(lines)


def creator(data: dict[str, Any], *, ascii: bool = False) -> str:
    """Return the screen of what a person is an author of."""
    lines = [_title(data["person"]), _dates(data), ""]
    lines += rows(
        [
            ("items", count(data["total"]), ""),
            ("views", count(data["views"]), ""),
            ("unique viewers", count(data["uniqueViewers"]), ""),
            ("watch time", lasting(data["watchTime"]), ""),
            ("average viewed", percent(data["averagePercentageViewed"]), ""),
        ]
    )
    lines += _trend(data, ascii=ascii)
    shown = [one for one in data["items"] if one["views"]]
    lines += _section("most viewed", _viewed(shown[:MOST_ROWS], ascii=ascii))
    if len(shown) > MOST_ROWS:
        lines.append(f"{INDENT}{count(len(shown) - MOST_ROWS)} more with --json or --csv")
    return "\n".join(lines)


def course(data: dict[str, Any], *, ascii: bool = False) -> str:
    """Return the screen of a course."""
    everybody = data["enrolled"]

    def share(number: int) -> str:
        return percent(number / everybody) if everybody else ""

    lines = [_title(data["course"]), _dates(data), ""]
    lines += rows(
        [
            ("enrolled", count(everybody), ""),
            ("started", count(data["started"]), share(data["started"])),
            ("finished", count(data["completed"]), share(data["completed"])),
            ("mean progress", percent(data["meanProgress"]), ""),
            ("active", count(data["active"]), share(data["active"])),
            ("new", _some(data["newEnrolments"]), ""),
            ("newly finished", _some(data["newCompletions"]), ""),
        ]
    )
    drawn = [
        (
            visible(str(one["name"] or one["id"])),
            float(one["completed"]),
            f"{count(one['completed'])}  {percent(one['share'])}".rstrip(),
        )
        for one in data["items"]
    ]
    lines += _section("lessons finished", bars(drawn, columns=COLUMNS - len(INDENT), ascii=ascii))
    return "\n".join(lines)


def retention(data: dict[str, Any], *, ascii: bool = False) -> str:
    """Return the screen of a drop-off curve."""
    viewings = data["viewings"]
    lines = [_title(data["item"]), f"from {plural(viewings, 'viewing')}", ""]
    if not viewings:
        return "\n".join(lines[:2])
    labels = [clock(data["duration"] * number / (LABELS - 1)) for number in range(LABELS)]
    shares = [one["share"] for one in data["items"]]
    lines += curve(shares, labels=labels, ascii=ascii)
    arrow = "->" if ascii else "→"
    drops = []
    for drop in data["drops"]:
        fall = f"{percent(drop['before'])} {arrow} {percent(drop['after'])}"
        head = f"{clock(drop['at'])}  {fall}"
        said = visible(str(drop.get("text") or ""))
        first, *rest = wrapped(said, COLUMNS - len(INDENT), " " * 24) if said else [""]
        drops += [f"{head:<22}  {first[24:]}".rstrip(), *rest]
    return "\n".join([*lines, *_section("people leave at", drops)])


def _title(about: dict[str, Any]) -> str:
    name = visible(str(about["name"]))
    return fit(f"{name}  ({about['type']} {visible(str(about['slug']))})", COLUMNS)


def _dates(data: dict[str, Any]) -> str:
    first, last = _day(data["since"]), _day(data["until"] - 1)
    days = first if first == last else f"{first} to {last}"
    device = data.get("device")
    return f"{days}, on {visible(device)}" if device else days


def _day(moment: int | None) -> str:
    return "" if moment is None else iso(moment)[:10]


def _some(number: int) -> str:
    return count(number) if number else ""


def _section(title: str, lines: list[str]) -> list[str]:
    return ["", title, *(f"{INDENT}{line}" for line in lines)] if lines else []


def _trend(data: dict[str, Any], *, ascii: bool) -> list[str]:
    views = [one["views"] for one in data["trend"]]
    if not any(views) or len(views) < 2:
        return []
    drawn = sparkline(views, ascii=ascii)
    most = max(data["trend"], key=lambda one: one["views"])
    begin = {"day": "", "week": "the week of ", "month": "the month of "}[data["by"]]
    said = (
        f"most: {count(most['views'])} in {begin}" if begin else f"most: {count(most['views'])} on "
    )
    return _section(f"views by {data['by']}", [drawn, said + _day(most["start"])])


def _devices(data: dict[str, Any], *, ascii: bool) -> list[str]:
    drawn = [
        (
            visible(one["device"]),
            float(one["views"]),
            f"{count(one['views'])}  {percent(one['share'])}",
        )
        for one in data["devices"]
    ]
    return bars(drawn, columns=COLUMNS - len(INDENT), ascii=ascii)


def _viewed(items: list[dict[str, Any]], *, ascii: bool) -> list[str]:
    drawn = [
        (visible(str(one["name"] or one["id"])), float(one["views"]), count(one["views"]))
        for one in items
    ]
    return bars(drawn, columns=COLUMNS - len(INDENT), ascii=ascii)
