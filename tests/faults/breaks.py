"""Deliberate breaks of the program: each must be caught by an invariant, or the invariants prove nothing."""

import asyncio
import itertools
import logging
import os
from collections.abc import Callable
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from streams import topics
from streams.changes import Changes, Effect
from streams.collector.kafka_gateway import KafkaGateway
from streams.lane import fetch, transaction
from streams.lane.lane import Lane
from streams.lane.packing import Packer
from streams.lane.tenure import Tenure
from streams.lane.transaction import TransactionWriter
from streams.outbox import Outbox
from streams.scoring.application import Outcome
from streams.shard import Shard
from streams.table import Table
from tests.faults.failpoints import put

UNFENCED_S: Final = 15.0
"""Between restore and fence, where they are swapped: long enough for a former owner to wake and commit."""
DROP_EVERY: Final = 20
LEAK_BYTES: Final = 32 << 20


def commit_before_effects(_: str) -> None:
    """State and progress in one transaction, what follows from them in the next."""
    write = TransactionWriter.write

    async def writing(writer: TransactionWriter, changes: Changes) -> int:
        written = await write(writer, changes._replace(effects=[]))
        if changes.effects:
            producer = writer._producer
            assert producer is not None
            await producer.begin_transaction()
            await transaction._all(await transaction._send(producer, writer._packer.effects(changes.effects)))
            await producer.commit_transaction()
        return written

    put(TransactionWriter, "write", writing)


def effects_outside(_: str) -> None:
    """What follows from the events is sent at once, by a producer without transactions."""
    write = TransactionWriter.write

    async def writing(writer: TransactionWriter, changes: Changes) -> int:
        producer = AIOKafkaProducer(**writer._options, acks="all")
        await producer.start()
        packed = Packer(transactional=False).effects(changes.effects)
        await transaction._all(await transaction._send(producer, packed))
        await producer.stop()
        return await write(writer, changes._replace(effects=[]))

    put(TransactionWriter, "write", writing)


def no_fence(_: str) -> None:
    """Each producer has a transactional id of its own: nobody is fenced."""
    make, turns = transaction._producer, itertools.count()

    def making(options: Any, **more: Any) -> AIOKafkaProducer:
        if "transactional_id" in more:
            more["transactional_id"] += f"-{os.getpid()}-{next(turns)}"
        return make(options, **more)

    put(transaction, "_producer", making)


def restore_before_fence(_: str) -> None:
    """The former owner may still commit while its successor restores."""
    fence, seat = TransactionWriter.open, Tenure._seat

    async def opening(writer: TransactionWriter) -> None:
        return None

    async def seating(tenure: Tenure) -> None:
        writer = tenure._writer
        assert isinstance(writer, TransactionWriter)
        if writer._producer is None:
            await asyncio.sleep(UNFENCED_S)
            await fence(writer)
        await seat(tenure)

    put(TransactionWriter, "open", opening)
    put(Tenure, "_seat", seating)


def seek_one_too_far(_: str) -> None:
    """A restart begins after the next record instead of at it."""
    start = Tenure._start

    def starting(tenure: Tenure, tp: Any, offset: int | None, first: int, end: int) -> int:
        found = start(tenure, tp, offset, first, end)
        return found if offset is None else min(found + 1, max(end, found))

    put(Tenure, "_start", starting)


def forget_a_lead(_: str) -> None:
    """One changed lead of each flush is not written."""
    take = Table.take

    def taking(table: Table, model: Any) -> Any:
        return take(table, model)[1:]

    put(Table, "take", taking)


def state_ahead(_: str) -> None:
    """At a rebalance nothing is flushed, the state is kept, and reading goes on from what was committed."""

    async def settling(lane: Lane) -> None:
        return None

    async def reseating(tenure: Tenure) -> None:
        assert tenure.partition is not None
        tenure.partition.offsets.update(tenure._committed)
        await tenure._seat()

    put(Lane, "_settle", settling)
    put(Tenure, "_reseat", reseating)


def batch_twice(_: str) -> None:
    """The first batch after each take-over is applied twice."""
    seat, apply = Tenure._seat, Tenure.apply
    fresh: set[Tenure] = set()

    async def seating(tenure: Tenure) -> None:
        await seat(tenure)
        fresh.add(tenure)

    def applying(tenure: Tenure, batch: Any) -> None:
        apply(tenure, batch)
        if tenure in fresh and tenure.partition is not None and batch.records and batch.epoch == tenure.epoch:
            fresh.discard(tenure)
            tenure.partition.apply(batch.topic, batch.records, again=True)

    put(Tenure, "_seat", seating)
    put(Tenure, "apply", applying)


