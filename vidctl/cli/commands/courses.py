"""``vidctl courses``: what they are and what is in them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from vidctl.cli.call import call
from vidctl.cli.commands import enrolment
from vidctl.cli.commands.course_flags import (
    Course,
    Courses_,
    Hours,
    Instructor,
    Level,
    Published,
    change,
    changed,
    hours_of,
    kept,
    remove,
)
from vidctl.cli.commands.item_flags import (
    Categories,
    Date,
    Description,
    Extra,
    Language,
    Status,
    Tags,
    Thumbnail,
    set_pairs,
)
from vidctl.cli.commands.upload import listed
from vidctl.cli.lazy import Command, WriteCommand, noun
from vidctl.cli.text import plural, visible
from vidctl.timecode import parse_date

app = noun("Courses: lessons in order, the people who take them, and how far those are.")

COLUMNS = (
    ("slug", lambda item: str(item["slug"])),
    ("title", lambda item: str(item["name"])),
    ("level", lambda item: str(item["properties"].get("level", ""))),
    ("lessons", lambda item: str(item["totalLessons"])),
    ("status", lambda item: str(item["status"])),
    ("instructor", lambda item: str(item["properties"].get("instructor", ""))),
    ("tags", lambda item: ", ".join(item["properties"].get("tags", []))),
)


def _properties(
    description: str | None,
    level: Level | None,
    instructor: str | None,
    hours: str | None,
    thumbnail: str | None,
    tags: list[str] | None,
    categories: list[str] | None,
    date: str | None,
    language: str | None,
    extra: list[str] | None,
) -> dict[str, Any]:
    return {
        "description": description,
        "level": None if level is None else level.value,
        "instructor": instructor,
        "estimatedHours": hours_of(hours),
        "thumbnail": thumbnail,
        "tags": None if tags is None else listed(tags),
        "categories": None if categories is None else listed(categories),
        "publishedAt": parse_date(date) if date else date,
        "language": language,
        **set_pairs(extra),
    }


@app.command("add", cls=WriteCommand)
def add(
    ctx: typer.Context,
    title: Annotated[str, typer.Argument(metavar="TITLE", help="Title.")],
    slug: Annotated[str, typer.Option(metavar="SLUG", help="By default made from the title.")] = "",
    publish: Annotated[bool, typer.Option("--publish", help="Publish at once.")] = False,
    level: Annotated[Level | None, typer.Option(help="Whom it is for.")] = None,
    instructor: Instructor = None,
    hours: Hours = None,
    description: Description = None,
    thumbnail: Thumbnail = None,
    tags: Tags = None,
    categories: Categories = None,
    date: Date = None,
    language: Language = None,
    extra: Extra = None,
) -> None:
    """Add a course without lessons; a draft unless --publish."""
    with call(ctx) as c:
        given = kept(
            _properties(
                *(description, level, instructor, hours, thumbnail, tags, categories),
                *(date, language, extra),
            )
        )
        outcome = c.change(lambda: c.library.courses.add(title, given, slug=slug, publish=publish))
        said = f"{c.said('added', 'add')} course"
        c.finish(outcome, text=lambda: f"{said} {visible(outcome.data['slug'])}")


@app.command("edit", cls=WriteCommand)
def edit(
    ctx: typer.Context,
    course: Course,
    title: Annotated[str | None, typer.Option(help="New title.")] = None,
    slug: Annotated[str | None, typer.Option(metavar="SLUG", help="New slug.")] = None,
    level: Annotated[Level | None, typer.Option(help="Whom it is for.")] = None,
    instructor: Instructor = None,
    hours: Hours = None,
    description: Description = None,
    thumbnail: Thumbnail = None,
    tags: Tags = None,
    categories: Categories = None,
    date: Date = None,
    language: Language = None,
    extra: Extra = None,
) -> None:
    """Change a course; an empty value removes a property."""
    with call(ctx) as c:
        given = changed(
            _properties(
                *(description, level, instructor, hours, thumbnail, tags, categories),
                *(date, language, extra),
            )
        )
        outcome = c.change(lambda: c.library.courses.edit(course, given, name=title, slug=slug))
        is_same = any(note.startswith("nothing to change") for note in outcome.notes)
        said = "unchanged" if is_same else c.said("edited", "edit")
        c.finish(outcome, text=lambda: f"{said} course {visible(outcome.data['slug'])}")


@app.command("list", cls=Command)
def list_(
    ctx: typer.Context,
    status: Annotated[
        Status | None, typer.Option(help="Only these; by default all but archived ones.")
    ] = None,
    level: Annotated[Level | None, typer.Option(help="Only for these.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option("--tag", help="Only with this tag; repeatable.")
    ] = None,
    category: Annotated[
        list[str] | None, typer.Option("--category", help="Only in this category.")
    ] = None,
    author: Annotated[
        str | None, typer.Option(metavar="PERSON", help="Only by this person.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="Title or description contains.")] = None,
    limit: Annotated[
        int, typer.Option("--limit", "-n", min=1, max=1000, help="Courses a page.")
    ] = 20,
    page: Annotated[
        str | None, typer.Option(metavar="NEXT", help="Go on from the page before.")
    ] = None,
) -> None:
    """List courses, newest first."""
    with call(ctx) as c:
        from vidctl.model.thing import ThingQuery

        query = ThingQuery(
            ("course",),
            status=status.value if status else None,
            tags=tuple(tag or ()),
            categories=tuple(category or ()),
            text=text,
            limit=limit,
            cursor=page,
        )
        outcome = c.library.courses.page(
            query, author=author or "", level=level.value if level else ""
        )
        c.finish(outcome, columns=COLUMNS, cut=True)


@app.command("show", cls=Command)
def show(ctx: typer.Context, course: Course) -> None:
    """Show a course with its authors, and how many lessons and people are in it."""
    with call(ctx) as c:
        from vidctl.cli.commands.course_screens import described

        outcome = c.library.courses.show(course)
        c.finish(outcome, text=lambda: described(outcome.data, c.output.columns))


@app.command("outline", cls=Command)
def outline(ctx: typer.Context, course: Course) -> None:
    """Draw the sections and lessons of a course."""
    with call(ctx) as c:
        from vidctl.cli.commands.course_screens import drawn

        outcome = c.library.courses.outline(course)
        c.finish(outcome, text=lambda: drawn(outcome.data, c.output.columns))


@app.command("publish", cls=WriteCommand)
def publish(ctx: typer.Context, courses: Courses_, date: Published = None) -> None:
    """Publish courses, and say which of their lessons and videos are still drafts."""
    with call(ctx) as c:
        change(c, c.library.courses, courses, "publish", date)


@app.command("archive", cls=WriteCommand)
def archive(ctx: typer.Context, courses: Courses_) -> None:
    """Put courses away; restore brings them back."""
    with call(ctx) as c:
        change(c, c.library.courses, courses, "archive")


@app.command("restore", cls=WriteCommand)
def restore(ctx: typer.Context, courses: Courses_) -> None:
    """Bring archived courses back."""
    with call(ctx) as c:
        change(c, c.library.courses, courses, "restore")


@app.command("rm", cls=WriteCommand)
def rm(
    ctx: typer.Context,
    courses: Courses_,
    purge: Annotated[
        bool, typer.Option("--purge", help="Remove for good, lessons too; videos stay.")
    ] = False,
) -> None:
    """Archive courses, or remove them for good."""
    with call(ctx) as c:
        remove(c, c.library.courses, courses, purge, _question)


def _question(items: list[dict[str, Any]]) -> str:
    names = ", ".join(item["slug"] for item in items)
    lessons = plural(sum(item["lessons"] for item in items), "lesson")
    return f"Remove {names} for good, with {lessons}?"


app.command("enrol", cls=WriteCommand)(enrolment.enrol)
app.command("unenrol", cls=WriteCommand)(enrolment.unenrol)
app.command("report", cls=Command)(enrolment.report)
app.command("progress", cls=Command)(enrolment.progress)
