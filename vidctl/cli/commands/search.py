"""``vidctl search``: the moment where something is said."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import verb
from vidctl.cli.text import visible
from vidctl.outcome import Outcome
from vidctl.timecode import clock, parse_date


class Mode(StrEnum):
    """How to rank."""

    hybrid = "hybrid"
    text = "text"
    semantic = "semantic"


def search(
    ctx: typer.Context,
    query: Annotated[list[str], typer.Argument(metavar="QUERY", help="Words, as people say them.")],
    mode: Annotated[
        Mode | None, typer.Option(help="Rank by words, by meaning, or by both.")
    ] = None,
    type: Annotated[
        list[str] | None, typer.Option("--type", help="Only this type; repeatable.")
    ] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only with this tag; repeatable.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(metavar="DATE", help="Published (else added) at or after; also 7d."),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, max=1000, help="Hits.")
    ] = None,
    context: Annotated[
        int, typer.Option(min=0, max=50, help="Lines before and after each hit.")
    ] = 0,
    explain: Annotated[
        bool, typer.Option("--explain", help="Show how each hit was ranked.")
    ] = False,
) -> None:
    """Find the moment where something is said.

    Hits name the moment as ITEM@MM:SS. With -r the groups below are searched as well.
    """
    with call(ctx) as c:
        c.setting("search.mode", mode.value if mode else None)
        c.setting("search.limit", limit)
        _search(
            c,
            " ".join(query),
            tuple(type or ()),
            tuple(tag or ()),
            parse_date(since) if since else None,
            context,
            explain,
        )


def _search(
    c: Call,
    query: str,
    types: tuple[str, ...],
    tags: tuple[str, ...],
    since: int | None,
    context: int,
    explain: bool,
) -> None:
    from vidctl.journey.search import SearchNarrow
    from vidctl.journey.search import search as find

    mode = c.config.text("search.mode")
    result = find(
        query,
        store=c.library.store,
        embedder=None if mode == "text" else c.library.embedder(),
        mode=mode,
        narrow=SearchNarrow(types=types, tags=tags, since=since),
        limit=c.config.whole("search.limit"),
        context=context,
        explain=explain,
        vector_weight=c.config.number("search.vector_weight"),
    )
    hits = [record(hit, context=bool(context), explain=explain) for hit in result.hits]
    outcome = Outcome({"query": query, "mode": result.mode, "hits": hits}, notes=list(result.notes))
    if not hits:
        outcome.notes.append("nothing found")
    is_styled = c.output.is_terminal and c.diagnostics.has_color
    c.finish(outcome, text=lambda: "\n".join(told(hit, is_styled) for hit in hits))


def record(hit: Any, *, context: bool, explain: bool) -> dict[str, Any]:
    """Return a hit as it appears in JSON."""
    shown: dict[str, Any] = {
        "ref": hit.ref,
        "thing": hit.thing,
        "start": hit.start,
        "end": hit.end,
        "text": hit.text,
        "score": hit.score,
        "marks": [list(mark) for mark in hit.marks],
    }
    if context:
        shown["context"] = list(hit.context)
    if explain:
        shown["explain"] = hit.explain
    return shown


def told(hit: dict[str, Any], is_styled: bool) -> str:
    """Return a hit for people: the moment, the title, and what is said with matches marked."""
    span = f"{clock(hit['start'])}-{clock(hit['end'])}" if hit["start"] is not None else "about it"
    lines = [f"{visible(hit['ref'])}  {visible(hit['thing']['name'])}  {span}  {hit['score']:.2f}"]
    lines.append("    " + marked(hit["text"], hit["marks"], is_styled))
    for line in hit.get("context", []):
        lines.append("    | " + visible(line))
    if "explain" in hit:
        parts = ", ".join(f"{key} {value}" for key, value in hit["explain"].items())
        lines.append(f"    ranked by {visible(parts)}")
    return "\n".join(lines)


def marked(text: str, marks: list[list[int]], is_styled: bool) -> str:
    """Return a text with its matches in bold, or between asterisks where there is no colour."""
    before, after = ("\x1b[1m", "\x1b[0m") if is_styled else ("*", "*")
    shown, done = "", 0
    for start, end in marks:
        shown += visible(text[done:start]) + before + visible(text[start:end]) + after
        done = end
    return shown + visible(text[done:])


app = verb(search)
