"""Who may import whom, and who may write where. The picture is in the architecture page."""

from __future__ import annotations

import ast
from collections.abc import Iterable

import pytest
from sources import MODULES, inside

OWN = "vidctl"
# What has no layer below it but itself.
FOUNDATION = ("errors", "outcome", "progress", "ids", "timecode", "failpoints")
FAMILIES = ("store", "hosts", "transcribers", "embedders", "remotes")
FRONTS = ("cli", "serve")

# part -> the parts of vidctl that it may import besides itself; a part not listed here is in
# FREE or the test below says so.
MAY_IMPORT = {
    "errors": (),
    "ids": (),
    "outcome": ("errors",),
    "progress": (),
    "timecode": ("errors",),
    "failpoints": (),
    "paths": ("errors",),
    "registry": (),
    "model": ("errors", "ids"),
    "ports": ("model", "errors"),
    "formats": ("model", "errors", "timecode"),
    "files": ("errors", "failpoints"),
    "retry": ("errors", "tasks"),
    "tasks": (),
    "transfer": ("errors", "failpoints", "files", "model", "ports"),
    "net": ("errors", "failpoints", "files", "ports", "retry", "tasks", ""),
    "sources": ("errors", "files", "net", "paths", "progress", "ports"),
    "media": ("model", "errors", "files", "failpoints", "timecode", "progress", "ports"),
    "settings": ("errors", "keys"),
    "config": ("settings", "paths", "errors", "files", "keys"),
    "keys": ("paths", "errors", "files"),
    "catalog": ("model", "ports", "errors", "ids", "timecode", "progress", "failpoints", "formats"),
    "journey": (
        *("catalog", "media", "files", "formats", "model", "ports"),
        *("errors", "ids", "timecode", "progress", "failpoints"),
    ),
}
LOWER = (*FOUNDATION, "model", "ports", "formats", "files", "media")
MAY_IMPORT |= dict.fromkeys(FAMILIES, LOWER)
MAY_IMPORT["hosts"] = (*LOWER, "retry", "tasks", "transfer", "net")
# Where settings meet implementations, and the entry point.
FREE = {"library", "batch", "doctor", "overview", "testing", "__main__", "", *FRONTS}


def test_every_part_has_a_place_in_the_layers() -> None:
    assert {module.part for module in MODULES} <= MAY_IMPORT.keys() | FREE


def test_imports_follow_the_layers() -> None:
    broken = []
    for module in MODULES:
        for found in module.imports:
            if inside(found.module, OWN) and not may_import(module.part, part_of(found.module)):
                broken.append(f"{module.name}:{found.line} imports {found.module}")
    assert broken == []


def part_of(module: str) -> str:
    """Return the part of vidctl that a module belongs to."""
    return [*module.split("."), ""][1]


def may_import(part: str, other: str) -> bool:
    """Tell whether a part may import another one."""
    if part == other:
        return True
    if part in MAY_IMPORT:
        return other in MAY_IMPORT[part]
    if part in FRONTS:
        return other not in (*FAMILIES, *FRONTS)
    return other not in FRONTS or part == "__main__"


def test_an_implementation_never_imports_its_siblings() -> None:
    """``hosts/folder.py`` and ``hosts/s3.py`` share code only through lower layers."""
    broken = []
    for family in FAMILIES:
        siblings = {module.name for module in MODULES if module.part == family}
        if family == "store":
            continue  # one implementation in many files
        for module in MODULES:
            if module.part == family:
                broken += [
                    f"{module.name}:{found.line} imports {found.module}"
                    for found in module.imports
                    if found.module in siblings - {f"{OWN}.{family}"}
                    and implementation(found.module) != implementation(module.name)
                ]
    assert broken == []


def implementation(module: str) -> str:
    """Return the implementation that a module is, or is part of when that is a package."""
    return ".".join(module.split(".")[:3])


CLI_PACKAGES = ("typer", "click", "rich")
VENDORS = {
    "store": ("sqlite3", "pysqlite3", "sqlean", "sqlite_utils", "sqlite_vec"),
    "hosts": ("cloudinary", "boto3", "botocore"),
    "transcribers": ("faster_whisper", "ctranslate2"),
    "embedders": ("onnxruntime", "tokenizers"),
    "remotes": ("psycopg", "pgvector"),
    "media": ("av", "PIL"),
    "keys": ("keyring",),
}
HEAVY = (
    *("openai", "cloudinary", "httpx", "numpy", "av", "PIL", "rich", "sqlite_utils", "sqlite_vec"),
    *("httpcore", "idna"),
    *("psycopg", "faster_whisper", "onnxruntime", "tokenizers", "tomlkit", "platformdirs"),
    *("huggingface_hub", "boto3", "botocore", "urllib3", "keyring"),
)
IMPURE = (
    *("os", "pathlib", "shutil", "tempfile", "subprocess", "socket", "urllib.request", "time"),
    *("random", "secrets", "logging", "sqlite3", "threading", "asyncio"),
)


def users(parts: Iterable[str], packages: tuple[str, ...], *, at_top: bool = False) -> list[str]:
    """Return where modules of some parts import some packages; ``at_top``: not in functions."""
    return [
        f"{module.name}:{found.line} imports {found.module}"
        for module in MODULES
        if module.part in parts
        for found in module.imports
        if inside(found.module, *packages) and (found.at_top or not at_top)
    ]


PARTS = {module.part for module in MODULES}


def test_only_the_command_line_knows_typer_and_rich() -> None:
    assert users(PARTS - {"cli"}, CLI_PACKAGES) == []


@pytest.mark.parametrize("home", VENDORS)
def test_vendors_stay_in_their_family(home: str) -> None:
    assert users(PARTS - {home}, VENDORS[home]) == []


def test_heavy_packages_are_imported_where_they_are_used() -> None:
    assert users(PARTS, HEAVY, at_top=True) == []


def test_formats_and_records_touch_nothing_outside() -> None:
    assert users(("formats", "model"), IMPURE) == []
    assert callers(("formats", "model"), "open", "Path", "input") == []


def test_the_core_never_reads_the_environment() -> None:
    used = [
        f"{module.name}:{node.lineno}"
        for module in MODULES
        if module.part in ("journey", "catalog", "formats", "model", "ports")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    ]
    assert used == []


def callers(parts: Iterable[str], *names: str) -> list[str]:
    """Return where modules of some parts call one of these names, dotted ones included."""
    return [
        f"{module.name}:{node.lineno}"
        for module in MODULES
        if module.part in parts
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in names
    ]


# stream -> the modules that may write to it
WRITERS = {
    "stdout": {"vidctl.cli.output", "vidctl.__main__"},
    "stderr": {"vidctl.cli.diagnostics", "vidctl.cli.reports"},
}


@pytest.mark.parametrize("stream", WRITERS)
def test_each_stream_has_one_writer(stream: str) -> None:
    verbs = ("write", "writelines", "buffer.write", "flush")
    found = callers(PARTS, *(f"sys.{stream}.{verb}" for verb in verbs))
    assert {place.partition(":")[0] for place in found} <= WRITERS[stream]


def test_nothing_prints_past_the_writers() -> None:
    assert callers(PARTS, "print", "typer.echo", "typer.secho", "click.echo", "rich.print") == []
