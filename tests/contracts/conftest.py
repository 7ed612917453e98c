"""The store under test: each SQLite that exists here, and a library with several tenants."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores import World, make_library, use

from vidctl.model.group import Group

# The standard module stands for a machine where sqlite-vec cannot be loaded.
DRIVERS = ("pysqlite3", "sqlite3")


@pytest.fixture(params=DRIVERS)
def sqlite(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the driver in use."""
    name: str = request.param
    use(monkeypatch, name)
    return name


@pytest.fixture(scope="session")
def templates() -> dict[str, tuple[Path, dict[str, Group]]]:
    """A library with groups for each driver, closed, to be copied: making one costs more."""
    return {}


@pytest.fixture
def world(
    sqlite: str,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    templates: dict[str, tuple[Path, dict[str, Group]]],
) -> Iterator[World]:
    """A library with the groups ``acme``, ``acme/courses``, ``rival`` and ``third``."""
    if sqlite not in templates:
        file = tmp_path_factory.mktemp(sqlite) / "library.db"
        templates[sqlite] = (file, make_library(file))
    template, groups = templates[sqlite]
    shutil.copyfile(template, tmp_path / "library.db")
    made = World(tmp_path / "library.db", groups)
    yield made
    made.close()
