"""Takes fetched data out of an aiokafka consumer as batches of raw records.

aiokafka's own `fetched_records` makes an expensive object per record and raises for ever at a batch that it cannot
decode. This reads the same buffers: a record is a cheap struct, an undecodable batch becomes one record that says
so, and when several topics of a partition have data, the one whose head is oldest goes first, as in Kafka Streams.
Relies on private parts of aiokafka 0.14, which pyproject.toml pins.
"""

import asyncio
import struct
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, FetchResult, PartitionRecords
from aiokafka.errors import ConsumerStoppedError, KafkaError
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.memory_records import MemoryRecords

from streams import connection
from streams.lane.record import UNDECODABLE, Batch, Record

connection.mend()

MAX_RECORDS: Final = 1_000
"""A batch stops growing here: long enough to spread the cost of a delivery, short enough (30 to 90 ms of scoring)
that the broker's answers, of which a commit needs eight, do not wait long."""

FINE_RECORDS: Final = 500
"""Batches of interleaved topics are not cut shorter than this for the sake of their order in time."""

FRAME: Final = struct.Struct(">qi")  # base offset, length of what follows
LAST_OFFSET_DELTA: Final = struct.Struct(">i")
LAST_OFFSET_DELTA_AT: Final = 23  # bytes into a batch of format 2
RESCUE_BYTES: Final = 1 << 20
RESCUE_WAIT_MS: Final = 500

_timestamp = attrgetter("timestamp")


class LostPosition(Exception):
    """Reading cannot go on at a topic-partition: the log does not hold the position, or access was refused."""

    def __init__(self, topic: str, partition: int, error: Exception) -> None:
        super().__init__(f"cannot read {topic}[{partition}]: {type(error).__name__}")
        self.topic = topic
        self.partition = partition


class Undecodable(Exception):
    """The batch at the reading position cannot be decoded."""


class Buffer:
    """Fetched data of one topic-partition, decoded batch by batch. `head` is decoded and not yet taken."""

    __slots__ = ("_batches", "_pending", "_state", "_tp", "head", "result")

    def __init__(self, tp: TopicPartition, result: FetchResult) -> None:
        self.result = result
        self.head: list[Record] = []
        self._tp = tp
        self._pending: PartitionRecords | None = result._partition_records
        self._state = result._assignment.state_value(tp)
        self._batches = _decoded(tp, self._pending)

    @property
    def valid(self) -> bool:
        """False after a seek or a reassignment: what was fetched is no longer what is wanted."""
        return (
            self.result._assignment.active
            and self._pending is not None
            and self._state.position == self._pending.next_fetch_offset
        )

    @property
    def end(self) -> int:
        """The last stable offset, as of the last fetch."""
        lso = self._state.lso
        return int(self._state.highwater or 0) if lso is None or lso < 0 else int(lso)

    @property
    def position(self) -> int:
        return int(self._state.position)

    def peek(self) -> bool:
        """Decode until there is a head; False at the end of the data. Raises Undecodable."""
        while not self.head:
            head = next(self._batches, None)
            if head is None:
                self._settle()
                return False
            self.head = head
        return True

    def take(self, limit: int, before: int | None) -> list[Record]:
        """About `limit` records from the head on; none later than `before` (Unix ms), if that leaves enough."""
        taken = self.head
        while len(taken) < limit:
            try:
                more = next(self._batches, None)
            except Undecodable:
                break  # met again, and dealt with, when it is the head
            if more is None:
                break
            taken = taken + more
        cut = len(taken)
        if before is not None and cut > FINE_RECORDS and taken[-1].timestamp > before:
            cut = max(FINE_RECORDS, bisect_right(taken, before, key=_timestamp))
        self.head = taken[cut:]
        self._settle()
        return taken[:cut]

    def _settle(self) -> None:
        """Tell aiokafka how far the data was taken."""
        assert self._pending is not None
        if self.head:
            self._pending.next_fetch_offset = self.head[0].offset
        else:
            self._pending.next_fetch_offset = self._pending.decoded_to
        self._state.consumed_to(self._pending.next_fetch_offset)


