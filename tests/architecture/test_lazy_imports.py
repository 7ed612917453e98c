"""What a command imports, seen from a process of its own."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Runner, Spawner

# Runs a command and prints which of some packages, then which modules of vidctl, were imported.
PROBE = """
import json, sys
sys.argv = ["vidctl", *sys.argv[1:]]
from vidctl.__main__ import main
try:
    main()
except SystemExit as end:
    code = end.code
else:
    code = 0
print()
print(json.dumps([code, sorted(sys.modules)]))
"""


def modules(spawn: Spawner, *arguments: str) -> set[str]:
    """Return the modules that a command, which must work, has imported when it ends."""
    import json

    done = spawn.python(PROBE, *arguments)
    code, names = json.loads(done.out.splitlines()[-1])
    assert (done.code, code) == (0, 0), done
    return set(names)


def packages(names: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in names}


VENDORS = {
    *("numpy", "rich", "sqlite_utils", "sqlite_vec", "av", "PIL", "httpx", "openai", "cloudinary"),
    *("onnxruntime", "tokenizers", "faster_whisper", "tomlkit", "platformdirs", "requests"),
}


def test_version_imports_nothing_but_vidctl(spawn: Spawner) -> None:
    bare = modules_of_bare_python(spawn)
    assert modules(spawn, "--version") - bare == {"vidctl", "vidctl.__main__"}


def modules_of_bare_python(spawn: Spawner) -> set[str]:
    import json

    done = spawn.python("import json, sys; print(json.dumps(sorted(sys.modules)))")
    return set(json.loads(done.out))


def test_help_imports_no_command(spawn: Spawner) -> None:
    names = modules(spawn, "--help")
    assert [name for name in names if name.startswith("vidctl.cli.commands")] == []
    assert packages(names) & {*VENDORS, "sqlite3", "pysqlite3", "pydantic"} == set()
    assert {"vidctl.library", "vidctl.config"} & names <= {"vidctl.config"}


@pytest.fixture
def indexed(run: Runner, library: Path, tone: Path) -> None:
    """A library in which one item can be found by its words."""
    run.ok("upload", tone, "--process", env={"VIDCTL_EMBED_ENGINE": "none"})


LISTINGS = [("videos", "list"), ("podcasts", "list", "--json"), ("groups", "list"), ("status",)]


@pytest.mark.parametrize("command", LISTINGS, ids=" ".join)
@pytest.mark.usefixtures("library")
def test_listings_import_no_vendor(spawn: Spawner, command: tuple[str, ...]) -> None:
    assert packages(modules(spawn, *command)) & VENDORS == set()


@pytest.mark.usefixtures("indexed")
def test_text_search_imports_no_model(spawn: Spawner) -> None:
    names = modules(spawn, "search", "kingfisher", "--mode", "text")
    assert packages(names) & VENDORS == set()
    assert not {name for name in names if name.startswith(("vidctl.media", "vidctl.embedders"))}
