"""How an upload is to go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vidctl.batch.process import Work
from vidctl.catalog import items
from vidctl.errors import UsageError

if TYPE_CHECKING:
    from vidctl.journey.ingest import Details
    from vidctl.library import Library

SKIPS = ("", "hash", "name")
NO_WORK = Work()


@dataclass(frozen=True, slots=True)
class Plan:
    """What is said about an upload as a whole.

    ``host`` is the name of the host to send to, empty for the setting's; ``replace`` refers to the
    item that gets a new version; ``skip`` is ``hash`` or ``name``, or empty for what needs no
    reading. ``rate`` is in bytes per second, ``max_duration`` in seconds; 0 is no limit.
    """

    work: Work = NO_WORK
    jobs: int = 1
    host: str = ""
    skip: str = ""
    replace: str = ""
    rate: float = 0.0
    max_items: int = 0
    max_duration: float = 0.0
    takes_truncated: bool = False
    measures_loudness: bool = True
    is_watching: bool = False
    is_rehearsal: bool = False


def check(library: Library, plan: Plan, details: Details) -> None:
    """Make sure that a plan makes sense. Raises UsageError where it does not."""
    if details.type:
        items.checked_type(details.type)
    if plan.skip not in SKIPS:
        raise UsageError(f"--skip-existing takes hash or name, not {plan.skip!r}")
    if plan.replace:
        _check_replacement(plan, details)
    host = library.hosts.named(plan.host or library.hosts.default_name)
    if library.is_offline and not host.is_local:
        raise UsageError(
            f"--offline, and the host {host.name} is on the network", hint="--to folder"
        )


def _check_replacement(plan: Plan, details: Details) -> None:
    if plan.is_watching:
        raise UsageError("--replace takes one file, and --watch a folder")
    if plan.skip:
        raise UsageError("--replace and --skip-existing exclude each other")
    given = details.title or details.properties or details.is_published or details.type
    if given:
        raise UsageError(
            "--replace changes the media, not the item",
            hint=f"vidctl videos edit {plan.replace} changes the rest",
        )
