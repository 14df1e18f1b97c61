"""What a mail address tells about its owner: a person or a mailbox, at a company or at home."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, NamedTuple

from schemas.part import Scalar
from streams.fit.wording import said, says_nothing
from streams.follow_up.account import registrable

Kind = Literal["company", "personal", "disposable", "academic"]
LONGEST: Final = 320
"""Characters of an address (RFC 3696); a longer one is none."""
REMEMBERED: Final = 4096


@dataclass(frozen=True, slots=True)
class MailLists:
    """Domains by kind, and the mailboxes that several people read."""

    personal: frozenset[str]
    disposable: frozenset[str]
    academic: frozenset[str]
    role: frozenset[str]


class Mail(NamedTuple):
    """What an address says. `company` is its company's domain, None if the address tells of none."""

    kind: Kind
    role: bool
    company: str | None


def read_mail(address: str | None, lists: MailLists) -> Mail | None:
    """The reading of an address; None if it is none."""
    local, at, host = _plain(address or "").rpartition("@")
    company = registered(host) if at and local else None
    if company is None:
        return None
    kind = _kind(host, lists)
    of_company = company if kind in ("company", "academic") else None
    return Mail(kind, local.partition("+")[0] in lists.role, of_company)


def company_domain(values: Mapping[str, Scalar], mail: Mail | None, lists: MailLists) -> str | None:
    """The registered domain of a lead's company: as given, else as its mail address tells."""
    given = values.get("company_domain")
    host = registered(_plain(given)) if isinstance(given, str) else None
    if host is not None and _kind(host, lists) not in ("personal", "disposable"):
        return host
    return mail.company if mail else None


def company_known(values: Mapping[str, Scalar], mail: Mail | None, lists: MailLists) -> bool:
    """Whether it is known where the lead works: by name, by domain, or by an address that is not a private one."""
    return not says_nothing(said(values.get("company"))) or company_domain(values, mail, lists) is not None


registered = lru_cache(REMEMBERED)(registrable)


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold().strip() if len(text) <= LONGEST else ""


def _kind(host: str, lists: MailLists) -> Kind:
    labels = host.split(".")
    parents = [".".join(labels[n:]) for n in range(len(labels))]
    if not lists.disposable.isdisjoint(parents):
        return "disposable"
    if not lists.personal.isdisjoint(parents):
        return "personal"
    return "company" if lists.academic.isdisjoint(parents) else "academic"
