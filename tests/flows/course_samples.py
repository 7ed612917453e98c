"""A school to take courses in, and a way to finish lessons."""

from __future__ import annotations

from pathlib import Path

from harness import Runner

from vidctl.catalog import enrolment
from vidctl.config import Config
from vidctl.ids import new_id
from vidctl.library import Library, now
from vidctl.model.connection import Connection

PEOPLE = {"ana": "org_user", "ben": "org_user", "cam": "customer", "dan": "customer"}


def school(run: Runner) -> None:
    """Make a library with people, a video and a course of three lessons that it is part of."""
    run.ok("init")
    for name, role in PEOPLE.items():
        mail = ("--email", f"{name}@example.org")
        run.ok("people", "add", name.title(), "--role", role, *mail)
    run.ok("people", "add", "Eve", "--type", "creator")
    run.ok("videos", "add", "--title", "Owls", "--duration", "10:00", "--publish")
    run.ok("courses", "add", "Birds", "--publish", "--instructor", "Ben")
    run.ok("lessons", "add", "Welcome", "--course", "birds", "--section", "One")
    run.ok("lessons", "add", "Night", "--course", "birds", "--video", "owls")
    run.ok("lessons", "add", "End", "--course", "birds", "--section", "Two", "--duration", "5:00")


def opened(folder: Path) -> Library:
    """Open the library of a folder for its owner."""
    return Library.open(Config(start=folder, environ={}))


def finish(folder: Path, person: str, *items: str, at: int = 0) -> None:
    """Let somebody finish items, as watching them to the end does."""
    library = opened(folder)
    try:
        store, moment = library.store, at or now()
        who = store.people.resolve(person)
        with store.transaction():
            ids = [store.things.resolve(item).id for item in items]
            said = {"startedAt": moment, "lastAt": moment, "completedAt": moment}
            for item in ids:
                store.connections.add(
                    Connection(new_id(), who.group_id, who.id, item, "watched", metadata=said)
                )
            enrolment.refresh(
                store=store, person_ids=[who.id], item_ids=ids, now=now, weight="lessons"
            )
    finally:
        library.close()
