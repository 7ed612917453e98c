"""The files and links of an upload: found, checked, and opened one by one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from vidctl import paths
from vidctl.batch.tally import Done
from vidctl.errors import UsageError, VidctlError
from vidctl.files import as_text
from vidctl.journey.examine import MediaFile
from vidctl.journey.ingest import Details, Ingested
from vidctl.sources import Source, gather

if TYPE_CHECKING:
    from vidctl.batch.plan import Plan
    from vidctl.library import Library
    from vidctl.model.thing import Thing
    from vidctl.net.fetch import Fetcher
    from vidctl.ports import Advance


@dataclass(frozen=True, slots=True)
class Inputs:
    """What an upload is to take in. ``watched`` is a folder that goes on giving files."""

    listed: list[Source] = field(default_factory=list)
    errors: list[VidctlError] = field(default_factory=list)
    watched: Path | None = None


def gathered(
    library: Library,
    patterns: Sequence[str],
    plan: Plan,
    details: Details,
    stdin: BinaryIO | None,
) -> Inputs:
    """Return what ``patterns`` name. Raises UsageError where that does not fit the plan."""
    watched = _watched(patterns, details) if plan.is_watching else None
    if watched is not None and not plan.is_rehearsal:
        return Inputs(watched=watched)
    listed, errors = gather(patterns, stdin)
    several = len(listed) > 1
    if details.title and several:
        raise UsageError("--title names one item, but several files were given")
    if details.captions and several:
        raise UsageError("--captions belongs to one file, but several were given")
    if plan.replace and several:
        raise UsageError("--replace takes one file, but several were given")
    return Inputs(listed, errors)


def _watched(patterns: Sequence[str], details: Details) -> Path:
    if details.title or details.captions:
        raise UsageError("--title and --captions belong to one file, and --watch takes a folder")
    folder = paths.expanded(patterns[0]) if len(patterns) == 1 and patterns[0] else None
    if folder is None or not folder.is_dir():
        raise UsageError("--watch takes one folder", hint="vidctl upload FOLDER --watch")
    return folder


def replaceable(library: Library, plan: Plan) -> Thing | None:
    """Return the item that gets a new version, None where none is to.

    Raises NotFound, PermissionRefused, and Conflict when its group is archived.
    """
    if not plan.replace:
        return None
    thing = library.resolve(plan.replace)
    library.allow("edit", thing)
    library.writable([thing])
    return thing


def by_name(library: Library, number: int, source: Source) -> Done | None:
    """Return what leaves a file out unread: an item of the group came from one of that name."""
    row = library.store.media.by_file(name_of(source))
    thing = None if row is None else library.store.things.find(row.thing_id)
    if row is None or thing is None:
        return None
    return Done(number, Ingested(thing, False, row.size, 0.0), is_by_name=True)


def name_of(source: Source) -> str:
    """Return a source's own name, without its folder; of a link the one that its address has."""
    if source.path is not None:
        return as_text(source.path.name)
    from vidctl.net import names

    return names.name_of(source.url, asked=source.url)


def size_if_known(source: Source) -> int | None:
    """Return the size of a file in bytes; None of a link, and of what cannot be looked at."""
    try:
        return None if source.path is None else source.path.stat().st_size
    except OSError:
        return None


def shown(source: Source) -> str:
    """Return what reports call a source: short, and not that of another one."""
    if source.path is None:
        return source.name
    folder = Path.cwd()
    inside = source.path.is_relative_to(folder)
    return os.path.relpath(source.path, folder) if inside else str(source.path)


@contextmanager
def opened(
    library: Library,
    source: Source,
    fetcher: Fetcher,
    *,
    advance: Advance,
    pace: Callable[[int], None],
) -> Iterator[MediaFile]:
    """Give a source as a file on this machine; a link is fetched, and the copy removed at the end.

    What is kept of a link is its address without the query, which may hold a token.
    """
    if source.path is not None:
        yield MediaFile(source.path, shown(source))
        return
    from vidctl.sources import downloaded

    if library.is_offline:
        raise UsageError("links are not followed with --offline")
    folder = library.config.cache_folder()
    with downloaded(source, folder, fetcher, advance, pace=pace) as found:
        yield MediaFile(
            found.path, shown(source), url=source.name, is_partial_url="?" in source.url
        )
