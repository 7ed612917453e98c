"""Labels, for front ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vidctl.catalog import labels
from vidctl.catalog.items import record
from vidctl.errors import NotFound
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.label import label_key
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.thing import Thing


class Labels(Controller):
    """Words that people put on videos, podcasts, playlists, courses and lessons."""

    def add(self, label: str, references: Sequence[str]) -> Outcome:
        """Put a label on items; the data lists them with all their labels.

        What is not found, or not to be edited, is an error. Raises UsageError for a bad label.
        """
        labels.checked_label(label)
        return self._change(references, label, is_added=True)

    def remove(self, label: str, references: Sequence[str]) -> Outcome:
        """Take a label off items; the data lists them with the labels that are left."""
        return self._change(references, label, is_added=False)

    def _change(self, references: Sequence[str], label: str, *, is_added: bool) -> Outcome:
        things, errors = self.library.select(references, labels.LABELLED_TYPES, action="edit")
        if errors and not things:
            raise errors[0]
        self.library.writable(things)
        act = labels.add_label if is_added else labels.remove_label
        changed = act(store=self.store, actor=self.actor, text=label, things=things, now=now)
        rows = self._records(things, changed)
        return listed(rows, errors=errors)

    def _records(self, things: Sequence[Thing], changed: set[str]) -> list[dict[str, Any]]:
        held = self.store.labels.of([thing.id for thing in things])
        fresh = self.store.things.known(thing.id for thing in things)
        return [
            {
                **record(fresh[thing.id]),
                "labels": held.get(thing.id, []),
                "changed": thing.id in changed,
            }
            for thing in things
        ]

    def all(self) -> Outcome:
        """Return every label in use with the number of items that carry it."""
        rows = labels.records(self.store)
        return listed(rows, notes=[] if rows else ["no labels found"])

    def of(self, reference: str) -> Outcome:
        """Return the labels of one item, with the number of items that carry each."""
        thing = self.library.resolve(reference, labels.LABELLED_TYPES)
        own = set(map(label_key, self.store.labels.of([thing.id]).get(thing.id, [])))
        rows = [row for row in labels.records(self.store) if label_key(row["label"]) in own]
        return listed(rows, notes=[] if rows else [f"{thing.slug} has no labels"])

    def rename(self, old: str, new: str) -> Outcome:
        """Give a label another text; where that is a label already, the two become one.

        Raises NotFound when nothing carries the old one.
        """
        return self.merge([old], into=new)

    def merge(self, texts: Sequence[str], *, into: str) -> Outcome:
        """Make one label of several; the data says what it is called and how many items changed.

        Raises NotFound, and changes nothing, when nothing carries one of them.
        """
        self.library.allow("manage labels")
        into = labels.checked_label(into)
        changed: set[str] = set()
        with self.store.transaction():
            for text in texts:
                carriers = self.store.labels.carriers(text)
                if not carriers:
                    raise NotFound(f"nothing here is labelled {text!r}", hint="vidctl labels list")
                self.library.writable(carriers)
            for text in texts:
                done = labels.merge_label(
                    store=self.store, actor=self.actor, old=text, new=into, now=now
                )
                changed |= {thing.id for thing in done}
            (kept,) = (
                row
                for row in labels.records(self.store)
                if label_key(row["label"]) == label_key(into)
            )
        return Outcome({**kept, "changed": len(changed)})
