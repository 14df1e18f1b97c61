"""Random journeys of one lead.

Times lie on a coarse grid around the limits of the `published` model, so that ties and the exact ends of
30 minutes and 30 days are hit often. One generator serves two uses: `journeys()` for hypothesis, which shrinks
what it finds, and `drawn(seed)` for thousands of long journeys in seconds, with `smallest` to shrink them.
"""

from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from tests.reference.events import EMAIL, PHONE, USER, at, event, identified, retraction
from tests.reference.outcome import Event, handoff_name

Fields = dict[str, Any]

DAYS = (0, 0, 1, 2, 3, 14, 15, 28, 29, 30, 31, 44, 45, 59, 60, 61, 75, 90)
MINUTES = (0, 0, 0, 10, 29, 30, 31, 59, 60, 90)
SESSION_MS = 14 * 24 * 3_600_000
OFFSETS_MS = (0, 0, 0, 0, 0, 0, -1, 1)
IDENTITIES: tuple[Fields, ...] = (*({} for _ in range(12)), {"email": EMAIL}, {"user_id": USER})
SESSIONS = (None, None, None, None, "s1", "s2", "s3")
MACHINE: tuple[Fields, ...] = (*({} for _ in range(5)), {"is_machine": False}, {"is_machine": True})
ATTRIBUTES: tuple[Fields, ...] = (
    {"email": EMAIL},
    {"phone": PHONE},
    {"email": EMAIL, "phone": PHONE},
    {"user_id": USER},
    {"first_name": "Kana"},
    {"email": " ", "phone": ""},
)
HANDOFFS: tuple[Fields, ...] = (
    *({} for _ in range(4)),
    *({"handoff_id": handoff_name(cycle)} for cycle in (1, 1, 2, 3)),
    {"handoff_id": "of-nobody"},
)

ACTIVITIES = (
    "page_viewed", "page_viewed", "page_viewed", "page_viewed", "content_downloaded", "content_downloaded",
    "email_opened", "email_opened", "email_opened", "sales_contacted", "sales_contacted", "form_submitted",
    "email_clicked", "custom",
)  # fmt: skip
RETRACTABLE = frozenset(ACTIVITIES) - {"page_viewed"}
"""The core keeps visits as intervals: without the page that dated it a visit is gone."""
IDENTIFYING = ("lead_identified", "lead_identified", "company_identified", "identities_linked")
FEEDBACK = (
    "handoff_accepted", "handoff_rejected", "handoff_rejected", "contacted", "meeting_booked",
    "opportunity_created", "deal_won", "deal_lost", "lead_promoted", "lead_disqualified", "lead_reinstated",
    "owner_changed",
)  # fmt: skip


def own_fields(kind: str, instant: int, rng: Random, long_sessions: bool) -> Fields:
    """The fields beyond the envelope that an event of this type may carry."""
    if kind == "page_viewed":
        session = rng.choice(SESSIONS)
        named = session if long_sessions else f"{session}-{(instant - at()) // SESSION_MS}"
        return ({"session_id": named} if session else {}) | rng.choice(MACHINE)
    if kind == "content_downloaded":
        return {"offer_type": rng.choice(("whitepaper", "whitepaper", "ebook"))} | rng.choice(MACHINE)
    if kind == "form_submitted":
        return {"form_type": rng.choice(("whitepaper", "newsletter", "demo"))} | rng.choice(ATTRIBUTES)
    if kind in ("lead_identified", "company_identified"):
        return rng.choice(ATTRIBUTES)
    if kind == "identities_linked":
        return rng.choice(({"email": EMAIL}, {"user_id": USER}))
    if kind in FEEDBACK:
        return rng.choice(HANDOFFS)
    return rng.choice(MACHINE) if kind == "email_opened" else {}


def says_who(one: Event) -> bool:
    return any(one.get(name) for name in ("email", "user_id", "phone"))


def history(
    rng: Random,
    *,
    size: int = 40,
    feedback: bool = True,
    retractions: bool = True,
    retract_anything: bool = False,
    long_sessions: bool = False,
) -> list[Event]:
    """Different events of one lead, in no order of time.

    Retractions are of activities that tell no identity, unless `retract_anything`; sessions end within a
    fortnight, unless `long_sessions`.
    """
    kinds = ACTIVITIES * 2 + IDENTIFYING + (rng.choice(((), FEEDBACK)) if feedback else ())
    days = rng.choices(DAYS, k=rng.randint(1, 6))

    def instant() -> int:
        return at(day=rng.choice(days), minute=rng.choice(MINUTES), ms=rng.choice(OFFSETS_MS))

    def name(number: int) -> str:
        """An id whose first letter decides the order among equal times."""
        return f"{rng.choice('abc')}{number:02}"

    events = [identified("a00", at(), email=EMAIL)] if rng.choice((True, True, False)) else []
    for number in range(1, rng.randint(1, size) + 1):
        kind = rng.choice(kinds)
        when = instant()
        fields = {**rng.choice(IDENTITIES), **own_fields(kind, when, rng, long_sessions)}
        events.append(event(kind, name(number), when, **fields))
    targets = [e for e in events if retract_anything or (e["type"] in RETRACTABLE and not says_who(e))]
    if retractions and targets:
        for number in range(90, 90 + rng.choice((0, 0, 1, 2, 4))):
            events.append(retraction(name(number), instant(), rng.choice(targets)["event_id"]))
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


def smallest(events: list[Event], fails: Callable[[list[Event]], bool]) -> list[Event]:
    """A part of a failing journey that still fails and of which no single event can be spared."""
    for number in range(len(events)):
        shorter = events[:number] + events[number + 1 :]
        if shorter and fails(shorter):
            return smallest(shorter, fails)
    return events
