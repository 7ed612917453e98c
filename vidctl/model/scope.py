"""The tenant boundary: which group is written to and which groups can be read."""

from __future__ import annotations

from dataclasses import dataclass

from vidctl.errors import ScopeMissing
from vidctl.ids import is_id


@dataclass(frozen=True, slots=True)
class Scope:
    """A group, or a group with its descendants, and through whose eyes it is seen.

    ``home`` is the id of the group that new rows belong to; ``group_ids`` are the ids of all
    groups that may be read and changed, ``home`` among them. ``above`` are the groups that home
    lies in, nearest first: nothing of theirs is seen but the people, who may act here.

    With a ``viewer``, only things that this person has bought, written or is are seen, except in
    the groups of ``seen``, where the person sees everything. Raises ScopeMissing when empty or
    malformed, so that a forgotten group can never mean "every group".
    """

    home: str
    group_ids: tuple[str, ...]
    above: tuple[str, ...] = ()
    viewer: str = ""
    seen: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.home or not self.group_ids or self.home not in self.group_ids:
            raise ScopeMissing
        named = (*self.group_ids, *self.above, *self.seen, *((self.viewer,) if self.viewer else ()))
        if not all(isinstance(each, str) and is_id(each) for each in named):
            raise ScopeMissing

    @classmethod
    def only(cls, group_id: str) -> Scope:
        """Make the scope of one group without its descendants."""
        return cls(group_id, (group_id,))
