"""Trying again: which errors, how long the pauses are, and when it ends; on a virtual clock."""

from __future__ import annotations

import threading
import time
from email.utils import format_datetime, formatdate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vidctl.errors import (
    KeyRefused,
    LimitReached,
    NotFound,
    NotVerified,
    RateLimited,
    RemoteFailed,
    RemoteUnavailable,
    StorageFull,
    Temporary,
)
from vidctl.retry import Retry, parse_retry_after

NOON = 1_700_000_000.0


class World:
    """A clock that only sleeping and working move, and a service that fails as scripted."""

    def __init__(self, outcomes: list[Exception | str], *, work: float = 0.0) -> None:
        self.outcomes = outcomes
        self.work = work
        self.now = 0.0
        self.calls: list[float] = []
        self.pauses: list[float] = []

    def act(self) -> str:
        self.calls.append(self.now)
        self.now += self.work
        outcome = self.outcomes[len(self.calls) - 1]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now += seconds

    def run(self, retry: Retry, drawn: float) -> str:
        return retry.call(self.act, sleep=self.sleep, clock=lambda: self.now, random=lambda: drawn)


temporary = st.one_of(
    st.builds(RemoteUnavailable),
    st.builds(Temporary),
    st.builds(RateLimited, after=st.none() | st.floats(-5, 120)),
)
lasting = st.sampled_from(
    [
        RemoteFailed("insufficient_quota: you exceeded your current quota"),
        RemoteFailed("400"),
        KeyRefused(),
        NotFound(),
        NotVerified(),
        LimitReached(),
        StorageFull(),
        ValueError("a bug"),
    ]
)
retries = st.builds(
    Retry,
    attempts=st.integers(1, 8),
    base=st.floats(0.01, 4),
    cap=st.floats(0.1, 60),
    total=st.floats(0, 400),
)


@settings(max_examples=300)
@given(
    retry=retries,
    errors=st.lists(temporary, max_size=10),
    end=lasting | st.just("done"),
    drawn=st.floats(0, 1),
    work=st.floats(0, 60),
)
def test_every_run_keeps_its_limits(
    retry: Retry, errors: list[Temporary], end: Exception | str, drawn: float, work: float
) -> None:
    world = World([*errors, end, "never asked for"], work=work)
    raised: Exception | None = None
    try:
        assert world.run(retry, drawn) == end
    except Exception as error:
        raised = error
    tried = len(world.calls)
    assert 1 <= tried <= retry.attempts
    assert len(world.pauses) == tried - 1, "no pause is made that no call follows"
    assert all(call <= retry.total for call in world.calls[1:])
    for number, (error, pause) in enumerate(zip(errors, world.pauses, strict=False), 1):
        if isinstance(error, RateLimited) and error.after is not None:
            least = max(0.0, error.after)
            assert least <= pause <= least + retry.base
        else:
            assert 0 <= pause <= min(retry.cap, retry.base * 2 ** (number - 1))
    if tried == len(errors) + 1:
        assert raised is (end if isinstance(end, Exception) else None)
    else:
        assert raised is errors[tried - 1], "what is raised is the last failure"
        pause = retry.pause(tried, errors[tried - 1], drawn)
        assert tried == retry.attempts or world.now + pause > retry.total


@settings(max_examples=50)
@given(error=lasting)
def test_what_lasts_is_tried_once(error: Exception) -> None:
    world = World([error, "done"])
    with pytest.raises(type(error)):
        world.run(Retry(), 0.5)
    assert (len(world.calls), world.pauses) == (1, [])


def test_pauses_double_up_to_the_cap() -> None:
    world = World([RemoteUnavailable()] * 7 + ["done"])
    assert world.run(Retry(attempts=8, base=1, cap=10, total=1000), 1.0) == "done"
    assert world.pauses == [1, 2, 4, 8, 10, 10, 10]


