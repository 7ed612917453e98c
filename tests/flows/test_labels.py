"""Labels through commands and the Python API: roles, groups, and the events they leave."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import Runner

from vidctl.config import Config
from vidctl.errors import NotFound
from vidctl.library import Library

pytestmark = pytest.mark.usefixtures("school")


@pytest.fixture
def school(run: Runner, library: Path) -> None:
    """Three videos, one of them Ana's; Oda may do anything, Ben views, Cleo bought one."""
    for name, type, role in (
        ("Oda", "user", "org_owner"),
        ("Ana", "creator", "org_user"),
        ("Ben", "user", "org_user"),
        ("Cleo", "user", "customer"),
    ):
        run.ok("people", "add", name, "--type", type, "--role", role)
    run.ok("videos", "add", "--title", "Heron", "--publish")
    run.ok("videos", "add", "--title", "Kite", "--as", "ana", "--publish")
    run.ok("podcasts", "add", "--title", "Talk")
    run.ok("people", "grant", "cleo", "heron")
    run.ok("labels", "add", "Best", "heron", "talk", "kite")


def labels(run: Runner, *more: str) -> dict[str, int]:
    data = run.ok("labels", "list", "--json", *more).data
    return {row["label"]: row["items"] for row in data["items"]}


def changes(run: Runner, slug: str) -> list[Any]:
    data = run.ok("events", "list", "--target", slug, "--type", "entity_updated", "--json").data
    return [event["metadata"]["changed"] for event in data["items"]]


def test_whoever_may_edit_an_item_labels_it(run: Runner) -> None:
    run.ok("labels", "add", "mine", "kite", "--as", "ana")
    run.ok("labels", "add", "owned", "heron", "kite", "--as", "oda")
    refused = run("labels", "add", "x", "heron", "--as", "ana")
    assert (refused.code, refused.out) == (4, "")
    partly = run("labels", "add", "x", "heron", "kite", "--as", "ana", "--json")
    assert partly.code == 3
    assert [item["slug"] for item in partly.envelope["data"]["items"]] == ["kite"]
    for who, code in (("ben", 4), ("cleo", 4)):
        assert run("labels", "rm", "best", "heron", "--as", who).code == code
    assert run("labels", "add", "x", "kite", "--as", "cleo").code == 6
    assert labels(run) == {"Best": 3, "mine": 1, "owned": 2, "x": 1}


def test_only_an_owner_renames(run: Runner) -> None:
    for words in (["rename", "best", "good"], ["merge", "best", "--into", "good"]):
        for who in ("ana", "ben", "cleo"):
            result = run("labels", *words, "--as", who)
            assert result.code == 4, (words, who)
    assert labels(run) == {"Best": 3}
    run.ok("labels", "rename", "best", "good", "--as", "oda")
    assert labels(run) == {"good": 3}


def test_everyone_sees_the_labels_of_what_they_see(run: Runner) -> None:
    run.ok("labels", "add", "hidden", "talk")
    assert labels(run, "--as", "ben") == {"Best": 3, "hidden": 1}
    assert labels(run, "--as", "cleo") == {"Best": 1}
    assert run("labels", "list", "--item", "talk", "--as", "cleo").code == 6
    shown = run.ok("videos", "show", "heron", "--as", "cleo", "--json").data
    assert shown["labels"] == ["Best"]


def test_every_change_is_logged_once(run: Runner) -> None:
    assert changes(run, "heron") == [["labels"]]
    run.ok("labels", "add", "BEST", "heron", "talk")
    run.ok("labels", "rm", "never", "heron")
    run.ok("labels", "rename", "best", "Best")
    assert changes(run, "heron") == [["labels"]]
    run.ok("labels", "rename", "best", "BEST")
    run.ok("labels", "rm", "best", "heron")
    assert changes(run, "heron") == [["labels"]] * 3
    assert changes(run, "talk") == [["labels"]] * 2


def test_a_rename_into_a_label_keeps_each_item_once(run: Runner) -> None:
    run.ok("labels", "add", "Good", "heron")
    data = run.ok("labels", "rename", "best", "GOOD", "--json").data
    assert data == {"label": "Good", "items": 3, "changed": 3}
    assert labels(run) == {"Good": 3}
    run.ok("labels", "add", "a", "heron", "kite")
    run.ok("labels", "add", "b", "kite", "talk")
    data = run.ok("labels", "merge", "a", "b", "A", "--into", "c", "--json").data
    assert data == {"label": "c", "items": 3, "changed": 3}
    missing = run("labels", "merge", "c", "nothing", "--into", "d")
    assert missing.code == 6
    assert labels(run) == {"c": 3, "Good": 3}, "all or nothing"


def test_groups_have_labels_of_their_own(run: Runner) -> None:
    run.ok("groups", "add", "default/below")
    run.ok("videos", "add", "--title", "Deep", "-g", "default/below")
    run.ok("labels", "add", "best", "deep", "-g", "default/below")
    assert labels(run, "-g", "default/below") == {"best": 1}
    assert labels(run) == {"Best": 3}
    assert labels(run, "-r") == {"Best": 4}
    run.ok("labels", "rename", "best", "top")
    assert labels(run, "-r") == {"best": 1, "top": 3}
    run.ok("labels", "merge", "best", "--into", "top", "-r")
    assert labels(run, "-r") == {"top": 4}
    run.ok("groups", "archive", "default/below")
    refused = run("labels", "rename", "top", "best", "-r")
    assert refused.code == 9
    assert "the group default/below is archived" in refused.err
    assert labels(run, "-r") == {"top": 4}


def test_what_is_archived_keeps_its_labels_and_what_is_purged_does_not(run: Runner) -> None:
    run.ok("videos", "archive", "heron")
    assert labels(run) == {"Best": 3}
    assert run.ok("videos", "list", "--label", "best", "--fields", "slug").out == "kite\n"
    run.ok("videos", "rm", "heron", "--purge", "--yes")
    assert labels(run) == {"Best": 2}
    run.ok("doctor")


def test_from_python(run: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run.folder)
    library = Library.open(Config())
    try:
        added = library.labels.add("New", ["heron", "talk"])
        assert [item["labels"] for item in added.data["items"]] == [["Best", "New"]] * 2
        assert library.labels.remove("new", ["talk"]).data["items"][0]["changed"]
        assert library.labels.rename("NEW", "Newer").data["label"] == "Newer"
        assert library.labels.merge(["best", "newer"], into="one").data["items"] == 3
        assert library.labels.all().data["items"] == [{"label": "one", "items": 3}]
        with pytest.raises(NotFound):
            library.labels.rename("gone", "x")
    finally:
        library.close()
