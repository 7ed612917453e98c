"""xAPI statements hold to the video profile's rules, written here as a JSON schema."""

from __future__ import annotations

import random
import re
import uuid
from datetime import datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from vidctl.formats.xapi import Told, segments, timestamp, uuid_of
from vidctl.model.watching import COMPLETED, PROGRESSED, RESET, VIEWED, Range, Viewing

EXTENSION = "https://w3id.org/xapi/video/extensions/"
VERB = "https://w3id.org/xapi/video/verbs/"
DONE = "http://adlnet.gov/expapi/verbs/completed"
SECONDS = {"type": "number", "minimum": 0}
SEGMENTS = {
    "type": "string",
    "pattern": r"^$|^\d+(\.\d+)?\[\.\]\d+(\.\d+)?(\[,\]\d+(\.\d+)?\[\.\]\d+(\.\d+)?)*$",
}


def says(verb: str, *names: str, **result: Any) -> dict[str, Any]:
    """The rule of a verb: which extensions its result must have."""
    extensions = {"required": [EXTENSION + name for name in names]}
    return {
        "if": {"properties": {"verb": {"properties": {"id": {"const": verb}}}}},
        "then": {
            "properties": {
                "result": {
                    "required": [*result, "extensions"],
                    "properties": {"extensions": extensions, **result},
                }
            }
        },
    }


# Statement: https://github.com/adlnet/xAPI-Spec, Data 2.2-2.4; rules of the verbs:
# https://w3id.org/xapi/video, statement templates.
SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["id", "actor", "verb", "object", "result", "context", "timestamp"],
    "additionalProperties": False,
    "properties": {
        "id": {"type": "string", "format": "uuid"},
        "actor": {
            "type": "object",
            "required": ["objectType", "account"],
            "additionalProperties": False,
            "properties": {
                "objectType": {"const": "Agent"},
                "name": {"type": "string"},
                "account": {
                    "type": "object",
                    "required": ["homePage", "name"],
                    "additionalProperties": False,
                    "properties": {
                        "homePage": {"type": "string", "pattern": r"^[a-z]+:\S+$"},
                        "name": {"type": "string", "minLength": 1},
                    },
                },
            },
        },
        "verb": {
            "type": "object",
            "required": ["id", "display"],
            "properties": {
                "id": {"enum": [VERB + "played", VERB + "paused", VERB + "seeked", DONE]},
                "display": {"type": "object", "required": ["en-US"]},
            },
        },
        "object": {
            "type": "object",
            "required": ["objectType", "id", "definition"],
            "properties": {
                "objectType": {"const": "Activity"},
                "id": {"type": "string", "pattern": r"^urn:vidctl:[0-9a-z]{26}$"},
                "definition": {
                    "type": "object",
                    "required": ["type", "name"],
                    "properties": {
                        "type": {"const": "https://w3id.org/xapi/video/activity-type/video"},
                        "name": {"type": "object"},
                    },
                },
            },
        },
        "result": {
            "type": "object",
            "properties": {
                "completion": {"type": "boolean"},
                "extensions": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        EXTENSION + "time": SECONDS,
                        EXTENSION + "time-from": SECONDS,
                        EXTENSION + "time-to": SECONDS,
                        EXTENSION + "progress": {"type": "number", "minimum": 0, "maximum": 1},
                        EXTENSION + "played-segments": SEGMENTS,
                    },
                },
            },
        },
        "context": {
            "type": "object",
            "required": ["contextActivities", "extensions"],
            "properties": {
                "contextActivities": {
                    "type": "object",
                    "required": ["category"],
                    "properties": {
                        "category": {
                            "type": "array",
                            "contains": {
                                "properties": {"id": {"const": "https://w3id.org/xapi/video"}},
                                "required": ["id"],
                            },
                        }
                    },
                },
                "extensions": {
                    "type": "object",
                    "required": [EXTENSION + "session-id"],
                    "properties": {
                        EXTENSION + "session-id": {"type": "string", "format": "uuid"},
                        EXTENSION + "length": {"type": "number", "exclusiveMinimum": 0},
                    },
                },
            },
        },
        "timestamp": {
            "type": "string",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$",
        },
    },
    "allOf": [
        says(VERB + "played", "time"),
        says(VERB + "paused", "time", "played-segments"),
        says(VERB + "seeked", "time-from", "time-to"),
        says(DONE, "played-segments", completion={"const": True}),
    ],
}  # fmt: skip
ITEM = "0" * 25 + "1"
START = 1_736_244_000_000


def told(whole: int = 60_000) -> Told:
    return Told("p" * 26, "g" * 26, ITEM, "Ann", "Talk", whole)


