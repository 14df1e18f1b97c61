"""Business hours: when work is done on the clocks of a time zone. Instants are Unix milliseconds.

A business day is one span, from opening to closing, as long as it really lasts (also where clocks change in it).
An instant at which a span closes belongs to it: eight hours from the opening of an eight-hour day are its close.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from schemas.instant import EPOCH, LAST_INSTANT
from streams.scoring.instant import DAY, HOUR

DAY_MINUTES: Final = 24 * 60
LAST_YEAR: Final = 9999

LONGEST_CLOSURE: Final = 31
"""Days without one business day between: more is a wrong list of holidays, and would delay an answer for ever."""
LONGEST_COUNT: Final = 20 * 366 * DAY
"""Hours between two instants are counted at most so far from the first: nothing waits longer."""
YEARS_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business hours. `opens` and `closes` in minutes after midnight, `weekdays` from Monday 0.

    Raises ValueError for one that is hardly ever open: every calendar that exists has a next business hour.
    """

    zone: str
    opens: int
    closes: int
    weekdays: frozenset[int]
    holidays: frozenset[date]

    def __post_init__(self) -> None:
        if not 0 <= self.opens < self.closes <= DAY_MINUTES:
            raise ValueError("a calendar opens before it closes, on the same day")
        if not self.weekdays or not self.weekdays <= set(range(7)):
            raise ValueError("a calendar has one to seven weekdays")
        closure = _long_closure(self)
        if closure is not None:
            raise ValueError(f"no business day within {LONGEST_CLOSURE} days from {closure.isoformat()}")

    def works_on(self, day: date) -> bool:
        """Whether the day is a business day."""
        return day.weekday() in self.weekdays and day not in self.holidays


def add_hours(calendar: Calendar, start: int, hours: float) -> int:
    """The instant at which so many business hours have passed since `start`; outside business hours the clock
    starts at the next opening. Never later than the year 9999."""
    left = round(hours * HOUR)
    start = max(start, 0)
    for year in _years(calendar, start):
        first = bisect_left(year.closes, start)
        if first == len(year.closes):
            continue
        at = max(start, year.opens[first])
        wanted = year.elapsed(first, at) + left
        if wanted <= year.total:
            span = max(first, bisect_left(year.ends, wanted))
            return year.instant(span, wanted)
        left = wanted - year.total
    return LAST_INSTANT


def close_of_day(calendar: Calendar, start: int, days: int) -> int:
    """The close of the business day with this number. Day 1 is the one on which the clock starts running."""
    left = days - 1
    start = max(start, 0)
    for year in _years(calendar, start):
        span = bisect_right(year.closes, start) + left
        if span < len(year.closes):
            return year.closes[span]
        left = span - len(year.closes)
    return LAST_INSTANT


def hours_between(calendar: Calendar, start: int, end: int) -> float:
    """The business hours from `start` to `end`, negative if `end` is before."""
    if end < start:
        return -hours_between(calendar, end, start)
    start = max(start, 0)
    end = min(end, start + LONGEST_COUNT)
    passed = 0
    for year in _years(calendar, start):
        passed += year.before(end) - year.before(start)
        if year.closes and end <= year.closes[-1]:
            break
    return passed / HOUR


class Year(NamedTuple):
    """The business days that begin in one year of the calendar's zone: when each opens and closes, and how much
    business time has passed in the year by its close."""

    opens: tuple[int, ...]
    closes: tuple[int, ...]
    ends: tuple[int, ...]

    @property
    def total(self) -> int:
        return self.ends[-1] if self.ends else 0

    def elapsed(self, span: int, at: int) -> int:
        """Business time of the year at an instant within this span."""
        return self.ends[span] - (self.closes[span] - at)

    def instant(self, span: int, elapsed: int) -> int:
        """The instant within this span at which so much business time of the year has passed."""
        return self.closes[span] - (self.ends[span] - elapsed)

    def before(self, at: int) -> int:
        """Business time of the year until any instant."""
        span = bisect_left(self.closes, at)
        return self.total if span == len(self.closes) else self.elapsed(span, max(at, self.opens[span]))


def _years(calendar: Calendar, start: int) -> Iterator[Year]:
    """The years in which an instant may have its next business hour."""
    moment = EPOCH + timedelta(milliseconds=min(start, LAST_INSTANT))
    # Nowhere is the date more than a day away from that of UTC.
    for year in range((moment - timedelta(days=1)).year, LAST_YEAR + 1):
        yield _year(calendar, year)


@lru_cache(maxsize=YEARS_KEPT)
def _year(calendar: Calendar, year: int) -> Year:
    opens: list[int] = []
    closes: list[int] = []
    ends: list[int] = []
    zone = ZoneInfo(calendar.zone)
    for ordinal in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
        day = date.fromordinal(ordinal)
        if not calendar.works_on(day):
            continue
        opened, closed = _instant(day, calendar.opens, zone), _instant(day, calendar.closes, zone)
        # A change of clocks can swallow the hours of a day.
        if opened < closed and (not closes or opened >= closes[-1]):
            ends.append((ends[-1] if ends else 0) + closed - opened)
            opens.append(opened)
            closes.append(closed)
    return Year(tuple(opens), tuple(closes), tuple(ends))


def _instant(day: date, minutes: int, zone: ZoneInfo) -> int:
    """When the clocks of the zone show so many minutes after midnight."""
    hours, rest = divmod(minutes, 60)
    shown = datetime(day.year, day.month, day.day, hours % 24, rest, tzinfo=zone)
    if hours == 24:  # midnight is the next day's, whose clocks may differ; not past the last date there is
        return _instant(day + timedelta(days=1), 0, zone) if day < date.max else LAST_INSTANT
    return min(int(shown.timestamp()) * 1000, LAST_INSTANT)


def _long_closure(calendar: Calendar) -> date | None:
    """The first day of a closure that is too long to be meant, if there is one."""
    return next((day for day in sorted(calendar.holidays) if not _opens_soon(calendar, day)), None)


def _opens_soon(calendar: Calendar, day: date) -> bool:
    last = min(day.toordinal() + LONGEST_CLOSURE, date.max.toordinal())
    return any(calendar.works_on(date.fromordinal(ordinal)) for ordinal in range(day.toordinal(), last + 1))
