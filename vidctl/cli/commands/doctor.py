"""``vidctl doctor``: check the library and this machine."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import verb
from vidctl.cli.text import pad, visible
from vidctl.errors import NoLibrary, StorageFailed
from vidctl.outcome import Outcome


def doctor(
    ctx: typer.Context,
    fix: Annotated[bool, typer.Option("--fix", help="Rebuild derived data.")] = False,
    verify: Annotated[
        bool, typer.Option("--verify-data", help="Read every media file and compare its hash.")
    ] = False,
) -> None:
    """Check the library and this machine; exit 7 when something is wrong.

    --fix rebuilds what can be rebuilt: indexes, leftover files. It never touches what was
    uploaded, transcribed or written.
    """
    with call(ctx) as c:
        from vidctl import doctor as checks

        try:
            outcome = checks.examine(
                c.library, fix=fix, verify=verify, rehearse=c.is_rehearsal, report=c.report()
            )
        except NoLibrary:
            outcome = _machine_only(c)
        except StorageFailed as error:
            outcome = checks.unreadable(error)
        c.finish(outcome, text=lambda: told(outcome.data["items"]))


def _machine_only(c: Call) -> Outcome:
    from vidctl import doctor as checks

    note = f"no library at {c.config.library_path()}; only this machine was checked"
    return Outcome(checks.listing(list(checks.machine())), notes=[note])


def told(items: list[dict[str, Any]]) -> str:
    """Return findings for people, one a line, the next step below what is wrong."""
    wide = max(len(item["check"]) for item in items)
    lines = []
    for item in items:
        mark = "ok " if item["ok"] else "BAD"
        lines.append(f"{mark}  {pad(item['check'], wide)}  {visible(item['message'])}")
        if item["hint"]:
            lines.append(f"     {' ' * wide}  {visible(item['hint'])}")
    return "\n".join(lines)


app = verb(doctor, writes=True)
