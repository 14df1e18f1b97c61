"""The scoring model: what a marketing and a sales head agree on, as one validated file, never code."""

import re
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from schemas.event import ACTIVITY_TYPES

Stage = Literal["mql", "sql"]
Language = Literal["en", "ja"]

_UNITS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")


def _milliseconds(value: object) -> object:
    """A duration such as `30d`, `8h`, `5m` in milliseconds."""
    match = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None:
        raise ValueError("expected a duration such as 30d, 8h, 5m or 10s")
    return round(float(match[1]) * _UNITS[match[2]])


Duration = Annotated[int, BeforeValidator(_milliseconds, json_schema_input_type=str), Field(ge=0)]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
Scalar = str | int | float | bool


class Part(BaseModel):
    """Base of every part of a model: an unknown word is an error, nothing is guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Words(Part):
    """One text in the languages a salesperson may read."""

    en: str
    ja: str


class EventPattern(Part):
    """Which events a rule counts: the type, and for each named field the values that match."""

    type: str
    where: dict[str, Scalar | list[Scalar]] = {}
    points: float | None = Field(None, description="overrides the rule's points for these events")

    @model_validator(mode="after")
    def _known_type(self) -> "EventPattern":
        if self.type not in ACTIVITY_TYPES:
            raise ValueError(f"unknown event type {self.type!r}: one of {', '.join(sorted(ACTIVITY_TYPES))}")
        return self


class VisitPattern(Part):
    """Visits that hold at least one page of the named groups; all groups that count when none is named."""

    visit: list[Name] = []


class PageGroup(Part):
    """Pages by path: the first group with a pattern that matches is the page's group."""

    name: Name
    paths: list[str] = Field(min_length=1)
    counts: bool = Field(True, description="whether a page of this group makes a visit count")


class Rule(Part):
    """What is counted, for how many points, how long, and at most how often."""

    id: Annotated[str, Field(pattern=r"^[a-zA-Z][a-zA-Z0-9_-]{0,39}$")]
    when: list[EventPattern | VisitPattern] = Field(min_length=1)
    points: float
    keeps: Duration = Field(description="a contribution counts while its age is below this")
    half_life: Duration | None = None
    at_least: int | None = Field(None, ge=2, le=50)
    within: Duration | None = None
    max: int | None = Field(None, ge=1, le=50, description="the newest ones that count; all without it")
    distinct: Literal["offer", "name"] | None = None
    group: Name | None = None
    lifts_to: Stage = "sql"
    reason: Words

    @model_validator(mode="after")
    def _consistent(self) -> "Rule":
        if (self.at_least is None) != (self.within is None):
            raise ValueError("at_least and within belong together")
        if self.at_least and (self.max or self.distinct):
            raise ValueError("at_least makes one contribution: max and distinct do not apply")
        if self.points < 0 and self.half_life:
            raise ValueError("negative points do not decay: remove half_life")
        if not self.keeps or self.half_life == 0:
            raise ValueError("keeps and half_life must be longer than nothing")
        visits = [isinstance(pattern, VisitPattern) for pattern in self.when]
        if any(visits) and len(visits) > 1:
            raise ValueError("a rule counts visits or events, not both")
        if visits[0] and self.distinct:
            raise ValueError("visits have no offer or name to be distinct by")
        return self


class Group(Part):
    """Rules whose contributions together give at most `cap` points."""

    cap: float = Field(gt=0)


class MqlStage(Part):
    """Enter at a score of at least `enter`, leave below `leave`: the gap keeps leads from flickering."""

    enter: float = Field(gt=0)
    leave: float

    @model_validator(mode="after")
    def _gap(self) -> "MqlStage":
        if self.leave > self.enter:
            raise ValueError(f"leave ({self.leave}) is above enter ({self.enter}): the stage could not be held")
        return self


class SqlStage(Part):
    """Enter at a score of at least `enter`, if a person can be reached when `contact` asks for it."""

    enter: float = Field(gt=0)
    contact: bool = True


class Stages(Part):
    """The two stages that the score decides; all others follow from identity and feedback."""

    mql: MqlStage
    sql: SqlStage

    @model_validator(mode="after")
    def _ordered(self) -> "Stages":
        if self.sql.enter < self.mql.enter:
            raise ValueError(f"sql.enter ({self.sql.enter}) is below mql.enter ({self.mql.enter})")
        return self


class Recycling(Part):
    """What happens after sales gave a lead back."""

    cool_down: Duration = 0


class Handoff(Part):
    """When and whether a lead is handed to sales."""

    stage: Stage = "sql"
    mode: Literal["off", "shadow", "live"] = "live"
    max_age: Duration | None = Field(None, description="an older crossing is held, so that imports do not flood")


class ScoringModel(Part):
    """A whole model. Its identity is the hash of its canonical form."""

    name: Name
    version: str = Field(min_length=1, max_length=40)
    language: Language = "en"
    timezone: str = "UTC"
    agreed_by: list[str] = []
    agreed_on: str | None = None
    review_on: str | None = None
    lateness: Duration = 300_000
    pages: list[PageGroup] = []
    rules: list[Rule] = Field(min_length=1, max_length=200)
    groups: dict[Name, Group] = {}
    stages: Stages
    recycling: Recycling = Recycling()
    handoff: Handoff = Handoff()

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("expected a mapping with name, version, rules and stages")
        return value

    @model_validator(mode="after")
    def _references(self) -> "ScoringModel":
        seen: set[str] = set()
        pages = {page.name for page in self.pages}
        for rule in self.rules:
            if rule.id in seen:
                raise ValueError(f"rule {rule.id!r} stands twice")
            seen.add(rule.id)
            if rule.group is not None and rule.group not in self.groups:
                raise ValueError(f"rule {rule.id!r} names the unknown group {rule.group!r}")
            if rule.group is not None and abs(rule.points) > self.groups[rule.group].cap:
                raise ValueError(f"rule {rule.id!r} gives more points than its group {rule.group!r} may hold")
            unknown = {name for p in rule.when if isinstance(p, VisitPattern) for name in p.visit} - pages
            if unknown:
                raise ValueError(f"rule {rule.id!r} names the unknown page group {min(unknown)!r}")
        return self
