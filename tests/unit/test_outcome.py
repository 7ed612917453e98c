"""What operations return, and the error classes they return it with."""

from __future__ import annotations

from vidctl.errors import NoLibrary, NotFound, UsageError, VidctlError
from vidctl.outcome import Outcome
from vidctl.progress import Silent


def test_an_outcome_starts_empty_and_shares_nothing() -> None:
    one, other = Outcome(), Outcome()
    one.notes.append("a")
    one.errors.append(VidctlError())
    assert (other.data, other.notes, other.errors, other.findings) == (None, [], [], False)


def test_a_message_replaces_the_default_one() -> None:
    assert NotFound().message == "Nothing in this scope has that name."
    assert str(NotFound("no talk here")) == "no talk here"


def test_a_hint_replaces_the_default_one() -> None:
    assert NoLibrary().hint == "vidctl init"
    assert NoLibrary(hint="cd project").hint == "cd project"
    assert UsageError("no").hint == ""


def test_an_item_belongs_to_one_error() -> None:
    error = VidctlError("no", item="talk.mp4")
    assert error.item == "talk.mp4"
    assert VidctlError("no").item == ""


def test_silence_has_no_effect() -> None:
    report = Silent()
    report.step("a", "b")
    report.advance("a", 1, 2)
    report.finish("a", "b")
    report.note("a")
    report.close()
    assert vars(report) == {}
