"""A library with several tenants, and things to put into it."""

from __future__ import annotations

import hashlib
import itertools
import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from vidctl.ids import new_id, slugify
from vidctl.model.connection import Connection
from vidctl.model.cost import Charge
from vidctl.model.group import Group
from vidctl.model.knowledge import Chunk, Window
from vidctl.model.media import Content, MediaRow
from vidctl.model.scope import Scope
from vidctl.model.thing import Thing
from vidctl.store import driver
from vidctl.store.sqlite import SqliteLibrary, SqliteStore

IDENTITY = "test/unit@4"
DIMENSION = 4
TABLES = (
    *("groups", "things", "connections", "events", "segments", "knowledge", "thing_knowledge"),
    *("vectors", "media", "jobs", "job_parts", "uploads", "upload_parts", "costs"),
)


@dataclass(frozen=True)
class Narrow:
    """Which things a search looks at."""

    types: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    since: int | None = None


ALL = Narrow()


def use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make this process choose a driver."""
    pytest.importorskip(name)
    monkeypatch.setenv("VIDCTL_SQLITE", name)
    monkeypatch.setattr(driver, "_chosen", None)
    if name == "sqlite3":
        monkeypatch.setattr(driver, "vector_extension", lambda: None)


def make_library(path: Path) -> dict[str, Group]:
    """Make a closed library file with some groups, and return those by path."""
    library = SqliteLibrary(path, create=True)
    groups: dict[str, Group] = {}
    for group in ("acme", "acme/courses", "rival", "third"):
        parent, _, slug = group.rpartition("/")
        above = groups[parent].id if parent else None
        groups[group] = Group(
            new_id(), slug, slug.title(), "organization", above, group, "active", 1, 1
        )
        library.groups().add(groups[group])
    library.close()
    return groups


class World:
    """An open library: a store for each group, and ``wide`` for acme with all below it."""

    def __init__(self, path: Path, groups: dict[str, Group]) -> None:
        self.path = path
        self.groups = groups
        self.library = SqliteLibrary(path)
        self.acme = self.open("acme")
        self.courses = self.open("acme/courses")
        self.rival = self.open("rival")
        self.third = self.open("third")
        below = (groups["acme"].id, groups["acme/courses"].id)
        self.wide = self.library.open(Scope(below[0], below))

    def open(self, path: str) -> SqliteStore:
        """Open a store for one group."""
        return self.library.open(Scope.only(self.groups[path].id))

    def close(self) -> None:
        """Close the library."""
        self.library.close()

    def rows(self, sql: str, parameters: Any = ()) -> list[tuple[Any, ...]]:
        """Ask the database behind the store."""
        return [tuple(row) for row in self.library.database.rows(sql, parameters)]

    def dump(self, *paths: str) -> dict[str, list[tuple[Any, ...]]]:
        """Return every row of some groups, by table."""
        ids = [self.groups[path].id for path in paths]
        marks = ", ".join("?" for _ in ids)
        return {
            table: self.rows(
                f"SELECT * FROM {table} WHERE group_id IN ({marks}) ORDER BY 1, 2, 3", ids
            )
            for table in TABLES
        }


moments = itertools.count(1_736_244_000_000, 1000)


def add_thing(store: SqliteStore, name: str = "Talk", **fields: Any) -> Thing:
    """Add a video, or whatever ``type`` says; what is not a field is a property."""
    moment = fields.pop("created_at", None) or next(moments)
    known = {
        key: fields.pop(key)
        for key in ("id", "type", "slug", "status", "updated_at")
        if key in fields
    }
    thing = Thing(
        **{
            "id": new_id(),
            "type": "video",
            "slug": store.things.free_slug(slugify(name)),
            "status": "draft",
            "updated_at": moment,
            **known,
        },
        group_id=store.scope.home,
        name=name,
        created_at=moment,
        properties=fields,
    )
    store.things.add(thing)
    return thing


def chunk(thing: Thing, ordinal: int, text: str, **fields: Any) -> Chunk:
    """Make a chunk whose id says where it belongs."""
    from vidctl.ids import derived_id

    return Chunk(
        id=derived_id("test", "chunk", f"{thing.id}/{ordinal}"),
        thing_id=thing.id,
        ordinal=ordinal,
        text=text,
        content_hash=hashlib.sha256(text.encode()).hexdigest(),
        **fields,
    )


def unit(values: Sequence[float]) -> bytes:
    """Return numbers as a vector of unit length, float32 little-endian."""
    length = math.sqrt(math.fsum(value * value for value in values))
    return array("f", [value / length for value in values]).tobytes()


def window(of: Chunk, vector: bytes, part: int = 0) -> Window:
    """Make the window of a chunk that a vector stands for."""
    return Window(of.id, part, part, part, f"hash-{of.id}-{part}", vector)


def media_row(store: SqliteStore, thing: Thing, content: str = "bytes", **fields: Any) -> MediaRow:
    """Make a media row of a thing."""
    sha256 = hashlib.sha256(content.encode()).hexdigest()
    values: dict[str, Any] = {
        "id": new_id(),
        "group_id": store.scope.home,
        "thing_id": thing.id,
        "role": "source",
        "sha256": sha256,
        "size": len(content),
        "host": "folder",
        "locator": f"{store.scope.home}/{sha256[:2]}/{sha256}.mp4",
        "filename": "talk.mp4",
    }
    return MediaRow(**{**values, **fields})


def content(group_id: str, text: str = "bytes") -> Content:
    """Make the content of a group's file."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return Content(group_id, sha256, len(text), ".mp4")


def charge(group_id: str, key: str = "work", **fields: Any) -> Charge:
    """Make a charge of 0.25 dollars to be reserved."""
    values: dict[str, Any] = {
        "id": new_id(),
        "service": "cloudinary",
        "operation": "upload",
        "units": {"bytes": 10, "requests": 1},
        "amount": 250_000,
        "state": "reserved",
    }
    return Charge(group_id=group_id, key=key, **{**values, **fields})


def link(store: SqliteStore, one: Thing, other: Thing, type: str = "related_to") -> Connection:
    """Make a link between two things."""
    return Connection(new_id(), store.scope.home, one.id, other.id, type)
