"""What any implementation of the `published` model says about one lead, in a form that two can be compared in."""

from typing import Any, NamedTuple, Protocol

Event = dict[str, Any]
"""A flat JSON event of the contract, with `occurred_at` as RFC 3339 text."""

TICK = "tick"
"""The cause of a move that only time brought."""


class Contribution(NamedTuple):
    """Points alive at some instant; `at` is its date in ms, `event_id` the event that dates it."""

    rule: str
    points: int
    at: int
    event_id: str


class Move(NamedTuple):
    """One change of stage; `cause` is the id of the event that brought it, or `TICK`."""

    at: int
    left: str
    entered: str
    cause: str


class Handoff(NamedTuple):
    """One lead given to sales: the first has cycle 1."""

    cycle: int
    at: int


class Outcome(Protocol):
    """The answer for one lead's events, played until nothing more can happen by time alone.

    `moves` and `handoffs` are in the order in which they happened. `score_at` and `contributions_at`
    (ordered by date, then event id) need only be right from the newest event on.
    """

    @property
    def moves(self) -> tuple[Move, ...]: ...

    @property
    def handoffs(self) -> tuple[Handoff, ...]: ...

    def contributions_at(self, now: int) -> tuple[Contribution, ...]: ...

    def score_at(self, now: int) -> float: ...


def stage_at(outcome: Outcome, now: int) -> str:
    """The stage after everything that happened up to and at `now`."""
    entered = [move.entered for move in outcome.moves if move.at <= now]
    return entered[-1] if entered else "visitor"


def handoff_name(cycle: int) -> str:
    """The `handoff_id` by which journeys name a cycle; an adapter puts the real id in its place."""
    return f"ho-{cycle}"
