"""Courses and lessons as people see them: the outline as a tree, one field a line, progress."""

from __future__ import annotations

import itertools
from typing import Any

from vidctl.cli.commands.enrolment import day, percent
from vidctl.cli.text import fit, pad, plural, visible, width, wrapped
from vidctl.timecode import clock, iso

FIELD = 15


def drawn(data: dict[str, Any], columns: int) -> str:
    """Return the outline of a course as a tree that fits ``columns``."""
    rows = data["items"]
    length = clock(data["duration"]) if data["duration"] else ""
    about = ", ".join(part for part in (plural(len(rows), "lesson"), length) if part)
    lines = [f"{visible(data['course']['name'])} ({about})"]
    groups = [list(group) for _, group in itertools.groupby(rows, key=lambda row: row["section"])]
    # What has no section stands beside the sections.
    top = [
        entry
        for group in groups
        for entry in ([group] if group[0]["section"] is not None else [[row] for row in group])
    ]
    named = max((width(_numbered(row)) for row in rows), default=0)
    for number, entry in enumerate(top):
        is_last = number == len(top) - 1
        branch, deeper = ("└── ", "    ") if is_last else ("├── ", "│   ")
        if entry[0]["section"] is None:
            lines.append(_leaf(branch, entry[0], named + 4, columns))
            continue
        lines.append(branch + fit(visible(entry[0]["section"]), columns - 4))
        for place, row in enumerate(entry):
            inner = "└── " if place == len(entry) - 1 else "├── "
            lines.append(_leaf(deeper + inner, row, named, columns))
    return "\n".join(lines)


def _numbered(row: dict[str, Any]) -> str:
    return f"{row['ordinal']}  {visible(row['name'])}"


def _leaf(branch: str, row: dict[str, Any], named: int, columns: int) -> str:
    said = [pad(row["lessonType"], 5)]
    if row["duration"] is not None:
        said.append(clock(row["duration"]))
    if row["status"] != "published":
        said.append(row["status"])
    tail = "  ".join(said).rstrip()
    video = row["video"]
    if video is not None and video["status"] != "published":
        about = f"{tail}  ({video['slug']}: {video['status']})"
        # On a narrow terminal the titles matter more.
        tail = about if width(branch) + named + 2 + width(about) <= columns else tail
    room = max(8, min(named, columns - width(branch) - 2 - width(tail)))
    return f"{branch}{pad(fit(_numbered(row), room), room)}  {tail}"


def described(data: dict[str, Any], columns: int) -> str:
    """Return a course for people, one field a line."""
    lessons = plural(data["totalLessons"], "lesson")
    if data["draftLessons"]:
        lessons += f", {data['draftLessons']} of them drafts"
    enrolled = data["enrolled"]
    rows = {
        **_head(data),
        **{key: _shown(key, value) for key, value in data["properties"].items()},
        "lessons": lessons,
        "duration": clock(data["duration"]) if data["duration"] else "",
        "enrolled": "" if enrolled is None else f"{enrolled:,}",
        **_dates(data),
    }
    return "\n".join([visible(data["name"]), "", *fields(rows, columns)])


def lesson(data: dict[str, Any], columns: int) -> str:
    """Return a lesson for people: one field a line, its text and its questions last."""
    properties = dict(data["properties"])
    body, quiz = properties.pop("body", None), properties.pop("quiz", None) or []
    properties.pop("duration", None)
    video, place = data["video"], data["ordinal"]
    rows = {
        **_head(data),
        "course": data["course"]["slug"],
        "section": data["section"] or "",
        "place": "" if place is None else str(place),
        "video": "" if video is None else video["slug"],
        **{key: _shown(key, value) for key, value in properties.items()},
        "duration": "" if data["duration"] is None else clock(data["duration"]),
        **_dates(data),
    }
    lines = [visible(data["name"]), "", *fields(rows, columns)]
    if body:
        lines.append("")
        for line in visible(body, lines=True).split("\n"):
            lines += wrapped(line, columns, "")
    for number, question in enumerate(quiz, start=1):
        lines += ["", *wrapped(f"{number}. {visible(question['question'])}", columns, "")]
        for place, choice in enumerate(question["choices"]):
            is_right = question.get("answer") in (choice, place)
            lines += wrapped(visible(choice), columns, "   * " if is_right else "   - ")
    return "\n".join(lines)


def advanced(data: dict[str, Any], columns: int) -> str:
    """Return a person's progress in a course for people, one lesson a line."""
    done = f"{data['lessonsDone']} of {plural(data['lessonsTotal'], 'lesson')}"
    lines = [
        f"{visible(data['name'])} in {visible(data['course'])}: {percent(data['progress'])}, {done}"
    ]
    named = max((width(_numbered(row)) for row in data["items"]), default=0)
    for row in data["items"]:
        if row["completed"]:
            state = f"done {day(row['completedAt'])}"
        elif row["lastPosition"]:
            state = f"at {clock(row['lastPosition'])}"
        else:
            state = "begun" if row["startedAt"] is not None else ""
        room = max(8, min(named, columns - 24))
        name = pad(fit(_numbered(row), room), room)
        lines.append(f"{name}  {pad(row['lessonType'], 5)}  {state}".rstrip())
    return "\n".join(lines)


def fields(rows: dict[str, str], columns: int) -> list[str]:
    """Return fields that are not empty, one a line, wrapped behind their names."""
    lines = []
    for key, value in rows.items():
        if value:
            first, *rest = wrapped(value, columns, " " * FIELD)
            lines += [f"{key:<{FIELD - 1}} {first[FIELD:]}", *rest]
    return lines


def _head(data: dict[str, Any]) -> dict[str, str]:
    authors = ", ".join(author["name"] for author in data["authors"])
    rows = {key: visible(str(data[key])) for key in ("type", "status", "slug", "id")}
    return {**rows, "authors": visible(authors)}


def _dates(data: dict[str, Any]) -> dict[str, str]:
    return {"added": iso(data["createdAt"]), "changed": iso(data["updatedAt"])}


def _shown(key: str, value: Any) -> str:
    if key == "publishedAt":
        return iso(value)
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return visible(", ".join(map(str, value)))
    if isinstance(value, dict):
        return visible(", ".join(f"{name} {inner}" for name, inner in value.items()))
    return visible(str(value))
