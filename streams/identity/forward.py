"""What comes to a partition through `lead-forwards`: events, links, merges, erasures, what time is due, models.

The record's key is the lead key it is addressed to. The value is a format byte and a tagged msgpack array. All
of them may come twice: events are deduplicated by id, everything else says the same when it is said again.
"""

from typing import Final

import msgspec

from streams.model_document import Document

FORMAT: Final = b"\x01"
MOST_HOPS: Final = 8
"""Links between identities explain far fewer; more is a circle."""


class _Message(msgspec.Struct, array_like=True, gc=False, tag_field="kind"):
    pass


class EventForward(_Message, tag="event"):
    """An event for the lead that the key names; where it came from, and when it arrived there (Unix ms)."""

    topic: str
    partition: int
    offset: int
    arrival: int
    hops: int
    raw: bytes
    via: str


class Link(_Message, tag="link"):
    """The key addressed belongs to `target`; claims for any of `same` are meant by it too."""

    target: str
    at: int
    id: str
    trusted: bool
    arrival: int
    same: tuple[str, ...] = ()


class Merge(_Message, tag="merge"):
    """All that was known under `source`, which is now an alias of the key addressed."""

    source: str
    at: int
    id: str
    arrival: int
    hops: int
    record: bytes


class Erase(_Message, tag="erase"):
    """The key addressed was an alias of an erased lead: deny events up to `at`."""

    target: str
    at: int
    arrival: int


class Relation(_Message, tag="relation"):
    """What the company with this domain is to us, and who owns its account: told to every partition."""

    domain: str
    relationship: str
    owner: str | None
    at: int
    id: str
    arrival: int


class Tick(_Message, tag="tick"):
    """The lead's timer for the instant `due` may fire."""

    due: int


class Sweep(_Message, tag="sweep"):
    """Records that nothing needs any more by `at` may go; addressed to no lead."""

    at: int


class ModelActivated(_Message, tag="model"):
    """The partition judges by this model from here on; addressed to no lead, one for each partition."""

    document: Document


MODEL_KEY: Final = b"model"
"""The key of every `ModelActivated`, by which it is known before it is decoded."""

Forward = EventForward | Link | Merge | Erase | Relation | Tick | Sweep | ModelActivated

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final[msgspec.msgpack.Decoder[Forward]] = msgspec.msgpack.Decoder(Forward)


def encode(forward: Forward) -> bytes:
    return FORMAT + _encoder.encode(forward)


def decode(value: bytes | None) -> Forward | None:
    """None for a record that this version cannot read."""
    if value is None or value[:1] != FORMAT:
        return None
    try:
        return _decoder.decode(memoryview(value)[1:])
    except msgspec.MsgspecError:
        return None
