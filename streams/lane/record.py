"""What the lane hands to an agent: the raw records of one topic-partition from one poll."""

import msgspec

UNDECODABLE = "leadstreams-undecodable"
"""Header of a record that stands for a batch nobody can decode; its value is "first-last", the offsets covered."""
ORDER = "order"
"""Header of a meta record, at least once: the offset in `lead-order` after the last record that it vouches for."""


class Record(msgspec.Struct, gc=False):
    """One record as read from Kafka (`changes.Record`); `timestamp` in Unix milliseconds.

    A plain struct, since the one that aiokafka makes costs as much as scoring the event.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes]]


class Batch(msgspec.Struct, frozen=True):
    """Records of one topic-partition, in order.

    `next_offset` is where reading goes on (past the last record, and past markers that carry none); `end` the last
    stable offset when it was fetched; `epoch` the tenure it was fetched for; `size` the bytes of its values.
    """

    topic: str
    partition: int
    records: list[Record]
    next_offset: int
    end: int
    epoch: int
    size: int
