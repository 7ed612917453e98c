"""Looking at media hosts: what they hold of a library, and whether they answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vidctl.config import Config
from vidctl.errors import PermissionRefused, VidctlError
from vidctl.library.hosts import LOCAL, Hosts
from vidctl.outcome import Outcome
from vidctl.retry import Retry

if TYPE_CHECKING:
    from vidctl.library import Library
    from vidctl.model.media import MediaRow
    from vidctl.ports import MediaHost

# A check-up asks once and does not wait long: it is to say what is wrong, not to get by.
CHECK_SECONDS = 10.0
ONCE = Retry(attempts=1)
NOT_ASKED = "not asked, because of --offline"


class BriefHosts(Hosts):
    """Hosts that give up soon."""

    def __init__(self, config: Config) -> None:
        # A copy, because the time limits are set in it.
        super().__init__(Config(start=config.start, flags=config.flags, environ=config.environ))

    def named(self, name: str) -> MediaHost:
        """Return the host of a name, with a short time limit and without second tries."""
        key = f"hosts.{name}.timeout"
        if self.kind(name) != LOCAL:
            self.config.flags[key] = min(CHECK_SECONDS, self.config.number(key))
        host = super().named(name)
        if hasattr(host, "retry"):
            host.retry = ONCE
        return host


def listing(library: Library) -> Outcome:
    """Return every host: what it is, where its key would come from, and what it holds here."""
    library.allow("keep library")
    held: dict[str, list[MediaRow]] = {}
    for row in library.store.media.all():
        held.setdefault(row.host, []).append(row)
    hosts = library.hosts
    names = list(dict.fromkeys([*hosts.names(), *sorted(held)]))
    items = [_record(hosts, name, held.get(name, [])) for name in names]
    return Outcome({"items": items, "total": len(items), "next": None})


def _record(hosts: Hosts, name: str, rows: Sequence[MediaRow]) -> dict[str, Any]:
    kind = problem = where = key = ""
    try:
        kind = hosts.kind(name)
        where = place(hosts, name)
        key = "" if kind == LOCAL else source_of(hosts, name)
    except VidctlError as error:
        problem = error.message
    return {
        "name": name,
        "kind": kind,
        "where": where,
        "default": hosts.is_default(name),
        "key": key,
        "items": len({row.thing_id for row in rows}),
        "files": len(rows),
        "bytes": sum(row.size for row in rows),
        "problem": problem,
    }


def place(hosts: Hosts, name: str) -> str:
    """Return where a host keeps media, as far as its settings say."""
    kind = hosts.kind(name)
    if kind == LOCAL:
        return str(root_of(hosts.named(name)))
    options = hosts.config.options("hosts", name)
    if kind == "s3":
        bucket = "/".join(str(options[part]) for part in ("bucket", "prefix") if options[part])
        endpoint = str(options["endpoint"])
        return f"{bucket}@{endpoint}" if bucket and endpoint else bucket
    return "/".join(str(options[part]) for part in ("cloud", "folder") if options[part])


def root_of(host: MediaHost) -> Path:
    """Return the folder of a folder host."""
    root: Path = getattr(host, "root")  # noqa: B009 - hosts that are no folder have none
    return root


def source_of(hosts: Hosts, name: str) -> str:
    """Return where the key of a host would come from, empty where it has none."""
    origin = hosts.keys.origin(name)
    return "" if origin is None else origin.source


def check(hosts: Hosts, names: Iterable[str], *, offline: bool) -> Outcome:
    """Ask hosts for a sign of life and whether they take their key; all of them for no names.

    ``hosts`` should be BriefHosts. A host that does not work is a finding. Raises UsageError for
    a name that means nothing.
    """
    chosen = list(dict.fromkeys(names)) or hosts.names()
    items = []
    for name in chosen:
        items.append(_checked(hosts, name, offline=offline))
    is_bad = any(item["ok"] is False for item in items)
    listed = {"items": items, "total": len(items), "next": None}
    return Outcome(listed, notes=hosts.keys.notes, findings=is_bad)


def _checked(hosts: Hosts, name: str, *, offline: bool) -> dict[str, Any]:
    kind = ""
    is_ok: bool | None = False
    try:
        kind = hosts.kind(name)
    except PermissionRefused as error:
        # Others can be asked all the same.
        said, hint = error.message, error.hint
    else:
        is_ok, said, hint = answer_of(hosts, name, offline=offline and kind != LOCAL)
    return {"name": name, "kind": kind, "ok": is_ok, "message": said, "hint": hint}


def answer_of(hosts: Hosts, name: str, *, offline: bool) -> tuple[bool | None, str, str]:
    """Ask a host: whether it works (None when it was not asked), what it says, the next step."""
    if offline:
        return None, NOT_ASKED, ""
    try:
        return True, hosts.named(name).check(), ""
    except VidctlError as error:
        return False, error.message, error.hint
