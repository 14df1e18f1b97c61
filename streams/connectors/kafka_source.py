"""The consumer of `sales-handoffs` and the producer of dead letters, on aiokafka."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from schemas.dead_letter import Headers, Reason
from streams import connection, topics
from streams.connectors.source import Record, Release
from streams.kafka_client import client_options
from streams.settings import Settings

connection.mend()

log = logging.getLogger(__name__)

FETCH_MS: Final = 1_000
PAUSE_S: Final = 1.0
"""After an error of the broker."""
UNLIMITED_MS: Final = 7 * 86_400_000
"""A receiver that is away for days is no reason to leave the group."""
REBALANCE_MS: Final = 30_000
SEND_S: Final = 10.0
CONNECTOR: Final = "connector"
"""The header of a dead letter that names who refused."""


def group(settings: Settings, name: str) -> str:
    """The consumer group of a connector: its progress belongs to this name."""
    return f"{settings.pipeline}-connect-{name}"


class KafkaSource(ConsumerRebalanceListener):  # type: ignore[misc]  # untyped
    """Members of one group share the partitions; progress is committed by hand."""

    def __init__(
        self, settings: Settings, name: str, topic: str = topics.SALES_HANDOFFS, start: str = "earliest"
    ) -> None:
        self._topic = topic
        self._release: Release | None = None
        self._options = {
            **client_options(settings),
            "group_id": group(settings, name),
            "client_id": f"leadstreams-connect-{name}",
            "enable_auto_commit": False,
            "auto_offset_reset": start,
            # Handoffs of a transaction that failed have never been.
            "isolation_level": "read_committed",
            "session_timeout_ms": int(settings.session_timeout_s * 1000),
            "heartbeat_interval_ms": int(settings.session_timeout_s * 1000 / 4),
            "max_poll_interval_ms": UNLIMITED_MS,
            "rebalance_timeout_ms": REBALANCE_MS,
            # A named member is back on its partitions at once after a crash.
            "group_instance_id": f"{group(settings, name)}-{settings.instance}" if settings.instance else None,
        }
        self._consumer: Any = None

    @property
    def assigned(self) -> bool:
        """Whether this member has partitions."""
        return self._consumer is not None and bool(self._consumer.assignment())

    async def start(self, release: Release) -> None:
        """Join the group. Raises KafkaError, OSError while the broker is away."""
        self._release = release
        consumer = AIOKafkaConsumer(**self._options)
        consumer.subscribe([self._topic], listener=self)
        try:
            await consumer.start()
        except BaseException:
            await consumer.stop()
            raise
        self._consumer = consumer

    async def stop(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Called before another member may get them."""
        if self._release is not None:
            await self._release({place.partition for place in revoked})

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """Nothing to restore: reading goes on at the committed offsets."""

    async def fetch(self, most: int) -> Sequence[Record]:
        try:
            found = await self._consumer.getmany(timeout_ms=FETCH_MS, max_records=most)
        except KafkaError as error:
            log.warning("cannot read %s: %s", self._topic, type(error).__name__)
            await asyncio.sleep(PAUSE_S)
            return []
        records = (record for batch in found.values() for record in batch)
        return [Record(r.partition, r.offset, r.timestamp, r.key, r.value, r.headers) for r in records]

    async def commit(self, positions: Mapping[int, int]) -> bool:
        mine = self._consumer.assignment()
        offsets = {p: at for n, at in positions.items() if (p := TopicPartition(self._topic, n)) in mine}
        try:
            if offsets:
                await self._consumer.commit(offsets)
        except KafkaError as error:
            log.warning("progress is not committed (%s): what was delivered may be repeated", type(error).__name__)
            return False
        return len(offsets) == len(positions)

    def lag(self, positions: Mapping[int, int]) -> int:
        ends = {n: self._consumer.highwater(TopicPartition(self._topic, n)) for n in positions}
        return sum(max((ends[n] or 0) - at, 0) for n, at in positions.items())


class KafkaDeadLetters:
    """A producer that starts when the first event is refused."""

    def __init__(self, settings: Settings, name: str, topic: str = topics.SALES_HANDOFFS) -> None:
        self._settings = settings
        self._name = name
        self._topic = topic
        self._producer: Any = None

    async def put(self, record: Record, reason: str, detail: str) -> bool:
        """Whether all in-sync replicas have it. The same record gives the same dead letter."""
        said = Headers(Reason(reason), detail, self._topic, record.partition, record.offset, record.timestamp)
        headers = [*said.encode(), (CONNECTOR, self._name.encode())]
        try:
            async with asyncio.timeout(SEND_S):
                producer = await self._started()
                await producer.send_and_wait(topics.DEAD_LETTERS, record.value, key=record.key, headers=headers)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("cannot write a dead letter: %s", type(error).__name__)
            return False
        return True

    async def stop(self) -> None:
        if self._producer is not None:
            with suppress(KafkaError, OSError, TimeoutError):
                async with asyncio.timeout(SEND_S):
                    await self._producer.stop()

    async def _started(self) -> Any:
        if self._producer is None:
            producer = AIOKafkaProducer(
                **client_options(self._settings),
                acks="all",
                enable_idempotence=self._settings.delivery == "exactly-once",
                max_request_size=topics.MAX_EVENT_BYTES + topics.DEAD_LETTER_HEADROOM,
            )
            try:
                await producer.start()
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer
        return self._producer
