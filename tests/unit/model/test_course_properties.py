"""What courses and lessons may hold."""

from __future__ import annotations

from typing import Any

import pytest

from vidctl.errors import UsageError
from vidctl.model.properties import checked_properties

QUESTION: dict[str, Any] = {"question": "Who?", "choices": ["me", "you"], "answer": "you"}


def test_a_course_keeps_what_it_does_not_know_as_extra() -> None:
    given = {"level": "all", "estimatedHours": 0, "tags": ["a"], "price": 5}
    assert checked_properties("course", given) == {
        "level": "all",
        "estimatedHours": 0.0,
        "tags": ["a"],
        "extra": {"price": 5},
    }


@pytest.mark.parametrize(
    ("type", "given", "said"),
    [
        ("course", {"level": "hard"}, "level: input should be 'beginner', "),
        ("course", {"estimatedHours": -0.5}, "estimatedHours: .*greater than or equal to 0"),
        ("course", {"estimatedHours": float("nan")}, "estimatedHours: .*finite"),
        ("course", {"instructor": " "}, "instructor: "),
        ("lesson", {"lessonType": "song"}, "lessonType: input should be 'video', "),
        ("lesson", {"duration": -1}, "duration: "),
        ("lesson", {"quiz": []}, "quiz: .*at least 1"),
        ("lesson", {"quiz": {"question": "?"}}, "quiz: input should be a valid list"),
        ("lesson", {"quiz": [{**QUESTION, "answer": "nobody"}]}, "quiz.0: answer must be one"),
        ("lesson", {"quiz": [{**QUESTION, "answer": 2}]}, "quiz.0: answer must be one"),
        ("lesson", {"quiz": [{**QUESTION, "answer": -1}]}, "quiz.0: answer must be one"),
        ("lesson", {"quiz": [{**QUESTION, "answer": True}]}, "quiz.0.answer"),
        ("lesson", {"quiz": [{**QUESTION, "choices": ["me"]}]}, "quiz.0.choices: .*at least 2"),
        ("lesson", {"quiz": [{**QUESTION, "question": " "}]}, "quiz.0.question: "),
        ("lesson", {"quiz": [{**QUESTION, "hint": "x"}]}, "quiz.0.hint: "),
    ],
)
def test_what_is_refused(type: str, given: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        checked_properties(type, given)


@pytest.mark.parametrize("answer", ["you", 0, 1])
def test_an_answer_is_a_choice_or_its_place(answer: str | int) -> None:
    given = {"lessonType": "quiz", "quiz": [{**QUESTION, "answer": answer}]}
    assert checked_properties("lesson", given) == given
