"""Upward moves: how far an event may lift a lead, how far it qualifies, and who has to look if it does not."""

from typing import Final

from streams.scoring.instant import NEVER
from streams.scoring.lead import Contribution, Lead, Move, Position, Stage
from streams.scoring.model import Model
from streams.scoring.move import move, remark
from streams.scoring.qualification import PROMOTED, SCORE, lane, mql
from streams.scoring.response import REVIEW, Response, respond
from streams.scoring.rule import Rule
from streams.scoring.score import alive, potential
from streams.scoring.standing import IDENTIFYING, Standing
from streams.scoring.step import Step
from streams.scoring.update import NEW_REQUEST

RELATIONSHIP: Final = "existing_relationship"
GRADES: Final = "DCBA"
TITLE: Final = "title"
"""The attribute that the seniority is read from."""


def known(lead: Lead, position: Position, names: tuple[str, ...]) -> bool:
    """Whether one of these was known at a position."""
    return any(lead.known[name] <= position for name in names if name in lead.known)


def identify(lead: Lead, step: Step) -> None:
    """A visitor whose name is known is a lead."""
    if lead.known and lead.state.stage == Stage.VISITOR and known(lead, step.position, IDENTIFYING):
        move(lead, step.at, step.id, Stage.LEAD)


def lift(lead: Lead, key: str, step: Step, model: Model) -> None:
    """Move up as far as the event may lift and the lead qualifies at it; a jump passes through MQL."""
    state = lead.state
    asked = _asked(lead, step, model) if model.request_rules and step.rules else None
    if state.stage == Stage.RECYCLED:
        _come_back(lead, step, asked, model)
        state = lead.state
    if state.stage in (Stage.LEAD, Stage.MQL) and may_qualify(lead, state, model):
        _climb(lead, key, step, model)
    if asked is not None and not step.stale:
        _answer(lead, key, step, asked, model)


def may_qualify(lead: Lead, state: Move, model: Model) -> bool:
    """A cheap look: whether the record's evidence could be enough for the next stage, at any instant."""
    if state.stage == Stage.MQL:
        return _may_be_sold(lead, model)
    stage = model.source.stages.mql
    if stage.request is not None and any(rule.id in lead.evidence for rule in model.request_rules):
        return True
    most = potential(lead, model)
    return most + model.most_fit >= stage.enter and most >= (stage.behaviour or 0.0)


def _may_be_sold(lead: Lead, model: Model) -> bool:
    stage = model.source.stages.sql
    for rule in model.request_rules if model.lane_requests else ():
        if any(c.distinct in model.lane_requests for c in lead.evidence.get(rule.id, ())):
            return True
    if stage.seniority is not None and TITLE not in lead.attributes:
        return False
    return potential(lead, model) + model.most_fit >= stage.enter


def _climb(lead: Lead, key: str, step: Step, model: Model) -> None:
    highest = _highest(lead, step, lead.state, model)
    if highest <= lead.state.stage:
        return
    standing = Standing(lead, model, step.at, step.id, lead.state)
    if lead.state.stage == Stage.LEAD:
        by = lane(standing) if highest >= Stage.SQL and _may_be_sold(lead, model) else None
        if by is None and not mql(standing):
            return
        enter(lead, key, step, Stage.MQL, model, by or SCORE)
    else:
        by = lane(standing) if highest >= Stage.SQL else None
    if by is not None:
        enter(lead, key, step, Stage.SQL, model, by)


def _highest(lead: Lead, step: Step, state: Move, model: Model) -> Stage:
    """How far the event may lift: what the rules allow that count it with points."""
    highest = Stage.SQL if step.occasion else Stage.VISITOR
    for rule in step.rules:
        if rule.lifts_to > highest and not rule.penalty and _counted(rule, lead, step, state):
            highest = rule.lifts_to
    return min(highest, Stage(model.handed_over - 1)) if step.stale else highest


