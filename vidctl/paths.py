"""Where vidctl's files are: the project's, the user's, and the log of crashes.

``VIDCTL_HOME`` puts everything that would lie in the user's folders below one folder instead.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from vidctl.errors import UsageError

PROJECT_FILE = "vidctl.toml"
LIBRARY_FOLDER = ".vidctl"
LIBRARY_FILE = "library.db"


def expanded(path: str | Path) -> Path:
    """Return a path with ``~`` as the home folder, unchanged where nobody has that name."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


def find_project(start: Path) -> Path | None:
    """Return the nearest ``vidctl.toml`` in ``start`` or a folder above it."""
    for folder in (start, *start.parents):
        candidate = folder / PROJECT_FILE
        if candidate.is_file():
            return candidate
    return None


def user_config_file() -> Path:
    """Return the user-level settings file, whether or not it exists."""
    return _home("config") / "config.toml"


def credentials_file() -> Path:
    """Return the file of keys, whether or not it exists."""
    return _home("config") / "credentials.toml"


def trust_file() -> Path:
    """Return the list of trusted project files, whether or not it exists."""
    return _home("config") / "trusted.json"


def user_library() -> Path:
    """Return the user-level library file, whether or not it exists."""
    return _home("data") / LIBRARY_FILE


def notifications_folder() -> Path:
    """Return the folder that remembers which notifications came, whether or not it exists."""
    return _home("data") / "notifications"


def log_folder() -> Path:
    """Return the folder for crash logs."""
    return _home("log")


def _home(kind: str) -> Path:
    """Return one of the user's folders. Raises UsageError for a user without a home."""
    home = os.environ.get("VIDCTL_HOME")
    if home:
        return Path(home) / kind
    if sys.platform.startswith("linux"):
        return _linux(kind)
    import platformdirs

    folders = platformdirs.PlatformDirs("vidctl", appauthor=False)
    return {
        "config": folders.user_config_path,
        "data": folders.user_data_path,
        "log": folders.user_log_path,
    }[kind]


def _linux(kind: str) -> Path:
    """Answer as platformdirs does there, without the 10 ms that importing it costs every command.

    Source: XDG Base Directory Specification 0.8.
    """
    variable, default = {
        "config": ("XDG_CONFIG_HOME", ".config"),
        "data": ("XDG_DATA_HOME", ".local/share"),
        "log": ("XDG_STATE_HOME", ".local/state"),
    }[kind]
    base = os.environ.get(variable, "").strip()
    try:
        root = Path(base) if base and Path(base).is_absolute() else Path.home() / default
    except RuntimeError:
        # A container whose user has a number but no name.
        hint = "export VIDCTL_HOME=FOLDER"
        raise UsageError("this user has no home folder", hint=hint) from None
    return root / "vidctl" / "log" if kind == "log" else root / "vidctl"
