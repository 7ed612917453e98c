"""Courses and lessons: what is in a course, in which order and section, and how it looks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.catalog import enrolment, items
from vidctl.errors import NotFound, UsageError
from vidctl.ids import new_id
from vidctl.model.connection import Connection
from vidctl.model.enrolment import OutlineRow
from vidctl.model.event import Event
from vidctl.model.place import Place
from vidctl.model.thing import Thing

if TYPE_CHECKING:
    from vidctl.ports import Store

Clock = Callable[[], int]
END = Place()
INSTRUCTOR = "instructor"
LONGEST_SECTION = 200


# --- courses ------------------------------------------------------------------------------------


def add_course(
    *,
    store: Store,
    actor: Thing,
    name: str,
    properties: dict[str, Any],
    instructor: Thing | None = None,
    status: str = "draft",
    slug: str = "",
    now: Clock,
) -> Thing:
    """Add a course; the instructor, where it is a person, becomes one of its authors.

    Raises UsageError for a bad property or an empty name, Conflict for a slug that is taken.
    """
    with store.transaction():
        course = items.add_item(
            store=store,
            actor=actor,
            type="course",
            name=name,
            properties=properties,
            status=status,
            slug=slug,
            now=now,
        )
        if instructor is not None:
            set_instructor(store, course, instructor)
    return course


def set_instructor(store: Store, course: Thing, person: Thing | None) -> None:
    """Make a person the instructor of a course; who was it before is an author no more.

    Whoever is an author already stays what they are. Must run in a transaction.
    """
    links = store.connections.incoming(course.id, "authored")
    for link in links:
        if link.metadata.get("role") == INSTRUCTOR and (
            person is None or link.from_id != person.id
        ):
            store.connections.remove(link.id)
    if person is not None and all(link.from_id != person.id for link in links):
        said = {"role": INSTRUCTOR}
        store.connections.add(
            Connection(new_id(), course.group_id, person.id, course.id, "authored", metadata=said)
        )


def drafts_in(rows: Sequence[OutlineRow]) -> dict[str, list[str]]:
    """Return the slugs of what is still a draft in a course, by type: lessons, and their items."""
    found: dict[str, list[str]] = {}
    for thing in [row.lesson for row in rows] + [row.item for row in rows if row.item]:
        if thing.status == "draft" and thing.slug not in found.setdefault(thing.type, []):
            found[thing.type].append(thing.slug)
    return {type: slugs for type, slugs in found.items() if slugs}


def length_of(rows: Sequence[OutlineRow]) -> float:
    """Return the seconds that the lessons take together, as far as they are known."""
    return sum(row.duration or 0.0 for row in rows)


def full_course(store: Store, course: Thing) -> dict[str, Any]:
    """Return a course with what is derived: authors, lessons, length."""
    rows = store.courses.outline(course.id)
    return {
        **items.record(course),
        "authors": items.authors_of(store, course),
        "totalLessons": len(rows),
        "draftLessons": sum(row.lesson.status == "draft" for row in rows),
        "duration": length_of(rows),
    }


# --- lessons ------------------------------------------------------------------------------------


def add_lesson(
    *,
    store: Store,
    actor: Thing,
    course: Thing,
    name: str,
    properties: dict[str, Any],
    item: Thing | None = None,
    section: str | None = None,
    place: Place = END,
    status: str = "published",
    slug: str = "",
    now: Clock,
    weight: str,
) -> Thing:
    """Add a lesson to a course, at a place or behind the last lesson of its section.

    Without a section it takes that of its neighbour. Raises UsageError for a bad property or
    section, Conflict for a slug that is taken, NotFound for a neighbour of another course.
    """
    with store.transaction():
        lesson = items.add_item(
            store=store,
            actor=actor,
            type="lesson",
            name=name,
            properties=properties,
            status=status,
            slug=slug,
            now=now,
        )
        _put(store, course.id, lesson.id, section, place)
        if item is not None:
            store.sequences.insert(lesson.id, [item.id])
        enrolment.update(store=store, course_id=course.id, now=now, weight=weight)
    return lesson


def move_lesson(
    *, store: Store, actor: Thing, lesson: Thing, section: str | None = None, place: Place = END
) -> bool:
    """Move a lesson within its course; False when it is there already.

    It takes the section of its new neighbour unless one is named; with a section alone it goes
    behind the last lesson of that. A section stays together: one that a lesson moves ahead of
    follows it. Raises NotFound for a neighbour of another course, UsageError for itself.
    """
    with store.transaction():
        course_id = course_of(store, lesson)
        before = [(link.to_id, section_of(link)) for link in store.sequences.links(course_id)]
        _put(store, course_id, lesson.id, section, place)
        after = [(link.to_id, section_of(link)) for link in store.sequences.links(course_id)]
        changed = [
            name
            for name, is_changed in (
                ("position", [each for each, _ in before] != [each for each, _ in after]),
                ("section", dict(before)[lesson.id] != dict(after)[lesson.id]),
            )
            if is_changed
        ]
        _log_change(store, actor, lesson, changed)
    return bool(changed)


def set_item(
    *, store: Store, actor: Thing, lesson: Thing, item: Thing | None, now: Clock, weight: str
) -> bool:
    """Change the video or podcast episode of a lesson, or take it out; False when it is that."""
    with store.transaction():
        held = [link.to_id for link in store.sequences.links(lesson.id)]
        wanted = [] if item is None else [item.id]
        if held == wanted:
            return False
        for member in held:
            if member not in wanted:
                store.sequences.remove(lesson.id, member)
        store.sequences.insert(lesson.id, wanted)
        _log_change(store, actor, lesson, ["video"])
        refresh_courses(store, [lesson.id], now=now, weight=weight)
    return True


def purge_lesson(*, store: Store, actor: Thing, lesson: Thing, now: Clock, weight: str) -> None:
    """Remove a lesson for good; its video stays, and its course goes on without it."""
    with store.transaction():
        courses = store.courses.containing([lesson.id])
        items.purge_item(store=store, actor=actor, thing=lesson)
        for course_id in courses:
            enrolment.update(store=store, course_id=course_id, now=now, weight=weight)


def purge_course(*, store: Store, actor: Thing, course: Thing) -> int:
    """Remove a course with its lessons for good, and return how many those were; videos stay."""
    with store.transaction():
        held = [link.to_id for link in store.sequences.links(course.id)]
        lessons = [thing for thing in map(store.things.find, held) if thing is not None]
        for lesson in lessons:
            items.purge_item(store=store, actor=actor, thing=lesson)
        items.purge_item(store=store, actor=actor, thing=course)
    return len(lessons)


def refresh_courses(store: Store, lesson_ids: Sequence[str], *, now: Clock, weight: str) -> None:
    """Work out the progress of everybody in the courses of lessons that changed."""
    for course_id in store.courses.containing(lesson_ids):
        enrolment.update(store=store, course_id=course_id, now=now, weight=weight)


def _log_change(store: Store, actor: Thing, lesson: Thing, changed: list[str]) -> None:
    if changed:
        event = Event(
            "entity_updated", actor_id=actor.id, target_id=lesson.id, metadata={"changed": changed}
        )
        store.events.append([event])


# --- order and sections -------------------------------------------------------------------------


def course_of(store: Store, lesson: Thing) -> str:
    """Return the id of a lesson's course. Raises NotFound where that is out of sight."""
    owners = store.sequences.owners(lesson.id, "course")
    if not owners:
        raise NotFound(f"the course of {lesson.slug} is not here", hint="vidctl courses list")
    return owners[0]


