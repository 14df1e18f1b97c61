"""An account's record: what is kept of one company, and its bytes in the changelog.

What the company is to us, and who owns it, is on every partition; who is active there and what was handed over of
it only where the account's key lives.
"""

from collections.abc import Iterable
from typing import Final

import msgspec
from xxhash import xxh3_64_intdigest

from streams.scoring import lead as records
from streams.scoring.instant import DAY, NEVER
from streams.scoring.lead import Version

FORMAT: Final = 2
"""First byte of each value. Format 1 was a lead's record that held nothing but `attributes`."""
KEYS: Final = "c-"
"""How the keys of accounts begin; those of leads never do."""
STAGE: Final = 0x7E
"""In a header's stage: a company, no lead."""

ACTIVE_DAYS: Final = 30
"""Days of UTC, the present one among them, within which somebody counts as active."""
MOST_PEOPLE: Final = 300
"""Active people kept of one company, those whose last act is newest."""
MOST_HANDED: Final = 32
"""Handoffs kept of one company, the newest."""
HANDED_KEPT: Final = 400 * DAY

NOBODY: Final = ""
"""Instead of the lead key of somebody who was erased."""
ENDED: Final = frozenset({"visitor", "lead", "recycled", "disqualified", "customer"})
"""Stages in which sales no longer works on a handoff."""


class Handed(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Somebody of the company who was handed over: who, when, to whom, and where that stands `since` when.

    `mode` is how it was handed over: what went to the shadow topic is no news to sales.
    """

    handoff: str
    lead: str
    name: str | None
    title: str | None
    at: int
    owner: str | None
    stage: str
    since: int
    mode: str

    @property
    def open(self) -> bool:
        """Whether sales still works on it."""
        return self.stage not in ENDED


class Account(msgspec.Struct, array_like=True, omit_defaults=True):
    """One company. `people`: by a digest of the lead key the last UTC day on which somebody was active."""

    attributes: dict[str, list[Version]] = {}
    people: dict[int, int] = {}
    handed: tuple[Handed, ...] = ()

    def active(self, day: int, but: int) -> int:
        """How many people other than `but` were active within the days up to this one."""
        return sum(last > day - ACTIVE_DAYS for person, last in self.people.items() if person != but)

    def others(self, lead: str, mode: str) -> list[Handed]:
        """The handoffs of colleagues: those that sales works on first, then the newest."""
        found = (one for one in self.handed if one.lead not in (lead, NOBODY) and one.mode == mode)
        return sorted(found, key=lambda one: (not one.open, -one.at, one.handoff))


def person(lead_key: str) -> int:
    """Somebody as an account counts people."""
    return xxh3_64_intdigest(lead_key.encode())


def bounded(people: dict[int, int]) -> dict[int, int]:
    """The people who count, as seen from the newest act; no more than are kept."""
    newest = max(people.values(), default=0)
    kept = [(last, one) for one, last in people.items() if last > newest - ACTIVE_DAYS]
    return {one: last for last, one in sorted(kept)[-MOST_PEOPLE:]}


def forgotten(one: Handed) -> Handed:
    """What stays of the handoff of somebody who was erased: that it was given out, so that no repeat is."""
    return Handed(one.handoff, NOBODY, None, None, one.at, None, "disqualified", one.since, one.mode)


def newest(handed: Iterable[Handed]) -> tuple[Handed, ...]:
    """The newest handoffs, in order."""
    return tuple(sorted(handed, key=lambda one: (one.at, one.handoff))[-MOST_HANDED:])


def encode(account: Account) -> bytes:
    """A record's bytes: a header as a lead's has it, then the record as msgpack."""
    return records.pack(FORMAT, STAGE, NEVER, expires(account)) + _encoder.encode(account)


def expires(account: Account) -> int:
    """When nobody needs the record any more; NEVER if it says what the company is to us, or has open handoffs."""
    if account.attributes or any(one.open for one in account.handed):
        return NEVER
    acted = (max(account.people.values(), default=0) + ACTIVE_DAYS + 1) * DAY
    return max(acted, max((one.at + HANDED_KEPT for one in account.handed), default=0))


def decode(value: bytes) -> Account:
    """The record of `encode`'s bytes, or of what format 1 had."""
    if records.header(value).format == 1:
        return Account(attributes=records.decode(value).attributes)
    return _decoder.decode(memoryview(value)[records.HEADER_BYTES :])


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Account)
