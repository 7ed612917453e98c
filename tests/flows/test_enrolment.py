"""Who takes a course, by name, file and group, and how far they are."""

from __future__ import annotations

import time
from typing import Any

import pytest
from course_samples import finish, opened, school
from harness import Runner, files_below


@pytest.fixture
def taught(run: Runner) -> Runner:
    """A school."""
    school(run)
    return run


def report(run: Runner, *flags: str) -> dict[str, tuple[float, int, int]]:
    rows = run.ok("courses", "report", "birds", "--json", *flags).data["items"]
    return {
        row["person"]: (row["progress"], row["lessonsDone"], row["lessonsTotal"]) for row in rows
    }


def logged(run: Runner) -> list[tuple[str | None, str, dict[str, Any]]]:
    """Return what happened around the course, oldest first: action, person, metadata."""
    library = opened(run.folder)
    try:
        store = library.store
        course = store.things.resolve("birds")
        found = [e for e in store.events.of(course.id) if e.type == "content_event"]
        known = store.people.known(event.actor_id or "" for event in found)
        return [(e.action, known[e.actor_id or ""].slug, e.metadata) for e in reversed(found)]
    finally:
        library.close()


# --- enrolling ----------------------------------------------------------------------------------


def test_enrolling_twice_changes_nothing(taught: Runner) -> None:
    first = taught.ok("courses", "enrol", "birds", "ana", "ana", "--json").data
    assert [(row["person"], row["new"]) for row in first["items"]] == [("ana", True)]
    before = files_below(taught.folder / ".vidctl")
    again = taught.ok("courses", "enrol", "birds", "ana", "--json").data
    assert [(row["person"], row["new"]) for row in again["items"]] == [("ana", False)]
    assert files_below(taught.folder / ".vidctl") == before
    assert [(action, who) for action, who, _ in logged(taught)] == [("course_enrolled", "ana")]


