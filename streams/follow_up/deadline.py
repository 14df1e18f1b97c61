"""Deadlines of the first contact, in business hours of the queue's calendar. Instants are Unix milliseconds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from schemas.follow_up import FollowUp as Part
from schemas.follow_up import Lane, Recipient
from streams.follow_up.calendar import Calendar, add_hours, close_of_day


@dataclass(frozen=True, slots=True)
class Terms:
    """How soon somebody must have been in contact, by why they shall be called. Business hours and days."""

    respond_within: Mapping[Lane, float]
    escalations: tuple[tuple[float, Recipient], ...]
    gives_up_after: int


class Escalation(NamedTuple):
    """From when on the delay is whose concern."""

    at: int
    to: Recipient


class Deadlines(NamedTuple):
    """When the first contact is due, who hears of it otherwise, and when sales has had its time.

    `gives_up` is None for a review: a request is not dropped because nobody looked at it.
    """

    respond_by: int
    escalations: tuple[Escalation, ...]
    gives_up: int | None


def terms(part: Part) -> Terms:
    """The compiled form."""
    later = sorted(part.escalations, key=lambda escalation: escalation.after)
    return Terms(
        part.respond_within,
        tuple((escalation.after, escalation.to) for escalation in later),
        int(part.gives_up_after),
    )


def deadlines(
    terms: Terms, calendar: Calendar, arrival: int, lane: Lane, respond_within: float | None = None
) -> Deadlines:
    """The deadlines of what arrived then, for this reason; `respond_within` may shorten the first."""
    hours = terms.respond_within[lane]
    respond_by = add_hours(calendar, arrival, hours if respond_within is None else min(hours, respond_within))
    return Deadlines(
        respond_by,
        tuple(Escalation(add_hours(calendar, respond_by, after), to) for after, to in terms.escalations),
        None if lane == "review" else close_of_day(calendar, arrival, terms.gives_up_after),
    )
