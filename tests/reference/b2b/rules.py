"""What each behaviour rule gives: its contributions, limits applied, before any cap of a group.

Readings:
- C1, C2: form (`form_type`) and download (`offer_type`) alike; `distinct` is within each of the two rules.
- C3: every `content_downloaded` but `offer_type: newsletter`; forms whitepaper, ebook, case_study, template,
  webinar; `webinar_registered`. Not `webinar_attended`, not forms `other`. A webinar's offer is its
  `offer_id`, else `form_id`, else `name`, else the event id, so that form and registration of one webinar are
  one offer.
- F1 looks at every form, whatever its type. F2 at `form_type: newsletter` and `email_subscribed`; the newest
  counts.
- W1: "the higher" is by points as given: an attendance that is alive beats any newer registration. Then the
  newest two names count, by the date of what counts for each.
- P1: only the newest counts; it is intent only if that newest one is inbound. A contact without `direction`
  is not two-way. A contact counts 0 for ever if it lies between a handoff and its end (both excluded); the
  end is any move out of sql, accepted, opportunity, customer. Outbound contacts count 0 after the first
  return ever.
- H1: the first event that tells a `referral_channel` dates it; it is behaviour, so it ends with a return.
- N1: the newest unsubscription counts, unless an `email_subscribed` is newer. N2: the newest complaint
  counts; no subscription ends it. N4 dates at the newest careers visit that has another within 30 days.
- Penalties are not asked whether they are later than the return.
- Contributions are of a browser if the event that dates them is.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from tests.reference.b2b.facts import DAY, Fact, Past, once
from tests.reference.b2b.pages import PRODUCT, VISITED, dated

FORM_FIELDS = (
    "phone", "company", "title", "employees", "country", "ad_spend", "budget", "software", "pain_points",
)  # fmt: skip
REQUEST_LIVES = 14 * DAY
REQUESTS = ("demo", "contact", "quote", "question", "information")
REFERRALS = ("partner", "customer_referral", "partner_referral", "customer referral", "partner referral")


class Contribution(NamedTuple):
    """Points dated at an event; `half_life` in days, none for points that do not decay; `keeps` in days."""

    rule: str
    points: int
    fact: Fact
    half_life: int | None
    keeps: int
    group: str
    intent: bool = False

    def alive(self, now: int) -> bool:
        return 0 <= now - self.fact.at < self.keeps * DAY

    def value(self, now: int) -> float:
        if not self.alive(now):
            return 0.0
        if self.half_life is None:
            return float(self.points)
        return float(self.points * 0.5 ** ((now - self.fact.at) / (self.half_life * DAY)))


def offer(fact: Fact) -> str:
    return fact.text("offer_id") or fact.text("form_id") or fact.id


def webinar(fact: Fact) -> str:
    return fact.text("offer_id") or fact.text("form_id") or fact.text("name") or fact.id


def content(*kinds: str) -> Callable[[Fact], bool]:
    return lambda fact: (
        fact.form(*kinds) or (fact.type == "content_downloaded" and fact.text("offer_type") in kinds)
    )


def conversion(fact: Fact) -> str | None:
    """The offer that the event converted on, if it did."""
    if fact.type == "webinar_registered" or fact.form("webinar"):
        return webinar(fact)
    if fact.type == "content_downloaded" and fact.text("offer_type") != "newsletter":
        return offer(fact)
    return offer(fact) if fact.form("whitepaper", "ebook", "case_study", "template") else None


def proofs(facts: Sequence[Fact], needed: int, days: int, key: Callable[[Fact], str]) -> list[Fact]:
    """The facts whose trailing window holds enough different ones."""

    def seen(last: Fact) -> set[str]:
        return {key(f) for f in facts if f.position <= last.position and last.at - f.at < days * DAY}

    return [fact for fact in facts if len(seen(fact)) >= needed]


def newest(facts: Iterable[Fact], key: Callable[[Fact], str]) -> list[Fact]:
    """The newest of each key."""
    found = {key(fact): fact for fact in facts}
    return sorted(found.values(), key=lambda fact: fact.position)


def itself(fact: Fact) -> str:
    return fact.id


def two_way(past: Past, fact: Fact) -> bool:
    """Whether this was a contact with a salesperson that counts."""
    inbound = fact.text("direction") == "inbound"
    outbound = fact.text("direction") == "outbound" and fact.text("outcome") == "connected"
    if fact.type != "sales_contacted" or not (inbound or outbound):
        return False
    if any(start < fact.position < end for start, end in past.in_hands_of_sales()):
        return False
    return inbound or not past.ever_returned(fact.position)


COUNTED = (VISITED, PRODUCT, ("pricing",))


@once
def positive(past: Past) -> list[Contribution]:
    """Every contribution of a rule with points above zero that is alive now."""
    facts, now = past.evidence, past.now
    views = [fact for fact in past.human if fact.type == "page_viewed"]

    def visited(groups: tuple[str, ...]) -> list[Fact]:
        return [fact for fact in dated(views, groups) if fact.at > past.evidence_after]

    def of(*types: str) -> list[Fact]:
        return [fact for fact in facts if fact.type in types]

    def those(test: Callable[[Fact], bool]) -> list[Fact]:
        return [fact for fact in facts if test(fact)]

    found: list[Contribution] = []

    def give(
        rule: str, points: int, dates: Sequence[Fact], most: int, half_life: int | None, keeps: int, group: str,
        intent: Callable[[Fact], bool] = lambda _: False,
    ) -> None:  # fmt: skip
        each = [Contribution(rule, points, f, half_life, keeps, group, intent(f)) for f in dates]
        found.extend([c for c in each if c.alive(now)][-most:])

    every = len(facts) + 1
    give("V1", 10, proofs(visited(VISITED), 3, 30, itself), 1, 14, 45, "web")
    give("V2", 25, proofs(visited(PRODUCT), 3, 30, itself), 1, 14, 45, "web", lambda _: True)
    give("V3", 5, visited(("pricing",)), 2, 14, 45, "web")
    give("C1", 20, newest(those(content("whitepaper", "case_study")), offer), every, 30, 90, "content")
    light = newest(those(content("ebook", "template")), offer)
    give("C2", 15, [f for f in light if content("ebook")(f)], every, 30, 90, "content")
    give("C2", 10, [f for f in light if content("template")(f)], every, 30, 90, "content")
    conversions = those(lambda f: conversion(f) is not None)
    different = proofs(conversions, 3, 90, lambda f: str(conversion(f)))
    give("C3", 20, different, 1, 30, 90, "breadth", lambda _: True)
    deep = those(lambda f: f.type == "form_submitted" and sum(map(f.says, FORM_FIELDS)) >= 4)
    give("F1", 10, deep, 1, 30, 90, "forms")
    news = those(lambda f: f.form("newsletter") or f.type == "email_subscribed")
    give("F2", 5, news, 1, 30, 90, "news")
    give("E1", 5, of("email_opened"), 2, 14, 30, "email")
    give("E2", 10, of("email_clicked"), 2, 14, 30, "email")
    found.extend(webinars(past))
    events = newest(of("event_attended"), lambda f: f.text("name") or f.id)
    give("W2", 15, events, 2, 30, 90, "events")
    give("S1", 3, of("social_engaged"), 2, 14, 30, "social")
    for kind in ("demo", "quote", "contact"):
        give("R1", 40, [f for f in facts if f.form(kind)], 1, 14, 60, "requests")
    give("R2", 30, those(lambda f: f.form("question")), 1, 14, 60, "requests")
    give("R3", 20, those(lambda f: f.form("information")), 1, 14, 60, "requests")
    talks = those(lambda f: two_way(past, f))
    give("P1", 30, talks, 1, 30, 90, "sales", lambda f: f.text("direction") == "inbound")
    first = [f for f in past.human if f.type in ("lead_identified", "company_identified", "form_submitted")]
    first = [f for f in first if f.says("referral_channel")][:1]
    referred = [f for f in first if f.text("referral_channel").lower() in REFERRALS]
    give("H1", 5, [f for f in referred if f.at > past.evidence_after], 1, None, 365, "channel")
    return found


def webinars(past: Past) -> list[Contribution]:
    """W1: per name the attendance, else the registration; the newest two."""
    by_name: dict[str, Contribution] = {}
    for fact in past.evidence:
        attended = fact.type == "webinar_attended"
        if not (attended or fact.type == "webinar_registered" or fact.form("webinar")):
            continue
        one = Contribution("W1", 20 if attended else 5, fact, 30, 90, "events")
        name = webinar(fact)
        if one.alive(past.now) and (name not in by_name or one.points >= by_name[name].points):
            by_name[name] = one
    return sorted(by_name.values(), key=lambda c: c.fact.position)[-2:]


def unsubscription(past: Past) -> Fact | None:
    """The newest unsubscription that no subscription followed."""
    mail = [f for f in past.human if f.type in ("email_subscribed", "email_unsubscribed")]
    return mail[-1] if mail and mail[-1].type == "email_unsubscribed" else None


@once
def penalties(past: Past) -> list[Contribution]:
    """Every contribution below zero that is alive now."""
    found = []
    if gone := unsubscription(past):
        found.append(Contribution("N1", -15, gone, None, 90, ""))
    complaints = [f for f in past.human if f.type == "email_complained"]
    found += [Contribution("N2", -30, f, None, 365, "") for f in complaints[-1:]]
    careers = proofs(dated(past.human, ("careers",)), 2, 30, itself)
    found += [Contribution("N4", -15, f, None, 30, "") for f in careers[-1:]]
    return [c for c in found if c.alive(past.now)]


@once
def requests(past: Past) -> list[Fact]:
    """The requests of the last 14 days."""
    return [f for f in past.evidence if f.form(*REQUESTS) and past.now - f.at < REQUEST_LIVES]


def lifts(past: Past, fact: Fact) -> str | None:
    """How far this event, the newest of `past`, may lift the lead: mql, sql, or not at all.

    An event lifts if a rule with points above zero counts it, whether or not that makes a contribution yet: of
    page views those that date a visit for a rule. Any form, `lead_identified` and `company_identified` lift,
    whatever they tell.
    """
    if fact.type == "lead_promoted":
        return "sql"
    if not fact.human or fact.id in past.retractions:
        return None
    if fact.type in ("email_opened", "email_clicked", "social_engaged"):
        return "mql"
    views = [f for f in past.human if f.type == "page_viewed"]
    counted = (
        fact.type in ("lead_identified", "company_identified", "form_submitted")
        or fact.type in ("email_subscribed", "webinar_registered", "webinar_attended", "event_attended")
        or (fact.type == "page_viewed" and any(fact in dated(views, groups) for groups in COUNTED))
        or conversion(fact) is not None
        or two_way(past, fact)
    )
    return "sql" if counted else None
