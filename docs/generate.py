"""Write the reference pages from the program itself; with ``--check``, only say which are stale.

The pages hold what the program knows: commands, settings, errors, exit codes and the shapes of
JSON. Examples are what the commands print, with a clock and ids that stand still.
"""

from __future__ import annotations

import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from examples import examples, keys

REFERENCE = Path(__file__).parent / "reference"
MARK = "<!-- Written by docs/generate.py; edit that, or the program. -->"


def page(title: str, *blocks: str) -> str:
    """Put a page together from blocks of Markdown."""
    return "\n\n".join([f"# {title}", MARK, *blocks]) + "\n"


def table(header: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    """Write a Markdown table."""
    names = list(header)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join("| " + " | ".join(map(cell, line)) + " |" for line in lines)


def cell(text: str) -> str:
    """Return a text that cannot end its cell."""
    return " ".join(text.split()).replace("|", "\\|")


def code(text: str) -> str:
    """Return a text as code, nothing for nothing."""
    return f"`{text}`" if text else ""


# --- commands -----------------------------------------------------------------------------------

CLI_INTRO = """\
Every command, option and variable. `vidctl COMMAND --help` says the same on a terminal.

The result goes to stdout; notes, progress and errors go to stderr. An *item* is a video or a
podcast episode, named by its slug, its id, the first four or more characters of its id, or
`yt:` and its YouTube id."""

GLOBAL_INTRO = """\
These stand before or after a command's name: `vidctl -g acme videos list` and
`vidctl videos list -g acme` are the same. `--dry-run` and `--yes` exist only on commands that
change something. A variable counts where the option is not given."""

OWN_INTRO = """\
A command's own options are variables as well, named after the command:
`VIDCTL_UPLOAD_TITLE` is `--title` of `vidctl upload`, `VIDCTL_VIDEOS_LIST_LIMIT` is `--limit` of
`vidctl videos list`."""


def cli_page() -> str:
    """Return the page of commands and options."""
    blocks = [CLI_INTRO, "## Global options", GLOBAL_INTRO, global_table(), OWN_INTRO]
    for section, found in itertools.groupby(commands(), key=lambda entry: entry[0]):
        blocks.append(f"## {section}")
        for _, words, command in found:
            blocks += command_blocks(words, command)
    return page("Commands", *blocks)


def tree() -> Any:
    """Return the root command."""
    import typer

    from vidctl.cli.app import app

    return typer.main.get_command(app)


def commands() -> Iterator[tuple[str, list[str], Any]]:
    """Yield each command that does something: its section, its words, and itself."""
    from vidctl.cli.app import TABLE

    root = tree()
    for name, entry in TABLE.items():
        for words, command in leaves([name], root.load(name)):
            yield entry.section, words, command


def leaves(words: list[str], command: Any) -> Iterator[tuple[list[str], Any]]:
    """Yield the commands of a noun in the order of its help, however deep its verbs lie."""
    verbs = getattr(command, "commands", None)
    if verbs is None:
        yield words, command
        return
    for verb in command.list_commands(None):
        yield from leaves([*words, verb], verbs[verb])


def context(words: list[str], command: Any) -> Any:
    """Return a context in which a command can describe itself."""
    return command.context_class(command, info_name=" ".join(["vidctl", *words]))


def global_parameters() -> list[Any]:
    """Return the parameters that all commands share."""
    from vidctl.cli import flags

    return list(flags.common(writes=True))


def own_parameters(words: list[str], command: Any) -> list[Any]:
    """Return a command's own parameters, ``--help`` left out."""
    shared = {id(param) for param in global_parameters()}
    from vidctl.cli import flags

    shared |= {id(param) for param in flags.common(writes=False)}
    found = command.get_params(context(words, command))
    return [p for p in found if id(p) not in shared and p.name != "help"]


def global_table() -> str:
    """Return the table of the shared options."""
    root = tree()
    ctx, rows = context([], root), []
    for param in global_parameters():
        shown, help = param.get_help_record(ctx)
        rows.append([code(shown), code(param.envvar), help])
    rows.append(["`-V, --version`", "", "Print the version."])
    rows.append(["`-h, --help`", "", "Show the help of a command."])
    return table(["Option", "Variable", "Meaning"], rows)


def command_blocks(words: list[str], command: Any) -> list[str]:
    """Return the blocks about one command."""
    ctx = context(words, command)
    usage = " ".join([ctx.command_path, *command.collect_usage_pieces(ctx)])
    blocks = [f"### vidctl {' '.join(words)}", f"```text\n{usage}\n```", prose(command.help)]
    for kind, title in (("argument", "Argument"), ("option", "Option")):
        rows = [
            [code(record[0]), record[1]]
            for param in own_parameters(words, command)
            if param.param_type_name == kind and (record := param.get_help_record(ctx))
        ]
        if rows:
            blocks.append(table([title, "Meaning"], rows))
    return blocks


def prose(help: str | None) -> str:
    """Return help as Markdown, its options and commands as code."""
    paragraphs = [" ".join(part.split()) for part in (help or "").strip().split("\n\n")]
    text = "\n\n".join(paragraphs)
    text = re.sub(r"(?<![\w`-])(--?[a-z][a-z-]*)", r"`\1`", text)
    return re.sub(r"source <\(vidctl completion bash\)", r"`\g<0>`", text)


# --- settings -----------------------------------------------------------------------------------

CONFIG_INTRO = """\
A value comes from the first of these that has one:

1. the option on the command line,
2. the environment variable,
3. the project's `vidctl.toml`: the nearest one in this folder or a folder above,
4. the user's file,
5. the default.

`vidctl config show` prints every setting with its value and where the value came from;
`vidctl config path` prints the files in use. `vidctl config set KEY VALUE` writes to `vidctl.toml`
(or the user's file: `--user`) and keeps its comments; `vidctl config unset KEY` takes the value
out again. A key or value that vidctl does not know is an error (exit 2) that names the file.

A project's file that came from somebody else, or was edited by hand, sets those marked with † only
once you have said `vidctl config trust`, and those marked with ‡ only to a place inside the
project's folder; see [keys](../how-to/keys.md#in-a-folder-that-somebody-else-made)."""

TRUST_MARKS = {"always": "", "never": " †", "inside": " ‡"}

VARIABLES = (
    (
        "VIDCTL_HOME",
        "Folder for everything that would lie in the user's folders: `config/`, `data/`, `log/`.",
    ),
    (
        "VIDCTL_SQLITE",
        "Module that talks to SQLite, instead of the first of `pysqlite3`, `sqlite3`, `sqlean`"
        " that loads sqlite-vec.",
    ),
    (
        "VIDCTL_ARCHIVE_KEY_FILE, VIDCTL_ARCHIVE_KEY_COMMAND, VIDCTL_ARCHIVE_KEY",
        "Where the key of the host `archive` is; see [keys](../how-to/keys.md).",
    ),
    ("VIDCTL_FAILPOINT", "For tests: where to fail; see [contributing](../contributing.md)."),
    ("NO_COLOR", "Set to anything: no colour."),
    ("CLICOLOR_FORCE", "Set to anything but 0: colour, also where stderr is no terminal."),
    ("XDG_CONFIG_HOME, XDG_DATA_HOME, XDG_STATE_HOME", "On Linux, where the user's folders are."),
)

PLACES = (
    ("settings", "`vidctl.toml`", "`~/.config/vidctl/config.toml`", "`config/config.toml`"),
    ("library", "`.vidctl/library.db`", "`~/.local/share/vidctl/library.db`", "`data/library.db`"),
    ("media", "`.vidctl/media/`", "`~/.local/share/vidctl/media/`", "`data/media/`"),
    (
        "trusted projects",
        "",
        "`~/.config/vidctl/trusted.json`",
        "`config/trusted.json`",
    ),
    ("crash logs", "", "`~/.local/state/vidctl/log/`", "`log/`"),
)

CONFIG_EXAMPLE = """\
# vidctl.toml
group = "default"

[transcribe]
language = "en"

[search]
limit = 20
"""


def config_page() -> str:
    """Return the page of settings."""
    from vidctl.config import SETTINGS

    rows = [
        [
            code(s.key) + TRUST_MARKS[s.trusted],
            code(str(s.default)),
            code(s.env),
            s.help[:1].upper() + s.help[1:],
            allowed(s),
        ]
        for s in SETTINGS
    ]
    return page(
        "Settings",
        CONFIG_INTRO,
        "## Settings",
        table(["Setting", "Default", "Variable", "Meaning", "Values"], rows),
        f"```toml\n{CONFIG_EXAMPLE}```",
        "## Files",
        "On macOS and Windows the user's files are in the folders that are usual there.",
        table(["What", "In a project", "Without a project (Linux)", "Below VIDCTL_HOME"], PLACES),
        "## Other variables",
        "Every [global option](cli.md#global-options) is a variable too.",
        table(["Variable", "Meaning"], [[code(name), said] for name, said in VARIABLES]),
    )


def allowed(setting: Any) -> str:
    """Return what a setting may be."""
    if setting.choices:
        return ", ".join(map(code, setting.choices))
    kind = {str: "text", int: "whole number", float: "number", bool: "true or false"}
    said = kind[type(setting.default)]
    if setting.most is not None:
        return f"{said}, {setting.least:g} to {setting.most:g}"
    return said if setting.least is None else f"{said}, at least {setting.least:g}"


# --- errors and exit codes ----------------------------------------------------------------------

ERRORS_INTRO = """\
An error is one line on stderr, and below it a hint: usually the next command to type. `-v` adds
the cause. With `--json` the same is in the [envelope](json.md#envelope) on stdout, where `code` is
the name to test for: names and numbers stay, wording may change."""

EXIT_INTRO = """\
A command that works on several items goes on after one fails: then it ends with 3, and each
failed item has its error with its own `exit_code` in the envelope."""


def errors_page() -> str:
    """Return the page of exit codes and errors."""
    from vidctl.cli.exits import MEANING, exit_code

    codes = [[str(int(number)), f"`{number.name}`", said] for number, said in MEANING.items()]
    rows = []
    for kind in error_classes():
        error = kind()
        number = str(int(exit_code(error)))
        rows.append([code(kind.code), number, error.message, code(kind.default_hint)])
    rows.append(["`interrupted`", "130", "Ctrl-C or SIGTERM; what was finished is kept.", ""])
    rows.append(["`bug`", "70", "Something vidctl did not expect; the crash log has it.", ""])
    return page(
        "Errors and exit codes",
        ERRORS_INTRO,
        "## Exit codes",
        EXIT_INTRO,
        table(["Exit code", "Name", "Meaning"], codes),
        "## Errors",
        "The message is the usual one; most errors say more exactly what was wrong.",
        table(["Code", "Exit code", "Message", "Usual hint"], rows),
    )


def error_classes() -> list[Any]:
    """Return every class of the error tree, the base last."""
    from vidctl import errors

    found = [
        kind
        for kind in vars(errors).values()
        if isinstance(kind, type) and issubclass(kind, errors.VidctlError)
    ]
    return sorted(found, key=lambda kind: kind is errors.VidctlError)


# --- JSON ---------------------------------------------------------------------------------------

JSON_INTRO = """\
`--json` prints one object, the envelope, also when the command fails. `--jsonl` prints one item a
line, `--csv` a header and one item a line; on failure these two print nothing to stdout.

Times of rows are whole milliseconds since 1970 (UTC); positions and durations are seconds; sizes
are bytes. Keys may be added to any object; existing keys keep their meaning within a `version`.

`--fields` picks fields, also inside (`media.size`) and among properties (`duration`):
`vidctl videos list --fields slug,duration`. Without `--json`, `--jsonl` or `--csv` that prints one
item a line, tabs between the fields."""

SHAPES = (
    ("envelope", "Envelope", "Every command. `data` differs from command to command."),
    (
        "listing",
        "Listing",
        "`data` of a command that prints a list. For items: [things.json](schemas/things.json).",
    ),
    (
        "thing",
        "Thing",
        "One item of `videos list`, `podcasts list` and `upload`, and `data` of"
        " `videos show`, `videos add` and `videos edit`. `show` adds `authors`, `stages`,"
        " `segments`, `chunks` and the transcript among the properties. `upload` adds `new`:"
        " false where the same bytes were there already.",
    ),
    ("search", "Search", "`data` of `search`."),
)
KEYS_INTRO = """\
`podcasts` stands for `videos` too. `add`, `edit`, `move` and `archive` print what `show` begins
with; `publish`, `restore` and `rm` print a listing of what they changed; `transcribe` and `index`
print what `process` does."""


def json_page() -> str:
    """Return the page of JSON shapes, with what the commands print."""
    printed = examples()
    blocks = [JSON_INTRO]
    for name, title, said in SHAPES:
        schema = json.loads((REFERENCE / "schemas" / f"{name}.json").read_text("utf-8"))
        blocks += [f"## {title}", said, f"JSON Schema: [{name}.json](schemas/{name}.json)"]
        rows = [[code(path), *rest] for path, *rest in fields(schema)]
        blocks.append(table(["Field", "Type", "Meaning"], rows))
        for command, shown in printed.get(name, []):
            blocks.append(f"```console\n$ {command}\n{shown}\n```")
    blocks += ["## What each command's data holds", KEYS_INTRO]
    rows = [
        [code(line), ", ".join(map(code, of)), ", ".join(map(code, per))]
        for line, of, per in keys()
    ]
    blocks.append(table(["Command", "Keys of `data`", "Keys of an item or hit"], rows))
    blocks += ["## Properties", "What `properties` may hold. Anything else is kept in `extra`."]
    blocks.append(properties_table())
    return page("JSON", *blocks)


def fields(schema: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield each field of a schema: its path, type, and description."""
    required = schema.get("required", [])
    for name, inner in schema.get("properties", {}).items():
        path = prefix + name
        said = inner.get("description", "") if isinstance(inner, dict) else "see the command"
        if name not in required and schema.get("required"):
            said = f"{said} (optional)".strip()
        yield path, type_of(inner), said
        if isinstance(inner, dict):
            yield from fields(inner, f"{path}.")
            if isinstance(inner.get("items"), dict):
                yield from fields(inner["items"], f"{path}[].")


def type_of(schema: Any) -> str:
    """Return a schema's type in words."""
    if not isinstance(schema, dict):
        return "any"
    if "const" in schema:
        return code(json.dumps(schema["const"]))
    if "enum" in schema:
        return ", ".join(code(json.dumps(value)) for value in schema["enum"])
    kinds = schema.get("type", "any")
    return " or ".join([kinds] if isinstance(kinds, str) else kinds)


def properties_table() -> str:
    """Return the table of properties of videos and podcasts."""
    from vidctl.model.properties import MODELS

    models = {kind: MODELS[kind].model_json_schema()["properties"] for kind in ("video", "podcast")}
    names = dict.fromkeys(name for model in models.values() for name in model)
    rows = []
    for name in names:
        where = [kind for kind, model in models.items() if name in model]
        schema = models[where[0]][name]
        types = [type_of(part) for part in schema.get("anyOf", [schema])]
        kind = " or ".join(part for part in types if part != "null")
        rows.append([code(name), kind, "both" if len(where) == 2 else where[0]])
    return table(["Property", "Type", "Of"], rows)


PAGES = {
    "cli.md": cli_page,
    "config.md": config_page,
    "errors.md": errors_page,
    "json.md": json_page,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or compare them with what would be written."""
    stale = []
    for name, make in PAGES.items():
        file, text = REFERENCE / name, make()
        if not file.is_file() or file.read_text("utf-8") != text:
            stale.append(name)
            if "--check" not in arguments:
                file.write_text(text, encoding="utf-8")
    verb = "stale" if "--check" in arguments else "wrote"
    print("\n".join(f"{verb}: docs/reference/{name}" for name in stale) or "all current")
    return 1 if stale and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
