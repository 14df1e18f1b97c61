"""What time alone brings: points decay below an exit, a cool-down ends, sales lets a handoff lie.

It happens at its exact instant, between events, and only ever moves down.
"""

from math import log2
from typing import Final

from streams.scoring.answer import RETURNED, recycle
from streams.scoring.instant import NEVER
from streams.scoring.lead import TICK, Lead, Move, Stage
from streams.scoring.lift import RELATIONSHIP
from streams.scoring.model import Model
from streams.scoring.move import move, remark
from streams.scoring.qualification import mql_lost
from streams.scoring.response import NOT_WORKED, REVIEW, respond
from streams.scoring.score import alive
from streams.scoring.standing import Standing

LAST: Final = "\U0010ffff"
"""Sorts after every event of the same instant."""
TIMED: Final = frozenset({int(Stage.MQL), int(Stage.RECYCLED)})
"""Stages that time alone can end."""
OVERDUE: Final = "handoff_overdue"


def timed(state: Move) -> bool:
    """Whether time alone may bring anything."""
    return state.stage in TIMED or bool(state.timers)


def pass_time(lead: Lead, since: int, until: int, model: Model) -> None:
    """What time alone brings after `since` and up to `until`, before any event dated `until` itself."""
    while True:
        state = lead.state
        timer = state.timers[0][0] if state.timers else until + 1
        if state.stage == Stage.RECYCLED and state.back <= min(until, timer):
            move(lead, max(state.back, state.at), TICK, Stage.LEAD)
            continue
        if state.stage == Stage.MQL and not state.open:
            at = crossing(lead, model, state, max(since, state.at, model.since), min(until, timer))
            if at is not None:
                move(lead, at, TICK, Stage.LEAD)
                continue
        if timer > until:
            return
        _ring(lead, state, model)


def _ring(lead: Lead, state: Move, model: Model) -> None:
    """The first timer fires. A handoff may be known so late that its time was over before."""
    (at, what), left = state.timers[0], state.timers[1:]
    at = max(at, state.at)
    if what in (NOT_WORKED, RETURNED):
        recycle(lead, at, TICK, what, NEVER, model)
        _look_again(lead, at, state.spent, model)
    else:
        remark(lead, at, TICK, f"{OVERDUE}:{what}", _respond_by(lead, at), left)


def _look_again(lead: Lead, at: int, handed_over: int, model: Model) -> None:
    """Sales let the lead lie, and with it what it asked for in the meantime: somebody else has to look at that."""
    requests, state = model.source.requests, lead.state
    if requests is None or state.stage == Stage.DISQUALIFIED:
        return
    standing = Standing(lead, model, at, TICK, state)
    asked = (c for rule in model.request_rules for c in lead.evidence.get(rule.id, ()))
    unanswered = [c for c in asked if handed_over < c.at <= at and c.distinct in requests.review]
    unanswered = [c for c in unanswered if (c.at, c.id) not in lead.stale and not standing.retracted(c.id)]
    if not unanswered or standing.blocked("hard"):
        return
    newest = max(unanswered, key=lambda c: (c.at, c.id))
    known = standing.blocked("relationship") is not None
    note, by = (RELATIONSHIP, str(newest.distinct)) if known else (REVIEW, REVIEW)
    response = respond(standing, by, at)
    remark(lead, at, TICK, note, response.respond_by if response else NEVER)


def _respond_by(lead: Lead, at: int) -> int:
    """The deadline of the newest handoff, which stands where its cycle began; `at` if that is forgotten."""
    cycle = lead.state.cycle
    return next((m.deadline for m in lead.moves if m.cycle == cycle and m.deadline and not m.note), at)


def crossing(lead: Lead, model: Model, state: Move, since: int, until: int) -> int | None:
    """The first millisecond after `since` and up to `until` at which the lead has to leave MQL.

    Events dated at that very millisecond come after it. Between the ends of contributions the points only
    fall, so each such stretch is searched by halving.
    """

    def below(at: int) -> bool:
        return mql_lost(Standing(lead, model, at, TICK, state))

    if until <= since or (not model.penalties and model.source.stages.mql.request is None and not below(until)):
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
    """Where the points may jump after `since` and up to `until`, which is itself always looked at."""
    ends = {until}
    request = model.source.stages.mql.request
    for rule in model.rules:
        spans = (rule.keeps, request) if rule.request and request is not None else (rule.keeps,)
        for c in alive(rule, lead, until, TICK, state.floor) + alive(rule, lead, since, LAST, state.floor):
            for at in (c.at, c.at + 1, *(c.at + span - early for span in spans for early in (1, 0))):
                if since < at < until:
                    ends.add(at)
    return sorted(ends)


def due(lead: Lead, model: Model) -> int:
    """When time alone next brings something: exact to the millisecond; NEVER if it does not."""
    state = lead.state
    found = [state.timers[0][0]] if state.timers else []
    if state.stage == Stage.RECYCLED:
        found.append(max(state.back, state.at))
    if state.stage == Stage.MQL and not state.open:
        now = max(lead.clock, state.at, model.since)
        at = crossing(lead, model, state, now, now + model.longest + 1)
        if at is not None:
            found.append(at)
    return min(found, default=NEVER)


def quiet_until(lead: Lead, model: Model, now: int) -> int:
    """An instant up to which time alone moves nothing, and which is cheaper to tell than `due`; NEVER for ever.

    More evidence only makes it later; whatever takes points away has to look anew.
    """
    state = lead.state
    first = [state.timers[0][0] - 1] if state.timers else []
    if state.stage == Stage.RECYCLED:
        first.append(max(state.back, state.at) - 1)
    elif state.stage == Stage.MQL and not state.open:
        # Whether the lead may stay under a model that was activated since is not known yet.
        first.append(_mql_until(lead, model, now, state) if now >= model.since else model.since)
    return max(min(first), now) if first else NEVER


def _mql_until(lead: Lead, model: Model, now: int, state: Move) -> int:
    standing = Standing(lead, model, now, LAST, state)
    if mql_lost(standing):  # by another model than the one by which it came here
        return now
    first = now + model.longest
    request = model.source.stages.mql.request or 0
    for rule in model.request_rules:
        first = min([first, *(c.at + request for c in lead.evidence.get(rule.id, ()) if c.at + request > now)])
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
        stage = model.source.stages.mql
        kept = standing.total - standing.behaviour if stage.leave_by == "score" else 0.0
        gained = standing.behaviour + lost  # only this decays
        halvings = log2(max(gained / max(stage.leave + lost - kept, 1e-9), 1.0))
        first = min(first, now + int(halvings * min(model.half_lives)))
    return first - 1