def drop_effects(_: str) -> None:
    """One of twenty effects is not sent."""
    owe, turns = Outbox.owe, itertools.count(1)

    def owing(outbox: Outbox, effect: Effect) -> None:
        if next(turns) % DROP_EVERY:
            owe(outbox, effect)

    put(Outbox, "owe", owing)


def drop_handoffs(_: str) -> None:
    """One of twenty handoffs is not sent."""
    owe, turns = Outbox.owe, itertools.count(1)

    def owing(outbox: Outbox, effect: Effect) -> None:
        if effect.topic != topics.SALES_HANDOFFS or next(turns) % DROP_EVERY:
            owe(outbox, effect)

    put(Outbox, "owe", owing)


def no_order(_: str) -> None:
    """The order of application is not recorded."""

    def ordering(packer: Packer, number: int, changes: Changes) -> Any:
        return {}

    put(Packer, "order", ordering)


def believe_unconfirmed(_: str) -> None:
    """A flush that failed counts as done."""
    write = TransactionWriter.write

    async def writing(writer: TransactionWriter, changes: Changes) -> int:
        try:
            return await write(writer, changes)
        except Exception:
            return 0

    put(TransactionWriter, "write", writing)


def read_uncommitted(_: str) -> None:
    """Records of aborted transactions are applied."""

    def wanted(source: Any, batch: Any, committed_only: bool) -> bool:
        return not batch.is_control_batch

    put(fetch, "_wanted", wanted)


def swallow(_: str) -> None:
    """An exception in scoring counts as scored."""
    apply = Shard._apply

    def applying(shard: Shard, *arguments: Any) -> Any:
        try:
            return apply(shard, *arguments)
        except ZeroDivisionError:
            return Outcome.SCORED

    put(Shard, "_apply", applying)


def bare_dead_letters(_: str) -> None:
    """Dead letters without the bytes that were refused."""
    _dead_letters(lambda effect: effect._replace(value=b""))


def lost_dead_letters(_: str) -> None:
    """What is refused leaves no trace."""
    _dead_letters(lambda effect: None)


def _dead_letters(change: Callable[[Effect], Effect | None]) -> None:
    owe = Outbox.owe

    def owing(outbox: Outbox, effect: Effect) -> None:
        changed = change(effect) if effect.topic == topics.DEAD_LETTERS else effect
        if changed is not None:
            owe(outbox, changed)

    put(Outbox, "owe", owing)


def acknowledge_early(_: str) -> None:
    """The collector says 200 before the broker has the event."""
    publish = KafkaGateway.publish
    running: set[Any] = set()

    async def publishing(gateway: KafkaGateway, records: Any) -> Any:
        if gateway.unavailable is not None:
            return gateway.unavailable
        task = asyncio.ensure_future(publish(gateway, records))
        running.add(task)
        return None

    put(KafkaGateway, "publish", publishing)


def stay_away(_: str) -> None:
    """A partition that was kept through a rebalance is not read any more."""

    def resuming(tenure: Tenure) -> None:
        return None

    put(Tenure, "resume", resuming)


def complain(_: str) -> None:
    """An ERROR line for nothing."""
    _at_each_batch(lambda: logging.getLogger("streams.faults").error("something odd"), most=1)


def leak(_: str) -> None:
    """Memory grows with every batch."""
    kept: list[bytes] = []
    _at_each_batch(lambda: kept.append(b"x" * LEAK_BYTES), most=40)


def _at_each_batch(do: Callable[[], object], most: int) -> None:
    apply, turns = Tenure.apply, itertools.count()

    def applying(tenure: Tenure, batch: Any) -> None:
        if next(turns) < most:
            do()
        apply(tenure, batch)

    put(Tenure, "apply", applying)


ALL: Final[dict[str, Callable[[str], None]]] = {
    made.__name__: made
    for made in (
        commit_before_effects,
        effects_outside,
        no_fence,
        restore_before_fence,
        seek_one_too_far,
        forget_a_lead,
        state_ahead,
        batch_twice,
        drop_effects,
        drop_handoffs,
        no_order,
        believe_unconfirmed,
        read_uncommitted,
        swallow,
        bare_dead_letters,
        lost_dead_letters,
        acknowledge_early,
        stay_away,
        complain,
        leak,
    )
}
