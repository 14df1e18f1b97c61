"""When a lead moves: the stages with entry and exit, fast lanes for requests, blocks, and the handoff itself."""

from typing import Literal

from pydantic import Field, model_validator

from schemas.event import ACTIVITY_TYPES
from schemas.fault import ModelFault
from schemas.part import Duration, Name, Part
from schemas.rule import Stage

Grade = Literal["A", "B", "C", "D"]
Seniority = Literal["student_intern", "staff", "lead", "manager", "director", "vp", "c_level"]
Request = Literal["demo", "contact", "quote", "question", "information"]
Block = Literal[
    "competitor",
    "own",
    "do_not_contact",
    "no_consent",
    "disposable_mail",
    "customer",
    "open_opportunity",
    "partner",
    "unreachable",
    "student",
    "academic",
    "imported",
    "unsubscribed",
    "complained",
    "personal_mail",
    "role_mailbox",
]
Effect = Literal["hard", "relationship", "no_sql", "no_score_lane", "vouched"]


class MqlStage(Part):
    """Enter at a score of at least `enter`, leave below `leave`: the gap keeps leads from flickering."""

    enter: float = Field(gt=0)
    leave: float
    leave_by: Literal["score", "behaviour"] = "score"
    behaviour: float | None = Field(None, description="points that must come from behaviour to enter")
    request: Duration | None = Field(None, description="a request younger than this enters and holds the stage")
    contact: bool = Field(False, description="an email address or a phone number must be known")
    grades: list[Grade] | None = Field(None, description="fit grades that may be here; all without it")

    @model_validator(mode="after")
    def _gap(self) -> "MqlStage":
        by = "behaviour" if self.leave_by == "behaviour" and self.behaviour is not None else "enter"
        enter = self.behaviour if by == "behaviour" and self.behaviour is not None else self.enter
        if self.leave > enter:
            what = f"leave ({self.leave:g}) is above {by} ({enter:g}): the stage could not be held"
            raise ModelFault(("leave",), what)
        return self


class ActiveDays(Part):
    """Days, in the model's time zone, on which the lead did something: a counted visit or one of these events."""

    at_least: int = Field(ge=2)
    within: Duration
    types: list[str] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_types(self) -> "ActiveDays":
        for n, name in enumerate(self.types):
            if name not in ACTIVITY_TYPES:
                what = f"unknown event type {name!r}: one of {', '.join(sorted(ACTIVITY_TYPES))}"
                raise ModelFault(("types", n), what)
        return self


class SqlStage(Part):
    """The score lane: enter at a score of at least `enter`, if everything else that is asked for is there."""

    enter: float = Field(gt=0)
    contact: bool = True
    verified: bool = Field(False, description="the address was also seen from a server source")
    grades: list[Grade] | None = None
    seniority: Seniority | None = Field(None, description="at least")
    intent: bool = Field(False, description="a contribution that shows intent is alive")
    active_days: ActiveDays | None = None


class Stages(Part):
    """The two stages that the score decides; all others follow from identity and feedback."""

    mql: MqlStage
    sql: SqlStage

    @model_validator(mode="after")
    def _ordered(self) -> "Stages":
        if self.sql.enter < self.mql.enter:
            what = f"sql.enter ({self.sql.enter:g}) is below mql.enter ({self.mql.enter:g}): the stages overlap"
            raise ModelFault(("sql", "enter"), what)
        return self


class Lane(Part):
    """A request that makes SQL whatever the score, once what it asks for is known."""

    name: Name
    request: Request
    grades: list[Grade] | None = None
    seniority: Seniority | None = None
    company: bool = Field(False, description="the company must be known")


class Requests(Part):
    """Raised hands: how long they may open a lane, and which of them somebody must answer in any case."""

    within: Duration
    review: list[Request]
    breaks_cool_down: list[Request] = Field([])


class Handoff(Part):
    """When and whether a lead is handed to sales."""

    stage: Stage = "sql"
    mode: Literal["off", "shadow", "live"] = "live"
    max_age: Duration | None = Field(None, description="an older crossing is held, so that imports do not flood")
    contact_within: Duration | None = Field(
        None, description="an accepted handoff that nobody contacted for so long comes back"
    )
