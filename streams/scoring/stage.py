"""The stage history: a fold over a lead's events in the order (instant, event id).

Upward moves happen only at an event of the lead. What time alone brings (the score decays below an exit, a
cool-down ends) happens at its exact instant, between events. `take` goes on from the last checkpoint; an event
older than the newest is folded in by `refold`, which goes back to the checkpoint before it.
"""

from math import log2
from typing import Final, NamedTuple

from streams.scoring.instant import NEVER
from streams.scoring.lead import TICK, Feedback, Issued, Lead, Merged, Move, Position, Stage
from streams.scoring.model import Model, Rule
from streams.scoring.score import alive, potential, score

LAST: Final = "\U0010ffff"
"""Sorts after every event of the same instant."""

MOVES: Final = 48
"""Moves kept of one lead, the newest."""


TIMED: Final = frozenset({int(Stage.MQL), int(Stage.RECYCLED)})
"""Stages that time alone can end."""


HELD: Final = frozenset(
    map(int, (Stage.SQL, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.CUSTOMER, Stage.DISQUALIFIED))
)
"""Stages that only people end."""
IDENTIFYING: Final = ("email", "phone", "user")
REACHABLE: Final = ("email", "phone")


class Step(NamedTuple):
    """One event's part in the fold: which rules counted it, whether it may lift by itself, what it says."""

    at: int
    id: str
    rules: tuple[Rule, ...] = ()
    occasion: bool = False
    fact: Feedback | Issued | Merged | None = None
    verdict: bool = False  # points were taken away: the exit is judged at once
    stale: bool = False  # it arrived too late to hand the lead over

    @property
    def position(self) -> Position:
        return self.at, self.id


def elapse(lead: Lead, until: int, model: Model) -> None:
    """Fold time alone up to `until`."""
    if until > lead.quiet and lead.moves and lead.moves[-1].stage in TIMED:
        _pass_time(lead, lead.clock, until, model)
        lead.quiet = quiet_until(lead, model, until)


def settled(lead: Lead, step: Step, model: Model) -> bool:
    """Whether an event that came late cannot change the history: no step after it could move the lead."""
    state = lead.state
    if step.fact is not None or step.verdict or step.position <= (state.at, state.id):
        return False
    if state.stage == Stage.LEAD:
        return potential(lead, model) < model.source.stages.mql.enter
    return state.stage in HELD or (state.stage == Stage.VISITOR and not lead.known)


def refold(lead: Lead, key: str, position: Position, model: Model) -> None:
    """Fold again from `position` on: an event that belongs there has come late."""
    start = position
    if len(lead.moves) == MOVES and position <= (lead.moves[0].at, lead.moves[0].id):
        start = (lead.moves[0].at + 1, "")  # older checkpoints are gone
    lead.moves = [move for move in lead.moves if (move.at, move.id) < start]
    lead.quiet = NEVER
    since = start[0] - 1
    for step in _steps(lead, start, model):
        _pass_time(lead, since, step.at, model)
        take(lead, key, step, model)
        since = step.at
    _pass_time(lead, since, lead.clock, model)


def _steps(lead: Lead, start: Position, model: Model) -> list[Step]:
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
    occasions = {*lead.occasions, *lead.known.values()}
    stale = set(lead.stale)
    steps = [
        Step(*p, tuple(rules), p in occasions, None, any(rule.lowers for rule in rules), p in stale)
        for p, rules in found.items()
    ]
    answers = {(said.at, said.id): said for said in lead.feedback}
    others = occasions - found.keys() - answers.keys()
    steps += [Step(*p, occasion=True, stale=p in stale) for p in others]
    steps += [Step(*p, occasion=p in occasions, fact=said, stale=p in stale) for p, said in answers.items()]
    steps += [Step(issued.at, issued.id, fact=issued) for issued in lead.issued]
    steps += [Step(f.at, f.id, occasion=True, fact=f) for f in lead.merged]
    steps += [Step(at, event_id, verdict=True) for at, event_id in lead.retracted.values() if at != NEVER]
    return sorted((s for s in steps if s.position >= start), key=_order)


def _order(step: Step) -> tuple[int, str, bool]:
    return step.at, step.id, step.fact is not None


def _pass_time(lead: Lead, since: int, until: int, model: Model) -> None:
    """What time alone brings after `since` and up to `until`, before any event dated `until` itself."""
    while True:
        state = lead.state
        if state.stage == Stage.RECYCLED and state.back <= until:
            _move(lead, state, max(state.back, state.at), TICK, Stage.LEAD)
        elif state.stage == Stage.MQL and not state.open:
            at = crossing(lead, model, state, max(since, state.at), until)
            if at is None:
                return
            _move(lead, state, at, TICK, Stage.LEAD)
        else:
            return


