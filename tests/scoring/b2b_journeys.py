"""The twelve journeys of the `b2b` model, worked by hand. D0 is Monday, 2026-11-02, 10:00 in Tokyo."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from tests.reference.b2b.outcome import Event
from tests.reference.events import rfc3339

D0 = datetime(2026, 11, 2, 1, tzinfo=UTC)
EMAIL = "kana@aozora.example"


def day(days: float = 0, hours: float = 0, minutes: float = 0) -> int:
    """An instant so long after D0, in Unix milliseconds."""
    passed = timedelta(days=days, hours=hours, minutes=minutes)
    return int(D0.timestamp()) * 1000 + passed // timedelta(milliseconds=1)


def utc(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def event(kind: str, event_id: str, at: int, **fields: Any) -> Event:
    common = {"event_id": event_id, "type": kind, "occurred_at": rfc3339(at), "email": EMAIL}
    return common | fields


def view(event_id: str, at: int, path: str = "/product") -> Event:
    url = f"https://www.example.com{path}"
    device = {"anonymous_id": "device-1", "source_kind": "browser", "email": None}
    return event("page_viewed", event_id, at, url=url, **device)


def form(event_id: str, at: int, form_type: str, **fields: Any) -> Event:
    common = {"form_type": form_type, "form_id": f"{form_type}-form", "source_kind": "webhook"}
    return event("form_submitted", event_id, at, **common | fields)


def mail(kind: str, event_id: str, at: int, **fields: Any) -> Event:
    return event(f"email_{kind}", event_id, at, source_kind="mail", **fields)


def sales(kind: str, event_id: str, at: int, **fields: Any) -> Event:
    return event(kind, event_id, at, source_kind="crm", **fields)


def download(event_id: str, at: int, offer_id: str, offer_type: str) -> Event:
    return event("content_downloaded", event_id, at, offer_id=offer_id, offer_type=offer_type)


class Step(NamedTuple):
    """What holds after everything at an instant; what is None is not looked at."""

    at: int
    stage: str
    score: float | None = None
    behaviour: float | None = None
    grade: str | None = None
    held: frozenset[str] | None = None


class Given(NamedTuple):
    """A handoff: when, by which lane, and the deadline of the first contact."""

    at: int
    lane: str
    respond_by: int
    may_email_marketing: bool = True


class Told(NamedTuple):
    """A notice: when, of what kind, with which deadline."""

    at: int
    kind: str
    deadline: int


class Journey(NamedTuple):
    sentence: str
    events: Sequence[Event]
    steps: Sequence[Step]
    handoffs: Sequence[Given] = ()
    notices: Sequence[Told] = ()
    """All of them up to the last step, but for `handoff_overdue` unless one is named."""


VP = {
    "title": "VP Marketing", "company": "Aozora", "company_domain": "aozora.example", "employees": 500,
    "industry": "software", "country": "JP",
}  # fmt: skip


def imported_vp(**fields: Any) -> Event:
    return sales("lead_identified", "a-crm", day(), **VP | fields)


MANAGER = {"title": "Manager Marketing", "company": "Hikari", "employees": "300名", "country": "JP"}
PAPER = form("w1", day(), "whitepaper", offer_id="paper-x", **MANAGER)

FIRST_VISIT = Journey(
    "a first visit and a newsletter make a lead, no more",
    [
        view("v1", day()),
        view("v2", day(), "/pricing"),
        form("n1", day(minutes=10), "newsletter", first_name="Kana"),
    ],
    [Step(day(), "visitor", 5.0), Step(day(minutes=10), "lead", 10.0), Step(day(400), "lead", 0.0)],
)
ONE_PAPER = Journey(
    "one whitepaper of a fitting manager makes an MQL, which time alone ends to the second",
    [PAPER, download("w2", day(), "paper-x", "whitepaper")],
    [
        Step(day(), "mql", 54.0, 30.0, "B"),
        Step(day(30), "mql", 39.0),
        Step(utc("2026-12-29T05:57:40.423Z"), "mql"),
        Step(utc("2026-12-29T05:57:40.424Z"), "lead"),
    ],
)
THREE_VISITS = [
    imported_vp(),
    view("v1", day()),
    view("v2", day(3)),
    view("v3", day(3, minutes=1), "/pricing"),
    view("v4", day(7, hours=1)),
]
TO_SQL = Given(day(7, hours=1), "score", utc("2026-11-10T01:00Z"))
PRODUCT_VISITS = Journey(
    "three product visits on different days hand a vice president over, within eight business hours",
    THREE_VISITS,
    [
        Step(day(), "lead", 35.0, 0.0, "A"),
        Step(day(3, minutes=1), "lead", 40.0, 5.0),
        Step(day(7, hours=1), "sql", 74.1),
    ],
    [TO_SQL],
)
ONE_DAY = Journey(
    "three visits on one day wait for a second day; nobody works the handoff, and the lead comes back",
    [imported_vp(), *(view(f"v{n}", day(hours=3 * n)) for n in range(3)), view("v9", day(1))],
    [
        Step(day(), "lead", 35.0),
        Step(day(hours=3), "lead", 35.0),
        Step(day(hours=6), "mql", 70.0, held=frozenset(["active_days"])),
        Step(day(1), "sql", 70.0),
        Step(utc("2026-11-17T08:59:59Z"), "sql"),
        Step(utc("2026-11-17T09:00Z"), "lead"),
    ],
    [Given(day(1), "score", utc("2026-11-04T08:00Z"))],
    [Told(utc("2026-11-04T08:00Z"), "handoff_overdue", utc("2026-11-04T08:00Z"))],
)
THREE_OFFERS = Journey(
    "three different offers hand a manager over; the same paper twice does not",
    [
        form("w1", day(), "whitepaper", offer_id="paper-x", **MANAGER),
        download("w2", day(1), "paper-x", "whitepaper"),
        download("y1", day(10), "ebook-y", "ebook"),
        download("z1", day(20), "case-z", "case_study"),
    ],
    [
        Step(day(), "mql", 54.0),
        Step(day(1), "mql", 53.8),
        Step(day(10), "mql", 63.2),
        Step(day(20), "sql", 90.3),
    ],
    [Given(day(20), "score", utc("2026-11-24T08:00Z"))],
)
DEMO = {
    "company": "Aozora", "phone": "+81 3 1234 5678", "employees": 500, "country": "JP", "industry": "software",
    "message": "製品を見せてください",
}  # fmt: skip
REVIEW = Told(day(), "review_requested", utc("2026-11-02T09:00Z"))
TITLE_LATER = Journey(
    "a demo request without a title is reviewed, and handed over when the title comes",
    [
        form("d1", day(), "demo", **DEMO),
        sales("lead_identified", "t1", day(2), title="情報システム部 部長"),
    ],
    [
        Step(day(), "mql", 69.0, 50.0, "B", frozenset(["title_unknown"])),
        Step(day(2), "sql", 79.8, grade="A"),
    ],
    [Given(day(2), "demo", utc("2026-11-04T02:00Z"))],
    [REVIEW],
)
INTERN = Journey(
    "an intern's demo request is reviewed, then disqualified for good",
    [
        form("d1", day(), "demo", title="インターン", **DEMO),
        sales("lead_disqualified", "x1", day(1), reason="student"),
        *(view(f"v{n}", day(n)) for n in (5, 7, 9)),
    ],
    [Step(day(), "mql", 54.0, 50.0, "C"), Step(day(1), "disqualified"), Step(day(9), "disqualified")],
    notices=[REVIEW],
)
YAMADA = {
    "email": "yamada@gmail.com", "company": "株式会社山田製作所", "phone": "03-1234-5678", "employees": "30名",
    "industry": "manufacturing", "country": "JP", "message": "見積もりの相談をしたい",
}  # fmt: skip
ASKED_AFTER_LEAVING = Journey(
    "whoever unsubscribed and then asks to be contacted is contacted, but not mailed",
    [
        mail("unsubscribed", "u1", utc("2026-11-10T08:30Z"), email="yamada@gmail.com"),
        form("c1", utc("2026-11-20T08:30Z"), "contact", **YAMADA),
    ],
    [
        Step(utc("2026-11-10T08:30Z"), "lead", -15.0),
        Step(utc("2026-11-20T08:30Z"), "sql", 46.0, 35.0, "C"),
    ],
    [Given(utc("2026-11-20T08:30Z"), "contact", utc("2026-11-24T00:30Z"), False)],
)
CUSTOMER = Journey(
    "a customer's colleague who asks for a quote reaches the account's owner, not a new salesperson",
    [
        sales("relationship_set", "r1", day(), relationship="customer", company_domain="aozora.example"),
        form("q1", day(1), "quote", company="Aozora"),
    ],
    [Step(day(1), "mql", 40.0, held=frozenset(["existing_customer"]))],
    notices=[Told(day(1), "existing_relationship", utc("2026-11-04T01:00Z"))],
)
THREE_CYCLES = Journey(
    "after each rejection only what follows counts, and an own request breaks the wait",
    [
        *THREE_VISITS,
        sales("handoff_accepted", "s1", day(8)),
        sales("handoff_rejected", "s2", day(10), reason="timing"),
        *(view(f"x{n}", day(n)) for n in (20, 22, 24)),
        form("c1", day(30), "contact", message="今なら話せます"),
        sales("handoff_rejected", "s3", day(31), reason="no_response"),
        *(view(f"y{n}", day(n)) for n in (65, 70, 75)),
    ],
    [
        Step(day(7, hours=1), "sql", 74.1),
        Step(day(8), "accepted"),
        Step(day(10), "recycled", 35.0),
        Step(day(20), "recycled", 35.0),
        Step(day(22), "recycled", 35.0),
        Step(day(24), "recycled", 70.0),
        Step(day(30), "sql"),
        Step(day(31), "recycled"),
        Step(day(61) - 1, "recycled"),
        Step(day(61), "lead"),
        Step(day(65), "lead", 35.0),
        Step(day(70), "lead", 35.0),
        Step(day(75), "sql", 70.0),
    ],
    [
        TO_SQL,
        Given(day(30), "contact", utc("2026-12-02T02:00Z")),
        Given(day(75), "score", utc("2027-01-18T08:00Z")),
    ],
)
SCANNED = [f"o{n}" for n in range(1, 7)] + ["k7"]
SCANNER = Journey(
    "opens and a click make an MQL at most, and are taken back when a scanner did them",
    [
        imported_vp(),
        form("n1", day(), "newsletter"),
        *(mail("opened", f"o{n}", day(n)) for n in range(1, 7)),
        mail("clicked", "k7", day(7)),
        *(event("activity_retracted", f"z{n}", day(8), retracts=n, reason="scanner") for n in SCANNED),
    ],
    [
        Step(day(), "lead", 40.0, 5.0),
        Step(day(6), "lead", 49.1, 14.1),
        Step(day(7), "mql", 54.3),
        Step(day(8), "lead", 39.2, 4.2),
    ],
)
SCAN = event("event_attended", "b1", day(), name="expo", source_kind="import", source="import")
BADGE_SCAN = Journey(
    "an imported badge scan makes a fitting lead an MQL, never an SQL",
    [imported_vp(), SCAN],
    [Step(day(), "mql", 50.0, 15.0, "A", frozenset(["score", "intent", "active_days", "imported_only"]))],
)
DEMO_AFTER_SCAN = Journey(
    "an imported lead that asks for a demo is handed over within the hour",
    [imported_vp(), SCAN, form("d1", day(1), "demo")],
    [Step(day(), "mql", 50.0), Step(day(1), "sql", 89.7)],
    [Given(day(1), "demo", utc("2026-11-04T01:00Z"))],
)
OLD_REQUEST = Journey(
    "a request that arrives three weeks late is kept and held, not handed over",
    [form("d1", day(-20), "demo", **VP, source_kind="import", received_at=rfc3339(day(2)))],
    [Step(day(-20), "mql", held=frozenset(["too_old"])), Step(day(2), "mql", held=frozenset(["too_old"]))],
)
COLLEAGUES = [
    [sales("lead_identified", "a-crm", day(), **VP | {"email": who}), {**SCAN, "email": who},
     form("d1", day(1), "demo", email=who)]
    for who in ("kana@aozora.example", "ren@aozora.example")
]  # fmt: skip

JOURNEYS = [
    FIRST_VISIT, ONE_PAPER, PRODUCT_VISITS, ONE_DAY, THREE_OFFERS, TITLE_LATER, INTERN, ASKED_AFTER_LEAVING,
    CUSTOMER, THREE_CYCLES, SCANNER, BADGE_SCAN, DEMO_AFTER_SCAN, OLD_REQUEST,
]  # fmt: skip
