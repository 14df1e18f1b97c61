"""The score of a lead at an instant, computed from its contributions and never stepped.

score = behaviour + fit. What counts at (instant, event id) is what is dated up to there, younger than its
rule's `keeps` and, for points above zero, later than the last return from sales. Caps are lines of their own
in the ledger, so that its sum is the score.
"""

from typing import NamedTuple, TypeVar

from streams.scoring.lead import Contribution, Lead, Mark, Move, Visit
from streams.scoring.model import Model, Rule
from streams.scoring.visit import ANY

Dated = TypeVar("Dated", Contribution, Mark)


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


def _counts(lead: Lead, c: Contribution | Mark, at: int, upto: str) -> bool:
    """Whether it is dated by now and not retracted by now."""
    if c.at > at or (c.at == at and c.id > upto):
        return False
    if not lead.retracted:
        return True
    taken_back = lead.retracted.get(c.id)
    return taken_back is None or taken_back > (at, upto)


def _visits(rule: Rule, lead: Lead, at: int, upto: str, floor: int, low: int) -> list[Contribution]:
    """A rule on visits: each is dated at its first page that the rule counts."""
    if len(lead.visits) < rule.at_least:
        return []
    if (
        rule.every_page
        and rule.at_least > 1
        and not lead.retracted
        and (newest := _newest(rule, lead.visits, at, upto, floor, low))
    ):
        return [_of(rule, newest)]
    oldest = floor if rule.at_least > 1 else low
    marks: list[Mark] = []
    for visit in lead.visits:
        mark = first_mark(rule, visit)
        if mark is not None and oldest < mark.at <= at and _counts(lead, mark, at, upto):
            marks.append(mark)
    marks.sort(key=_order)
    found = _cluster(rule, marks, low) if rule.at_least > 1 else marks[: -rule.most - 1 : -1]
    return [_of(rule, mark) for mark in found]


def _of(rule: Rule, mark: Mark) -> Contribution:
    return Contribution(mark.at, mark.id, rule.points, mark.model, None, mark.origin, mark.via)


def _newest(rule: Rule, visits: list[Visit], at: int, upto: str, floor: int, low: int) -> Mark | None:
    """The usual case of `at_least n within W`, at a glance: the last n visits make the contribution."""
    if visits[-1].start == visits[-2].start:
        return None  # the event ids decide
    last, first = visits[-1].marks[ANY], visits[-rule.at_least].marks[ANY]
    dated = floor < first.at <= last.at and low < last.at and (last.at, last.id) <= (at, upto)
    return last if dated and last.at - first.at < rule.within else None


def first_mark(rule: Rule, visit: Visit) -> Mark | None:
    """The page that dates a visit for a rule, None if the rule does not count the visit."""
    if len(rule.visits) == 1:
        return visit.marks.get(rule.visits[0])
    marks = [visit.marks[group] for group in rule.visits if group in visit.marks]
    return min(marks, key=_order, default=None)


def _cluster(rule: Rule, dated: list[Dated], low: int) -> list[Dated]:
    """`at_least n within W`: one contribution, dated at the newest event whose trailing W holds n."""
    n = rule.at_least
    for last in range(len(dated) - 1, n - 2, -1):
        newest = dated[last]
        if newest.at <= low:
            break
        if newest.at - dated[last - n + 1].at < rule.within:
            return [newest]
    return []


def _order(c: Contribution | Mark) -> tuple[int, str]:
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


def potential(lead: Lead, model: Model) -> float:
    """A cheap bound: no behaviour score that the record's contributions give at any instant is higher."""
    most = 0.0
    for rule in model.visit_rules:
        if len(lead.visits) >= rule.at_least and not rule.penalty:
            most += rule.points * min(len(lead.visits), rule.most)
    for rule_id, contributions in lead.evidence.items():
        counted = model.by_id.get(rule_id)
        if counted is not None and not counted.penalty:
            most += counted.highest * min(len(contributions), counted.most)
    return most


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
