"""One record of `lead-order`: the order in which a partition's records were applied."""

from typing import Final, NamedTuple

import msgspec

FORMAT: Final = b"\x01"


class Run(NamedTuple):
    """Records of one topic applied without another topic's between them: offsets `first` to `following` - 1."""

    topic: str
    first: int
    following: int


class UnknownOrderFormat(Exception):
    """The order record was written by a later version."""


def encode(runs: list[Run]) -> bytes:
    return FORMAT + msgspec.msgpack.encode(runs)


def decode(value: bytes) -> list[Run]:
    """Raises UnknownOrderFormat; a damaged record raises msgspec.DecodeError."""
    if value[:1] != FORMAT:
        raise UnknownOrderFormat(f"order record of format {value[:1].hex()}")
    return msgspec.msgpack.decode(value[1:], type=list[Run])
