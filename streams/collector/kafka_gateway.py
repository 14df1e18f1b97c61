"""The gateway to Kafka: one producer, `acks=all`, records of many requests in one batch per partition.

Records are collected into rounds. While a round is on its way the next one fills, so that latency stays that of
a round trip or two and batches grow with the load by themselves. Requests wait for their round. A second round on
the way would gain nothing, since the client has one request at a time under way to a broker, and cost a second
request for the same records.
"""

import asyncio
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from streams import connection, topics
from streams.collector.budget import Budget
from streams.collector.gateway import Outgoing, Unavailable
from streams.collector.metrics import EdgeMetrics

connection.mend()

log = logging.getLogger(__name__)

NEEDED = (*topics.INPUTS, topics.DEAD_LETTERS)

DEADLINE_S = 10.0
"""The longest that a request waits for its acknowledgement before it is told to come again."""
REQUEST_TIMEOUT_MS = 5_000
"""A broker that is silent for so long is away."""
PROBE_S, PROBE_AWAY_S, PROBE_TIMEOUT_S = 5.0, 0.5, 3.0
"""Seconds between looks at a broker that is there, at one that is away, and the longest look."""

MAX_BATCH_BYTES = 256 * 1024
RECORD_OVERHEAD = 200  # bytes a record costs beyond its value: key, headers, Python objects

AWAY = Unavailable("Kafka is not reachable", 1)
LATE = Unavailable("Kafka did not confirm in time", 1)
FULL = Unavailable("too much is waiting for Kafka", 1)
STOPPING = Unavailable("the collector is stopping", 1)


class _Round:
    """Records of several requests that are acknowledged together, or not at all."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.records: dict[tuple[str, int], list[Outgoing]] = {}
        self.size = 0
        self.timer: asyncio.TimerHandle | None = None
        self._waiting: list[asyncio.Future[Unavailable | None]] = []

    def add(self, records: Sequence[Outgoing], size: int) -> asyncio.Future[Unavailable | None]:
        """The future of one request; one that is cancelled does not touch its neighbours'."""
        self.size += size
        for record in records:
            place = (record.topic, record.partition)
            found = self.records.get(place)
            if found is None:
                self.records[place] = [record]
            else:
                found.append(record)
        waiting = self._loop.create_future()
        self._waiting.append(waiting)
        return waiting

    def settle(self, outcome: Unavailable | None) -> None:
        """Tell all requests; only the first time counts."""
        if self.timer is not None:
            self.timer.cancel()
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(outcome)


