"""Who may do what: one table, asked by the library before it does anything.

A grant is one of:

``all``   whatever the person can see
``own``   what the person is an author of
``self``  what is about the person themselves

What a person *can see* is decided below, in the store: a customer sees published things that they
bought, or that something they bought contains, and what they wrote; the others see everything of
their groups. So asking for something out of sight ends like asking for something that is not
there, and only what is in sight can be refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from vidctl.errors import PermissionRefused
from vidctl.model.person import ROLES

# A creator is an org_user whose type is creator: somebody who makes things.
STANDINGS = ("org_owner", "creator", "org_user", "customer")
GRANTS = ("all", "own", "self")

_ALL, _OWN, _SELF, _NONE = "all", "own", "self", ""
_OWN_OR_SELF = "own self"

#                         org_owner  creator       org_user      customer
_TABLE = {
    "view":              (_ALL,      _ALL,         _ALL,         _ALL),
    "add":               (_ALL,      _ALL,         _NONE,        _NONE),
    "edit":              (_ALL,      _OWN,         _OWN,         _OWN),
    "purge":             (_ALL,      _NONE,        _NONE,        _NONE),
    "view people":       (_ALL,      _ALL,         _ALL,         _SELF),
    "edit people":       (_ALL,      _SELF,        _SELF,        _SELF),
    "manage people":     (_ALL,      _NONE,        _NONE,        _NONE),
    "enrol":             (_ALL,      _OWN_OR_SELF, _OWN_OR_SELF, _OWN_OR_SELF),
    "view progress":     (_ALL,      _OWN_OR_SELF, _OWN_OR_SELF, _OWN_OR_SELF),
    "record progress":   (_ALL,      _SELF,        _SELF,        _SELF),
    "view events":       (_ALL,      _SELF,        _SELF,        _SELF),
    "record events":     (_ALL,      _SELF,        _SELF,        _SELF),
    "view analytics":    (_ALL,      _OWN_OR_SELF, _OWN_OR_SELF, _OWN),
    "manage labels":     (_ALL,      _NONE,        _NONE,        _NONE),
    "view groups":       (_ALL,      _ALL,         _ALL,         _NONE),
    "manage groups":     (_ALL,      _NONE,        _NONE,        _NONE),
    "keep library":      (_ALL,      _NONE,        _NONE,        _NONE),
}  # fmt: skip

# action -> standing -> grants
POLICY: Mapping[str, Mapping[str, frozenset[str]]] = MappingProxyType(
    {
        action: MappingProxyType(
            {
                standing: frozenset(grants.split())
                for standing, grants in zip(STANDINGS, row, strict=True)
            }
        )
        for action, row in _TABLE.items()
    }
)


@dataclass(frozen=True, slots=True)
class Access:
    """Who acts, and their standing in each group of the scope.

    ``owns_library`` is true for whoever works on the library file without naming a person: the
    file is theirs. ``person_id`` is empty then.
    """

    person_id: str = ""
    slug: str = ""
    standings: Mapping[str, str] = field(default_factory=dict)

    @property
    def owns_library(self) -> bool:
        """Whether nobody is named, so that the owner of the file acts."""
        return not self.person_id

    def grants(self, action: str, group_id: str) -> frozenset[str]:
        """Return what the person is granted for an action in a group."""
        if self.owns_library:
            return POLICY[action]["org_owner"]
        return POLICY[action][self.standings.get(group_id, "customer")]

    def refuse(self, action: str, about: str = "") -> PermissionRefused:
        """Return the error for an action on something that is in sight."""
        # "edit people" names a kind of action; of one person it reads as "edit ana".
        said = f"{action.removesuffix(' people')} {about}" if about else action
        return PermissionRefused(
            f"{self.slug} may not {said}", hint=f"vidctl whoami --as {self.slug}"
        )

    @property
    def sees_all_in(self) -> tuple[str, ...]:
        """The groups whose things the person sees without having bought them."""
        return tuple(group for group, held in self.standings.items() if held != "customer")


def standing(type: str, roles: Mapping[str, str], chain: tuple[str, ...]) -> str:
    """Return a person's standing in a group, given the group and those above it, nearest first.

    ``type`` is the person's, ``roles`` are the roles that were given to them by group id. The
    strongest along the chain counts; whoever has none stands as a customer.
    """
    role = role_in(roles, chain) or "customer"
    return "creator" if role == "org_user" and type == "creator" else role


def role_in(roles: Mapping[str, str], chain: tuple[str, ...]) -> str | None:
    """Return the strongest role that was given along a chain of groups, None without any."""
    held = {roles[group] for group in chain if group in roles}
    return next((role for role in ROLES if role in held), None)
