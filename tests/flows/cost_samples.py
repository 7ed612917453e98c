"""A service that is dear, files that cost a cent there, and the ledger of it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import Result, Runner
from servers.cloudinary import CloudinaryServer
from upload_samples import tones

from vidctl.library import Library

# A price that makes small files cost whole cents: a cent for ten kilobytes.
DEAR = "1000"
SIZE = 10_000
PRICE = 0.01


@contextmanager
def dear_cloud(
    run: Runner, monkeypatch: pytest.MonkeyPatch, **more: Any
) -> Iterator[CloudinaryServer]:
    """Have the library's media go to a Cloudinary on this machine, dearly."""
    with CloudinaryServer(**more) as server:
        monkeypatch.setenv("VIDCTL_CLOUDINARY_KEY", server.key_text)
        run.ok("config", "set", "media.host", "cloudinary")
        run.ok("config", "set", "hosts.cloudinary.api", server.address)
        run.ok("config", "set", "prices.cloudinary.gigabyte", DEAR)
        yield server


def sized(run: Runner, name: str = "talk", count: int = 1, size: int = SIZE) -> list[Path]:
    """Write sounds of ten kilobytes each, or of another size in bytes."""
    made = tones(run.folder / name, count, seconds=0.2)
    for file in made:
        content = file.read_bytes()
        file.write_bytes(content + bytes(size - len(content)))
        os.utime(file, (1_700_000_000, 1_700_000_000))
    return made


def shown(run: Runner, *more: str) -> list[dict[str, Any]]:
    """Return the rows of the ledger."""
    items: list[dict[str, Any]] = run.ok("cost", "show", "--json", *more).data["items"]
    return items


def upload(run: Runner, *words: str | Path) -> Result:
    """Upload as fast as can be."""
    return run("upload", "--no-loudness", "--json", *words)


def counted(library: Library) -> list[tuple[str, float]]:
    """Return the state and the price of each row of the ledger."""
    return [(row["state"], row["amount"]) for row in library.costs.show().data["items"]]


def pay(library: Library, error: BaseException | None = None, **more: Any) -> None:
    """Pay for a minute of transcription, which may fail."""
    with library.costs.spend("transcribe", "openai", "key", {"seconds": 60}, **more):
        if error is not None:
            raise error
