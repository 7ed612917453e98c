"""Which SQLite speaks for us: the first driver that loads sqlite-vec, else the standard one.

``VIDCTL_SQLITE`` overrides the order. Every driver has exception classes of its own, so callers
catch ``Driver.errors`` and never ``sqlite3.Error``.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vidctl.errors import StorageFailed

ORDER = ("pysqlite3", "sqlite3", "sqlean")
OLDEST = (3, 38, 0)


@dataclass(frozen=True)
class Driver:
    """A loaded DB-API module; ``vector`` tells whether sqlite-vec loads into its connections."""

    name: str
    module: Any
    vector: bool
    tried: tuple[str, ...] = field(default=())

    @property
    def version(self) -> str:
        """The version of the SQLite library behind the module."""
        return str(self.module.sqlite_version)

    @property
    def is_safe_for_wal(self) -> bool:
        """Tell whether this SQLite is free of the WAL-reset corruption bug."""
        return wal_is_safe(tuple(self.module.sqlite_version_info))


def wal_is_safe(version: tuple[int, ...]) -> bool:
    """Tell whether a SQLite version has the fix of the WAL-reset bug.

    Fixed in 3.51.3, back-ported to the 3.50 line in 3.50.7 and to the 3.44 line in 3.44.6
    (https://sqlite.org/wal.html, "the WAL-reset bug").
    """
    if version[:2] == (3, 50):
        return version >= (3, 50, 7)
    if version[:2] == (3, 44):
        return version >= (3, 44, 6)
    return version >= (3, 51, 3)


def vector_extension() -> Path | None:
    """Return the path of sqlite-vec's library without importing its package.

    The package's ``__init__`` imports NumPy, which costs a tenth of a second that no full-text
    search should pay.
    """
    spec = importlib.util.find_spec("sqlite_vec")
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent
    return next((file for file in folder.glob("vec0.*") if file.suffix != ".py"), None)


def load_vector(connection: Any) -> None:
    """Load sqlite-vec into a connection; any exception means that it cannot be had."""
    path = vector_extension()
    if path is None:
        raise LookupError("sqlite-vec is not installed")
    connection.enable_load_extension(True)
    try:
        connection.load_extension(str(path.with_suffix("")))
    finally:
        connection.enable_load_extension(False)


_chosen: Driver | None = None


def choose() -> Driver:
    """Return the driver of this process, chosen once.

    Raises StorageFailed when ``VIDCTL_SQLITE`` names a module that cannot be used.
    """
    global _chosen
    if _chosen is None:
        _chosen = _pick(os.environ.get("VIDCTL_SQLITE", ""))
    return _chosen


def _pick(override: str) -> Driver:
    tried: list[str] = []
    for name in (override,) if override else ORDER:
        try:
            module = importlib.import_module(name)
        except ImportError:
            tried.append(f"{name}: not installed")
            continue
        if tuple(module.sqlite_version_info) < OLDEST:
            tried.append(f"{name}: SQLite {module.sqlite_version} is too old")
            continue
        reason = _why_no_vector(module)
        if not reason:
            return Driver(name, module, True, tuple(tried))
        tried.append(f"{name}: {reason}")
        if override:
            return Driver(name, module, False, tuple(tried))
    if override:
        raise StorageFailed(
            f"VIDCTL_SQLITE={override} cannot be used ({'; '.join(tried)})",
            hint="unset VIDCTL_SQLITE, or pip install " + override,
        )
    return Driver("sqlite3", importlib.import_module("sqlite3"), False, tuple(tried))


def _why_no_vector(module: Any) -> str:
    connection = module.connect(":memory:")
    try:
        load_vector(connection)
    except Exception as error:  # drivers differ in what they raise here
        return f"no sqlite-vec ({type(error).__name__})"
    finally:
        connection.close()
    return ""