def take(lead: Lead, key: str, step: Step, model: Model) -> None:
    """Fold one event that is newer than all before it: time has passed, and the evidence holds what it gave."""
    if lead.known and lead.state.stage == Stage.VISITOR and _known(lead, step.position, IDENTIFYING):
        _move(lead, lead.state, step.at, step.id, Stage.LEAD)
    match step.fact:
        case Feedback():
            _answer(lead, key, step, step.fact, model)
        case Issued():
            _stand_by(lead, step.fact)
        case Merged():
            _join(lead, step.fact)
    if step.verdict:
        lead.quiet = NEVER
    if step.verdict and lead.state.stage == Stage.MQL and not lead.state.open:
        total = score(lead, model, step.at, step.id, lead.state).total
        if total < model.source.stages.mql.leave:
            _move(lead, lead.state, step.at, step.id, Stage.LEAD)
    if lead.state.stage < Stage.SQL and (step.rules or step.occasion):
        _lift(lead, key, step, model)


def _lift(lead: Lead, key: str, step: Step, model: Model) -> None:
    """Move up as far as the event may lift and the score at it allows; a jump passes through MQL."""
    state = lead.state
    if state.stage not in (Stage.LEAD, Stage.MQL):
        return
    stages = model.source.stages
    if potential(lead, model) < (stages.mql.enter if state.stage == Stage.LEAD else stages.sql.enter):
        return
    total = score(lead, model, step.at, step.id, state).total
    if total < (stages.mql.enter if state.stage == Stage.LEAD else stages.sql.enter):
        return
    highest = _highest(lead, step, state)
    if step.stale:
        highest = min(highest, Stage(model.handed_over - 1))
    if state.stage == Stage.LEAD and highest >= Stage.MQL:
        state = _enter(lead, key, state, step, Stage.MQL, model)
    reachable = not stages.sql.contact or _known(lead, step.position, REACHABLE)
    if state.stage == Stage.MQL and total >= stages.sql.enter and highest >= Stage.SQL and reachable:
        _enter(lead, key, state, step, Stage.SQL, model)


def _highest(lead: Lead, step: Step, state: Move) -> Stage:
    """How far the event may lift: what its rules allow, if they count it with points at all."""
    if step.occasion:
        return Stage.SQL
    highest = Stage.VISITOR
    for rule in step.rules:
        counted = not rule.penalty and any(
            c.id == step.id for c in alive(rule, lead, step.at, step.id, state.floor)
        )
        if counted and rule.lifts_to > highest:
            highest = rule.lifts_to
    return highest


def _enter(lead: Lead, key: str, state: Move, step: Step, stage: Stage, model: Model) -> Move:
    """Enter a stage; the handoff stage opens the next cycle, unless sales still has this lead."""
    if stage == model.handed_over and not state.open:
        cycle = state.cycle + 1
        return _move(lead, state, step.at, step.id, stage, cycle=cycle, open=(model.handoff_id(key, cycle),))
    return _move(lead, state, step.at, step.id, stage)


def _known(lead: Lead, position: Position, names: tuple[str, ...]) -> bool:
    return any(lead.known[name] <= position for name in names if name in lead.known)


_FORWARD: Final = {
    "handoff_accepted": Stage.ACCEPTED,
    "contacted": Stage.ACCEPTED,
    "meeting_booked": Stage.ACCEPTED,
    "opportunity_created": Stage.OPPORTUNITY,
    "deal_won": Stage.CUSTOMER,
}
_BACK: Final = frozenset({"handoff_rejected", "deal_lost"})
MOVING: Final = frozenset({*_FORWARD, *_BACK, "lead_promoted", "lead_disqualified", "lead_reinstated"})
"""Feedback that may move a stage."""


def _answer(lead: Lead, key: str, step: Step, said: Feedback, model: Model) -> None:
    state = lead.state
    if said.kind == "lead_disqualified":
        if state.stage != Stage.DISQUALIFIED:
            _move(lead, state, said.at, said.id, Stage.DISQUALIFIED, open=())
    elif said.kind == "lead_reinstated":
        if state.stage == Stage.DISQUALIFIED:
            _move(lead, state, said.at, said.id, Stage.LEAD)
    elif said.kind == "lead_promoted":
        _promote(lead, key, step, model)
    elif state.open and (said.handoff is None or said.handoff in state.open):
        if said.kind in _FORWARD:
            stage = _FORWARD[said.kind]
            if stage > state.stage or state.stage in (Stage.RECYCLED, Stage.DISQUALIFIED):
                done = () if stage == Stage.CUSTOMER else state.open
                _move(lead, state, said.at, said.id, stage, open=done)
        elif said.kind in _BACK:
            _recycle(lead, state, said, model)


def _promote(lead: Lead, key: str, step: Step, model: Model) -> None:
    """A person overrides the score: SQL, if somebody can be reached."""
    state = lead.state
    if state.stage > Stage.RECYCLED or not _known(lead, step.position, REACHABLE):
        return
    if state.stage != Stage.MQL:
        state = _enter(lead, key, state, step, Stage.MQL, model)
    _enter(lead, key, state, step, Stage.SQL, model)


