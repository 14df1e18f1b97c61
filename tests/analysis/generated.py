# ruff: noqa: E501
"""A year of leads with a known truth: what each person did is drawn, and so is what sales answered."""

from random import Random
from typing import Any

from streams.scoring.instant import DAY, HOUR, rfc3339
from tests.reference.events import at

Document = dict[str, Any]
START = at(day=1)
TITLES = ("VP Marketing", "Marketing Manager", "インターン", "", "Engineer")
REASONS = ("timing", "no_budget", "not_a_fit")


def log(seed: int, people: int, days: int = 200) -> list[Document]:
    """Events and answers of so many people, in disorder, some of them twice."""
    rng = Random(seed)
    found: list[Document] = []
    for number in range(people):
        found += _person(rng, number, days)
    found += rng.sample(found, len(found) // 50)
    rng.shuffle(found)
    return found


def _person(rng: Random, number: int, days: int) -> list[Document]:
    domain = rng.choice(
        ("kitano.example", f"c{number // 3}.example", "competitor.example" if number % 40 == 0 else "acme.example")
    )
    who = {"email": f"p{number}@{domain}", "source_kind": "webhook"}
    now = START + rng.randrange(days * 24) * HOUR
    events: list[Document] = []

    def add(kind: str, **fields: Any) -> None:
        nonlocal now
        now += rng.choice((HOUR, 5 * HOUR, DAY, 2 * DAY))
        document = {"event_id": f"{number}-{len(events)}", "type": kind, "occurred_at": rfc3339(now), **who}
        events.append({**document, **{name: value for name, value in fields.items() if value}})

    employees, title = rng.choice((8, 300, 2000)), rng.choice(TITLES)
    told = {"title": title, "company": "Acme", "employees": employees, "country": "JP", "industry": "software",
            "referral_channel": rng.choice(("ads", "partner", ""))}  # fmt: skip
    add("lead_identified", **told)
    for _ in range(rng.randrange(7)):
        kind = rng.choice(
            (
                "page_viewed",
                "page_viewed",
                "content_downloaded",
                "form_submitted",
                "sales_contacted",
                "email_opened",
            )
        )
        add(kind, **{
            "page_viewed": {"url": "https://www.example.com/product", "utm_source": rng.choice(("google", "")), "utm_medium": rng.choice(("cpc", "email", ""))},
            "content_downloaded": {"offer_type": "whitepaper", "offer_id": rng.choice("xyz")},
            "form_submitted": {"form_type": rng.choice(("demo", "contact", "whitepaper")), "form_id": "f", "phone": "+81 3 1111 1111"},
            "sales_contacted": {"direction": "inbound"},
        }.get(kind, {}))  # fmt: skip
    if rng.random() < 0.6:
        for kind in rng.choice((
            ("handoff_accepted", "contacted", "meeting_booked", "opportunity_created", "deal_won"),
            ("handoff_accepted", "contacted", "meeting_booked"),
            ("contacted", "handoff_rejected"), ("handoff_rejected",), ("handoff_accepted",),
        )):  # fmt: skip
            reason = rng.choice(REASONS) if kind == "handoff_rejected" else None
            amount = rng.choice((1_000_000, "USD 10,000", "unknown")) if kind == "deal_won" else None
            add(kind, reason=reason, amount=amount, source_kind="crm")
    return events
