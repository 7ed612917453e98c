"""Lines of JSON in, events and links out: bad lines, replays, chunks, kills, several at once."""

from __future__ import annotations

import io
import json
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from harness import Runner, Spawner
from hypothesis import given
from hypothesis import strategies as st

from vidctl.config import Config
from vidctl.library import Library, intake
from vidctl.library.intake import LONGEST_LINE, lines_of, take_in
from vidctl.model.thing import ThingQuery
from vidctl.model.watching import Watch, fold

GOOD = {"item": "talk", "ranges": [[0, 10]]}


@pytest.fixture
def talk(run: Runner, library: Path) -> Runner:
    """A library with one item of ten minutes, and Ann."""
    run.ok("videos", "add", "--title", "Talk", "--duration", "10:00", "--publish")
    run.ok("people", "add", "Ann")
    run.ok("people", "role", "set", "ann", "org_user")
    return run


def text_of(lines: Iterable[Any]) -> str:
    return "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)


def send(run: Runner, lines: Iterable[Any], *words: str) -> dict[str, Any]:
    """Send lines to ``progress watch`` and return the envelope."""
    return run("progress", "watch", *words, "--json", stdin=text_of(lines)).envelope


def assert_links_are_what_events_come_to(file: Path) -> None:
    """Every ``watched`` link of a library is the fold of the events about its pair."""
    library = Library.open(Config(start=file.parent, environ={}, flags={"db": str(file)}))
    store = library.store
    pairs = {(event.actor_id or "", event.target_id or "") for event in store.watched.every()}
    links = store.watched.load(pairs)
    events = store.watched.events(pairs)
    assert {pair: Watch.of(said) for pair, said in links.items()} == {
        pair: fold(found) for pair, found in events.items()
    }
    library.close()


BAD: list[tuple[Any, str]] = [
    ("{", "Input data was truncated"),
    ("[]", "Expected `object`, got `array`"),
    ('{"item": "talk", "ranges": [[NaN, 1]]}', "JSON is malformed"),
    ('{"item": "talk", "ranges": [[0, 1e999]]}', "out of range"),
    ({"item": "talk", "ranges": [[-1, 1]]}, "Expected `float` >= 0.0"),
    ({"item": "talk", "ranges": [[0, 1e9]]}, "Expected `float` <= 3600000.0"),
    ({"item": "talk", "ranges": [[5, 1]]}, "a range ends before it starts: 5-1"),
    ({"item": "talk", "ranges": [[5]]}, "Expected `array` of length 2"),
    ({"item": "talk", "ranges": [[700, 800]]}, "the item ends at 600 seconds"),
    ({"item": "talk"}, "neither ranges nor a position"),
    ({"ranges": [[0, 1]]}, "missing required field `item`"),
    ({**GOOD, "extra": 1}, "unknown field `extra`"),
    ({**GOOD, "item": "nope"}, "called 'nope'"),
    ({**GOOD, "item": "\x00"}, "called '\\x00'"),
    ({**GOOD, "person": "nobody"}, "no person here is called 'nobody'"),
    ({**GOOD, "at": "soon"}, "neither milliseconds nor an ISO 8601 date"),
    ({**GOOD, "at": "1950-01-01"}, "before 1970"),
    ({**GOOD, "at": -5}, "Expected `int` >= 1"),
    ({**GOOD, "device": "My Phone"}, "a device is a word"),
    ({**GOOD, "action": "video_uploaded"}, "Invalid enum value"),
    ({**GOOD, "action": "progress_reset"}, "ranges do not belong to progress_reset"),
    ({"item": "talk", "position": 1, "action": "video_completed"}, "a position does not belong"),
    ({**GOOD, "session": "\ud800 and some more"}, "surrogate"),
    ('{"item":' * 100_000, "Expected `str`, got `object`"),
    ("x" * (LONGEST_LINE + 1), "longer than 1,000,000 bytes"),
]


@pytest.mark.parametrize(("line", "said"), BAD, ids=range(len(BAD)))
def test_a_bad_line_has_its_number_and_reason_and_the_rest_is_stored(
    talk: Runner, line: Any, said: str
) -> None:
    found = send(talk, [GOOD, line, "", GOOD])
    assert (found["status"], found["exit_code"]) == ("partial", 3)
    assert found["data"] == {"lines": 3, "new": 2, "known": 0, "completed": 0, "bad": 1}
    (error,) = found["errors"]
    assert error["item"] == "line 2"
    assert said in error["message"], error


def test_people_are_told_twenty_bad_lines_and_how_many_more(talk: Runner) -> None:
    result = talk("progress", "watch", stdin="x\n" * 1200 + text_of([GOOD]))
    assert (result.code, result.out) == (3, "recorded 1 event\n")
    assert result.err.count("error: line ") == 20
    assert "1,180 more bad lines; --json lists up to 1,000" in result.err
    found = send(talk, ["x"] * 1200)
    assert (len(found["errors"]), found["data"]["bad"]) == (1000, 1200)