def _decoded(tp: TopicPartition, source: PartitionRecords) -> Iterator[list[Record]]:
    """The committed records of each batch. Keeps `source.decoded_to`: the offset after the last batch decoded."""
    topic, partition = tp
    source.decoded_to = position = source.next_fetch_offset
    committed_only = source._isolation_level == READ_COMMITTED
    records: MemoryRecords = source._records
    while True:
        try:
            if not records.has_next():
                return
            batch = records.next_batch()
            if source._check_crcs and not batch.validate_crc():
                raise Undecodable(f"wrong checksum at {topic}[{partition}]@{position}")
            following = batch.next_offset
            if batch.is_control_batch or batch.producer_id is not None:
                wanted = _wanted(source, batch, committed_only)
            else:
                wanted = True
            found = [
                Record(topic, partition, record.offset, record.timestamp, record.key, record.value, record.headers)
                for record in (batch if wanted else ())
                if record.offset >= position
            ]
        except Undecodable:
            raise
        except Exception as error:  # codecs raise errors of their own kinds
            raise Undecodable(f"{type(error).__name__} at {topic}[{partition}]@{position}") from error
        source.decoded_to = position = following
        if found:
            yield found


def _wanted(source: PartitionRecords, batch: Any, committed_only: bool) -> bool:
    """Whether the batch is data, and not of an aborted transaction."""
    if committed_only and batch.producer_id is not None:
        source._consume_aborted_up_to(batch.base_offset)
        if batch.is_control_batch and source._contains_abort_marker(batch):
            source._aborted_producers.discard(batch.producer_id)
        if batch.is_transactional and batch.producer_id in source._aborted_producers:
            return False
    return not batch.is_control_batch