def test_jitter_is_drawn_from_nothing_on() -> None:
    world = World([RemoteUnavailable()] * 3 + ["done"])
    assert world.run(Retry(), 0.0) == "done"
    assert world.pauses == [0, 0, 0]


def test_the_service_is_given_the_time_it_asks_for() -> None:
    world = World([RateLimited(after=17), RateLimited(), "done"])
    assert world.run(Retry(base=0.5), 1.0) == "done"
    assert world.pauses == [17.5, 1.0]


@pytest.mark.parametrize("after", [301.0, 86_400.0, float("inf")])
def test_a_pause_longer_than_the_total_is_not_begun(after: float) -> None:
    world = World([RateLimited(after=after), "done"])
    with pytest.raises(RateLimited) as caught:
        world.run(Retry(total=300), 0.0)
    assert (caught.value.after, world.now) == (after, 0.0)


def test_a_thousand_tries_do_not_overflow() -> None:
    world = World([RemoteUnavailable()] * 1100 + ["done"])
    retry = Retry(attempts=2000, base=0.5, cap=1, total=5000)
    assert world.run(retry, 1.0) == "done"


def test_the_real_clock_is_used_without_being_asked() -> None:
    world = World([RemoteUnavailable(), "done"])
    assert Retry(base=0.001).call(world.act) == "done"


def test_a_pause_ends_when_told_to() -> None:
    """Somebody else's pause may last a minute, whatever sleeps."""
    may_end = threading.Event()
    slept: list[float] = []
    heeded = 0

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        may_end.wait(30)

    def heed() -> None:
        nonlocal heeded
        heeded += 1
        if heeded > 3:
            raise KeyboardInterrupt

    def act() -> None:
        raise RateLimited(after=60.0)

    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Retry().call(act, sleep=sleep, heed=heed, random=lambda: 0.0)
    assert slept == [60.0]
    assert time.monotonic() - began < 5
    may_end.set()


def test_a_pause_that_is_heeded_is_as_long_as_any() -> None:
    world = World([RemoteUnavailable(), "done"])
    slept: list[float] = []
    found = Retry(base=8.0).call(
        world.act, sleep=slept.append, heed=lambda: None, random=lambda: 0.5
    )
    assert (found, slept) == ("done", [4.0])


# --- Retry-After --------------------------------------------------------------------------------


@settings(max_examples=150)
@given(seconds=st.integers(0, 10**9))
def test_seconds_are_read(seconds: int) -> None:
    assert parse_retry_after(f" {seconds} ") == seconds


@settings(max_examples=150)
@given(ahead=st.integers(-(10**6), 10**6))
def test_dates_are_read(ahead: int) -> None:
    value = formatdate(NOON + ahead, usegmt=True)
    assert parse_retry_after(value, now=NOON) == max(0, ahead)


@pytest.mark.parametrize(
    "value",
    [
        "Tue, 14 Nov 2023 22:13:50 GMT",
        "Tuesday, 14-Nov-23 22:13:50 GMT",  # RFC 850
        "Tue Nov 14 22:13:50 2023",  # asctime
        "Tue, 14 Nov 2023 23:13:50 +0100",
    ],
)
def test_all_forms_of_a_date_are_read(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    assert parse_retry_after(value, now=NOON) == 30


def test_a_date_counts_from_now() -> None:
    import datetime

    later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(seconds=90)
    seconds = parse_retry_after(format_datetime(later, usegmt=True))
    assert seconds is not None
    assert 85 < seconds <= 90


@pytest.mark.parametrize(
    "value",
    ["", "soon", "-5", "1e9", "inf", "nan", "0x10", "5 s", "9" * 400, "Tue, 99 Nov 2023 99:99:99"],
)
def test_what_cannot_be_read_is_none(value: str) -> None:
    assert parse_retry_after(value, now=NOON) is None


@settings(max_examples=300)
@given(value=st.text())
def test_no_text_breaks_it(value: str) -> None:
    seconds = parse_retry_after(value, now=NOON)
    assert seconds is None or seconds >= 0
