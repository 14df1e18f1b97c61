"""The score of a lead at an instant, computed from its contributions and never stepped.

score = behaviour + fit. What counts at (instant, event id) is what is dated up to there, younger than its
rule's `keeps` and, for points above zero, later than the last return from sales. Caps are lines of their own
in the ledger, so that its sum is the score.
"""

from itertools import islice
from typing import Final, NamedTuple, TypeVar

from streams.fit.fit import Fit
from streams.scoring.attribute import fit_values, version_at
from streams.scoring.lead import Contribution, Lead, Mark, Move, Origin, Stage, Version, Visit
from streams.scoring.model import Model
from streams.scoring.rule import Rule
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


def counting(lead: Lead, model: Model) -> list[Rule]:
    """The rules that have anything to count of a lead, in the model's order."""
    seen, evidence = bool(lead.visits), lead.evidence
    return [rule for rule in model.rules if (seen if rule.visits else rule.id in evidence)]


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
    if rule.prefer == "first":
        first = next((c for c in contributions if _counts(lead, c, at, upto)), None)
        return [first] if first is not None and first.at > low and first.points else []
    if rule.at_least > 1:
        dated = [c for c in contributions if _counts(lead, c, at, upto) and c.at > floor]
        return (_cluster if rule.distinct is None else _different)(rule, dated, low)
    found: list[Contribution] = []
    for c in reversed(contributions):
        if c.at <= low:
            break
        if c.at > at or (c.at == at and c.id > upto) or (lead.retracted and not _counts(lead, c, at, upto)):
            continue
        found.append(c)
        if rule.plain and len(found) == rule.most:
            break
    return found if rule.plain else _chosen(rule, lead, found)


def _chosen(rule: Rule, lead: Lead, found: list[Contribution]) -> list[Contribution]:
    """Of contributions, the newest first, those that the rule's words let count."""
    if rule.not_with_sales:
        without = (c for c in found if not _with_sales(lead, c))
        found = list(without if rule.distinct is not None else islice(without, rule.most))
    if rule.distinct is not None:
        best: dict[str | None, Contribution] = {}
        for c in found:
            before = best.get(c.distinct)
            if before is None or (rule.prefer == "highest" and c.points > before.points):
                best[c.distinct] = c
        found = sorted(best.values(), key=_order, reverse=True)
    return found[: rule.most]


def _with_sales(lead: Lead, c: Contribution) -> bool:
    """Whether sales had the lead when it happened, or had given it back and called again: no new evidence."""
    stage, returned = Stage.VISITOR, False
    for move in lead.moves:
        if (move.at, move.id) >= (c.at, c.id):
            break
        stage = Stage(move.stage)
        returned = returned or stage == Stage.RECYCLED
    return stage in WITH_SALES or (returned and not c.origin & Origin.INTENT)


WITH_SALES: Final = frozenset({Stage.SQL, Stage.ACCEPTED, Stage.OPPORTUNITY, Stage.CUSTOMER})


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
    origin = mark.origin | Origin.INTENT if rule.intent else mark.origin
    return Contribution(mark.at, mark.id, rule.points, mark.model, None, int(origin), mark.via)


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


def _different(rule: Rule, dated: list[Contribution], low: int) -> list[Contribution]:
    """`at_least n within W` of different offers: dated at the newest event whose trailing W holds n of them."""
    if len({c.distinct for c in dated}) < rule.at_least:
        return []
    for last in range(len(dated) - 1, -1, -1):
        newest = dated[last]
        if newest.at <= low:
            break
        offers = {c.distinct for c in dated[: last + 1] if newest.at - c.at < rule.within}
        if len(offers) >= rule.at_least:
            return [newest]
    return []


def _order(c: Contribution | Mark) -> tuple[int, str]:
    return c.at, c.id


def worth(rule: Rule, c: Contribution, at: int) -> float:
    """A contribution's value at an instant: halved every half-life, whole without one."""
    if rule.half_life is None:
        return c.points
    return float(c.points * 0.5 ** ((at - c.at) / rule.half_life))


def behaviour(lead: Lead, model: Model, at: int, upto: str, state: Move) -> float:
    """The points of what a lead did that count at (at, upto), given the stage history's checkpoint there."""
    if model.browser_cap is not None:
        return _capped(lead, model, at, upto, state)
    total = 0.0
    grouped: dict[str, float] = {}
    for rule in counting(lead, model):
        points = 0.0
        for c in alive(rule, lead, at, upto, state.floor):
            points += c.points if rule.half_life is None else worth(rule, c, at)
        if rule.group is not None and points > 0:
            grouped[rule.group] = grouped.get(rule.group, 0.0) + points
        else:
            total += points
    for group, points in grouped.items():
        total += min(points, model.caps[group])
    return total


