"""The `published` model once more: slow, obvious, and written without looking at the real core.

Nothing is carried from one instant to the next but the stage and what sales has said. At every instant the
visits, the contributions and the score are made anew from the events up to there. The list of events is one
lead's; its order and its duplicates mean nothing.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from tests.reference.outcome import TICK, Contribution, Event, Handoff, Move, handoff_name

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
KEEPS = 30 * DAY
VISITS_WITHIN = 30 * DAY
VISITS_NEEDED = 3
VISIT_GAP = 30 * MINUTE
MQL_ENTERS, MQL_LEAVES, SQL_ENTERS = 20, 15, 40

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LONG_AGO = -(2**63)

ATTRIBUTE_TYPES = {"lead_identified", "company_identified", "form_submitted"}
OCCASION_TYPES = ATTRIBUTE_TYPES | {"identities_linked"}
ADVANCES = {
    "handoff_accepted": "accepted",
    "contacted": "accepted",
    "meeting_booked": "accepted",
    "opportunity_created": "opportunity",
    "deal_won": "customer",
}
RETURNS = {"handoff_rejected", "deal_lost"}
SALES_STAGES = ["sql", "accepted", "opportunity", "customer"]


class Fact(NamedTuple):
    """One event in the order of the fold: event time (ms), then event id."""

    at: int
    id: str
    event: Event

    @property
    def type(self) -> str:
        return str(self.event["type"])

    @property
    def human(self) -> bool:
        return self.event.get("is_machine") is not True

    def says(self, name: str) -> bool:
        """Whether the field is there and not blank."""
        value = self.event.get(name)
        return value is not None and str(value).strip() != ""


Past = Sequence[Fact]
"""Every event up to some instant, in the order of the fold, retracted ones included."""


def milliseconds(text: str) -> int:
    return (datetime.fromisoformat(text) - EPOCH) // timedelta(milliseconds=1)


def facts_of(events: Iterable[Event]) -> list[Fact]:
    """The events by (time, id), each id once. Copies of one id are taken to be equal."""
    by_id = {e["event_id"]: Fact(milliseconds(e["occurred_at"]), e["event_id"], e) for e in events}
    return sorted(by_id.values(), key=lambda fact: (fact.at, fact.id))


def retracted(past: Past) -> set[str]:
    return {fact.event["retracts"] for fact in past if fact.type == "activity_retracted" and fact.says("retracts")}


# ---------------------------------------------------------------- points


def counting(past: Past) -> list[Fact]:
    """The events that can give points: done by a human and not retracted by now."""
    gone = retracted(past)
    return [fact for fact in past if fact.human and fact.id not in gone]


def is_whitepaper(fact: Fact) -> bool:
    kind = {"content_downloaded": "offer_type", "form_submitted": "form_type"}.get(fact.type)
    return kind is not None and fact.event.get(kind) == "whitepaper"


def openings(facts: Iterable[Fact]) -> list[Fact]:
    """The first page view of each visit, oldest first."""
    first: list[Fact] = []
    sessions: set[str] = set()
    before: int | None = None
    for fact in facts:
        if fact.type != "page_viewed":
            continue
        if fact.says("session_id"):
            if fact.event["session_id"] not in sessions:
                first.append(fact)
            sessions.add(fact.event["session_id"])
        else:
            if before is None or fact.at - before >= VISIT_GAP:
                first.append(fact)
            before = fact.at
    return first


def proofs_of_visiting(visits: Sequence[Fact]) -> list[Fact]:
    """The visits whose trailing window holds enough visits."""

    def in_window(last: Fact) -> list[Fact]:
        return [visit for visit in visits if visit.at <= last.at and last.at - visit.at < VISITS_WITHIN]

    return [visit for visit in visits if len(in_window(visit)) >= VISITS_NEEDED]


COUNTED_TYPES = {"sales_contacted", "email_opened"}


def contributions(past: Past, now: int, after: int) -> list[Contribution]:
    """What counts at `now`, from evidence dated later than `after` only."""
    facts = counting(past)
    fresh = [fact for fact in facts if fact.at > after]
    visits = [visit for visit in openings(facts) if visit.at > after]
    rules: list[tuple[str, int, int, list[Fact]]] = [
        ("visits", 10, 1, proofs_of_visiting(visits)),
        ("whitepaper", 20, 1, [fact for fact in fresh if is_whitepaper(fact)]),
        ("sales_contact", 30, 1, [fact for fact in fresh if fact.type == "sales_contacted"]),
        ("email_open", 5, 2, [fact for fact in fresh if fact.type == "email_opened"]),
    ]
    found = []
    for rule, points, most, candidates in rules:
        alive = [fact for fact in candidates if now - fact.at < KEEPS]
        found += [Contribution(rule, points, fact.at, fact.id) for fact in alive[-most:]]
    return sorted(found, key=lambda c: (c.at, c.event_id))


def score(past: Past, now: int, after: int) -> int:
    return sum(c.points for c in contributions(past, now, after))


# ---------------------------------------------------------------- stages


@dataclass
class Walk:
    """One lead's way through the stages, taken event by event."""

    named: Callable[[int], str]
    stage: str = "visitor"
    known: set[str] = field(default_factory=set)
    returned_at: int = LONG_AGO
    open_cycle: int | None = None
    moves: list[Move] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)

    def wait(self, past: Past, until: float) -> None:
        """Let time pass from the newest event to `until`, and at `until` before its own event is looked at."""
        ends = sorted({fact.at + KEEPS for fact in past})
        for instant in ends:
            if past[-1].at < instant <= until and self.stage == "mql" and self.score(past, instant) < MQL_LEAVES:
                self.move(instant, "lead", TICK)

    def take(self, past: Past) -> None:
        """Take the newest event of `past`."""
        fact = past[-1]
        if fact.id in retracted(past) and fact.type != "activity_retracted":
            return
        self.learn(fact)
        if self.stage == "visitor" and self.known:
            self.move(fact.at, "lead", fact.id)
        self.hear_sales(fact)
        if self.stage == "mql" and self.score(past, fact.at) < MQL_LEAVES:
            self.move(fact.at, "lead", fact.id)
        if fact.type in OCCASION_TYPES or self.counts(past):
            self.rise(past)

    def score(self, past: Past, now: int) -> int:
        """A lead that sales gave back starts anew: only what it did after the return counts."""
        return score(past, now, self.returned_at)

    def learn(self, fact: Fact) -> None:
        """Note which of email, user id and phone the event tells."""
        told = {name for name in ("email", "user_id") if fact.says(name)}
        if fact.type in ATTRIBUTE_TYPES and fact.says("phone"):
            told.add("phone")
        self.known |= told

    def counts(self, past: Past) -> bool:
        """Whether a rule counts the newest event, even if that makes no contribution yet."""
        facts = counting(past)
        counted = [*openings(facts), *(f for f in facts if is_whitepaper(f) or f.type in COUNTED_TYPES)]
        return past[-1] in counted

    def can_be_reached(self) -> bool:
        return bool(self.known & {"email", "phone"})

    def rise(self, past: Past) -> None:
        fact = past[-1]
        points = self.score(past, fact.at)
        if self.stage == "lead" and points >= MQL_ENTERS:
            self.move(fact.at, "mql", fact.id)
        if self.stage == "mql" and points >= SQL_ENTERS and self.can_be_reached():
            self.hand_over(fact)

    def hand_over(self, fact: Fact) -> None:
        self.move(fact.at, "sql", fact.id)
        self.open_cycle = len(self.handoffs) + 1
        self.handoffs.append(Handoff(self.open_cycle, fact.at))

    def hear_sales(self, fact: Fact) -> None:
        if fact.type == "lead_disqualified" and self.stage != "disqualified":
            self.move(fact.at, "disqualified", fact.id)
            self.open_cycle = None
        elif fact.type == "lead_reinstated" and self.stage == "disqualified":
            self.move(fact.at, "lead", fact.id)
        elif fact.type == "lead_promoted" and self.stage in ("lead", "mql"):
            if self.stage == "lead":
                self.move(fact.at, "mql", fact.id)
            self.hand_over(fact)
        elif (fact.type in ADVANCES or fact.type in RETURNS) and self.means_open_handoff(fact):
            self.follow(fact)

    def means_open_handoff(self, fact: Fact) -> bool:
        if self.open_cycle is None:
            return False
        return not fact.says("handoff_id") or fact.event["handoff_id"] == self.named(self.open_cycle)

    def follow(self, fact: Fact) -> None:
        """What sales did with the open handoff."""
        if fact.type in RETURNS:
            self.move(fact.at, "recycled", fact.id)
            self.move(fact.at, "lead", fact.id)
            self.returned_at = fact.at
            self.open_cycle = None
        elif SALES_STAGES.index(ADVANCES[fact.type]) > SALES_STAGES.index(self.stage):
            self.move(fact.at, ADVANCES[fact.type], fact.id)
            if self.stage == "customer":
                self.open_cycle = None

    def move(self, at: int, stage: str, cause: str) -> None:
        self.moves.append(Move(at, self.stage, stage, cause))
        self.stage = stage


@dataclass(frozen=True)
class Published:
    """The reference's answer; right at every instant, also in the past."""

    facts: Past
    moves: tuple[Move, ...]
    handoffs: tuple[Handoff, ...]

    def contributions_at(self, now: int) -> tuple[Contribution, ...]:
        returns = [move.at for move in self.moves if move.entered == "recycled" and move.at <= now]
        past = [fact for fact in self.facts if fact.at <= now]
        return tuple(contributions(past, now, after=max(returns, default=LONG_AGO)))

    def score_at(self, now: int) -> float:
        return sum(c.points for c in self.contributions_at(now))


def outcome(events: Iterable[Event], named: Callable[[int], str] = handoff_name) -> Published:
    """Play one lead's events to the end; `named` tells the `handoff_id` of a cycle."""
    facts = facts_of(events)
    walk = Walk(named)
    for number, fact in enumerate(facts):
        if number:
            walk.wait(facts[:number], until=fact.at)
        walk.take(facts[: number + 1])
    if facts:
        walk.wait(facts, until=float("inf"))
    return Published(facts, tuple(walk.moves), tuple(walk.handoffs))
