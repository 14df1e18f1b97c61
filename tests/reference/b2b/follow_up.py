"""Queues, deadlines and cool-downs.

Readings:
- A promotion is no request: 8 business hours, unless a request lane is open too.
- A review's queue is `inside-sales`, and its clock runs in that queue's calendar: Tokyo's.
- An `existing_relationship` is answered within 1 business hour, by the account owner (the newest
  `sales_person` of an `owner_changed`, else `account-owner`), in the calendar of the lead's region.
- The manager is told 8 business hours after `respond_by`, in the same calendar.
- Of the owner's handoffs the queue is the owner; their calendar is the lead's region. What fixes queue and
  calendar is what is known at the handoff.
- The account is `company_domain`, else the domain of an address that is neither personal nor a role mailbox.
  How an account's hash picks one of a queue's people is left out.
- A country outside JP, EU, GB is amer; one that is unknown or not readable is jp.
- A rejection without a reason, or with one that the table does not name, is as `timing`. A lost deal with a
  reason of the table takes that reason, else `deal_lost`.
- `not_before` replaces the days of any reason; a date alone is its midnight in Tokyo; one
  that is past or at the return means no cool-down. An unreadable one is no `not_before`.
- A cool-down of nothing ends at once: the move to `lead` is at the same instant, by the same cause.
"""

from datetime import datetime
from typing import NamedTuple

from tests.reference.b2b.attributes import mail_domain, private, text
from tests.reference.b2b.calendar import ZONES, after_business_hours, close_of_business_day
from tests.reference.b2b.facts import DAY, EPOCH, Fact, Past
from tests.reference.b2b.fit import country, employees
from tests.reference.b2b.lists import EU

DEADLINES = {"demo": 1, "contact": 1, "quote": 1, "question": 1, "promoted": 8, "score": 8}
REVIEW_HOURS, EXISTING_HOURS, MANAGER_HOURS = 8, 1, 8
NOT_WORKED_DAYS = 10
UNTOUCHED = 30 * DAY
COOL_DOWNS = {
    "timing": 90, "no_budget": 90, "no_response": 30, "wrong_person": 30, "not_a_fit": 180,
    "chose_competitor": 180, "deal_lost": 180, "not_worked": 0, "returned": 0,
}  # fmt: skip
DISQUALIFYING = ("duplicate", "bad_data", "spam", "student", "competitor")


class Route(NamedTuple):
    """Who answers, by which clock; `account` decides which of the queue's people."""

    queue: str
    calendar: str
    account: str


def region(past: Past) -> str:
    where = country(past)
    if where in (None, "JP"):
        return "jp"
    return "emea" if where in EU | {"GB"} else "amer"


def owner(past: Past) -> str:
    said = [f.text("sales_person") for f in past.told if f.type == "owner_changed" and f.says("sales_person")]
    return said[-1] if said else ""


def account(past: Past) -> str:
    """The company's domain, if it is known: what colleagues share."""
    return text(past, "company_domain").lower() or ("" if private(past) else mail_domain(past))


def route(past: Past) -> Route:
    enterprise = (employees(past) or 0) >= 1_000
    queue = owner(past) or f"{region(past)}-{'enterprise' if enterprise else 'sdr'}"
    return Route(queue, region(past), account(past))


REVIEW_CALENDAR = "jp"


def respond_by(lanes: list[str], arrival: int, calendar: str) -> int:
    """The first contact's deadline: the shortest of the lanes that are open."""
    return after_business_hours(arrival, min(DEADLINES[lane] for lane in lanes), calendar)


def escalates(deadline: int, calendar: str) -> int:
    return after_business_hours(deadline, MANAGER_HOURS, calendar)


def not_worked_at(arrival: int, calendar: str) -> int:
    return close_of_business_day(arrival, NOT_WORKED_DAYS, calendar)


def reason_of(answer: Fact) -> str:
    said = answer.text("reason")
    known = said in COOL_DOWNS or said in DISQUALIFYING
    if answer.type == "deal_lost":
        return said if known else "deal_lost"
    return said if known else "timing"


def not_before(answer: Fact) -> int | None:
    try:
        moment = datetime.fromisoformat(answer.text("not_before"))
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=ZONES["jp"])
    return int((moment - EPOCH).total_seconds() * 1000)


def cools_until(at: int, reason: str, answer: Fact | None) -> int:
    """The end of the cool-down."""
    until = not_before(answer) if answer else None
    return at + COOL_DOWNS[reason] * DAY if until is None else max(at, until)
