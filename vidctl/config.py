"""Settings of one run: where each value came from, and whether it may be used.

Order: flag, environment, project ``vidctl.toml``, user file, default. What there is to set is in
``vidctl.settings``.
"""

from __future__ import annotations

import contextlib
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from vidctl import paths
from vidctl.errors import PermissionRefused, UsageError, VidctlError
from vidctl.settings import (
    BY_KEY,
    HOST_KINDS,
    NAME,
    SETTINGS,
    Setting,
    Value,
    checked,
    setting_of,
)

__all__ = [
    "BY_KEY",
    "HOST_KINDS",
    "SETTINGS",
    "Config",
    "Origin",
    "Setting",
    "Value",
    "checked",
    "leads_out",
    "setting_of",
    "write",
]


# What lies beside a library.
MEDIA, CACHE = "media", "cache"


@dataclass(frozen=True, slots=True)
class Origin:
    """A value and where it was set: ``flag``, an environment variable, a file, or ``default``.

    One that is not trusted must not be used.
    """

    value: Value
    source: str
    is_trusted: bool = True


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
        files = [] if self.project is None else [self.project]
        # Who has no home has no settings there either; keys say so when they are looked for.
        with contextlib.suppress(UsageError):
            files.append(paths.user_config_file())
        return [(file, _read(file)) for file in files if file.is_file()]

    def sensitive(self) -> dict[str, Value]:
        """Return what the project's file sets of the settings that need trust."""
        found = dict(self._files).get(self.project, {}) if self.project is not None else {}
        return {key: value for key, value in found.items() if setting_of(key).trusted != "always"}

    @cached_property
    def doubtful(self) -> list[str]:
        """The settings of the project's file that count only when the file is trusted."""
        return [key for key, value in self.sensitive().items() if self._needs_trust(key, value)]

    def _needs_trust(self, key: str, value: Value) -> bool:
        setting = setting_of(key)
        if setting.trusted == "inside":
            assert self.project is not None
            return bool(value) and leads_out(self.project.parent, str(value))
        # What would count without the project's file: it changes nothing to say the same.
        others = [values for file, values in self._files if file != self.project]
        return value != next((found[key] for found in others if key in found), setting.default)

    @cached_property
    def is_trusted(self) -> bool:
        """Whether the person trusts the project's file, or it sets nothing that needs it.

        Raises what reading the list of trusted files raises.
        """
        if self.project is None or not (self.doubtful or self.strays):
            return True
        from vidctl.keys.trust import Trust

        return Trust(paths.trust_file()).holds(self.project, self.mark(self.sensitive()))

    def mark(self, values: Mapping[str, Value]) -> str:
        """Return what trust in such values of the project's file is written down as.

        It also stands for the places that paths among them lead to: a link is changed as easily
        as a file.
        """
        from vidctl.keys.trust import mark_of

        found: dict[str, object] = {**values, **self.strays}
        if self.project is not None:
            for key, value in values.items():
                if setting_of(key).trusted == "inside":
                    found[key] = [value, _target(self.project.parent / paths.expanded(str(value)))]
        return mark_of(found)

    @cached_property
    def strays(self) -> dict[str, str]:
        """Places of the library that lie in the project and lead out of it by a link."""
        if self.project is None:
            return {}
        folder = self.project.parent.absolute()
        library = Path(os.path.normpath(self._library_place().absolute()))
        beside = library.parent
        places = (beside, library, beside / MEDIA, beside / CACHE)
        return {
            place.relative_to(folder).as_posix(): _target(place)
            for place in places
            if place.is_relative_to(folder) and leads_out(folder, str(place))
        }

    def origin(self, key: str) -> Origin:
        """Return a setting's value and where it came from.

        Raises UsageError for unknown keys, PermissionRefused for a value that only counts when
        the project's file is trusted, and what ``is_trusted`` raises.
        """
        found = self.seen(key)
        if not found.is_trusted and not self.is_trusted:
            raise PermissionRefused(
                f"{self.project} is not trusted, and it sets {', '.join(self.doubtful)}",
                hint="vidctl config trust",
            )
        return found

    def seen(self, key: str) -> Origin:
        """Return a setting as ``origin`` does, also when it is not trusted: only to be shown."""
        found = self._set(key)
        is_doubtful = found.source == str(self.project) and key in self.doubtful
        return replace(found, is_trusted=self._knows()) if is_doubtful else found

    def _set(self, key: str) -> Origin:
        """Return a setting as it is set, whatever is thought of that."""
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

    def _knows(self) -> bool:
        """Tell whether the file is trusted for sure: a list that cannot be used says nothing."""
        try:
            return self.is_trusted
        except VidctlError:
            return False

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
        return sorted(name for name in found if NAME.fullmatch(name))

    def every_setting(self) -> list[Setting]:
        """Return all settings; of those for one of each name, the ones that are set."""
        found: list[Setting] = []
        for setting in SETTINGS:
            if "*" not in setting.key:
                found.append(setting)
                continue
            noun = setting.key.partition(".")[0]
            of_names = (replace(setting, key=setting.key.replace("*", n)) for n in self.named(noun))
            found += [one for one in of_names if self.seen(one.key).source != "default"]
        return found

    def options(self, noun: str, name: str) -> dict[str, Value]:
        """Return every setting of ``noun.name.…`` by the last part of its key."""
        patterns = [s.key for s in SETTINGS if s.key.startswith(f"{noun}.*.")]
        return {
            key.rpartition(".")[2]: self.origin(key.replace("*", name)).value for key in patterns
        }

    def library_path(self) -> Path:
        """Return the library file in use, whether or not it exists.

        Raises PermissionRefused where it, or what is beside it, is a link out of a project that
        is not trusted, and what ``origin`` does.
        """
        self.origin("db")
        if self.strays and not self.is_trusted:
            place, target = next(iter(self.strays.items()))
            raise PermissionRefused(
                f"{self.project} is not trusted, and {place} leads out of the project to {target}",
                hint="vidctl config trust",
            )
        return self._library_place()

    def _library_place(self) -> Path:
        origin = self._set("db")
        if origin.value:
            return self._path_of(origin)
        if self.project is not None:
            return self.project.parent / paths.LIBRARY_FOLDER / paths.LIBRARY_FILE
        return paths.user_library()

    def media_folder(self) -> Path:
        """Return the root folder of the folder host."""
        if not self.text("media.folder"):
            return self.library_path().parent / MEDIA
        return self.resolved("media.folder")

    def cache_folder(self) -> Path:
        """Return the folder for files that are worked on, which nobody misses."""
        return self.library_path().parent / CACHE

    def resolved(self, key: str) -> Path:
        """Return a setting as a path; a relative one starts at the file that sets it."""
        return self._path_of(self.origin(key))

    def _path_of(self, origin: Origin) -> Path:
        base = Path(origin.source).parent if Path(origin.source).is_absolute() else self.start
        return base / paths.expanded(str(origin.value))


def _target(place: Path) -> str:
    try:
        return str(place.resolve())
    except (OSError, RuntimeError):
        return ""


def leads_out(folder: Path, path: str) -> bool:
    """Tell whether a path that starts at ``folder`` leads out of it, by itself or by a link.

    What is outside is not touched to find out: a name may be one of another machine.
    """
    whole = folder.absolute() / paths.expanded(path)
    try:
        plain = Path(os.path.normpath(whole))
        is_inside = plain.is_relative_to(folder.absolute())
        return not is_inside or not whole.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        return True


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
