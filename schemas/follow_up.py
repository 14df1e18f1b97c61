"""The follow-up in a scoring model: business hours, deadlines, routes, segments, priorities, returns."""

import re
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, model_validator

from schemas.part import COUNTRY, RULE_ID, Duration, Name, Part, Words, written
from schemas.transition import Grade, Stage

Lane = Literal["request", "promoted", "score", "review"]
"""Why somebody is to be called: an own request, a colleague's word, the score, or a request that needs a look."""
Recipient = Literal["queue_lead", "manager"]
Priority = Literal["high", "normal", "low"]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

MOST_BUSINESS_HOURS = 2000
"""About a year of working time: a longer deadline is a slip of the pen."""
MOST_BUSINESS_DAYS = 250

_CLOCK = re.compile(r"(\d{2}):(\d{2})")


def _minutes(value: object, info: ValidationInfo) -> object:
    """A time of day such as `09:00` in minutes after midnight; `24:00` is the end of the day."""
    if written(value, info):
        return value
    match = _CLOCK.fullmatch(value) if isinstance(value, str) else None
    minutes = int(match[1]) * 60 + int(match[2]) if match and int(match[2]) < 60 else None
    if minutes is None or minutes > 24 * 60:
        raise ValueError("expected a time of day such as 09:00 or 18:30")
    return minutes


def _counted(unit: str, example: str) -> BeforeValidator:
    """Reads a count with its unit, so that nobody takes business hours for hours."""
    pattern = re.compile(rf"(\d+(?:\.\d+)?){unit}")

    def read(value: object, info: ValidationInfo) -> object:
        if written(value, info):
            return value
        match = pattern.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError(f"expected {example}")
        return float(match[1])

    return BeforeValidator(read, json_schema_input_type=str)


TimeOfDay = Annotated[int, BeforeValidator(_minutes, json_schema_input_type=str)]
BusinessHours = Annotated[
    float, _counted("bh", "business hours such as 1bh or 8bh"), Field(ge=0, le=MOST_BUSINESS_HOURS)
]
BusinessDays = Annotated[
    float, _counted("bd", "business days such as 10bd"), Field(ge=1, le=MOST_BUSINESS_DAYS, multiple_of=1)
]
RuleId = Annotated[str, Field(pattern=RULE_ID)]
Country = Annotated[str, Field(pattern=COUNTRY)]


class Calendar(Part):
    """When somebody works: weekdays and hours on the clocks of a zone, less the dates of a list."""

    zone: str = Field(description="IANA name of the time zone, such as Europe/Berlin")
    opens: TimeOfDay = 9 * 60
    closes: TimeOfDay = 18 * 60
    weekdays: list[Weekday] = Field(list(WEEKDAYS[:5]), min_length=1)
    holidays: Name | None = Field(None, description="the list of days on which nobody works")

    @model_validator(mode="after")
    def _open(self) -> "Calendar":
        if self.opens >= self.closes:
            raise ValueError("opens must be before closes")
        return self


class Range(Part):
    """Numbers from `at_least` up to, but not including, `below`; with `unknown` also no number at all."""

    at_least: float | None = None
    below: float | None = None
    unknown: bool = False

    @model_validator(mode="after")
    def _holds_something(self) -> "Range":
        if self.at_least is None and self.below is None:
            raise ValueError("expected at_least, below, or both")
        if self.at_least is not None and self.below is not None and self.at_least >= self.below:
            raise ValueError(f"at_least ({self.at_least:g}) must be less than below ({self.below:g})")
        return self


class Region(Part):
    """Leads of the named countries; of all others when it names none."""

    name: Name
    countries: list[Country] = Field([])
    reviews: Name | None = Field(None, description="the queue of this region's reviews, if it has its own")


class Size(Part):
    """Companies of so many employees; all when it names no number. The name ends the queue's name."""

    name: Name
    employees: Range | None = None


class Queue(Part):
    """People who follow up. A company always meets the same of their `reps` places."""

    calendar: Name
    reps: int = Field(1, ge=1, le=1000)


class Routing(Part):
    """Who follows up: the account's owner, else the queue REGION-SIZE, in both the first that fits."""

    regions: list[Region] = Field(min_length=1)
    unknown_country: Name | None = Field(None, description="the region without a country; that of the time zone")
    sizes: list[Size] = Field(min_length=1)
    queues: dict[Name, Queue]
    reviews: Name = Field(description="the queue that looks at requests which are not sales-qualified")


class Escalation(Part):
    """Who is told when the first contact is overdue by so much."""

    after: BusinessHours
    to: Recipient


class FollowUp(Part):
    """How soon the first contact is due, who hears of a delay, and when the lead is taken back."""

    respond_within: dict[Lane, BusinessHours]
    escalations: list[Escalation] = Field([])
    gives_up_after: BusinessDays = Field(description="the close of this business day without any answer")

    @model_validator(mode="after")
    def _complete(self) -> "FollowUp":
        missing = [lane for lane in ("request", "promoted", "score", "review") if lane not in self.respond_within]
        if missing:
            raise ValueError(f"respond_within lacks {', '.join(missing)}")
        return self


class Condition(Part):
    """What must all be so of a lead; what is not named may be as it likes."""

    stage: list[Stage] | None = None
    lane: list[Lane] | None = None
    grade: list[Grade] | None = None
    employees: Range | None = None
    industry: list[str] | None = None
    alive: list[RuleId] | None = Field(None, description="a contribution of one of these rules still counts")


class Segment(Part):
    """A kind of lead and how to approach it."""

    name: Name
    when: Condition = Condition()
    approach: Words


class PriorityRule(Part):
    """How urgent a kind of lead is; `respond_within` may make its deadline shorter, never longer."""

    priority: Priority
    when: Condition = Condition()
    respond_within: BusinessHours | None = None


class Return(Part):
    """What follows when sales gives a lead back for one reason."""

    cool_down: Duration = Field(0, description="how long the lead is left alone, unless it asks for something")
    until_grade_rises: bool = Field(False, description="a better fit grade ends the cool-down")
    keeps_points: bool = Field(False, description="what the lead did before goes on counting")
    disqualifies: bool = False

    @model_validator(mode="after")
    def _either(self) -> "Return":
        if self.disqualifies and (self.cool_down or self.keeps_points or self.until_grade_rises):
            raise ValueError("a disqualified lead has no cool-down and keeps no points")
        if self.until_grade_rises and not self.cool_down:
            raise ValueError("until_grade_rises ends a cool_down, and there is none")
        return self


class Recycling(Part):
    """What happens after sales gave a lead back: by reason, and for reasons that are not listed."""

    cool_down: Duration = 0
    reasons: dict[Name, Return] = Field({})


class FollowUpParts(Part):
    """The part of a model that says what happens to a lead which sales shall follow up."""

    calendars: dict[Name, Calendar] = Field({})
    routing: Routing | None = None
    follow_up: FollowUp | None = None
    segments: list[Segment] = Field([])
    priorities: list[PriorityRule] = Field([])
