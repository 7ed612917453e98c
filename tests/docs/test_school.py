"""The example school can be built from its own script, and its figures are those of its month."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from doc_pages import ROOT
from harness import Spawner

SCHOOL = ROOT / "examples" / "school"
SCIENCE, ARTS = "harbour-school/science", "harbour-school/arts"
JANUARY = ("--since", "2025-01-01", "--until", "2025-02-01")


def month() -> dict[str, list[dict[str, Any]]]:
    """Return the viewings of each department, made by the example's own script."""
    spec = importlib.util.spec_from_file_location("month", SCHOOL / "month.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return {name: list(module.viewings(name)) for name in ("science", "arts")}


MONTH = month()


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spawner]:
    """The school, built once by ``build.sh`` in an empty folder and home."""
    folder, home = tmp_path_factory.mktemp("school"), tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(home))
        patch.setenv("VIDCTL_HOME", str(home / "vidctl"))
        patch.setenv("VIDCTL_EMBED_ENGINE", "none")
        patch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
        spawn = Spawner(folder)
        done = subprocess.run(
            ["bash", str(SCHOOL / "build.sh")],
            cwd=folder,
            env=spawn.environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield spawn


def data(school: Spawner, *arguments: str) -> Any:
    """Return the data of a command in the school."""
    ran = school(*arguments, "--json")
    assert ran.code == 0, ran
    return json.loads(ran.out)["data"]


def seconds(viewings: list[dict[str, Any]]) -> float:
    return sum(end - start for viewing in viewings for start, end in viewing["ranges"])


def union(ranges: list[list[float]]) -> float:
    """Return how many seconds some ranges cover together, by brute force over their edges."""
    edges = sorted({edge for pair in ranges for edge in pair})
    return sum(
        after - before
        for before, after in itertools.pairwise(edges)
        if any(start <= before and after <= end for start, end in ranges)
    )


@pytest.mark.parametrize(("group", "name"), [(SCIENCE, "science"), (ARTS, "arts")])
def test_the_summary_of_a_department_is_its_month(school: Spawner, group: str, name: str) -> None:
    found = data(school, "-g", group, "analytics", "summary", *JANUARY)
    assert found["views"] == len(MONTH[name])
    assert found["uniqueViewers"] == len({viewing["person"] for viewing in MONTH[name]})
    assert found["watchTime"] == pytest.approx(seconds(MONTH[name]), abs=0.5)


def test_the_organisation_is_both_departments(school: Spawner) -> None:
    found = data(school, "-g", "harbour-school", "-r", "analytics", "summary", *JANUARY)
    both = MONTH["science"] + MONTH["arts"]
    assert found["views"] == len(both)
    assert found["uniqueViewers"] == len({viewing["person"] for viewing in both})
    alone = data(school, "-g", "harbour-school", "analytics", "summary", *JANUARY)
    assert alone["views"] == 0, "and without -r it is neither"


def test_progress_is_the_union_of_what_was_watched(school: Spawner) -> None:
    film = "why-there-are-two-tides"
    rows = data(school, "-g", SCIENCE, "progress", "show", "--item", film)["items"]
    seen: dict[str, list[list[float]]] = {}
    for viewing in MONTH["science"]:
        if viewing["item"] == film:
            seen.setdefault(viewing["person"], []).extend(viewing["ranges"])
    assert len(rows) == len(seen)
    for row in rows:
        ranges = seen[row["person"]]
        assert row["seen"] == pytest.approx(union(ranges), abs=0.01)
        assert row["completed"] == (union(ranges) >= 0.9 * 500)


def test_the_guest_sees_the_course_that_was_bought(school: Spawner) -> None:
    as_guest = ("-g", SCIENCE, "--as", "guest")
    films = data(school, *as_guest, "videos", "list")["items"]
    assert {film["slug"] for film in films} == {
        "why-there-are-two-tides",
        "spring-and-neap",
        "reading-a-tide-table",
    }
    assert school(*as_guest, "videos", "show", "knots-that-hold").code == 6
    assert school(*as_guest, "videos", "edit", "spring-and-neap", "--title", "Mine").code == 4
    found = data(school, *as_guest, "search", "second bulge", "--mode", "text")["hits"]
    assert found
    assert found[0]["ref"].startswith("why-there-are-two-tides@")


def test_everybody_has_the_standing_of_their_role(school: Spawner) -> None:
    members = data(school, "-g", SCIENCE, "groups", "members")["items"]
    roles = {member["slug"]: member["role"] for member in members}
    assert roles["head"] == "org_owner", "from the organisation above"
    assert roles["guest"] == "customer"
    assert "arts-teacher" not in roles


def test_the_course_report_says_who_is_where(school: Spawner) -> None:
    rows = data(school, "-g", SCIENCE, "courses", "report", "tides")["items"]
    progress = {row["person"]: row["progress"] for row in rows}
    assert {f"student-{number}" for number in range(1, 7)} <= progress.keys()
    assert all(0 <= share <= 1 for share in progress.values())
    assert progress["student-1"] > 0, "plan-a-crossing is done"


def test_the_playlist_keeps_its_order(school: Spawner) -> None:
    rows = data(school, "-g", ARTS, "playlists", "items", "first-evening")["items"]
    assert [row["slug"] for row in rows] == ["seeing-edges", "light-and-shade"]


def test_building_on_sends_no_event_twice(school: Spawner) -> None:
    lines = "".join(json.dumps(viewing) + "\n" for viewing in MONTH["arts"])
    process = school.start("-g", ARTS, "progress", "watch", "-", "--json")
    out, _ = process.communicate(lines.encode(), timeout=60)
    assert process.returncode == 0
    assert json.loads(out)["data"]["new"] == 0
    found = data(school, "-g", ARTS, "analytics", "summary", *JANUARY)
    assert found["views"] == len(MONTH["arts"])


def test_nobody_leaves_unheard(school: Spawner) -> None:
    arguments = ("analytics", "retention", "why-there-are-two-tides", "--text")
    shown = school("-g", SCIENCE, *arguments)
    assert shown.code == 0
    assert "numbers" in shown.out or "harbour" in shown.out
    assert max(map(len, shown.out.splitlines())) <= 80
