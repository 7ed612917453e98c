"""``vidctl config``: settings."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vidctl import paths
from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import visible
from vidctl.config import Setting, Value
from vidctl.errors import UsageError
from vidctl.outcome import Outcome

app = noun("Settings and where each comes from.")

COLUMNS = (
    ("setting", lambda item: str(item["key"])),
    ("value", lambda item: str(item["value"])),
    ("from", lambda item: str(item["source"])),
)


@app.command("show", cls=Command)
def show(ctx: typer.Context) -> None:
    """Show every setting, its value, and where the value came from."""
    with call(ctx) as c:
        items = []
        for setting in c.config.every_setting():
            origin = c.config.origin(setting.key)
            value = _shown(setting, origin.value)
            items.append(
                {
                    "key": setting.key,
                    "value": value,
                    "source": origin.source,
                    "default": setting.default,
                    "help": setting.help,
                }
            )
        c.finish(Outcome({"items": items, "total": len(items), "next": None}), columns=COLUMNS)


@app.command("get", cls=Command)
def get(
    ctx: typer.Context, key: Annotated[str, typer.Argument(help="Setting, such as search.limit.")]
) -> None:
    """Print one setting's value."""
    with call(ctx) as c:
        from vidctl.config import setting_of

        origin = c.config.origin(key)
        value = _shown(setting_of(key), origin.value)
        c.finish(
            Outcome({"key": key, "value": value, "source": origin.source}),
            text=lambda: visible(str(value)),
        )


def _shown(setting: Setting, value: Value) -> Value:
    """Return a value as it may be shown: not what is secret, nor what looks like a key."""
    from vidctl.keys.shapes import looks_secret

    is_secret = bool(value) and (setting.secret or looks_secret(str(value)))
    return "********" if is_secret else value


@app.command("set", cls=WriteCommand)
def set_(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="Setting, such as search.limit.")],
    value: Annotated[str, typer.Argument(help="Value.")],
    user: Annotated[
        bool, typer.Option("--user", help="In the user's file, not the project's.")
    ] = False,
) -> None:
    """Set a value in vidctl.toml, or in the user's file where there is no project."""
    with call(ctx) as c:
        _write(c, key, value, user)


@app.command("unset", cls=WriteCommand)
def unset(
    ctx: typer.Context,
    key: Annotated[str, typer.Argument(help="Setting, such as search.limit.")],
    user: Annotated[
        bool, typer.Option("--user", help="In the user's file, not the project's.")
    ] = False,
) -> None:
    """Remove a value from the file, so that the default counts again."""
    with call(ctx) as c:
        _write(c, key, None, user)


def _write(c: Call, key: str, value: str | None, user: bool) -> None:
    from vidctl import config
    from vidctl.keys.shapes import looks_secret

    setting = config.setting_of(key)
    if value is not None and looks_secret(value):
        name = key.split(".")[1] if key.startswith("hosts.") else "NAME"
        raise UsageError(
            f"{key} is not set: the value holds a key or a password, and settings are no secret",
            hint=f"vidctl keys set {name}",
        )
    if c.values.get("person"):
        c.library.allow("keep library")
    checked = None if value is None else config.checked(setting, value)
    file = _file(c, user)
    if not c.is_rehearsal:
        config.write(file, key, checked)
    said = "would change" if c.is_rehearsal else "changed"
    data = {"key": key, "value": checked, "source": str(file)}
    c.finish(Outcome(data), text=lambda: f"{said} {key} in {visible(str(file))}")


def _file(c: Call, user: bool) -> Path:
    return paths.user_config_file() if user or c.config.project is None else c.config.project


@app.command("path", cls=Command)
def path(ctx: typer.Context) -> None:
    """Print the files in use: settings, library and media."""
    with call(ctx) as c:
        items = [
            {"name": "project", "path": str(c.config.project or "")},
            {"name": "user", "path": str(paths.user_config_file())},
            {"name": "library", "path": str(c.config.library_path())},
            {"name": "media", "path": str(c.config.media_folder())},
            {"name": "log", "path": str(paths.log_folder())},
        ]
        columns = (("name", lambda item: item["name"]), ("path", lambda item: item["path"]))
        c.finish(Outcome({"items": items, "total": len(items), "next": None}), columns=columns)
