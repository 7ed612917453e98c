"""The store under test: each SQLite that exists here, and a library with several tenants."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import World

from vidctl.store import driver

# The standard module stands for a machine where sqlite-vec cannot be loaded.
DRIVERS = ("pysqlite3", "sqlite3")


def use(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Make this process choose a driver."""
    pytest.importorskip(name)
    monkeypatch.setenv("VIDCTL_SQLITE", name)
    monkeypatch.setattr(driver, "_chosen", None)
    if name == "sqlite3":
        monkeypatch.setattr(driver, "vector_extension", lambda: None)


@pytest.fixture(params=DRIVERS)
def sqlite(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the driver in use."""
    name: str = request.param
    use(monkeypatch, name)
    return name


@pytest.fixture
def world(sqlite: str, tmp_path: Path) -> Iterator[World]:
    """A library with the groups ``acme``, ``acme/courses``, ``rival`` and ``third``."""
    made = World(tmp_path / "library.db")
    yield made
    made.close()
