"""``vidctl lessons``: what courses are made of."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.commands.course_flags import (
    After,
    Before,
    Body,
    Lesson,
    Lessons_,
    LessonType,
    Published,
    Quiz,
    Section,
    change,
    changed,
    kept,
    quiz_of,
    remove,
)
from vidctl.cli.commands.item_flags import (
    Description,
    Duration,
    Extra,
    Status,
    set_pairs,
    text_or_file,
)
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import visible
from vidctl.timecode import clock, parse_seconds

app = noun("Lessons of courses: add, list, show, move, edit, publish, archive, remove.")

COLUMNS = (
    ("place", lambda item: "" if item["ordinal"] is None else str(item["ordinal"])),
    ("slug", lambda item: str(item["slug"])),
    ("title", lambda item: str(item["name"])),
    ("section", lambda item: item["section"] or ""),
    ("type", lambda item: str(item["lessonType"])),
    ("length", lambda item: "" if item["duration"] is None else clock(item["duration"])),
    ("status", lambda item: str(item["status"])),
)
InCourse = Annotated[
    str, typer.Option("--course", metavar="COURSE", help="Course that it belongs to.")
]
Type = Annotated[LessonType | None, typer.Option("--type", help="What it is.")]
Video = Annotated[
    str | None, typer.Option(metavar="ITEM", help="Video or podcast episode in it; empty is none.")
]


def _properties(
    type: LessonType | None,
    description: str | None,
    body: str | None,
    quiz: str | None,
    duration: str | None,
    extra: list[str] | None,
) -> dict[str, Any]:
    return {
        "lessonType": None if type is None else type.value,
        "description": description,
        "body": text_or_file(body),
        "quiz": quiz_of(quiz),
        "duration": parse_seconds(duration) if duration else duration,
        **set_pairs(extra),
    }


@app.command("add", cls=WriteCommand)
def add(
    ctx: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Title.")],
    course: InCourse,
    video: Video = None,
    type: Type = None,
    section: Section = None,
    at: Annotated[int | None, typer.Option(metavar="N", help="Place, from 1.")] = None,
    before: Before = "",
    after: After = "",
    body: Body = None,
    quiz: Quiz = None,
    duration: Duration = None,
    description: Description = None,
    slug: Annotated[str, typer.Option(metavar="SLUG", help="By default made from the title.")] = "",
    draft: Annotated[bool, typer.Option("--draft", help="Do not publish it yet.")] = False,
    extra: Extra = None,
) -> None:
    """Add a lesson to a course, behind the last one or at a place."""
    with call(ctx) as c:
        given = kept(_properties(type, description, body, quiz, duration, extra))
        outcome = c.change(
            lambda: c.library.lessons.add(
                title,
                given,
                course=course,
                video=video or "",
                section=section,
                at=at,
                before=before,
                after=after,
                draft=draft,
                slug=slug,
            )
        )
        said = f"{c.said('added', 'add')} lesson"
        c.finish(outcome, text=lambda: _told(said, outcome.data))


def _told(said: str, data: dict[str, Any]) -> str:
    place = "" if data["ordinal"] is None else f": no. {data['ordinal']}"
    course = f" of {data['course']['slug']}" if place else ""
    section = f", in {data['section']}" if data["section"] else ""
    return visible(f"{said} {data['slug']}{place}{course}{section}")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    course: InCourse,
    status: Annotated[
        Status | None, typer.Option(help="Only these; by default all but archived ones.")
    ] = None,
) -> None:
    """List the lessons of a course in order."""
    with call(ctx) as c:
        outcome = c.library.lessons.page(course, status=status.value if status else "")
        c.finish(outcome, columns=COLUMNS)


@app.command("show", cls=Command)
def show(ctx: typer.Context, lesson: Lesson) -> None:
    """Show a lesson with its text, questions and video."""
    with call(ctx) as c:
        from vidctl.cli.commands import course_screens

        outcome = c.library.lessons.show(lesson)
        c.finish(outcome, text=lambda: course_screens.lesson(outcome.data, c.output.columns))


@app.command("edit", cls=WriteCommand)
def edit(
    ctx: typer.Context,
    lesson: Lesson,
    title: Annotated[str | None, typer.Option(help="New title.")] = None,
    slug: Annotated[str | None, typer.Option(metavar="SLUG", help="New slug.")] = None,
    video: Video = None,
    type: Type = None,
    section: Section = None,
    body: Body = None,
    quiz: Quiz = None,
    duration: Duration = None,
    description: Description = None,
    extra: Extra = None,
) -> None:
    """Change a lesson; an empty value removes a property."""
    with call(ctx) as c:
        given = changed(_properties(type, description, body, quiz, duration, extra))
        outcome = c.change(
            lambda: c.library.lessons.edit(
                lesson, given, name=title, slug=slug, video=video, section=section
            )
        )
        is_same = any(note.startswith("nothing to change") for note in outcome.notes)
        said = "unchanged" if is_same else c.said("edited", "edit")
        c.finish(outcome, text=lambda: f"{said} lesson {visible(outcome.data['slug'])}")


@app.command("move", cls=WriteCommand)
def move(
    ctx: typer.Context,
    lesson: Lesson,
    to: Annotated[int | None, typer.Option(metavar="N", help="Place, from 1.")] = None,
    before: Before = "",
    after: After = "",
    section: Section = None,
) -> None:
    """Move a lesson within its course; it takes the section of its new neighbour."""
    with call(ctx) as c:
        outcome = c.change(
            lambda: c.library.lessons.move(
                lesson, to=to, before=before, after=after, section=section
            )
        )
        said = c.said("moved", "move")
        c.finish(outcome, text=lambda: _told(f"{said} lesson", outcome.data))


@app.command("publish", cls=WriteCommand)
def publish(ctx: typer.Context, lessons: Lessons_, date: Published = None) -> None:
    """Publish lessons; only published ones count."""
    with call(ctx) as c:
        change(c, c.library.lessons, lessons, "publish", date)


@app.command("archive", cls=WriteCommand)
def archive(ctx: typer.Context, lessons: Lessons_) -> None:
    """Put lessons away; restore brings them back to their place."""
    with call(ctx) as c:
        change(c, c.library.lessons, lessons, "archive")


@app.command("restore", cls=WriteCommand)
def restore(ctx: typer.Context, lessons: Lessons_) -> None:
    """Bring archived lessons back."""
    with call(ctx) as c:
        change(c, c.library.lessons, lessons, "restore")


@app.command("rm", cls=WriteCommand)
def rm(
    ctx: typer.Context,
    lessons: Lessons_,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove for good; their videos stay.")
    ] = False,
) -> None:
    """Archive lessons, or remove them for good."""
    with call(ctx) as c:
        remove(c, c.library.lessons, lessons, purge, _question)


def _question(items: list[dict[str, Any]]) -> str:
    return f"Remove {', '.join(item['slug'] for item in items)} for good?"
