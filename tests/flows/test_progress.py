"""What people have seen: set, watch, done, show, export and import, and who may do that."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from harness import Clock, Runner

NOON = "2025-01-07T12:00:00Z"


@pytest.fixture
def school(run: Runner, library: Path) -> Runner:
    """A library with items, a course, and people of each role."""
    run.ok("videos", "add", "--title", "Talk", "--duration", "10:00", "--publish")
    run.ok("videos", "add", "--title", "Live", "--publish")
    run.ok("podcasts", "add", "--title", "Show", "--duration", "60", "--publish")
    run.ok("courses", "add", "Birds")
    run.ok("lessons", "add", "Herons", "--course", "birds", "--video", "talk")
    run.ok("lessons", "add", "Reading", "--course", "birds")
    run.ok("courses", "publish", "birds")
    for name, role in (("Ann", "org_user"), ("Bob", "customer"), ("Max", "org_owner")):
        run.ok("people", "add", name)
        run.ok("people", "role", "set", name.lower(), role)
    return run


def row(run: Runner, *words: str) -> dict[str, Any]:
    (found,) = run.ok("progress", "show", *words, "--json").data["items"]
    return dict(found)


def test_ranges_are_counted_once_and_rewatching_apart(school: Runner) -> None:
    school.ok("progress", "watch", "talk", "--range", "0:10-1:30", "--range", "20-30")
    result = school.ok("progress", "watch", "talk", "--range", "1:00-2:00")
    assert result.out == "talk at 02:00, 18 % seen, 00:40 watched again\n"
    found = row(school)
    assert found["ranges"] == [[10.0, 120.0]]
    assert (found["seen"], found["watchTime"], found["rewatched"]) == (110.0, 150.0, 40.0)
    assert (found["views"], found["duration"], found["completed"]) == (2, 600.0, False)
    assert found["coverage"] == pytest.approx(110 / 600)


def test_a_lower_position_changes_nothing_without_reset(school: Runner) -> None:
    school.ok("progress", "set", "talk", "--at", "5:00")
    before = school.ok("events", "list", "--json").data["total"]
    late = school.ok("progress", "set", "talk", "--at", "0")
    assert late.out == "talk at 05:00, 0 % seen\n"
    assert late.err == (
        "the position stays at 300 seconds, which is further; --reset takes it back\n"
    )
    assert school.ok("events", "list", "--json").data["total"] == before
    assert school.ok("progress", "set", "talk@6:00").out.startswith("talk at 06:00")
    assert row(school)["lastPosition"] == 360.0


def test_a_reset_takes_back_what_was_seen_even_in_the_same_moment(
    school: Runner, frozen: Clock
) -> None:
    school.ok("progress", "watch", "talk", "--range", "0-600")
    assert row(school)["completed"] is True
    assert school.ok("progress", "set", "talk", "--at", "30", "--reset").out == (
        "talk at 00:30, 0 % seen\n"
    )
    school.ok("progress", "watch", "talk", "--range", "30-90")
    found = row(school)
    assert (found["ranges"], found["completed"]) == ([[30.0, 90.0]], False)
    assert (found["watchTime"], found["rewatched"], found["views"]) == (660.0, 0.0, 2)
    school.ok("progress", "watch", "talk", "--range", "0-600")
    assert row(school)["completed"] is True
    assert school.ok("progress", "set", "talk", "--reset").out == "talk at 00:00, 0 % seen\n"


def completions(run: Runner) -> list[dict[str, Any]]:
    return list(run.ok("events", "list", "--action", "video_completed", "--json").data["items"])


def test_the_threshold_completes_once_and_for_good(school: Runner) -> None:
    school.ok("progress", "watch", "talk", "--range", "0-539", "--at-time", "2025-01-01")
    assert completions(school) == []
    school.ok("progress", "watch", "talk", "--range", "539-540", "--at-time", "2025-01-02")
    school.ok("progress", "watch", "talk", "--range", "0-600", "--at-time", "2025-01-03")
    (event,) = completions(school)
    assert event["metadata"] == {"by": "threshold"}
    assert row(school)["completedAt"] == event["at"] == 1_735_776_000_000
    school.ok("videos", "edit", "talk", "--duration", "1:00:00")
    school.ok("config", "set", "progress.threshold", "1")
    school.ok("progress", "watch", "talk", "--range", "0-1")
    assert row(school)["completed"] is True
    assert len(completions(school)) == 1


def test_without_a_length_only_a_person_completes(school: Runner) -> None:
    school.ok("progress", "watch", "live", "--range", "0-3:00:00")
    found = row(school)
    assert (found["coverage"], found["completed"]) == (None, False)
    assert school.ok("progress", "done", "live").out.startswith("live\t3:00:00\t20")
    again = school.ok("progress", "done", "live", "show", "--json").envelope
    assert again["notes"] == ["live was completed before"]
    assert [item["completed"] for item in again["data"]["items"]] == [True, True]
    assert [event["metadata"]["by"] for event in completions(school)] == ["hand", "hand"]


def test_a_lesson_stands_for_its_video_and_is_done_itself(school: Runner) -> None:
    school.ok("progress", "watch", "herons", "--range", "0-60")
    assert row(school)["item"] == "talk"
    school.ok("progress", "set", "reading", "--at", "5")
    school.ok("progress", "done", "herons")
    shown = school.ok("progress", "show", "--course", "birds", "--json").data["items"]
    assert {item["item"] for item in shown} == {"talk", "reading", "herons"}
    found = school.ok("progress", "show", "--item", "herons", "--json").data["items"]
    assert {item["item"] for item in found} == {"talk", "herons"}
    assert school.ok("progress", "show", "--course", "birds", "--item", "live").out == ""


def test_watching_moves_a_course_on(school: Runner) -> None:
    school.ok("courses", "enrol", "birds", "ann")
    school.ok("progress", "watch", "talk", "--range", "0-600", "--person", "ann")
    shown = school.ok("courses", "progress", "birds", "--person", "ann", "--json").data
    assert shown["progress"] == 0.5
    school.ok("progress", "done", "reading", "--as", "ann")
    shown = school.ok("courses", "progress", "birds", "--person", "ann", "--json").data
    assert shown["progress"] == 1.0


def test_ranges_end_where_the_item_does(school: Runner) -> None:
    school.ok("progress", "watch", "show", "--range", "50-70", "--position", "90")
    found = row(school)
    assert (found["ranges"], found["lastPosition"]) == ([[50.0, 60.0]], 60.0)
    result = school("progress", "watch", "show", "--range", "61-70")
    assert (result.code, result.err) == (2, "error: the item ends at 60 seconds\n")


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["watch", "talk"], 2, "say what was watched"),
        (["watch", "talk", "--range", "90"], 2, "'90' is not a range"),
        (["watch", "talk", "--range", "90-10"], 2, "a range ends before it starts: 90-10"),
        (["watch", "talk", "--range", "-5-10"], 2, "is not a time"),
        (["watch", "talk", "--range", "nan-10"], 2, "'nan' is not a time"),
        (["watch", "talk", "--range", "0-99999999"], 2, "Expected `float` <= 3600000.0"),
        (["watch", "talk", "--range", "0-1", "--device", "My Phone!"], 2, "a device is a word"),
        (["watch", "talk", "--range", "0-1", "--at-time", "soon"], 2, "'soon' is not a date"),
        (["watch", "talk", "--range", "0-1", "--at-time", "1960-01-01"], 2, "Expected `int` >= 1"),
        (["watch", "--range", "0-1"], 2, "say what was watched"),
        (["watch", "nope", "--range", "0-1"], 6, "called 'nope'"),
        (["watch", "birds", "--range", "0-1"], 6, "called 'birds'"),
        (["watch", "talk", "--range", "0-1", "--person", "who"], 6, "called 'who'"),
        (["set", "talk"], 2, "say where in the item"),
        (["set", "talk", "--at", "x"], 2, "'x' is not a time"),
        (["done", "nope"], 6, "called 'nope'"),
        (["show", "--course", "nope"], 6, "called 'nope'"),
        (["show", "--page", "x"], 2, "no page of a listing"),
        (["import", "nope.jsonl"], 6, "there is no file 'nope.jsonl'"),
        (["import", "."], 2, "cannot be read"),
        (["export", "--xapi", "--csv"], 2, "exclude each other"),
    ],
)
def test_what_makes_no_sense_is_refused_and_leaves_nothing(
    school: Runner, words: list[str], code: int, said: str
) -> None:
    before = school.ok("events", "list", "--json").data["total"]
    result = school("progress", *words)
    assert (result.code, result.out) == (code, "")
    assert said in result.err
    assert school.ok("events", "list", "--json").data["total"] == before


def test_a_rehearsal_leaves_nothing(school: Runner) -> None:
    for words in (
        ["watch", "talk", "--range", "0-600"],
        ["set", "talk", "--at", "9", "--reset"],
        ["done", "talk", "live"],
    ):
        shown = school.ok("progress", *words, "-n", "--json").envelope
        assert shown["notes"] == ["nothing was changed"]
    assert school.ok("progress", "show").err == "nothing was watched\n"


# --- who may ------------------------------------------------------------------------------------


def test_people_record_for_themselves_and_owners_for_everybody(school: Runner) -> None:
    watch = ["progress", "watch", "talk", "--range", "0-60"]
    school.ok(*watch, "--as", "ann")
    school.ok(*watch, "--as", "max", "--person", "ann")
    school.ok(*watch, "--person", "ann")
    assert row(school, "--person", "ann")["views"] == 3
    refused = school(*watch, "--as", "ann", "--person", "max")
    assert (refused.code, refused.err) == (
        4,
        "error: ann may not record progress talk\nhint: vidctl whoami --as ann\n",
    )
    assert (
        school("progress", "set", "talk", "--at", "1", "--as", "ann", "--person", "max").code == 4
    )
    assert school("progress", "done", "talk", "--as", "ann", "--person", "max").code == 4


def test_a_customer_records_what_they_bought_and_sees_nothing_else(school: Runner) -> None:
    watch = ["progress", "watch", "talk", "--range", "0-60", "--as", "bob"]
    assert school(*watch).code == 6
    school.ok("people", "grant", "bob", "talk")
    school.ok(*watch)
    school.ok("progress", "watch", "talk", "--range", "0-60", "--as", "ann")
    shown = school.ok("progress", "show", "--item", "talk", "--as", "bob", "--json").data["items"]
    assert [item["person"] for item in shown] == ["bob"]
    assert school("progress", "show", "--person", "ann", "--as", "bob").code == 6
    exported = school.ok("progress", "export", "--as", "bob").out.splitlines()
    assert [json.loads(line)["person"] for line in exported] == ["bob"]
    school.ok("people", "revoke", "bob", "talk")
    assert school.ok("progress", "show", "--as", "bob", "--json").data["items"] == []
    assert row(school, "--person", "bob")["views"] == 1, "kept for when it comes back"


def test_who_may_view_whose_progress(school: Runner) -> None:
    school.ok("people", "add", "Zoe", "--type", "creator")
    school.ok("people", "role", "set", "zoe", "org_user")
    school.ok("videos", "add", "--title", "Hers", "--as", "zoe")
    for item in ("talk", "hers"):
        school.ok("progress", "watch", item, "--range", "0-60", "--person", "ann")
    everybody = school.ok("progress", "show", "--item", "talk", "--as", "max", "--json").data
    assert [item["person"] for item in everybody["items"]] == ["ann"]
    own = school.ok("progress", "show", "--item", "hers", "--as", "zoe", "--json").data["items"]
    assert [item["person"] for item in own] == ["ann"], "whoever made it sees who watched it"
    named = ("--item", "hers", "--person", "ann", "--as", "zoe")
    assert row(school, *named)["item"] == "hers"
    others = school.ok("progress", "show", "--item", "talk", "--as", "zoe", "--json").data["items"]
    assert others == []
    assert school("progress", "show", "--person", "ann", "--as", "zoe").code == 4
    assert school("progress", "show", "--person", "ann", "--item", "talk", "--as", "zoe").code == 4


def test_progress_in_an_archived_group_stays_as_it_is(school: Runner) -> None:
    school.ok("groups", "add", "shut")
    school.ok("videos", "add", "--title", "Old", "-g", "shut")
    school.ok("groups", "archive", "shut")
    assert school("progress", "watch", "old", "--range", "0-1", "-g", "shut").code == 9


# --- export and import --------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["--jsonl", "--csv"])
def test_an_export_comes_in_elsewhere_and_adds_nothing_here(
    school: Runner, form: str, tmp_path: Path
) -> None:
    file = f"viewings.{form[2:]}"
    school.ok(
        *("progress", "watch", "talk", "--range", "0-60", "--range", "2:00-3:00"),
        *("--device", "tv", "--session", "s1", "--position", "3:30", "--at-time", NOON),
    )
    school.ok("progress", "watch", "talk", "--range", "0-600", "--person", "ann")
    school.ok("progress", "set", "live", "--at", "90", "--reset")
    school.ok("progress", "done", "live")
    school.ok("progress", "export", form, "-o", file)
    back = school.ok("progress", "import", file, "--json").data
    assert (back["lines"], back["new"], back["known"]) == (6, 0, 6)
    before = school.ok("progress", "show", "--item", "talk", "--json").data["items"]
    school.ok("groups", "add", "copy")
    for title, length in (("Talk", "10:00"), ("Live", "")):
        more = ["--duration", length] if length else []
        school.ok("videos", "add", "--title", title, *more, "-g", "copy")
    school.ok("people", "add", "Owner", "-g", "copy")
    school.ok("people", "add", "Ann", "-g", "copy")
    for _ in range(2):
        school.ok("progress", "import", file, "-g", "copy")
    after = school.ok("progress", "show", "--item", "talk", "-g", "copy", "--json").data["items"]
    kept = ("ranges", "watchTime", "lastPosition", "completedAt", "startedAt", "lastAt", "views")
    assert [{key: item[key] for key in kept} for item in after] == [
        {key: item[key] for key in kept} for item in before
    ]


def test_a_csv_file_by_hand(school: Runner, tmp_path: Path) -> None:
    text = (
        "\ufeffitem,person,ranges,at,position,id\r\n"
        'talk,ann,0-10;20.5-30,1736244000000,,a\r\ntalk,,"[[1,2]]",2025-01-07,31,\r\n'
        "talk,ann,0 to 10,,,\r\ntalk,ann,,,x,\r\n"
    )
    (tmp_path / "v.csv").write_text(text, encoding="utf-8", newline="")
    result = school("progress", "import", "v.csv", "--json")
    assert result.code == 3
    assert result.envelope["data"] == {"lines": 4, "new": 2, "known": 0, "completed": 0, "bad": 2}
    assert [error["item"] for error in result.envelope["errors"]] == ["line 3", "line 4"]
    assert row(school, "--person", "ann")["ranges"] == [[0.0, 10.0], [20.5, 30.0]]
    assert row(school)["lastPosition"] == 31.0


def test_exports_are_tables_and_lines(school: Runner) -> None:
    assert school.ok("progress", "export").out == ""
    school.ok("progress", "watch", "talk", "--range", "0-60", "--at-time", NOON)
    (line,) = school.ok("progress", "export", "--item", "talk").out.splitlines()
    found = json.loads(line)
    assert (found["item"], found["ranges"], found["at"]) == (
        "talk",
        [[0.0, 60.0]],
        "2025-01-07T12:00:00.000Z",
    )
    rows = list(csv.DictReader(io.StringIO(school.ok("progress", "export", "--csv").out)))
    assert rows[0]["ranges"] == "[[0.0, 60.0]]"
    statements = [
        json.loads(each) for each in school.ok("progress", "export", "--xapi").out.splitlines()
    ]
    assert [each["verb"]["display"]["en-US"] for each in statements] == ["played", "paused"]
    assert "example.org" not in json.dumps(statements), "no address of anybody leaves"
