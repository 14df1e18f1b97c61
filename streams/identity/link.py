"""Who a key belongs to: claims on a key, judged by the key's own record in the order of its partition's log.

A device's anonymous id that two people claim is shared and belongs to nobody: its later events stay its own. A
user id is one person's: what a trusted source says of it holds, and two addresses so claimed are one person. A
browser's word is taken for a user id only while no other source has ever seen it (anyone can post in a victim's
name). Pointers go to the smaller key only, so they cannot form a circle.
"""

from streams.identity.forward import Link
from streams.identity.keys import Kind, rank
from streams.scoring.lead import Claim, Lead

MOST_CLAIMS = 16


def target(key: str, lead: Lead) -> str | None:
    """The lead that this key is an alias of, None if it is a lead of its own."""
    claims = lead.claims
    if not claims:
        return None
    if key[0] != Kind.ANONYMOUS:
        trusted = [name for name, claim in claims.items() if claim.trusted]
        if trusted:
            return min(trusted, key=rank)
    return next(iter(claims)) if len(claims) == 1 else None


def claim(key: str, lead: Lead, link: Link) -> bool:
    """Note a claim on this key; False if it is refused."""
    if rank(link.target) >= rank(key):
        return False
    known = {name: lead.claims[name] for name in (*link.same, link.target) if name in lead.claims}
    if not known and not _may(key, lead, link):
        return False
    first = min([(link.at, link.id), *((c.at, c.id) for c in known.values())])
    trusted = link.trusted or any(c.trusted for c in known.values())
    claims = {name: c for name, c in lead.claims.items() if name not in known}
    if len(claims) < MOST_CLAIMS:
        claims[link.target] = Claim(*first, trusted)
    lead.claims = dict(sorted(claims.items()))
    return True


def _may(key: str, lead: Lead, link: Link) -> bool:
    if link.trusted or key[0] == Kind.ANONYMOUS:
        return True
    return key[0] == Kind.USER and "server" not in lead.known and not lead.claims


def same_person(key: str, lead: Lead) -> list[tuple[str, str]]:
    """Pairs (larger, smaller) of leads that trusted claims on this user id make one person."""
    if key[0] == Kind.ANONYMOUS:
        return []
    trusted = sorted((name for name, c in lead.claims.items() if c.trusted), key=rank)
    return [(larger, trusted[0]) for larger in trusted[1:]]


def is_alias(key: str, lead: Lead, person: str) -> bool:
    """Whether what is known under this key goes with a person who is erased.

    A user id that did not believe the claim is somebody else's; a device that nobody claims is taken at the
    person's word.
    """
    return person in lead.claims or (key[0] == Kind.ANONYMOUS and not lead.claims)
