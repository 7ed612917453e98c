"""A scope can never mean "every group"."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.errors import ScopeMissing
from vidctl.ids import new_id
from vidctl.model.scope import Scope

HOME = "01jgzzzzzz7000000000000000"


@pytest.mark.parametrize(
    ("home", "group_ids"),
    [
        ("", ()),
        (HOME, ()),
        ("", (HOME,)),
        (HOME, (new_id(),)),
        (HOME, (HOME, "")),
        (HOME, (HOME, None)),
        (HOME, (HOME, "%")),
        (HOME, (HOME, '" OR "a')),
        (None, (None,)),
        ("default", ("default",)),
    ],
)
def test_an_empty_or_malformed_scope_raises(home: Any, group_ids: Any) -> None:
    with pytest.raises(ScopeMissing):
        Scope(home, group_ids)


@given(st.text(max_size=30), st.lists(st.text(max_size=30), max_size=3))
def test_only_ids_make_a_scope(home: str, group_ids: list[str]) -> None:
    with pytest.raises(ScopeMissing):
        Scope(home, tuple(group_ids))


def test_a_scope_of_one_group() -> None:
    assert Scope.only(HOME) == Scope(HOME, (HOME,))


def test_a_scope_cannot_be_widened() -> None:
    scope: Any = Scope.only(HOME)
    with pytest.raises(AttributeError):
        scope.group_ids = (HOME, new_id())