class KafkaGateway:
    """Publishes through one aiokafka producer, which it keeps connected."""

    def __init__(self, options: Mapping[str, Any], budget: Budget, metrics: EdgeMetrics) -> None:
        self._options = options
        self._budget = budget
        self._metrics = metrics
        self._producer: Any = None
        self._partitions: dict[str, int] = {}
        self._unavailable: Unavailable | None = AWAY
        self._open: _Round | None = None
        self._on_the_way: asyncio.Task[None] | None = None
        self._look = asyncio.Event()
        self._keeper: asyncio.Task[None] | None = None

    @property
    def unavailable(self) -> Unavailable | None:
        """Why nothing can be published now."""
        return self._unavailable

    @property
    def partitions(self) -> Mapping[str, int]:
        """Partitions of each topic."""
        return self._partitions

    def start(self) -> None:
        """Connect in the background, and again whenever the connection is lost."""
        self._keeper = asyncio.get_running_loop().create_task(self._keep_connected())

    async def stop(self, within: float) -> None:
        """Wait up to `within` seconds for what is on its way, then close."""
        self._unavailable = STOPPING
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        deadline = monotonic() + within
        while self._on_the_way is not None and (left := deadline - monotonic()) > 0:
            await asyncio.wait([self._on_the_way], timeout=left)
        await self._close_producer(max(deadline - monotonic(), 0.1))
        if self._on_the_way is not None:
            self._on_the_way.cancel()

    async def publish(self, records: Sequence[Outgoing]) -> Unavailable | None:
        """None only after every record was acknowledged by all in-sync replicas."""
        if self._unavailable is not None:
            return self._unavailable
        size = sum([len(record.value) for record in records]) + RECORD_OVERHEAD * len(records)
        if not self._budget.reserve(size):
            return FULL
        return await (self._open or self._begin()).add(records, size)

    def _begin(self) -> _Round:
        loop = asyncio.get_running_loop()
        self._open = current = _Round(loop)
        current.timer = loop.call_later(DEADLINE_S, self._expire, current)
        loop.call_soon(self._launch)  # after the other requests of this turn of the loop have joined
        return current

    def _expire(self, late: _Round) -> None:
        self._lost("no acknowledgement within the deadline")
        if late is self._open:  # never sent, and now its senders will send it again
            self._open = None
            self._budget.release(late.size)
        late.settle(LATE)

    def _launch(self) -> None:
        if self._open is None or self._on_the_way is not None:
            return
        launched, self._open = self._open, None
        self._on_the_way = asyncio.get_running_loop().create_task(self._carry(launched))
        self._on_the_way.add_done_callback(self._landed)

    def _landed(self, _: asyncio.Task[None]) -> None:
        self._on_the_way = None
        self._launch()

    async def _carry(self, launched: _Round) -> None:
        began = monotonic()
        try:
            await self._send(launched.records)
            self._metrics.produce.observe(monotonic() - began)
            launched.settle(None)
        except (KafkaError, OSError, TimeoutError) as error:
            self._lost(type(error).__name__)
            launched.settle(AWAY)
        finally:
            launched.settle(AWAY)
            self._budget.release(launched.size)

    async def _send(self, records: Mapping[tuple[str, int], Sequence[Outgoing]]) -> None:
        """Returns when all are acknowledged; raises what went wrong first, after all have ended."""
        sending = [self._send_to(topic, partition, batch) for (topic, partition), batch in records.items()]
        if len(sending) == 1:
            return await sending[0]
        for outcome in await asyncio.gather(*sending, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome
        return None

    async def _send_to(self, topic: str, partition: int, records: Sequence[Outgoing]) -> None:
        for builder in self._batches(records):
            await (await self._producer.send_batch(builder, topic, partition=partition))

    def _batches(self, records: Sequence[Outgoing]) -> Iterator[Any]:
        builder = self._producer.create_batch()
        for record in records:
            fields = {"key": record.key, "value": record.value, "timestamp": None, "headers": list(record.headers)}
            if builder.append(**fields) is None:  # full
                yield builder
                builder = self._producer.create_batch()
                builder.append(**fields)
        yield builder

    def _lost(self, why: str) -> None:
        if self._unavailable is None:
            self._set(AWAY, why)
            self._look.set()

    def _set(self, unavailable: Unavailable | None, why: str) -> None:
        """The one place that says whether Kafka is there, in the log and in the metric."""
        if unavailable != self._unavailable:
            if unavailable is None:
                log.info("Kafka is reachable")
            else:
                log.warning("answering 503: %s (%s)", unavailable.message, why)
        self._unavailable = unavailable
        self._metrics.kafka_up.set(unavailable is None)

    async def _keep_connected(self) -> None:
        self._metrics.kafka_up.set(0)
        while True:
            try:
                async with asyncio.timeout(PROBE_TIMEOUT_S):
                    await self._probe()
            except (KafkaError, OSError, TimeoutError) as error:
                self._set(AWAY, type(error).__name__)
            self._look.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(PROBE_AWAY_S if self._unavailable else PROBE_S):
                    await self._look.wait()

    async def _probe(self) -> None:
        if self._producer is None:
            await self._connect()
        cluster = await self._producer.client.fetch_all_metadata()
        counts = {topic: len(cluster.partitions_for_topic(topic) or ()) for topic in NEEDED}
        wrong = _wrong(counts)
        self._partitions = counts
        self._set(wrong, "topics")

    async def _connect(self) -> None:
        producer = AIOKafkaProducer(
            **self._options,
            acks="all",
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_batch_size=MAX_BATCH_BYTES,
            retry_backoff_ms=20,
        )
        try:
            await producer.start()
        except BaseException:
            with suppress(KafkaError, OSError):
                await producer.stop()
            raise
        self._producer = producer

    async def _close_producer(self, within: float) -> None:
        if self._producer is None:
            return
        try:
            async with asyncio.timeout(within):
                await self._producer.stop()
        except (KafkaError, OSError, TimeoutError):
            await self._producer.client.close()


def _wrong(counts: Mapping[str, int]) -> Unavailable | None:
    """What is not as it should be with the topics: an event on the wrong partition would be a detour for ever."""
    missing = [topic for topic, count in counts.items() if count == 0]
    if missing:
        return Unavailable(f"topics are missing ({', '.join(missing)}): run `leadstreams topics create`", 5)
    inputs = {topic: count for topic, count in counts.items() if topic != topics.DEAD_LETTERS}
    if len(set(inputs.values())) > 1:
        return Unavailable(
            "the input topics differ in their number of partitions: run `leadstreams topics check`", 5
        )
    return None
