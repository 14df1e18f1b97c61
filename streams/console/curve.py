"""A lead's score over time, at every instant from the core that `explain` asks: nothing here adds points up."""

from typing import Final, NamedTuple

from streams.explanation import LATEST, state_at
from streams.scoring.instant import DAY, NEVER
from streams.scoring.lead import Lead
from streams.scoring.model import Model
from streams.scoring.score import score

SAMPLES: Final = 120
AHEAD: Final = 30 * DAY
"""How far the decay that is to come is shown."""
LONGEST: Final = 400 * DAY
SHORTEST: Final = 7 * DAY


class Point(NamedTuple):
    """The score at an instant (Unix ms)."""

    at: int
    score: float


class Curve(NamedTuple):
    """The score from `first` to `last`; what lies after `now` is what would be if nothing happened."""

    first: int
    now: int
    last: int
    points: list[Point]
    mql: float
    mql_leave: float
    sql: float


def score_at(lead: Lead, model: Model, at: int) -> float:
    """The score at an instant, all that happened in it included."""
    return score(lead, model, at, LATEST, state_at(lead, at)).total


def curve(lead: Lead, model: Model, now: int) -> Curve:
    """The curve as of now; each event's instant and the one before it are among its points."""
    instants = sorted(at for at in _instants(lead) if at <= now)
    begun = instants[0] if instants else now
    first = max(min(begun - DAY // 2, now - SHORTEST), now - LONGEST)
    last = now + min(AHEAD, max(now - first, SHORTEST))
    step = max((last - first) // SAMPLES, 1)
    jumps = {at + by for at in instants if first < at for by in (-1, 0)}
    asked = sorted({*range(first, last, step), *jumps, now, last})
    points = [Point(at, score_at(lead, model, at)) for at in asked]
    stages = model.source.stages
    return Curve(first, now, last, points, stages.mql.enter, stages.mql.leave, stages.sql.enter)


def _instants(lead: Lead) -> set[int]:
    """When something that can count happened."""
    found = {c.at for contributions in lead.evidence.values() for c in contributions}
    found |= {mark.at for visit in lead.visits for mark in visit.marks.values()}
    found |= {version.at for versions in lead.attributes.values() for version in versions}
    found |= {move.at for move in lead.moves}
    return found - {NEVER}