def _counted(rule: Rule, lead: Lead, step: Step, state: Move) -> bool:
    """Whether the rule really counts the event; that sales spoke with a lead it has already is no news."""
    if not rule.not_with_sales:
        return True
    return any(c.id == step.id for c in alive(rule, lead, step.at, step.id, state.floor))


def enter(lead: Lead, key: str, step: Step, stage: Stage, model: Model, by: str) -> None:
    """Enter a stage; the handoff stage opens the next cycle, unless sales still has this lead."""
    state = lead.state
    if stage != model.handed_over or state.open:
        move(lead, step.at, step.id, stage)
        return
    cycle = state.cycle + 1
    response = _response(Standing(lead, model, step.at, step.id, state, key), by, step.arrival)
    move(
        lead,
        step.at,
        step.id,
        stage,
        cycle=cycle,
        open=(model.handoff_id(key, cycle),),
        lane=by,
        spent=step.at,
        timers=response.timers if response else (),
        deadline=response.respond_by if response else NEVER,
    )


def _response(s: Standing, by: str, arrival: int) -> Response | None:
    """Of whoever is promoted while a lane is open the sooner deadline counts."""
    found = [respond(s, name, arrival) for name in ((by, lane(s)) if by == PROMOTED else (by,)) if name]
    return min((one for one in found if one is not None), key=lambda one: one.respond_by, default=None)


def promote(lead: Lead, key: str, step: Step, model: Model) -> None:
    """A person overrides the score and every cool-down: SQL, unless a hard block stands or nobody is known."""
    if step.stale or not Stage.LEAD <= lead.state.stage <= Stage.RECYCLED:
        return
    if model.source.blocks and Standing(lead, model, step.at, step.id, lead.state).blocked("hard"):
        return
    if lead.state.stage == Stage.RECYCLED:
        move(lead, step.at, step.id, Stage.LEAD)
    if lead.state.stage == Stage.LEAD:
        enter(lead, key, step, Stage.MQL, model, PROMOTED)
    enter(lead, key, step, Stage.SQL, model, PROMOTED)


# --- requests


def _asked(lead: Lead, step: Step, model: Model) -> Contribution | None:
    """The request that the event is, if it is one."""
    for rule in step.rules:
        if rule.request:
            for c in lead.evidence.get(rule.id, ()):
                if c.id == step.id:
                    return c
    return None


def _come_back(lead: Lead, step: Step, asked: Contribution | None, model: Model) -> None:
    """An own request ends a cool-down at once; so does a better fit, where that was what was missing."""
    state, requests = lead.state, model.source.requests
    breaks = asked is not None and requests is not None and asked.distinct in requests.breaks_cool_down
    if not breaks and state.grade:
        fit = Standing(lead, model, step.at, step.id, state).fit
        breaks = fit is not None and GRADES.index(fit.grade) > GRADES.index(state.grade)
    if breaks:
        move(lead, step.at, step.id, Stage.LEAD)


def _answer(lead: Lead, key: str, step: Step, asked: Contribution, model: Model) -> None:
    """A raised hand that did not make SQL: somebody has to look at it, or the account's owner, or who has it."""
    state, requests = lead.state, model.source.requests
    if requests is None or asked.distinct not in requests.review or state.stage == Stage.DISQUALIFIED:
        return
    if state.open and (state.at, state.id) == step.position and state.stage == model.handed_over:
        return
    standing = Standing(lead, model, step.at, step.id, state, key)
    if standing.blocked("hard"):
        return
    if standing.blocked("relationship") or state.stage == Stage.CUSTOMER:
        _remark(lead, step, RELATIONSHIP, respond(standing, str(asked.distinct), step.arrival))
    elif state.open:
        remark(lead, step.at, step.id, NEW_REQUEST, NEVER)
    else:
        _remark(lead, step, REVIEW, respond(standing, REVIEW, step.arrival))


def _remark(lead: Lead, step: Step, note: str, response: Response | None) -> None:
    remark(lead, step.at, step.id, note, response.respond_by if response else NEVER)