def _recycle(lead: Lead, state: Move, said: Feedback, model: Model) -> None:
    left = tuple(h for h in state.open if said.handoff is not None and h != said.handoff)
    if left:  # another handoff of this person is still with sales
        _move(lead, state, said.at, said.id, Stage(state.stage), back=state.back, open=left)
        return
    back = max(said.at + model.source.recycling.cool_down, said.not_before)
    state = _move(lead, state, said.at, said.id, Stage.RECYCLED, floor=said.at, back=back, open=())
    if back <= said.at:
        _move(lead, state, said.at, said.id, Stage.LEAD)


def _stand_by(lead: Lead, issued: Issued) -> None:
    """A handoff that was sent stays sent, whatever later evidence says of the past."""
    state = lead.state
    if issued.cycle > state.cycle:
        stage = max(Stage.SQL, Stage(state.stage)) if state.stage != Stage.DISQUALIFIED else Stage.SQL
        _move(lead, state, issued.at, issued.id, stage, cycle=issued.cycle, open=(*state.open, issued.handoff))


def _join(lead: Lead, merged: Merged) -> None:
    """The furthest stage of the two, and every handoff that either has open."""
    state = lead.state
    stage = Stage(max(state.stage, merged.stage))
    opened = tuple(sorted({*state.open, *merged.open}))
    floor = max(state.floor, merged.floor)
    back = max(state.back, merged.back) if stage == Stage.RECYCLED else NEVER
    if (stage, opened, floor, back) != (state.stage, state.open, state.floor, state.back):
        _move(lead, state, merged.at, merged.id, stage, floor=floor, back=back, open=opened)


def _move(
    lead: Lead,
    state: Move,
    at: int,
    event_id: str,
    stage: Stage,
    *,
    cycle: int | None = None,
    floor: int | None = None,
    back: int = NEVER,
    open: tuple[str, ...] | None = None,
) -> Move:
    move = Move(
        at,
        event_id,
        stage,
        state.cycle if cycle is None else cycle,
        state.floor if floor is None else floor,
        back,
        state.open if open is None else open,
    )
    lead.moves.append(move)
    lead.quiet = NEVER
    del lead.moves[:-MOVES]
    return move


def crossing(lead: Lead, model: Model, state: Move, since: int, until: int) -> int | None:
    """The first millisecond after `since` and up to `until` at which the score is below MQL's exit.

    Events dated at that very millisecond come after it. Between the ends of contributions the score only
    falls, so each such stretch is searched by halving.
    """
    leave = model.source.stages.mql.leave

    def below(at: int) -> bool:
        return score(lead, model, at, TICK, state).total < leave

    if until <= since or (not model.penalties and not below(until)):
        return None
    for end in _ends(lead, model, state, since, until):
        if below(end):
            low, high = since, end
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (low, middle) if below(middle) else (middle, high)
            return high
        since = end
    return None


def _ends(lead: Lead, model: Model, state: Move, since: int, until: int) -> list[int]:
    """Where the score may jump after `since` and up to `until`, which is itself always looked at."""
    ends = {until}
    for rule in model.rules:
        for c in alive(rule, lead, until, TICK, state.floor) + alive(rule, lead, since, LAST, state.floor):
            for at in (c.at, c.at + 1, c.at + rule.keeps - 1, c.at + rule.keeps):
                if since < at < until:
                    ends.add(at)
    return sorted(ends)


def due(lead: Lead, model: Model) -> int:
    """When time alone next moves the lead: exact to the millisecond; NEVER if it does not."""
    state = lead.state
    if state.stage == Stage.RECYCLED:
        return max(state.back, state.at)
    if state.stage == Stage.MQL and not state.open:
        now = max(lead.clock, state.at)
        return crossing(lead, model, state, now, now + model.longest + 1) or NEVER
    return NEVER


def quiet_until(lead: Lead, model: Model, now: int) -> int:
    """An instant up to which time alone moves nothing, and which is cheaper to tell than `due`; NEVER for ever.

    More evidence only makes it later; whatever takes points away has to look anew.
    """
    state = lead.state
    if state.stage == Stage.RECYCLED:
        return max(state.back, state.at) - 1
    if state.stage != Stage.MQL or state.open:
        return NEVER
    first = now + model.longest
    for rule in model.event_rules:
        for c in lead.evidence.get(rule.id, ()):
            if c.at + rule.keeps > now:
                first = min(first, c.at + rule.keeps)
                break
    for rule in model.visit_rules:
        for visit in lead.visits:
            for mark in visit.marks.values():
                if now < mark.at + rule.keeps < first:
                    first = mark.at + rule.keeps
    if model.half_lives:
        lost = -sum(c.points for r in model.rules if r.penalty for c in alive(r, lead, now, LAST, state.floor))
        gained = score(lead, model, now, LAST, state).total + lost  # only this decays
        halvings = log2(max(gained / max(model.source.stages.mql.leave + lost, 1e-9), 1.0))
        first = min(first, now + int(halvings * min(model.half_lives)))
    return max(first - 1, now)