def section_of(link: Connection) -> str | None:
    """Return the section that a link from a course to a lesson names."""
    return link.metadata.get("section")


def contiguous(rows: Sequence[tuple[str, str | None]]) -> list[str]:
    """Return ids of (id, section) so that sections stay together, in order of their first row."""
    sections: dict[str | None, list[str]] = {}
    for lesson_id, section in rows:
        sections.setdefault(section, []).append(lesson_id)
    return [lesson_id for ids in sections.values() for lesson_id in ids]


def checked_section(section: str) -> str | None:
    """Return a section's name on one line, None for an empty one. Raises UsageError if too long."""
    name = " ".join(section.split())
    if len(name) > LONGEST_SECTION:
        raise UsageError(f"a section has at most {LONGEST_SECTION} characters")
    return name or None


def _put(store: Store, course_id: str, lesson_id: str, section: str | None, place: Place) -> None:
    """Put a new or old lesson where it belongs and keep every section in one piece."""
    links = store.sequences.links(course_id)
    own = next((link for link in links if link.to_id == lesson_id), None)
    sections = {link.to_id: section_of(link) for link in links if link is not own}
    named = None if section is None else _spelled(section, map(section_of, links))
    if place == END:
        if own is not None and named == section_of(own):
            return
        place = _behind_section(sections, section is None, named)
    elif place.at is not None:
        shown = [row.lesson.id for row in store.courses.outline(course_id)]
        place = _place_at(shown, lesson_id, place.at, list(sections))
    neighbour = place.before or place.after
    if neighbour == lesson_id:
        raise UsageError("a lesson cannot be put before or after itself")
    taken = sections.get(neighbour or "") if section is None else named
    said = {} if taken is None else {"section": taken}
    if own is None:
        store.sequences.insert(course_id, [lesson_id], place, metadata=said)
    elif neighbour is not None:
        store.sequences.move(course_id, lesson_id, place)
        store.sequences.annotate(course_id, lesson_id, said)
    elif section is not None:
        store.sequences.annotate(course_id, lesson_id, said)
    rows = [(link.to_id, section_of(link)) for link in store.sequences.links(course_id)]
    store.sequences.arrange(course_id, contiguous(rows))


