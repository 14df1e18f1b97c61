"""At least once: re-apply, in the recorded order, what was recorded as applied after the last meta record."""

from collections.abc import Iterable

from streams import order
from streams.changes import Partition
from streams.lane.restore import LogReader
from streams.lane.suspicion import Suspicion
from streams.order import Run


def joined(runs: Iterable[Run]) -> list[Run]:
    """Neighbours of the same topic that touch become one."""
    found: list[Run] = []
    for run in runs:
        if found and found[-1].topic == run.topic and found[-1].following == run.first:
            found[-1] = Run(run.topic, found[-1].first, run.following)
        else:
            found.append(run)
    return found


async def recorded(log: LogReader, topic: str, number: int, position: int) -> list[Run]:
    """The runs in a topic of order records from `position` on. Raises UnknownOrderFormat, KafkaError."""
    runs: list[Run] = []
    async for records in log.read(topic, number, position):
        for record in records:
            if record.value is not None:
                runs.extend(order.decode(record.value))
    return joined(runs)


async def redo(log: LogReader, partition: Partition, position: int, suspicion: Suspicion) -> int:
    """Bring the partition to where its order records say it was; the number of records applied again.

    Raises Suspected, KafkaError.
    """
    repeated = 0
    for run in await recorded(log, partition.own.order, partition.number, position):
        first = max(run.first, partition.offsets.get(run.topic, 0))
        if first >= run.following:
            continue
        async for records in log.read(run.topic, partition.number, first, run.following):
            if records:
                suspicion.apply(partition, run.topic, records, again=True)
            repeated += len(records)
    return repeated
