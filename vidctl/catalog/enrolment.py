"""Enrolment: who takes a course, and how far they are by what they finished."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.errors import Conflict
from vidctl.model.connection import Connection
from vidctl.model.enrolment import OutlineRow, Standing, Step, Syllabus
from vidctl.model.event import Event
from vidctl.model.thing import Thing

if TYPE_CHECKING:
    from vidctl.ports import Store

Clock = Callable[[], int]


def refresh(
    *,
    store: Store,
    person_ids: Collection[str],
    item_ids: Collection[str],
    now: Clock,
    weight: str,
) -> None:
    """Bring enrolled_in links up to date after people watched or finished items.

    Items are videos, podcast episodes or lessons. Must run in the transaction that changed them.
    """
    for course_id in store.courses.containing(item_ids):
        update(store=store, course_id=course_id, person_ids=person_ids, now=now, weight=weight)


def update(
    *,
    store: Store,
    course_id: str,
    person_ids: Collection[str] | None = None,
    now: Clock,
    weight: str,
) -> None:
    """Work out anew how far people are in a course, all who are enrolled unless some are named.

    Only what changed is written. Whoever finished everything for the first time gets
    ``completedAt``, which stays, and one ``course_completed`` event; lessons that are added later
    lower their progress, not that.
    """
    with store.transaction():
        links = store.enrolments.of(course_id, person_ids)
        if not links:
            return
        steps = store.courses.steps([course_id])
        standings = _standings(store, steps, [link.from_id for link in links], weight)
        changed, completed = [], []
        for link in links:
            said = _said(link.metadata, standings[link.from_id])
            if said == link.metadata:
                continue
            changed.append(replace(link, metadata=said))
            if "completedAt" in said and "completedAt" not in link.metadata:
                completed.append(
                    Event(
                        "content_event",
                        "course_completed",
                        actor_id=link.from_id,
                        target_id=course_id,
                        # A clock that runs ahead somewhere must not finish a course tomorrow.
                        at=min(said["completedAt"], now()),
                    )
                )
        store.enrolments.save(changed)
        store.events.append(completed)


def _standings(
    store: Store, steps: Sequence[Step], people: Collection[str], weight: str
) -> dict[str, Standing]:
    syllabus = Syllabus(steps, weight=weight)
    watched = store.enrolments.watched(syllabus.places, people)
    return {person: syllabus.standing(watched.get(person, {})) for person in people}


def _said(before: dict[str, Any], standing: Standing) -> dict[str, Any]:
    """Return the metadata of an enrolment; what is not known is left out."""
    times = {
        "startedAt": standing.started_at,
        "lastAccessedAt": standing.last_at,
        "completedAt": before.get("completedAt", standing.finished_at),
    }
    kept = {key: value for key, value in times.items() if value is not None}
    others = {key: value for key, value in before.items() if key not in times}
    return {**others, "progress": standing.progress, **kept}


def enrol(
    *,
    store: Store,
    actor: Thing,
    course: Thing,
    people: Sequence[Thing],
    now: Clock,
    weight: str,
) -> list[dict[str, Any]]:
    """Enrol people in a course; those who are enrolled already stay as they are.

    Whoever was enrolled before goes on where they were. Raises Conflict for an archived course.
    """
    if course.status == "archived":
        raise Conflict(f"{course.slug} is archived", hint=f"vidctl courses restore {course.slug}")
    with store.transaction():
        ids = [person.id for person in people]
        new = set(store.enrolments.add(course.id, ids, now()))
        _log(store, "course_enrolled", actor, course, new)
        update(store=store, course_id=course.id, person_ids=new, now=now, weight=weight)
        links = {link.from_id: link for link in store.enrolments.of(course.id, ids)}
    return [
        {**enrolled_record(person, links[person.id]), "new": person.id in new} for person in people
    ]


def unenrol(
    *, store: Store, actor: Thing, course: Thing, people: Sequence[Thing]
) -> list[dict[str, Any]]:
    """Take people out of a course; what they watched stays, and enrolling again goes on there."""
    with store.transaction():
        gone = set(store.enrolments.remove(course.id, [person.id for person in people]))
        _log(store, "course_unenrolled", actor, course, gone)
    return [{**person_record(person), "removed": person.id in gone} for person in people]


def _log(store: Store, action: str, actor: Thing, course: Thing, people: Iterable[str]) -> None:
    """Log what happened to each person, and who did it where that was somebody else."""
    store.events.append(
        Event(
            "content_event",
            action,
            actor_id=person,
            target_id=course.id,
            metadata={} if person == actor.id else {"by": actor.id},
        )
        for person in sorted(people)
    )


def person_record(person: Thing) -> dict[str, Any]:
    """Return who a row is about."""
    return {"person": person.slug, "name": person.name, "personId": person.id}


def enrolled_record(person: Thing, link: Connection) -> dict[str, Any]:
    """Return an enrolment as it appears in JSON; what is not known yet is None."""
    said = link.metadata
    times = ("enrolledAt", "startedAt", "lastAccessedAt", "completedAt")
    return {
        **person_record(person),
        "progress": said.get("progress", 0.0),
        **{key: said.get(key) for key in times},
    }


def report(*, store: Store, course: Thing, weight: str) -> list[dict[str, Any]]:
    """Return who is where in a course, the furthest first, worked out anew with ``weight``.

    People who were removed are left out.
    """
    links = store.enrolments.of(course.id)
    steps = store.courses.steps([course.id])
    known = store.people.known(link.from_id for link in links)
    standings = _standings(store, steps, [link.from_id for link in links], weight)
    rows = [
        _row(known[link.from_id], link, standings[link.from_id])
        for link in links
        if link.from_id in known
    ]
    return sorted(rows, key=lambda row: (-row["progress"], row["name"].casefold(), row["personId"]))


def _row(person: Thing, link: Connection | None, standing: Standing) -> dict[str, Any]:
    said = {} if link is None else link.metadata
    return {
        **person_record(person),
        "progress": standing.progress,
        "lessonsDone": standing.done,
        "lessonsTotal": standing.total,
        "enrolledAt": said.get("enrolledAt"),
        "startedAt": standing.started_at,
        "lastAccessedAt": standing.last_at,
        "completedAt": said.get("completedAt"),
    }


def progress(*, store: Store, course: Thing, person: Thing, weight: str) -> dict[str, Any]:
    """Return how far one person is in a course, lesson by lesson; enrolled or not."""
    links = store.enrolments.of(course.id, [person.id])
    steps = store.courses.steps([course.id])
    syllabus = Syllabus(steps, weight=weight)
    watched = store.enrolments.watched(syllabus.places, [person.id]).get(person.id, {})
    counted = {step.lesson_id: step for step in steps}
    rows = [
        _line(ordinal, row, counted[row.lesson.id], watched)
        for ordinal, row in enumerate(store.courses.outline(course.id), start=1)
        if row.lesson.id in counted
    ]
    head = _row(person, links[0] if links else None, syllabus.standing(watched))
    return {"course": course.slug, "enrolled": bool(links), **head, "items": rows}


def _line(
    ordinal: int, row: OutlineRow, step: Step, watched: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    """Return how far somebody is in one lesson."""
    own = Syllabus([step], weight="lessons").standing(watched)
    positions = [watched[item].get("lastPosition", 0) for item in step.items if item in watched]
    return {
        "ordinal": ordinal,
        "section": row.section,
        "id": row.lesson.id,
        "slug": row.lesson.slug,
        "name": row.lesson.name,
        "lessonType": row.lesson.properties.get("lessonType", "text"),
        "duration": row.duration,
        "completed": own.finished_at is not None,
        "startedAt": own.started_at,
        "lastAccessedAt": own.last_at,
        "lastPosition": max(positions, default=None),
        "completedAt": own.finished_at,
    }