def test_lines_may_be_written_in_any_way(talk: Runner) -> None:
    text = "\ufeff" + json.dumps(GOOD) + "\r\n\r\n  \n" + json.dumps(GOOD)
    found = talk.ok("progress", "watch", "-", "--json", stdin=text).data
    assert (found["lines"], found["new"]) == (2, 2)
    empty = talk.ok("progress", "watch", "--json", stdin="").envelope
    assert (empty["data"]["lines"], empty["notes"]) == (0, ["no lines were given"])
    assert talk("progress", "watch", tty=True).code == 2


@given(st.lists(st.binary(max_size=9).map(lambda raw: raw.replace(b"\n", b"")), max_size=9))
def test_lines_are_those_of_the_stream(lines: list[bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for block in (1, 2, 3, 1000):
            patch.setattr(intake, "BLOCK", block)
            assert [*lines_of(io.BytesIO(b"".join(each + b"\n" for each in lines)))] == lines
        patch.setattr(intake, "LONGEST_LINE", 4)
        patch.setattr(intake, "BLOCK", 2)
        told = [*lines_of(io.BytesIO(b"\n".join(lines)))]
        assert [each for each in told if len(each) <= 4] == [
            each for each in (lines if not lines or lines[-1] else lines[:-1]) if len(each) <= 4
        ]


def test_an_id_is_taken_once_whatever_the_chunk(
    talk: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "CHUNK", 3)
    lines = [{**GOOD, "ranges": [[n, n + 2]], "id": f"e{n % 7}"} for n in range(20)]
    found = send(talk, lines)["data"]
    assert (found["new"], found["known"]) == (7, 13)
    again = send(talk, reversed(lines))["data"]
    assert (again["new"], again["known"]) == (0, 20)
    plain = [{**GOOD, "at": 1_736_244_000_000}] * 2
    assert send(talk, plain)["data"]["new"] == 2, "without an id each is a viewing"
    (talk.folder / "v.jsonl").write_text(text_of([*plain, {**GOOD, "ranges": [[0, 11]]}]))
    assert talk.ok("progress", "import", "v.jsonl", "--json").data["new"] == 2
    assert talk.ok("progress", "import", "v.jsonl", "--json").data["known"] == 3
    assert_links_are_what_events_come_to(talk.folder / ".vidctl" / "library.db")


def test_late_resets_and_late_events_in_any_chunk_come_to_the_same(
    talk: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "CHUNK", 2)
    reset = {"item": "talk", "action": "progress_reset"}
    send(
        talk,
        [
            {**GOOD, "ranges": [[0, 600]], "at": 10},
            {**GOOD, "ranges": [[5, 15]], "at": 30},
            {**reset, "at": 20},  # late: what was completed at 10 is taken back
            {**GOOD, "ranges": [[100, 200]], "at": 15},  # older than the reset
            {**GOOD, "ranges": [[40, 50]], "at": 25},
            {**reset, "at": 5},
        ],
    )
    (found,) = talk.ok("progress", "show", "--json").data["items"]
    assert found["ranges"] == [[5.0, 15.0], [40.0, 50.0]]
    assert (found["views"], found["completed"], found["startedAt"]) == (4, False, 10)
    assert (found["watchTime"], found["rewatched"]) == (720.0, 0.0)
    send(talk, [{**GOOD, "ranges": [[0, 560]], "at": 40}])
    assert talk.ok("progress", "show", "--json").data["items"][0]["completedAt"] == 40
    assert_links_are_what_events_come_to(talk.folder / ".vidctl" / "library.db")


def test_a_rehearsal_of_many_lines_changes_nothing(talk: Runner) -> None:
    found = send(talk, [GOOD] * 5, "-n")
    assert (found["data"]["new"], found["notes"]) == (5, ["nothing was changed"])
    assert talk.ok("progress", "show", "--json").data["total"] == 0


def test_lines_about_others_need_permission(talk: Runner) -> None:
    lines = [{**GOOD, "person": "me"}, {**GOOD, "person": "ann"}, {**GOOD, "person": "owner"}]
    talk.ok("progress", "watch", "talk", "--range", "0-1")
    found = send(talk, lines, "--as", "ann")
    assert found["data"]["new"] == 2
    (error,) = found["errors"]
    assert (error["code"], error["item"], error["exit_code"]) == ("permission", "line 3", 4)
    assert send(talk, [GOOD], "--person", "ann")["data"]["new"] == 1
    assert talk.ok("progress", "show", "--person", "ann", "--json").data["items"][0]["views"] == 3


# --- events of any kind -------------------------------------------------------------------------


def record(run: Runner, lines: Iterable[Any]) -> dict[str, Any]:
    return run("events", "record", "-", "--json", stdin=text_of(lines)).envelope


def test_events_about_watching_move_progress_on(talk: Runner) -> None:
    viewed = {"action": "video_viewed", "target": "talk", "actor": "ann"}
    found = record(
        talk,
        [
            {**viewed, "metadata": {"ranges": [[0, 60], [30, 90]], "deviceType": "TV", "note": 1}},
            {**viewed, "action": "video_progressed", "metadata": {"position": 120}},
            {"type": "content_event", "action": "note_taken", "target": "talk", "metadata": {}},
            {"action": "app_opened"},
        ],
    )
    assert found["data"]["new"] == 4
    (seen,) = talk.ok("progress", "show", "--person", "ann", "--json").data["items"]
    assert (seen["ranges"], seen["lastPosition"], seen["views"]) == ([[0.0, 90.0]], 120.0, 1)
    shown = talk.ok("events", "list", "--action", "video_viewed", "--json").data["items"]
    assert shown[0]["metadata"] == {
        "ranges": [[0.0, 60.0], [30.0, 90.0]],
        "deviceType": "tv",
        "note": 1,
        "watchTime": 120.0,
        "completionRate": 0.15,
        "duration": 600.0,
    }
    assert_links_are_what_events_come_to(talk.folder / ".vidctl" / "library.db")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ({"type": "entity_created", "action": "x"}, "are written by vidctl itself"),
        ({"action": "Not A Word"}, "an action is a word"),
        ({"action": "video_viewed"}, "video_viewed needs a target"),
        ({"action": "video_progressed", "target": "talk"}, "needs a position"),
        (
            {"action": "video_viewed", "target": "talk", "metadata": {"ranges": [[2, 1]]}},
            "ends before it starts",
        ),
        (
            {"action": "video_viewed", "target": "talk", "metadata": {"watchTime": -1}},
            "Expected `float` >= 0.0",
        ),
        ({"action": "video_viewed", "target": "ann"}, "called 'ann'"),
        (
            '{"action": "x", "metadata": {"deep": ' + "[" * 200 + "]" * 200 + "}}",
            "nested too deeply",
        ),
    ],
)
def test_events_that_say_nothing_are_refused(talk: Runner, line: Any, said: str) -> None:
    found = record(talk, [line, {"action": "fine"}])
    assert found["data"]["new"] == 1
    assert said in found["errors"][0]["message"]


