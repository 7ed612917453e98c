"""The check-up of a library and the machine it is on; mending touches derived data only."""

from __future__ import annotations

import contextlib
import platform
import sys
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vidctl import registry
from vidctl.errors import StorageFailed, VidctlError
from vidctl.files import TEMPORARY_PREFIX, sweep_folders
from vidctl.ids import is_id
from vidctl.journey.index import is_fresh
from vidctl.journey.letting_go import cleared
from vidctl.library import Library
from vidctl.library.hosts import Hosts
from vidctl.model.locator import is_locator
from vidctl.model.media import Content, MediaRow
from vidctl.model.scope import Scope
from vidctl.outcome import Outcome
from vidctl.ports import MediaHost
from vidctl.progress import Report
from vidctl.store import checkup, driver
from vidctl.store.checkup import Finding

ORPHAN_SECONDS = 3600.0
# What fetched, made and downloaded files lie in while they are worked on.
SCRATCH = ("fetched-*", "made-*", f"{TEMPORARY_PREFIX}*")


def machine() -> Iterator[Finding]:
    """Yield what this machine can and cannot do; nothing here needs a library."""
    yield Finding("python", True, f"{platform.python_version()} on {sys.platform}")
    chosen = driver.choose()
    is_safe = chosen.is_safe_for_wal
    said = f"{chosen.version} through {chosen.name}"
    yield Finding(
        "sqlite",
        True,
        said if is_safe else f"{said}; has the WAL-reset bug, so the journal mode is DELETE",
        "" if is_safe else "pip install pysqlite3",
    )
    yield Finding(
        "sqlite-vec",
        True,
        "loads" if chosen.vector else "not available: vectors are searched one by one",
        "" if chosen.vector else "; ".join(chosen.tried),
    )
    for name, targets in (("speech model", "TRANSCRIBERS"), ("embedding model", "EMBEDDERS")):
        module = getattr(registry, targets)["local"].partition(":")[0]
        found = registry.load(f"{module}:available")()
        missing = ", ".join(found.missing)
        yield Finding(
            name,
            True,
            f"{found.model} ({found.size / 1e6:.0f} MB)" if not missing else f"missing: {missing}",
            'pip install "vidctl[local]"' if missing else "",
        )


