"""The package as syntax trees: what the architecture tests look at."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import vidctl

ROOT = Path(vidctl.__file__).parent
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


@dataclass(frozen=True)
class Import:
    """One imported module, with where it stands."""

    module: str
    line: int
    at_top: bool


@dataclass(frozen=True)
class Module:
    """One source file."""

    path: Path

    @property
    def name(self) -> str:
        """The dotted name (``vidctl.cli.app``)."""
        parts = [vidctl.__name__, *self.path.relative_to(ROOT).with_suffix("").parts]
        return ".".join(parts).removesuffix(".__init__")

    @property
    def part(self) -> str:
        """The package or module right below ``vidctl`` (``cli``, ``library``)."""
        return [*self.name.split("."), ""][1]

    @cached_property
    def text(self) -> str:
        """The source."""
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text)

    @cached_property
    def imports(self) -> list[Import]:
        """Every import that runs; those for type checkers alone are left out."""
        return list(_imports(self.tree, at_top=True))

    def functions(self) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
        """Yield every function and method, nested ones included."""
        for node in ast.walk(self.tree):
            if isinstance(node, FUNCTIONS):
                yield node


def _imports(node: ast.AST, *, at_top: bool) -> Iterator[Import]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import):
            for alias in child.names:
                yield Import(alias.name, child.lineno, at_top)
        elif isinstance(child, ast.ImportFrom):
            assert child.level == 0, "imports are absolute here"
            yield from _from(child, at_top)
        elif isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING":
            continue
        else:
            yield from _imports(child, at_top=at_top and not isinstance(child, FUNCTIONS))


def _from(node: ast.ImportFrom, at_top: bool) -> Iterator[Import]:
    module = node.module or ""
    if not module.startswith(vidctl.__name__):
        yield Import(module, node.lineno, at_top)
        return
    for alias in node.names:
        inner = f"{module}.{alias.name}"
        is_module = (ROOT.parent / Path(*inner.split("."))).with_suffix(".py").is_file()
        is_package = (ROOT.parent / Path(*inner.split("."))).is_dir()
        yield Import(inner if is_module or is_package else module, node.lineno, at_top)


MODULES = [Module(path) for path in sorted(ROOT.rglob("*.py")) if "__pycache__" not in path.parts]


def inside(module: str, *packages: str) -> bool:
    """Tell whether a dotted name is one of some packages or below one."""
    return any(module == package or module.startswith(package + ".") for package in packages)
