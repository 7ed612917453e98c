"""``vidctl demo``: the whole journey on a clip that ships with vidctl."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer

from vidctl import paths
from vidctl.cli.call import Call, call
from vidctl.cli.lazy import verb
from vidctl.errors import Conflict, UsageError
from vidctl.outcome import Outcome

CLIP = "ask-not.mp4"
QUERY = "what you can do for your country"


def demo(
    ctx: typer.Context,
    keep: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the library in this folder.")
    ] = None,
) -> None:
    """Show the whole journey on a clip that ships along: upload, transcribe, index, search.

    Everything happens in a temporary folder that is gone afterwards, or in the folder of --keep.
    """
    with call(ctx) as c:
        if c.is_rehearsal:
            raise UsageError("the demo has no rehearsal", hint="it leaves nothing behind anyway")
        _demo(c, keep)


def _demo(c: Call, keep: Path | None) -> None:
    with _folder(keep) as folder:
        c.values["db"] = str(folder / ".vidctl" / "library.db")
        data = _journey(c, folder)
        data["kept"] = str(folder) if keep else None
        c.finish(Outcome(data), text=lambda: told(data, folder if keep else None))


@contextmanager
def _folder(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="vidctl-demo-") as folder:
            yield Path(folder)
        return
    root = paths.expanded(keep).absolute()
    if root.exists() and any(root.iterdir()):
        raise Conflict(f"{root} is not empty", hint="name a new folder")
    root.mkdir(parents=True, exist_ok=True)
    yield root


def _journey(c: Call, folder: Path) -> dict[str, Any]:
    from vidctl import batch
    from vidctl.cli.commands.init import make
    from vidctl.cli.commands.search import record
    from vidctl.config import Config
    from vidctl.journey.ingest import Details
    from vidctl.journey.search import SearchNarrow, search
    from vidctl.library import Library

    library_file = folder / ".vidctl" / "library.db"
    make(library_file, folder / "vidctl.toml", "demo")
    # Settings of the person's own project must not reach into the demo.
    config = Config(start=folder, environ={}, flags={"db": str(library_file), "group": "demo"})
    library = Library.open(config)
    try:
        clip = resources.files("vidctl").joinpath("data", "demo", CLIP)
        with resources.as_file(clip) as file:
            uploaded = batch.upload(
                library,
                [str(file)],
                Details(title="Inaugural address, 1961"),
                plan=batch.Plan(work=batch.Work(transcribe=True, index=True)),
                report=c.report(),
            )
        if uploaded.errors:
            raise uploaded.errors[0]
        item = uploaded.data["items"][0]
        result = search(
            QUERY,
            store=library.store,
            embedder=library.embedder(),
            mode="hybrid",
            narrow=SearchNarrow(),
            limit=1,
        )
        lines = [(line.start, line.text) for line in library.store.segments.of(item["id"])]
        hits = [record(hit, context=False, explain=False) for hit in result.hits]
        return {"item": item, "lines": lines, "query": QUERY, "mode": result.mode, "hits": hits}
    finally:
        library.close()


def told(data: dict[str, Any], kept: Path | None) -> str:
    """Return the demo's story for people."""
    from vidctl.cli.text import size, visible
    from vidctl.timecode import clock

    item = data["item"]
    media = item["properties"]["media"]
    lines = [
        f"A clip of {item['properties']['duration']:.0f} seconds ({size(media['size'])}) went in:",
        "",
        f"  vidctl upload {CLIP} --process",
        "",
        *(f"    {clock(start)}  {visible(text)}" for start, text in data["lines"]),
        "",
        "Now it can be searched by what is said:",
        "",
        f'  vidctl search "{data["query"]}"',
        "",
    ]
    for hit in data["hits"]:
        lines.append(f"    {hit['ref']}  {visible(item['name'])}")
        lines.append(f"      {visible(hit['text'])}")
    if kept:
        lines += [
            "",
            f"The library is in {kept}. Try it there:",
            "",
            f"  cd {kept}",
            "  vidctl status",
        ]
    else:
        lines += ["", "Nothing was left behind. Begin your own library:  vidctl init"]
    return "\n".join(lines)


app = verb(demo)
