"""The error tree is complete: drawn, numbered, worded."""

from __future__ import annotations

import re

import pytest
from sources import MODULES

from vidctl import errors
from vidctl.cli import exits
from vidctl.cli.exits import MEANING, ExitCode, exit_code
from vidctl.errors import VidctlError


def subclasses(kind: type[VidctlError]) -> list[type[VidctlError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in subclasses(child))]


for module in MODULES:
    if "VidctlError)" in module.text and module.name != "vidctl.errors":
        __import__(module.name)
ALL = [kind for kind in subclasses(VidctlError) if kind.__module__.startswith("vidctl")]


def test_every_error_is_in_errors() -> None:
    assert {kind.__module__ for kind in ALL} == {"vidctl.errors"}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_says_itself_and_has_an_exit_code(kind: type[VidctlError]) -> None:
    assert kind in exits._TABLE, "the exit code is chosen, not inherited by accident"
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", kind.code)
    assert "code" in vars(kind), "the code is its own"
    assert (kind.__doc__ or "").strip().endswith(".")
    error = kind()
    assert error.message == (kind.__doc__ or "").strip().splitlines()[0] == str(error)
    assert (error.hint, error.item) == (kind.default_hint, "")
    assert exit_code(error) not in (ExitCode.DONE, ExitCode.INTERRUPTED)


def test_codes_are_unique() -> None:
    codes = [kind.code for kind in ALL]
    assert sorted(codes) == sorted(set(codes))


def test_every_exit_code_has_a_meaning() -> None:
    assert list(MEANING) == list(ExitCode)


def test_the_table_holds_only_errors_of_the_tree() -> None:
    assert set(exits._TABLE) == set(ALL)


def test_an_unlisted_subclass_ends_like_its_base() -> None:
    class Local(errors.NoLibrary):
        """A class that the table does not know."""

    assert exit_code(Local()) == ExitCode.NO_LIBRARY


def test_the_drawn_tree_is_the_tree() -> None:
    """The picture in the docstring of ``vidctl.errors`` names every class under its base."""
    drawn: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.fullmatch(r" {4}([│ ]*)[├└]── (\w+)(?: .*)?", line)
        if match:
            depth = len(match[1]) // 4
            path[depth:] = [match[2]]
            drawn[match[2]] = path[depth - 1] if depth else "VidctlError"
    bases = {kind.__name__: kind.__bases__[0].__name__ for kind in ALL if kind is not VidctlError}
    assert drawn == bases
