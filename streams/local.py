"""A whole pipeline in one process and in memory: the same core as the workers, without Kafka.

For files of events, for trying a model, and as the tests' laboratory. Records go through the shards exactly as
through a worker's partitions; what one shard owes another is delivered before the next event is taken.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from streams import topics
from streams.changes import Effect, Halted, Headers
from streams.identity.keys import Secret, partition_of
from streams.lane.record import Record
from streams.scoring.lead import Lead
from streams.shard import Shard, Terms

INTERNAL: Final = (topics.LEAD_FORWARDS, topics.LEAD_TRANSITIONS, topics.ACCOUNT_ACTIVITIES)


class Local:
    """Shards connected by lists instead of topics; `outputs` holds what left them, by topic."""

    def __init__(self, terms: Terms, partitions: int = 1) -> None:
        self.shards = [Shard(number, partitions, terms) for number in range(partitions)]
        self.terms = terms
        self.outputs: dict[str, list[Effect]] = {}
        self._waiting: deque[Record] = deque()
        self._offsets: dict[tuple[str, int], int] = {}

    def feed(
        self, topic: str, value: bytes | None, timestamp: int, partition: int = 0, headers: Headers = ()
    ) -> Halted | None:
        """One input record, and all that follows from it. `timestamp`: its arrival in Unix ms."""
        shard = self.shards[partition]
        halted = shard.apply(topic, [self._record(topic, partition, timestamp, b"", value, headers)])
        self._collect(shard, timestamp)
        self.settle()
        return halted

    def pass_time(self, until: int) -> None:
        """Let every timer fire that is due up to `until`, in the order of their instants."""
        while True:
            due = [d for s in self.shards if (d := s.next_due) is not None and d <= until]
            if not due:
                return
            for shard in self.shards:
                shard.issue_ticks(min(due) + 1)
                self._collect(shard, until)
            self.settle()

    def settle(self) -> None:
        """Deliver what the shards owe each other, until nothing is under way."""
        while self._waiting:
            record = self._waiting.popleft()
            shard = self.shards[record.partition]
            shard.apply(record.topic, [record])
            self._collect(shard, record.timestamp)

    def leads(self) -> Iterator[tuple[str, Lead]]:
        """Every lead's record, of every shard."""
        for shard in self.shards:
            yield from shard.table.each()

    def find(self, key: str) -> Lead | None:
        """A lead's record by its key."""
        return self.shards[partition_of(key, len(self.shards))].table.get(key)

    def _collect(self, shard: Shard, timestamp: int) -> None:
        changes = shard.take()
        shard.confirm()
        for effect in changes.effects:
            self.outputs.setdefault(effect.topic, []).append(effect)
            if effect.topic in INTERNAL:
                place = effect.topic, effect.partition
                self._waiting.append(self._record(*place, timestamp, effect.key, effect.value, effect.headers))

    def _record(
        self,
        topic: str,
        partition: int,
        timestamp: int,
        key: bytes | None,
        value: bytes | None,
        headers: Headers,
    ) -> Record:
        offset = self._offsets.get((topic, partition), 0)
        self._offsets[topic, partition] = offset + 1
        return Record(topic, partition, offset, timestamp, key, value, [*headers])


__all__ = ["Local", "Secret"]
