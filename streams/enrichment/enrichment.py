"""All of it together: what an event becomes at the edge.

What is said is made comparable where that can be done for certain, and kept as it was where not. What is only
concluded travels as an event of its own, which is trusted less than what people and systems said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from streams.enrichment import mail_domain, phone
from streams.enrichment.channel import Channels
from streams.enrichment.company import Companies
from streams.fit.place import country

Document = dict[str, object]

SOURCE: Final = "enrichment"
"""The `source` of what was concluded."""

CARRIERS: Final = frozenset({"lead_identified", "company_identified", "form_submitted"})
"""The types whose attributes are believed."""

ARRIVALS: Final = frozenset({"page_viewed", "content_downloaded", "form_submitted"})
"""The types that tell how somebody came."""


@dataclass(frozen=True)
class Enrichment:
    """What to do. `region` is whose national telephone numbers are meant where no country is given."""

    channels: Channels | None = None
    region: str | None = None
    companies: Companies = field(default_factory=dict)

    def __call__(self, event: Document) -> list[Document]:
        """The event, enriched, and what is concluded about the person's company. The argument stays as it was."""
        enriched = dict(event)
        domain = mail_domain.domain_of(event.get("email"))
        if domain is not None:
            enriched["email_domain_kind"] = mail_domain.kind(domain)
        if self.channels is not None and event.get("type") in ARRIVALS:
            channel = self.channels.of(event)
            if channel is not None:
                enriched["touch_channel"] = channel
        if event.get("type") not in CARRIERS:
            return [enriched]
        concluded = self._company(event, domain, str(enriched.get("email_domain_kind", "")))
        return [_normalised(enriched, self.region), *concluded]

    def _company(self, event: Document, domain: str | None, kind: str) -> list[Document]:
        """The company's domain, and what the business's own list has of it."""
        if domain is None or kind != mail_domain.COMPANY or event.get("is_machine") is True:
            return []
        site = mail_domain.registered(domain)
        known = self.companies.get(domain) or (self.companies.get(site) if site else None) or {}
        return [_concluded(event, {"company_domain": site, **known})] if site or known else []


def _normalised(event: Document, region: str | None) -> Document:
    """Country and telephone number, where it is certain what they are."""
    code = country(_text(event.get("country")))
    number = phone.normalised(event.get("phone"), code or region)
    if code is not None:
        event["country"] = code
    if number is not None:
        event["phone"] = number
    return event


def _concluded(event: Document, about: Mapping[str, object]) -> Document:
    """Trusted as little as an import, and no more than the event: a browser's word stays a browser's."""
    name = blake2b(str(event.get("event_id")).encode(errors="replace"), digest_size=16).hexdigest()
    kept = ("email", "user_id", "anonymous_id", "occurred_at", "received_at")
    return {
        "type": "company_identified",
        "event_id": f"en-{name}",
        "source": SOURCE,
        "source_kind": "browser" if event.get("source_kind") == "browser" else "import",
        **{field: event[field] for field in kept if field in event},
        **{field: value for field, value in about.items() if value is not None},
    }


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
