"""The verbs of ``vidctl courses`` that are about the people who take them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.commands.course_flags import Course, Weight
from vidctl.timecode import iso

People = Annotated[
    list[str] | None,
    typer.Argument(metavar="WHO", help="Slugs, ids, emails, or a .csv file of people."),
]


def percent(share: float) -> str:
    """Write a share of 1 as percent, rounded down: 100 % is all of it."""
    return f"{int(share * 100 + 1e-9)} %"


def day(moment: int | None) -> str:
    """Write a moment in epoch milliseconds as its day, nothing for None."""
    return "" if moment is None else iso(moment)[:10]


ENROLLED = (
    ("person", lambda item: str(item["person"])),
    ("name", lambda item: str(item["name"])),
    ("progress", lambda item: percent(item["progress"])),
    ("state", lambda item: "enrolled" if item["new"] else "was enrolled already"),
)
UNENROLLED = (
    ("person", lambda item: str(item["person"])),
    ("state", lambda item: "unenrolled" if item["removed"] else "was not enrolled"),
)
REPORT = (
    ("person", lambda item: str(item["person"])),
    ("name", lambda item: str(item["name"])),
    ("progress", lambda item: percent(item["progress"])),
    ("lessons", lambda item: f"{item['lessonsDone']}/{item['lessonsTotal']}"),
    ("started", lambda item: day(item["startedAt"])),
    ("last", lambda item: day(item["lastAccessedAt"])),
    ("completed", lambda item: day(item["completedAt"])),
)


def enrol(
    ctx: typer.Context,
    course: Course,
    who: People = None,
    members_of: Annotated[
        str,
        typer.Option("--group-members", metavar="GROUP", help="Enrol the members of this group."),
    ] = "",
) -> None:
    """Enrol people in a course; enrolling twice changes nothing."""
    with call(ctx) as c:
        outcome = c.change(
            lambda: c.library.courses.enrol(course, who or (), members_of=members_of)
        )
        word = c.said("enrolled", "enrol")
        c.finish(outcome, columns=(*ENROLLED[:3], ("state", lambda item: _state(item, word))))


def _state(item: dict[str, Any], word: str) -> str:
    return word if item["new"] else ENROLLED[3][1](item)


def unenrol(
    ctx: typer.Context,
    course: Course,
    who: Annotated[
        list[str],
        typer.Argument(metavar="WHO", help="Slugs, ids, emails, or a .csv file of people."),
    ],
) -> None:
    """Take people out of a course; their progress is kept."""
    with call(ctx) as c:
        outcome = c.change(lambda: c.library.courses.unenrol(course, who))
        c.finish(outcome, columns=UNENROLLED)


def report(
    ctx: typer.Context,
    course: Course,
    weight: Annotated[
        Weight | None, typer.Option(help="What counts; by default what courses.weight says.")
    ] = None,
) -> None:
    """List who takes a course and how far they are, the furthest first."""
    with call(ctx) as c:
        outcome = c.library.courses.report(course, weight=weight.value if weight else "")
        c.finish(outcome, columns=REPORT)


def progress(
    ctx: typer.Context,
    course: Course,
    who: Annotated[str, typer.Option("--person", metavar="WHO", help="Whose progress.")] = "me",
) -> None:
    """Show how far a person is in a course, lesson by lesson."""
    with call(ctx) as c:
        from vidctl.cli.commands.course_screens import advanced

        outcome = c.library.courses.progress(course, who)
        c.finish(outcome, text=lambda: advanced(outcome.data, c.output.columns))
