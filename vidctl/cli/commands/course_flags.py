"""What the options of ``courses`` and ``lessons`` say, and the verbs that both have."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from vidctl.cli.call import Call
from vidctl.cli.commands.item_flags import text_or_file
from vidctl.cli.output import Columns
from vidctl.errors import UsageError
from vidctl.outcome import Outcome
from vidctl.timecode import parse_date

if TYPE_CHECKING:
    from vidctl.library.courses import Courses
    from vidctl.library.lessons import Lessons


class Level(StrEnum):
    """Whom a course is for."""

    beginner = "beginner"
    intermediate = "intermediate"
    advanced = "advanced"
    all = "all"


class LessonType(StrEnum):
    """What a lesson is."""

    video = "video"
    text = "text"
    quiz = "quiz"


class Weight(StrEnum):
    """What course progress counts."""

    lessons = "lessons"
    duration = "duration"


Course = Annotated[str, typer.Argument(metavar="COURSE", help="Slug, id or id prefix.")]
Courses_ = Annotated[list[str], typer.Argument(metavar="COURSE", help="Slugs or ids.")]
Lesson = Annotated[str, typer.Argument(metavar="LESSON", help="Slug, id or id prefix.")]
Lessons_ = Annotated[list[str], typer.Argument(metavar="LESSON", help="Slugs or ids.")]
Published = Annotated[
    str | None, typer.Option(metavar="DATE", help="Publication date; now by default.")
]
Hours = Annotated[
    str | None, typer.Option("--hours", metavar="HOURS", help="Estimated hours, such as 1.5.")
]
Instructor = Annotated[
    str | None, typer.Option(metavar="WHO", help="A person, who may then edit it, or any name.")
]
Body = Annotated[str | None, typer.Option(help="Text in Markdown; @FILE reads a file.")]
Quiz = Annotated[
    str | None,
    typer.Option(
        metavar="@FILE", help="JSON list of questions: question, choices, answer (a choice)."
    ),
]
Section = Annotated[str | None, typer.Option(metavar="NAME", help="Section; empty is none.")]
Before = Annotated[str, typer.Option("--before", metavar="LESSON", help="Before this lesson.")]
After = Annotated[str, typer.Option("--after", metavar="LESSON", help="After this lesson.")]


def changed(values: dict[str, Any]) -> dict[str, Any]:
    """Return what options give; an empty text becomes None, which removes a property."""
    given = {key: value for key, value in values.items() if value is not None}
    return {key: None if value == "" else value for key, value in given.items()}


def kept(values: dict[str, Any]) -> dict[str, Any]:
    """Return what options give, without empty texts."""
    return {key: value for key, value in changed(values).items() if value is not None}


def hours_of(text: str | None) -> float | str | None:
    """Read a number of hours; an empty text stays. Raises UsageError for anything else."""
    if not text:
        return text
    try:
        return float(text)
    except ValueError:
        raise UsageError(f"{text!r} is no number of hours", hint="such as 1.5") from None


def quiz_of(text: str | None) -> Any:
    """Read a quiz from JSON or ``@FILE``; an empty text stays. Raises UsageError for no JSON."""
    found = text_or_file(text)
    if not found:
        return found
    try:
        return json.loads(found)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"the quiz is not JSON: {error}") from None


def change(
    c: Call, noun: Courses | Lessons, references: list[str], verb: str, date: str | None = None
) -> None:
    """Publish, archive or restore; one that cannot be is an error, the rest go on."""

    def act() -> Outcome:
        if verb == "publish":
            return noun.publish(references, at=parse_date(date) if date else None)
        return noun.archive(references) if verb == "archive" else noun.restore(references)

    c.finish(c.change(act), columns=STATE)


def remove(
    c: Call,
    noun: Courses | Lessons,
    references: list[str],
    purge: bool,
    question: Callable[[list[dict[str, Any]]], str],
) -> None:
    """Archive or, with ``purge`` and a yes to the question, remove for good."""
    if not purge:
        change(c, noun, references, "archive")
        return
    outcome = noun.purge(references, rehearse=True)
    if c.is_rehearsal:
        outcome.notes.append("nothing was changed")
    else:
        c.confirm(question(outcome.data["items"]))
        outcome = noun.purge(references)
    said = "would be removed" if c.is_rehearsal else "removed"
    c.finish(outcome, columns=(STATE[0], ("state", lambda item: said)))


STATE: Columns = (
    ("slug", lambda item: str(item["slug"])),
    ("status", lambda item: str(item["status"])),
)
