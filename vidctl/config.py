"""Settings: what they are called, what they may be, and where each value came from.

Order: flag, environment, project ``vidctl.toml``, user file, default. SETTINGS is the only list of
settings there is; the reference page is generated from it.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vidctl import paths
from vidctl.errors import UsageError
from vidctl.keys.shapes import looks_secret

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
        return "VIDCTL_" + self.key.upper().replace(".", "_").replace("-", "_")


HOST_KINDS = ("folder", "cloudinary", "s3")
# More than anybody pays, and little enough to be counted in millionths.
DEAREST = 1_000_000

SETTINGS = (
    Setting("group", "default", "group that commands work in when -g is not given"),
    Setting("db", "", "library file; relative paths start at the file that sets it"),
    Setting("person", "", "person who acts when --as is not given; empty is the local owner"),
    Setting("media.host", "folder", "name of the host that uploaded media goes to"),
    Setting("media.folder", "", "folder of the folder host; empty is beside the library"),
    Setting(
        "media.verify",
        "checksum",
        "how an upload is checked: by the host's checksum where it has one, or by reading back",
        choices=("checksum", "read"),
    ),
    # A host called like its kind needs no setting of the kind; others are named by setting it.
    Setting(
        "hosts.*.kind", "", "what a media host is; empty is its name", choices=("", *HOST_KINDS)
    ),
    Setting("hosts.*.path", "", "folder of a folder host"),
    Setting("hosts.*.cloud", "", "cloud name; empty takes it from the key"),
    Setting("hosts.*.preset", "", "Cloudinary upload preset"),
    Setting("hosts.*.folder", "vidctl", "Cloudinary folder"),
    Setting("hosts.*.tags", "", "Cloudinary tags, separated by commas"),
    Setting("hosts.*.context", "", "Cloudinary context, such as source=vidctl|show=news"),
    Setting("hosts.*.eager", "", "Cloudinary eager transformations, separated by |"),
    Setting("hosts.*.auto_transcription", False, "let Cloudinary transcribe, which it charges for"),
    Setting("hosts.*.notification_url", "", "address that Cloudinary tells when an upload is done"),
    Setting("hosts.*.api", "", "address of the service's API, for a stand-in; empty is its own"),
    Setting("hosts.*.bucket", "", "S3 bucket"),
    Setting("hosts.*.prefix", "", "what S3 object names begin with"),
    Setting("hosts.*.endpoint", "", "address of an S3 service; empty is Amazon's"),
    Setting("hosts.*.region", "", "S3 region; empty lets the service decide"),
    Setting(
        "hosts.*.public_url", "", "address that S3 objects are public below; empty: they are not"
    ),
    Setting(
        "hosts.*.part_mb",
        0.0,
        "size of the parts of an upload, in megabytes; 0 is the host's best",
        least=0,
        most=5000,
    ),
    Setting("hosts.*.parallel", 4, "parts of one file that are sent at a time", least=1, most=32),
    Setting(
        "hosts.*.timeout",
        60.0,
        "seconds without an answer that end a request",
        least=0.1,
        most=3600,
    ),
    Setting(
        "net.allow_private",
        "",
        "hosts outside the public internet that links may lead to: names, addresses and networks,"
        " separated by commas",
    ),
    Setting(
        "net.timeout",
        30.0,
        "seconds without a byte that end a download",
        least=0.1,
        most=3600,
    ),
    Setting("net.max_gb", 20.0, "largest download, in gigabytes", least=0.001, most=10_000),
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
    Setting(
        "cost.cap_run",
        0.0,
        "US dollars that one run of a command may spend on services; 0 is no cap",
        least=0,
        most=DEAREST,
    ),
    Setting(
        "cost.cap_month",
        0.0,
        "US dollars that the library may spend in a calendar month (UTC); 0 is no cap",
        least=0,
        most=DEAREST,
    ),
    # List prices as estimates: without discounts, free tiers and taxes.
    Setting("prices.date", "2026-11-24", "day that the prices were written down, for people"),
    Setting(
        "prices.cloudinary.gigabyte",
        0.4,
        "US dollars for a gigabyte sent to Cloudinary: one credit of its paid plans",
        least=0,
        most=DEAREST,
    ),
    Setting(
        "prices.s3.gigabyte",
        0.0,
        "US dollars for a gigabyte sent to S3; Amazon takes nothing for it",
        least=0,
        most=DEAREST,
    ),
    Setting(
        "prices.s3.thousand_requests",
        0.005,
        "US dollars for a thousand writing requests to S3",
        least=0,
        most=DEAREST,
    ),
    Setting(
        "prices.openai.minute",
        0.006,
        "US dollars for a minute of sound that OpenAI transcribes",
        least=0,
        most=DEAREST,
    ),
    Setting(
        "prices.openai.million_tokens",
        0.02,
        "US dollars for a million tokens that OpenAI embeds",
        least=0,
        most=DEAREST,
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
# A setting whose key has a * stands for one of each name: hosts.archive.bucket.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")


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

    def named(self, noun: str) -> list[str]:
        """Return the names that settings of ``noun.NAME.…`` use, in alphabetical order."""
        keys = [key for _, values in self._files for key in values]
        keys += [key for key in self.flags if key.startswith(f"{noun}.")]
        found = {key.split(".")[1] for key in keys if key.startswith(f"{noun}.")}
        for pattern in SETTINGS:
            head, star, tail = pattern.env.partition("*")
            if star and pattern.key.startswith(f"{noun}."):
                for name, value in self.environ.items():
                    if value and name.startswith(head) and name.endswith(tail):
                        middle = name[len(head) : len(name) - len(tail)]
                        found.add(middle.lower().replace("_", "-"))
        return sorted(name for name in found if _NAME.fullmatch(name))

    def every_setting(self) -> list[Setting]:
        """Return all settings; of those for one of each name, the ones that are set."""
        found: list[Setting] = []
        for setting in SETTINGS:
            if "*" not in setting.key:
                found.append(setting)
                continue
            noun = setting.key.partition(".")[0]
            of_names = (replace(setting, key=setting.key.replace("*", n)) for n in self.named(noun))
            found += [one for one in of_names if self.origin(one.key).source != "default"]
        return found

    def options(self, noun: str, name: str) -> dict[str, Value]:
        """Return every setting of ``noun.name.…`` by the last part of its key."""
        patterns = [s.key for s in SETTINGS if s.key.startswith(f"{noun}.*.")]
        return {
            key.rpartition(".")[2]: self.origin(key.replace("*", name)).value for key in patterns
        }

    def library_path(self) -> Path:
        """Return the library file in use, whether or not it exists."""
        origin = self.origin("db")
        if origin.value:
            return self.resolved("db")
        if self.project is not None:
            return self.project.parent / paths.LIBRARY_FOLDER / paths.LIBRARY_FILE
        return paths.user_library()

    def media_folder(self) -> Path:
        """Return the root folder of the folder host."""
        if not self.text("media.folder"):
            return self.library_path().parent / "media"
        return self.resolved("media.folder")

    def resolved(self, key: str) -> Path:
        """Return a setting as a path; a relative one starts at the file that sets it."""
        origin = self.origin(key)
        base = Path(origin.source).parent if Path(origin.source).is_absolute() else self.start
        return base / paths.expanded(str(origin.value))


def setting_of(key: str) -> Setting:
    """Return the setting of a key. Raises UsageError with the nearest key for an unknown one."""
    if key in BY_KEY and "*" not in key:
        return BY_KEY[key]
    parts = key.split(".")
    if len(parts) == 3 and _NAME.fullmatch(parts[1]):
        pattern = BY_KEY.get(f"{parts[0]}.*.{parts[2]}")
        if pattern is not None:
            return replace(pattern, key=key)
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
        raise UsageError(
            f"{setting.key} must be {names.get(kind, 'text')}, not {_quoted(raw)}"
        ) from None
    if setting.choices and value not in setting.choices:
        raise UsageError(
            f"{setting.key} must be one of {', '.join(setting.choices)}, not {_quoted(raw)}"
        )
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        low, high = setting.least, setting.most
        if (low is not None and not value >= low) or (high is not None and not value <= high):
            limits = f"at least {low:g}" if high is None else f"from {low or 0:g} to {high:g}"
            raise UsageError(f"{setting.key} must be {limits}, not {_quoted(raw)}")
    return value


def _quoted(raw: Value) -> str:
    """Return a value as a message quotes it; a key that was put in the wrong place is not."""
    return "what has the form of a key" if looks_secret(str(raw)) else repr(raw)


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