# --- kills, and several at once -----------------------------------------------------------------

COUNT = 45_000


def lines_with_ids(count: int) -> list[dict[str, Any]]:
    return [
        {"item": "talk", "ranges": [[n % 590, n % 590 + 5]], "id": f"{n}", "at": 1000 + n}
        for n in range(count)
    ]


def views(run: Runner) -> int:
    return int(run.ok("events", "list", "--action", "video_viewed", "--json").data["total"])


def test_a_kill_in_the_middle_leaves_whole_chunks(
    talk: Runner, spawn: Spawner, library: Path
) -> None:
    talk.ok("progress", "set", "talk", "--at", "0")
    text = text_of(lines_with_ids(COUNT)).encode()
    point = {"VIDCTL_FAILPOINT": "store.commit:3:kill"}
    process = spawn.start("progress", "watch", env=point)
    process.communicate(text, timeout=120)
    assert process.returncode == -signal.SIGKILL
    kept = views(talk)
    assert 0 < kept < COUNT
    assert kept % intake.CHUNK == 0
    assert_links_are_what_events_come_to(library)
    process = spawn.start("progress", "watch", "--json")
    out, _ = process.communicate(text, timeout=120)
    assert json.loads(out)["data"]["new"] == COUNT - kept
    assert views(talk) == COUNT
    assert_links_are_what_events_come_to(library)


def test_two_feeds_of_the_same_pairs_lose_nothing(
    talk: Runner, spawn: Spawner, library: Path
) -> None:
    talk.ok("progress", "set", "talk", "--at", "0")
    lines = [{**GOOD, "person": person} for person in ("owner", "ann")] * 6000
    text = text_of(lines).encode()
    processes = [spawn.start("progress", "watch", "--json") for _ in range(2)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(text)
        process.stdin.close()
        process.stdin = None
    for process in processes:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        assert json.loads(out)["data"]["new"] == len(lines)
    for person in ("owner", "ann"):
        (found,) = talk.ok("progress", "show", "--person", person, "--json").data["items"]
        assert (found["views"], found["watchTime"]) == (12_000, 120_000.0)
    assert_links_are_what_events_come_to(library)


def test_references_are_looked_up_once(talk: Runner, library: Path) -> None:
    opened = Library.open(Config(start=library.parent, environ={}, flags={"db": str(library)}))
    asked: list[str] = []
    resolve = opened.store.things.resolve

    def counted(reference: str, types: Any = ()) -> Any:
        asked.append(reference)
        return resolve(reference, types)

    opened.store.things.resolve = counted  # type: ignore[method-assign]
    raw = [json.dumps(GOOD).encode()] * 500 + [b'{"item": "nope", "ranges": []}'] * 500
    outcome = take_in(opened, raw, form="watch")
    assert (outcome.data["new"], outcome.data["bad"]) == (500, 500)
    assert (asked.count("talk"), asked.count("nope")) == (2, 1)
    assert opened.store.things.page(ThingQuery(("video",))).total == 1
    opened.close()
