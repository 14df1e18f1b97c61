"""Random journeys of one lead, plausible and adversarial, for the `b2b` model.

A journey is a few scenes (browsing, downloads, a request, mails, an answer of sales, ...) with gaps between
them that often are exactly a window's length, a millisecond less or more. `drawn(seed)` is quick and
repeatable; `journeys()` is the same for hypothesis.

Readings: retractions are of events that tell no attribute and are no page view, unless `retract_forms`;
sessions end within a fortnight; one address, at most one change of employer; no erasure; `page_viewed` never
tells an address.
"""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.reference.b2b.facts import DAY, HOUR, MINUTE, milliseconds
from tests.reference.events import rfc3339
from tests.reference.outcome import Event, handoff_name

Fields = dict[str, Any]
Scene = Callable[["Person"], Iterator[Event]]

START = milliseconds("2026-01-05T00:00:00Z")
FORTNIGHT = 14 * DAY
GAPS = (
    0, MINUTE, 29 * MINUTE, 30 * MINUTE, *(HOUR, 3 * HOUR, 9 * HOUR, DAY, DAY, 2 * DAY, 3 * DAY, 5 * DAY) * 2,
    7 * DAY, 7 * DAY, 9 * DAY, 14 * DAY, 14 * DAY, 20 * DAY, 30 * DAY, 30 * DAY, 45 * DAY, 60 * DAY, 90 * DAY,
    180 * DAY,
)  # fmt: skip
NUDGES = (0, 0, 0, 0, -1, 1)

ADDRESSES = (
    *("kana@aozora.example",) * 16, "kana@gmail.com", "kana@yahoo.co.jp", "info@aozora.example",
    "kana@u-tokyo.ac.jp",
    "kana@mailinator.com",
    "kana@competitor.example", "",
)  # fmt: skip
TITLES = (
    "VP Marketing", "VP Marketing", "Manager Marketing", "Marketing Manager", "情報システム部 部長", "営業部 課長",
    "代表取締役社長", "CFO", "Director of Sales", "Head of IT", "人事部長", "インターン", "学生", "社長秘書",
    "元部長", "担当", "Engineer", "主任", "Senior Developer", "なし", "Product Owner", "社長室長", "",
)  # fmt: skip
OFFERS = ("paper-x", "paper-y", "case-z", "")
ATTRIBUTES: dict[str, tuple[Any, ...]] = {
    "title": TITLES,
    "company": ("Aozora", "Aozora", "株式会社青空", " "),
    "company_domain": ("aozora.example", "aozora.example", ""),
    "employees": (500, "300名", "１,０００名以上", "51-200", 8, "30", "5000+", "わからない", None),
    "revenue": ("10億円", "100億円", "月額100万円", "未公開"),
    "industry": ("software", "software", "manufacturing", "製造業", "finance", "education"),
    "country": ("JP", "JP", "JP", "Japan", "日本", "US", "DE", "GB", "BR", ""),
    "phone": ("+81 3 1234 5678", "03-1234-5678", ""),
    "ad_spend": ("300万円", 100_000, "月額50万円"),
    "budget": ("500万円", 0, "未定"),
    "software": ("Salesforce", "Excel"),
    "pain_points": ("leads go cold", ""),
    "referral_channel": ("partner", "customer_referral", "ads"),
}
REASONS = (
    "timing", "timing", "no_budget", "no_response", "wrong_person", "not_a_fit", "not_a_fit", "chose_competitor",
    "not_worked", "duplicate", "bad_data", "spam", "student", "something else", None,
)  # fmt: skip
RELATIONS = (
    "none", "none", "open_opportunity", "customer", "customer", "former_customer", "partner", "competitor",
    "do_not_contact",
)  # fmt: skip
PATHS = (
    "/product/planning", "/product", "/pricing", "/en/pricing?x=1", "/jirei", "/製品", "/blog/1", "/",
    "/careers/dev", "/login", "/support", "/products", "/pricing-faq",
)  # fmt: skip
KINDS: tuple[tuple[str | None, ...], ...] = (
    ("browser",), ("browser", "webhook"), ("webhook",), ("server", None),
)  # fmt: skip
KEEPING_ID = frozenset(["page_viewed", "form_submitted", "lead_identified", "company_identified"])


