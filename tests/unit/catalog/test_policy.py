"""The one table: every action is decided for everybody, and roles only ever grow downwards."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.catalog.people import chain_of
from vidctl.catalog.policy import GRANTS, POLICY, STANDINGS, Access, role_in, standing
from vidctl.model.person import ROLES

GROUPS = ("root", "middle", "leaf")
PARENTS: dict[str, str | None] = {"root": None, "middle": "root", "leaf": "middle"}
GIVEN = st.dictionaries(st.sampled_from(GROUPS), st.sampled_from(ROLES))


@pytest.mark.parametrize("action", POLICY)
def test_an_action_is_decided_for_every_standing(action: str) -> None:
    assert tuple(POLICY[action]) == STANDINGS
    for grants in POLICY[action].values():
        assert grants <= set(GRANTS)
        assert "all" not in grants or len(grants) == 1


@pytest.mark.parametrize("action", POLICY)
def test_an_owner_may_do_everything_and_nobody_more_than_a_stronger_one(action: str) -> None:
    """A grant of ``all`` covers the others, so each standing covers the next weaker one."""
    covers = [
        set(GRANTS) if "all" in POLICY[action][name] else set(POLICY[action][name])
        for name in STANDINGS
    ]
    assert covers[0] == set(GRANTS)
    assert all(weaker <= stronger for stronger, weaker in itertools.pairwise(covers))


def test_the_table_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        POLICY["edit"]["customer"] = frozenset({"all"})  # type: ignore[index]


@given(GIVEN, st.sampled_from(("creator", "user")))
def test_roles_inherit_down_and_the_strongest_wins(roles: dict[str, str], type: str) -> None:
    ranks = []
    for group in GROUPS:
        chain = chain_of(group, PARENTS)
        held = [roles[each] for each in chain if each in roles]
        role = min(held, key=ROLES.index, default=None)
        assert role_in(roles, chain) == role
        ranks.append(ROLES.index(role or "customer"))
        expected = role or "customer"
        if expected == "org_user" and type == "creator":
            expected = "creator"
        assert standing(type, roles, chain) == expected
    assert ranks == sorted(ranks, reverse=True), "never weaker further down"


def test_a_role_below_means_nothing_above() -> None:
    assert standing("user", {"leaf": "org_owner"}, chain_of("root", PARENTS)) == "customer"


def test_a_damaged_circle_of_groups_ends() -> None:
    assert chain_of("a", {"a": "b", "b": "a"}) == ("a", "b")


def test_nobody_named_owns_the_file() -> None:
    access = Access()
    assert access.owns_library
    assert all(access.grants(action, "anywhere") == {"all"} for action in POLICY)


def test_without_a_role_one_is_a_customer() -> None:
    access = Access("p1", "ana", {"here": "org_owner"})
    assert not access.owns_library
    for action in POLICY:
        assert access.grants(action, "here") == POLICY[action]["org_owner"]
        assert access.grants(action, "elsewhere") == POLICY[action]["customer"]


def test_customers_see_only_what_they_bought() -> None:
    held = dict(zip("abcd", STANDINGS, strict=True))
    assert Access("p1", "ana", held).sees_all_in == ("a", "b", "c")


def test_a_refusal_says_what_and_to_whom() -> None:
    access = Access("p1", "ana")
    assert access.refuse("edit", "talk").message == "ana may not edit talk"
    assert access.refuse("edit people", "ben").message == "ana may not edit ben"
    assert access.refuse("manage people").message == "ana may not manage people"
    assert access.refuse("edit").hint == "vidctl whoami --as ana"
