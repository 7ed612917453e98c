"""Settings: what they are called, what they may be, and where each value came from.

Order: flag, environment, project ``vidctl.toml``, user file, default. SETTINGS is the only list of
settings there is; the reference page is generated from it.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from vidctl import paths
from vidctl.errors import UsageError

Value = str | int | float | bool


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting: its dotted key, default (which gives the type), meaning and allowed values."""

    key: str
    default: Value
    help: str
    choices: tuple[str, ...] = ()
    least: float | None = None
    most: float | None = None
    secret: bool = False

    @property
    def env(self) -> str:
        """The environment variable of the setting."""
        return "VIDCTL_" + self.key.upper().replace(".", "_")


SETTINGS = (
    Setting("group", "default", "group that commands work in when -g is not given"),
    Setting("db", "", "library file; relative paths start at the file that sets it"),
    Setting("person", "", "person who acts when --as is not given; empty is the local owner"),
    Setting("media.host", "folder", "where uploaded media goes", choices=("folder",)),
    Setting("media.folder", "", "folder of the folder host; empty is beside the library"),
    Setting(
        "transcribe.engine",
        "auto",
        "speech engine; auto takes captions where there are some, else the local model",
        choices=("auto", "captions", "local"),
    ),
    Setting(
        "transcribe.model", "", "speech model: a folder or a hub name; empty is the model wheel"
    ),
    Setting("transcribe.language", "", "spoken language, such as en; empty lets the model decide"),
    Setting("transcribe.threads", 0, "CPU threads of the speech model; 0 is all, up to 4", least=0),
    Setting(
        "transcribe.part_seconds",
        480.0,
        "length of the parts a transcription can be resumed at, in seconds",
        least=10,
        most=3600,
    ),
    Setting("chunk.words", 500, "words in a chunk", least=20, most=5000),
    Setting("chunk.overlap", 50, "words that neighbouring chunks share", least=0, most=2500),
    Setting(
        "embed.engine",
        "auto",
        "embedding engine; auto is local where it is installed, else none",
        choices=("auto", "local", "none"),
    ),
    Setting("embed.threads", 0, "CPU threads of the embedding model; 0 is all", least=0),
    Setting(
        "progress.threshold",
        0.9,
        "share of an item that must have been seen for it to count as completed",
        least=0.01,
        most=1,
    ),
    Setting("search.mode", "hybrid", "how search ranks", choices=("hybrid", "text", "semantic")),
    Setting("search.limit", 10, "hits that a search shows", least=1, most=1000),
    Setting("search.log", True, "remember what was searched for, for vidctl analytics searches"),
    Setting(
        "search.vector_weight",
        0.5,
        "weight of the semantic ranker against the text ranker's 1 in a hybrid search",
        least=0,
        most=1,
    ),
    Setting(
        "courses.weight",
        "lessons",
        "what course progress counts: lessons all the same, or by their duration",
        choices=("lessons", "duration"),
    ),
)
BY_KEY = {setting.key: setting for setting in SETTINGS}


@dataclass(frozen=True, slots=True)
class Origin:
    """A value and where it was set: ``flag``, an environment variable, a file, or ``default``."""

    value: Value
    source: str


