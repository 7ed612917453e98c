"""Lessons, for front ends."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from vidctl.catalog import courses, items
from vidctl.errors import UsageError
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.enrolment import OutlineRow
from vidctl.model.place import Place
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.thing import Thing

TYPES = ("lesson",)


class Lessons(Controller):
    """The lessons of courses. References are slugs or ids; places count from 1."""

    @property
    def weight(self) -> str:
        """What progress counts: the setting ``courses.weight``."""
        return self.library.config.text("courses.weight")

    def add(
        self,
        name: str,
        properties: dict[str, Any],
        *,
        course: str,
        video: str = "",
        section: str | None = None,
        at: int | None = None,
        before: str = "",
        after: str = "",
        draft: bool = False,
        slug: str = "",
    ) -> Outcome:
        """Add a lesson to a course, published unless ``draft``.

        ``video`` is a video or podcast episode. Without a place it goes behind the last lesson of
        its section, or of the course. Raises UsageError for a bad name, property or place.
        """
        found = self.library.resolve(course, ("course",))
        self.library.allow("edit", found)
        self.library.writable([found])
        item = self.library.resolve(video) if video else None
        lesson = courses.add_lesson(
            store=self.store,
            actor=self.actor,
            course=found,
            name=name,
            properties=courses.checked_lesson(properties, item),
            item=item,
            section=section,
            place=self._place(at, before, after),
            status="draft" if draft else "published",
            slug=slug,
            now=now,
            weight=self.weight,
        )
        return Outcome(self._full(lesson), notes=_draft_item(item))

    def _place(self, at: int | None, before: str, after: str) -> Place:
        one, other = (
            self.library.resolve(each, TYPES).id if each else None for each in (before, after)
        )
        return Place(at, one, other)

    def _full(self, lesson: Thing) -> dict[str, Any]:
        may_edit = self.library.may("edit", lesson)
        return courses.full_lesson(self.store, lesson, with_answers=may_edit)

    def page(self, course: str, *, status: str = "") -> Outcome:
        """Return the lessons of a course in order, by default all but archived ones.

        ``status`` is ``draft``, ``published``, ``archived`` or ``all``. Archived lessons have no
        ordinal and stand last.
        """
        found = self.library.resolve(course, ("course",))
        rows = self.store.courses.outline(found.id)
        lines = [courses.outline_record(number, row) for number, row in enumerate(rows, start=1)]
        if status in ("archived", "all"):
            lines += self._archived(found)
        if status not in ("", "all"):
            lines = [line for line in lines if line["status"] == status]
        return listed(lines, notes=[] if lines else ["no lessons found"])

    def _archived(self, course: Thing) -> list[dict[str, Any]]:
        links = self.store.sequences.links(course.id)
        known = self.store.things.known(link.to_id for link in links)
        rows = [
            OutlineRow(known[link.to_id], courses.section_of(link))
            for link in links
            if link.to_id in known and known[link.to_id].status == "archived"
        ]
        return [courses.outline_record(None, row) for row in rows]

    def show(self, reference: str) -> Outcome:
        """Return one lesson; the answers of a quiz only to those who may edit it."""
        return Outcome(self._full(self.library.resolve(reference, TYPES)))

    def edit(
        self,
        reference: str,
        changes: dict[str, Any],
        *,
        name: str | None = None,
        slug: str | None = None,
        video: str | None = None,
        section: str | None = None,
    ) -> Outcome:
        """Change a lesson; None removes a property, an empty text the video or the section.

        A lesson goes behind the last one of its new section. Raises UsageError when no change is
        given.
        """
        lesson = self._editable(reference)
        if not changes and all(each is None for each in (name, slug, video, section)):
            raise UsageError("nothing to change was given", hint="vidctl lessons edit --help")
        item = self.library.resolve(video) if video else None
        with self.store.transaction():
            edited = self._edited(lesson, changes, name, slug)
            same = edited == lesson
            if video is not None:
                same &= not courses.set_item(
                    store=self.store,
                    actor=self.actor,
                    lesson=edited,
                    item=item,
                    now=now,
                    weight=self.weight,
                )
            if section is not None:
                same &= not courses.move_lesson(
                    store=self.store, actor=self.actor, lesson=edited, section=section
                )
        notes = [f"nothing to change in {lesson.slug}"] if same else _draft_item(item)
        return Outcome(self._full(edited), notes=notes)

    def _edited(
        self, lesson: Thing, changes: dict[str, Any], name: str | None, slug: str | None
    ) -> Thing:
        """Write a lesson's own changes; another length can change how far people are."""
        kept = {**lesson.properties, **changes}
        if kept.get("lessonType") == "quiz" and not kept.get("quiz"):
            raise UsageError("a quiz needs questions", hint="add --quiz @FILE.json")
        edited = items.edit_item(
            store=self.store,
            actor=self.actor,
            thing=lesson,
            name=name,
            slug=slug,
            changes=changes,
            now=now,
        )
        if "duration" in changes:
            self._refresh([lesson])
        return edited

    def _editable(self, reference: str) -> Thing:
        lesson = self.library.resolve(reference, TYPES)
        self.library.allow("edit", lesson)
        self.library.writable([lesson])
        return lesson

    def move(
        self,
        reference: str,
        *,
        to: int | None = None,
        before: str = "",
        after: str = "",
        section: str | None = None,
    ) -> Outcome:
        """Move a lesson within its course; it takes the section of its new neighbour.

        Raises UsageError unless exactly one place, or a section, is given.
        """
        lesson = self._editable(reference)
        place = self._place(to, before, after)
        if place == Place() and section is None:
            raise UsageError("say where to", hint="--to N, --before, --after or --section")
        is_moved = courses.move_lesson(
            store=self.store, actor=self.actor, lesson=lesson, section=section, place=place
        )
        notes = [] if is_moved else [f"{lesson.slug} is there already"]
        return Outcome(self._full(lesson), notes=notes)

    def publish(self, references: Sequence[str], *, at: int | None = None) -> Outcome:
        """Publish lessons, dated ``at`` (epoch milliseconds) or now; from then on they count."""
        return self._change(references, items.publish_item, at=at)

    def archive(self, references: Sequence[str]) -> Outcome:
        """Put lessons away: they keep their place and count no more."""
        return self._change(references, items.archive_item)

    def restore(self, references: Sequence[str]) -> Outcome:
        """Bring archived lessons back to their place."""
        return self._change(references, items.restore_item)

    def _change(self, references: Sequence[str], act: Any, **more: Any) -> Outcome:
        things, errors = self.library.select(references, TYPES)
        self.library.writable(things)

        def one(lesson: Thing) -> dict[str, Any]:
            self.library.allow("edit", lesson)
            done = act(store=self.store, actor=self.actor, thing=lesson, now=now, **more)
            return courses.lesson_record(done, with_answers=True)

        with self.store.transaction():
            outcome = self.each(things, errors, one)
            self._refresh(things)
        return outcome

    def _refresh(self, lessons: Sequence[Thing]) -> None:
        ids = [lesson.id for lesson in lessons]
        courses.refresh_courses(self.store, ids, now=now, weight=self.weight)

    def purge(self, references: Sequence[str], *, rehearse: bool = False) -> Outcome:
        """Remove lessons for good, never the videos in them."""
        things, errors = self.library.select(references, TYPES)
        self.library.writable(things)
        for lesson in things:
            self.library.allow("purge", lesson)
        records = []
        for lesson in things:
            if not rehearse:
                courses.purge_lesson(
                    store=self.store, actor=self.actor, lesson=lesson, now=now, weight=self.weight
                )
            records.append({**items.record(lesson), "purged": not rehearse})
        if errors and not records:
            raise errors[0]
        return listed(records, errors=errors)


def _draft_item(item: Thing | None) -> list[str]:
    """Return the note that a lesson's video is not published, so that customers miss it."""
    if item is None or item.status != "draft":
        return []
    return [f"{item.slug} is a draft: vidctl {item.type}s publish {item.slug}"]
