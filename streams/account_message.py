"""What an account is told on `account-activities`: who is active there, and what goes to sales about its people.

The record's key is the account's. The value is a format byte and a tagged msgpack array. All of them may come
twice: said again they change nothing, and what is for sales has the same bytes.
"""

from typing import Final

import msgspec

FORMAT: Final = b"\x01"


class _Message(msgspec.Struct, array_like=True, gc=False, tag_field="kind"):
    pass


class Active(_Message, tag="active"):
    """This person of the company did something on this UTC day (days since 1970)."""

    person: int
    day: int


class Gone(_Message, tag="gone"):
    """This person works somewhere else now."""

    person: int


class Moved(_Message, tag="moved"):
    """The lead `before` turned out to be the lead `after`."""

    before: str
    after: str


class Erased(_Message, tag="erased"):
    """Whatever is kept of this lead has to go."""

    lead: str


class Stands(_Message, tag="stands"):
    """Where a handoff stands with sales, from an instant on (Unix ms), and who owns the lead now."""

    handoff: str
    stage: str
    at: int
    owner: str | None


class Told(_Message, tag="told"):
    """A transition that is a handoff or an update of one: sales shall have it."""

    transition: bytes


Message = Active | Gone | Moved | Erased | Stands | Told

_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final[msgspec.msgpack.Decoder[Message]] = msgspec.msgpack.Decoder(Message)


def encode(message: Message) -> bytes:
    return FORMAT + _encoder.encode(message)


def decode(value: bytes | None) -> Message | None:
    """None for a record that this version cannot read."""
    if value is None or value[:1] != FORMAT:
        return None
    try:
        return _decoder.decode(memoryview(value)[1:])
    except msgspec.MsgspecError:
        return None
