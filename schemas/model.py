"""The scoring model: what a marketing and a sales head agree on, as one validated file, never code."""

from typing import Any, Literal

from pydantic import Field, model_validator

from schemas.fit import Fit
from schemas.follow_up import FollowUpParts, Recycling
from schemas.part import Duration, Name
from schemas.rule import EventPattern, Group, PageGroup, Rule, VisitPattern
from schemas.stage import Block, Effect, Handoff, Lane, Requests, Stages

Language = Literal["en", "ja"]
Lists = dict[Name, list[list[str]]]


class ScoringModel(FollowUpParts):
    """A whole model. Its identity is the hash of its canonical form, in which the lists are written out."""

    name: Name
    version: str = Field(min_length=1, max_length=40)
    language: Language = "en"
    timezone: str = "UTC"
    currency: str = Field("USD", pattern=r"^[A-Z]{3}$", description="of amounts that name none")
    agreed_by: list[str] = Field([])
    agreed_on: str | None = None
    review_on: str | None = None
    lateness: Duration = 300_000
    lists: Lists = Field({}, description="the rows of each CSV file beside the model")
    pages: list[PageGroup] = Field([])
    rules: list[Rule] = Field(min_length=1, max_length=200)
    groups: dict[Name, Group] = Field({})
    browser_cap: float | None = Field(None, gt=0, description="points that browsers' events give together at most")
    fit: Fit | None = None
    stages: Stages
    lanes: list[Lane] = Field([])
    requests: Requests | None = None
    blocks: dict[Block, Effect] = Field({})
    recycling: Recycling = Recycling()
    handoff: Handoff = Handoff()

    @model_validator(mode="before")
    @classmethod
    def _mapping(cls, value: Any) -> Any:
        if not isinstance(value, dict):
            raise ValueError("expected a mapping with name, version, rules and stages")
        return value

    @model_validator(mode="after")
    def _rules(self) -> "ScoringModel":
        seen: set[str] = set()
        pages = {page.name for page in self.pages}
        for rule in self.rules:
            if rule.id in seen:
                raise ValueError(f"rule {rule.id!r} stands twice")
            seen.add(rule.id)
            if rule.group is not None and rule.group not in self.groups:
                raise ValueError(f"rule {rule.id!r} names the unknown group {rule.group!r}")
            most = max([abs(rule.points), *(abs(p.points or 0) for p in rule.when if isinstance(p, EventPattern))])
            if rule.group is not None and most > self.groups[rule.group].cap:
                raise ValueError(f"rule {rule.id!r} gives more points than its group {rule.group!r} may hold")
            unknown = {name for p in rule.when if isinstance(p, VisitPattern) for name in p.visit} - pages
            if unknown:
                raise ValueError(f"rule {rule.id!r} names the unknown page group {min(unknown)!r}")
        return self

    @model_validator(mode="after")
    def _words_agree(self) -> "ScoringModel":
        if self.lanes and self.requests is None:
            raise ValueError("lanes need requests: how long a request may open one")
        if self.requests is not None and not any(rule.request for rule in self.rules):
            raise ValueError("requests need a rule with `request: true`")
        asks_fit = [lane.name for lane in self.lanes if lane.grades or lane.seniority]
        sql, mql = self.stages.sql, self.stages.mql
        if self.fit is None and (asks_fit or sql.grades or sql.seniority or mql.grades):
            raise ValueError("grades and seniority need a fit section to be told by")
        intent = any(r.intent or any(isinstance(p, EventPattern) and p.intent for p in r.when) for r in self.rules)
        if sql.intent and not intent:
            raise ValueError("stages.sql.intent needs a rule with `intent: true`")
        if (self.lanes or self.requests) and self.follow_up is None:
            raise ValueError(
                "requests need follow_up, calendars and routing: by when, and by whom they are answered"
            )
        return self