class Person:
    """One lead while its journey is drawn: who it is, and what time it is."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.address = rng.choice(ADDRESSES)
        self.now = START + rng.randrange(0, 300) * DAY + rng.randrange(0, 24) * HOUR
        self.number = 0
        self.kinds = rng.choice(KINDS)
        own = {name: rng.choice(values) for name, values in ATTRIBUTES.items()}
        fitting = {"title": "VP Marketing", "employees": 500, "industry": "software", "country": "JP"}
        self.own = own | (fitting if rng.random() < 0.5 else {})

    def event(self, kind: str, **fields: Any) -> Event:
        """An event now; its id's first letter decides the order among equal times."""
        self.number += 1
        common = {
            "event_id": f"{self.rng.choice('abc')}{self.number:03}",
            "type": kind,
            "occurred_at": rfc3339(self.now),
            "anonymous_id": "device-1",
        }
        if self.address and kind != "page_viewed" and self.rng.random() < 0.8:
            common["email"] = self.address
        arrival = self.rng.random()
        if arrival < 0.3:
            late = self.rng.choice((5_000, HOUR, 9 * HOUR, 2 * DAY, 7 * DAY, 7 * DAY + 1, 20 * DAY))
            common["received_at"] = rfc3339(self.now + (late if arrival < 0.1 else 5_000))
        return common | {name: value for name, value in fields.items() if value is not None}

    def passes(self, *gaps: int) -> None:
        self.now += self.rng.choice(gaps)

    def told(self, most: int) -> Fields:
        """A few attributes, mostly this person's own."""
        names = self.rng.sample(sorted(ATTRIBUTES), self.rng.randint(0, most))
        fresh = self.rng.random() < 0.15
        return {n: self.rng.choice(ATTRIBUTES[n]) if fresh else self.own[n] for n in names}

    def machine(self) -> Fields:
        return self.rng.choice(({}, {}, {}, {}, {"is_machine": True}, {"is_machine": False}))


def browses(who: Person) -> Iterator[Event]:
    keen = who.rng.random() < 0.6
    for _ in range(who.rng.randint(1, 5)):
        session = who.rng.choice((None, None, f"s{who.now // FORTNIGHT}-{who.rng.randint(1, 3)}"))
        path = who.rng.choice(PATHS[:4] if keen else PATHS)
        url = f"https://www.example.com{path}"
        yield who.event("page_viewed", url=url, session_id=session, source_kind="browser", **who.machine())
        who.passes(0, 10 * MINUTE, 30 * MINUTE, 3 * HOUR, DAY, 2 * DAY)


def downloads(who: Person) -> Iterator[Event]:
    for _ in range(who.rng.randint(1, 4)):
        kind = who.rng.choice(
            ("whitepaper", "whitepaper", "ebook", "case_study", "template", "newsletter", "other")
        )
        offer = {"offer_id": who.rng.choice(OFFERS), "source_kind": who.rng.choice(who.kinds)}
        if who.rng.random() < 0.5:
            yield who.event("content_downloaded", offer_type=kind, **offer, **who.machine())
        else:
            yield who.event("form_submitted", form_type=kind, form_id=f"{kind}-form", **offer, **who.told(6))
        who.passes(0, HOUR, DAY, 5 * DAY)


def asks(who: Person) -> Iterator[Event]:
    kind = who.rng.choice(("demo", "demo", "contact", "quote", "question", "information"))
    source = who.rng.choice((*who.kinds, "import"))
    told = who.told(10)
    yield who.event("form_submitted", form_type=kind, form_id=kind, message="please", source_kind=source, **told)


def is_known(who: Person) -> Iterator[Event]:
    for _ in range(who.rng.randint(1, 2)):
        kind = who.rng.choice(("lead_identified", "company_identified"))
        source = who.rng.choice(("crm", "crm", "server", "import", "browser"))
        yield who.event(kind, source_kind=source, **who.told(12))
        who.passes(0, DAY)


def reads_mail(who: Person) -> Iterator[Event]:
    kinds = ("delivered", "opened", "opened", "clicked", "clicked", "bounced", "subscribed", "unsubscribed",
             "unsubscribed", "complained")  # fmt: skip
    most = 6 if who.rng.random() < 0.7 else 10
    for _ in range(who.rng.randint(1, 6)):
        kind = who.rng.choice(kinds[:most])
        bounce = who.rng.choice(("hard", "soft")) if kind == "bounced" else None
        yield who.event(f"email_{kind}", source_kind="mail", bounce_type=bounce, **who.machine())
        who.passes(0, HOUR, DAY)


def takes_part(who: Person) -> Iterator[Event]:
    kinds = ("webinar_registered", "webinar_attended", "event_attended", "social_engaged")
    for _ in range(who.rng.randint(1, 4)):
        name, source = who.rng.choice(("spring", "autumn", "expo", None)), who.rng.choice((*who.kinds, "import"))
        yield who.event(who.rng.choice(kinds), name=name, source_kind=source, **who.machine())
        who.passes(0, HOUR, 7 * DAY)
    if who.rng.random() < 0.3:
        yield who.event("form_submitted", form_type="webinar", offer_id="spring", source_kind="webhook")


def talks(who: Person) -> Iterator[Event]:
    direction = who.rng.choice(("inbound", "outbound", "outbound", None))
    outcome = who.rng.choice(("connected", "no_answer", None))
    yield who.event("sales_contacted", direction=direction, outcome=outcome, source_kind="crm")


