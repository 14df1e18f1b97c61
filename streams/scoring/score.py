"""The score of a lead at an instant, computed from its contributions and never stepped.

score = behaviour + fit. What counts at (instant, event id) is what is dated up to there, younger than its
rule's `keeps` and, for points above zero, later than the last return from sales. Caps are lines of their own
in the ledger, so that its sum is the score.
"""

from typing import NamedTuple

from streams.scoring.lead import Contribution, Lead, Move
from streams.scoring.model import Model, Rule


class Score(NamedTuple):
    """Points at an instant."""

    behaviour: float
    fit: float

    @property
    def total(self) -> float:
        return self.behaviour + self.fit


class Line(NamedTuple):
    """One line of the ledger: what a contribution is worth at the instant, and where it came from."""

    rule: str
    points: float
    value: float
    event_id: str | None
    at: int
    model: str
    via: int


def alive(rule: Rule, lead: Lead, at: int, upto: str, floor: int) -> list[Contribution]:
    """The contributions of a rule that count at (at, upto), the newest first."""
    low = at - rule.keeps
    if floor > low and not rule.penalty:
        low = floor
    if rule.visits:
        return _visits(rule, lead, at, upto, floor, low)
    contributions = lead.evidence.get(rule.id)
    if not contributions:
        return []
    if rule.at_least > 1:
        dated = [c for c in contributions if _counts(lead, c, at, upto) and c.at > floor]
        return _cluster(rule, dated, low)
    found: list[Contribution] = []
    taken: set[str | None] = set()
    for c in reversed(contributions):
        if c.at <= low:
            break
        if c.at > at or (c.at == at and c.id > upto) or (lead.retracted and not _counts(lead, c, at, upto)):
            continue
        if rule.distinct is not None:
            if c.distinct in taken:
                continue
            taken.add(c.distinct)
        found.append(c)
        if len(found) == rule.most:
            break
    return found


def _counts(lead: Lead, c: Contribution, at: int, upto: str) -> bool:
    """Whether it is dated by now and not retracted by now."""
    if (c.at, c.id) > (at, upto):
        return False
    taken_back = lead.retracted.get(c.id)
    return taken_back is None or taken_back > (at, upto)


def _visits(rule: Rule, lead: Lead, at: int, upto: str, floor: int, low: int) -> list[Contribution]:
    dated: list[Contribution] = []
    for visit in lead.visits:
        marks = [visit.marks[group] for group in rule.visits if group in visit.marks]
        if marks:
            mark = marks[0] if len(marks) == 1 else min(marks, key=lambda m: (m.at, m.id))
            c = Contribution(mark.at, mark.id, rule.points, mark.model, None, mark.origin, mark.via)
            if c.at > floor and _counts(lead, c, at, upto):
                dated.append(c)
    dated.sort(key=_order)
    if rule.at_least > 1:
        return _cluster(rule, dated, low)
    return [c for c in reversed(dated) if c.at > low][: rule.most]


def _cluster(rule: Rule, dated: list[Contribution], low: int) -> list[Contribution]:
    """`at_least n within W`: one contribution, dated at the newest event whose trailing W holds n."""
    n = rule.at_least
    for last in range(len(dated) - 1, n - 2, -1):
        newest = dated[last]
        if newest.at <= low:
            break
        if newest.at - dated[last - n + 1].at < rule.within:
            return [newest]
    return []


def _order(c: Contribution) -> tuple[int, str]:
    return c.at, c.id


def worth(rule: Rule, c: Contribution, at: int) -> float:
    """A contribution's value at an instant: halved every half-life, whole without one."""
    if rule.half_life is None:
        return c.points
    return float(c.points * 0.5 ** ((at - c.at) / rule.half_life))


def score(lead: Lead, model: Model, at: int, upto: str, state: Move) -> Score:
    """The score at (at, upto), given the stage history's checkpoint at that instant."""
    behaviour = 0.0
    grouped: dict[str, float] = {}
    for rule in model.rules:
        if rule.visits or rule.id in lead.evidence:
            points = 0.0
            for c in alive(rule, lead, at, upto, state.floor):
                points += c.points if rule.half_life is None else worth(rule, c, at)
            if rule.group is not None and points > 0:
                grouped[rule.group] = grouped.get(rule.group, 0.0) + points
            else:
                behaviour += points
    for group, points in grouped.items():
        behaviour += min(points, model.caps[group])
    return Score(behaviour, 0.0)


def ledger(lead: Lead, model: Model, at: int, upto: str, state: Move) -> list[Line]:
    """Every point of the score at (at, upto), the rules in the model's order; the values' sum is the score."""
    lines: list[Line] = []
    grouped: dict[str, float] = {}
    for rule in model.rules:
        for c in alive(rule, lead, at, upto, state.floor):
            value = worth(rule, c, at)
            lines.append(Line(rule.id, c.points, value, c.id, c.at, lead.models[c.model], c.via))
            if rule.group is not None and value > 0:
                grouped[rule.group] = grouped.get(rule.group, 0.0) + value
    for group, points in grouped.items():
        if points > model.caps[group]:
            over = model.caps[group] - points
            lines.append(Line(f"cap:{group}", over, over, None, at, model.hash, 0))
    return lines
