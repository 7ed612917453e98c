"""Courses and lessons through the command line: who may do what, and what is left behind."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from course_samples import finish, opened, school
from harness import Runner, files_below


@pytest.fixture
def taught(run: Runner) -> Runner:
    """A school."""
    school(run)
    return run


def outline(run: Runner, course: str = "birds", *flags: str) -> list[tuple[int, str | None, str]]:
    rows = run.ok("courses", "outline", course, "--json", *flags).data["items"]
    return [(row["ordinal"], row["section"], row["slug"]) for row in rows]


def events(run: Runner, reference: str) -> list[tuple[str, str | None, Any]]:
    library = opened(run.folder)
    try:
        thing = library.store.things.resolve(reference)
        found = library.store.events.of(thing.id)
        return [(event.type, event.action, event.metadata.get("changed")) for event in found]
    finally:
        library.close()


# --- making courses -----------------------------------------------------------------------------


def test_a_course_holds_what_was_said(taught: Runner) -> None:
    taught.ok(
        *("courses", "add", "Owls", "--level", "advanced", "--hours", "2.5", "--tag", "a,b"),
        *("--category", "science", "--description", "All of them", "--thumbnail", "/o.png"),
        *("--instructor", "Nobody here", "--slug", "all-owls", "--set", "price=5"),
    )
    shown = taught.ok("courses", "show", "all-owls", "--json").data
    assert shown["properties"] == {
        "description": "All of them",
        "level": "advanced",
        "instructor": "Nobody here",
        "estimatedHours": 2.5,
        "thumbnail": "/o.png",
        "categories": ["science"],
        "tags": ["a", "b"],
        "extra": {"price": 5},
    }
    assert (shown["status"], shown["totalLessons"], shown["enrolled"]) == ("draft", 0, 0)
    assert [author["slug"] for author in shown["authors"]] == ["owner"]
    assert events(taught, "all-owls") == [("entity_created", None, None)]


def test_an_instructor_may_edit_until_another_one_is_named(taught: Runner) -> None:
    for who, code in (("ben", 0), ("ana", 4)):
        assert taught("courses", "edit", "birds", "--tag", who, "--as", who).code == code
        assert taught("lessons", "add", who, "--course", "birds", "--as", who).code == code
        assert taught("lessons", "edit", "welcome", "--title", who, "--as", who).code == code
    taught.ok("courses", "edit", "birds", "--instructor", "ana")
    shown = taught.ok("courses", "show", "birds", "--json").data
    assert shown["properties"]["instructor"] == "ana"
    assert [(each["slug"], each["role"]) for each in shown["authors"]] == [
        ("owner", "creator"),
        ("ana", "instructor"),
    ]
    assert taught("courses", "edit", "birds", "--tag", "x", "--as", "ben").code == 4
    taught.ok("courses", "edit", "birds", "--instructor", "")
    shown = taught.ok("courses", "show", "birds", "--json").data
    assert "instructor" not in shown["properties"]
    assert [each["slug"] for each in shown["authors"]] == ["owner"]


def test_an_author_who_teaches_stays_the_author(taught: Runner) -> None:
    taught.ok("courses", "edit", "birds", "--instructor", "me")
    taught.ok("courses", "edit", "birds", "--instructor", "ana")
    authors = taught.ok("courses", "show", "birds", "--json").data["authors"]
    assert ("owner", "creator") in [(each["slug"], each["role"]) for each in authors]


def test_listings(taught: Runner) -> None:
    taught.ok("courses", "add", "Night", "--level", "advanced", "--tag", "night")
    taught.ok("courses", "add", "Gone", "--level", "beginner")
    taught.ok("courses", "archive", "gone")

    def slugs(*flags: str) -> list[str]:
        return [
            item["slug"] for item in taught.ok("courses", "list", "--json", *flags).data["items"]
        ]

    assert slugs() == ["night-2", "birds"]
    assert slugs("--status", "all") == ["gone", "night-2", "birds"]
    assert slugs("--level", "advanced") == ["night-2"]
    assert slugs("--level", "beginner") == []
    assert slugs("--tag", "NIGHT") == ["night-2"]
    assert slugs("--text", "bird") == ["birds"]
    assert slugs("--author", "ben") == ["birds"]
    first = taught.ok("courses", "list", "--limit", "1", "--json").data
    assert (first["total"], [each["totalLessons"] for each in first["items"]]) == (2, [0])
    second = taught.ok("courses", "list", "--page", first["next"], "--json").data
    assert [(each["slug"], each["totalLessons"]) for each in second["items"]] == [("birds", 3)]


# --- lessons ------------------------------------------------------------------------------------


def test_sections_stay_in_one_piece(taught: Runner) -> None:
    taught.ok("lessons", "add", "More", "--course", "birds", "--section", "One")
    taught.ok("lessons", "add", "First", "--course", "birds", "--at", "1")
    taught.ok("lessons", "add", "Late", "--course", "birds", "--after", "end")
    assert outline(taught) == [
        (1, "One", "first"),
        (2, "One", "welcome"),
        (3, "One", "night"),
        (4, "One", "more"),
        (5, "Two", "end"),
        (6, "Two", "late"),
    ]
    taught.ok("lessons", "move", "late", "--to", "1", "--section", "Two")
    assert outline(taught)[:3] == [(1, "Two", "late"), (2, "Two", "end"), (3, "One", "first")]
    taught.ok("lessons", "move", "first", "--to", "99")
    assert outline(taught)[-1] == (6, "One", "first")
    taught.ok("lessons", "edit", "first", "--section", "")
    assert outline(taught)[-1] == (6, None, "first")


def test_a_neighbour_of_another_course_is_no_place(taught: Runner) -> None:
    taught.ok("courses", "add", "Other")
    taught.ok("lessons", "add", "Foreign", "--course", "other")
    before = files_below(taught.folder / ".vidctl")
    for words in (["add", "New", "--course", "birds"], ["move", "night"]):
        assert taught("lessons", *words, "--before", "foreign").code == 6
    assert taught("lessons", "move", "night", "--after", "night").code == 2
    assert files_below(taught.folder / ".vidctl") == before


def test_a_move_is_logged_once(taught: Runner) -> None:
    taught.ok("lessons", "move", "night", "--after", "end")
    taught.ok("lessons", "move", "night", "--after", "end")
    assert events(taught, "night") == [
        ("entity_updated", None, ["position", "section"]),
        ("entity_created", None, None),
    ]


def test_a_lesson_takes_files(taught: Runner) -> None:
    quiz = [{"question": "Who?", "choices": ["me", "you"], "answer": 1}]
    (taught.folder / "quiz.json").write_text(json.dumps(quiz), encoding="utf-8")
    (taught.folder / "text.md").write_text("# Long\n\ntext", encoding="utf-8")
    taught.ok("lessons", "add", "Quiz", "--course", "birds", "--quiz", "@quiz.json")
    taught.ok("lessons", "add", "Text", "--course", "birds", "--body", "@text.md")
    shown = taught.ok("lessons", "show", "quiz", "--json").data
    assert (shown["properties"]["lessonType"], shown["properties"]["quiz"]) == ("quiz", quiz)
    assert taught.ok("lessons", "show", "text").out.endswith("\n# Long\n\ntext\n")
    assert taught("lessons", "add", "X", "--course", "birds", "--body", "@nothing.md").code == 2
    assert taught("lessons", "edit", "quiz", "--quiz", "").code == 2, "a quiz needs questions"
    taught.ok("lessons", "edit", "quiz", "--quiz", "", "--type", "text", "--body", "Now text")


def test_answers_are_for_those_who_may_edit(taught: Runner) -> None:
    quiz = '[{"question": "Who?", "choices": ["me", "you"], "answer": "you"}]'
    taught.ok("lessons", "add", "Quiz", "--course", "birds", "--quiz", quiz)
    taught.ok("people", "grant", "cam", "birds")
    for who, is_told in (("ben", True), ("ana", False), ("cam", False)):
        shown = taught.ok("lessons", "show", "quiz", "--json", "--as", who).data
        (question,) = shown["properties"]["quiz"]
        assert ("answer" in question) == is_told, who
        assert ("* you" in taught.ok("lessons", "show", "quiz", "--as", who).out) == is_told


def test_a_customer_takes_the_published_part_of_what_was_granted(taught: Runner) -> None:
    taught.ok("lessons", "add", "Planned", "--course", "birds", "--draft")
    for verb in ("show", "outline", "progress", "report"):
        assert taught("courses", verb, "birds", "--as", "cam").code == 6
    taught.ok("people", "grant", "cam", "birds")
    slugs = [slug for _, _, slug in outline(taught, "birds", "--as", "cam")]
    assert slugs == ["welcome", "night", "end"]
    shown = taught.ok("courses", "show", "birds", "--as", "cam", "--json").data
    assert (shown["totalLessons"], shown["draftLessons"], shown["enrolled"]) == (3, 0, None)
    assert taught("courses", "report", "birds", "--as", "cam").code == 4
    assert taught("lessons", "archive", "welcome", "--as", "cam").code == 4
    assert taught("lessons", "show", "planned", "--as", "cam").code == 6
    taught.ok("videos", "archive", "owls")
    rows = taught.ok("courses", "outline", "birds", "--as", "cam", "--json").data["items"]
    assert [row["video"] for row in rows] == [None, None, None]


def test_publishing_says_what_is_still_a_draft(taught: Runner) -> None:
    taught.ok("videos", "add", "--title", "Rough")
    taught.ok("lessons", "add", "Planned", "--course", "birds", "--draft", "--video", "rough")
    notes = taught.ok("courses", "publish", "birds", "--json").envelope["notes"]
    assert notes == [
        "1 lesson of birds is a draft: vidctl lessons publish planned",
        "1 video of birds is a draft: vidctl videos publish rough",
    ]
    for note in notes:
        taught.ok(*note.partition(": vidctl ")[2].split())
    assert taught.ok("courses", "publish", "birds", "--json").envelope["notes"] == []


def test_purging_a_course_takes_its_lessons_and_leaves_its_videos(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana")
    assert taught("courses", "rm", "birds", "--purge", "--yes", "--as", "ben").code == 4
    taught.ok("courses", "rm", "birds", "--purge", "--yes")
    for command in (["courses", "show", "birds"], ["lessons", "show", "welcome"]):
        assert taught(*command).code == 6
    taught.ok("videos", "show", "owls")
    library = opened(taught.folder)
    try:
        ana = library.store.people.resolve("ana")
        assert library.store.connections.outgoing(ana.id, "enrolled_in") == []
    finally:
        library.close()


def test_what_is_archived_keeps_its_place(taught: Runner) -> None:
    before = outline(taught)
    taught.ok("lessons", "rm", "night")
    assert [slug for _, _, slug in outline(taught)] == ["welcome", "end"]
    taught.ok("lessons", "restore", "night")
    assert outline(taught) == before


def test_an_archived_group_is_only_read(taught: Runner) -> None:
    taught.ok("groups", "add", "other")
    taught.ok("groups", "archive", "default")
    for words in (
        ["courses", "add", "New"],
        ["courses", "enrol", "birds", "ana"],
        ["lessons", "move", "night", "--to", "1"],
        ["lessons", "edit", "night", "--title", "x"],
    ):
        assert taught(*words).code == 9, words
    taught.ok("courses", "outline", "birds")


def test_the_python_calls_are_the_commands(run: Runner, library: Path) -> None:
    opened_ = opened(run.folder)
    try:
        courses, lessons = opened_.courses, opened_.lessons
        courses.add("Birds", {"level": "all"}, publish=True)
        lessons.add("One", {"body": "x"}, course="birds")
        lessons.add("Two", {}, course="birds", section="B", at=1)
        lessons.move("two", after="one")
        lessons.edit("two", {}, name="Second")
        courses.enrol("birds", ["me"])
        assert [row["slug"] for row in courses.outline("birds").data["items"]] == ["one", "two"]
        assert courses.report("birds").data["total"] == 1
    finally:
        opened_.close()
    finish(run.folder, "owner", "one", "two")
    assert run.ok("courses", "progress", "birds", "--json").data["progress"] == 1.0
