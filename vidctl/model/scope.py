"""The tenant boundary: which group is written to and which groups can be read."""

from __future__ import annotations

from dataclasses import dataclass

from vidctl.errors import ScopeMissing
from vidctl.ids import is_id


@dataclass(frozen=True, slots=True)
class Scope:
    """A group, or a group with its descendants.

    ``home`` is the id of the group that new rows belong to; ``group_ids`` are the ids of all
    groups that may be read and changed, ``home`` among them. Raises ScopeMissing when empty or
    malformed, so that a forgotten group can never mean "every group".
    """

    home: str
    group_ids: tuple[str, ...]

    def __post_init__(self) -> None:
        if not self.home or not self.group_ids or self.home not in self.group_ids:
            raise ScopeMissing
        if not all(isinstance(group_id, str) and is_id(group_id) for group_id in self.group_ids):
            raise ScopeMissing

    @classmethod
    def only(cls, group_id: str) -> Scope:
        """Make the scope of one group without its descendants."""
        return cls(group_id, (group_id,))
