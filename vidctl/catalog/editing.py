"""Changing items, one or many: properties, and marks that are put on or taken off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vidctl.catalog.items import difference, record, revised, save
from vidctl.catalog.labels import checked_label
from vidctl.model.label import label_key

if TYPE_CHECKING:
    from vidctl.model.thing import Thing
    from vidctl.ports import Store


@dataclass(frozen=True, slots=True)
class Marks:
    """Tags, categories and labels to put on items, and others to take off."""

    add_tags: tuple[str, ...] = ()
    rm_tags: tuple[str, ...] = ()
    add_categories: tuple[str, ...] = ()
    rm_categories: tuple[str, ...] = ()
    add_labels: tuple[str, ...] = ()
    rm_labels: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self != Marks()


# What tells one item from another, or is in it: the same for several is a mistake.
ONE_ONLY = ("description", "transcript", "youtubeId", "videoUrl", "audioUrl", "episodeNumber")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of items; None leaves a name or slug, and removes a property."""

    properties: dict[str, Any] = field(default_factory=dict)
    marks: Marks = Marks()
    name: str | None = None
    slug: str | None = None

    def __bool__(self) -> bool:
        return bool(self.properties or self.marks) or (self.name, self.slug) != (None, None)

    @property
    def for_one(self) -> list[str]:
        """Names of what is asked for that only one item can have."""
        given = {"title": self.name, "slug": self.slug}
        named = [name for name, value in given.items() if value is not None]
        return named + [key for key in ONE_ONLY if key in self.properties]


@dataclass(frozen=True, slots=True)
class Edit:
    """What became of an item: the names of what changed, with the values before and after."""

    thing: Thing
    changed: tuple[str, ...] = ()
    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """Return the edit as it appears in JSON."""
        more = {"changed": list(self.changed), "before": self.before, "after": self.after}
        return {**record(self.thing), **more}


def edit(
    *,
    store: Store,
    actor: Thing,
    thing: Thing,
    change: Change,
    now: Callable[[], int],
) -> Edit:
    """Change an item's name, slug, properties and marks.

    Marks count by their letters, not by case. Everything is one change with one event; nothing is
    written and no event logged when nothing changes.
    """
    changes, marks = dict(change.properties), change.marks
    merged = {**thing.properties, **changes}
    lists = {
        "tags": (marks.add_tags, marks.rm_tags),
        "categories": (marks.add_categories, marks.rm_categories),
    }
    for key, (added, removed) in lists.items():
        held = merged.get(key) or []
        remarked = marked(held, added, removed)
        if remarked != held:
            changes[key] = remarked or None
    edited = revised(store, thing, name=change.name, slug=change.slug, changes=changes)
    with store.transaction():
        labels = store.labels.of([thing.id]).get(thing.id, [])
        for text in marks.rm_labels:
            store.labels.remove(text, [thing.id])
        for text in marks.add_labels:
            store.labels.add(checked_label(text), [thing.id])
        relabelled = store.labels.of([thing.id]).get(thing.id, [])
        changed = difference(thing, edited)
        if relabelled != labels:
            changed.append("labels")
        if not changed:
            return Edit(thing)
        edited = save(store, actor, edited, now, "entity_updated", changed=changed)
    return Edit(
        edited,
        tuple(changed),
        {key: labels if key == "labels" else value_of(thing, key) for key in changed},
        {key: relabelled if key == "labels" else value_of(edited, key) for key in changed},
    )


def value_of(thing: Thing, key: str) -> Any:
    """Return what an item has under the name of a change, None where it has nothing."""
    return getattr(thing, key) if key in ("name", "slug", "status") else thing.properties.get(key)


def marked(held: Sequence[str], added: Sequence[str], removed: Sequence[str]) -> list[str]:
    """Return a list with some words taken out and others put at its end, none of them twice."""
    gone = {label_key(word) for word in removed}
    kept = [word for word in held if label_key(word) not in gone]
    known = {label_key(word) for word in kept}
    for word in added:
        if label_key(word) not in known:
            known.add(label_key(word))
            kept.append(word)
    return kept
