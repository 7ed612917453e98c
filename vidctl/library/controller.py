"""What the controllers of all nouns share."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from vidctl.errors import VidctlError
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.library.core import Library
    from vidctl.model.thing import Thing
    from vidctl.ports import Store


class Controller:
    """A noun's operations on an open library."""

    def __init__(self, library: Library) -> None:
        self.library = library

    @property
    def store(self) -> Store:
        """The store, opened for the scope and the acting person."""
        return self.library.store

    @property
    def actor(self) -> Thing:
        """The acting person."""
        return self.library.actor

    def each(
        self,
        things: Iterable[Thing],
        errors: list[VidctlError],
        act: Callable[[Thing], dict[str, Any]],
    ) -> Outcome:
        """Do something to each thing; one that cannot be done is an error, the rest go on.

        Raises the first error when nothing could be done.
        """
        done: list[dict[str, Any]] = []
        for thing in things:
            try:
                done.append(act(thing))
            except VidctlError as error:
                error.item = error.item or thing.slug
                errors.append(error)
        if errors and not done:
            raise errors[0]
        return listed(done, errors=errors)


def listed(items: list[dict[str, Any]], **more: Any) -> Outcome:
    """Return whole, uncut rows as the outcome of a command."""
    return Outcome({"items": items, "total": len(items), "next": None}, **more)
