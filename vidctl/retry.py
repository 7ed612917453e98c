"""Try again what may work later: exponential pauses with full jitter, and an end to them.

Only Temporary is worth a second try; a refused key or a used-up quota stays refused. The pauses
follow "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015), "full jitter".
"""

from __future__ import annotations

import math
import random as randomness
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TypeVar

from vidctl.errors import RateLimited, Temporary, VidctlError
from vidctl.tasks import attended

T = TypeVar("T")

_SECONDS = re.compile(r"[0-9]{1,12}(\.[0-9]{1,9})?")


@dataclass(frozen=True, slots=True)
class Retry:
    """How often and how long to try: at most ``attempts`` calls within ``total`` seconds.

    The pause before try n+1 is drawn evenly from 0 to ``base``·2^(n-1) seconds, at most ``cap``.
    A service that says how long to wait is given that, and up to ``base`` seconds more so that
    those who were told the same moment do not come back together.
    """

    attempts: int = 5
    base: float = 0.5
    cap: float = 30.0
    total: float = 300.0

    def call(
        self,
        act: Callable[[], T],
        *,
        sleep: Callable[[float], None] = time.sleep,
        heed: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        random: Callable[[], float] = randomness.random,
    ) -> T:
        """Return what ``act`` returns, calling it again while it raises Temporary.

        Raises the last Temporary when the tries are used up or the next pause would end after
        ``total`` seconds; any other error is raised at once. What is raised ``is_unbilled`` only
        where every try was. ``heed`` is called all along a pause and may raise to end it.
        """
        begun = clock()
        tried = 0
        is_unbilled = True
        while True:
            tried += 1
            try:
                return act()
            except VidctlError as error:
                # What a try did whose answer was lost, no later refusal can tell.
                is_unbilled = error.is_unbilled = is_unbilled and error.is_unbilled
                if not isinstance(error, Temporary):
                    raise
                pause = self.pause(tried, error, random())
                if tried >= self.attempts or clock() - begun + pause > self.total:
                    raise
            if heed is None:
                sleep(pause)
            else:
                attended(partial(sleep, pause), heed, name="pause")

    def pause(self, tried: int, error: Temporary, drawn: float) -> float:
        """Return the seconds to wait after ``tried`` calls; ``drawn`` is a number from 0 to 1."""
        if isinstance(error, RateLimited) and error.after is not None:
            return max(0.0, error.after) + drawn * self.base
        # Beyond 2^64 every cap is reached, and a larger exponent would overflow.
        return drawn * min(self.cap, self.base * 2.0 ** min(tried - 1, 64))


def parse_retry_after(value: str, *, now: float | None = None) -> float | None:
    """Return the seconds that a ``Retry-After`` header asks for, None when it cannot be read.

    It holds seconds or a date (RFC 9110, 10.2.3); a date that has passed gives 0. ``now`` is in
    seconds since 1970.
    """
    text = value.strip()
    if _SECONDS.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    seconds = moment - (time.time() if now is None else now)
    return max(0.0, seconds) if math.isfinite(seconds) else None
