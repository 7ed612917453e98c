"""Courses, for front ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from vidctl.catalog import courses, items
from vidctl.errors import Ambiguous, NotFound, UsageError
from vidctl.library.controller import listed
from vidctl.library.core import now
from vidctl.library.enrolment import Enrolling
from vidctl.model.condition import Condition
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.enrolment import OutlineRow
    from vidctl.model.thing import Thing, ThingQuery


class Courses(Enrolling):
    """Courses: what they are, what is in them, and who takes them."""

    def add(
        self,
        name: str,
        properties: dict[str, Any],
        *,
        slug: str = "",
        publish: bool = False,
    ) -> Outcome:
        """Add a course without lessons.

        An ``instructor`` who is a person becomes one of its authors. Raises UsageError for a bad
        name or property, Conflict for a taken slug.
        """
        self.library.allow("add")
        self.library.writable()
        properties, instructor = self._instructed(properties)
        course = courses.add_course(
            store=self.store,
            actor=self.actor,
            name=name,
            properties=properties,
            instructor=instructor,
            status="published" if publish else "draft",
            slug=slug,
            now=now,
        )
        return Outcome({**items.record(course), "totalLessons": 0})

    def _instructed(self, properties: dict[str, Any]) -> tuple[dict[str, Any], Thing | None]:
        """Return properties with the instructor's slug in them, and the person that they are."""
        from vidctl.ids import slugify

        named = properties.get("instructor")
        for reference in (named, slugify(named)) if named else ():
            try:
                person = self.library.person(reference)
            except (NotFound, Ambiguous):
                continue
            return {**properties, "instructor": person.slug}, person
        return properties, None

    def edit(
        self,
        reference: str,
        changes: dict[str, Any],
        *,
        name: str | None = None,
        slug: str | None = None,
    ) -> Outcome:
        """Change a course; a property set to None is removed.

        The outcome notes when nothing changed. Raises UsageError when no change is given.
        """
        course = self.course(reference)
        self.library.allow("edit", course)
        if not changes and name is None and slug is None:
            raise UsageError("nothing to change was given", hint="vidctl courses edit --help")
        self.library.writable([course])
        changes, instructor = self._instructed(changes)
        with self.store.transaction():
            edited = items.edit_item(
                store=self.store,
                actor=self.actor,
                thing=course,
                name=name,
                slug=slug,
                changes=changes,
                now=now,
            )
            if "instructor" in changes:
                courses.set_instructor(self.store, course, instructor)
        notes = [f"nothing to change in {course.slug}"] if edited == course else []
        return Outcome(self._counted([items.record(edited)])[0], notes=notes)

    def page(self, query: ThingQuery, *, author: str = "", level: str = "") -> Outcome:
        """Return one page of courses with the number of their lessons.

        ``author`` is a person as people call them.
        """
        asked = replace(query, types=("course",))
        if author:
            asked = replace(asked, author=self.library.person_id(author))
        if level:
            asked = replace(asked, where=(*asked.where, Condition("level", "=", level)))
        data = items.listing(self.store, asked)
        data["items"] = self._counted(data["items"])
        return Outcome(data, notes=[] if data["items"] else ["no courses found"])

    def _counted(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        totals = self.store.courses.totals([record["id"] for record in records])
        return [{**record, "totalLessons": totals.get(record["id"], 0)} for record in records]

    def show(self, reference: str) -> Outcome:
        """Return one course with its authors, lessons, length and how many are enrolled.

        The last is None for those who may not see who is where.
        """
        course = self.course(reference)
        enrolled = None
        if self.library.may("view progress", course):
            enrolled = self.store.enrolments.counts([course.id]).get(course.id, 0)
        return Outcome({**courses.full_course(self.store, course), "enrolled": enrolled})

    def outline(self, reference: str) -> Outcome:
        """Return the lessons of a course in order, each with its section, place and length."""
        course = self.course(reference)
        rows = self.store.courses.outline(course.id)
        lines = [courses.outline_record(number, row) for number, row in enumerate(rows, start=1)]
        outcome = listed(lines, notes=[] if rows else [f"{course.slug} has no lessons"])
        head = {name: getattr(course, name) for name in ("id", "slug", "name", "status")}
        outcome.data = {"course": head, "duration": courses.length_of(rows), **outcome.data}
        return outcome

    def publish(self, references: Sequence[str], *, at: int | None = None) -> Outcome:
        """Publish courses, dated ``at`` (epoch milliseconds) or now.

        Notes which of their lessons and videos are still drafts.
        """
        outcome = self._change(references, items.publish_item, at=at)
        for record in outcome.data["items"]:
            rows = self.store.courses.outline(record["id"])
            outcome.notes += draft_notes(rows, record["slug"])
        return outcome

    def archive(self, references: Sequence[str]) -> Outcome:
        """Put courses away; ``restore`` brings them back."""
        return self._change(references, items.archive_item)

    def restore(self, references: Sequence[str]) -> Outcome:
        """Bring archived courses back."""
        return self._change(references, items.restore_item)

    def _change(self, references: Sequence[str], act: Any, **more: Any) -> Outcome:
        things, errors = self.library.select(references, ("course",))
        self.library.writable(things)

        def one(course: Thing) -> dict[str, Any]:
            self.library.allow("edit", course)
            done = act(store=self.store, actor=self.actor, thing=course, now=now, **more)
            return self._counted([items.record(done)])[0]

        return self.each(things, errors, one)

    def purge(self, references: Sequence[str], *, rehearse: bool = False) -> Outcome:
        """Remove courses and their lessons for good, never the videos in those."""
        things, errors = self.library.select(references, ("course",))
        self.library.writable(things)
        for course in things:
            self.library.allow("purge", course)
        records = []
        for course in things:
            if rehearse:
                lessons = len(self.store.sequences.links(course.id))
            else:
                lessons = courses.purge_course(store=self.store, actor=self.actor, course=course)
            records.append({**items.record(course), "lessons": lessons, "purged": not rehearse})
        if errors and not records:
            raise errors[0]
        return listed(records, errors=errors)


def draft_notes(rows: Sequence[OutlineRow], course: str) -> list[str]:
    """Return a note for each type of thing in a course that is still a draft, and what to do."""
    notes = []
    for type, slugs in courses.drafts_in(rows).items():
        said = f"1 {type} of {course} is a draft" if len(slugs) == 1 else ""
        said = said or f"{len(slugs)} {type}s of {course} are drafts"
        notes.append(f"{said}: vidctl {type}s publish {' '.join(slugs)}")
    return notes
