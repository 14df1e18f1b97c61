"""The reference's answer for one lead.

Reading: with all events known the answer is a function of their set; what disorder of arrival does to what
was already issued is not looked at here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.reference.b2b.facts import Fact, Past, facts_of
from tests.reference.b2b.lanes import held_because
from tests.reference.b2b.outcome import Event, Handoff, Line, Move, Notice, Score
from tests.reference.b2b.score import ledger, score
from tests.reference.b2b.stages import Walk
from tests.reference.outcome import handoff_name


@dataclass(frozen=True)
class Reference:
    """Right at every instant, also in the past."""

    facts: Sequence[Fact]
    moves: tuple[Move, ...]
    handoffs: tuple[Handoff, ...]
    notices: tuple[Notice, ...]
    withheld: tuple[tuple[tuple[int, str], bool], ...]

    def past(self, now: int) -> Past:
        moves = tuple(move for move in self.moves if move.at <= now)
        return Past([fact for fact in self.facts if fact.at <= now], now, moves)

    def score_at(self, now: int) -> Score:
        return score(self.past(now))

    def ledger_at(self, now: int) -> tuple[Line, ...]:
        return tuple(ledger(self.past(now)))

    def held_at(self, now: int) -> frozenset[str]:
        past = self.past(now)
        if past.stage != "mql":
            return frozenset()
        too_old = [held for where, held in self.withheld if where[0] <= now][-1:] == [True]
        return frozenset(["too_old"]) if too_old else held_because(past)


def outcome(events: Iterable[Event], named: Callable[[int], str] = handoff_name) -> Reference:
    """Play one lead's events to the end; `named` tells the `handoff_id` of a cycle."""
    facts = facts_of(events)
    walk = Walk(named)
    for number, fact in enumerate(facts):
        if number:
            walk.wait(facts[:number], until=fact.at)
        walk.take(facts[: number + 1])
    if facts:
        walk.wait(facts, until=float("inf"))
    return Reference(facts, tuple(walk.moves), tuple(walk.handoffs), tuple(walk.notices), tuple(walk.withheld))
