"""How a partition's changes become durable: in one transaction, or in an order that loses nothing."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.producer import sender
from aiokafka.producer.message_accumulator import BatchBuilder

from streams import connection
from streams.changes import Changes
from streams.lane.packing import BATCH_BYTES, Packed, Packer, size
from streams.lane.record import ORDER

connection.mend()

TRANSACTION_TIMEOUT_MS: Final = 10_000
"""A hung producer holds back the readers of every partition that it wrote to until this has passed."""

RETRY_BACKOFF_MS: Final = 5
"""Kafka 4 answers CONCURRENT_TRANSACTIONS for a few milliseconds after each commit."""

sender.BACKOFF_OVERRIDE = RETRY_BACKOFF_MS / 1000  # aiokafka waits 20 ms then, longer than all the rest of a flush

REQUEST_TIMEOUT_MS: Final = 10_000
CLOSE_PATIENCE_S: Final = 1.0

CommitGroup = Callable[[Mapping[tuple[str, int], int]], Awaitable[None]]


class Writer(Protocol):
    """Makes one partition's changes durable. One write at a time."""

    async def open(self) -> None:
        """Fence off whoever wrote for this partition before. Raises KafkaError."""

    async def write(self, changes: Changes) -> int:
        """Returns the bytes written when all of it is durable. Whatever it raises: nobody knows what is."""

    async def close(self) -> None:
        """Does not wait for a broker that is gone."""


class TransactionWriter:
    """One transaction per flush; opening it aborts what a former owner left unfinished."""

    def __init__(self, client_options: Mapping[str, Any], pipeline: str, number: int) -> None:
        self._options = client_options
        self._pipeline = pipeline
        self._number = number
        self._packer = Packer(transactional=True)
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        identity = f"{self._pipeline}-{self._number}"
        self._producer = _producer(
            self._options,
            client_id=identity,
            transactional_id=identity,
            transaction_timeout_ms=TRANSACTION_TIMEOUT_MS,
        )
        await self._producer.start()  # gets the producer's id: this fences

    async def write(self, changes: Changes) -> int:
        producer = self._producer
        assert producer is not None
        try:
            return await self._write(producer, changes)
        except BaseException:
            _forgive(producer)
            raise

    async def _write(self, producer: AIOKafkaProducer, changes: Changes) -> int:
        packed = self._packer.transaction(self._number, changes)
        written = size(packed)
        await producer.begin_transaction()
        sent = await _send(producer, packed)
        offsets = {TopicPartition(topic, self._number): offset for topic, offset in changes.offsets.items()}
        if offsets:
            sent.append(producer.send_offsets_to_transaction(offsets, self._pipeline))
        # Every one: aiokafka would commit a transaction one of whose batches failed.
        await _all(sent)
        await producer.commit_transaction()
        return written

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)


class OrderedWriter:
    """For a broker without transactions: order, state, effects, then the meta record that vouches for them.

    What a crash leaves behind is re-applied in the recorded order; what is owed is sent again, byte for byte.
    """

    def __init__(
        self, client_options: Mapping[str, Any], pipeline: str, number: int, commit_group: CommitGroup
    ) -> None:
        self._options = client_options
        self._identity = f"{pipeline}-{number}"
        self._number = number
        self._commit_group = commit_group
        self._packer = Packer(transactional=False)
        self._producer: AIOKafkaProducer | None = None
        self.order_position = 0

    async def open(self) -> None:
        self._producer = _producer(self._options, client_id=self._identity, acks="all")
        await self._producer.start()

    async def write(self, changes: Changes) -> int:
        producer = self._producer
        assert producer is not None
        packer, number = self._packer, self._number
        ordered = packer.order(number, changes)
        written = size(ordered)
        for sent in await _all(await _send(producer, ordered)):
            self.order_position = sent.offset + 1
        note = (ORDER, str(self.order_position).encode())
        steps = packer.table(number, changes), packer.effects(changes.effects), packer.meta(number, changes, note)
        for packed in steps:
            written += size(packed)
            await _all(await _send(producer, packed))
        await self._tell_group(changes.offsets)
        return written

    async def _tell_group(self, offsets: Mapping[str, int]) -> None:
        """For lag tools only: progress itself is in the meta record."""
        if offsets:
            with contextlib.suppress(KafkaError, TimeoutError):
                await self._commit_group({(topic, self._number): offset for topic, offset in offsets.items()})

    async def close(self) -> None:
        producer, self._producer = self._producer, None
        if producer is not None:
            await _close(producer)


