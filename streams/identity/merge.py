"""Two records of one person made one: the union of their events, with all caps applied anew.

Contributions are united by event id, so nothing is lost and nothing counts twice; the stage is the furthest of
the two from the instant of the link on, and the past is not judged again.
"""

from collections.abc import Iterable

from streams.scoring import attribute, issue, memory, touch
from streams.scoring.application import MOST_FACTS, MOST_STALE, earliest, first_acts, keep, once
from streams.scoring.lead import Contribution, Lead, Mark, Merged, Stage, Visit
from streams.scoring.model import DAYS, Model
from streams.scoring.stage import elapse, fold_in, take
from streams.scoring.step import Step
from streams.scoring.visit import unite


def content(lead: Lead) -> bool:
    """Whether a record holds anything that a merge would have to carry."""
    return bool(
        lead.clock
        or lead.evidence
        or lead.visits
        or lead.attributes
        or lead.known
        or any(move.stage != Stage.VISITOR for move in lead.moves)
    )


def merge(
    lead: Lead, key: str, other: Lead, source: str, link: tuple[int, str], arrival: int, model: Model
) -> None:
    """Take another record of the same person into this one; taking it twice changes nothing."""
    via = _places(lead, key, other, source)
    lead.models = _united(lead.models, other.models)
    models = [lead.models.index(name) for name in other.models]
    in_order = link >= lead.position and link >= other.position
    if link >= lead.position:  # before the other's evidence can hold up what time alone brought
        elapse(lead, link[0], model)
    for rule_id, contributions in other.evidence.items():
        moved = [_contribution(c, models, via) for c in contributions]
        united = once([*lead.evidence.get(rule_id, ()), *moved])
        rule = model.by_id.get(rule_id)
        if rule_id == DAYS:
            united = first_acts(united)
        lead.evidence[rule_id] = keep(rule, united, model) if rule else united
    if other.visits:
        moved_visits = [_visit(visit, models, via) for visit in other.visits]
        lead.visits = unite(lead.visits, moved_visits, model.reach) if lead.visits else moved_visits
    _unite_facts(lead, other)
    state = other.state
    account = issue.account_of(other, state.open[-1]) if state.open else ""
    fact = Merged(
        *link,
        int(state.stage),
        state.floor,
        state.open,
        source,
        state.back,
        state.spent,
        state.timers,
        account,
    )
    if fact in lead.merged:
        return
    lead.merged = tuple(sorted((*lead.merged, fact), key=_order)[-MOST_FACTS:])
    lead.clock, lead.clock_id = max(lead.position, other.position)
    step = Step(*link, occasion=True, fact=fact, verdict=model.judges, arrival=arrival)
    if in_order:
        take(lead, key, step, model)
        lead.clock, lead.clock_id = max(lead.position, link)
    else:
        fold_in(lead, key, step, model)


def _order(fact: Merged) -> tuple[int, str, bool, str]:
    """Of several at one event those with an open handoff first: it suppresses what the others might cause."""
    return fact.at, fact.id, not fact.open, fact.source


def _unite_facts(lead: Lead, other: Lead) -> None:
    lead.seen = memory.unite(lead.seen, other.seen)
    for name, position in other.known.items():
        lead.known[name] = min(position, lead.known.get(name, position))
    for email, position in other.emails.items():
        lead.emails[email] = min(position, lead.emails.get(email, position))
    lead.emails = earliest(lead.emails)
    for name, versions in other.attributes.items():
        lead.attributes[name] = attribute.unite(lead.attributes.get(name, []), versions)
    feedback = {(f.at, f.id): f for f in (*lead.feedback, *other.feedback)}
    lead.feedback = tuple(feedback[position] for position in sorted(feedback)[-MOST_FACTS:])
    lead.stale = tuple(sorted({*lead.stale, *other.stale})[-MOST_STALE:])
    lead.occasions = tuple(sorted({*lead.occasions, *other.occasions})[-MOST_FACTS:])
    for event_id, position in other.retracted.items():
        lead.retracted[event_id] = min(position, lead.retracted.get(event_id, position))
    proven = ({*lead.aliases} - {*lead.unproven}) | ({*other.aliases} - {*other.unproven})
    lead.aliases = tuple(sorted({*lead.aliases, *other.aliases}))
    lead.unproven = tuple(name for name in lead.aliases if name not in proven)
    lead.arrival = max(lead.arrival, other.arrival)
    lead.touches = touch.unite(lead.touches, other.touches)


def _places(lead: Lead, key: str, other: Lead, source: str) -> list[int]:
    """For each `via` index of the other record, the index in this one."""
    names = (source, *other.via)
    lead.via = _united(lead.via, [name for name in names if name != key])
    return [0 if name == key else lead.via.index(name) + 1 for name in names]


def _united(names: tuple[str, ...], more: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*names, *more)))


def _contribution(c: Contribution, models: list[int], via: list[int]) -> Contribution:
    return Contribution(c.at, c.id, c.points, models[c.model], c.distinct, c.origin, via[c.via])


def _visit(visit: Visit, models: list[int], via: list[int]) -> Visit:
    marks = {group: Mark(m.at, m.id, models[m.model], m.origin, via[m.via]) for group, m in visit.marks.items()}
    return Visit(visit.start, visit.end, visit.session, marks)
