"""What a lead's company is to us, told once for all of its people and noted at each, under the company's domain.

A note is a fact about a domain, as old as what was said of it. Whether it concerns the lead at an instant is
another question: where the lead worked then.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from streams.fit.mail import MailLists, company_domain, read_mail
from streams.scoring.attribute import CARRIERS, of_company, plain, unite
from streams.scoring.event import Event
from streams.scoring.lead import Lead, Position, Version
from streams.scoring.model import Model
from streams.scoring.stage import elapse, fold_in
from streams.scoring.step import Step

EVENT: Final = "relationship_set"
NAMES: Final = ("relationship", "owner")
"""What is said of a company as a whole, by the names of the attributes."""
EVERY_MAIL: Final = MailLists(frozenset(), frozenset(), frozenset(), frozenset())
"""Whether a domain is a company's is a question to a model; what a record was told is not."""
REMEMBERED: Final = 16_384


def told_by(event: Event) -> set[str]:
    """The registrable domains by which an event may tell where somebody works."""
    told = plain(event.company_domain) if event.type in CARRIERS else None
    return {domain for domain in (_of_mail(event.email), _of_company(told)) if domain is not None}


def domains(lead: Lead) -> set[str]:
    """All registrable domains that a record was told, whichever of them holds."""
    found = {_of_mail(email) for email in lead.emails}
    found |= {_of_company(version.value) for version in lead.attributes.get("company_domain", ())}
    return {domain for domain in found if domain is not None}


def company(event: Event, model: Model) -> str | None:
    """The domain of the company that an event speaks of as a whole; None if it names none, or a mail provider."""
    if event.type != EVENT or event.source_kind == "browser" or not isinstance(event.company_domain, str):
        return None
    lists = EVERY_MAIL if model.fit is None else model.fit.mail
    return company_domain({"company_domain": event.company_domain}, None, lists)


@lru_cache(REMEMBERED)
def _of_mail(email: str | None) -> str | None:
    mail = None if email is None else read_mail(email, EVERY_MAIL)
    return None if mail is None else mail.company


def _of_company(told: object) -> str | None:
    return company_domain({"company_domain": told}, None, EVERY_MAIL) if isinstance(told, str) else None


def note(lead: Lead, domain: str, said: dict[str, list[Version]]) -> list[Position]:
    """Note what was said of a domain; the positions of what was news. The stage history does not know it yet."""
    news: list[Position] = []
    for name in NAMES:
        before = lead.attributes.get(of_company(name, domain), [])
        after = unite(before, said.get(name, []))
        if after != before:
            lead.attributes[of_company(name, domain)] = after
            news += [(version.at, version.id) for version in after if version not in before]
    return news


def follow(lead: Lead, key: str, news: Sequence[Position], after: Position, arrival: int, model: Model) -> None:
    """Fold what was said later than `after`, up to where the fold knows it, into the stage history."""
    later = [position for position in news if position > after]
    if not later:
        return
    since, newest = min(later), max(later)
    if since > lead.position:
        elapse(lead, since[0], model)
    lead.clock, lead.clock_id = max(lead.position, newest)
    fold_in(lead, key, Step(*since, verdict=True, arrival=arrival), model)
