"""Groups: add, edit, move, archive, and how they look."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Protocol

from vidctl.errors import Conflict, UsageError
from vidctl.ids import new_id, slugify
from vidctl.model.group import GROUP_TYPES, Group


class Directory(Protocol):
    """The groups one can see."""

    def all(self) -> list[Group]: ...
    def subtree(self, group_id: str) -> list[Group]: ...
    def resolve(self, reference: str) -> Group: ...
    def add(self, group: Group) -> None: ...
    def save(self, group: Group) -> None: ...
    def counts(self, group_ids: list[str]) -> dict[str, int]: ...


Clock = Callable[[], int]


def add_group(
    directory: Directory,
    *,
    name: str,
    parent: Group | None,
    type: str = "organization",
    slug: str = "",
    description: str = "",
    now: Clock,
) -> Group:
    """Add a group below ``parent``, or at the top. Raises Conflict when the slug is taken there."""
    name = name.strip()
    if not name:
        raise UsageError("a group needs a name")
    slug = checked_slug(slug or slugify(name))
    moment = now()
    group = Group(
        id=new_id(),
        slug=slug,
        name=name,
        type=checked_type(type),
        parent_id=parent.id if parent else None,
        path=f"{parent.path}/{slug}" if parent else slug,
        status="active",
        created_at=moment,
        updated_at=moment,
        description=description,
    )
    directory.add(group)
    return group


def checked_slug(slug: str) -> str:
    """Return a well-formed slug. Raises UsageError with a well-formed one as the hint."""
    if slug != slugify(slug, fallback=""):
        raise UsageError(f"{slug!r} is not a slug", hint=f"such as {slugify(slug)!r}")
    return slug


def checked_type(type: str) -> str:
    """Return a known group type. Raises UsageError with the list for another one."""
    if type not in GROUP_TYPES:
        raise UsageError(f"{type!r} is no type of group", hint=", ".join(GROUP_TYPES))
    return type


def edit_group(
    directory: Directory,
    group: Group,
    *,
    name: str | None = None,
    slug: str | None = None,
    type: str | None = None,
    description: str | None = None,
    now: Clock,
) -> Group:
    """Change a group's fields. Raises Conflict for a slug that a sibling has."""
    if name is not None and not name.strip():
        raise UsageError("a group needs a name")
    edited = replace(
        group,
        name=group.name if name is None else name.strip(),
        slug=group.slug if slug is None else checked_slug(slug),
        type=group.type if type is None else checked_type(type),
        description=group.description if description is None else description,
    )
    return _save(directory, group, edited, now)


def move_group(directory: Directory, group: Group, parent: Group | None, *, now: Clock) -> Group:
    """Move a group with all below it. Raises Conflict for a cycle or a taken slug."""
    return _save(directory, group, replace(group, parent_id=parent.id if parent else None), now)


def archive_group(directory: Directory, group: Group, *, now: Clock) -> Group:
    """Archive a group: it can be read, not written to. Raises Conflict with active ones below."""
    if any(below.status == "active" for below in directory.subtree(group.id)[1:]):
        raise Conflict(
            f"{group.path} has active groups below it", hint="archive or move those first"
        )
    return _save(directory, group, replace(group, status="archived"), now)


def restore_group(directory: Directory, group: Group, *, now: Clock) -> Group:
    """Make an archived group active again."""
    return _save(directory, group, replace(group, status="active"), now)


def _save(directory: Directory, old: Group, new: Group, now: Clock) -> Group:
    if old == new:
        return old
    saved = replace(new, updated_at=now())
    directory.save(saved)
    return next(group for group in directory.all() if group.id == saved.id)


def record(group: Group, items: int | None = None) -> dict[str, Any]:
    """Return a group as it appears in JSON; ``items`` counts its things."""
    shown: dict[str, Any] = {
        "id": group.id,
        "slug": group.slug,
        "path": group.path,
        "name": group.name,
        "type": group.type,
        "parentId": group.parent_id,
        "status": group.status,
        "description": group.description,
        "settings": group.settings,
        "createdAt": group.created_at,
        "updatedAt": group.updated_at,
    }
    if items is not None:
        shown["items"] = items
    return shown


def listing(directory: Directory, *, status: str | None = None) -> dict[str, Any]:
    """Return the visible groups as a listing, parents before children."""
    groups = [
        group
        for group in directory.all()
        if (group.status == "active" if status is None else status in ("all", group.status))
    ]
    counts = directory.counts([group.id for group in groups])
    items = [record(group, counts.get(group.id, 0)) for group in groups]
    return {"items": items, "total": len(items), "next": None}
