"""Who is meant: a lead's key and record, and all keys under which something may be held about that person."""

from typing import NamedTuple

from streams import inquiry, log
from streams.identity.keys import Secret, lead_keys
from streams.inquiry import KEY
from streams.scoring.instant import NEVER
from streams.scoring.lead import Lead
from streams.settings import Settings


class Person(NamedTuple):
    """`keys` begins with the one that the record lives under. `addresses` are in the form that is compared."""

    keys: tuple[str, ...]
    lead: Lead
    addresses: tuple[str, ...]

    @property
    def key(self) -> str:
        """The lead key."""
        return self.keys[0]

    @property
    def gone(self) -> bool:
        """Whether the person is erased and has not come back."""
        return self.lead.erased != NEVER and not (self.lead.emails or self.lead.attributes or self.lead.evidence)


def find(settings: Settings, text: str, secret: Secret) -> Person | None:
    """The person whom a key or an identity names. Raises Unreachable, Refused."""
    asked = inquiry.keys_of(text, secret)
    found = log.run(inquiry.find(settings, log.partitions(settings), asked, secret.fingerprint()))
    if found is None:
        return None
    told = [text] if "@" in text and not KEY.fullmatch(text) else []
    addresses = dict.fromkeys([*told, *found.lead.emails])
    of_addresses = [key for address in addresses for key in lead_keys(address, None, None, secret)]
    keys = dict.fromkeys([found.key, found.asked, *found.lead.aliases, *of_addresses])
    return Person(tuple(keys), found.lead, tuple(address.lower() for address in addresses))


def identity(person: Person, text: str, secret: Secret) -> dict[str, str] | None:
    """How an event names this person; None where only a key is known, which does not tell who it is."""
    if not KEY.fullmatch(text):
        for name, keys in _kinds(text, secret).items():
            if set(keys) & set(person.keys):
                return {name: text}
    own = (address for address in person.addresses if person.key in lead_keys(address, None, None, secret))
    return next(({"email": address} for address in own), None)


def _kinds(text: str, secret: Secret) -> dict[str, list[str]]:
    return {
        "email": lead_keys(text, None, None, secret),
        "user_id": lead_keys(None, text, None, secret),
        "anonymous_id": lead_keys(None, None, text, secret),
    }
