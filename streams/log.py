"""The pipeline's topics as commands read them: in bulk, from the beginning to what is committed as of now."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import uvloop
from aiokafka.errors import KafkaError

from streams import progress, topics
from streams.admin import Refused, Unreachable, connect, partition_counts, reason
from streams.changes import Refused as OtherFormat
from streams.kafka_client import client_options
from streams.lane.restore import LogReader, Stalled
from streams.progress import Progress
from streams.scoring import lead as records
from streams.scoring.lead import FORMAT, Lead
from streams.settings import Settings

CLIENT_ID: Final = "leadstreams-reader"

TAIL_RECORDS: Final = 5_000
"""Of a partition of the changelog, to look for its newest meta record before reading all of it."""

Advance = Callable[[int], None]
"""Told how many more records were read."""

T = TypeVar("T")


class Stored(NamedTuple):
    """One partition of the score table.

    `records` is what its newest meta record vouches for, by lead key; `after` was written after that: only at
    least once, where a flush is no transaction, and None is a record that was deleted. `first` and `model` are the
    partition's own records of the model that it began with and of the one that was published since, if any.
    """

    records: dict[str, bytes]
    progress: Progress | None
    after: dict[str, bytes | None]
    first: bytes | None = None
    model: bytes | None = None

    def newest(self, key: str) -> bytes | None:
        """A lead's record as a worker would restore it."""
        return self.after[key] if key in self.after else self.records.get(key)

    def everything(self) -> dict[str, bytes]:
        """All records as a worker would restore them."""
        newest = {**self.records, **self.after}
        return {key: value for key, value in newest.items() if value is not None}


def lead(key: str, value: bytes) -> Lead:
    """A record of the score table. Raises Refused if this program cannot read it."""
    if value[:1] != bytes([FORMAT]):
        raise Refused(
            f"{key}: its record is of format {value[:1].hex()}, this program reads {FORMAT:02x}: upgrade it"
        )
    try:
        return records.decode(value)
    except (msgspec.MsgspecError, ValueError):  # bytes that are no text are a ValueError
        raise Refused(f"{key}: its record cannot be read: damaged, or written by another version") from None


def partitions(settings: Settings) -> int:
    """How many partitions the pipeline's topics have. Raises Unreachable, Refused."""
    with connect(settings) as client:
        count = partition_counts(client, [topics.LEAD_SCORES]).get(topics.LEAD_SCORES)
    if count is None:
        raise Refused(f"no topic {topics.LEAD_SCORES}: run leadstreams topics create")
    return count


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a command's reading to its end."""
    # Each attempt to connect would be a line; what matters of it is in our own message.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[LogReader]:
    """A reader of the log; what goes wrong while it is open is raised as Unreachable or Refused."""
    async with failing_in_words(settings), LogReader(client_options(settings), CLIENT_ID) as log:
        yield log


@asynccontextmanager
async def failing_in_words(settings: Settings) -> AsyncIterator[None]:
    """What goes wrong with the broker meanwhile is raised as Unreachable or Refused."""
    try:
        yield
    except Stalled as stalled:
        raise Refused(str(stalled)) from None
    except KafkaError as error:
        if type(error).__name__ == "KafkaConnectionError":
            raise Unreachable(settings) from None
        raise Refused(f"the broker refused: {reason(error)}") from None
    except OSError as error:  # a certificate file
        raise Refused(f"cannot read the TLS settings: {error.strerror or error}") from None


async def stored(
    log: LogReader, partition: int, wanted: Collection[str] | None = None, advance: Advance | None = None
) -> Stored:
    """One partition of the score table as of now; of the wanted leads only, if any are named. Raises Refused."""
    records: dict[str, bytes] = {}
    after: dict[str, bytes | None] = {}
    meta: bytes | None = None
    keys = None if wanted is None else {key.encode() for key in wanted} | progress.OWN
    async for batch in log.read(topics.LEAD_SCORES, partition):
        for record in batch:
            key = record.key
            if key == progress.KEY:
                meta = record.value
                _settle(records, after)
            elif key is not None and (keys is None or key in keys):
                after[key.decode()] = record.value
        if advance is not None:
            advance(len(batch))
    own = [records.pop(key.decode(), None) for key in (progress.FIRST, progress.MODEL)]
    for key in progress.OWN:
        after.pop(key.decode(), None)
    return Stored(records, _progress(meta), after, *own)


async def secrets(settings: Settings) -> set[str]:
    """Fingerprints of the identity secrets under which the pipeline's partitions were written. Raises Refused."""
    return {newest.secret for newest in (await newest_progress(settings)).values()}


async def newest_progress(settings: Settings) -> dict[int, Progress]:
    """The newest meta record of each partition that has one. Raises Unreachable, Refused."""
    found: dict[int, Progress] = {}
    async with opened(settings) as log:
        for number in range(partitions(settings)):
            newest = await _newest_progress(log, number)
            if newest is not None:
                found[number] = newest
    return found


async def _newest_progress(log: LogReader, partition: int) -> Progress | None:
    """The newest meta record: every flush ends with one, so that it is near the end of the log."""
    first, end = await log.bounds(topics.LEAD_SCORES, partition)
    for tail in (TAIL_RECORDS, end - first):
        meta: bytes | None = None
        async for batch in log.read(topics.LEAD_SCORES, partition, end - tail):
            meta = next((record.value for record in reversed(batch) if record.key == progress.KEY), meta)
        if meta is not None:
            return _progress(meta)
    return None


def _settle(records: dict[str, bytes], after: dict[str, bytes | None]) -> None:
    for key, value in after.items():
        if value is None:
            records.pop(key, None)
        else:
            records[key] = value
    after.clear()


def _progress(meta: bytes | None) -> Progress | None:
    if meta is None:
        return None
    found = progress.decode(meta)
    if isinstance(found, OtherFormat):
        raise Refused(found.message)
    return found
