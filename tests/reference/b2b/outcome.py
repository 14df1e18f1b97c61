"""What any implementation of the `b2b` model says about one lead, in a form that two can be compared in."""

from typing import NamedTuple, Protocol

from tests.reference.outcome import TICK, Event

__all__ = ["TICK", "Event", "Handoff", "Line", "Move", "Notice", "Outcome", "Score", "stage_at"]


class Move(NamedTuple):
    """One change of stage.

    `why` is the lane of a move to `sql`, the reason of one to `recycled` or `disqualified`, else empty; `cycle` is
    that of the handoff which the move opens or belongs to, else 0.
    """

    at: int
    cause: str
    left: str
    entered: str
    why: str = ""
    cycle: int = 0


class Handoff(NamedTuple):
    """One lead given to sales; `respond_by` in ms."""

    at: int
    cycle: int
    lane: str
    respond_by: int
    queue: str
    may_email_marketing: bool


class Notice(NamedTuple):
    """`review_requested`, `existing_relationship` or `handoff_overdue` (`level`: queue_lead or manager)."""

    at: int
    kind: str
    cause: str
    deadline: int
    queue: str
    level: str = ""


class Line(NamedTuple):
    """One line of the ledger; a cap is a line of its own, named `cap:GROUP`, without an event."""

    rule: str
    points: float
    at: int | None = None
    event_id: str = ""


class Score(NamedTuple):
    """The points at some instant."""

    total: float
    behaviour: float
    fit: float
    grade: str


class Outcome(Protocol):
    """The answer for one lead's events, played until nothing more can happen by time alone.

    Everything asked "at" an instant is after all that happened up to and at it.
    """

    @property
    def moves(self) -> tuple[Move, ...]: ...

    @property
    def handoffs(self) -> tuple[Handoff, ...]: ...

    @property
    def notices(self) -> tuple[Notice, ...]: ...

    def score_at(self, now: int) -> Score: ...

    def ledger_at(self, now: int) -> tuple[Line, ...]: ...

    def held_at(self, now: int) -> frozenset[str]:
        """Codes of what keeps an MQL from being handed over; empty in every other stage."""
        ...


def stage_at(outcome: Outcome, now: int) -> str:
    """The stage after everything that happened up to and at `now`."""
    entered = [move.entered for move in outcome.moves if move.at <= now]
    return entered[-1] if entered else "visitor"
