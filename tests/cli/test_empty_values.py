"""Values that a script's unset variable leaves empty, and other near misses, change nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import Runner


@pytest.mark.parametrize("flag", ["--group", "--db", "--as"])
def test_an_empty_scope_is_refused(run: Runner, library: Path, flag: str) -> None:
    result = run(flag, "", "videos", "add", "--title", "Stray")
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"error: {flag} is empty\n")
    assert run.ok("videos", "list", "--json").data["total"] == 0


def test_an_empty_variable_is_no_variable(run: Runner, library: Path) -> None:
    run.ok("videos", "add", "--title", "Kept")
    listed = run.ok("videos", "list", "--json", env={"VIDCTL_GROUP": ""})
    assert listed.data["total"] == 1


def test_an_empty_path_is_not_this_folder(run: Runner, library: Path, tone: Path) -> None:
    result = run("upload", "")
    assert (result.code, result.err) == (2, "error: an empty path names no file\n")
    assert run.ok("podcasts", "list", "--json").data["total"] == 0


def test_the_demo_does_not_pretend_to_rehearse(run: Runner, tmp_path: Path) -> None:
    assert run("-n", "demo", "--keep", "kept").code == 2
    assert list(tmp_path.iterdir()) == []


def test_broken_settings_are_told_not_replaced(run: Runner, library: Path, tmp_path: Path) -> None:
    file = tmp_path / "vidctl.toml"
    file.write_text("group = [\n", encoding="utf-8")
    result = run("config", "set", "group", "x")
    assert result.code == 2
    assert "is not valid TOML" in result.err
    assert file.read_text(encoding="utf-8") == "group = [\n"


def test_an_unknown_item_is_not_found_by_any_stage(run: Runner, library: Path) -> None:
    for command in ("transcribe", "index", "process"):
        assert run(command, "nope").code == 6


def test_archived_groups_are_left_alone_and_the_rest_goes_on(
    run: Runner, library: Path, tone: Path
) -> None:
    run.ok("config", "set", "embed.engine", "none")
    run.ok("groups", "add", "acme")
    run.ok("groups", "add", "acme/shut")
    run.ok("videos", "add", "--title", "Shut", "-g", "acme/shut")
    run.ok("upload", tone, "-g", "acme")
    run.ok("groups", "archive", "acme/shut")
    result = run.ok("process", "-g", "acme", "-r", "--json")
    assert [item["slug"] for item in result.data["items"]] == ["talk"]
    assert result.envelope["notes"] == ["items of archived groups were left alone"]


def test_a_purge_says_what_it_did(run: Runner, library: Path) -> None:
    run.ok("videos", "add", "--title", "Clip")
    rehearsed = run.ok("videos", "rm", "clip", "--purge", "-n", "--json").envelope
    assert rehearsed["data"]["items"][0]["purged"] is False
    assert rehearsed["notes"] == ["nothing was changed"]
    assert run.ok("videos", "rm", "clip", "--purge", "-y").out == "clip\tremoved\n"


def test_details_of_a_file_that_is_here_already_are_not_dropped_silently(
    run: Runner, library: Path, tone: Path
) -> None:
    run.ok("upload", tone)
    result = run.ok("upload", tone, "--title", "Other")
    assert "keeps its details" in result.err
    assert run.ok("podcasts", "show", "talk", "--fields", "name").out == "talk\n"
