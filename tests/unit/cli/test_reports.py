"""Progress that is honest: bytes, their rate just now, and the time that is left."""

from __future__ import annotations

import io
import sys

import pytest

from vidctl.cli.diagnostics import Diagnostics
from vidctl.cli.reports import BarReport, LineReport, Rate

MB = 1_000_000


class Time:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_a_rate_is_that_of_the_last_ten_seconds() -> None:
    clock = Time()
    rate = Rate(clock)
    assert rate.per_second is None
    rate.advance(0)
    assert rate.per_second is None
    for second in range(1, 31):
        clock.seconds += 1
        rate.advance(min(second, 20) * MB)  # nothing moves in the last ten seconds
    assert rate.per_second == pytest.approx(0, abs=0.2 * MB)
    for second in range(1, 21):
        clock.seconds += 1
        rate.advance((20 + 2 * second) * MB)
    assert rate.per_second == pytest.approx(2 * MB, rel=0.1)


def test_what_an_earlier_run_had_sent_is_no_speed() -> None:
    clock = Time()
    rate = Rate(clock)
    rate.advance(900 * MB)
    clock.seconds += 2
    rate.advance(902 * MB)
    assert rate.per_second == pytest.approx(1 * MB)
    assert rate.said(1000 * MB) == "902.0 MB of 1.0 GB, 1.0 MB/s, 01:38 left"


def test_a_stage_that_begins_anew_counts_anew() -> None:
    clock = Time()
    rate = Rate(clock)
    for done in (50 * MB, 100 * MB, 0):
        rate.advance(done)
        clock.seconds += 1
    rate.advance(MB)
    assert rate.per_second == pytest.approx(MB)


def test_nothing_is_promised_when_nothing_moves() -> None:
    clock = Time()
    rate = Rate(clock)
    rate.advance(0)
    clock.seconds += 5
    rate.advance(0)
    assert rate.said(10 * MB) == "0 B of 10.0 MB, 0 B/s"


def test_lines_tell_of_a_long_transfer_twice_a_minute(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Time()
    report = LineReport(Diagnostics(), items=True, now=clock)
    report.step("talk.mp4", "send")
    for second in range(1, 121):
        clock.seconds += 1
        report.advance("talk.mp4", second * MB, 200 * MB)
    report.finish("talk.mp4", "uploaded as video talk")
    assert capsys.readouterr().err.splitlines() == [
        "talk.mp4: send, 30.0 MB of 200.0 MB, 1.0 MB/s, 02:50 left",
        "talk.mp4: send, 60.0 MB of 200.0 MB, 1.0 MB/s, 02:20 left",
        "talk.mp4: send, 90.0 MB of 200.0 MB, 1.0 MB/s, 01:50 left",
        "talk.mp4: send, 120.0 MB of 200.0 MB, 1.0 MB/s, 01:20 left",
        "talk.mp4: uploaded as video talk",
    ]


def test_short_or_unasked_work_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Time()
    for items in (True, False):
        report = LineReport(Diagnostics(), items=items, now=clock)
        report.step("a", "transcribe")
        clock.seconds += 100
        report.advance("a", 5, 10)  # seconds of sound, not bytes
        report.advance("unknown", 5, 10)
        report.step("a", "send")
        report.advance("a", 5, 10)
        if not items:
            clock.seconds += 100
            report.advance("a", 6, 10)
            report.finish("a", "done")
    assert capsys.readouterr().err == ""


def test_bars_fit_on_a_terminal_and_show_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", screen)
    report = BarReport(Diagnostics(color="never"))
    report.step("a very long name of a file.mp4", "send")
    report.advance("a very long name of a file.mp4", 12 * MB, 48 * MB)
    report.advance("not begun", 1, 2)
    report._progress.refresh()
    assert "12.0 MB of 48.0 MB" in screen.getvalue()
    assert " 25%" in screen.getvalue()
    report.finish("a very long name of a file.mp4", "uploaded\x1b[2J")
    report.finish("never begun", "failed")
    report.close()
    assert "uploaded\\x1b[2J" in screen.getvalue()
    assert "never begun: failed" in screen.getvalue()


def test_a_bar_that_is_dropped_leaves_no_line(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    report = BarReport(Diagnostics(color="never"))
    report.step("bad.mp4", "probe")
    report.drop("bad.mp4")
    report.drop("never begun")
    assert report._progress.tasks == []
    report.close()
    assert "bad.mp4:" not in screen.getvalue()
