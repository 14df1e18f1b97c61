"""The events of one lead as facts, and what is known of its past at some instant.

Readings:
- Copies of one event id are equal; should they not be, the earliest arrival is the one that counts.
- Arrival is `received_at`, else `occurred_at`.
- A retraction works from its own place in the order (event time, id) on: the past before it is not judged
  again.
- A retraction takes back points, requests, visits, unsubscriptions and bounces; what the event told of the
  person (address, attributes) stays known, and a move that it caused stands. An event that is retracted
  before it happens never was.
- A machine's event tells attributes and addresses, but gives no points and lifts nothing; machines'
  unsubscriptions and complaints count nothing either, bounces do.
- "After the return" is strictly later in time, to the millisecond.
- Only `not_worked` keeps the points; `returned` (accepted, never contacted) needs new evidence like a
  rejection.
- A request or intent is spent if it is not after the newest return, or not after the newest handoff.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

from tests.reference.b2b.outcome import TICK, Event, Move

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONG_AGO = -(2**63)
ATTRIBUTE_TYPES = ("lead_identified", "company_identified", "form_submitted")
SALES_STAGES = ("sql", "accepted", "opportunity", "customer")

T = TypeVar("T")
Position = tuple[int, str]
"""A place in the order of the fold; a tick's id is empty, so it comes first."""


def milliseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


class Fact(NamedTuple):
    """One event in the order of the fold."""

    at: int
    id: str
    event: Event
    arrival: int

    @property
    def position(self) -> Position:
        return self.at, self.id

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def human(self) -> bool:
        return self.event.get("is_machine") is not True

    @property
    def kind(self) -> str:
        """How far the source is trusted; absent means server."""
        return self.event.get("source_kind") or "server"

    def says(self, name: str) -> bool:
        """Whether the field is there and not blank."""
        value = self.event.get(name)
        return value is not None and str(value).strip() not in ("", "[]", "{}")

    def text(self, name: str) -> str:
        return str(self.event[name]).strip() if self.says(name) else ""

    def form(self, *types: str) -> bool:
        return self.type == "form_submitted" and self.text("form_type") in types


def facts_of(events: Iterable[Event]) -> list[Fact]:
    """The events by (time, id), each id once."""
    by_id: dict[str, Fact] = {}
    for event in events:
        at = milliseconds(event["occurred_at"])
        arrival = milliseconds(event["received_at"]) if event.get("received_at") else at
        fact = Fact(at, event["event_id"], event, arrival)
        if fact.id not in by_id or arrival < by_id[fact.id].arrival:
            by_id[fact.id] = fact
    return sorted(by_id.values(), key=lambda fact: fact.position)


def once(find: Callable[["Past"], T]) -> Callable[["Past"], T]:
    """The same, worked out once for each past."""

    def remembered(past: "Past") -> T:
        if find not in past.known:
            past.known[find] = find(past)
        found: T = past.known[find]
        return found

    return remembered


def position(move: Move) -> Position:
    return move.at, "" if move.cause == TICK else move.cause


@dataclass(frozen=True)
class Past:
    """All that is known of a lead at `now`: its facts up to there, in order, and the moves made by then."""

    facts: Sequence[Fact]
    now: int
    moves: Sequence[Move]
    known: dict[Any, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def retractions(self) -> dict[str, Position]:
        """The earliest retraction of each id."""
        found: dict[str, Position] = {}
        for fact in self.facts:
            if fact.type == "activity_retracted":
                found.setdefault(fact.text("retracts"), fact.position)
        return found

    @cached_property
    def told(self) -> list[Fact]:
        """The facts that were not already retracted when they happened."""
        gone = self.retractions
        return [fact for fact in self.facts if fact.id not in gone or fact.position < gone[fact.id]]

    @cached_property
    def standing(self) -> list[Fact]:
        """The facts that are not retracted by now."""
        return [fact for fact in self.facts if fact.id not in self.retractions]

    @cached_property
    def human(self) -> list[Fact]:
        """The facts that can count: done by a human, not retracted."""
        return [fact for fact in self.standing if fact.human]

    @property
    def stage(self) -> str:
        return self.moves[-1].entered if self.moves else "visitor"

    @cached_property
    def evidence_after(self) -> int:
        """Behaviour counts if it is later than this: the newest return that was not sales' own failure."""
        returns = [m.at for m in self.moves if m.entered == "recycled" and m.why != "not_worked"]
        return max(returns, default=LONG_AGO)

    @cached_property
    def evidence(self) -> list[Fact]:
        """The facts that can give points since the lead came back."""
        return [fact for fact in self.human if fact.at > self.evidence_after]

    def spent(self, at: int, event_id: str) -> bool:
        """Whether a request or an intent has had its handoff."""
        returned = max((m.at for m in self.moves if m.entered == "recycled"), default=LONG_AGO)
        handed_over = max((position(m) for m in self.moves if m.entered == "sql"), default=(LONG_AGO, ""))
        return at <= returned or (at, event_id) <= handed_over

    def in_hands_of_sales(self) -> Iterator[tuple[Position, Position]]:
        """From each handoff to its end, both ends excluded."""
        start: Position | None = None
        for move in self.moves:
            if move.entered == "sql":
                start = position(move)
            elif start and move.entered not in SALES_STAGES:
                yield start, position(move)
                start = None
        if start:
            yield start, (2**63, "")

    def ever_returned(self, before: Position) -> bool:
        return any(m.entered == "recycled" and position(m) < before for m in self.moves)
