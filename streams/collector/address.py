"""Where a request comes from, behind proxies that are trusted by name."""

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

Networks = Sequence[IPv4Network | IPv6Network]

_LONGEST = 64  # characters of an address that is none
_SITE_BITS = 64


def client_address(peer: str, forwarded_for: str, proxies: Networks) -> str:
    """The sender's address: the connection's, or the last one in X-Forwarded-For that is not a trusted proxy's.

    What an untrusted peer writes into the header is never looked at.
    """
    address = peer
    hops = forwarded_for.split(",") if proxies and forwarded_for else []
    while hops and _is_trusted(address, proxies):
        address = hops.pop().strip()
    return address[:_LONGEST]


def site(address: str) -> str:
    """What one sender holds of addresses: all of a site's 2^64, if they are of IPv6."""
    if ":" not in address:
        return address
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return f"{int(parsed) >> _SITE_BITS:x}" if isinstance(parsed, IPv6Address) else address


def _is_trusted(address: str, proxies: Networks) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in proxies)
