"""Analytics through the command line: who may ask, what is asked for, and searches remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from vidctl.store import driver

SEARCH = ("search", "kingfisher", "--mode", "text")


@pytest.fixture
def held(run: Any, library: Path, tone: Path) -> Path:
    """A library with one processed item by Zoe, whom Ben and Ana watched."""
    run.ok("config", "set", "embed.engine", "none")
    for name, type in (("Zoe", "creator"), ("Ana", "user"), ("Ben", "user")):
        run.ok("people", "add", name, "--type", type)
    run.ok("upload", tone, "--process", "--as", "zoe")
    run.ok("videos", "add", "--title", "Other")
    for who, span, device in (("ana", "0-2", "tv"), ("ben", "0-1", "phone")):
        at = ("--at-time", "2025-01-06", "--device", device)
        run.ok("progress", "watch", "talk", "--person", who, "--range", span, *at)
    return library


def searched(run: Any, *more: str) -> list[dict[str, Any]]:
    """Return what is remembered of searches."""
    items: list[dict[str, Any]] = run.ok("analytics", "searches", "--json", *more).data["items"]
    return items


# --- who may ask --------------------------------------------------------------------------------

WHOLE = [["summary"], ["popular"], ["searches"], ["export"]]
OWN = [["video", "talk"], ["retention", "talk"], ["creator", "zoe"], ["creator"]]


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("words", WHOLE, ids=" ".join)
def test_the_whole_is_for_whoever_runs_the_group(run: Any, words: list[str]) -> None:
    run.ok("analytics", *words)
    for who in ("zoe", "ana"):
        result = run("analytics", *words, "--as", who)
        assert result.code == 4
        assert f"{who} may not view analytics" in result.err
    run.ok("people", "role", "set", "ana", "org_owner")
    run.ok("analytics", *words, "--as", "ana")


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize("words", OWN, ids=" ".join)
def test_authors_see_what_is_theirs(run: Any, words: list[str]) -> None:
    run.ok("analytics", *words, "--as", "zoe")
    if words != ["creator"]:
        assert run("analytics", *words, "--as", "ana").code == 4
    assert run("analytics", "video", "other", "--as", "zoe").code == 4


@pytest.mark.usefixtures("held")
def test_what_a_customer_does_not_see_is_not_there(run: Any) -> None:
    run.ok("people", "add", "Cem", "--role", "customer")
    missing = run("analytics", "video", "nothing", "--as", "cem")
    hidden = run("analytics", "video", "talk", "--as", "cem")
    assert (hidden.code, missing.code) == (6, 6)
    assert hidden.err.replace("talk", "nothing") == missing.err


# --- what is asked ------------------------------------------------------------------------------


@pytest.mark.usefixtures("held")
def test_a_video_is_told_in_figures(run: Any) -> None:
    data = run.ok("analytics", "video", "talk", "--json").data
    assert (data["views"], data["uniqueViewers"], data["completedViewers"]) == (2, 2, 1)
    assert (data["watchTime"], data["averagePercentageViewed"]) == (3.0, 0.75)
    assert data["completionRate"] == 0.5
    assert data["retention"] == [1.0] * 20 + [0.5] * 20
    phone = run.ok("analytics", "video", "talk", "--device", "phone", "--json").data
    assert (phone["views"], phone["watchTime"], phone["completionRate"]) == (1, 1.0, None)


@pytest.mark.usefixtures("held")
def test_a_lesson_counts_with_what_it_contains(run: Any) -> None:
    run.ok("courses", "add", "Birds")
    run.ok("videos", "add", "--title", "Clip", "--duration", "10")
    run.ok("lessons", "add", "Welcome", "--course", "birds", "--video", "clip")
    run.ok("progress", "watch", "clip", "--person", "ana", "--range", "0-5")
    run.ok("progress", "done", "welcome", "--person", "ben")
    data = run.ok("analytics", "video", "welcome", "--json").data
    assert (data["views"], data["uniqueViewers"], data["completedViewers"]) == (1, 2, 1)
    shown = run.ok("analytics", "retention", "welcome", "--buckets", "2", "--json").data
    assert (shown["duration"], [row["share"] for row in shown["items"]]) == (10, [1.0, 0.0])


@pytest.mark.usefixtures("held")
def test_a_course_is_told_lesson_by_lesson(run: Any) -> None:
    run.ok("courses", "add", "Birds")
    for title in ("One", "Two"):
        run.ok("lessons", "add", title, "--course", "birds")
    run.ok("lessons", "publish", "one", "two")
    run.ok("courses", "publish", "birds")
    run.ok("courses", "enrol", "birds", "ana", "ben")
    for who, lessons in (("ana", ("one", "two")), ("ben", ("one",))):
        run.ok("progress", "done", *lessons, "--person", who)
    data = run.ok("analytics", "course", "birds", "--json").data
    assert [data[key] for key in ("enrolled", "started", "completed")] == [2, 2, 1]
    assert (data["meanProgress"], data["active"]) == (0.75, 2)
    assert [(row["slug"], row["completed"], row["share"]) for row in data["items"]] == [
        ("one", 2, 1.0),
        ("two", 1, 0.5),
    ]
    past = run.ok("analytics", "course", "birds", "--until", "2025-01-01", "--json").data
    assert (past["active"], past["newEnrolments"], past["newCompletions"]) == (0, 0, 0)
    whole = run.ok("analytics", "summary", "--json").data
    assert (whole["enrolments"], whole["courseCompletions"]) == (2, 1)


@pytest.mark.usefixtures("held")
def test_people_leave_at_a_sentence(run: Any) -> None:
    data = run.ok("analytics", "retention", "talk", "--text", "--json").data
    assert data["drops"] == [
        {"at": 1.0, "before": 1.0, "after": 0.5, "text": "Ask for a kingfisher and it comes."}
    ]


@pytest.mark.usefixtures("held")
def test_groups_are_apart_and_add_up(run: Any) -> None:
    run.ok("groups", "add", "below", "--parent", "default")
    at = ("-g", "default/below")
    run.ok("videos", "add", "--title", "Deep", "--duration", "10", *at)
    run.ok("progress", "watch", "deep", "--person", "ana", "--range", "0-5", *at)
    views = {}
    for name, flags in (("here", ()), ("below", at), ("both", ("-r",))):
        data = run.ok("analytics", "summary", "--json", *flags).data
        views[name] = (data["views"], data["uniqueViewers"], data["watchTime"])
    assert views == {"here": (2, 2, 3.0), "below": (1, 1, 5.0), "both": (3, 2, 8.0)}
    rows = run.ok("analytics", "popular", "-r", "--json").data["items"]
    assert [(row["slug"], row["views"]) for row in rows] == [("talk", 2), ("deep", 1)]


@pytest.mark.usefixtures("held")
def test_a_removed_item_keeps_its_figures_and_loses_its_name(run: Any) -> None:
    run.ok("podcasts", "rm", "talk", "--purge", "--yes")
    (row,) = run.ok("analytics", "popular", "--json").data["items"]
    assert (row["slug"], row["name"], row["views"]) == (None, None, 2)
    assert "(removed)" in run.ok("analytics", "popular").out
    run.ok("analytics", "summary")
    (first, *_) = run.ok("analytics", "export", "--jsonl").out.splitlines()
    assert '"item": null' in first


@pytest.mark.usefixtures("held")
@pytest.mark.parametrize(
    "words",
    [
        ["summary", "--since", "soon"],
        ["summary", "--since", "2025-01-02", "--until", "2025-01-02"],
        ["summary", "--by", "day", "--since", "1900-01-01"],
        ["retention", "talk", "--buckets", "0"],
        ["popular", "--limit", "0"],
        ["popular", "--sort", "luck"],
        ["export", "--by", "hour"],
    ],
    ids=" ".join,
)
def test_wrong_input_is_one_error(run: Any, words: list[str]) -> None:
    result = run("analytics", *words)
    assert (result.code, result.out) == (2, "")
    assert result.err.count("error:") == 1


# --- searches -----------------------------------------------------------------------------------


@pytest.mark.usefixtures("held")
def test_searches_are_remembered(run: Any) -> None:
    run.ok(*SEARCH)
    run.ok("search", " KINGFISHER ", "--mode", "text", "--as", "ana")
    run.ok("search", "ostrich", "--mode", "text")
    kept = [(row["query"], row["count"], row["hits"]) for row in searched(run)]
    assert kept == [(" KINGFISHER ", 2, 1), ("ostrich", 1, 0)]
    assert [row["query"] for row in searched(run, "--zero")] == ["ostrich"]
    assert searched(run, "--until", "2025-01-01") == []
    assert len(searched(run, "--until", "9000-01-01")) == 2
    cut = run.ok("analytics", "searches", "--limit", "1")
    assert "1 of 2; more with --limit" in cut.err
    events = run.ok("events", "list", "--action", "searched", "--json").data["items"]
    actors = {event["metadata"]["query"]: event["actorId"] for event in events}
    assert actors["ostrich"] is None, "nobody was named"
    assert actors[" KINGFISHER "] is not None


@pytest.mark.usefixtures("held")
def test_a_long_query_is_cut_and_a_failed_one_forgotten(run: Any) -> None:
    run.ok("search", "word " * 200, "--mode", "text")
    assert run("search", " ", "--mode", "text").code == 2
    assert [len(row["query"]) for row in searched(run)] == [300]


@pytest.mark.usefixtures("held")
def test_searches_are_forgotten_where_a_setting_says_so(run: Any) -> None:
    run.ok("config", "set", "search.log", "false")
    run.ok(*SEARCH)
    assert searched(run) == []


@pytest.mark.usefixtures("library")
def test_a_search_makes_no_owner(run: Any) -> None:
    run.ok(*SEARCH)
    assert run.ok("people", "list", "--json").data["items"] == []
    assert len(searched(run)) == 1
    assert run("analytics", "creator").code == 6
    assert run.ok("people", "list", "--json").data["items"] == []


@pytest.mark.usefixtures("held")
def test_an_archived_group_is_searched_and_remembers_nothing(run: Any) -> None:
    run.ok("groups", "archive", "default")
    assert "talk@00:01" in run.ok(*SEARCH).out
    assert searched(run) == []


def test_a_busy_library_is_searched_at_once(run: Any, held: Path) -> None:
    import time

    # Two SQLite libraries in one process do not see each other's locks: take the same one.
    other = driver.choose().module.connect(str(held), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    assert "talk@00:01" in run.ok(*SEARCH).out
    assert time.monotonic() - began < 5, "the busy timeout of a write is 15 seconds"
    other.execute("ROLLBACK")
    other.close()
    assert searched(run) == []


def test_a_search_survives_a_log_that_cannot_be_written(
    run: Any, held: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vidctl.errors import StorageFailed
    from vidctl.store.events import SqliteEvents

    def refuse(*_: Any) -> int:
        raise StorageFailed("attempt to write a readonly database")

    monkeypatch.setattr(SqliteEvents, "append", refuse)
    result = run.ok(*SEARCH)
    assert "talk@00:01" in result.out
    assert "readonly" not in result.err
