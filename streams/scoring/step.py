"""One event's part in the fold of a stage history."""

from typing import NamedTuple

from streams.scoring.instant import NEVER
from streams.scoring.lead import Feedback, Issued, Merged, Position
from streams.scoring.rule import Rule


class Step(NamedTuple):
    """Which rules counted the event, whether it may lift by itself, and what it says."""

    at: int
    id: str
    rules: tuple[Rule, ...] = ()
    occasion: bool = False
    fact: Feedback | Issued | Merged | None = None
    verdict: bool = False  # something was taken away: points, fit, consent; the exit is judged at once
    stale: bool = False  # it arrived too late to hand the lead over
    arrival: int = NEVER  # when it came; of one that is folded again, when that happened

    @property
    def position(self) -> Position:
        return self.at, self.id
