"""``vidctl hosts``: the places that keep media."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.lazy import Command, noun
from vidctl.cli.text import size, visible
from vidctl.errors import UsageError

app = noun("Media hosts: list, check, verify.")

# What services send is small; a body beyond this is no notification.
LONGEST_BODY = 10 << 20


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List the hosts, where their keys come from, and what they hold of this group."""
    with call(ctx) as c:
        from vidctl.library import host_checks

        columns = (
            ("host", lambda item: str(item["name"])),
            ("kind", lambda item: str(item["kind"])),
            ("where", lambda item: str(item["problem"] or item["where"])),
            ("default", lambda item: "default" if item["default"] else ""),
            ("key", lambda item: str(item["key"])),
            ("items", lambda item: str(item["items"])),
            ("size", lambda item: size(item["bytes"])),
        )
        c.finish(host_checks.listing(c.library), columns=columns)


@app.command("check", cls=Command)
def check(
    ctx: typer.Context,
    names: Annotated[
        list[str] | None, typer.Argument(metavar="HOST", help="Hosts; all when none is named.")
    ] = None,
) -> None:
    """Ask hosts for a sign of life, and whether they take their key; exit 7 when one does not."""
    with call(ctx) as c:
        from vidctl.library import host_checks

        if c.values.get("person"):
            c.library.allow("keep library")
        hosts = host_checks.BriefHosts(c.config)
        try:
            offline = bool(c.values.get("offline"))
            outcome = host_checks.check(hosts, names or (), offline=offline)
        finally:
            hosts.close()
        columns = (
            ("host", lambda item: str(item["name"])),
            ("kind", lambda item: str(item["kind"])),
            ("state", _state),
            ("message", lambda item: str(item["message"])),
            ("hint", lambda item: str(item["hint"])),
        )
        c.finish(outcome, columns=columns)


def _state(item: dict[str, Any]) -> str:
    return {True: "ok", False: "BAD"}.get(item["ok"], "")


@app.command("verify", cls=Command)
def verify(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="HOST", help="Host that it claims to be from.")],
    body: Annotated[
        str, typer.Argument(metavar="FILE", help="File with the body as it came, or - for stdin.")
    ],
    timestamp: Annotated[
        str, typer.Option(metavar="SECONDS", help="The header X-Cld-Timestamp.")
    ] = "",
    signature: Annotated[str, typer.Option(metavar="HEX", help="The header X-Cld-Signature.")] = "",
) -> None:
    """Tell whether a notification is a host's; exit 7 when it is forged, old, or came before."""
    with call(ctx) as c:
        from vidctl.library import host_checks, notifications
        from vidctl.paths import notifications_folder

        if not timestamp or not signature:
            hint = "vidctl hosts verify --help"
            raise UsageError("both --timestamp and --signature are needed", hint=hint)
        content = _body(body)
        hosts = host_checks.BriefHosts(c.config)
        try:
            outcome = notifications.verify(
                hosts,
                name,
                content,
                timestamp=timestamp,
                signature=signature,
                seen=notifications.SeenOnDisk(notifications_folder()),
            )
        finally:
            hosts.close()
        c.finish(outcome, text=lambda: visible(_said(outcome.data)))


def _body(file: str) -> bytes:
    """Return the raw bytes of a body: one changed line end would make it a forgery."""
    if file == "-":
        import sys

        content = sys.stdin.buffer.read(LONGEST_BODY + 1)
    else:
        from vidctl.files import reading

        with reading(Path(file)) as reader:
            content = reader.read(LONGEST_BODY + 1)
    if len(content) > LONGEST_BODY:
        raise UsageError(f"a notification has at most {LONGEST_BODY >> 20} MB", item=file)
    return content


def _said(found: dict[str, Any]) -> str:
    if found["repeated"]:
        return f"it comes from {found['name']}, but came before"
    if found["valid"]:
        return f"it comes from {found['name']}"
    return f"it does not come from {found['name']}, or is too old"
