"""The stage history: a fold over a lead's events in the order (instant, event id).

Upward moves happen only at an event of the lead. What time alone brings happens at its exact instant, between
events. `take` goes on from the last checkpoint; an event older than the newest is folded in by `refold`, which
goes back to the checkpoint before it, but never to before the model was activated: that past was another's.
"""

from typing import Final

from msgspec.structs import replace

from streams.scoring.answer import answer, disqualify, join, stand_by
from streams.scoring.attribute import JUDGED
from streams.scoring.instant import NEVER
from streams.scoring.lead import Feedback, Issued, Lead, Merged, Position, Stage
from streams.scoring.lift import identify, lift, may_qualify
from streams.scoring.model import Model
from streams.scoring.move import MOVES, move
from streams.scoring.qualification import mql_lost
from streams.scoring.rule import Rule
from streams.scoring.standing import Standing
from streams.scoring.step import Step
from streams.scoring.timer import pass_time, quiet_until, timed
from streams.scoring.update import note_updates

HELD: Final = frozenset(
    map(int, (Stage.SQL, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.CUSTOMER, Stage.DISQUALIFIED))
)
"""Stages that only people end."""


def elapse(lead: Lead, until: int, model: Model) -> None:
    """Fold time alone from the lead's newest event up to `until`."""
    if until > lead.quiet and lead.moves and timed(lead.moves[-1]):
        _elapse(lead, lead.clock, until, model)


def _elapse(lead: Lead, since: int, until: int, model: Model) -> None:
    if until > lead.quiet and timed(lead.state):
        if lead.quiet <= since:
            lead.quiet = quiet_until(lead, model, since)
        if lead.quiet != NEVER and until > lead.quiet:
            pass_time(lead, since, until, model)
            lead.quiet = quiet_until(lead, model, until)


def take(lead: Lead, key: str, step: Step, model: Model) -> None:
    """Fold one event that is newer than all before it: time has passed, and the evidence holds what it gave."""
    before = lead.state
    identify(lead, step)
    if step.verdict:
        lead.quiet = NEVER
        _bar(lead, step, model)
    match step.fact:
        case Feedback():
            answer(lead, key, step, step.fact, model)
        case Issued():
            stand_by(lead, step.fact)
            _bar(lead, step, model)  # the handoff stands, the lead does not
        case Merged():
            join(lead, step.fact)
    if step.verdict:
        _judge(lead, step, model)
    if model.judges and (step.verdict or step.fact is not None):
        note_updates(lead, step, before)
    if step.rules or step.occasion:
        lift(lead, key, step, model)


def _bar(lead: Lead, step: Step, model: Model) -> None:
    """A hard block takes a lead out of every stage, before anything else that the event says."""
    if not model.judges or lead.state.stage == Stage.DISQUALIFIED:
        return
    if Standing(lead, model, step.at, step.id, lead.state).blocked("hard"):
        disqualify(lead, step.at, step.id)


def _judge(lead: Lead, step: Step, model: Model) -> None:
    """Something was taken away: whether the lead may stay where it stands."""
    state = lead.state
    if state.stage == Stage.MQL and not state.open and mql_lost(Standing(lead, model, step.at, step.id, state)):
        move(lead, step.at, step.id, Stage.LEAD)


def settled(lead: Lead, step: Step, model: Model) -> bool:
    """Whether an event that came late cannot change the history: no step after it could move the lead."""
    state = lead.state
    if step.fact is not None or step.verdict or step.position <= (state.at, state.id):
        return False
    if model.request_rules and any(rule.request for rule in step.rules):
        return False
    if state.stage == Stage.MQL and any(rule.visits for rule in step.rules):
        return False  # a page may have made one visit of two
    if state.stage in (Stage.LEAD, Stage.MQL):
        return not may_qualify(lead, state, model)
    return state.stage in HELD or (state.stage == Stage.VISITOR and not lead.known)


