"""What is known of the person and the company: which of several statements holds.

Readings:
- Precedence, highest first: `crm`; any form but a browser's or an import's; the other sources but browser and
  import (enrichment); `import`; browser. Within a rank the newest statement holds. So a browser fills what
  nobody else has told, and never overwrites what another source told.
- A changed employer: a statement whose `company_domain` differs from the known one, or, where one of the two
  is not told, whose `company` differs (NFKC, case and spaces ignored), from a source not below those that told
  the known employer; a source below them does not change what the employer is. From there on every older
  statement is forgotten but name, phone, language and time zone; the country too.
- Everything that an event told stays known when the event is retracted later.
- The newest address holds, from whatever source. `page_viewed.title` is no job title.
- `consent_processing`: the newest statement holds, whatever its source. The first referral channel is in
  rules.py.
"""

import unicodedata
from typing import Any

from tests.reference.b2b.facts import ATTRIBUTE_TYPES, Fact, Past, once
from tests.reference.b2b.lists import DISPOSABLE_MAIL, PERSONAL_MAIL, ROLES

OF_THE_PERSON = ("first_name", "last_name", "phone", "language", "timezone")
OF_THE_EMPLOYER = (
    "title", "company", "company_domain", "employees", "revenue", "industry", "country", "region", "ad_spend",
    "budget", "software", "pain_points", "persona",
)  # fmt: skip


def rank(fact: Fact) -> int:
    if fact.kind in ("browser", "import"):
        return 0 if fact.kind == "browser" else 1
    if fact.kind == "crm":
        return 4
    return 3 if fact.type == "form_submitted" else 2


@once
def statements(past: Past) -> list[Fact]:
    return [fact for fact in past.told if fact.type in ATTRIBUTE_TYPES]


def same(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).casefold().split())


def holding(facts: list[Fact], name: str) -> Fact | None:
    """The statement of a field that holds: highest rank, then newest."""
    return max((f for f in facts if f.says(name)), key=lambda f: (rank(f), f.position), default=None)


def other_employer(firm: list[Fact], fact: Fact) -> bool:
    """Whether this statement names another employer than what is known."""
    for name in ("company_domain", "company"):
        before = holding(firm, name)
        if before and fact.says(name):
            return same(before.text(name)) != same(fact.text(name))
    return False


def may_name_another(firm: list[Fact], fact: Fact) -> bool:
    """Whether its source ranks no lower than those that told the employer."""
    told = [holding(firm, name) for name in ("company_domain", "company")]
    return all(rank(fact) >= rank(before) for before in told if before)


@once
def of_this_employer(past: Past) -> list[Fact]:
    """The statements since the person came to the employer that is known now."""
    known: list[Fact] = []
    firm: list[Fact] = []
    for fact in statements(past):
        other = other_employer(firm, fact)
        if other and may_name_another(firm, fact):
            known, firm, other = [], [], False
        known.append(fact)
        if not other:
            firm.append(fact)
    return known


def attribute(past: Past, name: str) -> Any:
    """The value that holds, as it was told; None if nobody told it."""
    facts = of_this_employer(past) if name in OF_THE_EMPLOYER else statements(past)
    fact = holding(facts, name)
    return fact.event[name] if fact else None


def text(past: Past, name: str) -> str:
    value = attribute(past, name)
    return "" if value is None else str(value).strip()


def normal_address(value: Any) -> str:
    address = unicodedata.normalize("NFKC", str(value or "")).strip().lower()
    return address if address.count("@") == 1 and not any(c.isspace() for c in address) else ""


@once
def email(past: Past) -> str:
    told = [normal_address(fact.event.get("email")) for fact in past.told]
    return ([address for address in told if address] or [""])[-1]


def identified(past: Past) -> bool:
    return bool(email(past)) or any(f.says("user_id") for f in past.told) or bool(text(past, "phone"))


def mail_domain(past: Past) -> str:
    return email(past).partition("@")[2]


def domains(past: Past) -> set[str]:
    """The company's domains: as told, and that of the address."""
    return {text(past, "company_domain").lower(), mail_domain(past)} - {""}


def company_known(past: Past) -> bool:
    own_mail = mail_domain(past) and mail_domain(past) not in PERSONAL_MAIL | DISPOSABLE_MAIL
    return bool(text(past, "company") or text(past, "company_domain") or own_mail)


def private(past: Past) -> bool:
    """A personal mail domain or a role mailbox."""
    local, _, domain = email(past).partition("@")
    return domain in PERSONAL_MAIL or local in ROLES


def seen_by_a_server(past: Past) -> bool:
    """Whether the address or the phone was also told by a source that is not a browser."""
    for fact in past.told:
        told_phone = fact.type in ATTRIBUTE_TYPES and fact.says("phone")
        if fact.kind != "browser" and (normal_address(fact.event.get("email")) or told_phone):
            return True
    return False


def refuses_processing(past: Past) -> bool:
    said = [f.text("consent_processing").lower() for f in statements(past) if f.says("consent_processing")]
    return bool(said) and said[-1] in ("false", "no", "0")