class Config:
    """Resolved settings of one run.

    ``project`` is the ``vidctl.toml`` in use, None at user level. Raises UsageError for an unknown
    key or a bad value in a file, naming the file.
    """

    def __init__(
        self,
        *,
        start: Path | None = None,
        flags: Mapping[str, Value] | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.start = start or Path.cwd()
        self.project = paths.find_project(self.start)
        self.flags = dict(flags or {})
        self.environ = os.environ if environ is None else environ

    @cached_property
    def _files(self) -> list[tuple[Path, dict[str, Value]]]:
        """The settings files with their values; read late, so that a broken one can be mended."""
        return [
            (file, _read(file))
            for file in (self.project, paths.user_config_file())
            if file is not None and file.is_file()
        ]

    def origin(self, key: str) -> Origin:
        """Return a setting's value and where it came from. Raises UsageError for unknown keys."""
        setting = setting_of(key)
        if key in self.flags:
            return Origin(checked(setting, self.flags[key]), "flag")
        raw = self.environ.get(setting.env)
        if raw:
            return Origin(checked(setting, raw), setting.env)
        for file, values in self._files:
            if key in values:
                return Origin(values[key], str(file))
        return Origin(setting.default, "default")

    def text(self, key: str) -> str:
        """Return a text setting."""
        return str(self.origin(key).value)

    def number(self, key: str) -> float:
        """Return a number setting."""
        return float(self.origin(key).value)

    def whole(self, key: str) -> int:
        """Return a whole number setting."""
        return int(self.origin(key).value)

    def library_path(self) -> Path:
        """Return the library file in use, whether or not it exists."""
        origin = self.origin("db")
        if origin.value:
            base = Path(origin.source).parent if Path(origin.source).is_absolute() else self.start
            return base / paths.expanded(str(origin.value))
        if self.project is not None:
            return self.project.parent / paths.LIBRARY_FOLDER / paths.LIBRARY_FILE
        return paths.user_library()

    def media_folder(self) -> Path:
        """Return the root folder of the folder host."""
        origin = self.origin("media.folder")
        if not origin.value:
            return self.library_path().parent / "media"
        base = Path(origin.source).parent if Path(origin.source).is_absolute() else self.start
        return base / paths.expanded(str(origin.value))


def setting_of(key: str) -> Setting:
    """Return the setting of a key. Raises UsageError with the nearest key for an unknown one."""
    if key in BY_KEY:
        return BY_KEY[key]
    import difflib

    near = difflib.get_close_matches(key, BY_KEY, n=1)
    hint = f"did you mean {near[0]}?" if near else "vidctl config show"
    raise UsageError(f"there is no setting {key!r}", hint=hint)


def checked(setting: Setting, raw: Value) -> Value:
    """Return a raw value as the setting's type. Raises UsageError where it is not allowed."""
    kind = type(setting.default)
    try:
        value: Value = _converted(kind, raw)
    except (ValueError, TypeError, OverflowError):
        names = {int: "a whole number", float: "a number", bool: "true or false"}
        raise UsageError(f"{setting.key} must be {names.get(kind, 'text')}, not {raw!r}") from None
    if setting.choices and value not in setting.choices:
        raise UsageError(f"{setting.key} must be one of {', '.join(setting.choices)}, not {raw!r}")
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = setting.least, setting.most
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            limits = f"at least {low:g}" if high is None else f"from {low or 0:g} to {high:g}"
            raise UsageError(f"{setting.key} must be {limits}, not {raw!r}")
    return value


def _converted(kind: type, raw: Value) -> Value:
    if kind is bool:
        words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
        if isinstance(raw, bool):
            return raw
        if str(raw).lower() not in words:
            raise ValueError
        return words[str(raw).lower()]
    if isinstance(raw, bool) or (kind is not str and isinstance(raw, float) and kind is int):
        raise ValueError
    if kind is str:
        if not isinstance(raw, str):
            raise ValueError
        raw.encode()  # an argument whose bytes are no UTF-8 cannot be stored
    return kind(raw)  # type: ignore[no-any-return]


def _read(file: Path) -> dict[str, Value]:
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}") from None
    values = {}
    for key, raw in _flat(table):
        try:
            values[key] = checked(setting_of(key), raw)
        except UsageError as error:
            raise UsageError(f"{file}: {error.message}", hint=error.hint) from None
    return values


def _flat(table: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for key, value in table.items():
        if isinstance(value, dict):
            found += _flat(value, f"{prefix}{key}.")
        else:
            found.append((prefix + key, value))
    return found


def write(file: Path, key: str, value: Value | None) -> None:
    """Set a key in a TOML file, or remove it when ``value`` is None; comments stay.

    The file is replaced in one step. Raises UsageError for a bad key or value.
    """
    import tomlkit
    import tomlkit.exceptions

    from vidctl.files import atomic_writer

    setting = setting_of(key)
    try:
        text = file.read_text(encoding="utf-8") if file.is_file() else ""
        document = tomlkit.parse(text)
    except (tomlkit.exceptions.ParseError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} is not valid TOML: {error}", hint="mend it by hand") from None
    *tables, last = key.split(".")
    table: Any = document
    for name in tables:
        table = table.setdefault(name, tomlkit.table())
    if value is None:
        table.pop(last, None)
    else:
        table[last] = checked(setting, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    with atomic_writer(file) as handle:
        handle.write(tomlkit.dumps(document).encode())
