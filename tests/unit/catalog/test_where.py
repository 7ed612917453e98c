"""Expressions are read as they were written, and whatever makes no sense is said."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.catalog.where import ALL, Where, parse
from vidctl.errors import UsageError
from vidctl.model.condition import OPERATORS, Condition

WORDS = ("tag", "category", "label", "author", "language", "title", "description")


@st.composite
def worded(draw: st.DrawFn) -> tuple[str, Condition]:
    """A condition about text, and how somebody may write it."""
    key = draw(st.sampled_from(WORDS))
    operator = draw(st.sampled_from(OPERATORS[key]))
    value = draw(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
    mark = draw(st.sampled_from("'\""))
    space = draw(st.sampled_from(["", " ", "  "]))
    quoted = f"{mark}{value.replace(mark, mark * 2)}{mark}"
    written = f"{space}{draw(st.sampled_from([key, key.upper()]))}{space}{operator}{space}{quoted}"
    return written, Condition(key, operator, value)


@given(st.lists(worded(), min_size=1, max_size=4), st.sampled_from([" and ", "  AND "]))
def test_what_is_written_in_quotes_is_read_back(
    pairs: list[tuple[str, Condition]], joint: str
) -> None:
    expected = tuple(condition for _, condition in pairs)
    assert parse([joint.join(written for written, _ in pairs)]) == Where(expected)
    assert parse([written for written, _ in pairs]) == Where(expected)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        found = parse([text])
    except UsageError:
        return
    assert found.conditions or found.status == ALL


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("tag=birds", Condition("tag", "=", "birds")),
        ("tag = two words", Condition("tag", "=", "two words")),
        ("tag!=birds", Condition("tag", "!=", "birds")),
        ("title~rock and roll", Condition("title", "~", "rock and roll")),
        ('title~"rock and tag=x"', Condition("title", "~", "rock and tag=x")),
        ("title~'it''s'", Condition("title", "~", "it's")),
        ("duration>600", Condition("duration", ">", 600.0)),
        ("duration<=1:02:03", Condition("duration", "<=", 3723.0)),
        ("published>=2025-01-01", Condition("published", ">=", 1_735_689_600_000)),
        ("status!=Draft", Condition("status", "!=", "draft")),
    ],
)
def test_one_condition(text: str, condition: Condition) -> None:
    assert parse([text]) == Where((condition,))


def test_several_conditions() -> None:
    found = parse(["tag=a b AND title~x and y and duration=1m", "language=en"])
    assert [(each.key, each.value) for each in found.conditions] == [
        ("tag", "a b"),
        ("title", "x and y"),
        ("duration", 60.0),
        ("language", "en"),
    ]


def test_an_age_is_the_moment_that_long_ago() -> None:
    (condition,) = parse(["added<7d"]).conditions
    week_ago = datetime.now(UTC).timestamp() * 1000 - 7 * 86_400_000
    assert condition.operator == "<"
    assert abs(float(condition.value) - week_ago) < 60_000


@pytest.mark.parametrize(
    ("texts", "status"),
    [
        (["tag=x"], None),
        (["status=draft"], None),
        (["status!=archived"], None),
        (["status=archived"], ALL),
        (["status=all and tag=x"], ALL),
    ],
)
def test_what_is_archived_must_be_asked_for(texts: list[str], status: str | None) -> None:
    assert parse(texts).status == status


def test_all_is_no_condition() -> None:
    assert parse(["status=all", "tag=all"]).conditions == (Condition("tag", "=", "all"),)
    with pytest.raises(UsageError, match="'all' is no status"):
        parse(["status!=all"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "'' is no condition"),
        ("   ", "'' is no condition"),
        ("birds", "'birds' is no condition"),
        ("=x", "'=x' is no condition"),
        ("tag=", "tag= lacks a value"),
        ("tag=''", "tag= lacks a value"),
        ("tga=x", "items have no key 'tga' to be chosen by"),
        ("tag>x", "tag cannot be compared with >"),
        ("tag==x", "tag cannot be compared with =="),
        ("title=x", "title cannot be compared with ="),
        ("duration~5", "duration cannot be compared with ~"),
        ("duration>long", "'long' is not a time"),
        ("published>soon", "'soon' is not a date"),
        ("status=gone", "'gone' is no status"),
        ("tag=x or tag=y", "'x or tag=y' is unclear"),
        ("tag!=x, tag!=y", "'x, tag!=y' is unclear"),
        ("tag=x and", "'x and' is unclear"),
        ("tag='x' y", "\"'x' y\" is unclear"),
        ("tag='x", '"\'x" is unclear'),
        ("tag=x and and", "'x and and' is unclear"),
    ],
)
def test_what_makes_no_sense_is_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse([text])
    assert caught.value.message == said


def test_an_unknown_key_gets_a_guess_and_the_list() -> None:
    with pytest.raises(UsageError) as caught:
        parse(["tga=x"])
    assert caught.value.hint == f"did you mean tag? keys are {', '.join(OPERATORS)}"
    with pytest.raises(UsageError) as caught:
        parse(["zzz=x"])
    assert caught.value.hint == f"keys are {', '.join(OPERATORS)}"