def listing(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return findings as a listing, and how many of them are problems."""
    return {
        "items": [finding.record() for finding in findings],
        "total": len(findings),
        "next": None,
        "problems": sum(not finding.is_ok for finding in findings),
    }


def unreadable(error: StorageFailed) -> Outcome:
    """Return the findings about a library file that cannot even be opened."""
    hint = "restore a backup made with vidctl backup"
    found = [*machine(), Finding("library file", False, error.message, hint)]
    return Outcome(listing(found), findings=True)


def examine(
    library: Library, *, fix: bool, verify: bool, rehearse: bool, report: Report
) -> Outcome:
    """Check everything, mend derived data when asked, and return the findings.

    With ``-g`` the items looked at are those of that group and below; the file itself is always
    checked as a whole, in numbers only.
    """
    library.allow("keep library")
    notes: list[str] = []
    if fix and not rehearse:
        notes += _mend(library)
    findings = [*machine(), *checkup.check(library.database.database)]
    findings += _media(_everywhere(library), report, verify=verify)
    findings += _work(_everywhere(library))
    is_bad = any(not finding.is_ok for finding in findings)
    if is_bad and not fix and any(finding.is_derived for finding in findings):
        notes.append("vidctl doctor --fix rebuilds derived data")
    return Outcome(listing(findings), notes=notes, findings=is_bad)


def _everywhere(library: Library) -> Library:
    """Return the library for the groups to look at: all, or those from ``-g`` down."""
    groups = library.groups.all()
    return library.within(Scope(library.home, tuple(group.id for group in groups)))


def _media(library: Library, report: Report, *, verify: bool) -> Iterator[Finding]:
    """Check the bytes on this machine, then what is known of each other host."""
    from vidctl.library.host_checks import BriefHosts

    held: dict[str, list[MediaRow]] = {}
    for row in library.store.media.all():
        held.setdefault(row.host, []).append(row)
    hosts = BriefHosts(library.config)
    try:
        local = _local(hosts, held)
        yield from _on_this_machine(library, hosts, local, held, report, verify=verify)
        for name in sorted({*hosts.names(), *held} - set(local)):
            rows = held.get(name, [])
            yield from _elsewhere(library, hosts, name, rows, report, verify=verify)
    finally:
        hosts.close()


def _local(hosts: Hosts, held: Collection[str]) -> list[str]:
    """Return the hosts that are folders of this machine and can be looked at."""
    found = []
    for name in dict.fromkeys([*hosts.names(), *held]):
        with contextlib.suppress(VidctlError):
            if hosts.named(name).is_local:
                found.append(name)
    return found


def _on_this_machine(
    library: Library,
    hosts: Hosts,
    local: Sequence[str],
    held: Mapping[str, list[MediaRow]],
    report: Report,
    *,
    verify: bool,
) -> Iterator[Finding]:
    rows = [row for name in local for row in held.get(name, [])]
    gone = [row for row in rows if not hosts.named(row.host).exists(row.locator, size=row.size)]
    slugs = _slugs(library, gone)
    yield Finding(
        "media files",
        not gone,
        f"missing: {slugs}" if gone else f"{len(rows)} there",
        "upload the same files again" if gone else "",
    )
    if verify:
        yield _verified(library, hosts, [row for row in rows if row not in gone], report)
    orphans = _orphans(library, hosts)
    yield Finding(
        "media without an item",
        not orphans,
        f"{len(orphans)} files" if orphans else "none",
        "vidctl doctor --fix" if orphans else "",
        bool(orphans),
    )


def _elsewhere(
    library: Library,
    hosts: Hosts,
    name: str,
    rows: list[MediaRow],
    report: Report,
    *,
    verify: bool,
) -> Iterator[Finding]:
    """Check one host on another machine: whether it answers and, when asked, what it holds."""
    from vidctl.library import host_checks

    count = f"{len(rows)} files" if len(rows) != 1 else "1 file"
    try:
        hosts.kind(name)
        has_key = bool(host_checks.source_of(hosts, name))
    except VidctlError as error:
        yield Finding(f"host {name}", False, f"{count}: {error.message}", error.hint)
        return
    if not has_key and not rows:
        yield Finding(
            f"host {name}", True, "has no key and holds nothing", f"vidctl keys set {name}"
        )
        return
    is_ok, said, hint = host_checks.answer_of(hosts, name, offline=library.is_offline)
    yield Finding(f"host {name}", is_ok is not False, f"{count}; {said}", hint)
    if verify and is_ok:
        yield _looked_up(library, hosts, name, rows, report)


def _looked_up(
    library: Library, hosts: Hosts, name: str, rows: list[MediaRow], report: Report
) -> Finding:
    """Ask a host about each file; none is read."""
    report.step(name, "verify")
    gone, wrong = [], []
    try:
        for number, row in enumerate(rows, start=1):
            asset = hosts.named(name).stat(row.locator)
            if asset is None:
                gone.append(row)
            elif asset.size != row.size:
                wrong.append(row)
            report.advance(name, number, len(rows))
    except VidctlError as error:
        return Finding(f"media on {name}", False, f"not known: {error.message}", error.hint)
    said = [f"missing: {_slugs(library, gone)}"] if gone else []
    said += [f"of another size: {_slugs(library, wrong)}"] if wrong else []
    hint = "upload the same files again" if said else ""
    return Finding(f"media on {name}", not said, "; ".join(said) or f"{len(rows)} there", hint)


def _slugs(library: Library, rows: list[MediaRow]) -> str:
    return ", ".join(dict.fromkeys(library.store.things.get(row.thing_id).slug for row in rows))


def _verified(library: Library, hosts: Hosts, rows: list[MediaRow], report: Report) -> Finding:
    from vidctl.files import sha256_of

    report.step("media", "verify")
    damaged = []
    for number, row in enumerate(rows, start=1):
        if sha256_of(hosts.named(row.host).path(row.locator)) != row.sha256:
            damaged.append(row)
        report.advance("media", number, len(rows))
    said = f"damaged: {_slugs(library, damaged)}" if damaged else f"{len(rows)} have their hash"
    return Finding("media content", not damaged, said)


@dataclass(frozen=True, slots=True)
class _Stray:
    """A media file that no row names, and the host and group that it is in."""

    host: MediaHost
    group_id: str
    locator: str
    file: Path


def _orphans(library: Library, hosts: Hosts) -> list[_Stray]:
    """Return media files that no row names; young ones may belong to an upload at work.

    Two hosts may be the same folder by different names; what either holds there is named. Only
    what has a name that vidctl gives is looked at, whatever else lies there.
    """
    from vidctl.library.host_checks import root_of

    oldest = time.time() - ORPHAN_SECONDS
    rows = list(library.store.media.all())
    local = _local(hosts, {row.host for row in rows})
    roots = {name: root_of(hosts.named(name)).resolve() for name in local}
    known = {roots[row.host] / row.locator for row in rows if row.host in roots}
    found = []
    first = {root: name for name, root in reversed(roots.items())}
    for root, name in first.items():
        for group_id in filter(is_id, library.scope.group_ids):
            for file in sorted((root / group_id).rglob("*")):
                locator = file.relative_to(root).as_posix()
                if file in known or not is_locator(locator) or not file.is_file():
                    continue
                if not file.resolve().is_relative_to(root):  # a link, and what is there is not ours
                    continue
                if file.stat().st_mtime < oldest:
                    found.append(_Stray(hosts.named(name), group_id, locator, file))
    return found


def _removed(library: Library, strays: Sequence[_Stray]) -> int:
    """Remove what nobody has begun to use meanwhile, and return how many files that were."""
    count = 0
    for stray in strays:
        content = Content(stray.group_id, "", 0, stray.file.suffix)
        with cleared(stray.host, stray.locator, content, store=library.store) as is_free:
            if is_free:
                stray.file.unlink(missing_ok=True)
                count += 1
    return count


def _work(library: Library) -> Iterator[Finding]:
    states = library.store.jobs.states()
    halted = [job for job in states if job["state"] in ("interrupted", "failed")]
    said = f"{len(halted)} stopped before the end" if halted else "none stopped before the end"
    yield Finding("work", True, said, "vidctl process" if halted else "")
    chunking = library.chunking()
    behind = [
        thing.slug
        for thing in library.every()
        if library.store.knowledge.chunks(thing.id)
        and not is_fresh(thing, store=library.store, identity=None, **chunking)
    ]
    yield Finding(
        "index",
        not behind,
        f"not up to date: {', '.join(behind[:5])}" if behind else "up to date",
        "vidctl index" if behind else "",
        bool(behind),
    )


def _mend(library: Library) -> list[str]:
    """Rebuild indexes, remove bytes that no item names, bring chunks up to date."""
    notes = []
    everywhere = _everywhere(library)
    checkup.rebuild_derived(library.database.database)
    swept = _removed(everywhere, _orphans(everywhere, library.hosts))
    for name in _local(library.hosts, ()):
        sweep: Callable[..., int] | None = getattr(library.hosts.named(name), "sweep", None)
        swept += sweep(older_than=ORPHAN_SECONDS) if sweep is not None else 0
    cache = library.config.cache_folder()
    for pattern in SCRATCH:
        swept += sweep_folders(cache, pattern, older_than=ORPHAN_SECONDS)
    if swept:
        notes.append(f"removed {swept} files that belonged to no item")
    return notes + _reindexed(everywhere)


def _reindexed(library: Library) -> list[str]:
    from vidctl.journey.index import index
    from vidctl.progress import Silent

    count = 0
    chunking = library.chunking()
    for thing in library.every():
        if library.store.knowledge.chunks(thing.id) and not is_fresh(
            thing, store=library.store, identity=None, **chunking
        ):
            index(thing, store=library.store, embedder=None, report=Silent(), **chunking)
            count += 1
    return [f"indexed {count} items again; vidctl index embeds them"] if count else []
