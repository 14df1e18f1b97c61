"""How well a lead matches the ideal customer: points with their reasons, a grade, and what is not known."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from schemas.part import Scalar
from streams.fit.place import country
from streams.fit.quantity import headcount
from streams.fit.seniority import Seniority
from streams.fit.terms import FitTerms
from streams.fit.title import Title, read_title
from streams.fit.wording import LONGEST, said

Grade = Literal["A", "B", "C", "D"]
Line = tuple[str, float]
REMEMBERED: Final = 4096
"""Judgements kept: a lead is judged again at each of its events."""


class Fit(NamedTuple):
    """One judgement. The points of `lines` add up to `points`; `unknown` names what has no answer."""

    points: float
    lines: tuple[Line, ...]
    grade: Grade
    seniority: Seniority | None
    function: str | None
    employees: int | None
    revenue_usd: float | None  # a year
    industry: str | None
    country: str | None  # ISO 3166 alpha-2
    serviceable: bool | None
    unknown: tuple[str, ...]


def judge(values: Mapping[str, Scalar], terms: FitTerms) -> Fit:
    """The fit of a lead with these attributes (`streams.scoring.attribute`)."""
    get = values.get
    return _judged(terms, *[_short(get(name)) for name in terms.reads])


def _short(value: Scalar | None) -> Scalar | None:
    """An answer as far as it is read: what is remembered of judgements must not grow with what people write."""
    return value[:LONGEST] if isinstance(value, str) else value


@lru_cache(REMEMBERED, typed=True)
def _judged(
    terms: FitTerms,
    title: Scalar | None,
    industry: Scalar | None,
    employees: Scalar | None,
    revenue: Scalar | None,
    place: Scalar | None,
    *needs: Scalar | None,
) -> Fit:
    lines: list[Line] = []
    unknown: list[str] = []
    sector = terms.industries.meaning(said(industry))
    role = read_title(title if isinstance(title, str) else None, sector)
    people, income, land = headcount(employees), terms.exchange.usd_a_year(revenue, "year"), country(place)
    serviceable = land in terms.serviceable if land is not None and terms.source.geography else None
    _role(role, terms, lines, unknown)
    _size(people, income, terms, lines, unknown)
    _industry(sector, terms, lines, unknown)
    _geography(serviceable, terms, lines, unknown)
    _needs(needs, terms, lines, unknown)
    points = _cap("fit", terms.source.cap, 0, lines)
    grade = _grade(points, serviceable, terms)
    kept = tuple([line for line in lines if line[1]])
    said_of = (role.seniority, role.function, people, income, sector, land, serviceable)
    return Fit(points, kept, grade, *said_of, tuple(unknown))


def _grade(points: float, serviceable: bool | None, terms: FitTerms) -> Grade:
    grades = terms.source.grades
    if serviceable is False or points < grades.C:
        return "D"
    if points < grades.B:
        return "C"
    return "B" if points < grades.A else "A"


def _role(role: Title, terms: FitTerms, lines: list[Line], unknown: list[str]) -> None:
    if terms.source.seniority:
        if role.seniority is None:
            unknown.append("seniority")
        else:
            lines.append(("seniority", terms.seniority[role.seniority]))
    part = terms.source.function
    if part:
        if role.function is None:
            unknown.append("function")
        elif role.function in part.any_of:
            lines.append(("function", part.points))


def _size(
    people: int | None, income: float | None, terms: FitTerms, lines: list[Line], unknown: list[str]
) -> None:
    if terms.employees is not None and people is not None:
        lines.append(("employees", terms.employees.of(people)))
    elif terms.revenue is not None and income is not None:
        lines.append(("revenue", terms.revenue.of(income)))
    elif terms.employees is not None:
        unknown.append("employees")


def _industry(sector: str | None, terms: FitTerms, lines: list[Line], unknown: list[str]) -> None:
    part = terms.source.industry
    if part is None:
        return
    if sector is None:
        unknown.append("industry")
    elif sector in terms.target:
        lines.append(("industry", part.target.points))
    elif part.excluded is not None and sector in terms.excluded:
        lines.append(("industry", part.excluded.points))


def _geography(serviceable: bool | None, terms: FitTerms, lines: list[Line], unknown: list[str]) -> None:
    part = terms.source.geography
    if part is None:
        return
    if serviceable is None:
        unknown.append("geography")
    elif serviceable:
        lines.append(("geography", part.points))


def _needs(answers: tuple[Scalar | None, ...], terms: FitTerms, lines: list[Line], unknown: list[str]) -> None:
    part = terms.source.needs
    if part is None:
        return
    if answers.count(None) == len(answers):
        unknown.append("needs")
        return
    first = len(lines)
    for need, answer in zip(terms.needs, answers, strict=True):
        met = None if answer is None else need.met(answer)
        if met:
            lines.append((need.name, need.points))
        elif met is None and answer is not None:
            unknown.append(need.name)
    _cap("needs", part.cap, first, lines)


def _cap(name: str, cap: float, first: int, lines: list[Line]) -> float:
    """The sum of the lines from `first` on. What is beyond the cap is taken back in a line of its own."""
    total = 0.0
    for _, gained in lines[first:]:
        total += gained
    if total > cap:
        lines.append((f"cap:{name}", cap - total))
        return cap
    return total
