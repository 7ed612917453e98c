"""What one part of the catalogue must not do to another: lose, reveal or contradict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Runner

from vidctl.config import Config
from vidctl.library import Library


@pytest.fixture
def school(run: Runner, library: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    """A film in a course, watched by two people, the course by a creator of its own."""
    monkeypatch.setenv("VIDCTL_EMBED_ENGINE", "none")
    run.ok("people", "add", "Ann")
    run.ok("people", "add", "Ben")
    run.ok("people", "add", "Eve", "--type", "creator")
    run.ok("videos", "add", "--title", "Film", "--duration", "1:40", "--publish")
    run.ok("courses", "add", "Sea", "--publish")
    run.ok("lessons", "add", "Waves", "--course", "sea", "--video", "film")
    run.ok("courses", "enrol", "sea", "ann")
    run.ok("progress", "watch", "film", "--range", "0-95", "--person", "ann")
    return run


def test_a_purged_person_leaves_numbers_that_still_add_up(school: Runner) -> None:
    """Also after a reset, and the check-up finds nothing wrong with it."""
    school.ok("progress", "set", "film", "--at", "0", "--reset", "--person", "ann")
    school.ok("progress", "watch", "film", "--range", "0-10", "--person", "ann")
    school.ok("people", "rm", "ann", "--purge", "--yes")
    (row,) = school.ok("progress", "show", "--item", "film", "--json").data["items"]
    assert (row["seen"], row["watchTime"]) == (10.0, 105.0)
    assert school("doctor").code == 0


def test_two_edits_at_once_both_stay(school: Runner) -> None:
    """Each writes what it changed, not the row as it had read it."""
    first, second = (Library.open(Config(start=school.folder)) for _ in range(2))
    try:
        thing = first.resolve("film")
        second.videos.edit("film", {"description": "About the sea"}, name="The Film")
        from vidctl.catalog import items
        from vidctl.library import now

        items.edit_item(
            store=first.store, actor=first.actor, thing=thing, changes={"language": "en"}, now=now
        )
        items.archive_item(store=first.store, actor=first.actor, thing=thing, now=now)
    finally:
        first.close()
        second.close()
    shown = school.ok("videos", "show", "film", "--json").data
    assert (shown["name"], shown["status"]) == ("The Film", "archived")
    assert shown["properties"]["description"] == "About the sea"
    assert shown["properties"]["language"] == "en"


def test_a_purged_video_leaves_its_courses_in_order(school: Runner) -> None:
    assert school.ok("analytics", "course", "sea", "--json").data["meanProgress"] == 1.0
    school.ok("videos", "rm", "film", "--purge", "--yes")
    report = school.ok("courses", "report", "sea", "--json").data["items"]
    mean = school.ok("analytics", "course", "sea", "--json").data["meanProgress"]
    assert [row["progress"] for row in report] == [mean]


def test_who_enrolled_before_anybody_watched_is_counted(school: Runner) -> None:
    found = school.ok("analytics", "summary", "--json").data
    assert (found["enrolments"], found["courseCompletions"]) == (1, 1)
    course = school.ok("analytics", "course", "sea", "--json").data
    assert (course["active"], course["newEnrolments"], course["newCompletions"]) == (1, 1, 1)


def test_a_lesson_of_ones_own_opens_nobody_elses_figures(school: Runner) -> None:
    as_eve = ("--as", "eve")
    assert school("analytics", "video", "film", *as_eve).code == 4
    school.ok("courses", "add", "Mine", *as_eve)
    school.ok("lessons", "add", "Trick", "--course", "mine", "--video", "film", *as_eve)
    assert school("analytics", "video", "trick", *as_eve).code == 4
    assert school("analytics", "retention", "trick", *as_eve).code == 4
    shown = school.ok("progress", "show", "--item", "trick", *as_eve, "--json").data["items"]
    assert shown == []


def test_the_author_of_a_course_sees_who_is_enrolled(school: Runner) -> None:
    school.ok("courses", "add", "Mine", "--as", "eve")
    school.ok("lessons", "add", "Part", "--course", "mine", "--video", "film", "--as", "eve")
    school.ok("progress", "watch", "film", "--range", "0-5", "--person", "ben")
    school.ok("courses", "enrol", "mine", "ben", "--as", "eve")
    rows = school.ok("progress", "show", "--course", "mine", "--as", "eve", "--json").data["items"]
    assert [row["person"] for row in rows] == ["ben"], "and not ann, who never enrolled"


def test_a_completion_is_told_after_what_completed_it(school: Runner) -> None:
    """Whatever the ids are by which the log orders one moment."""
    for number in range(8):
        name = f"person-{number}"
        school.ok("people", "add", name)
        line = {"item": "film", "person": name, "ranges": [[0, 95]], "at": 1736244000000}
        school.ok("progress", "watch", "-", stdin=json.dumps({**line, "id": name}))
    out = school.ok("progress", "export", "--xapi").out
    verbs = [json.loads(line)["verb"]["display"]["en-US"] for line in out.splitlines()]
    assert verbs.count("completed") == 9
    places = [place for place, verb in enumerate(verbs) if verb == "completed"]
    assert all(verbs[place - 1] == "paused" for place in places)


def test_a_viewing_of_many_ranges_comes_back_from_csv(school: Runner) -> None:
    ranges = [[n * 0.008, n * 0.008 + 0.004] for n in range(12000)]
    school.ok("progress", "watch", "-", stdin=json.dumps({"item": "film", "ranges": ranges}))
    (school.folder / "all.csv").write_text(school.ok("progress", "export", "--csv").out)
    again = school.ok("progress", "import", "all.csv", "--json").data
    assert again["new"] == 0


# --- what people send -----------------------------------------------------------------------------


def sent(run: Runner, line: dict[str, object], *words: str) -> int:
    """Send one line and return the exit code."""
    return run(*(words or ("progress", "watch")), "-", stdin=json.dumps(line)).code


def test_a_moment_in_the_far_future_is_refused(school: Runner) -> None:
    """It would stretch every period for everybody, and an event can never be taken back."""
    viewing = {"item": "film", "ranges": [[0, 5]]}
    assert sent(school, {**viewing, "at": "9999-12-31"}) == 3
    assert sent(school, {**viewing, "at": 253402300799999}) == 3
    assert school("progress", "watch", "film", "--range", "0-5", "--at-time", "2600-01-01").code
    school.ok("analytics", "summary")


@pytest.mark.parametrize("action", ["course_completed", "entity_granted", "searched"])
def test_what_the_program_logs_itself_cannot_be_sent(school: Runner, action: str) -> None:
    assert sent(school, {"action": action, "target": "sea"}, "events", "record") == 3


def test_two_people_may_number_their_viewings_alike(school: Runner) -> None:
    for person in ("ann", "ben", "ann"):
        line = {"item": "film", "person": person, "ranges": [[0, 5]], "id": "1"}
        assert sent(school, line) == 0
    shown = school.ok("analytics", "video", "film", "--json").data
    assert shown["views"] == 3, "one at the start, and one each"


def test_nobody_takes_the_slug_of_somebody_above(school: Runner) -> None:
    school.ok("groups", "add", "default/lab")
    school.ok("people", "add", "Guest", "--role", "customer", "-g", "default/lab")
    assert (
        school("people", "edit", "guest", "--slug", "ann", "-g", "lab", "--as", "guest").code == 4
    )
    assert school("people", "edit", "guest", "--slug", "ann", "-g", "lab").code == 9
    assert school.ok("people", "add", "Ann", "-g", "lab", "--json").data["slug"] == "ann-2"


def test_settings_are_not_everybodys(school: Runner) -> None:
    assert school("config", "set", "progress.threshold", "0.01", "--as", "ann").code == 4
    school.ok("config", "set", "progress.threshold", "0.8")
