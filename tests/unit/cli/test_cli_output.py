"""What goes to stdout: the envelope's keys, the other formats, and what may be in them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vidctl.cli.exits import ExitCode
from vidctl.cli.output import (
    FORMULA,
    Output,
    code_of,
    compact,
    csv_cell,
    csv_text,
    envelope,
    items_of,
    pick,
    plain,
)
from vidctl.cli.text import visible
from vidctl.errors import NotFound, UsageError
from vidctl.outcome import Outcome

KEYS = ["version", "command", "status", "exit_code", "data", "notes", "errors"]
ERROR_KEYS = ["code", "message", "hint", "item", "exit_code"]
ITEM = {"id": "1", "name": "n", "properties": {"tags": ["a"], "duration": 3.5}, "more": {"x": 1}}
LISTING = {"items": [ITEM], "total": 1, "next": None}


def written(
    capsys: pytest.CaptureFixture[str], output: Output, outcome: Outcome, **how: Any
) -> str:
    output.result("videos list", outcome, **how)
    return capsys.readouterr().out


def test_the_envelope_of_a_success() -> None:
    outcome = Outcome({"a": 1}, notes=["n"])
    text = envelope("videos list", outcome, code_of(outcome), ())
    assert text == (
        '{"version": 1, "command": "videos list", "status": "ok", "exit_code": 0,'
        ' "data": {"a": 1}, "notes": ["n"], "errors": []}'
    )


def test_the_envelope_when_some_items_failed() -> None:
    error = NotFound("gone", hint="vidctl videos list", item="talk")
    outcome = Outcome({"items": [], "total": 0, "next": None}, errors=[error])
    made = json.loads(envelope("upload", outcome, code_of(outcome), ()))
    assert list(made) == KEYS
    assert (made["status"], made["exit_code"]) == ("partial", 3)
    assert made["errors"] == [
        {
            "code": "not_found",
            "message": "gone",
            "hint": "vidctl videos list",
            "item": "talk",
            "exit_code": 6,
        }
    ]
    assert list(made["errors"][0]) == ERROR_KEYS


def test_the_envelope_of_a_check_with_findings() -> None:
    outcome = Outcome([], findings=True)
    made = json.loads(envelope("doctor", outcome, code_of(outcome), ()))
    assert (made["status"], made["exit_code"], list(made)) == ("findings", 7, KEYS)


@pytest.mark.parametrize("code", [ExitCode.USAGE, ExitCode.NO_LIBRARY, ExitCode.BUG])
def test_the_envelope_of_a_failure(capsys: pytest.CaptureFixture[str], code: ExitCode) -> None:
    Output(format="json").failure("videos show", NotFound("gone"), code)
    made = json.loads(capsys.readouterr().out)
    assert list(made) == KEYS
    assert (made["status"], made["exit_code"], made["data"]) == ("failed", code, None)
    assert list(made["errors"][0]) == ERROR_KEYS


@pytest.mark.parametrize("format", ["text", "jsonl", "csv"])
def test_other_formats_say_nothing_on_failure(
    capsys: pytest.CaptureFixture[str], format: str
) -> None:
    Output(format=format).failure("videos show", NotFound("gone"), ExitCode.NOT_FOUND)
    assert capsys.readouterr() == ("", "")


def test_not_a_number_never_becomes_json() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        envelope("x", Outcome({"a": float("nan")}), ExitCode.DONE, ())


# --- fields -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", "1"),
        ("properties.tags", ["a"]),
        ("tags", ["a"]),
        ("duration", 3.5),
        ("more.x", 1),
        ("more.y", None),
        ("description", None),
        ("tags.x", None),
    ],
)
def test_a_field(name: str, value: Any) -> None:
    assert pick(ITEM, [name]) == {name: value}


def test_an_unknown_field_of_a_record_without_properties() -> None:
    with pytest.raises(UsageError, match="there is no field 'slug'") as caught:
        pick({"id": 1, "path": "a"}, ["slug"])
    assert caught.value.hint == "fields here: id, path"


def test_fields_in_every_format(capsys: pytest.CaptureFixture[str]) -> None:
    fields = ("name", "tags")
    outcome = Outcome(LISTING)
    assert written(capsys, Output(fields=fields), outcome) == 'n\t["a"]\n'
    assert written(capsys, Output(format="jsonl", fields=fields), outcome) == (
        '{"name": "n", "tags": ["a"]}\n'
    )
    assert written(capsys, Output(format="csv", fields=fields), outcome) == (
        'name,tags\r\nn,"[""a""]"\r\n'
    )
    made = json.loads(written(capsys, Output(format="json", fields=fields), outcome))
    assert made["data"] == {"items": [{"name": "n", "tags": ["a"]}], "total": 1, "next": None}


def test_fields_of_one_record(capsys: pytest.CaptureFixture[str]) -> None:
    made = written(capsys, Output(format="json", fields=("id",)), Outcome(ITEM))
    assert json.loads(made)["data"] == {"id": "1"}


@pytest.mark.parametrize(
    ("data", "items"),
    [
        (LISTING, [ITEM]),
        ({"hits": [ITEM]}, [ITEM]),
        (ITEM, [ITEM]),
        ([ITEM], [ITEM]),
        (None, []),
        ({"items": 3}, [{"items": 3}]),
    ],
)
def test_rows_of_data(data: Any, items: list[Any]) -> None:
    assert items_of(data) == items


# --- csv ----------------------------------------------------------------------------------------

# OWASP's list, with the full-width twins that some spreadsheets read the same way.
PAYLOADS = [
    *("=1+1", "+1", "-1+2", "@SUM(A1)", "\t=1", "\r=1", "＝1+1", "＋1", "－1", "＠SUM(A1)"),
    '=HYPERLINK("http://evil")',
]


@pytest.mark.parametrize("payload", PAYLOADS)
def test_a_formula_is_quoted(payload: str) -> None:
    assert csv_cell(payload) == "'" + payload


@given(st.text())
def test_no_cell_begins_like_a_formula(text: str) -> None:
    assert not csv_cell(text).startswith(FORMULA)


@pytest.mark.parametrize("value", [-5, -0.5, None, True])
def test_numbers_are_no_formulas(value: Any) -> None:
    assert csv_cell(value) == value


CELLS = st.text(alphabet=st.characters(exclude_categories=("Cs",), exclude_characters="\x00"))


@given(st.lists(st.fixed_dictionaries({"a": CELLS, "b": CELLS}), min_size=1))
def test_csv_can_be_read_back(items: list[dict[str, str]]) -> None:
    rows = list(csv.reader(io.StringIO(csv_text(items, ["a", "b"]), newline="")))
    assert rows[0] == ["a", "b"]
    assert rows[1:] == [[csv_cell(item["a"]), csv_cell(item["b"])] for item in items]


def test_csv_on_a_terminal_shows_control_characters() -> None:
    items = [{"a": "\x1b[31m\nred", "b": 1}]
    assert csv_text(items, []) == 'a,b\r\n"\x1b[31m\nred",1\r\n'
    assert csv_text(items, [], for_eyes=True) == 'a,b\r\n"\\x1b[31m\nred",1\r\n'


ANY_JSON = st.recursive(
    st.none() | st.text(alphabet=st.characters(exclude_categories=())),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(ANY_JSON)
def test_json_has_no_control_characters_and_loses_nothing(value: Any) -> None:
    text = envelope("x", Outcome(value), ExitCode.DONE, ())
    assert visible(text) == text
    assert json.loads(text)["data"] == value
    assert json.loads(compact(value)) == value


def test_csv_has_every_column_that_any_item_has() -> None:
    assert csv_text([{"a": 1}, {"b": [1]}], []) == "a,b\r\n1,\r\n,[1]\r\n"


# --- text ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (3.5, "3.5"), ("a\tb\nc", "a b c"), ({"a": "é"}, '{"a": "é"}'), ("\x1b", "\\x1b")],
)
def test_plain(value: Any, shown: str) -> None:
    assert plain(value) == shown


COLUMNS = (("id", lambda item: item["id"]), ("name", lambda item: item["name"]))


def test_a_listing_off_a_terminal_is_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = Outcome({"items": [{"id": "1", "name": "a\tb\x1b"}]})
    assert written(capsys, Output(), outcome, columns=COLUMNS) == "1\ta b\\x1b\n"


def test_a_listing_on_a_terminal_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output(is_terminal=True)
    outcome = Outcome({"items": [{"id": "1", "name": "n"}]})
    assert written(capsys, output, outcome, columns=COLUMNS) == "ID  NAME\n1   n\n"
    assert written(capsys, output, Outcome({"items": []}), columns=COLUMNS) == ""


def test_text_is_made_only_when_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    def text() -> str:
        raise AssertionError("nobody reads it")

    assert json.loads(written(capsys, Output(format="json"), Outcome({}), text=text))
    assert written(capsys, Output(), Outcome({}), text=lambda: "hello") == "hello\n"
    assert written(capsys, Output(), Outcome({}), text=lambda: "") == ""


def test_a_file_gets_the_output_in_one_step(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out.json"
    target.write_text("old", encoding="utf-8")
    outcome = Outcome({"title": "caf\udce9 中文"})
    assert written(capsys, Output(format="json", file=target), outcome) == ""
    assert list(tmp_path.iterdir()) == [target]
    made = json.loads(target.read_text(encoding="utf-8"))
    assert made["data"] == {"title": "caf\udce9 中文"}


def test_a_file_is_no_terminal(tmp_path: Path) -> None:
    assert not Output(file=tmp_path / "out", is_terminal=True).is_terminal
    assert Output(is_terminal=True).is_terminal
