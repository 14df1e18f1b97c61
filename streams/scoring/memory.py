"""Which events a lead has had: their ids, remembered for a day, eight bytes each.

An id is remembered as a digest of 64 bits, by the spell of its arrival. A thousand ids of one lead collide with a
probability of three in a hundred thousand billion, and nobody's events stand in the way of another's. The digests
of a spell lie in one string of bytes, which costs nothing to write and next to nothing to search.
"""

from collections.abc import Iterator
from typing import Final

from xxhash import xxh3_64_digest

from streams.scoring.instant import HOUR

SPELL: Final = 6 * HOUR
"""Arrivals are kept to this grain, so that forgetting is rare work."""
SPELLS: Final = 4
"""An id is remembered for a day from its arrival: the senders' retries end after twelve hours."""
MOST: Final = 256
"""Ids of one lead and spell; no person does so much, and what was counted is known by its own id besides."""
WIDTH: Final = 8

Seen = dict[int, bytes]
"""Digests of event ids by spell of arrival (Unix ms // SPELL)."""


def digest(event_id: str) -> bytes:
    """What is remembered of an event id."""
    return xxh3_64_digest(event_id.encode())


def has(seen: Seen, mark: bytes) -> bool:
    """Whether an event of this digest came within the last day."""
    for ids in seen.values():  # noqa: SIM110  the hottest loop there is
        if mark in ids and _at(ids, mark):
            return True
    return False


def _at(ids: bytes, mark: bytes) -> bool:
    place = ids.find(mark)
    while place >= 0 and place % WIDTH:  # the end of one and the beginning of its neighbour
        place = ids.find(mark, place + 1)
    return place >= 0


def note(seen: Seen, mark: bytes, arrival: int) -> None:
    """Remember a digest that arrived at `arrival`; forget those that arrived more than a day before the newest."""
    spell = arrival // SPELL
    ids = seen.get(spell)
    if ids is None:
        newest = max(seen, default=spell)
        if spell < newest - SPELLS:
            return
        for old in [other for other in seen if other < spell - SPELLS]:
            del seen[old]
        seen[spell] = mark
    else:
        seen[spell] = (ids + mark)[-MOST * WIDTH :]


def unite(seen: Seen, other: Seen) -> Seen:
    """What either remembers, in a fixed order."""
    newest = max((*seen, *other), default=0)
    united: Seen = {}
    for spell in sorted({*seen, *other}):
        if spell >= newest - SPELLS:
            marks = dict.fromkeys((*_marks(seen.get(spell, b"")), *_marks(other.get(spell, b""))))
            united[spell] = b"".join(marks)[-MOST * WIDTH :]
    return united


def digests(seen: Seen) -> list[bytes]:
    """Every digest that is remembered."""
    return [mark for ids in seen.values() for mark in _marks(ids)]


def _marks(ids: bytes) -> Iterator[bytes]:
    return (ids[place : place + WIDTH] for place in range(0, len(ids), WIDTH))
