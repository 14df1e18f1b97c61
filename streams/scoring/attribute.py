"""What is known about a lead: each attribute's versions, and which of them holds at an instant."""

import re
import unicodedata
from functools import lru_cache
from typing import Final

from schemas.identity import address
from streams.scoring.event import Event
from streams.scoring.lead import Lead, Position, Version

Value = str | int | float | bool

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
FIT: Final = (
    "title",
    "employees",
    "revenue",
    "industry",
    "country",
    "ad_spend",
    "budget",
    "software",
    "pain_points",
    "persona",
)
"""What a fit is judged by. They belong to an employment: with another employer they are unknown again."""
COMPANY: Final = ("company_domain", "company")
OF_EMPLOYER: Final = frozenset({*FIT, *COMPANY})
CARRIERS: Final = frozenset({"lead_identified", "company_identified", "form_submitted"})
"""Event types whose attributes are believed; on others `title` is the page's."""

FORM: Final = "form_submitted"
SERVER: Final = 3
TYPED: Final = 4
"""Trust in what a person typed into a form, and a server passed on."""
TRUST: Final = {"crm": 5, "server": SERVER, "webhook": SERVER, "mail": SERVER, "import": 2, "browser": 1}
"""CRM or sales before forms before enrichment before imports; a browser never overwrites what another one said."""

SAID: Final = 5
"""Trust in words that only sales, a CRM or a mail provider can say: among these the newest holds."""
SIGNALS: Final[dict[str, tuple[tuple[str, bool], ...]]] = {
    "email_unsubscribed": (("unsubscribed", True),),
    "email_subscribed": (("unsubscribed", False),),
    "email_complained": (("complained", True),),
}
"""Event types that say by themselves what sales may do with the lead."""
JUDGED: Final = frozenset(
    {*FIT, *COMPANY, "consent_processing", "unsubscribed", "complained", "bounced", "relationship"}
)
"""Attributes that may speak against a lead."""
HARD_BOUNCE: Final = "hard"

START: Final = (0, "")
"""Before everything."""

VERSIONS: Final = 6
"""Kept of one attribute and rank of sources."""
LONGEST: Final = 4000
"""Characters kept of a text: a form's message, but no novel."""


def of_company(name: str, domain: str) -> str:
    """The name of an attribute that was told of the company with this domain as a whole, not of one person."""
    return f"{name}@{domain}"


def learn(lead: Lead, event: Event) -> bool:
    """Take the attributes of an event; whether any was news. Blank values say nothing."""
    trust = TRUST[event.source_kind or "server"]
    if trust == SERVER and event.type == FORM:
        trust = TYPED
    changed = False
    for name in ATTRIBUTES:
        value = plain(getattr(event, name))
        if value is not None:
            news = not _repeats(lead.attributes.get(name), event.at, value)
            changed = (note(lead, name, event, trust, value) and news) or changed
    consent = event.consent_processing
    if consent is not None:
        changed = note(lead, "consent_processing", event, SAID, _yes(consent)) or changed
    return changed


def _repeats(versions: list[Version] | None, at: int, value: Value) -> bool:
    """Whether a value told at an instant only says again what all versions say."""
    return versions is not None and versions[-1].at < at and all(v.value == value for v in versions)


def heed(lead: Lead, event: Event) -> bool:
    """Take what an event says of whether and by whom the lead may be addressed; whether that was new."""
    said: list[tuple[str, str | bool]] = [] if event.is_machine else list(SIGNALS.get(event.type, ()))
    match event.type:
        case "email_bounced" if event.bounce_type == HARD_BOUNCE:
            said.append(("bounced", address(event.email or "") or True))
        case "relationship_set" if event.relationship:
            said.append(("relationship", event.relationship))
    if event.type in OWNING and event.sales_person:
        said.append(("owner", event.sales_person))
    news = [note(lead, name, event, SAID, value) for name, value in said]
    return any(news)


OWNING: Final = frozenset({"owner_changed", "relationship_set"})
HEEDED: Final = frozenset({*SIGNALS, *OWNING, "email_bounced"})
"""Event types that `heed` listens to."""


def note(lead: Lead, name: str, event: Event, trust: int, value: Value) -> bool:
    """Note one value of an attribute; whether that was new."""
    before = lead.attributes.get(name, [])
    after = unite(before, [Version(event.at, event.event_id, trust, value)])
    if after == before:
        return False
    lead.attributes[name] = after
    return True


NO: Final = frozenset({"false", "no", "0", "off", "denied", "withdrawn", "いいえ"})


