"""The account: the company that colleagues have in common, known by its registrable domain."""

import re
from functools import cache
from hashlib import blake2b
from typing import Any, Final

from publicsuffixlist import PublicSuffixList

KEY_BYTES: Final = 16

_HOST: Final = re.compile(r"(?:\w+://)?(?:[^/@]*@)?([^/:?#]+)")
_NAMES: Final = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]")


def registrable(domain: str) -> str | None:
    """The part of a host name, or of an address with one, that somebody registered, in lower case and ASCII:
    `acme.co.jp` of `https://www.Acme.co.jp/`. None if there is none.

    Of a host of many companies it is the part that is one company's: `acme.github.io`. An ending that nobody
    registers, such as `.internal`, counts as one.
    """
    host = _ascii(domain)
    if host is None:
        return None
    found: str | None = _suffixes().privatesuffix(host)
    return found


def account_key(domain: str | None) -> str | None:
    """The key of the account with this domain, the same in every pipeline; None without a domain.

    It takes no secret: a company's domain is no personal data, and a CRM can compute the key too.
    """
    known = registrable(domain) if domain else None
    return None if known is None else f"c-{blake2b(known.encode(), digest_size=KEY_BYTES).hexdigest()}"


@cache
def _suffixes() -> Any:
    """The Public Suffix List as the library ships it: nothing is fetched."""
    return PublicSuffixList()


def _ascii(domain: str) -> str | None:
    """The host in the form that name servers use, where `日本.jp` is `xn--wgv71a.jp`."""
    match = _HOST.match(domain.strip())
    try:
        host = match[1].rstrip(".").encode("idna").decode().lower() if match else ""
    except UnicodeError:
        return None
    return host if _NAMES.fullmatch(host) else None
