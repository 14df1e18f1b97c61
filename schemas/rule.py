"""What a scoring model counts: page groups, rules on events and on visits, and what groups of rules may give."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.event import ACTIVITY_TYPES
from schemas.fault import ModelFault
from schemas.part import RULE_ID, Duration, Name, Part, Scalar, Words

Stage = Literal["mql", "sql"]


class Given(Part):
    """A form's depth: at least so many of these fields hold something."""

    at_least: int = Field(ge=1)
    of: list[Name] = Field(min_length=1)

    @model_validator(mode="after")
    def _reachable(self) -> "Given":
        if self.at_least > len(set(self.of)):
            raise ValueError(f"at_least {self.at_least} of {len(set(self.of))} fields can never be")
        return self


class EventPattern(Part):
    """Which events a rule counts: the type, and for each named field the values that match."""

    type: str
    where: dict[str, Scalar | list[Scalar]] = Field({})
    unless: dict[str, Scalar | list[Scalar]] = Field({}, description="field values that do not count")
    fields: Given | None = None
    points: float | None = Field(None, description="overrides the rule's points for these events")
    intent: bool = Field(False, description="these events show intent, whatever the rule's others do")

    @model_validator(mode="after")
    def _known_type(self) -> "EventPattern":
        if self.type not in ACTIVITY_TYPES:
            what = f"unknown event type {self.type!r}: one of {', '.join(sorted(ACTIVITY_TYPES))}"
            raise ModelFault(("type",), what)
        return self


class VisitPattern(Part):
    """Visits that hold at least one page of the named groups; all groups that count when none is named."""

    visit: list[Name] = Field([])


class PageGroup(Part):
    """Pages by path: the first group with a pattern that matches is the page's group."""

    name: Name
    paths: list[str] = Field(min_length=1)
    counts: bool = Field(True, description="whether a page of this group makes a visit count")

    @model_validator(mode="after")
    def _paths(self) -> "PageGroup":
        for n, path in enumerate(self.paths):
            if not path.startswith("/") or "*" in path[:-1]:
                what = f"expected a path such as /product or /product*, found {path!r}"
                raise ModelFault(("paths", n), what)
        return self


class Rule(Part):
    """What is counted, for how many points, how long, and at most how often."""

    id: Annotated[str, Field(pattern=RULE_ID)]
    when: list[EventPattern | VisitPattern] = Field(min_length=1)
    points: float
    keeps: Duration = Field(description="a contribution counts while its age is below this")
    half_life: Duration | None = None
    at_least: int | None = Field(None, ge=2, le=50)
    within: Duration | None = None
    max: int | None = Field(None, ge=1, le=50, description="the newest ones that count; all without it")
    distinct: Literal["offer", "name", "form_type"] | None = None
    prefer: Literal["newest", "highest", "first"] = Field(
        "newest", description="which contribution of one offer or name counts; `first`: the oldest of all"
    )
    group: Name | None = None
    lifts_to: Stage = "sql"
    intent: bool = Field(False, description="its contributions show intent to buy")
    request: bool = Field(False, description="the lead asks to be answered; by form_type")
    not_with_sales: bool = Field(False, description="counts nothing while sales has the lead")
    reason: Words

    @model_validator(mode="after")
    def _consistent(self) -> "Rule":
        if (self.at_least is None) != (self.within is None):
            raise ValueError("at_least and within belong together")
        if self.at_least and (self.max or self.prefer != "newest"):
            raise ValueError("at_least makes one contribution: max and prefer do not apply")
        if self.points < 0 and self.half_life:
            raise ValueError("negative points do not decay: remove half_life")
        if 0 in (self.keeps, self.half_life, self.within):
            raise ValueError("keeps, half_life and within must be longer than nothing")
        if self.request and self.distinct != "form_type":
            raise ValueError("a request is told by its form: distinct must be form_type")
        return self

    @model_validator(mode="after")
    def _of_one_kind(self) -> "Rule":
        visits = [isinstance(pattern, VisitPattern) for pattern in self.when]
        if any(visits) and len(visits) > 1:
            raise ValueError("a rule counts visits or events, not both")
        if visits[0] and (self.distinct or self.prefer != "newest" or self.request):
            raise ValueError("visits have no offer, name or form to be distinct by")
        return self


class Group(Part):
    """Rules whose contributions together give at most `cap` points."""

    cap: float = Field(gt=0)
