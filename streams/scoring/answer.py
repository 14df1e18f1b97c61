"""What sales answers: each word moves the lead that it is about, if that lead is still with sales."""

from typing import Final

from schemas.follow_up import Return
from streams.scoring.instant import NEVER
from streams.scoring.lead import Feedback, Issued, Lead, Merged, Move, Stage, Timer
from streams.scoring.lift import promote
from streams.scoring.model import Model
from streams.scoring.move import move
from streams.scoring.response import NOT_WORKED
from streams.scoring.score import fit_at
from streams.scoring.standing import Standing
from streams.scoring.step import Step

FORWARD: Final = {
    "handoff_accepted": Stage.ACCEPTED,
    "contacted": Stage.ACCEPTED,
    "meeting_booked": Stage.ACCEPTED,
    "opportunity_created": Stage.OPPORTUNITY,
    "deal_won": Stage.CUSTOMER,
}
BACK: Final = frozenset({"handoff_rejected", "deal_lost"})
MOVING: Final = frozenset({*FORWARD, *BACK, "lead_promoted", "lead_disqualified", "lead_reinstated"})
"""Feedback that may move a stage."""

RETURNED: Final = "returned"
"""The reason where sales took the lead and did not call."""


def answer(lead: Lead, key: str, step: Step, said: Feedback, model: Model) -> None:
    """Fold one answer of sales."""
    state = lead.state
    if said.kind == "lead_disqualified":
        if state.stage != Stage.DISQUALIFIED:
            disqualify(lead, said.at, said.id)
    elif said.kind == "lead_reinstated":
        barred = model.judges and Standing(lead, model, said.at, said.id, state).blocked("hard")
        if state.stage == Stage.DISQUALIFIED and not barred:
            move(lead, said.at, said.id, Stage.LEAD)
    elif said.kind == "lead_promoted":
        promote(lead, key, step, model)
    elif state.open and (said.handoff is None or said.handoff in state.open):
        if said.kind in FORWARD:
            _forward(lead, state, said, model)
        elif said.kind in BACK:
            _give_back(lead, state, said, model)


def disqualify(lead: Lead, at: int, event_id: str) -> None:
    """Out, until a person takes the lead back."""
    move(lead, at, event_id, Stage.DISQUALIFIED, open=(), timers=())


def _forward(lead: Lead, state: Move, said: Feedback, model: Model) -> None:
    """A step on; a later one implies the earlier ones. Whoever answers works the lead."""
    stage = max(FORWARD[said.kind], Stage(state.stage) if state.stage > Stage.DISQUALIFIED else Stage.VISITOR)
    timers = _left(state, said, model)
    if stage != state.stage:
        move(lead, said.at, said.id, stage, open=() if stage == Stage.CUSTOMER else None, timers=timers)
    elif timers != state.timers:
        move(lead, said.at, said.id, stage, timers=timers)


def _left(state: Move, said: Feedback, model: Model) -> tuple[Timer, ...]:
    """The timers that go on running: contact stops all of them, acceptance alone only the last."""
    if said.kind != "handoff_accepted":
        return ()
    left = tuple(timer for timer in state.timers if timer[1] != NOT_WORKED)
    within = model.source.handoff.contact_within
    if within is None or state.stage != Stage.SQL:
        return left
    return tuple(sorted((*left, (said.at + within, RETURNED))))


def _give_back(lead: Lead, state: Move, said: Feedback, model: Model) -> None:
    left = tuple(h for h in state.open if said.handoff is not None and h != said.handoff)
    if left:  # another handoff of this person is still with sales
        move(lead, said.at, said.id, state.stage, back=state.back, open=left)
        return
    reason = said.reason if said.reason in model.source.recycling.reasons else said.kind
    recycle(lead, said.at, said.id, reason, said.not_before, model)


def recycle(lead: Lead, at: int, event_id: str, reason: str, not_before: int, model: Model) -> None:
    """Back from sales: the reason decides for how long, and what still counts afterwards."""
    terms = model.source.recycling.reasons.get(reason) or Return.model_construct(
        cool_down=model.source.recycling.cool_down
    )
    if terms.disqualifies:
        disqualify(lead, at, event_id)
        return
    back = max(at, not_before) if not_before != NEVER else at + terms.cool_down
    fit = fit_at(lead, model, at, event_id) if terms.until_grade_rises else None
    floor = lead.state.floor if terms.keeps_points else at
    grade = fit.grade if fit is not None else ""
    move(lead, at, event_id, Stage.RECYCLED, floor=floor, spent=at, back=back, open=(), timers=(), grade=grade)
    if back <= at:
        move(lead, at, event_id, Stage.LEAD)


def stand_by(lead: Lead, issued: Issued) -> None:
    """A handoff that was sent stays sent, whatever later evidence says of the past."""
    state = lead.state
    if issued.cycle > state.cycle:
        stage = max(Stage.SQL, Stage(state.stage)) if state.stage != Stage.DISQUALIFIED else Stage.SQL
        move(
            lead,
            issued.at,
            issued.id,
            stage,
            cycle=issued.cycle,
            open=(*state.open, issued.handoff),
            lane=issued.lane,
            spent=issued.at,
            timers=issued.timers,
        )


def join(lead: Lead, merged: Merged) -> None:
    """The furthest stage of the two, and every handoff that either has open."""
    state = lead.state
    stage = Stage(max(state.stage, merged.stage))
    opened = tuple(sorted({*state.open, *merged.open}))
    floor = max(state.floor, merged.floor)
    spent = max(state.spent, merged.spent)
    back = max(state.back, merged.back) if stage == Stage.RECYCLED else NEVER
    timers = tuple(sorted({*state.timers, *merged.timers})) if opened else ()
    united = (stage, opened, floor, spent, back, timers)
    if united != (state.stage, state.open, state.floor, state.spent, state.back, state.timers):
        move(lead, merged.at, merged.id, stage, floor=floor, spent=spent, back=back, open=opened, timers=timers)
