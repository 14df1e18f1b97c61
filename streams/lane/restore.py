"""Reads topic-partitions from an offset to their end, apart from the group: to redo, and to restore the table."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams import metrics, progress
from streams.changes import Partition
from streams.lane.fetch import Reader
from streams.lane.record import ORDER, UNDECODABLE, Record

FETCH_BYTES: Final = 4 << 20
POLL_S: Final = 0.5
ROOM: Final = 32 << 20
STALL_POLLS: Final = 40
"""Polls without data before a broker is held to be gone: 20 seconds."""


class Stalled(Exception):
    """The log does not deliver what it said it holds."""


class Undecodable(Exception):
    """The changelog cannot be read; one line."""


class LogReader:
    """A private consumer that reads committed records. Use as an async context manager."""

    def __init__(self, client_options: Mapping[str, Any], client_id: str) -> None:
        self._consumer = AIOKafkaConsumer(
            **client_options,
            client_id=client_id,
            isolation_level="read_committed",
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=FETCH_BYTES,
            fetch_max_wait_ms=100,
        )

    async def __aenter__(self) -> "LogReader":
        try:
            await self._consumer.start()
        except BaseException:
            await self._stop()
            raise
        self._reader = Reader(self._consumer)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def _stop(self) -> None:
        try:
            await self._consumer.stop()
        except asyncio.CancelledError:
            # It cancels tasks of its own, and one of them may be what is heard here: no reason to end.
            task = asyncio.current_task()
            if task is None or task.cancelling():
                raise

    async def bounds(self, topic: str, partition: int) -> tuple[int, int]:
        """The first offset that the log still holds, and the last stable one as of now. Raises KafkaError."""
        tp = TopicPartition(topic, partition)
        start = (await self._consumer.beginning_offsets([tp]))[tp]
        return start, (await self._consumer.end_offsets([tp]))[tp]

    async def read(
        self, topic: str, partition: int, first: int = 0, following: int | None = None
    ) -> AsyncIterator[list[Record]]:
        """From `first` (or the log's beginning) to before `following` (or the last stable offset as of now).

        Raises KafkaError, Stalled.
        """
        tp = TopicPartition(topic, partition)
        self._consumer.assign([tp])
        start, end = await self.bounds(topic, partition)
        end = end if following is None else min(end, following)
        # An explicit seek: the default reset races with `assign`.
        position = max(start, first)
        self._consumer.seek(tp, position)
        idle = 0
        # The embedded broker's end is the first offset of the last batch + 1: that batch counts as a whole.
        while position < end:
            batches = await self._reader.read({tp: 0}, POLL_S, lambda: ROOM)
            for batch in batches:
                position = batch.next_offset
                yield _before(batch.records, following)
            idle = 0 if batches else idle + 1
            if idle > STALL_POLLS:
                raise Stalled(f"{topic}[{partition}] delivers nothing at {position} of {end}")


def _before(records: list[Record], bound: int | None) -> list[Record]:
    if bound is None or not records or records[-1].offset < bound:
        return records
    return [record for record in records if record.offset < bound]


async def restore(log: LogReader, partition: Partition, exactly_once: bool) -> int:
    """Give the partition its changelog; the position in `lead-order` that the last meta record notes, 0 without.

    At least once, what no meta record follows is left out: a crash cut that flush short. It is applied again, in
    the recorded order and to the table of that time, since orders of application do not commute: an event that
    was passed on to another lead must not be counted here because its device was found to be shared afterwards.
    Raises KafkaError, Stalled, Undecodable.
    """
    position = 0
    unvouched: list[Record] = []
    async for records in log.read(partition.own.table, partition.number):
        metrics.RESTORED_RECORDS.inc(len(records))  # as it goes: its rate is the progress
        for record in records:
            if record.headers:
                position = _noted(record, position)
            if exactly_once:
                _give(record, partition)
                continue
            unvouched.append(record)
            if record.key == progress.KEY:
                for vouched in unvouched:
                    _give(vouched, partition)
                unvouched.clear()
    return position


def _give(record: Record, partition: Partition) -> None:
    if record.key is not None:
        partition.restore(record.key, record.value)


def _noted(record: Record, position: int) -> int:
    for name, value in record.headers:
        if name == UNDECODABLE:
            raise Undecodable(f"the changelog cannot be decoded at {value.decode()}; see the runbook: rebuild")
        if name == ORDER:
            return int(value)
    return position
