"""Writes the score table anew: what this version of the core makes of the log, or of a snapshot and the rest.

Each partition changes in one transaction, and its former writer is fenced off before: a table is the old one or
the new one. Where the broker has no transactions, the meta record comes last, as in every flush: a rebuild that
was cut short is to be run again before a worker is started. Forwards are taken from the log as they were sent.
What was sent stays sent: handoffs are compared, never repeated.
"""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError, ProducerFenced

from streams import log, order, pipeline, progress, topics
from streams.admin import Refused
from streams.changes import Refused as OtherTerms
from streams.kafka_client import client_options
from streams.lane.record import ORDER
from streams.lane.restore import LogReader
from streams.log import Advance, Stored
from streams.progress import Progress
from streams.replay import outputs
from streams.replay.difference import settled
from streams.replay.outputs import Expected
from streams.replay.partition import BeginningGone, CannotFollow, Replayed, replay
from streams.replay.pipeline import Failed, begin, check_standing, verify
from streams.settings import Settings
from streams.shard import Shard, Terms
from streams.snapshot.file import Snapshot, Standing, Unusable
from streams.snapshot.taking import first_after

TRANSACTION_MS: Final = 900_000
"""A partition's whole table in one transaction; the most that brokers allow as they come."""
MEMBERS: Final = 5
"""Where in a described group its members are."""
IN_FLIGHT: Final = 5_000
LEAVING_S: Final = 2.0
"""More than a session: a worker that has stopped is a member until its session is over."""

Table = dict[bytes, bytes | None]
"""Records to write by key; None deletes."""


class Part(NamedTuple):
    """What one partition's rebuild came to. `since`: as in `replay.pipeline`."""

    leads: int
    changed: int
    added: int
    removed: int
    replayed: Replayed
    since: dict[str, int]


class Result(NamedTuple):
    """What the rebuild came to. `never_sent` are handoffs that this core gives and no topic holds, `not_given`
    those that were sent and that it does not give."""

    partitions: int
    leads: int
    changed: int
    added: int
    removed: int
    never_sent: list[str]
    not_given: list[str]


def run(settings: Settings, snapshot: Path | None, write: bool, advance: Advance) -> Result:
    """Rebuild every partition; without `write` only say what would change. Raises Failed, Unreachable, Refused."""
    terms = pipeline.terms(settings)
    count = log.partitions(settings)
    if snapshot is not None:
        verify(snapshot, count)
    if write:
        _await_nobody(settings)
    parts = [_attempt(settings, terms, number, count, snapshot, write, advance) for number in range(count)]
    never_sent, not_given = _handoffs(settings, parts, advance)
    return Result(
        count,
        sum(part.leads for part in parts),
        sum(part.changed for part in parts),
        sum(part.added for part in parts),
        sum(part.removed for part in parts),
        never_sent,
        not_given,
    )


def _await_nobody(settings: Settings) -> None:
    """Raises Refused while workers are members of the group.

    Brokers without transactions cannot be asked: the embedded one forgets no member that has gone.
    """
    if settings.delivery != "exactly-once":
        return
    deadline = time.monotonic() + settings.session_timeout_s + LEAVING_S
    while members := log.run(_members(settings)):
        if time.monotonic() > deadline:
            workers = "1 worker" if members == 1 else f"{members} workers"
            raise Refused(f"{workers} of {settings.pipeline} in the group: stop all of them first")
        time.sleep(0.5)


async def _members(settings: Settings) -> int:
    """How many workers are in the group."""
    client = AIOKafkaAdminClient(**client_options(settings))
    async with log.failing_in_words(settings):
        try:
            await client.start()
            (answer,) = await client.describe_consumer_groups([settings.pipeline])
        finally:
            await client.close()
    return sum(len(group[MEMBERS]) for group in answer.groups)


def _handoffs(settings: Settings, parts: list[Part], advance: Advance) -> tuple[list[str], list[str]]:
    """The handoffs on which the topics and this core disagree."""
    wanted: dict[str, bytes] = {}
    for part in parts:
        wanted |= part.replayed.handoffs
    offsets = [part.replayed.progress.offsets for part in parts]
    read = {(topic, number): to for number, at in enumerate(offsets) for topic, to in at.items()}
    since = {(topic, number): at for number, part in enumerate(parts) for topic, at in part.since.items()}
    expected = Expected(Counter(), wanted, read, since)
    written = log.run(outputs.read(settings, len(parts), expected, advance))
    strange = written.handoffs.keys() - wanted.keys() - written.due - written.before
    return sorted(wanted.keys() - written.handoffs.keys()), sorted(strange)


# --- one partition


def _attempt(
    settings: Settings,
    terms: Terms,
    number: int,
    count: int,
    snapshot: Path | None,
    write: bool,
    advance: Advance,
) -> Part:
    try:
        return log.run(_part(settings, terms, number, count, snapshot, write, advance))
    except (BeginningGone, CannotFollow, Unusable) as failed:
        raise Failed(str(failed)) from None


