"""Takes a snapshot of the score table as it stands in Kafka; workers may run meanwhile."""

import time
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka import AIOKafkaConsumer, TopicPartition

from streams import log, order, progress, topics
from streams.kafka_client import client_options
from streams.lane.restore import LogReader
from streams.log import Advance
from streams.progress import Progress
from streams.replay.difference import settled
from streams.settings import Settings
from streams.snapshot.file import Begin, Draft, Head, Standing

WRITTEN: Final = (topics.LEAD_TRANSITIONS, topics.SALES_HANDOFFS, topics.SALES_HANDOFFS_SHADOW)
"""What a partition writes to its own number of, and in which `replay --diff` finds what the core did not give."""
ORDER_TAIL: Final = 1_000
"""Records of `lead-order` among which the first one after the snapshot is: each flush writes one, and only that of
the last few can be without a meta record that is visible."""


class Taken(NamedTuple):
    """What was written."""

    partitions: int
    records: int
    bytes: int


def take(settings: Settings, place: Path, advance: Advance) -> Taken:
    """Write a snapshot. Raises Unreachable, Refused, OSError."""
    count = log.partitions(settings)
    head = Head(settings.pipeline, count, int(time.time() * 1000))
    with Draft(place, head) as draft:
        for number in range(count):
            standing = log.run(_standing(settings, number, advance))
            if standing is not None:
                draft.add(number, standing)
    return Taken(count, draft.records, place.stat().st_size)


async def _standing(settings: Settings, number: int, advance: Advance) -> Standing | None:
    async with log.opened(settings) as reader:
        stored = await log.stored(reader, number, advance=advance)
        if stored.progress is None:
            return None
        position = await first_after(reader, number, stored.progress)
        written = await _ends(settings, reader, number)
    own = {progress.FIRST.decode(): stored.first, progress.MODEL.decode(): stored.model}
    begin = Begin(
        progress.encode(stored.progress), position, written, {key: value for key, value in own.items() if value}
    )
    return Standing(begin, {key: settled(value) for key, value in stored.records.items()})


async def first_after(reader: LogReader, number: int, at: Progress) -> int:
    """A position in `lead-order` before which everything was applied at a meta record that was just read."""
    first, end = await reader.bounds(topics.LEAD_ORDER, number)
    async for records in reader.read(topics.LEAD_ORDER, number, max(first, end - ORDER_TAIL)):
        for record in records:
            runs = order.decode(record.value or b"")
            if any(run.following > at.offsets.get(run.topic, 0) for run in runs):
                return record.offset
        end = max(end, records[-1].offset + 1 if records else end)
    return end


async def _ends(settings: Settings, reader: LogReader, number: int) -> dict[str, int]:
    """Where the topics end, transactions that are open included."""
    tps = {topic: TopicPartition(topic, number) for topic in WRITTEN}
    async with log.failing_in_words(settings):
        consumer = AIOKafkaConsumer(**client_options(settings), isolation_level="read_uncommitted")
        await consumer.start()
        try:
            ends = await consumer.end_offsets(list(tps.values()))
        finally:
            await consumer.stop()
    return {topic: await _behind_last(reader, topic, number, ends[tp]) for topic, tp in tps.items()}


async def _behind_last(reader: LogReader, topic: str, number: int, end: int) -> int:
    """The embedded broker's ends fall short of the last batch's."""
    async for records in reader.read(topic, number, end - 1):
        end = max(end, records[-1].offset + 1 if records else end)
    return end
