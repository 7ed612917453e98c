"""People: the roles they can have, and who is a member of a group."""

from __future__ import annotations

from dataclasses import dataclass

from vidctl.model.thing import Thing

# Strongest first; a person has the strongest of the roles given in a group and those above it.
ROLES = ("org_owner", "org_user", "customer")


@dataclass(frozen=True, slots=True)
class Member:
    """A person with the role that was given to them in a group."""

    person: Thing
    group_id: str
    role: str
