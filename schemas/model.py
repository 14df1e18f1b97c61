"""The scoring model: what a marketing and a sales head agree on, as one validated file, never code."""

from typing import Any, Literal

from pydantic import Field, model_validator

from schemas import coherence
from schemas.fit import Fit
from schemas.follow_up import FollowUpParts, Recycling
from schemas.part import CURRENCY, Day, Duration, Name, TimeZone
from schemas.rule import Group, PageGroup, Rule
from schemas.stage import Block, Effect, Handoff, Lane, Requests, Stages

Language = Literal["en", "ja"]
Lists = dict[Name, list[list[str]]]


class ScoringModel(FollowUpParts):
    """A whole model. Its identity is the hash of its canonical form, in which the lists are written out."""

    name: Name
    version: str = Field(min_length=1, max_length=40)
    language: Language = "en"
    timezone: TimeZone = "UTC"
    currency: str = Field("USD", pattern=CURRENCY, description="of amounts that name none")
    agreed_by: list[str] = Field([])
    agreed_on: Day | None = None
    review_on: Day | None = None
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
    def _coherent(self) -> "ScoringModel":
        for fault in coherence.faults(self):
            raise fault
        return self
