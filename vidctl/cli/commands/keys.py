"""``vidctl keys``: the keys of services."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import visible
from vidctl.errors import UsageError

if TYPE_CHECKING:
    from vidctl.library.key_store import KeyStore

app = noun("Keys of services: list, set, rm.")

Name = Annotated[
    str, typer.Argument(metavar="NAME", help="Host or service, such as cloudinary, s3 or openai.")
]
# A mistake in the place of the key must be told without the error of the parser, which quotes it.
LENIENT = {"allow_extra_args": True}
STATES = {True: "set", False: "not set", None: "not known"}


def _allow(c: Call) -> None:
    """Refuse whoever acts as somebody who does not keep the library; keys need no library."""
    if c.values.get("person"):
        c.library.allow("keep library")


@app.command("list", cls=Command)
def list_(ctx: typer.Context) -> None:
    """List what takes a key, and where each key would come from."""
    with call(ctx) as c:
        _allow(c)
        columns = (
            ("name", lambda item: str(item["name"])),
            ("kind", lambda item: str(item["kind"])),
            ("state", lambda item: STATES[item["set"]]),
            ("from", lambda item: str(item["source"])),
            ("date", lambda item: str(item["setAt"] or "")),
        )
        c.finish(_store(c).all(), columns=columns)


@app.command("set", cls=WriteCommand, context_settings=LENIENT)
def set_(
    ctx: typer.Context,
    name: Name,
    file: Annotated[
        Path | None, typer.Option("--from-file", metavar="FILE", help="File that holds the key.")
    ] = None,
    insecure: Annotated[
        bool,
        typer.Option(
            "--insecure-storage", help="Keep it in a file of yours, not in the system's keyring."
        ),
    ] = False,
) -> None:
    """Keep a key: asked for without showing it, or read from stdin or a file.

    It is never an argument, which other users of this machine could read and the shell remembers.
    """
    with call(ctx) as c:
        _allow(c)
        store = _named(c, ctx, name)
        text, note = _given(c, name, file)
        outcome = store.set(name, text, insecure=insecure, rehearse=c.is_rehearsal)
        outcome.notes += [note] if note else []
        said = f"{c.said('kept', 'keep')} the key of {name} in {outcome.data['source']}"
        c.finish(outcome, text=lambda: visible(said))


@app.command("rm", cls=WriteCommand, context_settings=LENIENT)
def rm(ctx: typer.Context, name: Name) -> None:
    """Forget a key that was kept."""
    with call(ctx) as c:
        _allow(c)
        outcome = _named(c, ctx, name).remove(name, rehearse=c.is_rehearsal)
        said = f"no key of {name} was kept"
        if outcome.data["changed"]:
            done = c.said("removed", "remove")
            said = f"{done} the key of {name} from {outcome.data['source']}"
        c.finish(outcome, text=lambda: visible(said))


def _store(c: Call) -> KeyStore:
    from vidctl.library.hosts import Hosts
    from vidctl.library.key_store import KeyStore

    return KeyStore(Hosts(c.config))


def _named(c: Call, ctx: typer.Context, name: str) -> KeyStore:
    """Return the keys, after making sure that nothing on the command line may be a key."""
    from vidctl.keys.shapes import looks_secret

    if ctx.args or looks_secret(name):
        raise UsageError(
            "a key is never given as an argument; the shell may remember this one now",
            hint="make a new key at the service, then: vidctl keys set NAME < FILE",
        )
    store = _store(c)
    store.check(name)
    return store


def _given(c: Call, name: str, file: Path | None) -> tuple[str, str]:
    """Return the text that is to be the key, from the file, the terminal or stdin, and a note."""
    from vidctl.keys.shapes import LONGEST

    if file is not None:
        from vidctl.keys.given_file import text_of

        return text_of(file)
    if not sys.stdin.isatty():
        return sys.stdin.read(LONGEST + 1), ""
    if c.values.get("no_input"):
        hint = f"vidctl keys set {name} --from-file FILE"
        raise UsageError("nothing is asked, because of --no-input", hint=hint)
    return c.diagnostics.ask_secret(f"key of {name}"), ""