def _capped(lead: Lead, model: Model, at: int, upto: str, state: Move) -> float:
    """The same where browsers may give so much at most. Of a group that is capped, a browser's part is what it
    gave or all that is left, whichever is less; penalties are outside the cap."""
    total = browser = 0.0
    grouped: dict[str, tuple[float, float]] = {}
    for rule in counting(lead, model):
        points = part = 0.0
        for c in alive(rule, lead, at, upto, state.floor):
            value = c.points if rule.half_life is None else worth(rule, c, at)
            points += value
            if c.origin & Origin.BROWSER:
                part += value
        if points <= 0:
            total += points
        elif rule.group is not None:
            before = grouped.get(rule.group, (0.0, 0.0))
            grouped[rule.group] = before[0] + points, before[1] + part
        else:
            total += points
            browser += part
    for group, (points, part) in grouped.items():
        left = min(points, model.caps[group])
        total += left
        browser += min(part, left)
    most = model.browser_cap or 0.0
    return total - browser + most if browser > most else total


def score(lead: Lead, model: Model, at: int, upto: str, state: Move) -> Score:
    """The score at (at, upto), given the stage history's checkpoint at that instant."""
    fit = fit_at(lead, model, at, upto)
    return Score(behaviour(lead, model, at, upto, state), 0.0 if fit is None else fit.points)


def fit_at(lead: Lead, model: Model, at: int, upto: str) -> Fit | None:
    """How well what was known at (at, upto) fits; None in a model without fit."""
    return None if model.fit is None else model.fit_of(fit_values(lead, at, upto))


def potential(lead: Lead, model: Model) -> float:
    """A cheap bound: no behaviour score that the record's contributions give at any instant is higher."""
    most = 0.0
    for rule in model.visit_rules:
        if len(lead.visits) >= rule.at_least and not rule.penalty:
            most += rule.points * min(len(lead.visits), rule.most)
    for rule_id, contributions in lead.evidence.items():
        counted = model.by_id.get(rule_id)
        if counted is None:
            continue
        highest = 0.0 if counted.penalty else counted.highest
        if lead.models != model.alone:  # another model may have given more
            highest = max(highest, *(c.points for c in contributions))
        most += highest * min(len(contributions), counted.most)
    return most


def ledger(lead: Lead, model: Model, at: int, upto: str, state: Move) -> list[Line]:
    """Every point of the score at (at, upto), the rules in the model's order; the values' sum is the score."""
    lines: list[Line] = []
    grouped: dict[str, tuple[float, float]] = {}
    browser = 0.0
    for rule in counting(lead, model):
        points = part = 0.0
        for c in alive(rule, lead, at, upto, state.floor):
            value = worth(rule, c, at)
            if value:
                given = model.hash if rule.visits else lead.models[c.model]  # a visit is worth what it is now
                lines.append(Line(rule.id, c.points, value, c.id, c.at, given, c.via))
            points += value
            part += value if c.origin & Origin.BROWSER else 0.0
        if rule.group is not None and points > 0:
            before = grouped.get(rule.group, (0.0, 0.0))
            grouped[rule.group] = before[0] + points, before[1] + part
        elif points > 0:
            browser += part
    for group, (points, part) in grouped.items():
        browser += min(part, model.caps[group])
        lines += _cap(group, points, model.caps[group], at, model)
    if model.browser_cap is not None:
        lines += _cap("browser", browser, model.browser_cap, at, model)
    return lines + _fit_lines(lead, model, at, upto)


def _cap(name: str, points: float, most: float, at: int, model: Model) -> list[Line]:
    """The line that takes away what is over a cap."""
    over = most - points
    return [Line(f"{CAP}{name}", over, over, None, at, model.hash, 0)] if over < 0 else []


def _fit_lines(lead: Lead, model: Model, at: int, upto: str) -> list[Line]:
    """The points of the fit, each with the event that told the attribute it was read from."""
    fit = fit_at(lead, model, at, upto)
    lines: list[Line] = []
    for name, points in fit.lines if fit is not None else ():
        told = None if name.startswith(CAP) else _told(lead, name, at, upto)
        rule = name if name.startswith(CAP) else f"{FIT}{name}"
        lines.append(Line(rule, points, points, told.id if told else None, told.at if told else at, model.hash, 0))
    return lines


def _told(lead: Lead, dimension: str, at: int, upto: str) -> Version | None:
    found = (version_at(lead, name, at, upto) for name in TOLD_BY.get(dimension, (dimension,)))
    return next((version for version in found if version is not None), None)


CAP: Final = "cap:"
FIT: Final = "fit:"
TOLD_BY: Final = {
    "seniority": ("title",),
    "function": ("title",),
    "size": ("employees", "revenue"),
    "geography": ("country",),
}
"""The attributes that a dimension of the fit is read from, where it has another name."""
CAP_FIT: Final = frozenset({"cap:fit", "cap:needs"})


def of_fit(line: Line) -> bool:
    """Whether a line of the ledger is of the fit rather than of behaviour."""
    return line.rule.startswith(FIT) or line.rule in CAP_FIT
