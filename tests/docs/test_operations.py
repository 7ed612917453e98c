"""Each operation of the page is run twice, as its command and as its call, with one answer."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doc_pages import page
from harness import Clock, Runner

from vidctl.config import Config
from vidctl.ids import is_id
from vidctl.library import Library
from vidctl.model.thing import ThingQuery

ROW = re.compile(r"^\| `(\w+)` \| `(vidctl .+?)` \| `(library\..+?)` \|$", re.MULTILINE)
ROWS = {
    name: (command, call)
    for name, command, call in ROW.findall(page("docs/reference/operations.md").text)
}
# Every mutation and query that the page must name.
PLANNED = [
    "createVideo",
    "updateVideo",
    "deleteVideo",
    "updateWatchProgress",
    "markVideoComplete",
    "createPlaylist",
    "addToPlaylist",
    "removeFromPlaylist",
    "reorderPlaylist",
    "createCourse",
    "createLesson",
    "enrollInCourse",
    "updateCourseProgress",
    "listVideos",
    "getVideoById",
    "getCreatorVideos",
    "listPlaylists",
    "getPlaylistVideos",
    "getUserPlaylists",
    "getWatchProgress",
    "getCourseProgress",
    "getCreatorAnalytics",
    "getVideoAnalytics",
    "getCourseAnalytics",
]
SETUP = (
    "init",
    "people add Ann --type creator --role org_owner",
    "people add Bo",
    "videos add --title Tides --duration 8:20 --publish --as ann",
    "videos add --title Knots --duration 5:00 --publish --as ann",
    "videos add --title Waves --duration 5:00 --publish --as ann",
    "playlists add Harbour --as ann",
    "playlists add-item harbour knots waves",
    "courses add Sea --as ann",
    'lessons add "First Lesson" --course sea --video waves',
    "courses publish sea",
    "courses enrol sea ann",
    "progress watch tides --range 0-60 --person bo --device mobile",
    "progress watch tides --range 50-400 --device tv",
    "progress done waves --person bo",
)


def test_the_page_names_every_operation() -> None:
    assert list(ROWS) == PLANNED


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A library with something of everything."""
    folder = tmp_path_factory.mktemp("operations")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VIDCTL_HOME", str(folder / "home"))
        patch.setenv("VIDCTL_EMBED_ENGINE", "none")
        run = Runner(patch, folder)
        for line in SETUP:
            run.ok(*shlex.split(line))
        yield folder


def same(value: Any, names: dict[str, str]) -> Any:
    """Return a value with new ids called by their order of appearance."""
    if isinstance(value, dict):
        return {same(key, names): same(inner, names) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [same(inner, names) for inner in value]
    if isinstance(value, str) and is_id(value):
        return names.setdefault(value, f"id{len(names)}")
    return value


@pytest.mark.parametrize("name", ROWS)
def test_a_call_answers_like_its_command(
    name: str,
    template: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    frozen: Clock,
) -> None:
    command, call = ROWS[name]
    monkeypatch.setenv("VIDCTL_EMBED_ENGINE", "none")
    answers = []
    frozen.milliseconds += 10**12  # after whatever the template holds
    for side in ("command", "call"):
        folder = tmp_path / side
        shutil.copytree(template, folder)
        if side == "command":
            ran = Runner(monkeypatch, folder).ok(*shlex.split(command)[1:], "--json")
            answers.append(ran.data)
            continue
        library = Library.open(Config(start=folder))
        try:
            outcome = eval(call, {"library": library, "ThingQuery": ThingQuery})
        finally:
            library.close()
        assert outcome.errors == []
        answers.append(json.loads(json.dumps(outcome.data)))
    first, second = (same(answer, {}) for answer in answers)
    assert first == second
    assert first
