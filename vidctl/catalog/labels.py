"""Labels: words that people put on items by hand, to find them again and to work on them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any

from vidctl.catalog.items import save
from vidctl.errors import UsageError
from vidctl.model.label import label_key

if TYPE_CHECKING:
    from vidctl.model.thing import Thing
    from vidctl.ports import Store

LONGEST_LABEL = 200
# What can carry a label.
LABELLED_TYPES = ("video", "podcast", "playlist", "course", "lesson")


def checked_label(text: str) -> str:
    """Return a label without needless space. Raises UsageError for an empty or a huge one."""
    stripped = " ".join(text.split())
    if not label_key(stripped):
        raise UsageError("a label cannot be empty")
    if len(stripped) > LONGEST_LABEL:
        raise UsageError(f"a label has at most {LONGEST_LABEL} characters")
    return stripped


def add_label(
    *, store: Store, actor: Thing, text: str, things: Sequence[Thing], now: Callable[[], int]
) -> set[str]:
    """Put a label on things and log it for those it is new to, whose ids are returned.

    The label keeps the spelling it was first given in. Raises UsageError for a bad label.
    """
    with store.transaction():
        new = set(store.labels.add(checked_label(text), [thing.id for thing in things]))
        _log(store, actor, things, new, now)
    return new


def remove_label(
    *, store: Store, actor: Thing, text: str, things: Sequence[Thing], now: Callable[[], int]
) -> set[str]:
    """Take a label off things and log it for those that had it, whose ids are returned."""
    with store.transaction():
        had = set(store.labels.remove(text, [thing.id for thing in things]))
        _log(store, actor, things, had, now)
    return had


def merge_label(
    *, store: Store, actor: Thing, old: str, new: str, now: Callable[[], int]
) -> list[Thing]:
    """Make one label of two, and return the items that carried the old one.

    Where both are spellings of one label, it gets the new spelling. Nothing happens when nothing
    carries the old label, or when the spelling is the same.
    """
    new = checked_label(new)
    with store.transaction():
        things = list(store.labels.carriers(old))
        ids = [thing.id for thing in things]
        before = store.labels.of(ids)
        if label_key(old) == label_key(new):
            store.labels.respell(new)
        else:
            store.labels.add(new, ids)
            store.labels.remove(old, ids)
        after = store.labels.of(ids)
        changed = {thing_id for thing_id in ids if before[thing_id] != after[thing_id]}
        _log(store, actor, things, changed, now)
    return [thing for thing in things if thing.id in changed]


def _log(
    store: Store,
    actor: Thing,
    things: Sequence[Thing],
    changed: Collection[str],
    now: Callable[[], int],
) -> None:
    for thing in things:
        if thing.id in changed:
            save(store, actor, thing, now, "entity_updated", changed=["labels"])


def records(store: Store) -> list[dict[str, Any]]:
    """Return every label in use with the number of items that carry it, as in JSON."""
    return [{"label": label.text, "items": label.items} for label in store.labels.all()]
