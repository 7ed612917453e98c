"""Which SQLite is used, and which of them may write ahead."""

from __future__ import annotations

import builtins
import sqlite3
import sys
from types import SimpleNamespace
from typing import Any

import pytest

from vidctl.errors import StorageFailed
from vidctl.store import driver
from vidctl.store.driver import Driver, wal_is_safe

# https://sqlite.org/wal.html, "the WAL-reset bug": fixed in 3.51.3, 3.50.7 and 3.44.6.
VERSIONS = [
    ((3, 7, 0), False),
    ((3, 38, 0), False),
    ((3, 40, 1), False),
    ((3, 43, 2), False),
    ((3, 44, 0), False),
    ((3, 44, 5), False),
    ((3, 44, 6), True),
    ((3, 44, 7), True),
    ((3, 45, 0), False),
    ((3, 45, 9), False),
    ((3, 49, 2), False),
    ((3, 50, 0), False),
    ((3, 50, 6), False),
    ((3, 50, 7), True),
    ((3, 50, 8), True),
    ((3, 51, 0), False),
    ((3, 51, 2), False),
    ((3, 51, 3), True),
    ((3, 52, 0), True),
    ((3, 53, 4), True),
    ((4, 0, 0), True),
]


@pytest.mark.parametrize(("version", "is_safe"), VERSIONS)
def test_the_wal_rule(version: tuple[int, ...], is_safe: bool) -> None:
    assert wal_is_safe(version) is is_safe
    module = SimpleNamespace(
        sqlite_version_info=version, sqlite_version=".".join(map(str, version))
    )
    assert Driver("fake", module, False).is_safe_for_wal is is_safe


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget which driver was chosen, for one test."""
    monkeypatch.setattr(driver, "_chosen", None)


def block(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Make some modules look as if they were not installed."""
    for name in names:
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("fresh")
def test_the_choice_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = driver.choose()
    monkeypatch.setenv("VIDCTL_SQLITE", "nonsense")
    assert driver.choose() is chosen


@pytest.mark.usefixtures("fresh")
def test_the_first_that_loads_the_vector_extension_wins() -> None:
    pytest.importorskip("pysqlite3")
    chosen = driver.choose()
    assert (chosen.name, chosen.vector, chosen.tried) == ("pysqlite3", True, ())
    assert chosen.is_safe_for_wal


@pytest.mark.usefixtures("fresh")
def test_without_wheels_the_standard_module_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    block(monkeypatch, "pysqlite3", "sqlean")
    monkeypatch.setattr(driver, "vector_extension", lambda: None)
    chosen = driver.choose()
    assert (chosen.name, chosen.module, chosen.vector) == ("sqlite3", sqlite3, False)
    assert chosen.tried == (
        "pysqlite3: not installed",
        "sqlite3: no sqlite-vec (LookupError)",
        "sqlean: not installed",
    )


@pytest.mark.usefixtures("fresh")
def test_a_driver_that_is_too_old_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "OLDEST", (99, 0, 0))
    assert driver.choose().tried[0].endswith("is too old")


@pytest.mark.usefixtures("fresh")
def test_an_override_is_used_even_without_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCTL_SQLITE", "sqlite3")
    monkeypatch.setattr(driver, "vector_extension", lambda: None)
    chosen = driver.choose()
    assert (chosen.name, chosen.vector) == ("sqlite3", False)


@pytest.mark.usefixtures("fresh")
def test_an_override_that_cannot_be_had_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDCTL_SQLITE", "nonsense")
    with pytest.raises(StorageFailed, match=r"VIDCTL_SQLITE=nonsense .*not installed") as caught:
        driver.choose()
    assert caught.value.hint == "unset VIDCTL_SQLITE, or pip install nonsense"


def test_the_extension_is_found_without_importing_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pysqlite3")
    real = builtins.__import__

    def refuse(name: str, *rest: Any) -> Any:
        assert name.partition(".")[0] not in ("numpy", "sqlite_vec")
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", refuse)
    path = driver.vector_extension()
    assert path is not None
    assert path.is_file()
