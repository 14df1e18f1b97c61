"""The Faust transport `leadstreams://host:port`: an agent gets one message per poll and topic-partition, a Batch.

Faust's own consumer makes four tasks per message. This one makes none, commits nothing (the lane commits progress
together with what it caused) and delivers only what the lane is ready for. What it keeps of Faust's: subscription,
rebalance callbacks, generation checks, flow control, suspend and resume, graceful stop.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Final, cast

import aiokafka
import faust.transport.drivers
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError
from aiokafka.structs import OffsetAndMetadata
from faust.transport.drivers import aiokafka as faust_aiokafka
from faust.types import TP, ConsumerMessage
from mode.threads import QueueServiceThread

from streams.lane.fetch import LostPosition, Reader
from streams.lane.record import Batch

if TYPE_CHECKING:
    from streams.lane.lane import Lane

SCHEME: Final = "leadstreams"
POLL_S: Final = 1.0
FETCH_WAIT_MS: Final = 100
"""A topic-partition whose data was just taken joins the next fetch: the one on its way must not last."""
FETCH_BYTES: Final = 16 << 20
PARTITION_FETCH_BYTES: Final = 1 << 20
MAX_POLL_INTERVAL_S: Final = 300.0
ASK_TIMEOUT_S: Final = 5.0
LOOK_TIMEOUT_S: Final = 2.0
GOODBYE_S: Final = 2.0
START_AGAIN_S: Final = 1.0

APPLIED_TURNS: Final = 4
"""Turns of the event loop until an agent has applied what it got. One batch after the other: a commit waits for
the broker eight times, and each answer would wait until every agent had applied all it has."""


class ConsumerThread(faust_aiokafka.AIOKafkaConsumerThread):  # type: ignore[misc]
    """aiokafka's consumer in a thread of its own: heartbeats go on while the agents compute."""

    consumer: "Consumer"
    reader: Reader

    def _create_worker_consumer(self, transport: Any) -> aiokafka.AIOKafkaConsumer:
        lane = self.consumer.lane
        settings = lane.settings
        return aiokafka.AIOKafkaConsumer(
            **lane.client_options,
            client_id=f"{settings.pipeline}-worker",
            group_id=settings.pipeline,
            group_instance_id=settings.instance,
            partition_assignment_strategy=[lane.assignor],
            enable_auto_commit=False,
            auto_offset_reset="none",  # the lane seeks; a lost position must never be skipped in silence
            isolation_level="read_committed",
            fetch_max_wait_ms=FETCH_WAIT_MS,
            fetch_max_bytes=FETCH_BYTES,
            max_partition_fetch_bytes=PARTITION_FETCH_BYTES,
            max_poll_interval_ms=int(MAX_POLL_INTERVAL_S * 1000),
            session_timeout_ms=int(settings.session_timeout_s * 1000),
            heartbeat_interval_ms=int(settings.session_timeout_s * 1000 / 5),
            rebalance_timeout_ms=int(settings.session_timeout_s * 2000),
            request_timeout_ms=int(max(settings.session_timeout_s, 10.0) * 1000) + 1000,
            metadata_max_age_ms=30_000,
        )

    async def on_start(self) -> None:
        """A broker that goes away just now is waited for, as everywhere."""
        while not self.should_stop:
            try:
                await super().on_start()
                break
            except KafkaConnectionError as error:
                self.consumer.lane.troubled("consumer", error)
                await self._consumer.stop()
                await self.sleep(START_AGAIN_S)
        self.reader = Reader(self._ensure_consumer())

    async def on_thread_stop(self) -> None:
        """Leave the group; does not wait long for a broker that is gone."""
        await QueueServiceThread.on_thread_stop(self)
        if self._consumer is not None:
            leaving = asyncio.ensure_future(self._consumer.stop())
            await asyncio.wait([leaving], timeout=GOODBYE_S)
            leaving.cancel()
            await asyncio.gather(leaving, return_exceptions=True)

    async def read(self, wanted: Mapping[TP, int], timeout_s: float, room: Callable[[], int]) -> list[Batch]:
        """What `Reader.read` gives, in the main thread."""
        return cast(list[Batch], await self.call_thread(self._read, wanted, timeout_s, room))

    async def _read(self, wanted: Mapping[TP, int], timeout_s: float, room: Callable[[], int]) -> list[Batch]:
        if not self.consumer.flow_active:
            return []
        with self._ensure_consumer()._fetcher._subscriptions.fetch_context():
            return await self.reader.read(wanted, timeout_s, room)

    async def place(self, offsets: Mapping[TP, int]) -> None:
        """Seek in the consumer's own thread."""
        await self.call_thread(self._place, offsets)

    async def _place(self, offsets: Mapping[TP, int]) -> None:
        consumer = self._ensure_consumer()
        for tp, offset in offsets.items():
            consumer.seek(TopicPartition(*tp), offset)

    async def ranges(self, tps: Iterable[TP]) -> dict[TP, tuple[int, int]]:
        """The first and the end (last stable) offset of each log. Raises KafkaError or TimeoutError."""
        return cast(dict[TP, tuple[int, int]], await self.call_thread(self._ranges, list(tps)))

    async def _ranges(self, tps: list[TP]) -> dict[TP, tuple[int, int]]:
        consumer = self._ensure_consumer()
        async with asyncio.timeout(ASK_TIMEOUT_S):
            wanted = [TopicPartition(*tp) for tp in tps]
            first = await consumer.beginning_offsets(wanted)
            ends = await consumer.end_offsets(wanted)
        return {TP(*tp): (first[tp], ends[tp]) for tp in wanted}

    async def ends(self, tps: Iterable[TP]) -> dict[TP, int]:
        """The end (last stable) offset of each log. Raises KafkaError or TimeoutError."""
        return cast(dict[TP, int], await self.call_thread(self._ends, list(tps)))

    async def _ends(self, tps: list[TP]) -> dict[TP, int]:
        async with asyncio.timeout(LOOK_TIMEOUT_S):
            found = await self._ensure_consumer().end_offsets([TopicPartition(*tp) for tp in tps])
        return {TP(*tp): end for tp, end in found.items()}

    async def group_offsets(self, tps: Iterable[TP]) -> dict[TP, int]:
        """What the group committed last, where it ever did. Raises KafkaError or TimeoutError."""
        return cast(dict[TP, int], await self.call_thread(self._group_offsets, list(tps)))

    async def _group_offsets(self, tps: list[TP]) -> dict[TP, int]:
        coordinator = self._ensure_consumer()._coordinator
        async with asyncio.timeout(ASK_TIMEOUT_S):
            found = await coordinator.fetch_committed_offsets([TopicPartition(*tp) for tp in tps])
        return {TP(*tp): committed.offset for tp, committed in found.items()}

    async def commit_group(self, offsets: Mapping[TP, int]) -> None:
        """Commit outside of any transaction, for lag tools. Raises KafkaError or TimeoutError."""
        await self.call_thread(self._commit_group, offsets)

    async def _commit_group(self, offsets: Mapping[TP, int]) -> None:
        async with asyncio.timeout(ASK_TIMEOUT_S):
            await self._ensure_consumer().commit(
                {TopicPartition(*tp): OffsetAndMetadata(offset, "") for tp, offset in offsets.items()}
            )


