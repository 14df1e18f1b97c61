"""A partition that counts: the smallest thing with state, effects, progress and order, faithful to the protocol.

Each key has a counter; at every `THRESHOLD`th record an effect is owed. Values in the table note the newest offset
per topic that they include, so that at least once a record is not counted twice.
"""

import itertools
from collections.abc import Sequence

import msgspec

from streams import order, progress, topics
from streams.changes import Changes, Effect, Halted, Own, Record, Refused
from streams.lane.record import UNDECODABLE

META = progress.KEY
THRESHOLD = 20


class Meta(msgspec.Struct):
    offsets: dict[str, int]
    partitions: int


class Counter(msgspec.Struct, array_like=True):
    """`owed` are the effects that are not known to be durable: at least once, a restart sends them again."""

    n: int
    seen: dict[str, int]
    owed: list[int] = []


class CountingPartition:
    """See the module."""

    def __init__(self, number: int, partitions: int, outbox: bool = False) -> None:
        """With an `outbox` (at least once) what is owed stays in the table and is sent again after a restart."""
        self.number = number
        self.own = Own()
        self._outbox = outbox
        self.counts: dict[tuple[str, ...], int] = {}
        self.waiting: list[tuple[int, int]] = []
        self.table: dict[bytes, Counter] = {}
        self.dead = 0
        self._partitions = partitions
        self._offsets: dict[str, int] = {}
        self._refused: Refused | None = None
        self._dirty: set[bytes] = set()
        self._effects: list[Effect] = []
        self._runs: list[order.Run] = []
        self._events = 0
        self._taken: set[bytes] = set()

    def restore(self, key: bytes, value: bytes | None) -> None:
        if key == META:
            assert value is not None
            meta = msgspec.msgpack.decode(value, type=Meta)
            self._offsets = meta.offsets
            if meta.partitions != self._partitions:
                self._refused = Refused(f"{meta.partitions} partitions before, {self._partitions} now")
        elif value is None:
            self.table.pop(key, None)
        else:
            self.table[key] = msgspec.msgpack.decode(value, type=Counter)

    def restored(self) -> Refused | None:
        for key, counter in self.table.items():
            for n in counter.owed:
                self._owe(key, n, 0)
        self.waiting.clear()
        return self._refused

    @property
    def offsets(self) -> dict[str, int]:
        return self._offsets

    def apply(self, topic: str, records: Sequence[Record], again: bool = False) -> Halted | None:
        if not again and any(record.value == b"halt" for record in records):
            return Halted(topic, records[0].offset, "told to")
        table, dirty = self.table, self._dirty
        for record in records:
            key = record.key
            if key is None or record.value is None:
                self._refuse(record)
                continue
            if record.value == b"bug":
                raise ZeroDivisionError("a bug")
            counter = table.get(key)
            if counter is None:
                counter = table[key] = Counter(0, {}, [])
            dirty.add(key)
            if record.offset <= counter.seen.get(topic, -1):
                continue
            counter.n += 1
            counter.seen[topic] = record.offset
            if counter.n % THRESHOLD == 0:
                if self._outbox:
                    counter.owed.append(counter.n)
                self._owe(key, counter.n, record.timestamp)
        name = ("event", topic, "applied")
        self.counts[name] = self.counts.get(name, 0) + len(records)
        self._events += len(records)
        self._advance(topic, records)
        return None

    def _advance(self, topic: str, records: Sequence[Record]) -> None:
        self._note(topic, self._offsets.get(topic, records[0].offset), records[-1].offset + 1)
        self._offsets[topic] = records[-1].offset + 1

    def refuse(self, topic: str, record: Record, detail: str) -> None:
        headers = (("reason", b"scoring_error"), ("detail", detail.encode()))
        self._effects.append(Effect(topics.DEAD_LETTERS, self.number, record.key, record.value, headers))
        self._events += 1
        self._advance(topic, [record])

    def _owe(self, key: bytes, n: int, arrival: int) -> None:
        value = b"%s:%d" % (key, n)
        self._effects.append(Effect(topics.SALES_HANDOFFS, n % self._partitions, key, value))
        self.waiting.append((arrival, arrival))

    def _refuse(self, record: Record) -> None:
        reason = next((value for name, value in record.headers if name == UNDECODABLE), b"")
        headers = (("reason", b"undecodable_batch" if reason else b"no_key"), ("detail", reason))
        self._effects.append(Effect(topics.DEAD_LETTERS, self.number, record.key, record.value, headers))

    def _note(self, topic: str, first: int, following: int) -> None:
        if self._runs and self._runs[-1].topic == topic:
            first = self._runs.pop().first
        self._runs.append(order.Run(topic, first, following))

    def issue_ticks(self, horizon: int) -> None:
        return None

    @property
    def next_due(self) -> int | None:
        return None

    @property
    def pending(self) -> int:
        return self._events + len(self._effects)

    @property
    def urgent(self) -> bool:
        return any(effect.topic == topics.SALES_HANDOFFS for effect in self._effects)

    def take(self) -> Changes:
        encode = msgspec.msgpack.encode
        table: list[tuple[bytes, bytes | None]] = [(key, encode(self.table[key])) for key in self._dirty]
        meta = (META, encode(Meta(self._offsets, self._partitions)))
        runs = order.encode(self._runs) if self._runs else None
        changes = Changes(table, meta, runs, self._effects, dict(self._offsets), self._events)
        self._taken = {
            effect.key for effect in self._effects if effect.topic == topics.SALES_HANDOFFS and effect.key
        }
        self._dirty, self._effects, self._runs, self._events = set(), [], [], 0
        return changes

    def confirm(self) -> None:
        for key in self._taken - self._dirty if self._outbox else ():
            self.table[key].owed.clear()
            self._dirty.add(key)


def total(tables: Sequence[dict[bytes, Counter]]) -> int:
    return sum(counter.n for counter in itertools.chain.from_iterable(table.values() for table in tables))
