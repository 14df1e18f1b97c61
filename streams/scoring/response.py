"""Who has to answer a lead, by when, and how urgently: the model's follow-up, given what is known of the lead."""

from typing import Final, NamedTuple

from schemas.follow_up import Lane
from streams.follow_up.deadline import Deadlines
from streams.follow_up.route import Company, Route
from streams.follow_up.segment import Facts, Segment, Urgency
from streams.scoring.lead import Stage, Timer
from streams.scoring.score import alive, counting
from streams.scoring.standing import Standing

REVIEW: Final = "review_requested"
NOT_WORKED: Final = "not_worked"
"""What ends a handoff about which nobody in sales said anything; a reason to recycle."""


class Response(NamedTuple):
    """What follows up a lead. `timers`: who hears of a delay, and when sales has had its time."""

    route: Route
    urgency: Urgency
    respond_by: int
    timers: tuple[Timer, ...]


def lane_kind(name: str) -> Lane:
    """The kind of a lane, which decides how fast somebody must answer."""
    match name:
        case "score" | "promoted":
            return name
        case "review_requested":
            return "review"
    return "request"


def respond(s: Standing, by: str, arrival: int) -> Response | None:
    """The response to a lead that came by this lane; None in a model without follow-up."""
    follow_up = s.model.follow_up
    if follow_up is None:
        return None
    kind = lane_kind(by)
    to = follow_up.route(company(s), kind, s.key)
    if to is None:
        return None
    urgency = follow_up.urgency(facts(s, kind))
    limits = follow_up.deadlines(to, arrival, kind, urgency)
    if limits is None:
        return None
    return Response(to, urgency, limits.respond_by, _timers(limits))


def _timers(limits: Deadlines) -> tuple[Timer, ...]:
    timers: list[Timer] = [(at, to) for at, to in limits.escalations]
    if limits.gives_up is not None:
        timers.append((limits.gives_up, NOT_WORKED))
    return tuple(sorted(timers))


def company(s: Standing) -> Company:
    """What a route depends on."""
    fit = s.fit
    return Company(
        domain=s.domain,
        country=fit.country if fit is not None else None,
        employees=fit.employees if fit is not None else None,
        owner=s.owner,
    )


def facts(s: Standing, lane: Lane | None) -> Facts:
    """What segments and priorities depend on."""
    fit = s.fit
    stage = Stage.SQL if lane in ("request", "promoted", "score") else Stage(s.state.stage)
    return Facts(
        stage=stage.word,  # type: ignore[arg-type]
        lane=lane,
        grade=fit.grade if fit is not None else None,
        employees=fit.employees if fit is not None else None,
        industry=fit.industry if fit is not None else None,
        alive=frozenset(
            rule.id for rule in counting(s.lead, s.model) if alive(rule, s.lead, s.at, s.upto, s.state.floor)
        ),
    )


def segment(s: Standing, lane: Lane | None) -> Segment | None:
    """The kind of lead, which says how to approach it."""
    return None if s.model.follow_up is None else s.model.follow_up.segment(facts(s, lane))
