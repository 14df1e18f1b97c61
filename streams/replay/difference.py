"""How two records of one lead differ, in words and without personal data."""

import struct
from typing import Final, NamedTuple

import msgspec

from streams import account_record
from streams.account_record import Account
from streams.scoring import lead as records
from streams.scoring.lead import Lead, Stage
from streams.table import OWED, STAGE_BITS

WORDS: Final = {
    "clock": "instant of the newest event",
    "clock_id": "newest event",
    "seen": "events counted",
    "evidence": "contributions",
    "moves": "stage history",
    "said": "stage last told",
    "said_cycle": "cycle last told",
    "known": "since when an identity is known",
    "issued": "handoffs issued",
    "via": "identities that contributed",
    "claims": "claims of other leads",
    "arrival": "newest arrival",
    "erased": "instant of erasure",
    "models": "models",
    "people": "people active",
    "accounts": "companies told of the person",
}
PRIVATE: Final = frozenset({"emails", "attributes", "handed"})
"""Fields whose values are not shown."""
SHOWN: Final = 120
"""Characters of a value."""


class Difference(NamedTuple):
    """One disagreement. `about` is a lead key, a handoff id or a topic-partition."""

    kind: str
    about: str
    words: str


def settled(value: bytes) -> bytes:
    """A record without what only at-least-once delivery puts into it: the effects that it owes."""
    head = records.header(value)
    if not head.stage & OWED:
        return value
    lead = records.decode(value)
    lead.owed = ()
    return records.encode(lead, head.stage & STAGE_BITS, head.due, head.expires)


def compare(replayed: dict[str, bytes], live: dict[str, bytes]) -> list[Difference]:
    """The leads on which the replay and the live table disagree, by key."""
    found: list[Difference] = []
    for key in sorted(replayed.keys() | live.keys()):
        ours, theirs = replayed.get(key), live.get(key)
        if ours == theirs:
            continue
        if theirs is None:
            found.append(Difference("lead", key, "the live table has no such lead"))
        elif ours is None:
            found.append(Difference("lead", key, "only the live table has this lead"))
        else:
            words = _words(ours, theirs)
            if words is not None:
                found.append(Difference("lead", key, words))
    return found


def _words(ours: bytes, theirs: bytes) -> str | None:
    """How the live record differs, None if it does so only in what it owes."""
    try:
        theirs = settled(theirs)
        return None if theirs == ours else _first(ours, theirs)
    except (msgspec.MsgspecError, struct.error, ValueError):  # UnicodeDecodeError is a ValueError
        return "the live record is damaged: it cannot be read"


def _first(ours: bytes, theirs: bytes) -> str:
    """The first field that differs."""
    heads = records.header(ours), records.header(theirs)
    if heads[0].format != heads[1].format:
        return f"format: replay {heads[0].format}, live {heads[1].format}"
    account = heads[0].stage == account_record.STAGE
    found = [account_record.decode(one) if account else records.decode(one) for one in (ours, theirs)]
    for name in (Account if account else Lead).__struct_fields__:
        values = getattr(found[0], name), getattr(found[1], name)
        if values[0] != values[1]:
            return f"{WORDS.get(name, name.replace('_', ' '))}: {_values(name, *values)}"
    for name, our, their in zip(("format", "stage", "next timer", "expiry"), *heads, strict=True):
        if our != their:
            return f"{name} in the header: replay {our}, live {their}"
    return "the same content in other bytes"


def _values(name: str, ours: object, theirs: object) -> str:
    if name in PRIVATE:
        return "they differ (personal data, not shown)"
    if name == "moves":
        return f"replay {_moves(ours)}, live {_moves(theirs)}"
    if isinstance(ours, dict) and isinstance(theirs, dict):
        differing = sorted(k for k in ours.keys() | theirs.keys() if ours.get(k) != theirs.get(k))
        where = differing[0]
        more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
        return f"{where}: replay {_short(ours.get(where))}, live {_short(theirs.get(where))}{more}"
    return f"replay {_short(ours)}, live {_short(theirs)}"


def _moves(moves: object) -> str:
    assert isinstance(moves, list)
    return "-".join(Stage(move.stage).word for move in moves) or "none"


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    text = f"{len(value)} of them, {value!r}" if isinstance(value, list | dict) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
