"""What must, and must not, be in the repository."""

from __future__ import annotations

import re

import pytest
from doc_pages import README, ROOT, committed_files

FIRST = 'pip install uv && uvx --from ".[local]" vidctl demo'
TESTS = "uv run --extra local --group test pytest -n auto"


def test_the_readme_has_the_two_commands_of_a_bare_machine() -> None:
    lines = [line.partition(" #")[0].strip() for line in README.read_text("utf-8").splitlines()]
    assert lines.count(FIRST) == 1
    assert lines.count(TESTS) == 1


def test_ci_runs_the_command_of_the_readme() -> None:
    assert TESTS in (ROOT / ".ci" / "run").read_text("utf-8").splitlines()


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    """The committed text files by path; nothing where there is no git."""
    found = {}
    for file in committed_files():
        try:
            found[file.relative_to(ROOT).as_posix()] = file.read_text("utf-8")
        except UnicodeDecodeError:
            continue
    if not found:
        pytest.skip("not a git working copy")
    return found


# Each is put together so that this file does not find itself.
PLACES = "|".join(["/" + "work/", "/" + "root/", "/" + "home/" + r"(?!\.)\w", "bash_" + "jobs"])
INDEXES = "|".join(
    ["index" + "-url", "artifact" + "ory", r"https?://[\w.:-]+/[\w./-]*sim" + "ple\\b"]
)


@pytest.mark.parametrize("pattern", [PLACES, INDEXES], ids=["paths", "registries"])
def test_no_file_names_the_place_it_was_made_at(texts: dict[str, str], pattern: str) -> None:
    found = [
        f"{name}: {match[0]}"
        for name, text in texts.items()
        for match in re.finditer(pattern, text)
        if not name.endswith("vocab.txt")
    ]
    assert found == []


def test_no_lock_file_is_kept(texts: dict[str, str]) -> None:
    locks = re.compile(r"(^|/)(uv\.lock|poetry\.lock|Pipfile\.lock|pdm\.lock|pylock.*\.toml)$")
    assert [name for name in texts if locks.search(name)] == []


def test_nothing_is_left_to_do(texts: dict[str, str]) -> None:
    marks = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
    assert [
        name
        for name, text in texts.items()
        if marks.search(text) and not name.endswith("vocab.txt")
    ] == []