class Reader:
    """Reads a consumer's buffers. All methods run on the consumer's event loop, except `wake`."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer
        self._loop = asyncio.get_running_loop()
        self._buffers: dict[TopicPartition, Buffer] = {}
        self._waiter: asyncio.Future[None] | None = None

    def wake(self) -> None:
        """Make a waiting `read` look again, from any thread."""
        if self._waiter is not None:
            self._loop.call_soon_threadsafe(self._notify)

    def _notify(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(
        self, wanted: Mapping[TopicPartition, int], timeout_s: float, room: Callable[[], int]
    ) -> list[Batch]:
        """Batches of the wanted topic-partitions (to their epochs), as soon as there are any, until `timeout_s`.

        At most one per partition number and about `room()` bytes in total. `wanted` may change meanwhile, in any
        thread. Raises LostPosition.
        """
        fetcher = self._consumer._fetcher
        deadline = time.monotonic() + timeout_s
        while True:
            if self._consumer._closed or fetcher._closed:
                raise ConsumerStoppedError
            if fetcher._subscriptions.reassignment_in_progress:
                return []
            self._waiter = fetcher._create_fetch_waiter()
            batches = await self._collect(wanted, room())
            left = deadline - time.monotonic()
            if batches or left <= 0:
                self._notify()
                self._waiter = None
                return batches
            await asyncio.wait([self._waiter], timeout=left)
            waiter, self._waiter = self._waiter, None
            if not waiter.done():
                waiter.cancel()
            else:
                waiter.result()  # errors of the group's coordination arrive here

    async def _collect(self, wanted: Mapping[TopicPartition, int], room: int) -> list[Batch]:
        heads: dict[int, list[tuple[int, int, Buffer, TopicPartition]]] = {}
        passed: list[Batch] = []
        for tp in list(self._consumer._fetcher._records):
            # One look that gives both: a tenure that ends now must not have its data taken for the next one's.
            epoch = wanted.get(tp)
            if epoch is None:
                self._forget_if_lost(tp)
                continue
            try:
                buffer = self._buffer(tp)
                if buffer is not None and buffer.peek():
                    heads.setdefault(tp.partition, []).append((buffer.head[0].timestamp, epoch, buffer, tp))
                elif buffer is not None:
                    passed.append(_batch(tp, [], buffer.position, buffer.end, epoch))  # nothing but markers
                    self._discard(tp)
            except Undecodable:
                record = await self._rescue(tp)
                if record is not None and wanted.get(tp) == epoch:
                    return [_batch(tp, [record], record.offset + 1, record.offset + 1, epoch)]
        return passed + self._oldest_first(heads, room)

    def _oldest_first(
        self, heads: dict[int, list[tuple[int, int, Buffer, TopicPartition]]], room: int
    ) -> list[Batch]:
        batches = []
        for choice in heads.values():
            if room <= 0:
                break
            choice.sort(key=lambda head: head[0])
            _, epoch, buffer, tp = choice[0]
            if not buffer.valid:
                self._discard(tp)
                continue
            records = buffer.take(MAX_RECORDS, choice[1][0] if len(choice) > 1 else None)
            if not buffer.head and not _more(buffer):
                self._discard(tp)
            batches.append(_batch(tp, records, buffer.position, buffer.end, epoch))
            room -= batches[-1].size
        return batches

    def _buffer(self, tp: TopicPartition) -> Buffer | None:
        """The buffer of what was fetched last; None if that is void. Raises LostPosition."""
        fetcher = self._consumer._fetcher
        result = fetcher._records[tp]
        if type(result) is not FetchResult:
            self._discard(tp)
            raise LostPosition(tp.topic, tp.partition, result._error)
        buffer = self._buffers.get(tp)
        if buffer is None or buffer.result is not result:
            buffer = self._buffers[tp] = Buffer(tp, result)
        if not buffer.valid:
            self._discard(tp)
            return None
        return buffer

    def _discard(self, tp: TopicPartition) -> None:
        """Done with what was fetched: aiokafka fetches on from the position."""
        fetcher = self._consumer._fetcher
        self._buffers.pop(tp, None)
        fetcher._records.pop(tp, None)
        fetcher._notify(fetcher._wait_consume_future)

    def _forget_if_lost(self, tp: TopicPartition) -> None:
        if not self._consumer._fetcher._subscriptions.is_assigned(tp):
            self._consumer._fetcher._records.pop(tp, None)
            self._buffers.pop(tp, None)

    async def _rescue(self, tp: TopicPartition) -> Record | None:
        """Step over the batch at the position; a record that stands for it, or None if damaged once."""
        buffer = self._buffers.get(tp)
        assert buffer is not None
        state, position = buffer._state, buffer._pending.decoded_to if buffer._pending else buffer.position
        frame = await self._raw_batch(tp, position)
        if not buffer.valid:
            return None
        self._discard(tp)
        state.consumed_to(position)
        if frame and _decodes(frame):
            return None
        last = max(position, _last_offset(frame)) if frame else position
        state.consumed_to(last + 1)
        note = (UNDECODABLE, f"{position}-{last}".encode())
        return Record(tp.topic, tp.partition, last, int(time.time() * 1000), None, frame, [note])

    async def _raw_batch(self, tp: TopicPartition, position: int) -> bytes:
        """The bytes of the batch that holds `position`; empty if they cannot be had."""
        client, fetcher = self._consumer._client, self._consumer._fetcher
        wish = [(tp.topic, [(tp.partition, position, RESCUE_BYTES)])]
        request = FetchRequest(RESCUE_WAIT_MS, 1, RESCUE_BYTES, fetcher._isolation_level, wish, rack_id="")
        try:
            response = await client.send(client.cluster.leader_for_partition(tp), request)
        except KafkaError:
            return b""
        _, partitions = response.topics[0]
        data = bytes(partitions[0][-1] or b"")
        at = 0
        while at + FRAME.size <= len(data):
            _, length = FRAME.unpack_from(data, at)
            frame = data[at : at + FRAME.size + max(length, 0)]
            if _last_offset(frame) >= position or length <= 0:
                return frame
            at += len(frame)
        return b""


def _more(buffer: Buffer) -> bool:
    try:
        return buffer.peek()
    except Undecodable:
        return True


def _batch(tp: TopicPartition, records: list[Record], position: int, end: int, epoch: int) -> Batch:
    size = sum([len(record.value) for record in records if record.value])
    return Batch(tp.topic, tp.partition, records, position, end, epoch, size)


def _last_offset(frame: bytes) -> int:
    """The last offset that a batch says it holds; -1 if it is too short to say."""
    if len(frame) < LAST_OFFSET_DELTA_AT + LAST_OFFSET_DELTA.size:
        return -1
    base, _ = FRAME.unpack_from(frame)
    (delta,) = LAST_OFFSET_DELTA.unpack_from(frame, LAST_OFFSET_DELTA_AT)
    return int(base) + max(int(delta), 0)


def _decodes(frame: bytes) -> bool:
    try:
        records = MemoryRecords(frame)
        if not records.has_next():
            return False
        batch = records.next_batch()
        return bool(batch.validate_crc()) and len(list(batch)) >= 0
    except Exception:
        return False
