"""The documentation as tests see it: its pages, their links, code and shell blocks."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
REFERENCE = DOCS / "reference"
README = ROOT / "README.md"

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Page:
    """One page of Markdown."""

    file: Path
    text: str

    @property
    def name(self) -> str:
        """The path from the root of the repository."""
        return self.file.relative_to(ROOT).as_posix()

    def blocks(self, *languages: str) -> list[str]:
        """Return the fenced blocks in some languages, in order."""
        return [body for language, body in _FENCE.findall(self.text) if language in languages]

    @property
    def prose(self) -> str:
        """The page without its fenced blocks."""
        return _FENCE.sub("", self.text)

    @property
    def code(self) -> list[str]:
        """What stands between single backticks."""
        return _CODE.findall(self.prose.replace("\\|", "|"))

    @property
    def links(self) -> list[str]:
        """The targets of all links."""
        return _LINK.findall(_CODE.sub("", self.prose))

    @property
    def anchors(self) -> set[str]:
        """The fragments that its headings can be reached by."""
        titles = re.findall(r"^#+ (.+)$", self.prose, re.MULTILINE)
        plain = [re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles]
        return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in plain}


@cache
def all_pages() -> tuple[Page, ...]:
    """Return the README and every page below ``docs``."""
    files = [README, *sorted(DOCS.rglob("*.md"))]
    return tuple(Page(file, file.read_text("utf-8")) for file in files)


def page(name: str) -> Page:
    """Return a page by its path from the root."""
    return next(found for found in all_pages() if found.name == name)


@cache
def committed_files() -> tuple[Path, ...]:
    """Return the files that are, or would be, part of the repository."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        done = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return ()
    files = [ROOT / name for name in done.stdout.decode().split("\0") if name]
    return tuple(file for file in files if file.is_file())


def command_lines(text: str) -> Iterator[str]:
    """Yield the lines of a shell block or console that call vidctl."""
    for line in text.splitlines():
        if "vidctl " in line:
            yield line.strip()
