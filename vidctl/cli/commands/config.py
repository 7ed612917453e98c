"""``vidctl config``: settings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidctl import paths
from vidctl.cli.call import Call, call
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import visible
from vidctl.config import Setting, Value
from vidctl.errors import PermissionRefused, UsageError
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.library.project_trust import ProjectTrust

app = noun("Settings and where each comes from.")

COLUMNS = (
    ("setting", lambda item: str(item["key"])),
    ("value", lambda item: str(item["value"])),
    ("from", lambda item: str(item["source"]) + ("" if item["trusted"] else " (not trusted)")),
)


@app.command("show", cls=Command)
def show(ctx: typer.Context) -> None:
    """Show every setting, its value, and where the value came from."""
    with call(ctx) as c:
        items = []
        for setting in c.config.every_setting():
            origin = c.config.seen(setting.key)
            value = _shown(setting, origin.value)
            items.append(
                {
                    "key": setting.key,
                    "value": value,
                    "source": origin.source,
                    "trusted": origin.is_trusted,
                    "default": setting.default,
                    "help": setting.help,
                }
            )
        listed = {"items": items, "total": len(items), "next": None}
        notes = [] if all(item["trusted"] for item in items) else [_doubt(c)]
        c.finish(Outcome(listed, notes=notes), columns=COLUMNS)


def _doubt(c: Call) -> str:
    return f"{c.config.project} is not trusted: vidctl config trust"


@app.command("get", cls=Command)
def get(
    ctx: typer.Context, key: Annotated[str, typer.Argument(help="Setting, such as search.limit.")]
) -> None:
    """Print one setting's value."""
    with call(ctx) as c:
        from vidctl.config import setting_of

        origin = c.config.seen(key)
        value = _shown(setting_of(key), origin.value)
        data = {"key": key, "value": value, "source": origin.source, "trusted": origin.is_trusted}
        c.finish(
            Outcome(data, notes=[] if origin.is_trusted else [_doubt(c)]),
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
    notes = [] if c.is_rehearsal else _trust(c).write(file, key, checked)
    said = "would change" if c.is_rehearsal else "changed"
    data = {"key": key, "value": checked, "source": str(file)}
    c.finish(Outcome(data, notes=notes), text=lambda: f"{said} {key} in {visible(str(file))}")


def _file(c: Call, user: bool) -> Path:
    return paths.user_config_file() if user or c.config.project is None else c.config.project


def _trust(c: Call) -> ProjectTrust:
    from vidctl.library.project_trust import ProjectTrust

    return ProjectTrust(c.config)


@app.command("trust", cls=WriteCommand)
def trust(
    ctx: typer.Context,
    remove: Annotated[bool, typer.Option("--remove", help="Trust it no longer.")] = False,
) -> None:
    """Trust this project's vidctl.toml to say where keys and media go.

    What a file says about that is not used before, as it may be somebody else's. The trust ends
    when one of those settings is changed by anything but vidctl config.
    """
    with call(ctx) as c:
        if c.values.get("person"):
            c.library.allow("keep library")
        found = _trust(c)
        if remove:
            outcome = found.remove(rehearse=c.is_rehearsal)
        else:
            data = found.shown()
            if not data["trusted"] and not c.is_rehearsal:
                _ask(c, data)
            outcome = found.trust(rehearse=c.is_rehearsal)
        c.finish(outcome, text=lambda: _told(c, outcome.data, remove))


def _ask(c: Call, data: dict[str, Any]) -> None:
    """Ask about the settings, shown before the question; a script is told their names."""
    if not c.values.get("yes"):
        for line in _lines(data):
            c.diagnostics.help(line)
    names = ", ".join(item["key"] for item in data["items"])
    c.confirm(f"trust {data['file']} to set {names}?")


def _lines(data: dict[str, Any]) -> list[str]:
    return [visible(f"{item['key']} = {item['value']}") for item in data["items"]]


def _told(c: Call, data: dict[str, Any], is_removal: bool) -> str:
    file = visible(data["file"])
    if is_removal:
        done = c.said("no longer trusted", "no longer trust")
        return f"{done}: {file}" if data["changed"] else f"{file} was not trusted"
    if not data["items"]:
        return f"{file} sets nothing that needs trust"
    done = c.said("trusted", "trust") if data["changed"] else "trusted already"
    return "\n".join([*_lines(data), f"{done}: {file}"])


@app.command("path", cls=Command)
def path(ctx: typer.Context) -> None:
    """Print the files in use: settings, library and media."""
    with call(ctx) as c:
        items = [
            {"name": "project", "path": str(c.config.project or "")},
            {"name": "user", "path": str(paths.user_config_file())},
            {"name": "library", "path": _place(c.config.library_path)},
            {"name": "media", "path": _place(c.config.media_folder)},
            {"name": "log", "path": str(paths.log_folder())},
        ]
        columns = (("name", lambda item: item["name"]), ("path", lambda item: item["path"]))
        listed = {"items": items, "total": len(items), "next": None}
        notes = [] if all(item["path"] for item in items[1:]) else [_doubt(c)]
        c.finish(Outcome(listed, notes=notes), columns=columns)


def _place(path: Callable[[], Path]) -> str:
    """Return a path in use, empty while the project that sets it is not trusted."""
    try:
        return str(path())
    except PermissionRefused:
        return ""