async def _part(
    settings: Settings,
    terms: Terms,
    number: int,
    count: int,
    snapshot: Path | None,
    write: bool,
    advance: Advance,
) -> Part:
    standing = Snapshot(snapshot).standing(number) if snapshot is not None else None
    generation = Generation(settings, number) if write else None
    if generation is not None:
        await generation.open()  # before the table is read: nobody changes it from here on
    try:
        async with log.opened(settings) as reader:
            live = await log.stored(reader, number, advance=advance)
            vouched = live.progress or await _recorded(reader, terms, number, count)
            position = await first_after(reader, number, vouched)
        _check(vouched, standing, terms, number, count)
        replayed = await replay(settings, number, count, begin(terms, live), vouched, advance, standing)
        table = differing(live, replayed.table)
        if generation is not None:
            own: Table = dict(replayed.own)
            met = _met(replayed.progress, vouched)
            await generation.write({**own, **table}, progress.encode(met), position)
    finally:
        if generation is not None:
            await generation.close()
    since = standing.begin.written if standing is not None else {}
    return _counted(live, table, replayed, since)


def _check(vouched: Progress, standing: Standing | None, terms: Terms, number: int, count: int) -> None:
    """Whether this program may write this pipeline's table. Raises Failed."""
    refused = progress.compare(vouched, Shard(number, count, terms).progress, number)
    if isinstance(refused, OtherTerms):
        raise Failed(refused.message)
    if standing is not None:
        check_standing(standing, vouched, terms, number, count, diff=False)


async def _recorded(reader: LogReader, terms: Terms, number: int, count: int) -> Progress:
    """How far the order records go, where the table is lost."""
    offsets: dict[str, int] = {}
    async for records in reader.read(topics.LEAD_ORDER, number):
        for record in records:
            for run in order.decode(record.value or b""):
                offsets[run.topic] = max(offsets.get(run.topic, 0), run.following)
    found = Shard(number, count, terms).progress
    found.offsets = offsets
    return found


def _met(reached: Progress, vouched: Progress) -> Progress:
    """The meta record of the new table: what the core came to, under the terms of the old one."""
    return Progress(
        vouched.offsets,
        vouched.partitions,
        vouched.delivery,
        progress.CORE,
        reached.model,
        vouched.secret,
        vouched.pipeline,
        reached.swept,
    )


def differing(live: Stored, wanted: Mapping[str, bytes]) -> Table:
    """What to write so that the table is the wanted one."""
    found: Table = {}
    for key, value in wanted.items():
        there = live.newest(key)
        if there is None or there != value:
            found[key.encode()] = value
    for key in live.everything():
        if key not in wanted:
            found[key.encode()] = None
    return found


def _counted(live: Stored, table: Table, replayed: Replayed, since: dict[str, int]) -> Part:
    changed = added = removed = 0
    for key, value in table.items():
        there = live.records.get(key.decode())
        if value is None:
            removed += 1
        elif there is None:
            added += 1
        elif settled(there) != value:  # not one that only no longer owes what was sent
            changed += 1
    return Part(len(replayed.table), changed, added, removed, replayed, since)


class Generation:
    """Writes one partition's table: all of it, or nothing."""

    def __init__(self, settings: Settings, number: int) -> None:
        self._settings = settings
        self._number = number
        self._exactly_once = settings.delivery == "exactly-once"
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Fence off whoever wrote for this partition before. Raises Unreachable, Refused."""
        own = (
            {
                "transactional_id": f"{self._settings.pipeline}-{self._number}",
                "transaction_timeout_ms": TRANSACTION_MS,
            }
            if self._exactly_once
            else {"acks": "all"}
        )
        producer = AIOKafkaProducer(
            **client_options(self._settings),
            max_request_size=2 * topics.MAX_STATE_BYTES,
            linger_ms=5,
            **own,
        )
        self._producer = producer
        async with log.failing_in_words(self._settings):
            await producer.start()

    async def write(self, table: Table, meta: bytes, order_position: int) -> None:
        """Raises Failed if a worker took the partition over, Refused."""
        producer = self._producer
        assert producer is not None
        headers = [] if self._exactly_once else [(ORDER, str(order_position).encode())]
        async with log.failing_in_words(self._settings):
            try:
                if self._exactly_once:
                    await producer.begin_transaction()
                await self._send(producer, table)
                await self._put(producer, progress.KEY, meta, headers)
                if self._exactly_once:
                    await producer.commit_transaction()
            except ProducerFenced:
                raise Failed(
                    f"a worker took partition {self._number} over: stop all workers; nothing was changed"
                ) from None

    async def _send(self, producer: AIOKafkaProducer, table: Table) -> None:
        items = list(table.items())
        for first in range(0, len(items), IN_FLIGHT):
            await asyncio.gather(
                *(self._put(producer, key, value, []) for key, value in items[first : first + IN_FLIGHT])
            )

    async def _put(
        self, producer: AIOKafkaProducer, key: bytes, value: bytes | None, headers: list[tuple[str, bytes]]
    ) -> None:
        sent = await producer.send(topics.LEAD_SCORES, value, key=key, partition=self._number, headers=headers)
        await sent

    async def close(self) -> None:
        if self._producer is not None:
            with contextlib.suppress(KafkaError):  # it was fenced: nothing of it is valid
                await self._producer.stop()
