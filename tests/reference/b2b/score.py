"""The score and its ledger.

Readings:
- Group caps cut the sum of a group's points at that instant; groups without a cap are cut by X1 only.
- X1 looks at behaviour only: fit told by a browser is outside it.
- A visit's, or an `at_least`'s, points are a browser's if the event that dates them is.
"""

from tests.reference.b2b.facts import Past, once
from tests.reference.b2b.fit import fit_of
from tests.reference.b2b.outcome import Line, Score
from tests.reference.b2b.rules import Contribution, penalties, positive

CAPS = {"web": 45, "content": 40, "email": 15, "events": 40, "social": 6, "requests": 60}
BROWSER_CAP = 60


def by_group(contributions: list[Contribution]) -> dict[str, list[Contribution]]:
    groups: dict[str, list[Contribution]] = {}
    for one in contributions:
        groups.setdefault(one.group, []).append(one)
    return groups


def capped(group: str, points: float) -> float:
    return min(points, CAPS.get(group, points))


def browser_excess(groups: dict[str, list[Contribution]], now: int) -> float:
    """How far the points from browsers are above their cap, group caps applied first."""
    parts = 0.0
    for name, members in groups.items():
        whole = capped(name, sum(c.value(now) for c in members))
        parts += min(whole, sum(c.value(now) for c in members if c.fact.kind == "browser"))
    return max(0.0, parts - BROWSER_CAP)


@once
def behaviour(past: Past) -> float:
    groups = by_group(positive(past))
    gained = sum(capped(name, sum(c.value(past.now) for c in members)) for name, members in groups.items())
    lost = sum(c.value(past.now) for c in penalties(past))
    return gained + lost - browser_excess(groups, past.now)


def score(past: Past) -> Score:
    points, fit = behaviour(past), fit_of(past)
    return Score(points + fit.points, points, fit.points, fit.grade)


def ledger(past: Past) -> list[Line]:
    """Every point: contributions by date, then caps, then fit."""
    now, given = past.now, positive(past)
    every = sorted([*given, *penalties(past)], key=lambda c: (c.fact.position, c.rule))
    lines = [Line(c.rule, c.value(now), c.fact.at, c.fact.id) for c in every]
    groups = by_group(given)
    for name, members in sorted(groups.items()):
        whole = sum(c.value(now) for c in members)
        if whole > capped(name, whole):
            lines.append(Line(f"cap:{name}", capped(name, whole) - whole))
    if excess := browser_excess(groups, now):
        lines.append(Line("cap:browser", -excess))
    return lines + fit_of(past).lines
