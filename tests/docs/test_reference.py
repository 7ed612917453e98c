"""The reference pages are current, and nothing that a person can use is missing from them."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest
from doc_commands import COMMANDS
from doc_pages import DOCS, REFERENCE, ROOT, page

from vidctl import config, errors
from vidctl.cli.exits import ExitCode


def text_of(name: str) -> str:
    return page(f"docs/reference/{name}").text.replace("\\|", "|")


def test_reference_pages_are_what_the_program_says() -> None:
    done = subprocess.run(
        [sys.executable, str(DOCS / "generate.py"), "--check"],
        capture_output=True,
        cwd=ROOT,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, f"python docs/generate.py\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_its_options(name: str) -> None:
    text = text_of("cli.md")
    head, mark, rest = text.partition(f"### vidctl {name}\n")
    assert mark, "no section"
    section = re.split(r"^##", rest, maxsplit=1, flags=re.MULTILINE)[0]
    shared = head[: head.index("## Start here")]
    for param in COMMANDS[name].params:
        if param.param_type_name == "argument":
            assert f"`{param.display_name_raw}`" in section, param.name
        for option in param.opts if param.param_type_name == "option" else ():
            assert re.search(rf"[` ]{option}[`, ]", section + shared), option
        assert param.param_type_name == "argument" or param.help, f"{param.name} has no help"


@pytest.mark.parametrize("name", COMMANDS)
def test_no_two_parameters_share_a_name(name: str) -> None:
    """The parser keeps values by name: an argument ``group`` would also be ``--group``."""
    names = [param.name for param in COMMANDS[name].params]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.key)
def test_a_setting_is_documented(setting: config.Setting) -> None:
    text = text_of("config.md")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{setting.key}` "))
    assert f"`{setting.env}`" in row
    assert str(setting.default) in row


def error_codes() -> list[str]:
    found = [errors.VidctlError]
    for kind in found:
        found += kind.__subclasses__()
    return [kind.code for kind in found if kind.__module__ == "vidctl.errors"]


def test_errors_and_exit_codes_are_documented() -> None:
    text = text_of("errors.md")
    assert [code for code in error_codes() if f"| `{code}` |" not in text] == []
    assert [code for code in ExitCode if f"| {int(code)} | `{code.name}` |" not in text] == []


def test_every_variable_that_is_read_is_documented() -> None:
    read = set()
    for file in (ROOT / "vidctl").rglob("*.py"):
        read |= set(re.findall(r"\bVIDCTL_[A-Z_]+\b", file.read_text("utf-8")))
    text = text_of("cli.md") + text_of("config.md")
    assert sorted(name for name in read if name not in text) == []


def test_the_example_of_a_settings_file_is_one() -> None:
    import tomllib

    (example,) = page("docs/reference/config.md").blocks("toml")
    for key, value in config._flat(tomllib.loads(example)):
        assert config.checked(config.setting_of(key), value) == value


def test_json_pages_name_every_schema() -> None:
    text = text_of("json.md")
    names = [file.name for file in (REFERENCE / "schemas").glob("*.json")]
    assert [name for name in names if f"schemas/{name}" not in text] == []


def test_the_changelog_has_this_version() -> None:
    from vidctl import __version__

    assert f"## {__version__} " in page("docs/changelog.md").text


def test_every_benchmark_is_described() -> None:
    text = page("docs/explanation/performance.md").text + page("docs/explanation/search.md").text
    scripts = [file.name for file in (ROOT / "tests" / "benchmarks").glob("[a-z]*.py")]
    assert [name for name in scripts if f"tests/benchmarks/{name}" not in text] == []