def _spelled(section: str, known: Iterable[str | None]) -> str | None:
    """Return a section's name as the course spells it: week 1 is Week 1."""
    name = checked_section(section)
    same = (each for each in known if each and name and each.casefold() == name.casefold())
    return next(same, name)


def _behind_section(sections: dict[str, str | None], is_open: bool, named: str | None) -> Place:
    """Return the place behind the last lesson of a section; behind everything for a new one."""
    fitting = [each for each, section in sections.items() if is_open or section == named]
    last = fitting[-1] if fitting else next(reversed(sections), None)
    return Place(after=last)


def _place_at(shown: list[str], lesson_id: str, at: int, others: list[str]) -> Place:
    """Return the place of the lesson that is shown as ``at`` now, which makes room.

    Beyond the end it is behind everything; where the lesson stands already, it is no place.
    """
    is_here = lesson_id in shown
    if at > len(shown) and not is_here:
        return Place(after=others[-1] if others else None)
    there = shown[min(at, len(shown)) - 1]
    if there == lesson_id:
        return END
    is_later = is_here and shown.index(lesson_id) < at - 1
    return Place(after=there) if is_later else Place(before=there)


# --- how they look ------------------------------------------------------------------------------


def outline_record(ordinal: int | None, row: OutlineRow) -> dict[str, Any]:
    """Return a lesson as a line of its course's outline; an archived one has no ordinal."""
    lesson, item = row.lesson, row.item
    return {
        "ordinal": ordinal,
        "section": row.section,
        "id": lesson.id,
        "slug": lesson.slug,
        "name": lesson.name,
        "status": lesson.status,
        "lessonType": lesson.properties.get("lessonType", "text"),
        "duration": row.duration,
        "video": None if item is None else item_record(item),
    }


def item_record(item: Thing) -> dict[str, Any]:
    """Return what a lesson says about the item in it."""
    return {name: getattr(item, name) for name in ("id", "type", "slug", "name", "status")}


def lesson_record(lesson: Thing, *, with_answers: bool) -> dict[str, Any]:
    """Return a lesson as it appears in JSON; answers of a quiz are for those who may edit it."""
    quiz = lesson.properties.get("quiz")
    if with_answers or not quiz:
        return items.record(lesson)
    asked = [{key: each[key] for key in each if key != "answer"} for each in quiz]
    return items.record(replace(lesson, properties={**lesson.properties, "quiz": asked}))


def full_lesson(store: Store, lesson: Thing, *, with_answers: bool) -> dict[str, Any]:
    """Return a lesson with its course, place, section, item and authors."""
    course = store.things.get(course_of(store, lesson))
    links = store.sequences.links(course.id)
    section = next((section_of(link) for link in links if link.to_id == lesson.id), None)
    inside = [store.things.find(link.to_id) for link in store.sequences.links(lesson.id)]
    row = OutlineRow(lesson, section, next(filter(None, inside), None))
    return {
        **lesson_record(lesson, with_answers=with_answers),
        "course": {name: getattr(course, name) for name in ("id", "slug", "name", "status")},
        "ordinal": store.sequences.ordinal(course.id, lesson.id),
        "section": row.section,
        "video": None if row.item is None else item_record(row.item),
        "duration": row.duration,
        "authors": items.authors_of(store, lesson),
    }


def checked_lesson(properties: dict[str, Any], item: Thing | None) -> dict[str, Any]:
    """Return a lesson's properties with a type that fits them.

    Without one it is a quiz where there are questions, a video where there is an item, else text.
    Raises UsageError for a quiz without questions.
    """
    guessed = "quiz" if properties.get("quiz") else "video" if item is not None else "text"
    kind = properties.get("lessonType") or guessed
    if kind == "quiz" and not properties.get("quiz"):
        raise UsageError("a quiz needs questions", hint="add --quiz @FILE.json")
    return {**properties, "lessonType": kind}
