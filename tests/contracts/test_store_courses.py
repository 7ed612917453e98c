"""Courses in the store: order and sections whatever is done, and progress as recomputed."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stores import World, add_thing, make_library

from vidctl.catalog import courses, enrolment, items
from vidctl.errors import Conflict
from vidctl.ids import new_id
from vidctl.model.connection import Connection
from vidctl.model.place import Place
from vidctl.model.scope import Scope
from vidctl.model.thing import Thing
from vidctl.store.sqlite import SqliteStore

NOW = 1_736_244_000_000
QUICK = settings(max_examples=60, suppress_health_check=list(HealthCheck))


def clock() -> int:
    return NOW


class Undo(Exception):
    """Takes back what an example did."""


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A library for many examples, each of which takes back what it did."""
    path: Path = tmp_path_factory.mktemp("courses") / "library.db"
    world = World(path, make_library(path))
    yield world
    world.close()


# --- order and sections -------------------------------------------------------------------------


class Taught:
    """A course in a store and the ways to change it."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.actor = add_thing(store, "Ana", type="creator")
        self.course = add_thing(store, "Course", type="course", status="published")
        self.lessons: list[Thing] = []

    def add(self, section: str | None, place: Place) -> Thing:
        lesson = courses.add_lesson(
            store=self.store,
            actor=self.actor,
            course=self.course,
            name=f"Lesson {len(self.lessons)}",
            properties={},
            section=section,
            place=place,
            now=clock,
            weight="lessons",
        )
        self.lessons.append(lesson)
        return lesson

    def move(self, lesson: Thing, section: str | None, place: Place) -> None:
        courses.move_lesson(
            store=self.store, actor=self.actor, lesson=lesson, section=section, place=place
        )

    @property
    def rows(self) -> list[tuple[str, str | None]]:
        """Every lesson with its section, in order, archived ones too."""
        links = self.store.sequences.links(self.course.id)
        return [(link.to_id, courses.section_of(link)) for link in links]

    @property
    def shown(self) -> list[tuple[str, str | None]]:
        """The outline."""
        return [(r.lesson.id, r.section) for r in self.store.courses.outline(self.course.id)]


def check_sections(taught: Taught) -> None:
    for rows in (taught.rows, taught.shown):
        runs = [section for section, _ in itertools.groupby(section for _, section in rows)]
        assert len(runs) == len(set(runs)), rows
    known = taught.store.things.known(lesson.id for lesson in taught.lessons)
    away = {each for each, lesson in known.items() if lesson.status == "archived"}
    assert taught.shown == [row for row in taught.rows if row[0] not in away]


def check_place(taught: Taught, lesson: Thing, section: str | None, place: Place) -> None:
    """A lesson without a section of its own stands exactly where it was told to."""
    if section is not None:
        wanted = section or None
        found = dict(taught.rows)[lesson.id]
        assert found == wanted
        return
    rows = taught.rows
    ids = [each for each, _ in rows]
    here = ids.index(lesson.id)
    if place.before is not None:
        assert rows[here + 1] == (place.before, rows[here][1])
    elif place.after is not None:
        assert rows[here - 1] == (place.after, rows[here][1])
    elif place.at is not None:
        shown = [each for each, _ in taught.shown]
        if lesson.id in shown and place.at <= len(shown):
            assert shown.index(lesson.id) == place.at - 1


SECTIONS = st.none() | st.sampled_from(["", "One", "Two", "Three"])


def place_of(data: st.DataObject, others: list[Thing]) -> Place:
    """Draw a place among some lessons."""
    kind = data.draw(st.sampled_from(["end", "at", "before", "after"]))
    if kind == "at":
        return Place(at=data.draw(st.integers(1, len(others) + 2)))
    if kind == "end" or not others:
        return Place()
    other = data.draw(st.sampled_from(others)).id
    return Place(before=other) if kind == "before" else Place(after=other)


@QUICK
@given(data=st.data())
def test_sections_stay_together_and_lessons_stand_where_they_were_put(
    shared: World, data: st.DataObject
) -> None:
    def example() -> None:
        with shared.acme.transaction():
            taught = Taught(shared.acme)
            for _ in range(data.draw(st.integers(1, 14))):
                step(taught, data)
                check_sections(taught)
            raise Undo

    with pytest.raises(Undo):
        example()


def step(taught: Taught, data: st.DataObject) -> None:
    """Do one random thing to a course."""
    what = data.draw(st.sampled_from(["add", "add", "move", "move", "away", "back"]))
    lesson = data.draw(st.sampled_from(taught.lessons)) if taught.lessons else None
    if what == "add" or lesson is None:
        section, place = data.draw(SECTIONS), place_of(data, taught.lessons)
        check_place(taught, taught.add(section, place), section, place)
        return
    if what == "move":
        others = [each for each in taught.lessons if each.id != lesson.id]
        section, place = data.draw(SECTIONS), place_of(data, others)
        if place == Place() and section is None:
            return
        before = taught.rows
        taught.move(lesson, section, place)
        check_place(taught, lesson, section, place)
        check_others(before, taught.rows, lesson)
        return
    act = items.archive_item if what == "away" else items.restore_item
    thing = taught.store.things.get(lesson.id)
    act(store=taught.store, actor=taught.actor, thing=thing, now=clock)


def check_others(
    before: list[tuple[str, str | None]], after: list[tuple[str, str | None]], moved: Thing
) -> None:
    """The others keep their sections, and within those their order."""
    for section in {section for _, section in before}:
        kept = [
            [each for each, of in rows if of == section and each != moved.id]
            for rows in (before, after)
        ]
        assert kept[0] == kept[1]


def test_a_section_is_called_as_it_was_first(world: World) -> None:
    taught = Taught(world.acme)
    taught.add("Week  1", Place())
    taught.add("week 1", Place())
    assert {section for _, section in taught.rows} == {"Week 1"}


def test_a_lesson_with_two_items_is_one_row(world: World) -> None:
    taught = Taught(world.acme)
    lesson = taught.add(None, Place())
    videos = [add_thing(world.acme, f"V{n}", duration=float(n)) for n in (10, 20)]
    world.acme.sequences.insert(lesson.id, [video.id for video in videos])
    (row,) = world.acme.courses.outline(taught.course.id)
    assert (row.item, row.duration) == (videos[0], 10.0)
    (step_,) = world.acme.courses.steps([taught.course.id])
    assert set(step_.items) == {lesson.id, *(video.id for video in videos)}


# --- what an outline shows to whom --------------------------------------------------------------


def test_a_customer_sees_published_lessons_and_videos_only(world: World) -> None:
    store = world.acme
    taught = Taught(store)
    first, second = taught.add("One", Place()), taught.add("One", Place())
    items.archive_item(store=store, actor=taught.actor, thing=first, now=clock)
    video = add_thing(store, "Video")
    store.sequences.insert(second.id, [video.id])
    buyer = add_thing(store, "Buyer", type="user")
    store.connections.add(
        Connection(new_id(), store.scope.home, buyer.id, taught.course.id, "purchased")
    )
    home = store.scope.home
    eyes = world.library.open(Scope(home, (home,), viewer=buyer.id))
    (row,) = eyes.courses.outline(taught.course.id)
    assert (row.lesson.id, row.section, row.item) == (second.id, "One", None)
    assert eyes.courses.totals([taught.course.id]) == {taught.course.id: 1}
    stranger = world.library.open(Scope(home, (home,), viewer=add_thing(store, type="user").id))
    assert stranger.courses.outline(taught.course.id) == []
    assert stranger.courses.totals([taught.course.id]) == {}
    assert len(stranger.courses.steps([taught.course.id])) == 1, "what counts does not depend"
    assert stranger.enrolments.add(taught.course.id, [buyer.id], 1) == []


# --- enrolment ----------------------------------------------------------------------------------


def test_whoever_comes_back_goes_on_where_they_were(world: World) -> None:
    store = world.acme
    course = add_thing(store, "Course", type="course", status="published")
    ana = add_thing(store, "Ana", type="user")
    assert store.enrolments.add(course.id, [ana.id, ana.id], 5) == [ana.id]
    assert store.enrolments.add(course.id, [ana.id], 6) == []
    (link,) = store.enrolments.of(course.id)
    assert link.metadata == {"enrolledAt": 5, "progress": 0.0}
    said = {**link.metadata, "progress": 0.5}
    store.enrolments.save([Connection(link.id, link.group_id, ana.id, course.id, "x", None, said)])
    assert store.enrolments.remove(course.id, [ana.id]) == [ana.id]
    assert store.enrolments.remove(course.id, [ana.id]) == []
    assert store.enrolments.of(course.id) == []
    assert store.enrolments.add(course.id, [ana.id], 7) == [ana.id]
    assert store.enrolments.of(course.id)[0].metadata == said


def test_nobody_enrols_in_an_archived_course(world: World) -> None:
    course = add_thing(world.acme, "Course", type="course", status="archived")
    ana = add_thing(world.acme, "Ana", type="user")
    with pytest.raises(Conflict, match="is archived"):
        enrolment.enrol(
            store=world.acme, actor=ana, course=course, people=[ana], now=clock, weight="lessons"
        )
    assert world.acme.enrolments.of(course.id) == []


def test_people_by_address(world: World) -> None:
    ana = add_thing(world.acme, "Ana", type="user", email="Ana@Example.org")
    add_thing(world.rival, "Eve", type="user", email="ana@example.org")
    assert world.acme.enrolments.mailed(["aNa@example.ORG", "no@x.org"]) == {
        "ana@example.org": [ana]
    }
    assert world.acme.enrolments.mailed([]) == {}


# --- refresh equals recomputation ---------------------------------------------------------------


class Class:
    """Random courses over shared videos, people in them, and what those watched."""

    def __init__(self, store: SqliteStore, data: st.DataObject) -> None:
        self.store, self.draw = store, data.draw
        self.actor = add_thing(store, "Ana", type="creator")
        self.people = [add_thing(store, f"P{n}", type="user").id for n in range(3)]
        lengths = st.none() | st.sampled_from([0.0, 30.0, 60.0, 600.0])
        self.videos = [
            add_thing(store, f"V{n}", **({} if at is None else {"duration": at})).id
            for n, at in enumerate(self.draw(st.lists(lengths, min_size=1, max_size=4)))
        ]
        self.courses = [add_thing(store, f"C{n}", type="course").id for n in range(2)]
        self.weight = self.draw(st.sampled_from(["lessons", "duration"]))
        self.lessons: list[str] = []
        for _ in range(self.draw(st.integers(0, 6))):
            self.add_lesson(lengths)
        for course in self.courses:
            store.enrolments.add(course, self.some(self.people), NOW)
        self.first: dict[tuple[str, str], int] = {}

    def some(self, of: list[str], *, least: int = 0) -> list[str]:
        """Draw some of a list by their places: ids differ from run to run."""
        places = st.sets(st.integers(0, len(of) - 1), min_size=least)
        return [of[place] for place in sorted(self.draw(places))]

    def add_lesson(self, lengths: Any) -> None:
        own = self.draw(lengths)
        lesson = add_thing(
            self.store,
            "L",
            type="lesson",
            status=self.draw(st.sampled_from(["published", "published", "draft", "archived"])),
            **({} if own is None else {"duration": own}),
        )
        self.lessons.append(lesson.id)
        self.store.sequences.insert(self.draw(st.sampled_from(self.courses)), [lesson.id])
        if self.draw(st.booleans()):
            self.store.sequences.insert(lesson.id, [self.draw(st.sampled_from(self.videos))])

    def watch(self) -> None:
        """Let some people watch some items, then refresh for exactly those."""
        items_ = self.some([*self.videos, *self.lessons], least=1)
        people = self.some(self.people, least=1)
        for person, item in itertools.product(people, items_):
            held = self.store.connections.find(person, "watched", item)
            said = dict(held.metadata) if held else {"startedAt": self.draw(st.integers(1, 50))}
            said["lastAt"] = max(said.get("lastAt", 0), self.draw(st.integers(50, 99)))
            if self.draw(st.booleans()):
                said.setdefault("completedAt", said["lastAt"])
            self.store.connections.add(
                Connection(new_id(), self.store.scope.home, person, item, "watched", metadata=said)
            )
        enrolment.refresh(
            store=self.store, person_ids=people, item_ids=items_, now=clock, weight=self.weight
        )


def brute(world: World, person: str, course: str, weight: str) -> dict[str, Any]:
    """Work out an enrolment from the rows themselves, without any code of the program."""
    sql = "SELECT to_id, metadata FROM connections WHERE from_id = ? AND type = ?"
    seen = {i: json.loads(m) for i, m in world.rows(sql, (person, "watched"))}
    things = {
        row[0]: (row[1], json.loads(row[2]))
        for row in world.rows("SELECT id, status, properties FROM things")
    }
    done, lengths, touched = [], [], []
    for lesson, _ in world.rows(sql, (course, "contains")):
        status, properties = things[lesson]
        if status != "published":
            continue
        inside = [video for video, _ in world.rows(sql, (lesson, "contains"))]
        ends = [
            seen[i]["completedAt"] for i in (lesson, *inside) if "completedAt" in seen.get(i, {})
        ]
        done.append(min(ends) if ends else None)
        touched += [seen[i] for i in (lesson, *inside) if i in seen]
        length = properties.get("duration")
        if length is None and inside:
            length = things[inside[0]][1].get("duration")
        lengths.append(length or None)
    known = [each for each in lengths if each]
    mean = sum(known) / len(known) if known else 1.0
    shares = [(each or mean) if weight == "duration" and known else 1.0 for each in lengths]
    gained = [share for share, at in zip(shares, done, strict=True) if at is not None]
    return {
        "progress": sum(gained) / sum(shares) if shares else 0.0,
        "startedAt": min((each["startedAt"] for each in touched), default=None),
        "lastAccessedAt": max((each["lastAt"] for each in touched), default=None),
        "finishedAt": max(done) if done and None not in done else None,
    }


def check(world: World, school: Class) -> None:
    for course in school.courses:
        for link in school.store.enrolments.of(course):
            found, expected = link.metadata, brute(world, link.from_id, course, school.weight)
            assert math.isclose(found["progress"], expected["progress"], abs_tol=1e-9)
            for key in ("startedAt", "lastAccessedAt"):
                assert found.get(key) == expected[key]
            key = (course, link.from_id)
            if expected["finishedAt"] is not None:
                school.first.setdefault(key, expected["finishedAt"])
            assert found.get("completedAt") == school.first.get(key)
            told = [
                event.at
                for event in school.store.events.of(course)
                if (event.action, event.actor_id) == ("course_completed", link.from_id)
            ]
            assert told == [school.first[key] for _ in range(key in school.first)]


@QUICK
@given(data=st.data())
def test_refreshing_equals_working_it_out_anew(shared: World, data: st.DataObject) -> None:
    def example() -> None:
        with shared.acme.transaction():
            school = Class(shared.acme, data)
            for _ in range(data.draw(st.integers(1, 4))):
                school.watch()
                check(shared, school)
            raise Undo

    with pytest.raises(Undo):
        example()


def test_a_refresh_without_courses_asks_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The intake of events calls it for every batch, so it must cost nothing where it is moot."""
    videos = [add_thing(world.acme, f"V{n}").id for n in range(3)]
    asked: list[str] = []
    database = world.library.database
    rows, one = database.rows, database.one
    monkeypatch.setattr(database, "rows", lambda *a: asked.append(a[0]) or rows(*a))
    monkeypatch.setattr(database, "one", lambda *a: asked.append(a[0]) or one(*a))

    def refresh() -> int:
        asked.clear()
        enrolment.refresh(
            store=world.acme, person_ids=[new_id()], item_ids=videos, now=clock, weight="lessons"
        )
        return len(asked)

    assert refresh() == 1
    add_thing(world.acme, "Course", type="course")
    assert refresh() == 2
