"""The stage history: a walk over the events in the order (event time, event id), with the ticks between them.

Readings:
- Ticks up to and at T happen before the events of T. Of two at one instant: overdue, then the manager, then
  moves.
- One event's work in this order: identified (visitor to lead, whatever kind of event told it, machines
  included), hard block, feedback, leaving MQL, rising, notices.
- A hard block takes a visitor too. While it stands, `lead_reinstated` does nothing; when it is gone, a person
  must still reinstate. Reinstated is `lead` at that event; the next event that may lift is judged.
- Disqualification, a return and `deal_won` end the open handoff; what comes later for it is recorded only.
  `deal_won` without an open handoff is recorded only too.
- First contact: feedback `contacted` or later. `sales_contacted` does not stop the clock.
- `returned` is 30 days after the handoff entered accepted, if nothing but acceptance came.
- Any own R1 or R2 of a human breaks the cool-down, also one that then makes no SQL; so does a promotion; so
  does, for `not_a_fit`, an event after which the grade is better than at the return. The lead goes recycled,
  lead, mql, sql, all by the one event.
- A promotion goes through MQL even where MQL's own conditions fail; not so one that arrives too old: it would
  be an MQL that must be left at once.
- `too_old` looks at the age of the tipping event; the flag ends with the next event that is fresh and may
  lift to SQL (also if it opens no lane), or with leaving MQL.
- A request's review or `existing_relationship`: each request event raises its own; not if that event is over
  7 days old; not while sales has the lead (sql, accepted, opportunity): it belongs to that handoff; a request
  of the stage `customer` is an existing relationship, and one under an existing relationship is so whatever
  the stage. A machine's request raises nothing. A visitor's raises a review.
- If then nobody in sales works the lead (`not_worked`, `returned`), all requests that it made since the handoff
  raise one review, or one `existing_relationship`, at the return: nobody who raises a hand goes unanswered. A
  person who rejects the lead has answered.
- Reviews have no overdue notice.
- Between two ends of points behaviour is taken to fall only. It does not if a group's cap and X1 cut at the
  same time, which is far above MQL's exit unless penalties are near -60.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.reference.b2b import follow_up
from tests.reference.b2b.attributes import identified
from tests.reference.b2b.blocks import existing, hard, no_mail_since
from tests.reference.b2b.calendar import after_business_hours
from tests.reference.b2b.facts import DAY, Fact, Past, Position
from tests.reference.b2b.fit import better, fit_of
from tests.reference.b2b.lanes import RAISED_HANDS, may_be_mql, no_longer_mql, open_lanes
from tests.reference.b2b.outcome import TICK, Handoff, Move, Notice
from tests.reference.b2b.rules import lifts

LIVES = {
    "page_viewed": (30, 45),
    "form_submitted": (14, 60, 90, 365),
    "email_opened": (30,),
    "email_clicked": (30,),
    "social_engaged": (30,),
}
OTHERS_LIVE = (90, 365)
"""Days after which something of an event may end: a request, or the points of some rule."""
MAX_AGE = 7 * DAY
ADVANCES = {
    "handoff_accepted": "accepted",
    "contacted": "accepted",
    "meeting_booked": "accepted",
    "opportunity_created": "opportunity",
    "deal_won": "customer",
}
RETURNS = ("handoff_rejected", "deal_lost")
SALES = ("sql", "accepted", "opportunity", "customer")


@dataclass
class Walk:
    """One lead's way through the stages, taken event by event."""

    named: Callable[[int], str]
    stage: str = "visitor"
    moves: list[Move] = field(default_factory=list)
    handoffs: list[Handoff] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    withheld: list[tuple[Position, bool]] = field(default_factory=list)
    timers: dict[str, int] = field(default_factory=dict)
    open_cycle: int = 0
    calendar: str = "jp"
    grade_at_return: str = ""

    def past(self, facts: Sequence[Fact], now: int) -> Past:
        return Past(facts, now, tuple(self.moves))

    def move(self, at: int, cause: str, stage: str, why: str = "", cycle: int = 0) -> None:
        self.moves.append(Move(at, cause, self.stage, stage, why, cycle))
        if self.stage == "mql":
            self.withhold((at, "" if cause == TICK else cause), False)
        self.stage = stage

    def withhold(self, where: Position, held: bool) -> None:
        self.withheld.append((where, held))

    # ------------------------------------------------------------ time

    def wait(self, facts: Sequence[Fact], until: float) -> None:
        """Let time pass from the newest event to `until`, both timers and decay."""
        since = facts[-1].at
        while True:
            due = dict(self.timers)
            if self.stage == "mql" and (left := self.leaves_mql(facts, since, until)) is not None:
                due["mql"] = left
            order = ("overdue", "manager", "not_worked", "returned", "cool_down", "mql")
            name = min(due, key=lambda n: (due[n], order.index(n)), default=None)
            if name is None or due[name] > until:
                return
            since = max(since, due[name])
            self.timers.pop(name, None)
            self.tick(facts, name, due[name])

    def tick(self, facts: Sequence[Fact], name: str, at: int) -> None:
        if name in ("overdue", "manager"):
            last = self.handoffs[-1]
            level = "queue_lead" if name == "overdue" else "manager"
            self.notices.append(Notice(at, "handoff_overdue", TICK, last.respond_by, last.queue, level))
        elif name in ("not_worked", "returned"):
            self.give_back(self.past(facts, at), TICK, name, at)
            self.look_again(self.past(facts, at))
        else:
            self.move(at, TICK, "lead")

    def look_again(self, past: Past) -> None:
        """Sales let the lead lie: what it asked for meanwhile, which was sales' to answer, is somebody else's."""
        handed_over = self.handoffs[-1].at
        asked = [f for f in past.human if f.form(*RAISED_HANDS) and f.at > handed_over]
        asked = [f for f in asked if f.arrival - f.at <= MAX_AGE and f.id not in past.retractions]
        if not asked or hard(past):
            return
        way = follow_up.route(past)
        if existing(past):
            due = after_business_hours(past.now, follow_up.EXISTING_HOURS, way.calendar)
            whom = follow_up.owner(past) or "account-owner"
            self.notices.append(Notice(past.now, "existing_relationship", TICK, due, whom))
        else:
            due = after_business_hours(past.now, follow_up.REVIEW_HOURS, follow_up.REVIEW_CALENDAR)
            self.notices.append(Notice(past.now, "review_requested", TICK, due, "inside-sales"))

    def leaves_mql(self, facts: Sequence[Fact], since: int, until: float) -> int | None:
        """The first instant after `since`, up to `until`, at which the lead is no MQL any more."""

        def gone(at: int) -> bool:
            return no_longer_mql(self.past(facts, at))

        steps = {fact.at + days * DAY for fact in facts for days in LIVES.get(fact.type, OTHERS_LIVE)}
        earlier = since
        for step in sorted(step for step in steps if step > since):
            if earlier > until:
                return None
            if gone(step - 1):
                return first(gone, earlier, step - 1)
            if gone(step):
                return step
            earlier = step
        return None

    # ------------------------------------------------------------ events

    def take(self, facts: Sequence[Fact]) -> None:
        """Take the newest of the facts."""
        fact = facts[-1]
        if fact.type == "activity_retracted" or fact.id not in self.past(facts, fact.at).retractions:
            self.judge(facts, fact)

    def judge(self, facts: Sequence[Fact], fact: Fact) -> None:
        handed_over = len(self.handoffs)
        if self.stage == "visitor" and identified(self.past(facts, fact.at)):
            self.move(fact.at, fact.id, "lead")
        block = hard(self.past(facts, fact.at))
        if block and self.stage != "disqualified":
            self.disqualify(fact, block)
        self.hear_sales(facts, fact, bool(block))
        if self.stage == "mql" and no_longer_mql(self.past(facts, fact.at)):
            self.move(fact.at, fact.id, "lead")
        if not block:
            self.rise(facts, fact)
        if len(self.handoffs) == handed_over:
            self.answer_request(facts, fact)

    def rise(self, facts: Sequence[Fact], fact: Fact) -> None:
        promoted = fact.type == "lead_promoted"
        lift = lifts(self.past(facts, fact.at), fact)
        if lift is None:
            return
        if self.stage == "recycled" and self.breaks_cool_down(facts, fact):
            self.timers.pop("cool_down", None)
            self.move(fact.at, fact.id, "lead")
        too_old = fact.arrival - fact.at > MAX_AGE
        if self.stage == "lead" and ((promoted and not too_old) or may_be_mql(self.past(facts, fact.at))):
            self.move(fact.at, fact.id, "mql")
        if self.stage == "mql" and lift == "sql":
            lanes = open_lanes(self.past(facts, fact.at), promoted)
            if lanes and too_old:
                self.withhold(fact.position, True)
            elif not too_old:
                self.withhold(fact.position, False)
                if lanes:
                    self.hand_over(facts, fact, lanes)

    def breaks_cool_down(self, facts: Sequence[Fact], fact: Fact) -> bool:
        if fact.type == "lead_promoted" or fact.form(*RAISED_HANDS):
            return True
        returned = next(m for m in reversed(self.moves) if m.entered == "recycled")
        grade = fit_of(self.past(facts, fact.at)).grade
        return returned.why == "not_a_fit" and better(grade, self.grade_at_return)

    def hand_over(self, facts: Sequence[Fact], fact: Fact, lanes: list[str]) -> None:
        past = self.past(facts, fact.at)
        way = follow_up.route(past)
        cycle = len(self.handoffs) + 1
        deadline = follow_up.respond_by(lanes, fact.arrival, way.calendar)
        may_mail = no_mail_since(past) is None
        self.move(fact.at, fact.id, "sql", lanes[0], cycle)
        self.handoffs.append(Handoff(fact.at, cycle, lanes[0], deadline, way.queue, may_mail))
        self.open_cycle = cycle
        self.timers["overdue"] = deadline
        self.timers["manager"] = follow_up.escalates(deadline, way.calendar)
        self.timers["not_worked"] = follow_up.not_worked_at(fact.arrival, way.calendar)

    # ------------------------------------------------------------ sales

    def hear_sales(self, facts: Sequence[Fact], fact: Fact, blocked: bool) -> None:
        if fact.type == "lead_disqualified" and self.stage != "disqualified":
            self.disqualify(fact, fact.text("reason"))
        elif fact.type == "lead_reinstated" and self.stage == "disqualified" and not blocked:
            self.move(fact.at, fact.id, "lead")
        elif fact.type in ADVANCES and self.means_open_handoff(fact):
            self.advance(fact)
        elif fact.type in RETURNS and self.means_open_handoff(fact):
            reason = follow_up.reason_of(fact)
            if reason in follow_up.DISQUALIFYING:
                self.disqualify(fact, reason)
            else:
                self.give_back(self.past(facts, fact.at), fact.id, reason, fact.at, fact)

    def means_open_handoff(self, fact: Fact) -> bool:
        if not self.open_cycle:
            return False
        return not fact.says("handoff_id") or fact.text("handoff_id") == self.named(self.open_cycle)

    def advance(self, fact: Fact) -> None:
        self.timers.pop("not_worked", None)
        if fact.type == "handoff_accepted":
            if self.stage == "sql":
                self.timers["returned"] = fact.at + follow_up.UNTOUCHED
        else:
            self.timers.clear()
        stage = ADVANCES[fact.type]
        if SALES.index(stage) > SALES.index(self.stage):
            self.move(fact.at, fact.id, stage, cycle=self.open_cycle)
        if stage == "customer":
            self.open_cycle = 0

    def disqualify(self, fact: Fact, why: str) -> None:
        self.timers.clear()
        self.move(fact.at, fact.id, "disqualified", why, self.open_cycle)
        self.open_cycle = 0

    def give_back(self, past: Past, cause: str, reason: str, at: int, answer: Fact | None = None) -> None:
        self.timers.clear()
        self.move(at, cause, "recycled", reason, self.open_cycle)
        self.open_cycle = 0
        self.grade_at_return = fit_of(past).grade
        until = follow_up.cools_until(at, reason, answer)
        if until > at:
            self.timers["cool_down"] = until
        else:
            self.move(at, cause, "lead")

    # ------------------------------------------------------------ notices

    def answer_request(self, facts: Sequence[Fact], fact: Fact) -> None:
        """What a raised hand gets that brought no handoff."""
        past = self.past(facts, fact.at)
        raised = fact.form(*RAISED_HANDS) and fact.human and fact.id not in past.retractions
        if not raised or fact.arrival - fact.at > MAX_AGE or hard(past) or self.stage == "disqualified":
            return
        way = follow_up.route(past)
        if existing(past) or self.stage == "customer":
            due = after_business_hours(fact.arrival, follow_up.EXISTING_HOURS, way.calendar)
            whom = follow_up.owner(past) or "account-owner"
            self.notices.append(Notice(fact.at, "existing_relationship", fact.id, due, whom))
        elif self.stage not in SALES:
            due = after_business_hours(fact.arrival, follow_up.REVIEW_HOURS, follow_up.REVIEW_CALENDAR)
            self.notices.append(Notice(fact.at, "review_requested", fact.id, due, "inside-sales"))


def first(holds: Callable[[int], bool], low: int, high: int) -> int:
    """The first instant from which on it holds, up to `high` where it does."""
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if holds(middle) else (middle + 1, high)
    return low
