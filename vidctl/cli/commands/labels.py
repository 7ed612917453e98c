"""``vidctl labels``: words that people put on items by hand."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import plural, visible
from vidctl.outcome import Outcome

app = noun("Labels: add, rm, list, rename, merge.")

Label = Annotated[str, typer.Argument(metavar="LABEL", help="Label; case does not count.")]
Items = Annotated[
    list[str],
    typer.Argument(metavar="ITEM", help="Videos, podcasts, playlists, courses or lessons."),
]


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    item: Annotated[
        str | None, typer.Option(metavar="ITEM", help="Only the labels of this item.")
    ] = None,
) -> None:
    """List the labels in use, with the number of items that carry each."""
    with call(ctx) as c:
        labels = c.library.labels
        outcome = labels.all() if item is None else labels.of(item)
        columns = (
            ("label", lambda row: str(row["label"])),
            ("items", lambda row: str(row["items"])),
        )
        c.finish(outcome, columns=columns)


@app.command("add", cls=WriteCommand)
def add(ctx: typer.Context, label: Label, items: Items) -> None:
    """Put a label on items; it keeps the spelling it was first given in."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.labels.add(label, items))
        _finish(c, outcome, c.said("labelled", "label"), "already labelled")


@app.command("rm", cls=WriteCommand)
def rm(ctx: typer.Context, label: Label, items: Items) -> None:
    """Take a label off items."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.labels.remove(label, items))
        _finish(c, outcome, c.said("taken off", "take off"), "was not labelled")


def _finish(c: Call, outcome: Outcome, done: str, same: str) -> None:
    def state(row: dict[str, Any]) -> str:
        return done if row["changed"] else same

    columns = (
        ("slug", lambda row: str(row["slug"])),
        ("state", state),
        ("labels", lambda row: ", ".join(row["labels"])),
    )
    c.finish(outcome, columns=columns)


@app.command("rename", cls=WriteCommand)
def rename(
    ctx: typer.Context,
    old: Label,
    new: Annotated[str, typer.Argument(metavar="NEW", help="What it is to be called.")],
) -> None:
    """Rename a label; where the new name is a label already, the two become one."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.labels.rename(old, new))
        _told(c, outcome, f"{c.said('renamed', 'rename')} label {visible(old)} to")


@app.command("merge", cls=WriteCommand)
def merge(
    ctx: typer.Context,
    labels: Annotated[list[str], typer.Argument(metavar="LABEL", help="Labels to give up.")],
    into: Annotated[str, typer.Option(metavar="LABEL", help="The label that takes their place.")],
) -> None:
    """Make one label of several."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.labels.merge(labels, into=into))
        names = ", ".join(map(visible, labels))
        _told(c, outcome, f"{c.said('merged', 'merge')} {names} into")


def _told(c: Call, outcome: Outcome, said: str) -> None:
    data = outcome.data
    changed = f"{plural(data['changed'], 'item')} {c.said('changed', 'change')}"
    c.finish(outcome, text=lambda: f"{said} {visible(data['label'])}; {changed}")
