"""Business hours, minute by minute where it matters: Monday to Friday, 09:00 to 18:00, by the queue's clock.

Readings:
- Holidays: Japan's national holidays; Germany's nationwide ones; the United States' federal ones as observed.
  Not the bank holidays around New Year in Japan.
- A deadline that ends exactly at 18:00 is 18:00, not 09:00 of the next day.
- An arrival at or after 18:00 starts the clock on the next business day, which then is day 1 of ten.
"""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tests.reference.b2b.facts import EPOCH

ZONES = {"jp": ZoneInfo("Asia/Tokyo"), "emea": ZoneInfo("Europe/Berlin"), "amer": ZoneInfo("America/New_York")}
OPENS, CLOSES = time(9), time(18)
HOLIDAYS = {
    "jp": """
        2025-01-01 2025-01-13 2025-02-11 2025-02-23 2025-02-24 2025-03-20 2025-04-29 2025-05-03
        2025-05-04 2025-05-05 2025-05-06 2025-07-21 2025-08-11 2025-09-15 2025-09-23 2025-10-13
        2025-11-03 2025-11-23 2025-11-24 2026-01-01 2026-01-12 2026-02-11 2026-02-23 2026-03-20
        2026-04-29 2026-05-03 2026-05-04 2026-05-05 2026-05-06 2026-07-20 2026-08-11 2026-09-21
        2026-09-22 2026-09-23 2026-10-12 2026-11-03 2026-11-23 2027-01-01 2027-01-11 2027-02-11
        2027-02-23 2027-03-21 2027-03-22 2027-04-29 2027-05-03 2027-05-04 2027-05-05 2027-07-19
        2027-08-11 2027-09-20 2027-09-23 2027-10-11 2027-11-03 2027-11-23
        """,
    "emea": """
        2025-01-01 2025-04-18 2025-04-21 2025-05-01 2025-05-29 2025-06-09 2025-10-03 2025-12-25
        2025-12-26 2026-01-01 2026-04-03 2026-04-06 2026-05-01 2026-05-14 2026-05-25 2026-10-03
        2026-12-25 2026-12-26 2027-01-01 2027-03-26 2027-03-29 2027-05-01 2027-05-06 2027-05-17
        2027-10-03 2027-12-25 2027-12-26
        """,
    "amer": """
        2025-01-01 2025-01-20 2025-02-17 2025-05-26 2025-06-19 2025-07-04 2025-09-01 2025-10-13
        2025-11-11 2025-11-27 2025-12-25 2026-01-01 2026-01-19 2026-02-16 2026-05-25 2026-06-19
        2026-07-03 2026-09-07 2026-10-12 2026-11-11 2026-11-26 2026-12-25 2027-01-01 2027-01-18
        2027-02-15 2027-05-31 2027-06-18 2027-07-05 2027-09-06 2027-10-11 2027-11-11 2027-11-25
        2027-12-24 2027-12-31
        """,
}


def is_business_day(day: date, calendar: str) -> bool:
    return day.weekday() < 5 and day.isoformat() not in HOLIDAYS[calendar].split()


def instant(day: date, hour: time, calendar: str) -> int:
    moment = datetime.combine(day, hour, tzinfo=ZONES[calendar])
    return (moment - EPOCH) // timedelta(milliseconds=1)


def business_days(at: int, calendar: str, count: int) -> list[tuple[int, int]]:
    """Opening and closing of so many business days, from the one on which a clock set off at `at` runs."""
    day = (EPOCH + timedelta(milliseconds=at)).astimezone(ZONES[calendar]).date()
    found: list[tuple[int, int]] = []
    while len(found) < count:
        opens, closes = instant(day, OPENS, calendar), instant(day, CLOSES, calendar)
        if is_business_day(day, calendar) and at < closes:
            found.append((max(at, opens), closes))
        day += timedelta(days=1)
    return found


def after_business_hours(at: int, hours: int, calendar: str) -> int:
    """The instant at which a clock started at `at` has run so many business hours."""
    left = hours * 3_600_000
    for opens, closes in business_days(at, calendar, hours + 2):
        if left <= closes - opens:
            return opens + left
        left -= closes - opens
    raise AssertionError("each business day but the first has nine hours")


def close_of_business_day(at: int, number: int, calendar: str) -> int:
    """The close of the so-manieth business day; day 1 is the one on which the clock starts running."""
    return business_days(at, calendar, number)[-1][1]
