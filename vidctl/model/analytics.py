"""What analytics ask for and get. A day is a whole number of days of UTC since 1970."""

from __future__ import annotations

from dataclasses import dataclass

DAY_MS = 86_400_000
# More days than any log has.
EVER_DAYS = 10**8
BUCKETS = ("day", "week", "month")
SORTS = ("views", "watch-time", "viewers")


@dataclass(frozen=True, slots=True)
class Period:
    """Some days in a row, ``first`` and ``last`` among them."""

    first: int
    last: int

    @property
    def days(self) -> int:
        """How many days there are."""
        return self.last - self.first + 1

    @property
    def start(self) -> int:
        """The first epoch millisecond."""
        return self.first * DAY_MS

    @property
    def end(self) -> int:
        """The epoch millisecond after the last."""
        return (self.last + 1) * DAY_MS

    @property
    def before(self) -> Period:
        """The period of equal length that ends where this one begins."""
        return Period(self.first - self.days, self.first - 1)


EVER = Period(-EVER_DAYS, EVER_DAYS)


@dataclass(frozen=True, slots=True)
class Question:
    """What part of the log is meant, and how a trend is cut.

    ``since`` and ``until`` are epoch milliseconds, taken as whole days; ``by`` is one of BUCKETS,
    empty for whatever fits; ``device`` is a kind of device, None for all.
    """

    since: int | None = None
    until: int | None = None
    by: str = ""
    device: str | None = None

    @property
    def is_ever(self) -> bool:
        """Whether no day is left out."""
        return self.since is None and self.until is None


@dataclass(slots=True)
class Tally:
    """Sums over viewings: how many, milliseconds watched, rated ones, shares in millionths."""

    views: int = 0
    watch_ms: int = 0
    rated: int = 0
    rate_ppm: int = 0

    def add(self, other: Tally) -> None:
        """Add another tally to this one."""
        self.views += other.views
        self.watch_ms += other.watch_ms
        self.rated += other.rated
        self.rate_ppm += other.rate_ppm

    @property
    def watch_time(self) -> float:
        """Seconds watched."""
        return self.watch_ms / 1000

    @property
    def average(self) -> float | None:
        """The mean share of the item that a rated viewing covered, 0 to 1."""
        return self.rate_ppm / self.rated / 1_000_000 if self.rated else None


@dataclass(frozen=True, slots=True)
class Standing:
    """An item in a ranking: its sums and how many people watched it."""

    item_id: str
    tally: Tally
    viewers: int


@dataclass(frozen=True, slots=True)
class Asked:
    """A query people searched for: as typed last, how often, what it last found and when."""

    query: str
    mode: str
    count: int
    hits: int
    last_at: int


@dataclass(frozen=True, slots=True)
class Cell:
    """One row of an export: what an item got from a kind of device since the day ``first``."""

    first: int
    item_id: str
    slug: str
    device: str
    tally: Tally
