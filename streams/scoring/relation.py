"""What a lead's company is to us, told once for all of its people: noted at each of them, under the company's domain.

A note is a fact about a domain, as old as what was said of it. Whether it concerns the lead at an instant is
another question: where the lead worked then.
"""

from functools import lru_cache
from typing import Final

from streams.fit.mail import MailLists, company_domain, read_mail
from streams.scoring.attribute import unite
from streams.scoring.event import Event
from streams.scoring.lead import Lead, Position, Version
from streams.scoring.model import Model
from streams.scoring.stage import elapse, refold

EVENT: Final = "relationship_set"
NAMES: Final = ("relationship", "owner")
"""What is said of a company as a whole, by the names of the attributes."""
EVERY_MAIL: Final = MailLists(frozenset(), frozenset(), frozenset(), frozenset())
"""Whether a domain is a company's is a question to a model; what a record was told is not."""
REMEMBERED: Final = 16_384


def at(name: str, domain: str) -> str:
    """The name of an attribute that says something of the company with this domain."""
    return f"{name}@{domain}"


def domain_told(event: Event) -> set[str]:
    """The registrable domains by which an event may tell where somebody works."""
    found = {_of_mail(event.email), _of_company(event.company_domain)}
    return {domain for domain in found if domain is not None}


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


def note(lead: Lead, domain: str, said: dict[str, list[Version]]) -> Position | None:
    """Note what was said of a domain; the newest of what was news, None if nothing was."""
    news: list[Position] = []
    for name in NAMES:
        before = lead.attributes.get(at(name, domain), [])
        after = unite(before, said.get(name, []))
        if after != before:
            lead.attributes[at(name, domain)] = after
            news += [(version.at, version.id) for version in after if version not in before]
    return max(news, default=None)


def fold(lead: Lead, key: str, since: Position, newest: Position, arrival: int, model: Model) -> None:
    """Take notes into the stage history, which nothing before `since` can change."""
    if since > lead.position:
        elapse(lead, since[0], model)
    lead.clock, lead.clock_id = max(lead.position, newest)
    refold(lead, key, since, arrival, model)
