"""Business hours: by example, by law, and against counting every minute of a year."""

from bisect import bisect_left
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from schemas.instant import LAST_INSTANT
from streams.follow_up.calendar import Calendar, add_hours, close_of_day, hours_between
from streams.scoring.instant import DAY, HOUR, MINUTE, rfc3339
from tests.follow_up.example import ZONES, at, calendar

CALENDARS = {name: calendar(name) for name in ZONES}
NIGHT = Calendar("America/New_York", 0, 24 * 60, frozenset(range(7)), frozenset())
FROM, TO = at("2025-01-01T00:00:00Z"), at("2028-12-31T00:00:00Z")
FOUR_YEARS = (TO - FROM) // MINUTE

calendars = st.sampled_from([*CALENDARS.values(), NIGHT])
instants = st.integers(FROM, TO)
minutes = st.integers(0, 200 * 60)


def due(name: str, start: str, hours: float) -> str:
    return rfc3339(add_hours(CALENDARS[name], at(start), hours))[:16]


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-11-09T02:00Z", 8, "2026-11-10T01:00"),  # Monday 11:00: seven hours, and one on Tuesday
        ("2026-11-03T01:00Z", 8, "2026-11-04T08:00"),  # a holiday: from Wednesday's opening
        ("2026-11-22T01:00Z", 8, "2026-11-24T08:00"),  # Sunday, and Monday is a holiday
        ("2026-11-04T01:00Z", 1, "2026-11-04T02:00"),  # within the day
        ("2026-11-20T08:30Z", 1, "2026-11-24T00:30"),  # Friday 17:30, half of it on Tuesday 9:30
    ],
)
def test_the_deadlines_computed_by_hand_for_tokyo(start: str, hours: float, end: str) -> None:
    assert due("jp", start, hours) == end


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-10-23T15:30Z", 1, "2026-10-26T08:30"),  # Friday 17:30 in summer time, Monday 9:30 in winter time
        ("2026-03-27T16:30Z", 1, "2026-03-30T07:30"),  # and back
        ("2026-12-24T16:30Z", 1, "2026-12-28T08:30"),  # Christmas on Friday and Saturday
        ("2026-04-02T15:00Z", 8, "2026-04-07T14:00"),  # one hour left before the four days of Easter
    ],
)
def test_changes_of_clocks_and_long_weekends_in_berlin(start: str, hours: float, end: str) -> None:
    assert due("emea", start, hours) == end


def test_new_york_changes_its_clocks_a_week_after_berlin() -> None:
    assert due("amer", "2026-10-30T21:30Z", 1) == "2026-11-02T14:30"
    assert due("emea", "2026-10-30T16:30Z", 1) == "2026-11-02T08:30"


def test_hours_that_end_with_the_day_end_at_its_close_and_not_at_the_next_opening() -> None:
    assert due("jp", "2026-11-02T00:00Z", 9) == "2026-11-02T09:00"


def test_no_hours_from_outside_business_hours_is_the_next_opening() -> None:
    assert due("jp", "2026-11-02T20:00Z", 0) == "2026-11-04T00:00"


def test_the_tenth_business_day_counts_the_day_on_which_the_clock_starts() -> None:
    tokyo = CALENDARS["jp"]
    assert rfc3339(close_of_day(tokyo, at("2026-11-03T01:00Z"), 10))[:16] == "2026-11-17T09:00"
    assert rfc3339(close_of_day(tokyo, at("2026-11-04T08:59Z"), 1))[:16] == "2026-11-04T09:00"
    assert rfc3339(close_of_day(tokyo, at("2026-11-04T09:00Z"), 1))[:16] == "2026-11-05T09:00"


@given(calendars, instants, minutes, minutes)
def test_hours_can_be_added_in_parts(calendar: Calendar, start: int, some: int, more: int) -> None:
    half = add_hours(calendar, start, some / 60)
    assert add_hours(calendar, half, more / 60) == add_hours(calendar, start, (some + more) / 60)


@given(calendars, instants, instants, minutes)
def test_who_starts_later_is_never_due_earlier(calendar: Calendar, one: int, other: int, wanted: int) -> None:
    first, second = sorted((one, other))
    assert add_hours(calendar, first, wanted / 60) <= add_hours(calendar, second, wanted / 60)


@given(calendars, instants, minutes, minutes)
def test_more_hours_end_later(calendar: Calendar, start: int, some: int, more: int) -> None:
    assert add_hours(calendar, start, some / 60) <= add_hours(calendar, start, (some + more) / 60)


@given(calendars, instants, minutes)
def test_the_end_is_within_business_hours_and_not_before_the_start(
    calendar: Calendar, start: int, wanted: int
) -> None:
    end = add_hours(calendar, start, wanted / 60)
    assert end >= start
    shown = datetime.fromtimestamp(end / 1000, ZoneInfo(calendar.zone))
    since = timedelta(hours=shown.hour, minutes=shown.minute, seconds=shown.second, microseconds=shown.microsecond)
    closed = since > timedelta(minutes=calendar.closes) or since < timedelta(minutes=calendar.opens)
    assert not closed
    assert calendar.works_on(shown.date()) or (calendar.closes == 24 * 60 and not since)


