"""Links lead somewhere, every page can be reached, and commands named in text exist."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doc_commands import COMMANDS, NOUNS
from doc_pages import ROOT, Page, all_pages, command_lines, page

from vidctl import config
from vidctl.cli.app import TABLE
from vidctl.cli.lazy import ALIASES
from vidctl.errors import UsageError

PAGES = all_pages()


def is_outside(link: str) -> bool:
    return re.match(r"[a-z]+:", link) is not None


@pytest.mark.parametrize("found", PAGES, ids=lambda found: found.name)
def test_links_resolve(found: Page) -> None:
    broken = []
    for link in filter(lambda link: not is_outside(link), found.links):
        target, _, anchor = link.partition("#")
        file = (found.file.parent / target).resolve() if target else found.file
        is_there = file.exists()
        if not is_there or (anchor and anchor not in anchors(file)):
            broken.append(link)
    assert broken == []


def anchors(file: Path) -> set[str]:
    return page(file.relative_to(ROOT).as_posix()).anchors


def test_every_page_can_be_reached_from_the_index() -> None:
    linked = {page("docs/index.md").file.parent / link for link in page("docs/index.md").links}
    docs = [found for found in PAGES if found.name not in ("README.md", "docs/index.md")]
    assert [found.name for found in docs if found.file not in linked] == []


# --- commands in text ---------------------------------------------------------------------------


def hints() -> Iterator[tuple[str, str]]:
    """Yield the literal text of every string in the program that begins like a command."""
    for file in sorted((ROOT / "vidctl").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, (ast.JoinedStr, ast.Constant)):
                text = written(node)
                for part in re.split(r", or (?=vidctl )", text):
                    if re.match(r"vidctl [a-z{]", part) and "\n" not in part:
                        yield f"{file.relative_to(ROOT)}:{node.lineno}", part


def written(node: ast.AST) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(written(value) for value in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else "{}"


def in_pages() -> Iterator[tuple[str, str]]:
    """Yield every command that a page shows, in blocks and in text."""
    for found in PAGES:
        lines = [part for part in found.code if part.startswith("vidctl ")]
        for block in found.blocks("sh", "text", "console", "yaml"):
            lines += command_lines(block)
        for line in lines:
            for match in re.finditer(r"(?:^|[\s({:])(vidctl [^|;&)>]*)", line):
                yield found.name, match[1].strip()


SHOWN = [*hints(), *in_pages()]
# What stands for something: capitals, an ellipsis, an f-string's value.
# Sentences about vidctl, not commands.
TELLING = {"reads"}
VAGUE = re.compile(r"[A-Z…{}]")


def test_commands_are_found_in_text() -> None:
    assert len([place for place, _ in SHOWN if place.startswith("docs/")]) > 100
    assert len([place for place, _ in SHOWN if place.startswith("vidctl/")]) > 15


@pytest.mark.parametrize("place", sorted({place.partition(":")[0] for place, _ in SHOWN}))
def test_commands_in_text_exist(place: str) -> None:
    wrong = [
        f"{shown}: {why}"
        for where, shown in SHOWN
        if where.partition(":")[0] == place and (why := problem(shown))
    ]
    assert wrong == []


def problem(shown: str) -> str:
    """Say what is wrong with a command line as shown, or nothing."""
    try:
        words = shlex.split(shown.partition(" #")[0], posix=True)[1:]
    except ValueError:
        words = shown.split()[1:]
    words = without_globals(words)
    if not words or VAGUE.search(words[0]) or words[0].startswith("-"):
        return ""
    name = words[0]
    if name in TELLING:
        return ""
    if name not in TABLE:
        return f"no command {name}" if words[0].islower() else ""
    for word in words[1:]:
        if name in COMMANDS or VAGUE.search(word) or word.startswith("-"):
            break
        name = f"{name} {ALIASES.get(word, word)}"
        if name not in COMMANDS and name not in NOUNS:
            return f"no command {name}"
    if name in NOUNS:
        return ""
    return wrong_options(words, COMMANDS[name]) or wrong_setting(words)


def without_globals(words: list[str]) -> list[str]:
    """Drop global options before the command."""
    while words and words[0] in ("-g", "-r", "--db", "--json", "-v"):
        words = words[2:] if words[0] in ("-g", "--db") else words[1:]
    return words


def wrong_options(words: list[str], command: Any) -> str:
    known = {option for param in command.params for option in param.opts} | {"-h", "--help"}
    given = [word.partition("=")[0] for word in words if re.match(r"--?[a-z]", word)]
    return ", ".join(f"no option {option}" for option in given if option not in known)


def wrong_setting(words: list[str]) -> str:
    if words[:1] == ["config"] and words[1] in ("get", "set", "unset") and len(words) > 2:
        key = words[2]
        if not VAGUE.search(key) and not is_setting(key):
            return f"no setting {key}"
    return ""


def is_setting(key: str) -> bool:
    """Tell whether a key is a setting's, or in the source the beginning of some."""
    if key.endswith("."):
        return any(setting.startswith(key) for setting in config.BY_KEY)
    try:
        config.setting_of(key)
    except UsageError:
        return False
    return True