class Consumer(faust_aiokafka.Consumer):  # type: ignore[misc]
    """Delivers batches while the lane is ready for them."""

    _thread: ConsumerThread

    @property
    def lane(self) -> "Lane":
        return cast("Lane", self.app.lane)

    @property
    def thread(self) -> ConsumerThread:
        return self._thread

    def _new_consumer_thread(self) -> ConsumerThread:
        return ConsumerThread(self, loop=self.loop, thread_loop=self.lane.new_loop(), beacon=self.beacon)

    async def _drain_messages(self, fetcher: Any) -> None:
        lane = self.lane
        while not (self.should_stop or fetcher.should_stop):
            if not self.flow_active:
                await self.wait(self.can_resume_flow)
                continue
            try:
                batches = await self._thread.read(lane.wanted, POLL_S, lane.room)
            except LostPosition as error:
                lane.lost_position(error)
                continue
            except self.consumer_stopped_errors:
                if self.app.should_stop:
                    return
                raise
            for batch in batches:
                await self._deliver(batch)
                for _ in range(APPLIED_TURNS):
                    await asyncio.sleep(0)

    async def _deliver(self, batch: Batch) -> None:
        if not self.flow_active or not self.lane.received(batch):
            return  # of a tenure that is over: its successor reads it again
        tp = TP(batch.topic, batch.partition)
        generation = self.app.consumer_generation_id
        last = batch.records[-1]
        message = ConsumerMessage(
            batch.topic,
            batch.partition,
            last.offset,
            last.timestamp / 1000,
            0,
            None,
            None,
            batch,
            None,
            serialized_key_size=0,
            serialized_value_size=batch.size,
            tp=tp,
            generation_id=generation,
        )
        self._read_offset[tp] = batch.next_offset
        await self.callback(message)

    async def commit(self, topics: Any = None, start_new_transaction: bool = True) -> bool:
        """Nothing: progress is committed by the lane, in the transaction of what it caused."""
        return True

    force_commit = commit

    async def perform_seek(self) -> None:
        """Nothing: the lane seeks each partition when it has restored it."""

    async def verify_all_partitions_active(self) -> None:
        """Nothing: a paused partition is no fault, and the lane reports those that are."""


class Transport(faust_aiokafka.Transport):  # type: ignore[misc]
    """Registered for the scheme `leadstreams` by an entry point, and here for programs that import the lane."""

    Consumer: ClassVar[type[Any]] = Consumer


faust.transport.drivers.TRANSPORTS.aliases[SCHEME] = "streams.lane.driver:Transport"
