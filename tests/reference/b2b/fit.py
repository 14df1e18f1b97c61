"""Fit: points for who the person and the company are, and the grade.

Readings:
- The total cap cuts at 35; there is no floor. Order of the lines: dimensions, cap of needs, total cap.
- Employees told but not readable: revenue is asked instead.
- A country that is told but not readable is unknown: no points, no grade D.
- Outside the area is grade D whatever the points; the points stay.
- `software` and `pain_points` may be texts or lists; a software counts if any of the list's names is in the
  text.
- `budget` above 0 in any currency; `ad_spend` at 150 JPY a dollar.
"""

import unicodedata
from typing import NamedTuple

from tests.reference.b2b.attributes import attribute, text
from tests.reference.b2b.facts import Past, once
from tests.reference.b2b.lists import (
    COUNTRIES,
    EXCLUDED_INDUSTRIES,
    INDUSTRIES,
    KNOWN_COUNTRIES,
    PERSONAS,
    RELATED_FUNCTIONS,
    SERVICEABLE,
    SOFTWARE,
    TARGET_INDUSTRIES,
)  # fmt: skip
from tests.reference.b2b.outcome import Line
from tests.reference.b2b.quantity import number, yearly_usd
from tests.reference.b2b.title import function, seniority

SENIORITY_POINTS = {"c_level": 12, "vp": 12, "director": 10, "manager": 6, "lead": 3, "student_intern": -15}
TOTAL_CAP, NEEDS_CAP = 35, 8
GRADES = "ABCD"


class Fit(NamedTuple):
    """The points, the grade, and the lines that sum to the points."""

    points: float
    grade: str
    lines: list[Line]


@once
def country(past: Past) -> str | None:
    told = unicodedata.normalize("NFKC", text(past, "country"))
    code = COUNTRIES.get(told.lower(), told.upper())
    return code if code in KNOWN_COUNTRIES else None


@once
def industry(past: Past) -> str | None:
    told = unicodedata.normalize("NFKC", text(past, "industry")).lower()
    return INDUSTRIES.get(told, told.replace(" ", "_")) or None


def level(past: Past) -> str:
    return seniority(text(past, "title"), industry(past))


def employees(past: Past) -> float | None:
    return number(attribute(past, "employees")) if text(past, "employees") else None


def size_points(past: Past) -> int:
    people = employees(past)
    if people is not None:
        return -5 if people < 10 else 2 if people < 50 else 6 if people < 200 else 10 if people < 5_000 else 6
    millions = (yearly_usd(attribute(past, "revenue")) or 0.0) / 1e6
    if not text(past, "revenue") or yearly_usd(attribute(past, "revenue")) is None:
        return 0
    return -5 if millions < 1 else 2 if millions < 10 else 6 if millions < 50 else 10 if millions < 2_000 else 6


def needs_points(past: Past) -> int:
    spend = yearly_usd(attribute(past, "ad_spend"), plain_is_monthly=True) if text(past, "ad_spend") else None
    software = text(past, "software").lower()
    return (
        (4 if text(past, "budget") and (number(attribute(past, "budget")) or 0) > 0 else 0)
        + (5 if spend is not None and spend / 12 >= 10_000 else 0)
        + (3 if text(past, "pain_points") else 0)
        + (3 if any(name in software for name in SOFTWARE) else 0)
        + (3 if text(past, "persona").lower() in PERSONAS else 0)
    )


def outside_area(past: Past) -> bool:
    where = country(past)
    return where is not None and where not in SERVICEABLE


def grade(points: float, outside: bool) -> str:
    if outside or points < 0:
        return "D"
    return "A" if points >= 28 else "B" if points >= 18 else "C"


@once
def fit_of(past: Past) -> Fit:
    job, kind = level(past), industry(past)
    needs = needs_points(past)
    each = {
        "seniority": SENIORITY_POINTS.get(job, 0),
        "function": 5 if function(text(past, "title"), job) in RELATED_FUNCTIONS else 0,
        "size": size_points(past),
        "industry": 6 if kind in TARGET_INDUSTRIES else -10 if kind in EXCLUDED_INDUSTRIES else 0,
        "geography": 3 if country(past) in SERVICEABLE else 0,
        "needs": needs,
        "cap:needs": min(0, NEEDS_CAP - needs),
    }
    whole = sum(each.values())
    each["cap:fit"] = min(0, TOTAL_CAP - whole)
    lines = [Line(f"fit:{name}", float(points)) for name, points in each.items() if points]
    points = float(min(whole, TOTAL_CAP))
    return Fit(points, grade(points, outside_area(past)), lines)


def better(one: str, other: str) -> bool:
    return GRADES.index(one) < GRADES.index(other)