def test_the_log_says_who_did_it(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana", "--as", "ana")
    taught.ok("courses", "enrol", "birds", "eve")
    taught.ok("courses", "unenrol", "birds", "ana")
    library = opened(taught.folder)
    owner = library.store.people.resolve("owner").id
    library.close()
    assert logged(taught) == [
        ("course_enrolled", "ana", {}),
        ("course_enrolled", "eve", {"by": owner}),
        ("course_unenrolled", "ana", {"by": owner}),
    ]


def test_one_who_is_unknown_does_not_stop_the_rest(taught: Runner) -> None:
    result = taught("courses", "enrol", "birds", "nobody", "ana", "x@y.org", "--json")
    assert result.code == 3
    assert [error["item"] for error in result.envelope["errors"]] == ["nobody", "x@y.org"]
    assert report(taught) == {"ana": (0.0, 0, 3)}
    assert taught("courses", "enrol", "birds", "nobody").code == 6
    assert taught("courses", "unenrol", "birds", "nobody").code == 6


def test_an_archived_person_is_not_enrolled(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "eve")
    taught.ok("people", "rm", "ana", "eve")
    result = taught("courses", "enrol", "birds", "ana")
    assert (result.code, result.err) == (
        9,
        "error: ana is archived\nhint: vidctl people restore ana\n",
    )
    taught.ok("courses", "unenrol", "birds", "eve")


def test_customers_who_would_not_see_it_are_told(taught: Runner) -> None:
    notes = taught.ok("courses", "enrol", "birds", "ana", "cam", "--json").envelope["notes"]
    (note,) = notes
    assert note.startswith("cam cannot see the course until it is granted: ")
    taught.ok(*note.partition(": vidctl ")[2].split())
    taught.ok("courses", "progress", "birds", "--as", "cam")
    taught.ok("people", "grant", "dan", "birds")
    assert taught.ok("courses", "enrol", "birds", "dan", "--json").envelope["notes"] == []


def test_a_granted_playlist_shows_the_course(taught: Runner) -> None:
    taught.ok("playlists", "add", "Shelf", "--type", "course")
    taught.ok("playlists", "add-item", "shelf", "birds")
    taught.ok("people", "grant", "dan", "shelf")
    assert taught.ok("courses", "enrol", "birds", "dan", "--json").envelope["notes"] == []


def test_who_may_enrol_whom(taught: Runner) -> None:
    taught.ok("people", "grant", "cam", "birds")
    for who in ("ana", "cam"):
        taught.ok("courses", "enrol", "birds", "me", "--as", who)
        assert taught("courses", "enrol", "birds", "eve", "--as", who).code in (4, 6)
    assert taught("courses", "enrol", "birds", "eve", "--as", "ana").code == 4
    assert taught("courses", "enrol", "birds", "me", "--as", "dan").code == 6, "out of sight"
    mixed = taught("courses", "enrol", "birds", "ana", "eve", "--as", "ana", "--json")
    assert mixed.code == 3
    assert [error["code"] for error in mixed.envelope["errors"]] == ["permission"]
    taught.ok("courses", "enrol", "birds", "eve", "--as", "ben")
    assert set(report(taught)) == {"ana", "cam", "eve"}
    assert taught("courses", "unenrol", "birds", "eve", "--as", "ana").code == 4
    taught.ok("courses", "unenrol", "birds", "me", "--as", "ana")


def test_who_may_see_how_far_they_are(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana", "eve")
    assert taught("courses", "report", "birds", "--as", "ana").code == 4
    taught.ok("courses", "report", "birds", "--as", "ben")
    taught.ok("courses", "progress", "birds", "--as", "ana")
    assert taught("courses", "progress", "birds", "--person", "eve", "--as", "ana").code == 4
    taught.ok("courses", "progress", "birds", "--person", "eve", "--as", "ben")


def test_a_rehearsal_enrols_nobody(taught: Runner) -> None:
    before = files_below(taught.folder / ".vidctl")
    result = taught.ok("courses", "enrol", "birds", "ana", "-n")
    assert (result.out, result.err) == ("ana\tAna\t0 %\twould enrol\n", "nothing was changed\n")
    assert files_below(taught.folder / ".vidctl") == before


# --- files and groups ---------------------------------------------------------------------------


def test_a_file_as_a_spreadsheet_writes_it(taught: Runner) -> None:
    raw = (
        "\ufeffName;Email\r\nAna;ANA@example.org\r\n;\r\nX;x@y.org\r\nY;\r\nAna;ana@example.org\r\n"
    )
    (taught.folder / "people.csv").write_bytes(raw.encode())
    result = taught("courses", "enrol", "birds", "people.csv", "ben", "--json")
    assert result.code == 3
    assert [row["person"] for row in result.envelope["data"]["items"]] == ["ben", "ana"]
    assert [(e["item"], e["message"]) for e in result.envelope["errors"]] == [
        ("line 5", "names nobody"),
        ("line 4", "no person here has the address 'x@y.org'"),
    ]


def test_the_csv_flag_and_a_file(taught: Runner) -> None:
    """``--csv FILE`` enrols the people of the file, and prints CSV."""
    (taught.folder / "people.csv").write_text("slug\nana\nben\n", encoding="utf-8")
    result = taught.ok("courses", "enrol", "birds", "--csv", "people.csv")
    assert [line.split(",")[0] for line in result.out.splitlines()] == ["person", "ana", "ben"]
    taught.ok("courses", "unenrol", "birds", "people.csv")
    assert report(taught) == {}


def test_a_file_without_anybody_to_enrol(taught: Runner) -> None:
    (taught.folder / "people.csv").write_text("slug\nx\ny\n", encoding="utf-8")
    result = taught("courses", "enrol", "birds", "people.csv", "--json")
    assert result.code == 3
    assert [error["item"] for error in result.envelope["errors"]] == ["line 2", "line 3"]
    (taught.folder / "people.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert taught("courses", "enrol", "birds", "people.csv").code == 2


def test_an_address_of_several_people(taught: Runner) -> None:
    taught.ok("people", "add", "Twin", "--email", "ana@example.org")
    result = taught("courses", "enrol", "birds", "ana@example.org")
    assert result.code == 9
    assert "is the address of several people: ana, twin" in result.err


def test_members_of_a_group_inherited_ones_too(taught: Runner) -> None:
    taught.ok("groups", "add", "default/team")
    taught.ok("people", "role", "set", "eve", "none")
    taught.ok("people", "rm", "dan")
    taught.ok("people", "add", "Tom", "-g", "default/team")
    result = taught.ok("courses", "enrol", "birds", "--group-members", "team", "--json")
    names = {row["person"] for row in result.data["items"]}
    assert names == {"ana", "ben", "cam"}
    assert "1 member of team is of groups below; add -r" in result.envelope["notes"]
    result = taught.ok("courses", "enrol", "birds", "--group-members", "team", "-r", "--json")
    assert {row["name"] for row in result.data["items"] if row["new"]} == {"Tom"}
    assert taught("courses", "enrol", "birds", "--group-members", "nope").code == 6
    assert taught("courses", "enrol", "birds", "--group-members", "team", "--as", "ana").code == 3


def test_a_thousand_people_from_a_file(taught: Runner) -> None:
    library = opened(taught.folder)
    with library.store.transaction():
        for number in range(1000):
            library.people.add(f"P {number}", {"email": f"p{number}@example.org"})
    library.close()
    lines = [f"p{number}@example.org" for number in range(1000)]
    (taught.folder / "people.csv").write_text("\n".join(["email", *lines]), encoding="utf-8")
    began = time.perf_counter()
    result = taught.ok("courses", "enrol", "birds", "people.csv", "--json")
    assert time.perf_counter() - began < 2
    assert result.data["total"] == 1000
    assert all(row["new"] for row in result.data["items"])


# --- progress -----------------------------------------------------------------------------------


def test_a_course_from_start_to_end(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana", "eve")
    finish(taught.folder, "ana", "welcome", at=1000)
    finish(taught.folder, "ana", "owls", at=3000)
    assert report(taught) == {"ana": (pytest.approx(2 / 3), 2, 3), "eve": (0.0, 0, 3)}
    finish(taught.folder, "ana", "end", at=2000)
    (row, _) = taught.ok("courses", "report", "birds", "--json").data["items"]
    assert (row["progress"], row["startedAt"], row["lastAccessedAt"]) == (1.0, 1000, 3000)
    assert row["completedAt"] == 3000
    shown = taught.ok("courses", "progress", "birds", "--as", "ana", "--json").data
    assert (shown["lessonsDone"], shown["completedAt"]) == (3, 3000)
    assert [line["completedAt"] for line in shown["items"]] == [1000, 3000, 2000]
    assert [action for action, who, _ in logged(taught) if who == "ana"] == [
        "course_completed",
        "course_enrolled",
    ]


def test_weights(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana")
    finish(taught.folder, "ana", "night")
    # 10 minutes of 5, 10 and the mean of both.
    assert report(taught, "--weight", "duration")["ana"][0] == pytest.approx(10 / 22.5)
    taught.ok("config", "set", "courses.weight", "duration")
    assert report(taught)["ana"][0] == pytest.approx(10 / 22.5)
    assert report(taught, "--weight", "lessons")["ana"][0] == pytest.approx(1 / 3)


def test_whoever_returns_goes_on_where_they_were(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana")
    finish(taught.folder, "ana", "welcome")
    taught.ok("courses", "unenrol", "birds", "ana")
    assert report(taught) == {}
    finish(taught.folder, "ana", "night")
    taught.ok("courses", "enrol", "birds", "ana")
    assert report(taught) == {"ana": (pytest.approx(2 / 3), 2, 3)}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["lessons", "add", "New", "--course", "birds"], 1 / 4),
        (["lessons", "add", "New", "--course", "birds", "--draft"], 1 / 3),
        (["lessons", "archive", "end"], 1 / 2),
        (["lessons", "rm", "end", "--purge", "--yes"], 1 / 2),
        (["lessons", "edit", "night", "--video", ""], 0),
        (["lessons", "publish", "planned"], 1 / 4),
    ],
)
def test_stored_progress_follows_the_lessons(
    taught: Runner, words: list[str], expected: float
) -> None:
    taught.ok("lessons", "add", "Planned", "--course", "birds", "--draft")
    taught.ok("courses", "enrol", "birds", "ana")
    finish(taught.folder, "ana", "owls")
    taught.ok(*words)
    library = opened(taught.folder)
    try:
        store = library.store
        (link,) = store.enrolments.of(store.things.resolve("birds").id)
        assert link.metadata["progress"] == pytest.approx(expected)
    finally:
        library.close()


def test_a_lesson_added_later_does_not_take_the_completion_away(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana")
    finish(taught.folder, "ana", "welcome", "night", "end", at=5000)
    taught.ok("lessons", "add", "Bonus", "--course", "birds")
    finish(taught.folder, "ana", "bonus", at=9000)
    (row,) = taught.ok("courses", "report", "birds", "--json").data["items"]
    assert (row["progress"], row["completedAt"]) == (1.0, 5000)
    assert [action for action, _, _ in logged(taught)].count("course_completed") == 1


def test_reading_ones_progress_makes_no_owner(taught: Runner) -> None:
    taught.ok("groups", "add", "default/sub")
    taught.ok("people", "role", "set", "ana", "org_owner")
    taught.ok("courses", "add", "Course", "-g", "default/sub", "--as", "ana")
    before = files_below(taught.folder / ".vidctl")
    shown = taught.ok("courses", "progress", "course", "-g", "default/sub", "--json")
    assert (shown.data["person"], shown.data["enrolled"]) == ("owner", False)
    assert shown.envelope["notes"] == ["owner is not enrolled in course"]
    assert files_below(taught.folder / ".vidctl") == before


def test_watching_to_the_end_finishes_the_lesson(taught: Runner) -> None:
    taught.ok("courses", "enrol", "birds", "ana")
    taught.ok("progress", "watch", "owls", "--range", "0-300", "--as", "ana")
    assert report(taught) == {"ana": (0.0, 0, 3)}
    taught.ok("progress", "watch", "night", "--range", "300-600", "--as", "ana")
    taught.ok("progress", "done", "welcome", "end", "--as", "ana")
    taught.ok("progress", "set", "owls", "--at", "0", "--as", "ana")
    assert report(taught) == {"ana": (1.0, 3, 3)}
    (row,) = taught.ok("courses", "report", "birds", "--json").data["items"]
    assert row["completedAt"] is not None
    assert [action for action, _, _ in logged(taught)].count("course_completed") == 1