def viewing(number: int, at: int, *ranges: Range, session: str = "") -> Viewing:
    said = {"sessionId": session} if session else {}
    return Viewing(START + at, f"{number:026}", VIEWED, ranges, None, metadata=said)


def valid(viewings: list[Viewing], whole: int = 60_000) -> list[dict[str, Any]]:
    found = list(told(whole).statements(viewings))
    validator = Draft202012Validator(SCHEMA, format_checker=FormatChecker())
    for statement in found:
        validator.validate(statement)
    assert len({statement["id"] for statement in found}) == len(found)
    return found


def extension(statement: dict[str, Any], name: str) -> Any:
    return statement["result"]["extensions"].get(EXTENSION + name)


def test_a_viewing_is_what_a_player_would_have_sent() -> None:
    played, seeked, paused = valid([viewing(1, 60_000, (0, 12_500), (30_000, 45_000))])
    assert [each["verb"]["display"]["en-US"] for each in (played, seeked, paused)] == [
        "played",
        "seeked",
        "paused",
    ]
    assert extension(played, "time") == 0
    assert (extension(seeked, "time-from"), extension(seeked, "time-to")) == (12.5, 30)
    assert extension(paused, "time") == 45
    assert extension(paused, "played-segments") == "0[.]12.5[,]30[.]45"
    assert extension(paused, "progress") == pytest.approx(27.5 / 60, abs=0.001)
    assert [each["timestamp"] for each in (played, seeked, paused)] == [
        "2025-01-07T10:00:32.500Z",
        "2025-01-07T10:00:45.000Z",
        "2025-01-07T10:01:00.000Z",
    ]
    assert paused["context"]["extensions"][EXTENSION + "length"] == 60


def test_a_session_collects_segments_and_progress_goes_on() -> None:
    found = valid(
        [
            viewing(1, 10_000, (0, 10_000), session="s"),
            viewing(2, 20_000, (10_000, 20_000), session="s"),
            viewing(3, 90_000, (10_000, 30_000)),
        ]
    )
    paused = [each for each in found if each["verb"]["id"] == VERB + "paused"]
    assert [extension(each, "played-segments") for each in paused] == [
        "0[.]10",
        "0[.]10[,]10[.]20",
        "10[.]30",
    ]
    assert [extension(each, "progress") for each in paused] == [0.167, 0.333, 0.5]
    sessions = [each["context"]["extensions"][EXTENSION + "session-id"] for each in paused]
    assert sessions[0] == sessions[1] != sessions[2]


def test_completed_and_reset() -> None:
    done = Viewing(START + 3, "c" * 26, COMPLETED)
    reset = Viewing(START + 4, "r" * 26, RESET)
    again = viewing(5, 9_000, (0, 6_000))
    found = valid([viewing(1, 2, (0, 60_000)), done, reset, again])
    completed = [each for each in found if each["verb"]["id"] == DONE]
    assert [extension(each, "progress") for each in completed] == [1.0]
    assert extension(found[-1], "progress") == 0.1
    assert valid([Viewing(START, "p" * 26, PROGRESSED, (), 5)]) == []
    assert valid([viewing(1, 2)]) == []


def test_nothing_is_said_about_a_length_that_is_not_known() -> None:
    for statement in valid([viewing(1, 2, (0, 10))], whole=0):
        assert extension(statement, "progress") is None
        assert EXTENSION + "length" not in statement["context"]["extensions"]


def test_random_histories_are_valid_and_the_same_each_time() -> None:
    chance = random.Random(67)
    for _ in range(200):
        history: list[Viewing] = []
        for number in range(chance.randrange(12)):
            at = number * 1000 + chance.randrange(1000)
            if chance.random() < 0.2:
                action = chance.choice([COMPLETED, RESET, PROGRESSED])
                history.append(Viewing(START + at, f"{number:026}", action))
                continue
            ranges = [
                (start, start + chance.randrange(1, 9000))
                for start in (chance.randrange(60_000) for _ in range(chance.randrange(4)))
            ]
            history.append(viewing(number, at, *ranges, session=chance.choice(["", "a", "b"])))
        assert valid(history) == valid(history)


def test_parts_are_written_as_the_profile_asks() -> None:
    assert segments([(0, 12_500), (30_000, 45_000)]) == "0[.]12.5[,]30[.]45"
    assert segments([(1, 3_600_000_000)]) == "0.001[.]3600000"
    assert segments([]) == ""
    assert timestamp(0) == "1970-01-01T00:00:00.000Z"
    assert datetime.fromisoformat(timestamp(START + 7)).microsecond == 7000
    given = str(uuid.uuid4())
    assert uuid_of(given) == given
    assert re.fullmatch(r"[0-9a-f-]{36}", uuid_of("anything"))