class _Batches(set[Any]):
    """aiokafka removes a batch twice that fails while it waits for a retry."""

    def remove(self, batch: Any) -> None:
        self.discard(batch)


def _producer(client_options: Mapping[str, Any], **options: Any) -> AIOKafkaProducer:
    producer = AIOKafkaProducer(
        **client_options,
        max_batch_size=BATCH_BYTES,
        retry_backoff_ms=RETRY_BACKOFF_MS,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        **options,
    )
    producer._message_accumulator._pending_batches = _Batches()
    return producer


async def _send(producer: AIOKafkaProducer, packed: Packed) -> list[Awaitable[Any]]:
    """Hand over all batches; the first of each partition together, so that they share a request."""
    sent: list[Awaitable[Any]] = []
    rounds: list[tuple[str, int, BatchBuilder]] = [
        (topic, partition, batches[turn])
        for turn in range(max((len(batches) for batches in packed.values()), default=0))
        for (topic, partition), batches in packed.items()
        if turn < len(batches)
    ]
    try:
        for topic, partition, batch in rounds:
            future = await producer.send_batch(batch, topic, partition=partition)
            # Shielded: aiokafka stumbles over batches that were cancelled while they waited for a retry. A shield
            # that is cancelled looks no longer at what it shields.
            future.add_done_callback(_seen)
            sent.append(asyncio.shield(future))
    except BaseException:
        for future in sent:
            asyncio.ensure_future(future).add_done_callback(_seen)
        raise
    return sent


async def _all(sent: list[Awaitable[Any]]) -> list[Any]:
    """Wait for every one, even when one fails, so that no failure is left unseen; then raise the first."""
    results = await asyncio.gather(*sent, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


async def _close(producer: AIOKafkaProducer) -> None:
    """Never raises, never lasts; in a task of its own, since aiokafka lets cancellations of its tasks escape."""
    _forgive(producer)
    closing = asyncio.ensure_future(producer.stop())
    await asyncio.wait([closing], timeout=CLOSE_PATIENCE_S)
    if not closing.done():
        _abandon(producer)
        closing.cancel()
        await asyncio.wait([closing], timeout=CLOSE_PATIENCE_S)
    if closing.done():
        _seen(closing)
    for task in _tasks_of(producer._sender):  # a request to be repeated waits for metadata that nobody fetches now
        task.cancel()
    _forgive(producer)  # what failed only now


def _forgive(producer: AIOKafkaProducer) -> None:
    """What aiokafka will mark as failed since a transaction was given up or fenced, and nobody waits for."""
    manager, accumulator = producer._txn_manager, producer._message_accumulator
    batches = [batch for queued in accumulator._batches.values() for batch in queued]
    futures = [future for b in (*batches, *accumulator._pending_batches) for future in (b._drain_waiter, b.future)]
    if manager is not None:
        futures += [future for _, _, future in manager._pending_txn_offsets]
        futures.append(manager.wait_for_transaction_end())
    for future in futures:
        if future is not None:
            future.add_done_callback(_seen)


def _abandon(producer: AIOKafkaProducer) -> None:
    """Give up a producer whose broker does not answer: its tasks would look for it for ever."""

    async def gone(*_: Any) -> None:
        raise asyncio.CancelledError  # ends the task that asks, without a word

    client = producer.client
    client.coordinator_lookup = gone
    running = _tasks_of(producer._sender, producer._message_accumulator, *client._conns.values())
    for task in running:
        task.cancel()
    for task in [*running, asyncio.ensure_future(client.close())]:
        _ABANDONED.add(task)
        task.add_done_callback(_seen)
        task.add_done_callback(_ABANDONED.discard)


def _tasks_of(*owners: object) -> list["asyncio.Task[Any]"]:
    """The tasks that run a method of one of these: aiokafka keeps no list of them."""
    found = []
    for task in asyncio.all_tasks():
        frame = getattr(task.get_coro(), "cr_frame", None)
        if frame is not None and any(frame.f_locals.get("self") is owner for owner in owners):
            found.append(task)
    return found


def _seen(future: "asyncio.Future[Any]") -> None:
    """Its end is known: asyncio need not say that nobody looked."""
    if not future.cancelled():
        future.exception()


_ABANDONED: Final[set["asyncio.Future[Any]"]] = set()
"""The event loop itself keeps only weak references to tasks."""