def _yes(value: object) -> bool:
    """Whether somebody agreed; only a clear no is one."""
    return str(plain(value)).casefold() not in NO if value is not False else False


def unite(versions: list[Version], more: list[Version]) -> list[Version]:
    """All versions in the order of (instant, event id); of each rank of sources the newest few."""
    kept: list[Version] = []
    ranks: dict[int, int] = {}
    for version in sorted(
        {(v.at, v.id, v.trust): v for v in (*versions, *more)}.values(), key=_order, reverse=True
    ):
        ranks[version.trust] = ranks.get(version.trust, 0) + 1
        if ranks[version.trust] <= VERSIONS:
            kept.append(version)
    return kept[::-1]


def version_at(lead: Lead, name: str, at: int, upto: str, since: Position = START) -> Version | None:
    """What an attribute was at an instant, and who said so: the most trusted source's newest word `since` then."""
    best: Version | None = None
    for version in lead.attributes.get(name, ()):
        if version.at > at or (version.at == at and version.id > upto):
            break
        if (best is not None and version.trust < best.trust) or (version.at, version.id) < since:
            continue
        if lead.retracted and name in TAKEN_BACK and _retracted(lead, version.id, at, upto):
            continue
        best = version
    return best


TAKEN_BACK: Final = frozenset({"unsubscribed", "complained", "bounced"})
"""What is no longer so when the event that told it is retracted; what a person told of themselves stays known."""


def _retracted(lead: Lead, event_id: str, at: int, upto: str) -> bool:
    taken_back = lead.retracted.get(event_id)
    return taken_back is not None and taken_back <= (at, upto)


def value_at(lead: Lead, name: str, at: int, upto: str) -> Value | None:
    """What an attribute was at an instant: the most trusted source's newest word."""
    version = version_at(lead, name, at, upto)
    return None if version is None else version.value


def fit_values(lead: Lead, at: int, upto: str) -> tuple[Value | None, ...]:
    """The attributes that a fit is judged by, as they were at an instant, in the order of `FIT`."""
    attributes = lead.attributes
    since = employed_since(lead, at, upto)
    values: list[Value | None] = []
    for name in FIT:
        version = version_at(lead, name, at, upto, since) if name in attributes else None
        values.append(None if version is None else version.value)
    return tuple(values)


def employed_since(lead: Lead, at: int, upto: str) -> Position:
    """Since when the lead is known to work where it works now; START unless the employer changed.

    Another employer is another domain or, where one of the two is not told, another name; said by a source of at
    least the rank of those that told the employer before.
    """
    domains, names = lead.attributes.get(COMPANY[0], ()), lead.attributes.get(COMPANY[1], ())
    if len({v.value for v in domains}) < 2 and len({v.value for v in names}) < 2:
        return START  # nothing else was ever told
    told: dict[Position, dict[str, Version]] = {}
    for name, versions in zip(COMPANY, (domains, names), strict=True):
        for version in versions:
            if (version.at, version.id) <= (at, upto):
                told.setdefault((version.at, version.id), {})[name] = version
    since, known = START, dict[str, tuple[str, int]]()
    for position in sorted(told):
        said = {name: (employer(v.value), v.trust) for name, v in told[position].items()}
        by = next((name for name in COMPANY if name in said and name in known), None)
        if by is not None and said[by][0] != known[by][0]:
            if said[by][1] < max(trust for _, trust in known.values()):
                continue
            since, known = position, {}
        known |= {name: one for name, one in said.items() if name not in known or one[1] >= known[name][1]}
    return since


LEGAL_FORMS: Final = re.compile(
    r"株式会社|有限会社|合同会社|\(株\)|㈱|\b(?:inc|incorporated|ltd|limited|llc|corp|corporation|co|company|gmbh|ag|plc|kk|k\.k|sa|bv|oy|ab)\b"
)


@lru_cache(maxsize=16_384)
def employer(name: object) -> str:
    """A company's name or domain as it is compared: other spellings of one company are no new employer."""
    text = unicodedata.normalize("NFKC", str(name)).casefold()
    return "".join(filter(str.isalnum, LEGAL_FORMS.sub(" ", text)))


def _order(version: Version) -> tuple[int, str, int]:
    return version.at, version.id, version.trust


def plain(value: object) -> Value | None:
    """A scalar worth keeping: texts without blanks around, nothing empty; lists are joined, objects left out."""
    if isinstance(value, str):
        return value.strip()[:LONGEST] or None
    if isinstance(value, list):
        return ", ".join(str(item) for item in value if isinstance(item, str | int | float))[:LONGEST] or None
    return value if isinstance(value, bool | int | float) else None
