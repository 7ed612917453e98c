"""``vidctl search``: the moment where something is said."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from vidctl.cli.call import Call, call
from vidctl.cli.lazy import verb
from vidctl.cli.text import fit, visible, width, wrapped
from vidctl.outcome import Outcome
from vidctl.timecode import parse_date


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
        from vidctl.catalog.items import checked_type

        c.setting("search.mode", mode.value if mode else None)
        c.setting("search.limit", limit)
        _search(
            c,
            " ".join(query),
            tuple(map(checked_type, type or ())),
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
    from vidctl.library.searches import remember

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
    columns = c.output.columns
    c.finish(outcome, text=lambda: "\n\n".join(told(hit, is_styled, columns) for hit in hits))
    remember(c.library, query, mode=result.mode, hits=len(hits))


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


def told(hit: dict[str, Any], is_styled: bool, columns: int) -> str:
    """Return a hit for people: the moment, the title, and what is said with matches marked."""
    ref, score = visible(hit["ref"]), f"{hit['score']:.2f}"
    name = fit(visible(hit["thing"]["name"]), max(12, columns - width(ref + score) - 4))
    lines = [f"{ref}  {name}  {score}"]
    lines += wrapped(marked(hit["text"], hit["marks"], is_styled), columns, "    ")
    for line in hit.get("context", []):
        lines += wrapped(visible(line), columns, "    | ")
    if "explain" in hit:
        lines += wrapped(visible(f"because of {reasons(hit['explain'])}"), columns, "    ")
    return "\n".join(lines)


def reasons(explained: dict[str, Any]) -> str:
    """Return what an explanation holds as one line."""
    parts = []
    for key, value in explained.items():
        if isinstance(value, dict):
            value = " ".join(f"{name} {inner}" for name, inner in value.items())
        elif isinstance(value, list):
            value = " ".join(map(str, value)) or "none"
        parts.append(f"{key}: {value}")
    return "; ".join(parts)


def marked(text: str, marks: list[list[int]], is_styled: bool) -> str:
    """Return a text with its matches in bold, or between asterisks where there is no colour."""
    before, after = ("\x1b[1m", "\x1b[0m") if is_styled else ("*", "*")
    shown, done = "", 0
    for start, end in marks:
        shown += visible(text[done:start]) + before + visible(text[start:end]) + after
        done = end
    return shown + visible(text[done:])


app = verb(search)
