"""Who takes a course and how far they are, for front ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from vidctl.catalog import enrolment
from vidctl.catalog.people import local_owner_id
from vidctl.errors import Ambiguous, Conflict, NotFound, UsageError, VidctlError
from vidctl.library.controller import Controller, listed
from vidctl.library.core import now
from vidctl.model.enrolment import WEIGHTS
from vidctl.outcome import Outcome

if TYPE_CHECKING:
    from vidctl.model.thing import Thing

# Names that are read as files of people.
ROSTER = ".csv"
SHOWN_GRANTS = 3


@dataclass(slots=True)
class _Called:
    """People as they were called, and how that is said in errors."""

    chosen: dict[str, Thing]
    errors: list[VidctlError]

    def add(self, name: str, resolve: Callable[[], Thing]) -> None:
        """Take in one person; who cannot be is an error about ``name``."""
        try:
            person = resolve()
        except VidctlError as error:
            error.item = name
            self.errors.append(error)
        else:
            self.chosen[person.id] = person


class Enrolling(Controller):
    """The part of the courses that is about people."""

    @property
    def weight(self) -> str:
        """What progress counts: the setting ``courses.weight``."""
        return self.library.config.text("courses.weight")

    def course(self, reference: str) -> Thing:
        """Return the course that is meant."""
        return self.library.resolve(reference, ("course",))

    def enrol(self, reference: str, people: Sequence[str] = (), *, members_of: str = "") -> Outcome:
        """Enrol people in a course: by slug, id or email, from a ``.csv`` file, or as a group.

        ``members_of`` is a group: its members who can be seen from here. Who cannot be enrolled is
        an error, the rest go on; enrolling twice changes nothing. Raises the error where one person
        was named alone, UsageError for nobody.
        """
        course = self.course(reference)
        if not people and not members_of:
            raise UsageError("nobody to enrol was named", hint="name people or --group-members")
        called = self._called(people)
        notes = self._add_members(called, members_of) if members_of else []
        self._drop_archived(called)
        allowed = self._allowed(course, called)
        self.library.writable([course])
        rows = enrolment.enrol(
            store=self.store,
            actor=self.actor,
            course=course,
            people=list(allowed.values()),
            now=now,
            weight=self.weight,
        )
        new = [row["personId"] for row in rows if row["new"]]
        notes += self._notes(course, [allowed[person] for person in new], len(rows))
        return listed(rows, errors=called.errors, notes=notes)

    def unenrol(self, reference: str, people: Sequence[str]) -> Outcome:
        """Take people out of a course; their progress stays for when they come back."""
        course = self.course(reference)
        called = self._called(people)
        allowed = self._allowed(course, called)
        self.library.writable([course])
        rows = enrolment.unenrol(
            store=self.store, actor=self.actor, course=course, people=list(allowed.values())
        )
        kept = [row["person"] for row in rows if not row["removed"]]
        notes = [f"{slug} was not enrolled in {course.slug}" for slug in kept]
        return listed(rows, errors=called.errors, notes=notes)

    def report(self, reference: str, *, weight: str = "") -> Outcome:
        """Return who is where in a course, the furthest first.

        ``weight`` is ``lessons`` or ``duration``, by default what the setting says.

        Raises UsageError for any other weight.
        """
        course = self.course(reference)
        self.library.allow("view progress", course)
        if weight and weight not in WEIGHTS:
            raise UsageError(f"{weight!r} is no weight", hint=", ".join(WEIGHTS))
        rows = enrolment.report(store=self.store, course=course, weight=weight or self.weight)
        return listed(rows, notes=[] if rows else [f"nobody is enrolled in {course.slug}"])

    def progress(self, reference: str, person: str = "me") -> Outcome:
        """Return how far one person is in a course, lesson by lesson."""
        course = self.course(reference)
        who = self._reader(person)
        self.library.allow("view progress", course, person=who.id)
        data = enrolment.progress(store=self.store, course=course, person=who, weight=self.weight)
        rest = {"total": len(data["items"]), "next": None}
        notes = [] if data["enrolled"] else [f"{who.slug} is not enrolled in {course.slug}"]
        return Outcome({**data, **rest}, notes=notes)

    # --- who is meant ---------------------------------------------------------------------------

    def _reader(self, reference: str) -> Thing:
        """Return a person without making the local owner, who may not have acted yet."""
        from vidctl.catalog.people import ME, new_owner

        if reference != ME or not self.library.access.owns_library:
            return self.library.person(reference)
        owner_id = local_owner_id(self.store.scope.home)
        known = self.store.people.known([owner_id])
        return known.get(owner_id) or new_owner(self.store, now())

    def _called(self, references: Sequence[str]) -> _Called:
        """Resolve people; a name that ends in ``.csv`` is a file of them.

        Raises the error of the only person named, NotFound for a file that is not there.
        """
        called = _Called({}, [])
        names = [name for name in references if not name.casefold().endswith(ROSTER)]
        self._add_people(called, [(name, name) for name in names])
        if called.errors and len(references) == 1:
            raise called.errors[0]
        for file in (name for name in references if name.casefold().endswith(ROSTER)):
            self._add_roster(called, Path(file))
        return called

    def _add_roster(self, called: _Called, file: Path) -> None:
        from vidctl.formats.roster import read_roster

        try:
            raw = file.read_bytes()
        except FileNotFoundError:
            raise NotFound(f"there is no file {str(file)!r}") from None
        entries = read_roster(raw)
        for entry in entries:
            if entry.problem:
                called.errors.append(UsageError(entry.problem, item=f"line {entry.line}"))
        fitting = [entry for entry in entries if not entry.problem]
        self._add_people(called, [(f"line {e.line}", e.reference) for e in fitting])

    def _add_people(self, called: _Called, named: Sequence[tuple[str, str]]) -> None:
        """Resolve (how it is told, reference) pairs; all addresses are looked up at once."""
        mailed = self.store.enrolments.mailed([ref for _, ref in named if "@" in ref])
        for name, reference in named:
            known = mailed.get(reference.casefold(), ())
            called.add(name, lambda ref=reference, found=known: self._resolve(ref, found))  # type: ignore[misc]

    def _resolve(self, reference: str, mailed: Sequence[Thing]) -> Thing:
        """Return the person meant by a slug, an id or an email address."""
        if "@" not in reference:
            return self.library.person(reference)
        seen = [one for one in mailed if self.library.may("view people", person=one.id)]
        if len(seen) > 1:
            names = ", ".join(one.slug for one in seen)
            raise Ambiguous(f"{reference!r} is the address of several people: {names}")
        if not seen:
            raise NotFound(
                f"no person here has the address {reference!r}", hint="vidctl people list"
            )
        return seen[0]

    def _add_members(self, called: _Called, group: str) -> list[str]:
        """Take in the members of a group who still act; note those who are not known here."""
        rows = self.library.people.members(group).data["items"]
        # The owner of the file is nobody who takes a course, unless named.
        people = [row for row in rows if row["id"] != local_owner_id(row["roleGroupId"])]
        active = [row["id"] for row in people if row["status"] == "active"]
        known = self.store.people.known(active)
        called.chosen |= known
        count = len(active) - len(known)
        said = f"{count} members of {group} are" if count > 1 else f"1 member of {group} is"
        return [f"{said} of groups below; add -r"] if count else []

    def _drop_archived(self, called: _Called) -> None:
        for person in [one for one in called.chosen.values() if one.status == "archived"]:
            del called.chosen[person.id]
            hint = f"vidctl people restore {person.slug}"
            said = f"{person.slug} is archived"
            called.errors.append(Conflict(said, hint=hint, item=person.slug))
        if called.errors and not called.chosen and len(called.errors) == 1:
            raise called.errors[0]

    def _allowed(self, course: Thing, called: _Called) -> dict[str, Thing]:
        """Return the people whom the acting person may enrol; the others become errors.

        Raises the refusal where it is about everybody.
        """
        allowed: dict[str, Thing] = {}
        for person in called.chosen.values():
            if self.library.may("enrol", course, person=person.id):
                allowed[person.id] = person
            else:
                refused = self.library.access.refuse("enrol", f"{person.slug} in {course.slug}")
                refused.item = person.slug
                called.errors.append(refused)
        if called.chosen and not allowed:
            raise next(error for error in called.errors if error.item in _slugs(called))
        return allowed

    # --- what is said about it ------------------------------------------------------------------

    def _notes(self, course: Thing, new: Sequence[Thing], asked: int) -> list[str]:
        notes = []
        if len(new) < asked:
            notes.append(f"{asked - len(new)} of {asked} had been enrolled already")
        blind = self._blind(course, new)
        for person in blind[:SHOWN_GRANTS]:
            grant = f"vidctl people grant {person.slug} {course.slug}"
            notes.append(f"{person.slug} cannot see the course until it is granted: {grant}")
        if len(blind) > SHOWN_GRANTS:
            notes.append(f"nor can {len(blind) - SHOWN_GRANTS} others")
        if new and course.status == "draft":
            publish = f"vidctl courses publish {course.slug}"
            notes.append(f"{course.slug} is a draft; customers see it once published: {publish}")
        return notes

    def _blind(self, course: Thing, people: Sequence[Thing]) -> list[Thing]:
        """Return those of some people who stand as customers and have not got the course."""
        from vidctl.catalog.people import members

        if not people:
            return []
        rows = members(self.library.store_of(course.group_id))
        sighted = {row["id"] for row in rows if row["role"] != "customer"}
        holders = [course.id, *self.store.sequences.owners(course.id, "playlist")]
        for holder in holders:
            bought = self.store.connections.incoming(holder, "purchased")
            sighted |= {link.from_id for link in bought}
        written = self.store.connections.incoming(course.id, "authored")
        sighted |= {link.from_id for link in written}
        return [person for person in people if person.id not in sighted]


def _slugs(called: _Called) -> Iterable[str]:
    return {person.slug for person in called.chosen.values()}
