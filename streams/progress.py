"""A partition's own records in the changelog: how far each topic was applied, and under which terms."""

from typing import Final

import msgspec

from streams.changes import Refused

KEY: Final = b"meta"
MODEL: Final = b"model"
"""Beside it: the model that was published and is in force here (streams/model_document.py)."""
FIRST: Final = b"first-model"
"""And the model that the partition began with, which a replay begins with too."""
OWN: Final = frozenset({KEY, MODEL, FIRST})
"""Keys of the changelog that are no leads."""
FORMAT: Final = 1
CORE: Final = 1
"""Version of what the core computes: raised when the same log would give another table."""


class Progress(msgspec.Struct, array_like=True):
    """The truth about progress; group offsets are for lag tools only."""

    offsets: dict[str, int]
    partitions: int
    delivery: str
    core: int
    model: str
    secret: str
    pipeline: str
    swept: int = 0


_encoder: Final = msgspec.msgpack.Encoder()
_decoder: Final = msgspec.msgpack.Decoder(Progress)


def encode(progress: Progress) -> bytes:
    return bytes([FORMAT]) + _encoder.encode(progress)


def decode(value: bytes) -> Progress | Refused:
    """The record, or why this version cannot go on from it."""
    if value[:1] != bytes([FORMAT]):
        return Refused(
            f"progress is of format {value[0]}, this version reads {FORMAT}: upgrade (runbook: formats)"
        )
    return _decoder.decode(memoryview(value)[1:])


def compare(found: Progress, own: Progress, number: int) -> Refused | None:
    """Why a partition cannot be taken over under these settings, None if it can."""
    where = f"partition {number}"
    if found.partitions != own.partitions:
        return Refused(
            f"{where}: the topics had {found.partitions} partitions and have {own.partitions}: leads would change "
            "places; create new topics and rebuild (runbook: partition count)"
        )
    if found.delivery != own.delivery:
        return Refused(
            f"{where}: written {found.delivery}, LEADSTREAMS_DELIVERY says {own.delivery} (runbook: delivery mode)"
        )
    if found.secret != own.secret:
        return Refused(f"{where}: written with another identity secret: set the one it was made with")
    if found.pipeline != own.pipeline:
        return Refused(
            f"{where}: belongs to pipeline {found.pipeline!r}, LEADSTREAMS_PIPELINE says {own.pipeline!r}"
        )
    if found.core > own.core:
        return Refused(f"{where}: written by a later version of the program: upgrade this worker")
    return None
