"""Editing many items by query: all or nothing, in scope, and only what one may edit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Runner

from vidctl import failpoints
from vidctl.catalog.editing import Change, Marks
from vidctl.config import Config
from vidctl.library import Library

pytestmark = pytest.mark.usefixtures("shelf")


@pytest.fixture
def shelf(run: Runner, library: Path) -> None:
    """Four videos, one archived, one in a group below, and an episode, all tagged x."""
    for title in ("One", "Two", "Old"):
        run.ok("videos", "add", "--title", title, "--tag", "x")
    run.ok("videos", "archive", "old")
    run.ok("podcasts", "add", "--title", "Talk", "--tag", "x")
    run.ok("groups", "add", "default/below")
    run.ok("videos", "add", "--title", "Deep", "--tag", "x", "-g", "default/below")


def tags(run: Runner) -> dict[str, list[str]]:
    found = {}
    for noun in ("videos", "podcasts"):
        data = run.ok(noun, "list", "-r", "--status", "all", "--json").data
        found |= {item["slug"]: item["properties"].get("tags", []) for item in data["items"]}
    return found


def edits(run: Runner, slug: str) -> list[Any]:
    words = ("events", "list", "-r", "--target", slug, "--type", "entity_updated", "--json")
    return [event["metadata"]["changed"] for event in run.ok(*words).data["items"]]


def test_what_fits_is_changed_and_nothing_else(run: Runner) -> None:
    data = run.ok("videos", "edit", "--where", "tag=X", "--add-tag", "y", "--json").data
    assert [item["slug"] for item in data["items"]] == ["one", "two"]
    assert (data["total"], data["matched"], data["next"]) == (2, 2, None)
    assert (data["items"][0]["before"], data["items"][0]["after"]) == (
        {"tags": ["x"]},
        {"tags": ["x", "y"]},
    )
    both, only = ["x", "y"], ["x"]
    assert tags(run) == {"one": both, "two": both, "old": only, "talk": only, "deep": only}
    run.ok("videos", "edit", "--where", "tag=x and status=archived", "--add-tag", "z")
    run.ok("videos", "edit", "-r", "--where", "title~dee", "--rm-tag", "x")
    run.ok("podcasts", "edit", "--where", "tag=x", "--tags", "a,b", "--rm-tag", "A")
    assert tags(run) == {"one": both, "two": both, "old": ["x", "z"], "talk": ["b"], "deep": []}


def test_each_change_is_one_event_and_no_change_is_none(run: Runner) -> None:
    words = ("videos", "edit", "--where", "tag=x", "--add-tag", "y", "--add-label", "L")
    run.ok(*words)
    run.ok("videos", "edit", "one", "--add-tag", "z")
    done = run.ok(*words, "--add-tag", "z")
    assert done.err == "changed 1 of 2 videos\n"
    assert edits(run, "one") == [["tags"], ["tags", "labels"]]
    assert edits(run, "two") == [["tags"], ["tags", "labels"]]
    assert run.ok(*words).out == ""
    assert len(edits(run, "one")) == 2


def test_a_rehearsal_says_it_all_and_changes_nothing(run: Runner, library: Path) -> None:
    before = run.ok("events", "export", "-r").out, tags(run)
    words = ("videos", "edit", "--where", "tag=x", "--add-tag", "y", "--add-label", "L")
    shown = run.ok(*words, "-n")
    assert shown.out == "".join(
        f"{slug}\ttags x → x, y; labels none → L\n" for slug in ("one", "two")
    )
    assert shown.err == "would change 2 of 2 videos\nnothing was changed\n"
    assert (run.ok("events", "export", "-r").out, tags(run)) == before
    assert run.ok("labels", "list").out == ""


@pytest.mark.parametrize(
    "words",
    [
        ["--title", "Same"],
        ["--slug", "same"],
        ["--description", "Same"],
        ["--youtube-id", "dQw4w9WgXcQ"],
        ["--video-url", "https://example.org/v.mp4"],
        ["--duration", "soon"],
        ["--thumbnail", "no address"],
        ["--set", "nonsense"],
        ["--add-label", "x" * 300],
        ["--add-tag", "x" * 300],
    ],
    ids=lambda words: words[0],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    run: Runner, words: list[str]
) -> None:
    before = run.ok("events", "export").out, tags(run)
    for chosen in (["--where", "tag=x"], ["one", "two"]):
        result = run("videos", "edit", *chosen, "--add-tag", "y", *words)
        assert (result.code, result.out) == (2, "")
    assert (run.ok("events", "export").out, tags(run)) == before


def test_one_item_may_be_found_by_a_query_and_renamed(run: Runner) -> None:
    run.ok("videos", "edit", "--where", "title~one", "--title", "First", "--slug", "first")
    assert run.ok("videos", "show", "first", "--json").data["name"] == "First"


def test_a_failure_half_way_leaves_everything(run: Runner) -> None:
    before = run.ok("events", "export").out, tags(run)
    failpoints.arm("store.commit:1:eio")
    assert run("videos", "edit", "--where", "tag=x", "--add-tag", "y").code == 1
    failpoints.arm("")
    assert (run.ok("events", "export").out, tags(run)) == before


def test_only_what_one_may_edit(run: Runner) -> None:
    run.ok("people", "add", "Ana", "--type", "creator", "--role", "org_user")
    run.ok("videos", "add", "--title", "Mine", "--tag", "x", "--as", "ana")
    words = ("videos", "edit", "--where", "tag=x", "--add-tag", "y", "--as", "ana")
    done = run.ok(*words)
    assert done.out == "mine\ttags x → x, y\n"
    assert done.err == "changed 1 of 1 video\n2 more are not yours to edit\n"
    named = run("videos", "edit", "mine", "one", "--add-tag", "z", "--as", "ana")
    assert named.code == 3
    assert named.out == "mine\ttags x, y → x, y, z\n"
    assert run("videos", "edit", "one", "two", "--add-tag", "z", "--as", "ana").code == 4
    mine = run.ok("videos", "list", "--where", "author=ana", "--fields", "slug").out
    assert mine == run.ok("videos", "list", "--author", "ana", "--fields", "slug").out == "mine\n"
    assert run("videos", "list", "--where", "author=nobody").code == 6


def test_a_group_that_is_archived_stays_as_it_is(run: Runner) -> None:
    run.ok("groups", "archive", "default/below")
    result = run("videos", "edit", "-r", "--where", "tag=x", "--add-tag", "y")
    assert result.code == 9
    assert set(map(tuple, tags(run).values())) == {("x",)}


def test_the_text_index_follows(run: Runner, tone: Path) -> None:
    run.ok("upload", tone, "--process", env={"VIDCTL_EMBED_ENGINE": "none"})
    words = {"env": {"VIDCTL_EMBED_ENGINE": "none"}}
    assert run.ok("search", "ornithology", "--mode", "text", **words).out == ""
    run.ok("podcasts", "edit", "--where", "title~talk", "--add-tag", "ornithology", **words)
    assert "talk" in run.ok("search", "ornithology", "--mode", "text", **words).out


def test_from_python(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder)
    library = Library.open(Config())
    try:
        change = Change({"language": "en"}, Marks(add_labels=("L",)))
        outcome = library.videos.edit_where(["tag=x"], change)
        assert [item["changed"] for item in outcome.data["items"]] == [["language", "labels"]] * 2
        outcome = library.videos.edit_each(["one", "two"], change)
        assert (outcome.data["items"], outcome.data["matched"]) == ([], 2)
    finally:
        library.close()
