"""Two models over the same events: whom they would have handed over, when, and what became of those."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Final, NamedTuple

from streams.analysis import outcome
from streams.analysis.interval import Share, share
from streams.analysis.outcome import LEVELS, Episode, Outcome
from streams.analysis.trial import Answer
from streams.scoring.instant import DAY, milliseconds, zone
from streams.transition import Transition

GAINED, LOST, MOVED, SAME = "gained", "lost", "moved", "same"


class Handed(NamedTuple):
    """One handoff. `criteria`: the lane or threshold that was met; `repeat`: it only follows that nobody answered
    the one before, which in a replay nobody could."""

    person: str
    at: int
    score: float
    criteria: str | None
    queue: str | None
    reason: str | None
    repeat: bool


class Change(NamedTuple):
    """A handoff under one model and its counterpart under the other."""

    kind: str
    a: Handed | None
    b: Handed | None
    outcome: Outcome
    instead: str | None

    @property
    def days(self) -> float:
        """How many days later it is under B."""
        return 0.0 if self.a is None or self.b is None else (self.b.at - self.a.at) / DAY


class Precision(NamedTuple):
    """Of the handoffs of which it is known, those that came so far."""

    level: str
    a: Share
    b: Share


class Comparison(NamedTuple):
    """Everything that a backtest says. `volume`: week (its Monday) and queue to handoffs under A and B."""

    changes: list[Change]
    counts: dict[str, int]
    later_days: tuple[float, float, float] | None
    precision: list[Precision]
    unknown: tuple[int, int]
    repeats: tuple[int, int]
    reached: dict[str, tuple[int, int]]
    volume: dict[tuple[str, str], tuple[int, int]]


def handoffs(told: Iterable[Transition]) -> list[Handed]:
    """The handoffs among transitions, in the order of time."""
    found: list[Handed] = []
    silent: dict[str, bool] = {}
    for one in told:
        if one.type == "stage_changed" and one.to_stage == "recycled":
            silent[one.lead_key] = one.cause_type == "tick"
        if one.handoff_id is not None:
            repeat = silent.pop(one.lead_key, False)
            found.append(_handed(one, repeat))
    return found


def _handed(one: Transition, repeat: bool) -> Handed:
    criteria, queue = one.sales.get("criteria"), one.sales.get("owner_queue")
    at = milliseconds(one.occurred_at)
    return Handed(one.lead_key, at, one.score, _text(criteria), _text(queue), one.reason, repeat)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def compare(
    a: Sequence[Transition],
    b: Sequence[Transition],
    answers: Iterable[Answer],
    live: Iterable[Transition] | None,
    zone_name: str,
    end: int,
) -> Comparison:
    """Compare what two models told. `live`: what the log says was really told; without, model A counts as that."""
    left, right = handoffs(a), handoffs(b)
    rounds = outcome.episodes(answers)
    really = _instants(handoffs(live) if live is not None else left)
    changes = _changes(left, right, rounds, really, b, end)
    judged = [
        [
            outcome.outcome(h.at, rounds.get(h.person, []), really.get(h.person, ()), end)
            for h in side
            if not h.repeat
        ]
        for side in (left, right)
    ]
    moved = sorted(change.days for change in changes if change.kind == MOVED)
    return Comparison(
        changes,
        {kind: sum(change.kind == kind for change in changes) for kind in (SAME, MOVED, GAINED, LOST)},
        (moved[0], median(moved), moved[-1]) if moved else None,
        [
            Precision(name, _precision(judged[0], level), _precision(judged[1], level))
            for name, level in LEVELS.items()
        ],
        (_unknown(judged[0]), _unknown(judged[1])),
        (sum(h.repeat for h in left), sum(h.repeat for h in right)),
        {stage: (_reached(a, stage), _reached(b, stage)) for stage in ("lead", "mql", "sql")},
        _volume(left, right, zone_name),
    )


def _instants(handed: Iterable[Handed]) -> dict[str, list[int]]:
    found: dict[str, list[int]] = defaultdict(list)
    for one in handed:
        found[one.person].append(one.at)
    return found


def _changes(
    left: Sequence[Handed],
    right: Sequence[Handed],
    rounds: dict[str, list[Episode]],
    really: dict[str, list[int]],
    b: Sequence[Transition],
    end: int,
) -> list[Change]:
    """Each person's handoffs side by side, the first with the first; repeats are left out."""
    sides: dict[str, tuple[list[Handed], list[Handed]]] = defaultdict(lambda: ([], []))
    for place, side in enumerate((left, right)):
        for one in side:
            if not one.repeat:
                sides[one.person][place].append(one)
    ways = _ways(b)
    changes: list[Change] = []
    for person, (mine, theirs) in sides.items():
        for turn in range(max(len(mine), len(theirs))):
            before = mine[turn] if turn < len(mine) else None
            after = theirs[turn] if turn < len(theirs) else None
            at = (after or before or theirs[0]).at
            what = outcome.outcome(at, rounds.get(person, []), really.get(person, ()), end)
            instead = _instead(ways.get(person, []), before.at) if before and after is None else None
            changes.append(Change(_kind(before, after), before, after, what, instead))
    return sorted(changes, key=lambda c: (c.b or c.a).at if (c.b or c.a) else 0)  # type: ignore[union-attr]


def _kind(a: Handed | None, b: Handed | None) -> str:
    if a is None:
        return GAINED
    if b is None:
        return LOST
    return SAME if a.at == b.at else MOVED


def _ways(told: Iterable[Transition]) -> dict[str, list[Transition]]:
    ways: dict[str, list[Transition]] = defaultdict(list)
    for one in told:
        if one.type == "stage_changed":
            ways[one.lead_key].append(one)
    return ways


def _instead(way: list[Transition], at: int) -> str:
    """Where the person stood under the other model at that instant, and what held it there."""
    before = [one for one in way if milliseconds(one.occurred_at) <= at]
    if not before:
        return "lead"
    last = before[-1]
    return f"{last.to_stage}: {last.held_because}" if last.held_because else last.to_stage


def _precision(outcomes: list[Outcome], level: int) -> Share:
    known = [found for one in outcomes if (found := one.reached(level)) is not None]
    return share(sum(known), len(known))


def _unknown(outcomes: list[Outcome]) -> int:
    return sum(one.word == outcome.UNKNOWN for one in outcomes)


def _reached(told: Iterable[Transition], stage: str) -> int:
    return len({one.lead_key for one in told if one.type == "stage_changed" and one.to_stage == stage})


NO_QUEUE: Final = "-"


def _volume(
    left: Sequence[Handed], right: Sequence[Handed], zone_name: str
) -> dict[tuple[str, str], tuple[int, int]]:
    counts = [
        Counter((week(one.at, zone_name), one.queue or NO_QUEUE) for one in side if not one.repeat)
        for side in (left, right)
    ]
    return {place: (counts[0][place], counts[1][place]) for place in sorted({*counts[0], *counts[1]})}


def week(at: int, zone_name: str) -> str:
    """The Monday of an instant's week in a time zone, as a date."""
    local = datetime.fromtimestamp(at / 1000, zone(zone_name))
    return f"{(local - timedelta(days=local.weekday())):%Y-%m-%d}"
