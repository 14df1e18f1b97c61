"""What is known about a lead: each attribute's versions, and which of them holds at an instant."""

from typing import Final

from streams.scoring.event import Event
from streams.scoring.lead import Lead, Version

ATTRIBUTES: Final = (
    "first_name",
    "last_name",
    "phone",
    "title",
    "company",
    "company_domain",
    "employees",
    "revenue",
    "industry",
    "country",
    "region",
    "ad_spend",
    "budget",
    "software",
    "pain_points",
    "persona",
    "referral_channel",
    "language",
    "timezone",
    "message",
)
CARRIERS: Final = frozenset({"lead_identified", "company_identified", "form_submitted"})
"""Event types whose attributes are believed; on others `title` is the page's."""

TRUST: Final = {"crm": 5, "server": 4, "webhook": 4, "mail": 4, "import": 2, "browser": 1}
"""CRM or sales before forms before imports; a browser never overwrites what another source said."""

VERSIONS: Final = 6
LONGEST: Final = 4000
"""Characters kept of a text: a form's message, but no novel."""


def learn(lead: Lead, event: Event, at: int) -> bool:
    """Take the attributes of an event; whether any was new. Blank values say nothing."""
    trust = TRUST[event.source_kind or "server"]
    changed = False
    for name in ATTRIBUTES:
        value = plain(getattr(event, name))
        if value is not None:
            version = Version(at, event.event_id, trust, value)
            before = lead.attributes.get(name, [])
            after = unite(before, [version])
            if after != before:
                lead.attributes[name] = after
                changed = True
    return changed


def unite(versions: list[Version], more: list[Version]) -> list[Version]:
    """All versions that hold at some instant, the newest few, in order of (instant, event id)."""
    kept: list[Version] = []
    best = -1
    for version in sorted({(v.at, v.id, v.trust): v for v in (*versions, *more)}.values(), key=_order):
        if version.trust >= best:
            kept.append(version)
            best = version.trust
    return kept[-VERSIONS:]


def value_at(lead: Lead, name: str, at: int, upto: str) -> str | int | float | bool | None:
    """What an attribute was at an instant: the most trusted source's newest word."""
    for version in reversed(lead.attributes.get(name, ())):
        if version.at < at or (version.at == at and version.id <= upto):
            return version.value
    return None


def _order(version: Version) -> tuple[int, str, int]:
    return version.at, version.id, version.trust


def plain(value: object) -> str | int | float | bool | None:
    """A scalar worth keeping: texts without blanks around, nothing empty; lists are joined, objects left out."""
    if isinstance(value, str):
        return value.strip()[:LONGEST] or None
    if isinstance(value, list):
        return ", ".join(str(item) for item in value if isinstance(item, str | int | float))[:LONGEST] or None
    return value if isinstance(value, bool | int | float) else None
