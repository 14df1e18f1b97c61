"""What kind of lead this is, how to approach it, and how urgent it is: in each case the first that fits."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from schemas.follow_up import Condition, Lane, Priority, PriorityRule
from schemas.follow_up import Segment as Part
from schemas.transition import Grade, Stage
from streams.follow_up.route import within

T = TypeVar("T")


class Facts(NamedTuple):
    """What segments and priorities depend on. `lane` is None while nobody is to be called; `alive` are the rules
    with a contribution that still counts; `industry` is in the model's own word."""

    stage: Stage
    lane: Lane | None = None
    grade: Grade | None = None
    employees: float | None = None
    industry: str | None = None
    alive: Collection[str] = frozenset()


class Segment(NamedTuple):
    """A kind of lead. `approach` by language."""

    name: str
    approach: Mapping[str, str]


class Urgency(NamedTuple):
    """How urgent a lead is; `respond_within`, in business hours, may shorten its deadline."""

    priority: Priority
    respond_within: float | None


@dataclass(frozen=True, slots=True)
class Chosen(Generic[T]):
    """Something for the leads that meet a condition."""

    when: Condition
    what: T


def segments(parts: Sequence[Part]) -> tuple[Chosen[Segment], ...]:
    """The compiled form."""
    return tuple(Chosen(part.when, Segment(part.name, part.approach.model_dump())) for part in parts)


def urgencies(parts: Sequence[PriorityRule]) -> tuple[Chosen[Urgency], ...]:
    """The compiled form."""
    return tuple(Chosen(part.when, Urgency(part.priority, part.respond_within)) for part in parts)


def meets(condition: Condition, facts: Facts) -> bool:
    """Whether all that the condition names is so."""
    return (
        _among(condition.stage, facts.stage)
        and _among(condition.lane, facts.lane)
        and _among(condition.grade, facts.grade)
        and _among(condition.industry, facts.industry)
        and within(condition.employees, facts.employees)
        and (condition.alive is None or any(rule in facts.alive for rule in condition.alive))
    )


def _among(named: Collection[str] | None, value: str | None) -> bool:
    return named is None or value in named
