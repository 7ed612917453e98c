"""Trusting a project's settings to say where keys and media go, and changing them by command."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vidctl import config as settings
from vidctl import paths
from vidctl.config import Config, Value
from vidctl.errors import NotFound
from vidctl.keys.shapes import looks_secret
from vidctl.keys.trust import Trust
from vidctl.outcome import Outcome

MASK = "********"


class ProjectTrust:
    """The trust in the project's file; no library is needed for it."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.store = Trust(paths.trust_file())

    def shown(self) -> dict[str, Any]:
        """Return the project's file, whether it is trusted, and its settings that need that.

        Raises NotFound outside of projects.
        """
        items = [
            {"key": key, "value": MASK if looks_secret(str(value)) else value}
            for key, value in sorted(self.config.sensitive().items())
        ]
        # Links of the folder itself are a part of what is trusted.
        items += [{"key": place, "value": to} for place, to in sorted(self.config.strays.items())]
        return {
            "file": str(self._project()),
            "trusted": self.config.is_trusted,
            "items": items,
            "total": len(items),
            "next": None,
        }

    def trust(self, *, rehearse: bool = False) -> Outcome:
        """Trust the project's file as it was read, until one of those settings changes."""
        data = self.shown()
        is_new = not data["trusted"]
        if is_new and not rehearse:
            self.store.remember(self._project(), self.config.mark(self.config.sensitive()))
        return Outcome({**data, "trusted": True, "changed": is_new})

    def remove(self, *, rehearse: bool = False) -> Outcome:
        """Trust the project's file no longer."""
        project = self._project()
        data = self.shown()
        was_known = self.store.knows(project) if rehearse else self.store.forget(project)
        return Outcome({**data, "trusted": not self.config.doubtful, "changed": was_known})

    def write(self, file: Path, key: str, value: Value | None) -> list[str]:
        """Set a setting in a file, or remove it; return what the person is to be told.

        Who sets a value by command trusts it. That says nothing of what somebody else wrote into
        the same file, so a file that was not trusted stays so.
        """
        if file != self.config.project or settings.setting_of(key).trusted == "always":
            settings.write(file, key, value)
            return []
        with self.store.alone():
            return self._write_alone(file, key, value)

    def _write_alone(self, file: Path, key: str, value: Value | None) -> list[str]:
        """Write while no other command does, by what the file holds now."""
        now = Config(start=self.config.start, flags=self.config.flags, environ=self.config.environ)
        others = [name for name in now.doubtful if name != key]
        if (others or now.strays) and not now.is_trusted:
            settings.write(file, key, value)
            doubts = ", ".join([*others, *now.strays])
            said = f"{file} is not trusted, as it also sets {doubts}"
            return [f"{said}: vidctl config trust"]
        left = {name: each for name, each in now.sensitive().items() if name != key}
        after = left if value is None else {**left, key: value}
        with self.store.passing(file, now.mark(after)):
            settings.write(file, key, value)
        return []

    def _project(self) -> Path:
        if self.config.project is None:
            raise NotFound("there is no project here: no vidctl.toml", hint="vidctl init")
        return self.config.project
