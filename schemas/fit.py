"""The `fit:` section of a scoring model: how well a company and a person's role match the ideal customer."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.part import Name, Part

FunctionName = Literal[
    "executive",
    "marketing",
    "sales",
    "operations",
    "it",
    "hr",
    "finance",
    "r_and_d",
    "production",
    "procurement",
    "legal",
    "support",
]
ListName = Annotated[Name, Field(description="the name of a list under `lists`")]


class SeniorityFit(Part):
    """Points by decision power, read from the title. An unknown title gives none."""

    c_level: float
    vp: float
    director: float
    manager: float
    lead: float
    staff: float
    student_intern: float


class FunctionFit(Part):
    """Points if the function read from the title is one of these."""

    any_of: list[FunctionName] = Field(min_length=1)
    points: float


class Band(Part):
    """Points for an amount from `at_least` up to, but not including, `below`."""

    at_least: float = Field(0, ge=0)
    below: float | None = Field(None, gt=0)
    points: float


def _covering(bands: list[Band], what: str) -> None:
    """Bands in ascending order, from nothing without end, each beginning where the one before ends."""
    end: float | None = 0
    for band in bands:
        if end is None or band.at_least < end:
            raise ValueError(f"{what}: the band at_least {band.at_least:g} overlaps the one before")
        if band.at_least > end:
            raise ValueError(f"{what}: no band covers {end:g} up to {band.at_least:g}")
        if band.below is not None and band.below <= band.at_least:
            raise ValueError(f"{what}: the band at_least {band.at_least:g} ends before it begins")
        end = band.below
    if end is not None:
        raise ValueError(f"{what}: no band covers {end:g} and above; leave `below` out of the last one")


class SizeFit(Part):
    """Points by company size: employees, or revenue in US dollars a year where employees are unknown."""

    employees: list[Band] = Field(min_length=1, max_length=20)
    revenue_usd: list[Band] = Field([], max_length=20)

    @model_validator(mode="after")
    def _bands(self) -> "SizeFit":
        _covering(self.employees, "employees")
        if self.revenue_usd:
            _covering(self.revenue_usd, "revenue_usd")
        return self


class Listed(Part):
    """Points if the value is on a list."""

    list: ListName
    points: float


class IndustryFit(Part):
    """Points by industry. `words` is a list of word and industry: how people write it, and what it is called."""

    words: ListName
    target: Listed
    excluded: Listed | None = None


class GeographyFit(Part):
    """Points for a country that can be served; a known country that cannot gives grade D."""

    serviceable: ListName
    points: float


class AdSpend(Part):
    """Points for advertising of at least so many US dollars a month."""

    usd_a_month: float = Field(gt=0)
    points: float


class NeedsFit(Part):
    """Points for signs of need and means, together at most `cap`."""

    cap: float = Field(gt=0)
    budget: float = Field(0, description="points for a budget above nothing")
    ad_spend: AdSpend | None = None
    pain_points: float = Field(0, description="points for any pain point named")
    software: Listed | None = None
    persona: Listed | None = None

    @model_validator(mode="after")
    def _cap(self) -> "NeedsFit":
        for name, points in needs_points(self).items():
            if points > self.cap:
                raise ValueError(f"cap ({self.cap:g}) is below the {points:g} points that {name} gives alone")
        return self


def needs_points(needs: NeedsFit) -> dict[str, float]:
    """What each need gives at most."""
    listed = {"ad_spend": needs.ad_spend, "software": needs.software, "persona": needs.persona}
    return {
        "budget": needs.budget,
        "pain_points": needs.pain_points,
        **{name: part.points for name, part in listed.items() if part is not None},
    }


class MailDomains(Part):
    """Lists that say what an address is: not every domain is a company's, not every mailbox a person's."""

    personal: ListName
    disposable: ListName
    academic: ListName
    role: ListName


class Grades(Part):
    """The least points of each grade; below C, or outside the serviceable area, is D."""

    A: float
    B: float
    C: float

    @model_validator(mode="after")
    def _descending(self) -> "Grades":
        if not self.A > self.B > self.C:
            raise ValueError(f"expected A > B > C, found {self.A:g}, {self.B:g}, {self.C:g}")
        return self


class Fit(Part):
    """How fit is judged. A dimension that is left out is not judged; an unknown value gives no points."""

    cap: float = Field(gt=0, description="the most that fit gives")
    grades: Grades
    usd_rates: ListName
    seniority: SeniorityFit | None = None
    function: FunctionFit | None = None
    size: SizeFit | None = None
    industry: IndustryFit | None = None
    geography: GeographyFit | None = None
    needs: NeedsFit | None = None
    mail: MailDomains | None = None

    @model_validator(mode="after")
    def _cap(self) -> "Fit":
        for name, points in most_points(self).items():
            if points > self.cap:
                raise ValueError(f"cap ({self.cap:g}) is below the {points:g} points that {name} gives alone")
        if self.cap < self.grades.A:
            raise ValueError(f"grade A ({self.grades.A:g}) is above cap ({self.cap:g}): nobody could reach it")
        return self


def most_points(fit: Fit) -> dict[str, float]:
    """What each dimension gives at most."""
    most: dict[str, float] = {}
    if fit.seniority:
        most["seniority"] = max(fit.seniority.model_dump().values())
    if fit.function:
        most["function"] = fit.function.points
    if fit.size:
        most["size"] = max(band.points for band in (*fit.size.employees, *fit.size.revenue_usd))
    if fit.industry:
        most["industry"] = fit.industry.target.points
    if fit.geography:
        most["geography"] = fit.geography.points
    if fit.needs:
        most["needs"] = fit.needs.cap
    return most