def is_answered(who: Person) -> Iterator[Event]:
    """Sales works the handoff, some way."""
    steps = who.rng.choice((
        ("handoff_accepted",), ("handoff_accepted", "contacted", "handoff_rejected"), ("handoff_rejected",),
        ("handoff_rejected",), ("handoff_accepted", "handoff_rejected"), ("contacted", "meeting_booked"),
        ("opportunity_created", "deal_lost"), ("handoff_accepted", "opportunity_created", "deal_won"),
        ("deal_lost", "handoff_accepted"), ("deal_won",),
    ))  # fmt: skip
    named = who.rng.choice((*[None] * 8, *(handoff_name(cycle) for cycle in (1, 1, 2, 3)), "of-nobody"))
    for step in steps:
        fields: Fields = {"handoff_id": named, "source_kind": "crm"}
        if step in ("handoff_rejected", "deal_lost"):
            fields["reason"] = who.rng.choice(REASONS)
            until = who.now + who.rng.choice((-DAY, 10 * DAY, 45 * DAY))
            fields["not_before"] = who.rng.choice((None, None, rfc3339(until), rfc3339(until)[:10], "soon"))
        yield who.event(step, **fields)
        who.passes(HOUR, DAY, 5 * DAY, 30 * DAY)


def is_judged(who: Person) -> Iterator[Event]:
    """A person decides."""
    kind = who.rng.choice(("lead_disqualified", "lead_reinstated", "lead_promoted", "owner_changed"))
    yield who.event(kind, source_kind="crm", reason="because", sales_person="Sato")
    if kind == "lead_disqualified":
        who.passes(HOUR, DAY, 9 * DAY)
        yield who.event("lead_reinstated", source_kind="crm", reason="mistake")


def is_related(who: Person) -> Iterator[Event]:
    for _ in range(who.rng.randint(1, 2)):
        domain = who.rng.choice((None, "aozora.example"))
        relation = who.rng.choice(RELATIONS)
        yield who.event("relationship_set", relationship=relation, company_domain=domain, source_kind="crm")
        who.passes(0, DAY, 10 * DAY)


def is_imported(who: Person) -> Iterator[Event]:
    """Old things that arrive weeks late."""
    now = who.now
    who.now -= who.rng.choice((DAY, 8 * DAY, 20 * DAY, 60 * DAY))
    fields: Fields = {"source_kind": "import", "received_at": rfc3339(now)}
    if who.rng.random() < 0.5:
        yield who.event("form_submitted", form_type=who.rng.choice(("demo", "contact")), **who.told(9)) | fields
    yield who.event("event_attended", name="expo") | fields
    who.now = now


def moves_on(who: Person) -> Iterator[Event]:
    """A new employer."""
    title = who.rng.choice(TITLES)
    who.own |= {"company": "Hikari", "company_domain": "hikari.example", "title": title, "employees": 8}
    fields = {"company": "Hikari", "company_domain": "hikari.example"} | who.told(4)
    yield who.event("lead_identified", source_kind=who.rng.choice(("crm", "server")), **fields)


def withdraws_consent(who: Person) -> Iterator[Event]:
    yield who.event("lead_identified", source_kind="server", consent_processing=False)


SCENES: tuple[Scene, ...] = (
    browses, browses, browses, downloads, downloads, asks, asks, asks, is_known, is_known, reads_mail, takes_part,
    talks, is_answered, is_answered, is_answered, is_judged, is_related, is_imported, moves_on,
)  # fmt: skip


def history(rng: Random, *, scenes: int = 9, retractions: bool = True, retract_forms: bool = False) -> list[Event]:
    """Different events of one lead."""
    who, events = Person(rng), list[Event]()
    if rng.random() < 0.6:
        events += is_known(who)
    for _ in range(rng.randint(1, scenes)):
        scene = rng.choice(SCENES) if rng.random() < 0.99 else withdraws_consent
        events += scene(who)
        if rng.random() < 0.3:
            who.passes(MINUTE, HOUR, DAY)
            events += is_answered(who)
        who.now += max(0, rng.choice(GAPS) + rng.choice(NUDGES))
    keeping = KEEPING_ID - {"form_submitted"} if retract_forms else KEEPING_ID
    targets = [e for e in events if e["type"] not in keeping]
    if retractions and targets and rng.random() < 0.5:
        for target in rng.choices(targets, k=rng.randint(1, 4)):
            who.now = milliseconds(target["occurred_at"]) + rng.choice((0, HOUR, DAY, 10 * DAY, -HOUR))
            events.append(who.event("activity_retracted", retracts=target["event_id"], reason="scanner"))
    return events


def as_arrived(events: list[Event], rng: Random) -> list[Event]:
    """The same events in some order of arrival, some of them more than once."""
    arrived = events + rng.choices(events, k=rng.randint(0, 5))
    rng.shuffle(arrived)
    return arrived


def in_order(events: list[Event]) -> list[Event]:
    """By event time, then event id, duplicates kept; `occurred_at` of these journeys sorts as text."""
    return sorted(events, key=lambda e: (e["occurred_at"], e["event_id"]))


def drawn(seed: int, **options: Any) -> list[Event]:
    """The journey of this number, disordered and with duplicates; `options` are those of `history`."""
    rng = Random(seed)
    return as_arrived(history(rng, **options), rng)


def journeys(**options: Any) -> SearchStrategy[list[Event]]:
    """The same for hypothesis."""
    return st.randoms(use_true_random=False).map(lambda rng: as_arrived(history(rng, **options), rng))
