"""What makes an MQL and an SQL, and what is missing.

Readings:
- A request is alive for 14 days from its own time (age below 14 d), by a human, not retracted, later than the
  newest return (`not_worked` excepted for MQL); for a lane it must also not be spent, and be later than the
  newest unsubscription or complaint that stands.
- Personal mail and role mailboxes: every request lane needs company known and phone; a role mailbox at a
  company's own domain has its company known by that.
- Intent: a contribution of V2, C3 or P1 (inbound) that is alive and not spent.
- Active days: 2 different local days in Asia/Tokyo among what is less than 30 x 24 h old and later than the
  return; visits by their first page that counts, any download, any form, webinars, events, `email_clicked` by
  a human.
- Promotion asks nothing but that no hard block stands: neither relationship, nor address, nor grade, nor a
  reason; it is an event, not a state: it does not wait.
- Of an MQL with a living, unspent request that held back is named by its lane (of several, all of them); else
  by the score lane. If nothing is missing (a mail or the end of a penalty made it complete) it waits for the
  next event that may lift to SQL: `next_event`.
"""

from collections.abc import Callable
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from tests.reference.b2b.attributes import company_known, email, private, seen_by_a_server, text
from tests.reference.b2b.blocks import (
    against_every_lane,
    against_the_score_lane,
    hard,
    no_mail_since,
)
from tests.reference.b2b.facts import DAY, EPOCH, Fact, Past
from tests.reference.b2b.fit import fit_of, level
from tests.reference.b2b.pages import VISITED, dated
from tests.reference.b2b.rules import positive, requests
from tests.reference.b2b.score import behaviour, score
from tests.reference.b2b.title import MANAGER_OR_ABOVE

LANES = ("promoted", "demo", "contact", "quote", "question", "score")
RAISED_HANDS = ("demo", "contact", "quote", "question")
ACTIVE_TYPES = (
    "content_downloaded", "form_submitted", "webinar_registered", "webinar_attended", "event_attended",
    "email_clicked",
)  # fmt: skip
TOKYO = ZoneInfo("Asia/Tokyo")


def may_be_mql(past: Past) -> bool:
    if not (email(past) or text(past, "phone")) or fit_of(past).grade == "D" or hard(past):
        return False
    points = score(past)
    return bool(requests(past)) or (points.total >= 40 and points.behaviour >= 15)


def no_longer_mql(past: Past) -> bool:
    if fit_of(past).grade == "D" or hard(past):
        return True
    return not requests(past) and behaviour(past) < 8


def of_a_lane(past: Past) -> list[Fact]:
    """The requests that may open their lane."""
    barred = no_mail_since(past)
    return [
        fact
        for fact in requests(past)
        if fact.form(*RAISED_HANDS)
        and not past.spent(fact.at, fact.id)
        and (barred is None or fact.position > barred.position)
    ]


def missing_for(past: Past, lane: str) -> set[str]:
    """What a request of this type still needs."""
    missing = against_every_lane(past)
    grade = fit_of(past).grade
    if grade not in ("AB" if lane in ("demo", "question") else "ABC"):
        missing.add("grade")
    if lane == "demo":
        missing |= missing_seniority(past)
    if (lane != "demo" or private(past)) and not company_known(past):
        missing.add("company_unknown")
    if private(past) and not text(past, "phone"):
        missing.add("phone_unknown")
    return missing


def missing_seniority(past: Past) -> set[str]:
    found = level(past)
    if found in MANAGER_OR_ABOVE:
        return set()
    return {"title_unknown" if found == "unknown" else "seniority"}


def local_day(at: int) -> date:
    return (EPOCH + timedelta(milliseconds=at)).astimezone(TOKYO).date()


def active_days(past: Past) -> set[date]:
    views = [fact for fact in past.human if fact.type == "page_viewed"]
    active = [f for f in past.human if f.type in ACTIVE_TYPES] + dated(views, VISITED)
    return {local_day(f.at) for f in active if past.now - f.at < 30 * DAY and f.at > past.evidence_after}


def has_intent(past: Past) -> bool:
    return any(c.intent and not past.spent(c.fact.at, c.fact.id) for c in positive(past))


def missing_for_the_score_lane(past: Past) -> set[str]:
    missing = against_every_lane(past) | against_the_score_lane(past) | missing_seniority(past)
    tests: dict[str, Callable[[], bool]] = {
        "score": lambda: score(past).total >= 70,
        "grade": lambda: fit_of(past).grade in "AB",
        "intent": lambda: has_intent(past),
        "active_days": lambda: len(active_days(past)) >= 2,
        "server_source": lambda: seen_by_a_server(past),
    }
    return missing | {code for code, holds in tests.items() if not holds()}


def open_lanes(past: Past, promoted: bool) -> list[str]:
    """The lanes to SQL that are open, first things first."""
    if hard(past):
        return []
    asked = {fact.text("form_type") for fact in of_a_lane(past)}
    found = {lane for lane in asked if not missing_for(past, lane)}
    if promoted:
        found.add("promoted")
    if not missing_for_the_score_lane(past):
        found.add("score")
    return [lane for lane in LANES if lane in found]


def held_because(past: Past) -> frozenset[str]:
    """What keeps this MQL from being an SQL."""
    if open_lanes(past, promoted=False):
        return frozenset(["next_event"])
    asked = {fact.text("form_type") for fact in of_a_lane(past)}
    if asked:
        return frozenset().union(*(missing_for(past, lane) for lane in asked))
    return frozenset(missing_for_the_score_lane(past))