@given(calendars, instants, minutes)
def test_the_hours_between_are_those_that_were_added(calendar: Calendar, start: int, wanted: int) -> None:
    end = add_hours(calendar, start, wanted / 60)
    assert hours_between(calendar, start, end) == pytest.approx(wanted / 60, abs=1e-9)
    assert hours_between(calendar, end, start) == -hours_between(calendar, start, end)


@given(calendars, instants, st.integers(1, 60), st.integers(1, 60))
def test_business_days_can_be_counted_in_parts(calendar: Calendar, start: int, some: int, more: int) -> None:
    half = close_of_day(calendar, start, some)
    assert half > start
    assert close_of_day(calendar, half, more) == close_of_day(calendar, start, some + more)


@cache
def working_minutes(name: str) -> list[int]:
    """Every minute of 2026 and the month after, as the clocks on the wall show it, in which somebody works."""
    calendar = CALENDARS[name]
    zone = ZoneInfo(calendar.zone)
    found = []
    moment = datetime(2025, 12, 31, tzinfo=UTC)
    while moment < datetime(2027, 2, 1, tzinfo=UTC):
        shown = moment.astimezone(zone)
        if calendar.works_on(shown.date()) and calendar.opens <= shown.hour * 60 + shown.minute < calendar.closes:
            found.append(int(moment.timestamp()) * 1000)
        moment += timedelta(minutes=1)
    return found


@pytest.mark.parametrize("name", ZONES)
def test_a_whole_year_agrees_with_counting_every_minute(name: str) -> None:
    worked = working_minutes(name)
    calendar = CALENDARS[name]
    for start in range(at("2026-01-01T00:00Z"), at("2027-01-01T00:00Z"), 37 * MINUTE):
        first = bisect_left(worked, start)
        for wanted in (1, 60, 480, 1080):
            assert add_hours(calendar, start, wanted / 60) == worked[first + wanted - 1] + MINUTE
        later = min(start + 3 * DAY + 11 * MINUTE, worked[-1])
        counted = bisect_left(worked, later) - first
        assert round(hours_between(calendar, start, later) * 60) == counted


@example(CALENDARS["jp"], -54_000_001, 0, 1)
@given(calendars, st.integers(-DAY, LAST_INSTANT + DAY), st.floats(0, 2000), st.integers(1, 250))
@settings(deadline=None)
def test_every_instant_has_an_answer(calendar: Calendar, start: int, hours: float, days: int) -> None:
    assert 0 <= add_hours(calendar, start, hours) <= LAST_INSTANT
    assert 0 <= close_of_day(calendar, start, days) <= LAST_INSTANT
    assert hours_between(calendar, start, start + DAY) <= 24


def test_a_wait_of_centuries_is_counted_for_twenty_years_only() -> None:
    assert hours_between(CALENDARS["jp"], FROM, LAST_INSTANT) < 20 * 366 * 9


def test_a_day_that_a_zone_skipped_has_no_business_hours() -> None:
    samoa = Calendar("Pacific/Apia", 9 * 60, 18 * 60, frozenset(range(7)), frozenset())
    thursday_close = at("2011-12-30T04:00Z")  # of the 29th; the 30th never was
    assert add_hours(samoa, thursday_close, 9) - thursday_close == 15 * HOUR + 9 * HOUR
    assert hours_between(samoa, thursday_close, thursday_close + DAY) == 9


def test_a_calendar_whose_holidays_leave_nothing_open_cannot_be_made() -> None:
    closed = frozenset(date(2026, 1, 1) + timedelta(days=n) for n in range(40_000))
    with pytest.raises(ValueError, match="no business day within 31 days from 2026-01-01"):
        Calendar("Asia/Tokyo", 540, 1080, frozenset(range(5)), closed)


def test_two_weeks_of_company_holidays_are_no_fault() -> None:
    closed = frozenset(date(2026, 8, 3) + timedelta(days=n) for n in range(14))
    summer = Calendar("Asia/Tokyo", 540, 1080, frozenset(range(5)), closed)
    assert rfc3339(add_hours(summer, at("2026-08-01T00:00Z"), 1))[:16] == "2026-08-17T01:00"


@pytest.mark.parametrize(
    ("opens", "closes", "weekdays"),
    [(540, 540, {0}), (600, 540, {0}), (0, 1441, {0}), (540, 600, set()), (0, 9, {7})],
)
def test_hours_that_cannot_be_kept_are_refused(opens: int, closes: int, weekdays: set[int]) -> None:
    with pytest.raises(ValueError, match="a calendar"):
        Calendar("UTC", opens, closes, frozenset(weekdays), frozenset())


@pytest.mark.parametrize(
    ("zone", "start", "end"),
    [
        ("Pacific/Kiritimati", "2026-12-31T18:00Z", "2026-12-31T20:00Z"),  # nine o'clock of the next year already
        ("Etc/GMT+12", "2027-01-01T03:00Z", "2027-01-01T04:00Z"),  # in the afternoon of the year before
    ],
)
def test_years_turn_with_the_clocks_of_the_zone(zone: str, start: str, end: str) -> None:
    far = Calendar(zone, 9 * 60, 18 * 60, frozenset(range(7)), frozenset())
    assert add_hours(far, at(start), 1) == at(end)
