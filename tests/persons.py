"""Events of people who browse, sign in and buy under several identities, drawn at random."""

from random import Random
from typing import Any

from tests.reference.events import at, event

Document = dict[str, Any]
MINUTE = 60_000

KINDS = (
    *("page_viewed", "page_viewed", "page_viewed", "content_downloaded", "email_opened", "email_opened"),
    *("sales_contacted", "form_submitted", "lead_identified", "email_delivered", "custom"),
)
FIELDS: dict[str, tuple[Document, ...]] = {
    "page_viewed": ({}, {"session_id": "s1"}, {"session_id": "s2"}),
    "content_downloaded": ({"offer_type": "whitepaper"}, {"offer_type": "ebook"}),
    "form_submitted": (
        {"form_type": "whitepaper", "company": "Acme"},
        {"form_type": "demo", "phone": "+81 3 0000 0000", "title": "CTO"},
    ),
    "lead_identified": ({"first_name": "Kana"}, {"company": "Beta"}, {"title": "VP"}),
}
TOPIC_OF = {
    **dict.fromkeys(("page_viewed", "content_downloaded", "custom"), "web-visits"),
    **dict.fromkeys(("email_opened", "email_delivered"), "email-engagement"),
    "form_submitted": "form-submissions",
}


def topic_of(document: Document) -> str:
    return TOPIC_OF.get(document["type"], "lead-activities")


def act(rng: Random, event_id: str, instant: int, who: Document, kinds: tuple[str, ...] = KINDS) -> Document:
    """One event of somebody who is known as `who` at that moment."""
    kind = rng.choice(kinds)
    own = rng.choice(FIELDS.get(kind, ({},)))
    return event(kind, event_id, instant, **{"anonymous_id": None, "source_kind": "server"} | own | who)


def acts(
    rng: Random, identities: list[Document], size: int, prefix: str = "x", kinds: tuple[str, ...] = KINDS
) -> list[Document]:
    """Events a few minutes to days apart, each under one of the ways in which a person is known."""
    instant = at(day=1)
    found: list[Document] = []
    for number in range(size):
        instant += rng.choice((0, 1, 10 * MINUTE, 40 * MINUTE, 24 * 60 * MINUTE))
        found.append(act(rng, f"{prefix}{number:02}", instant, rng.choice(identities), kinds))
    return found
