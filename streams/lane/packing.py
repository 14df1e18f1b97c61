"""Packs records into Kafka batches: no future and no task per record."""

from collections.abc import Iterable
from typing import Final

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.default_records import DefaultRecordBatch

from streams import topics
from streams.changes import Changes, Effect

BATCH_BYTES: Final = 512 << 10
"""Uncompressed size of a batch: below the brokers' default limit of 1 MiB whatever compression does."""

SNAPPY: Final = DefaultRecordBatch.CODEC_SNAPPY
PLAIN: Final = 0
COMPRESSION: Final = {topics.LEAD_SCORES: SNAPPY, topics.LEAD_SCORES_SHADOW: SNAPPY}
"""Only the changelog is large enough to gain; the rest is read by clients that may lack the codec."""

Item = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""Key, value, headers."""
Target = tuple[str, int]
Packed = dict[Target, list[BatchBuilder]]


class Oversize(Exception):
    """A record does not fit into a batch of its own: a bug, since inputs and state are bounded."""


class Packer:
    """Makes batches for a transactional producer or for one without transactions."""

    def __init__(self, transactional: bool) -> None:
        self._transactional = int(transactional)

    def pack(self, topic: str, items: Iterable[Item]) -> list[BatchBuilder]:
        """As few batches as hold the items, in order; a record larger than a batch has one of its own."""
        codec = COMPRESSION.get(topic, PLAIN)
        batches: list[BatchBuilder] = []
        append = None
        for key, value, headers in items:
            if append is None or append(timestamp=None, key=key, value=value, headers=headers) is None:
                batches.append(BatchBuilder(BATCH_BYTES, codec, is_transactional=self._transactional))
                append = batches[-1].append
                if append(timestamp=None, key=key, value=value, headers=headers) is None:
                    raise Oversize(f"a record of {len(value or b'')} bytes does not fit into a batch of {topic}")
        if batches:
            batches[-1].close()
        return batches

    def effects(self, effects: Iterable[Effect]) -> Packed:
        """Batches for each topic-partition, in order."""
        found: dict[Target, list[Item]] = {}
        for topic, partition, key, value, headers, _ in effects:
            found.setdefault((topic, partition), []).append((key, value, list(headers)))
        return {target: self.pack(target[0], items) for target, items in found.items()}

    def table(self, number: int, changes: Changes) -> Packed:
        items: list[Item] = [(key, value, []) for key, value in changes.table]
        return {(changes.own.table, number): self.pack(changes.own.table, items)}

    def meta(self, number: int, changes: Changes, *headers: tuple[str, bytes]) -> Packed:
        items = [(*changes.meta, list(headers))]
        return {(changes.own.table, number): self.pack(changes.own.table, items)}

    def order(self, number: int, changes: Changes) -> Packed:
        items: list[Item] = [] if changes.order is None else [(None, changes.order, [])]
        return {(changes.own.order, number): self.pack(changes.own.order, items)}

    def transaction(self, number: int, changes: Changes) -> Packed:
        """All of a flush. The meta record is the last of its partition: it vouches for what is before it."""
        items: list[Item] = [(key, value, []) for key, value in changes.table]
        items.append((*changes.meta, []))
        table = {(changes.own.table, number): self.pack(changes.own.table, items)}
        return {**self.effects(changes.effects), **table, **self.order(number, changes)}


def size(packed: Packed) -> int:
    """Bytes before compression."""
    return sum(batch.size() for batches in packed.values() for batch in batches)