def fold_in(lead: Lead, key: str, step: Step, model: Model) -> None:
    """Fold an event that is older than the lead's newest, or a merge: from its own place on."""
    if step.at >= model.since or not model.since:
        refold(lead, key, step.position, step.arrival, model)
    else:
        _catch_up(lead, key, step, model)


def _catch_up(lead: Lead, key: str, step: Step, model: Model) -> None:
    """An event of the time before the model was activated: the history of that time stays as it was told.

    The event is taken after all that is known of that time, as if it had happened then. It hands nobody over by
    the score, since it would do so by a past that the model has not judged; a request is answered in full.
    """
    start = model.since, ""
    lead.moves = [m for m in lead.moves if (m.at, m.id) < start]
    after = lead.clock if step.id > lead.clock_id else lead.clock + 1
    at = max(min(after, model.since - 1), lead.state.at)
    asked = any(rule.request for rule in step.rules)
    fact = replace(step.fact, at=at) if step.fact is not None else None
    take(lead, key, step._replace(at=at, fact=fact, stale=step.stale or not asked), model)
    lead.clock, lead.clock_id = max(lead.position, (at, step.id))
    refold(lead, key, start, step.arrival, model)


def refold(lead: Lead, key: str, position: Position, arrival: int, model: Model) -> None:
    """Fold again from `position` on: something that belongs there has come late."""
    start = position
    if len(lead.moves) == MOVES and position <= (lead.moves[0].at, lead.moves[0].id):
        start = (lead.moves[0].at + 1, "")  # older checkpoints are gone
    lead.moves = [m for m in lead.moves if (m.at, m.id) < start]
    lead.quiet = NEVER
    since = start[0] - 1
    for step in _steps(lead, start, arrival, model):
        _elapse(lead, since, step.at, model)
        take(lead, key, step, model)
        since = step.at
    _elapse(lead, since, lead.clock, model)


def _steps(lead: Lead, start: Position, arrival: int, model: Model) -> list[Step]:
    """All of a lead's kept facts from `start` on as steps, in order; several of one event are one step."""
    found: dict[Position, list[Rule]] = {}

    def note(at: int, event_id: str, rule: Rule) -> None:
        if (at, event_id) >= start:
            found.setdefault((at, event_id), []).append(rule)

    for rule in model.event_rules:
        for c in lead.evidence.get(rule.id, ()):
            note(c.at, c.id, rule)
    for rule in model.visit_rules:
        for visit in lead.visits:
            for mark in (visit.marks[group] for group in rule.visits if group in visit.marks):
                note(mark.at, mark.id, rule)
    stale = set(lead.stale)
    occasions = set(lead.occasions)
    judged = _judged(lead) if model.judges else set()
    answers = {(said.at, said.id): said for said in lead.feedback}
    positions = {*found, *occasions, *judged, *answers, *lead.known.values()}
    steps = [
        Step(
            *p,
            tuple(found.get(p, ())),
            p in occasions,
            answers.get(p),
            p in judged or any(rule.lowers for rule in found.get(p, ())),
            p in stale,
            arrival,
        )
        for p in positions
    ]
    steps += [Step(issued.at, issued.id, fact=issued) for issued in lead.issued]
    steps += [Step(f.at, f.id, occasion=True, fact=f, arrival=arrival) for f in lead.merged]
    steps += [Step(at, event_id, verdict=True) for at, event_id in lead.retracted.values() if at != NEVER]
    return sorted((s for s in steps if s.position >= start), key=_order)


def _judged(lead: Lead) -> set[Position]:
    """Where something became known that may speak against the lead."""
    told = (found for name, found in lead.attributes.items() if name.partition("@")[0] in JUDGED)
    return {*lead.emails.values(), *((v.at, v.id) for found in told for v in found)}


def _order(step: Step) -> tuple[int, str, bool]:
    return step.at, step.id, step.fact is not None
