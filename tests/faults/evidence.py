"""What a run left in Kafka, read once when everything stands still."""

import re
from collections import Counter
from itertools import accumulate
from typing import Final, NamedTuple

from schemas.dead_letter import Headers
from streams import log, order, topics
from streams.lane.record import UNDECODABLE, Record
from streams.lane.restore import LogReader
from streams.progress import Progress
from streams.replay.partition import handoff_of
from streams.settings import Settings
from tests.faults.failpoints import BUG
from tests.faults.load import digest, is_poison
from tests.faults.site import PARTITIONS

Place = tuple[str, int, int]
"""Topic, partition, offset."""
BUG_ID: Final = re.compile(rb'"event_id":"(bug-\d+)"')


class Letter(NamedTuple):
    """A dead letter."""

    key: bytes | None
    value: bytes | None
    headers: Headers | None


class Source(NamedTuple):
    """One topic-partition that workers read: where its log begins, the digest of each record by offset, when it
    was appended (Unix ms), and how often each offset was recorded as applied. `damaged` are the ranges of offsets
    that nobody can decode."""

    first: int
    records: dict[int, bytes]
    appended: dict[int, int]
    applied: list[int]
    damaged: list[range]

    def times(self, offset: int) -> int:
        return self.applied[offset] if offset < len(self.applied) else 0


class Evidence(NamedTuple):
    """Everything. `poison` are the places of values that must be refused, with the record's key and value;
    `web_ids` and `bugs` event ids: of what came by the collector, and of events at which the core may raise."""

    sources: dict[tuple[str, int], Source]
    progress: dict[int, Progress | None]
    table: dict[int, dict[str, bytes]]
    handoffs: dict[str, Counter[bytes]]
    letters: list[Letter]
    poison: dict[Place, tuple[bytes | None, bytes | None]]
    web_ids: set[bytes]
    bugs: set[bytes]


def read(settings: Settings) -> Evidence:
    return log.run(_read(settings))


async def _read(settings: Settings) -> Evidence:
    found = Evidence({}, {}, {}, {}, [], {}, set(), set())
    async with log.opened(settings) as reader:
        for number in range(PARTITIONS):
            stored = await log.stored(reader, number)
            found.progress[number] = stored.progress
            found.table[number] = stored.everything()
            runs = await _runs(reader, number)
            for topic in topics.SOURCES:
                found.sources[topic, number] = await _source(reader, topic, number, runs, found)
            await _handoffs(reader, number, found)
            async for batch in reader.read(topics.DEAD_LETTERS, number):
                found.letters.extend([Letter(r.key, r.value, Headers.decode(r.headers)) for r in batch])
    return found


async def _runs(reader: LogReader, number: int) -> list[order.Run]:
    runs: list[order.Run] = []
    async for batch in reader.read(topics.LEAD_ORDER, number):
        for record in batch:
            runs += order.decode(record.value or b"")
    return runs


async def _source(reader: LogReader, topic: str, number: int, runs: list[order.Run], found: Evidence) -> Source:
    records: dict[int, bytes] = {}
    appended: dict[int, int] = {}
    damaged: list[range] = []
    first, _ = await reader.bounds(topic, number)
    async for batch in reader.read(topic, number):
        for record in batch:
            records[record.offset] = digest(record.key, record.value)
            appended[record.offset] = record.timestamp
            _look(record, damaged, found)
    ours = [run for run in runs if run.topic == topic]
    steps = [0] * (max((run.following for run in ours), default=0) + 1)
    for run in ours:
        steps[run.first] += 1
        steps[run.following] -= 1
    return Source(first, records, appended, list(accumulate(steps)), damaged)


def bug_ids(value: bytes | None) -> set[bytes]:
    """The ids of events at which the core may have been made to raise."""
    return set(BUG_ID.findall(value)) if value is not None and BUG in value else set()


def _look(record: Record, damaged: list[range], found: Evidence) -> None:
    place = record.topic, record.partition, record.offset
    if record.topic in topics.INPUTS:
        found.bugs.update(bug_ids(record.value))
    for name, value in record.headers:
        if name == UNDECODABLE:
            first, last = map(int, value.split(b"-"))
            damaged.append(range(first, last + 1))
            found.poison[place] = record.key, record.value
            return
    if record.topic in topics.INPUTS and is_poison(record.value) is not None:
        found.poison[place] = record.key, record.value
    if record.topic == topics.WEB_VISITS and record.value is not None and b'"collected-' in record.value:
        _, _, rest = record.value.partition(b'"collected-')
        found.web_ids.add(rest.partition(b'"')[0])


async def _handoffs(reader: LogReader, number: int, found: Evidence) -> None:
    async for batch in reader.read(topics.SALES_HANDOFFS, number):
        for record in batch:
            counts = found.handoffs.setdefault(handoff_of(record.headers), Counter())
            counts[digest(record.key, record.value)] += 1
