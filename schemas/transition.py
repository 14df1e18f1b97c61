"""What happened to a lead, on `lead-transitions`: every change of stage, and what a person should look at.

The full story, structured: each point with its event, rule and model. `sales-handoffs` carries the flat one.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.instant import Instant

Stage = Literal[
    "visitor",
    "lead",
    "mql",
    "recycled",
    "disqualified",
    "sql",
    "accepted",
    "opportunity",
    "customer",
]
Grade = Literal["A", "B", "C", "D"]
TransitionType = Literal[
    "stage_changed", "review_requested", "existing_relationship", "handoff_overdue", "lead_updated"
]
Flat = str | int | float | bool | None

HANDOFF_ID = r"^ho-[0-9a-f]{32}$"
LEAD_KEY = r"^[eua][a-z0-9]-[0-9a-f]{32}$"


class Part(BaseModel):
    """Base of what the pipeline itself writes: nothing is coerced; a reader keeps what a later version adds."""

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, allow_inf_nan=False)


class Contribution(Part):
    """One line of the ledger. The values of all lines add up to the score."""

    rule: str = Field(description="the rule's id, or the cap that took points away")
    points: float = Field(description="as the model gave them")
    value: float = Field(description="what they are worth at `occurred_at`, after decay")
    event_id: str | None
    at: Instant | None = Field(description="when it happened")
    model: str = Field(description="the hash of the model that gave the points")


class Remark(Part):
    """One line of a lead's story, in words."""

    at: Instant
    type: str
    text: str
    day: str = Field(description="the day of `at` where the model lives, as people write it")
    time: str = Field("", description="and the time of day")


class Transition(Part):
    """One change. `id` is a function of the lead and the change, so a repeat has the same."""

    schema_version: Literal[1]
    id: str
    type: TransitionType
    lead_key: Annotated[str, Field(pattern=LEAD_KEY)]
    occurred_at: Instant = Field(description="the instant of the move")
    arrived_at: Instant = Field(description="when the event that tipped it arrived")
    cycle: Annotated[int, Field(ge=0)] = Field(description="how many handoffs this lead has had")
    from_stage: Stage
    to_stage: Stage
    cause: str = Field(description="the event_id of what tipped it, or `tick`")
    cause_type: str = Field(description="that event's type, or `tick`")
    late: bool = Field(description="the event was older than the lead's newest")
    held_because: str | None = Field(description="what keeps a marketing-qualified lead from sales, in words")
    reason: str | None = Field(description="in words that a salesperson would say")
    score: float
    behaviour_score: float
    fit_score: float
    fit_grade: Grade | None
    model_id: str = Field(description="the hash of the model's canonical form")
    model_name: str
    model_version: str
    handoff_id: Annotated[str, Field(pattern=HANDOFF_ID)] | None = Field(
        description="set where the lead enters the stage that is handed over"
    )
    contributions: list[Contribution]
    lead: dict[str, Flat] = Field(description="who and which company, named as in the handoff's data")
    sales: dict[str, Flat] = Field(
        description="what sales needs: the way it came, who answers by when, approach, permissions; named as there"
    )
    history: list[Remark]
    traceparent: str | None
    account: str | None = Field(
        None, description="the account by whose agent sales gets this; null where the handoff agent gives it"
    )
